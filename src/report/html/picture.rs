//! Units of a picture: how places are written, and how wide words are.

/// The width of a character of a label, on the safe side.
pub(super) const CHARACTER: f64 = 6.8;

/// A number of units of the picture: no more digits than can be seen.
pub(super) fn place(units: f64) -> String {
    let text = format!("{units:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
