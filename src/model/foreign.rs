//! Foreign text: what a server, an API, a file or another program says.
//!
//! It passes one gate where its bytes become text ([`said`], [`name`], [`sqlstate`]), so that
//! neither memory nor a record holds more of it than is of use, and one where it is printed
//! ([`plain`], [`lines`], [`inert_json`]), as a record may come from anywhere. All of them may be
//! applied twice: what has passed the gate passes it unchanged.

use std::borrow::Cow;
use std::fmt::Write;

use serde::{Deserialize, Deserializer};

/// A message is kept to this many characters, its ellipsis included.
pub const MESSAGE_CHARS_MAX: usize = 1_000;

/// The same for a name: of a member, a role, a database, an application, a setting's value.
pub const NAME_CHARS_MAX: usize = 100;

/// Lines of a text of several, such as an excerpt of a file, and how long each may be.
const LINES_MAX: usize = 200;
const LINE_CHARS_MAX: usize = 4_000;

/// What a server or another program says, for record and log: on one line, without anything that
/// a terminal obeys, cut to [`MESSAGE_CHARS_MAX`].
#[must_use]
pub fn said(text: &str) -> String {
    fitted(text, MESSAGE_CHARS_MAX)
}

/// A name that others gave, as [`said`], cut to [`NAME_CHARS_MAX`].
#[must_use]
pub fn name(text: &str) -> String {
    fitted(text, NAME_CHARS_MAX)
}

/// For serde: a name, read from an answer or from a record.
///
/// # Errors
/// What is read is no text.
pub fn read_name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(|text| name(&text))
}

/// For serde: the same where there may be none.
///
/// # Errors
/// What is read is no text.
pub fn read_some_name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.as_deref().map(name))
}

/// For serde: a message of a record, no longer than one is kept. It is escaped where it is printed, as a
/// record gives back what was put into it.
///
/// # Errors
/// What is read is no text.
pub fn read_message<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    String::deserialize(from).map(|text| shortened(&text, MESSAGE_CHARS_MAX))
}

/// For serde: the same where there may be none.
///
/// # Errors
/// What is read is no text.
pub fn read_some_message<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.map(|text| shortened(&text, MESSAGE_CHARS_MAX)))
}

/// A SQLSTATE: five digits and capital letters. Anything else is none.
#[must_use]
pub fn sqlstate(code: &str) -> Option<&str> {
    let is_code =
        code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    is_code.then_some(code)
}

/// The text on one line, without anything that a terminal obeys.
///
/// Line breaks become spaces, as PostgreSQL's own messages have them for people. Every other
/// control character, and those that reorder or break lines by Unicode's rules, is shown as an
/// escape such as `\u{1b}`.
#[must_use]
pub fn plain(text: &str) -> String {
    fitted(text, usize::MAX)
}

/// At most `room` characters, the last one an ellipsis when something is left out.
#[must_use]
pub fn shortened(text: &str, room: usize) -> String {
    if text.chars().nth(room).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A text of several lines, each without anything that a terminal obeys, with its spaces as they
/// are. What is too long is cut.
#[must_use]
pub fn lines(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(LINE_CHARS_MAX));
    for (number, line) in text.split('\n').enumerate() {
        if number == LINES_MAX {
            kept.push_str("\n…");
            break;
        }
        if number > 0 {
            kept.push('\n');
        }
        let mut room = LINE_CHARS_MAX;
        for character in line.strip_suffix('\r').unwrap_or(line).chars() {
            let escape = is_steering(character).then(|| character.escape_unicode());
            let width = escape.as_ref().map_or(1, ExactSizeIterator::len);
            if room < width {
                kept.push('…');
                break;
            }
            room -= width;
            match (character, escape) {
                ('\t', _) => kept.push(' '),
                (_, Some(escape)) => kept.extend(escape),
                (ordinary, None) => kept.push(ordinary),
            }
        }
    }
    kept
}

/// Text of any length as a terminal may have it: line breaks, tabs and the colours of pgchaos's own
/// lines pass, everything else that a terminal obeys is escaped.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let passes = |character| matches!(character, '\n' | '\t') || !is_steering(character);
    if text.chars().all(passes) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let width = match colour(rest) {
            0 => character.len_utf8(),
            colour => colour,
        };
        if passes(character) || colour(rest) > 0 {
            printable.push_str(&rest[..width]);
        } else {
            printable.extend(character.escape_unicode());
        }
        rest = &rest[width..];
    }
    Cow::Owned(printable)
}

/// How long the colour is that the text begins with, such as `ESC [1;31m`; 0 where it is none.
fn colour(text: &str) -> usize {
    let Some(codes) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = codes.find(|c: char| !c.is_ascii_digit() && c != ';');
    end.filter(|end| codes[*end..].starts_with('m')).map_or(0, |end| "\u{1b}[".len() + end + 1)
}

/// JSON without a character that a terminal obeys: JSON need not escape DEL, C1 controls and
/// marks of direction. Line breaks between its parts stay.
#[must_use]
pub fn inert_json(json: String) -> String {
    if json.bytes().all(|byte| byte.is_ascii() && byte != 0x7f) {
        // Inside its strings JSON itself escapes the other control characters.
        return json;
    }
    let mut inert = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\n' => inert.push('\n'),
            // All of them are in the basic plane, so one escape is enough.
            steering if is_steering(steering) => {
                // Writing to a String does not fail.
                let _ = write!(inert, "\\u{:04x}", u32::from(steering));
            }
            ordinary => inert.push(ordinary),
        }
    }
    inert
}

/// Whether a terminal may obey this character instead of showing it.
#[must_use]
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Line and paragraph separators; marks, embeddings, overrides and isolates of
            // direction; the byte order mark.
            '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'
                ..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// On one line, escaped, and cut to `room` characters. No more of the text is looked at than that
/// takes.
fn fitted(text: &str, room: usize) -> String {
    let text = text.trim();
    let mut kept = String::with_capacity(text.len().min(room));
    // Where the text is cut if it turns out to be too long, with room for the ellipsis.
    let (mut count, mut cut) = (0_usize, 0);
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' | ' ' => {
                if !kept.ends_with(' ') {
                    kept.push(' ');
                    count += 1;
                }
            }
            steering if is_steering(steering) => {
                let escape = steering.escape_unicode();
                count += escape.len();
                kept.extend(escape);
            }
            ordinary => {
                kept.push(ordinary);
                count += 1;
            }
        }
        if count > room {
            kept.truncate(cut);
            kept.truncate(kept.trim_end().len());
            kept.push('…');
            return kept;
        }
        if count < room {
            cut = kept.len();
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        assert_eq!(fitted("Иван Петров", 11), "Иван Петров");
        assert_eq!(fitted("Иван Петров", 6), "Иван…");
        assert_eq!(fitted("Иван\u{1b}", 7), "Иван…", "no half of an escape");
    }

    #[test]
    fn a_message_is_kept_to_its_limit() {
        let kept = said(&"ä".repeat(10_000_000));
        assert_eq!(kept.chars().count(), MESSAGE_CHARS_MAX);
        assert!(kept.ends_with("ä…"), "{kept}");
        assert_eq!(name(&"n".repeat(101)).chars().count(), NAME_CHARS_MAX);
        assert_eq!(name(&"n".repeat(100)), "n".repeat(100));
    }

    #[test]
    fn a_sqlstate_has_five_digits_and_capitals() {
        assert_eq!(sqlstate("57P01"), Some("57P01"));
        for none in ["", "5700", "570011", "57p01", "57 01", "\u{1b}[31m", "ÄÖ1", "5\u{202e}0"] {
            assert_eq!(sqlstate(none), None, "{none:?}");
        }
    }

    #[test]
    fn lines_keep_their_spaces_and_lose_what_steers() {
        assert_eq!(lines("a\n  b\t\u{1b}[2J\r\nc"), "a\n  b \\u{1b}[2J\nc");
        assert_eq!(lines(&"x".repeat(LINE_CHARS_MAX + 9)).chars().count(), LINE_CHARS_MAX + 1);
        assert_eq!(lines(&"\n".repeat(1_000_000)).matches('\n').count(), LINES_MAX);
    }

    #[test]
    fn of_all_that_steers_only_colours_are_printed() {
        let ours = "\u{1b}[1;31mLOST\u{1b}[0m\ta\n";
        assert_eq!(printable(ours), ours);
        let theirs = "\u{1b}[2J\u{1b}]0;x\u{7}\u{1b}[31\u{202e}\u{1b}[";
        assert_eq!(printable(theirs), "\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{1b}[31\\u{202e}\\u{1b}[");
    }

    #[test]
    fn json_has_its_own_escapes() {
        let json = "{\n  \"a\": \"\u{9b}\u{202e}ü\u{7f}\"\n}\n".to_owned();
        assert_eq!(inert_json(json), "{\n  \"a\": \"\\u009b\\u202eü\\u007f\"\n}\n");
    }

    proptest! {
        #[test]
        fn what_has_passed_passes_again_and_nothing_steers(text in any::<String>(), room in 1..40_usize) {
            let once = fitted(&text, room);
            prop_assert!(!once.contains(is_steering), "{once:?}");
            prop_assert!(once.chars().count() <= room, "{once:?}");
            prop_assert_eq!(fitted(&once, room), once);
            let shown = lines(&text);
            prop_assert!(shown.split('\n').all(|line| !line.contains(is_steering)), "{shown:?}");
            prop_assert_eq!(lines(&shown), shown);
        }
    }
}
