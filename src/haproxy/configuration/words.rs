//! A line of the configuration as words.

/// The most words of a line: HAProxy takes 64, and fills in `"${NAME[*]}"` before it counts.
const WORDS_MAX: usize = 1024;

/// A word of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// The word, with its variables filled in.
    pub(super) text: String,
    /// A variable in it that is not set.
    pub(super) unset: Option<String>,
}

/// The words of a line, up to a comment.
///
/// # Errors
/// What is wrong with it.
pub(super) fn words(
    line: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Word>, String> {
    let mut reader = WordReader { words: Vec::new(), word: None };
    let mut letters = line.chars().peekable();
    let mut quoted = Quoted::Not;
    while let Some(letter) = letters.next() {
        match (quoted, letter) {
            (Quoted::Not, '#') => break,
            // What C takes for space.
            (Quoted::Not, ' ' | '\t' | '\r' | '\u{b}' | '\u{c}') => reader.end_word()?,
            (Quoted::Not, '\'') => quoted = reader.open(Quoted::Strongly),
            (Quoted::Not, '"') => quoted = reader.open(Quoted::Weakly),
            (Quoted::Strongly, '\'') | (Quoted::Weakly, '"') => quoted = Quoted::Not,
            (Quoted::Weakly, '$') => {
                let reference = Reference::read(&mut letters)?;
                reader.fill_in(&reference, variable)?;
            }
            (Quoted::Not | Quoted::Weakly, '\\') => match letters.next() {
                Some('n') if quoted == Quoted::Not => reader.push('\n'),
                Some('r') if quoted == Quoted::Not => reader.push('\r'),
                Some('t') if quoted == Quoted::Not => reader.push('\t'),
                Some(letter) => reader.push(letter),
                None => return Err("it ends with a backslash".to_owned()),
            },
            (_, letter) => reader.push(letter),
        }
    }
    if quoted != Quoted::Not {
        return Err("a quote is not closed".to_owned());
    }
    reader.end_word()?;
    Ok(reader.words)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoted {
    Not,
    /// In double quotes: variables are filled in.
    Weakly,
    /// In single quotes: everything stands for itself.
    Strongly,
}

/// `$NAME`, `${NAME}`, `${NAME-default}` or `${NAME[*]}`.
struct Reference {
    name: String,
    default: Option<String>,
    /// Its value is several words.
    is_several: bool,
}

impl Reference {
    fn read(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Self, String> {
        let is_braced = letters.next_if_eq(&'{').is_some();
        let mut name = String::new();
        let of_name = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
        while let Some(letter) = letters.next_if(|letter| of_name(letter)) {
            name.push(letter);
        }
        if name.is_empty() {
            return Err("a $ in double quotes stands before no variable".to_owned());
        }
        if !is_braced {
            return Ok(Self { name, default: None, is_several: false });
        }
        let rest: String =
            std::iter::from_fn(|| letters.next_if(|letter| *letter != '}')).collect();
        if letters.next().is_none() {
            return Err(format!("the brace after ${{{name} is not closed"));
        }
        let (is_several, rest) = match rest.strip_prefix("[*]") {
            Some(rest) => (true, rest),
            None => (false, rest.as_str()),
        };
        match (rest.strip_prefix('-'), rest) {
            (Some(default), _) => Ok(Self { name, default: Some(default.to_owned()), is_several }),
            (None, "") => Ok(Self { name, default: None, is_several }),
            (None, _) => Err(format!("${{{name}}} has something else in its braces")),
        }
    }
}

struct WordReader {
    words: Vec<Word>,
    word: Option<Word>,
}

impl WordReader {
    fn open(&mut self, quoted: Quoted) -> Quoted {
        // Empty quotes are a word.
        self.word.get_or_insert_default();
        quoted
    }

    fn push(&mut self, letter: char) {
        self.word.get_or_insert_default().text.push(letter);
    }

    fn end_word(&mut self) -> Result<(), String> {
        self.words.extend(self.word.take());
        if self.words.len() > WORDS_MAX {
            return Err(format!("it has more than {WORDS_MAX} words"));
        }
        Ok(())
    }

    fn fill_in(
        &mut self,
        reference: &Reference,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), String> {
        let value = variable(&reference.name).or_else(|| reference.default.clone());
        let Some(value) = value else {
            self.word.get_or_insert_default().unset = Some(reference.name.clone());
            return Ok(());
        };
        if !reference.is_several {
            self.word.get_or_insert_default().text.push_str(&value);
            return Ok(());
        }
        for (number, part) in value.split_ascii_whitespace().enumerate() {
            if number > 0 {
                self.end_word()?;
            }
            self.word.get_or_insert_default().text.push_str(part);
        }
        Ok(())
    }
}
