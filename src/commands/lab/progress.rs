//! The progress of commands on a lab, on standard error.

/// Tells one line.
#[expect(clippy::needless_pass_by_value, reason = "as the lab hands it over")]
pub(crate) fn tell(line: String) {
    super::super::terminal::tell(&line);
}
