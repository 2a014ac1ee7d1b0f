//! One option of a connection string, as it was read.

/// An option that was said, not yet known to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether the name may be shown, should it be unknown.
    pub(super) showable: bool,
}
