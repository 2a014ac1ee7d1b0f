//! Pass, fail or inconclusive.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a run comes to. The order is that of gravity when several are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was asked for held, and was verified.
    Pass,
    /// Nothing failed that could be seen, but not everything could be seen.
    Inconclusive,
    /// Something that was asked for did not hold.
    Fail,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        })
    }
}
