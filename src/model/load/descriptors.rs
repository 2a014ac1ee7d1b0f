//! How many file descriptors a load needs.

use crate::model::load::options::LoadOptions;
use crate::model::own_limit::OwnLimit;

/// How many file descriptors a run needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// With fewer it cannot give every writer a session.
    pub least: u64,
    /// With so many it does not run out, also when attempts to connect hang beside each other.
    pub enough: u64,
}

/// Of the process itself: standard streams, the record, the runtime; measured: 13. With them the
/// session of the set-up, and two of the verification.
const OF_THE_PROCESS: u64 = 24;

/// Of what may come beside: name lookups, checks after outages, watchers of members and replicas.
const BESIDE: u64 = 40;

/// Of each thread of writers: its event loop. Measured: 4.
const OF_A_THREAD: u64 = 4;

/// Attempts of one writer that go on at the same time, at most.
const OF_A_WRITER: u64 = 5;

impl Descriptors {
    /// Those of a run with these options.
    #[must_use]
    pub fn of(options: &LoadOptions) -> Self {
        let writers = u64::from(options.writers);
        let base = OF_THE_PROCESS + OF_A_THREAD * u64::from(options.threads);
        Self { least: base + writers, enough: base + BESIDE + OF_A_WRITER * writers }
    }
}

/// What to do about a limit in a run with these options, with the number that suffices where it is
/// known.
#[must_use]
pub fn remedy(limit: OwnLimit, options: &LoadOptions) -> String {
    match limit {
        OwnLimit::Descriptors => {
            format!("{} to at least {}", limit.remedy(), Descriptors::of(options).enough)
        }
        _ => limit.remedy().to_owned(),
    }
}
