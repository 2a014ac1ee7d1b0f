//! Limits of the machine that pgchaos itself runs on: what it ran out of says nothing of the
//! cluster.

use serde::{Deserialize, Serialize};

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
    /// Files for TLS: one of this machine's cannot be used any more, and every connect takes it.
    TlsFiles,
    /// Time: the files of this machine that a connect takes were not read by its deadline.
    TimeForFiles,
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
            Self::TlsFiles => "TLS files that can be used",
            Self::TimeForFiles => "time to read its own TLS files",
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
            Self::TlsFiles => "mend the file: the next connect reads it",
            Self::TimeForFiles => "see to the disk or mount of these files",
        }
    }
}
