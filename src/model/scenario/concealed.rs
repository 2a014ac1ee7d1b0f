//! A command, and a line of a drill's file, as they are shown: without the passwords in them.

/// What stands in their place.
const HIDDEN: &str = "…";

/// Hides what follows `password=`, and the password of a URL.
pub(super) fn concealed(command: &str) -> String {
    let mut shown = String::new();
    let mut rest = command;
    while let Some((before, secret, after)) = next_secret(rest) {
        shown.push_str(before);
        shown.push_str(if secret.is_empty() { "" } else { HIDDEN });
        rest = after;
    }
    shown + rest
}

/// What stands before the next password, it, and the rest.
fn next_secret(text: &str) -> Option<(&str, &str, &str)> {
    let of_word = text.to_ascii_lowercase().find("password=").map(|at| {
        let from = at + "password=".len();
        let quote = text[from..].chars().next().filter(|first| matches!(first, '\'' | '"'));
        let from = from + usize::from(quote.is_some());
        let ends =
            |c: char| quote.map_or(c.is_whitespace() || matches!(c, '\'' | '"' | '&'), |q| c == q);
        (from, text[from..].find(ends).map_or(text.len(), |end| from + end))
    });
    let of_url = text.match_indices("://").find_map(|(at, _)| {
        let from = at + "://".len();
        let authority = &text[from..];
        let end = authority
            .find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"'))
            .unwrap_or(authority.len());
        let at_sign = authority[..end].rfind('@')?;
        let colon = authority[..at_sign].find(':')?;
        let (from, to) = (from + colon + 1, from + at_sign);
        (text[from..to] != *HIDDEN && from < to).then_some((from, to))
    });
    let (from, to) = [of_word, of_url].into_iter().flatten().min()?;
    Some((&text[..from], &text[from..to], &text[to..]))
}

/// Words that stand beside secrets, in small letters.
const BESIDE_SECRETS: [&str; 9] =
    ["pass", "pwd", "secret", "token", "credential", "apikey", "api_key", "authoriz", "-u "];

/// Where in the line that begins at this byte of a drill's file the part begins that is not shown.
///
/// A command may have a secret anywhere in it, so that none is shown; of another line, what has a
/// word that stands beside secrets or a URL with user information. The file may be no TOML: what
/// its lines are is told by how they begin.
pub(super) fn hidden_from(text: &str, line_start: usize) -> Option<usize> {
    let line = text.get(line_start..)?.lines().next().unwrap_or_default();
    if !is_of_command(text.get(..line_start)?, line) && !may_hold_a_secret(line) {
        return None;
    }
    let is_key = |key: &str| !key.contains(['"', '\'', '$']);
    let key_end = line.find('=').filter(|at| is_key(&line[..*at]) && !in_command(text, line_start));
    Some(key_end.map_or(0, |at| at + 1))
}

fn may_hold_a_secret(line: &str) -> bool {
    let small = line.to_ascii_lowercase();
    let has_user_info = small
        .split("://")
        .skip(1)
        .any(|url| url.split(char::is_whitespace).any(|word| word.contains('@')));
    has_user_info || BESIDE_SECRETS.iter().any(|word| small.contains(word))
}

fn is_of_command(before: &str, line: &str) -> bool {
    let mut place = ScanState::default();
    before.lines().for_each(|line| place.pass(line));
    place.pass(line);
    place.is_command || ["exec", "undo"].iter().any(|key| line.contains(key))
}

/// Whether the line only goes on with a text of several lines.
fn in_command(text: &str, line_start: usize) -> bool {
    let mut place = ScanState::default();
    text.get(..line_start).unwrap_or_default().lines().for_each(|line| place.pass(line));
    place.in_text
}

/// Where the lines of a file have come to.
#[derive(Default)]
struct ScanState {
    /// In `[hooks]`, which has nothing but commands.
    in_hooks: bool,
    /// In a text of several lines.
    in_text: bool,
    /// The latest key is that of a command.
    is_command: bool,
}

impl ScanState {
    fn pass(&mut self, line: &str) {
        let start = line.trim_start();
        if !self.in_text {
            if start.starts_with('[') && !start.starts_with("[\"") && !start.starts_with("['") {
                self.in_hooks = start.trim_start_matches(['[', ' ']).starts_with("hooks");
                self.is_command = false;
            }
            if let Some((key, _)) = start.split_once('=') {
                let of_command = ["exec", "undo", "hooks"].iter().any(|word| key.contains(word));
                self.is_command = self.in_hooks || of_command;
            }
        }
        let quotes = line.matches("\"\"\"").count() + line.matches("'''").count();
        self.in_text ^= quotes % 2 == 1;
    }
}

/// The message with `…` in the place of each of its quotes that repeats a part of these texts, or
/// that may be a secret by itself.
pub(super) fn without_quotes_of(message: &str, hidden: &[&str]) -> String {
    let mut shown = String::new();
    let mut rest = message;
    while let Some((before, quoted)) = rest.split_once('"') {
        let mut is_escaped = false;
        let end = quoted.find(|c: char| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        });
        let (quote, after) = match end {
            Some(end) => (&quoted[..end], &quoted[end + 1..]),
            None => (quoted, ""),
        };
        let repeats = |text: &&str| text.contains(quote) || format!("{text:?}").contains(quote);
        let is_hidden = hidden.iter().any(repeats) || may_hold_a_secret(quote);
        shown.push_str(before);
        shown.push_str(&format!("\"{}\"", if is_hidden { HIDDEN } else { quote }));
        rest = after;
    }
    concealed(&(shown + rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown_and_the_rest_is() {
        for (command, shown) in [
            (
                "psql postgresql://app:geheim@h/x -c 'select 1'",
                "psql postgresql://app:…@h/x -c 'select 1'",
            ),
            ("PGPASSWORD=pw psql -h a", "PGPASSWORD=… psql -h a"),
            ("psql \"host=a password='p w' user=b\"", "psql \"host=a password='…' user=b\""),
            (
                "psql 'password=a' && psql postgres://u:b@h",
                "psql 'password=…' && psql postgres://u:…@h",
            ),
            ("curl http://localhost:8008/patroni", "curl http://localhost:8008/patroni"),
            ("kubectl delete pod a:b@c", "kubectl delete pod a:b@c"),
        ] {
            assert_eq!(concealed(command), shown);
        }
    }
}
