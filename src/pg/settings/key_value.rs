//! The key=value form: `host=localhost port=5432 password='it\'s'`.

use std::iter::Peekable;
use std::str::Chars;

use super::dsn_error::DsnError;
use super::keyword;
use super::pair::Pair;

/// The pairs, in their order.
pub(super) fn parse(text: &str) -> Result<Vec<Pair>, DsnError> {
    let mut reader = Reader { chars: text.chars().peekable(), position: 1 };
    let mut pairs: Vec<Pair> = Vec::new();
    loop {
        reader.skip_spaces();
        if reader.chars.peek().is_none() {
            return Ok(pairs);
        }
        let name = reader.name()?;
        let value = reader.value()?;
        // A word after a password may be the rest of it: `password=two words=x`.
        let showable = pairs.iter().all(|before| !before.name.contains("pass"));
        pairs.push(Pair { name, value, showable });
    }
}

struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    /// Position of the next character, from 1.
    position: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.next()?;
        self.position += 1;
        Some(next)
    }

    fn next_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        if self.chars.peek().is_some_and(|c| wanted(*c)) {
            return self.next();
        }
        None
    }

    fn skip_spaces(&mut self) {
        while self.next_if(is_space).is_some() {}
    }

    /// A name and the `=` after it.
    fn name(&mut self) -> Result<String, DsnError> {
        let position = self.position;
        let mut name = String::new();
        while let Some(c) = self.next_if(|c| c != '=' && !is_space(c)) {
            name.push(c);
        }
        self.skip_spaces();
        match self.next_if(|c| c == '=') {
            Some(_) => Ok(name),
            None => Err(DsnError::NoEquals { position }),
        }
    }

    fn value(&mut self) -> Result<String, DsnError> {
        let before_spaces = self.position;
        self.skip_spaces();
        let position = self.position;
        if self.next_if(|c| c == '\'').is_none() {
            let value = self.until(is_space);
            let is_next_option = position > before_spaces && begins_with_option(&value);
            return match is_next_option {
                true => Err(DsnError::NoValue { position }),
                false => Ok(value),
            };
        }
        let value = self.until(|c| c == '\'');
        match self.next() {
            Some(_) => Ok(value),
            None => Err(DsnError::Unterminated { position }),
        }
    }

    /// Reads up to the end character, which stays unread. A backslash escapes the character after it.
    fn until(&mut self, end: impl Fn(char) -> bool) -> String {
        let mut value = String::new();
        while let Some(c) = self.next_if(|c| !end(c)) {
            let plain = if c == '\\' { self.next() } else { Some(c) };
            value.extend(plain);
        }
        value
    }
}

/// To libpq `port= password=x` is a port of `password=x`. That is a slip, and an error would show the password.
fn begins_with_option(value: &str) -> bool {
    let option = value.split_once('=');
    option.is_some_and(|(name, _)| keyword::find(name).is_some())
}

/// C's `isspace`, as libpq uses it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}
