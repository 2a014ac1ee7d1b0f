//! A line as it is meant, and as it is printed: escaped, fitted to the terminal, coloured.
//!
//! The words of servers pass through here on their way to a terminal, so control characters are
//! escaped here.
//!
//! Rows are broken here and not by a crate: a row ends where a fact does, and never between a number
//! and its unit, which textwrap has no rule for.

use console::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::foreign::{plain, shortened};

/// What a line is about, shown by its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As planned: no colour.
    Plain,
    /// Writing again.
    Good,
    /// Waiting, trying again.
    Wary,
    /// Writes fail.
    Bad,
    /// An alarm: the whole line is bold and red.
    Loud,
    /// A success that is proven: the whole line is bold and green.
    Proven,
}

impl Tone {
    /// The style of its words, without a look at the environment: the caller knows whether to
    /// colour.
    fn style(self) -> Option<Style> {
        let style = Style::new().force_styling(true);
        match self {
            Self::Plain => None,
            Self::Good => Some(style.green()),
            Self::Wary => Some(style.yellow()),
            Self::Bad => Some(style.red()),
            Self::Loud => Some(style.red().bold()),
            Self::Proven => Some(style.green().bold()),
        }
    }
}

/// Text in a tone, or as it is when there is no colour.
#[must_use]
pub fn painted(text: &str, tone: Tone, colour: bool) -> String {
    match tone.style() {
        Some(style) if colour && !text.is_empty() => style.apply_to(text).to_string(),
        _ => text.to_owned(),
    }
}

/// One line, as it is meant: `mark rest: message · part · part`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its colour.
    pub tone: Tone,
    /// The first words, which carry the colour.
    pub mark: String,
    /// What follows the mark at once.
    pub rest: String,
    /// A server's words: they alone may be shortened.
    pub message: Option<String>,
    /// Facts, each after a dot.
    pub parts: Vec<String>,
}

impl Line {
    /// A line of a mark alone.
    #[must_use]
    pub fn new(tone: Tone, mark: impl Into<String>) -> Self {
        Self { tone, mark: mark.into(), rest: String::new(), message: None, parts: Vec::new() }
    }

    /// Adds what follows the mark.
    #[must_use]
    pub fn rest(mut self, rest: impl AsRef<str>) -> Self {
        self.rest.push_str(rest.as_ref());
        self
    }

    /// Sets the server's words.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn part(mut self, part: impl Into<String>) -> Self {
        self.parts.push(part.into());
        self
    }

    /// Adds a fact where there is one.
    #[must_use]
    pub fn part_if(mut self, part: Option<String>) -> Self {
        self.parts.extend(part);
        self
    }

    fn text(&self, message: Option<&str>) -> String {
        let mut text = format!("{}{}", self.mark, self.rest);
        if let Some(message) = message {
            text.push_str(": ");
            text.push_str(message);
        }
        for part in &self.parts {
            text.push_str(" · ");
            text.push_str(part);
        }
        plain(&text)
    }
}

/// How lines are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Whether marks are coloured.
    pub colour: bool,
    /// The terminal's width in columns; `None` where lines may be of any length, as in a file.
    pub width: Option<usize>,
    /// Whether a server's words may be shortened to keep a line on one row.
    pub shorten: bool,
}

/// A message is not shortened to fewer columns: the line is wrapped instead.
const SHORTEST_MESSAGE: usize = 30;
/// A message that is not told in full ends here, also where lines may be of any length.
pub(super) const LONGEST_MESSAGE: usize = 400;

/// The columns that a text takes in a terminal: two for most characters of East Asia, none for an
/// accent that is put on the character before it.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The end of the longest beginning of a text that fits into so many columns: never between a
/// character and what is put on it, and never without any character.
fn end_within(text: &str, room: usize) -> usize {
    let stands_alone = |(_, character): &(usize, char)| character.width().is_none_or(|w| w > 0);
    let ends = text.char_indices().filter(stands_alone).map(|(index, _)| index).skip(1);
    let mut ends = ends.chain([text.len()]).peekable();
    let first = ends.peek().copied().unwrap_or_default();
    ends.take_while(|end| columns(&text[..*end]) <= room).last().unwrap_or(first)
}

/// A text in at most so many columns, with an ellipsis when something is left out.
pub(super) fn shortened_to_columns(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let kept = &text[..end_within(text, room.saturating_sub(1))];
    shortened(text, kept.chars().count() + 1)
}

/// The end of a name, which tells it from others, in at most so many columns, with an ellipsis where something is left
/// out.
pub(super) fn ending(name: &str, room: usize) -> String {
    if columns(name) <= room {
        return name.to_owned();
    }
    let ends = name.char_indices().map(|(at, _)| &name[at..]);
    let end = ends.skip(1).find(|end| columns(end) < room).unwrap_or_default();
    format!("…{end}")
}

impl Layout {
    /// The rows of a line: the first after `prefix`, the others under it.
    #[must_use]
    pub fn rows(&self, prefix: &str, line: &Line) -> Vec<String> {
        let indent = columns(prefix);
        let room = self.width.map(|width| width.saturating_sub(indent).max(20));
        let text = self.fitted(line, room);
        let rows = room.map_or_else(|| vec![text.clone()], |room| wrapped(&text, room));
        let mark = plain(&line.mark);
        rows.into_iter()
            .enumerate()
            .map(|(number, row)| {
                let lead = if number == 0 { prefix.to_owned() } else { " ".repeat(indent) };
                format!("{lead}{}", self.coloured(line.tone, &mark, &row))
            })
            .collect()
    }

    fn fitted(&self, line: &Line, room: Option<usize>) -> String {
        let Some(message) = line.message.as_deref().map(plain) else {
            return line.text(None);
        };
        if !self.shorten {
            return line.text(Some(&message));
        }
        let beside = columns(&line.text(Some("")));
        let allowed = room.map_or(LONGEST_MESSAGE, |room| room.saturating_sub(beside));
        let allowed = allowed.clamp(SHORTEST_MESSAGE, LONGEST_MESSAGE);
        line.text(Some(&shortened_to_columns(&message, allowed)))
    }

    fn coloured(&self, tone: Tone, mark: &str, row: &str) -> String {
        match row.strip_prefix(mark) {
            _ if matches!(tone, Tone::Loud | Tone::Proven) => painted(row, tone, self.colour),
            Some(rest) => format!("{}{rest}", painted(mark, tone, self.colour)),
            None => row.to_owned(),
        }
    }
}

/// Fits finished lines to a terminal of so many columns: a line that is too long goes on under its
/// own words. Where the width is not known, lines stay as they are.
#[must_use]
pub fn fitted(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut rows = Vec::new();
    for line in text.lines() {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        if columns(words) + indent <= width {
            rows.push(line.to_owned());
            continue;
        }
        let room = width.saturating_sub(indent + HANGING).max(20);
        let (first, rest) = broken(words, room + HANGING);
        rows.push(format!("{:indent$}{}", "", first.trim_end()));
        let under = indent + HANGING;
        rows.extend(wrapped(rest, room).iter().map(|row| format!("{:under$}{row}", "")));
    }
    rows.join("\n") + "\n"
}

/// How far further rows of a line stand to the right of its first.
const HANGING: usize = 2;

/// Breaks text into rows of at most `room` columns: between facts where that is possible,
/// else between words, else anywhere.
#[must_use]
pub fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut rest = text.trim();
    while columns(rest) > room {
        let (row, next) = broken(rest, room);
        rows.push(row.trim_end().to_owned());
        rest = next;
    }
    if rows.is_empty() || !rest.is_empty() {
        rows.push(rest.to_owned());
    }
    rows
}

fn broken(text: &str, room: usize) -> (&str, &str) {
    let limit = end_within(text, room);
    let (within, at_limit) = (&text[..limit], &text[limit..]);
    if let Some(index) = facts_break(text, limit) {
        return (&text[..index], text[index..].trim_start_matches(" · ").trim_start());
    }
    let words = if at_limit.starts_with(' ') { Some(limit) } else { between_words(within) };
    match words {
        Some(index) if index > 0 => (&text[..index], text[index..].trim_start()),
        _ => (within, at_limit),
    }
}

/// The last place within the limit where a fact ends, unless that leaves a row nearly empty.
fn facts_break(text: &str, limit: usize) -> Option<usize> {
    [" · ", " ("]
        .iter()
        .flat_map(|mark| text.match_indices(mark))
        .map(|(index, _)| index)
        .filter(|index| *index <= limit && *index >= limit / 3)
        .max()
}

/// The last space that does not follow a digit: a number stays whole, and with its unit.
fn between_words(text: &str) -> Option<usize> {
    let spaces = || text.match_indices(' ').map(|(index, _)| index).rev();
    spaces()
        .find(|index| !text[..*index].ends_with(|last: char| last.is_ascii_digit()))
        .or_else(|| spaces().next())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_break_between_facts_then_between_words_then_anywhere() {
        assert_eq!(wrapped("RECOVERED · one two · three", 22), ["RECOVERED · one two", "three"]);
        assert_eq!(
            wrapped("after 67.1 s (connection_lost 1)", 20),
            ["after 67.1 s", "(connection_lost 1)"]
        );
        assert_eq!(wrapped("all of the 48 213 writes", 18), ["all of the", "48 213 writes"]);
        assert_eq!(wrapped("#########", 4), ["####", "####", "#"]);
    }

    #[test]
    fn a_row_is_as_wide_as_its_characters_are_and_not_as_many() {
        let fatal = "データベースは停止しています";
        assert_eq!(wrapped(fatal, 20), ["データベースは停止し", "ています"]);
        assert_eq!(wrapped(fatal, 21), ["データベースは停止し", "ています"]);
        assert_eq!(wrapped("deux mots accentue\u{301}s", 19), ["deux mots accentue\u{301}s"]);
        assert_eq!(wrapped("ne\u{301}e\u{301}", 2), ["ne\u{301}", "e\u{301}"]);
        assert_eq!(wrapped("停止", 1), ["停", "止"], "a character at least");
        let line = Line::new(Tone::Bad, "LOST").message(fatal.repeat(2)).part("8 in doubt");
        let layout = Layout { colour: false, width: Some(60), shorten: true };
        let rows = ["LOST: データベースは停止していますデータベース… · 8 in doubt"];
        assert_eq!(layout.rows("", &line), rows);
        assert_eq!(columns(rows[0]), 60);
        assert_eq!(fitted(&format!("  {fatal}\n"), Some(30)), format!("  {fatal}\n"));
        let rows = "  データベースは停止していま\n    す\n";
        assert_eq!(fitted(&format!("  {fatal}\n"), Some(28)), rows);
    }

    proptest! {
        #[test]
        fn no_row_is_too_wide_and_no_character_is_lost(
            text in "[a-c0-9é停止ア\u{301}\u{200d}\u{fe0f}❤👩🚀·( ]{0,60}",
            room in 4usize..40,
        ) {
            let rows = wrapped(&text, room);
            for row in &rows {
                prop_assert!(columns(row) <= room, "{row:?} in {room}");
            }
            let letters = |text: &str| text.replace([' ', '·'], "");
            prop_assert_eq!(letters(&rows.concat()), letters(&text));
        }
    }

    #[test]
    fn finished_lines_go_on_under_their_own_words() {
        let text = "one line\n  a second one that is too long for that\n\n";
        let fitted_to_26 = "one line\n  a second one that is too\n    long for that\n\n";
        assert_eq!(fitted(text, Some(26)), fitted_to_26);
        assert_eq!(fitted(text, None), text);
    }

    #[test]
    fn only_the_servers_words_are_shortened() {
        let line = Line::new(Tone::Bad, "LOST")
            .message("a server that talks without end and then some more")
            .part("8 writes in doubt");
        let layout = Layout { colour: false, width: Some(60), shorten: true };
        assert_eq!(
            layout.rows("  ", &line),
            ["  LOST: a server that talks without end… · 8 writes in doubt"]
        );
        let in_full = Layout { shorten: false, ..layout };
        assert_eq!(
            in_full.rows("  ", &line),
            ["  LOST: a server that talks without end and then some more", "  8 writes in doubt"]
        );
    }

    #[test]
    fn the_mark_carries_the_colour_and_a_loud_line_is_coloured_whole() {
        let layout = Layout { colour: true, width: Some(24), shorten: true };
        assert_eq!(
            layout.rows("> ", &Line::new(Tone::Good, "CONNECTED").rest(" to a")),
            ["> \u{1b}[32mCONNECTED\u{1b}[0m to a"]
        );
        assert_eq!(
            layout.rows("> ", &Line::new(Tone::Loud, "!!! gone").part("1234567890123")),
            [
                "> \u{1b}[31m\u{1b}[1m!!! gone\u{1b}[0m",
                "  \u{1b}[31m\u{1b}[1m1234567890123\u{1b}[0m"
            ]
        );
    }
}
