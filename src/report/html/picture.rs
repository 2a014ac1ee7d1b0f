//! Units of a picture: how places are written, how wide words are, and boxes as one path.

use unicode_width::UnicodeWidthStr;

/// The width of a column of words, on the safe side: that of a wide font.
const COLUMN: f64 = 7.0;
const BOLD_COLUMN: f64 = 8.2;

/// Boxes that are closer than this are one: the gap between them could not be seen.
const SEEN: f64 = 0.1;

/// A number of units of the picture: no more digits than can be seen.
pub(super) fn place(units: f64) -> String {
    let text = format!("{units:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// How wide words are, on the safe side.
pub(super) fn width_of(words: &str) -> f64 {
    columns(words) * COLUMN
}

/// How wide bold words are, on the safe side.
pub(super) fn bold_width_of(words: &str) -> f64 {
    columns(words) * BOLD_COLUMN
}

fn columns(words: &str) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a short text")]
    let columns = words.width() as f64;
    columns
}

/// Upright boxes from one height to another as the path of a single element: ten thousand of them cost
/// no more than their places. Each goes from left to right; those that touch are one.
pub(super) fn boxes(spans: impl IntoIterator<Item = (f64, f64)>, top: f64, bottom: f64) -> String {
    let mut spans: Vec<(f64, f64)> = spans.into_iter().collect();
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut path = String::new();
    let mut open: Option<(f64, f64)> = None;
    let mut close = |span: Option<(f64, f64)>| {
        if let Some((from, to)) = span {
            let width = place(to - from);
            let (from, top, height) = (place(from), place(top), place(bottom - top));
            path.push_str(&format!("M{from} {top}h{width}v{height}h-{width}z"));
        }
    };
    for (from, to) in spans {
        open = match open {
            Some((first, last)) if from - last < SEEN => Some((first, last.max(to))),
            before => {
                close(before);
                Some((from, to))
            }
        };
    }
    close(open);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_that_touch_are_one() {
        let path = boxes([(20.0, 30.0), (1.0, 2.0), (30.05, 31.5), (25.0, 26.0)], -4.0, 6.0);
        assert_eq!(path, "M1 -4h1v10h-1zM20 -4h11.5v10h-11.5z");
        assert_eq!(boxes([], 0.0, 1.0), "");
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(width_of("主"), 2.0 * COLUMN);
        assert_eq!(width_of("ab"), 2.0 * COLUMN);
    }
}
