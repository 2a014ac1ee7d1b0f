//! How far one writer is.

use serde::{Deserialize, Serialize};

/// How far one writer is.
///
/// In JSON `[writer, attempted, resolved]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(i32, i64, i64)", into = "(i32, i64, i64)")]
pub struct Progress {
    /// Which writer.
    pub writer: i32,
    /// The highest sequence number that was sent.
    pub attempted: i64,
    /// Up to here every write is acknowledged, unless an interval or a failure says otherwise.
    pub resolved: i64,
}

impl TryFrom<(i32, i64, i64)> for Progress {
    type Error = String;

    fn try_from((writer, attempted, resolved): (i32, i64, i64)) -> Result<Self, String> {
        if 0 <= resolved && resolved <= attempted {
            return Ok(Self { writer, attempted, resolved });
        }
        Err(format!("writer {writer} cannot have sent {attempted} writes, {resolved} of them done"))
    }
}

impl From<Progress> for (i32, i64, i64) {
    fn from(progress: Progress) -> Self {
        (progress.writer, progress.attempted, progress.resolved)
    }
}
