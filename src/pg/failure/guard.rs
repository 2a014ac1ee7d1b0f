//! A deadline of pgchaos's own, and the words that name it.

use std::time::Duration;

/// A deadline of pgchaos's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Of a whole connect to one address.
    ConnectTimeout,
    /// Of a write or a read of the load.
    WriteTimeout,
    /// The load has ended: what is in flight has a few seconds more.
    EndOfLoad,
    /// Of a step of the set-up or of the verification.
    Step,
}

impl Guard {
    /// That no answer came, and which deadline ended the wait.
    #[must_use]
    pub fn words(self, waited: Duration) -> String {
        let seconds = waited.as_secs_f64();
        match self {
            Self::ConnectTimeout => format!("no answer within {seconds:.1} s (--connect-timeout)"),
            Self::WriteTimeout => format!("no answer within {seconds:.1} s (--write-timeout)"),
            Self::EndOfLoad => format!("no answer within {seconds:.1} s, as the load has ended"),
            Self::Step => format!("no answer within {seconds:.1} s"),
        }
    }
}
