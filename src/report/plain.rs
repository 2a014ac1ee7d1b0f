//! Foreign text made safe to print: a server's message must not steer the reader's terminal.

/// The text on one line, without anything that a terminal obeys.
///
/// Line breaks become spaces, as PostgreSQL's own messages have them for people. Every other
/// control character, and those that reorder or break lines by Unicode's rules, is shown as an
/// escape such as `\u{1b}`.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match character {
            '\n' | '\r' | '\t' | ' ' => {
                if !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            steering if is_steering(steering) => plain.extend(steering.escape_unicode()),
            ordinary => plain.push(ordinary),
        }
    }
    plain
}

/// Whether a terminal may obey this character instead of showing it.
#[must_use]
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Line and paragraph separators; marks, embeddings, overrides and isolates of
            // direction; the byte order mark.
            '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'
                ..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// At most `room` characters, the last one an ellipsis when something is left out.
#[must_use]
pub fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_become_spaces_and_escapes_are_shown() {
        assert_eq!(
            plain("closed unexpectedly\n\tThis  means\r\n"),
            "closed unexpectedly This means"
        );
        assert_eq!(plain("a\u{1b}[2Jb\u{7}\u{9b}"), "a\\u{1b}[2Jb\\u{7}\\u{9b}");
        assert_eq!(plain("\u{202e}kcab"), "\\u{202e}kcab");
        assert_eq!(plain("Иван → Петров"), "Иван → Петров");
    }

    #[test]
    fn an_ellipsis_says_that_something_is_left_out() {
        assert_eq!(shortened("Иван Петров", 11), "Иван Петров");
        assert_eq!(shortened("Иван Петров", 6), "Иван…");
    }
}
