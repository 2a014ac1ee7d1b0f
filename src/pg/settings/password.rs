//! A password that cannot be printed, and where it came from.

use std::fmt;
use std::path::PathBuf;

use super::error::Origin;

/// A password. Neither `Debug` nor `Display` shows it, nor how long it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Vec<u8>);

impl Password {
    /// Takes the bytes as they are: PostgreSQL passwords have no encoding.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The password itself, for the driver only.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a host's password came from, so that the error of a refused login can tell what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// The connection string, the service or `PGPASSWORD`.
    Said(Origin),
    /// The first matching line of this password file.
    File(PathBuf),
    /// None was given: `postgres` is tried on this machine.
    Default,
}

impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(origin) => write!(f, "the password from {origin}"),
            Self::File(path) => write!(f, "the password from the password file \"{}\"", path.display()),
            Self::Default => f.write_str(
                "the default password \"postgres\", as none was given (set PGPASSWORD or add a line to ~/.pgpass)",
            ),
        }
    }
}
