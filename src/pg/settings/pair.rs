//! One option of a connection string, as it was read.

/// A name and a value; the name may be no option of libpq's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether an error may show the name if it is unknown: it may be part of a password.
    pub(super) showable: bool,
}
