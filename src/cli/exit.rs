//! How the program ends: its exit codes are part of the public interface.

use std::process::ExitCode;

use crate::model::outcome::Outcome;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: what was asked for held, and was verified.
    Pass,
    /// 1: it did not hold.
    Fail,
    /// 2: the command line is wrong.
    Usage,
    /// 3: not everything could be seen.
    Inconclusive,
    /// 4: it could not run at all.
    CouldNotRun,
    /// 130: stopped at once by the user.
    StoppedNow,
}

impl Exit {
    /// The code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::CouldNotRun => 4,
            Self::StoppedNow => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Fail => Self::Fail,
            Outcome::Inconclusive => Self::Inconclusive,
        }
    }
}
