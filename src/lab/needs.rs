//! The programs that a lab needs of the system, and those that are missing.

use std::fmt;

/// What a lab needs of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `postgres` and what belongs to a server.
    PostgreSql,
    /// Patroni.
    Patroni,
    /// Patroni's module for etcd, a package of its own.
    PatroniForEtcd,
    /// etcd.
    Etcd,
    /// HAProxy.
    HaProxy,
    /// `setsid`.
    Setsid,
}

impl Need {
    /// Its package in Debian and Ubuntu.
    #[must_use]
    pub fn package(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgresql",
            Self::Patroni => "patroni",
            Self::PatroniForEtcd => "python3-etcd",
            Self::Etcd => "etcd-server",
            Self::HaProxy => "haproxy",
            Self::Setsid => "util-linux",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PostgreSql => "PostgreSQL's server",
            Self::Patroni => "Patroni",
            Self::PatroniForEtcd => "Patroni's module for etcd",
            Self::Etcd => "etcd",
            Self::HaProxy => "HAProxy",
            Self::Setsid => "setsid",
        })
    }
}

/// The programs that are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPrograms(pub Vec<Need>);

impl fmt::Display for MissingPrograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(Need::to_string).collect();
        let are = if names.len() == 1 { "is" } else { "are" };
        write!(f, "a lab runs the real programs, and {} {are} not installed", names.join(", "))
    }
}
