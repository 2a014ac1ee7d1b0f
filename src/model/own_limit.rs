//! Limits of the machine that pgchaos itself runs on: what it ran out of says nothing of the
//! cluster.

use serde::{Deserialize, Serialize};

use super::options::LoadOptions;

/// What pgchaos ran out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnLimit {
    /// File descriptors of the process (EMFILE).
    Descriptors,
    /// File descriptors of the whole system (ENFILE).
    SystemDescriptors,
    /// Local ports for outgoing connections (EADDRNOTAVAIL).
    Ports,
    /// Memory, or buffers of the network (ENOMEM, ENOBUFS).
    Memory,
    /// Threads.
    Threads,
}

impl OwnLimit {
    /// What there is none of, to follow "ran out of".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Descriptors => "file descriptors",
            Self::SystemDescriptors => "file descriptors of the whole system",
            Self::Ports => "local ports",
            Self::Memory => "memory for its sockets",
            Self::Threads => "threads",
        }
    }

    /// What to do about it, in short.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Descriptors => "raise ulimit -n",
            Self::SystemDescriptors => "raise the sysctl fs.file-max",
            Self::Ports => "widen the sysctl net.ipv4.ip_local_port_range",
            Self::Memory => "free memory, or take fewer writers",
            Self::Threads => "raise ulimit -u",
        }
    }

    /// The same for a run with these options, with the number that suffices where it is known.
    #[must_use]
    pub fn remedy_for(self, options: &LoadOptions) -> String {
        match self {
            Self::Descriptors => {
                format!("{} to at least {}", self.remedy(), Descriptors::of(options).enough)
            }
            _ => self.remedy().to_owned(),
        }
    }
}

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
