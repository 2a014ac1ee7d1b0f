//! What the user should know before the load starts; it stops nothing.

use std::fmt;
use std::path::PathBuf;

use super::error::Origin;

/// Something that is ignored or done otherwise. `Display` tells what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Others could read the password file, so it is ignored, as libpq does.
    PasswordFileAccess(PathBuf),
    /// The password file is a folder, a device or the like, so it is ignored, as libpq does.
    PasswordFileNotPlain(PathBuf),
    /// The password file that was named is not there.
    PasswordFileMissing(PathBuf),
    /// The password file is there and cannot be read: the reason.
    PasswordFileUnreadable(PathBuf, String),
    /// An option that pgchaos does not act on.
    Ignored {
        /// The option.
        keyword: &'static str,
        /// Where it was given.
        origin: Origin,
        /// What is done instead.
        why: &'static str,
    },
    /// The root certificate that was named is not there, and `sslmode` does not demand it.
    RootCertificateMissing(PathBuf),
    /// The client's certificate that was named is not there.
    ClientCertificateMissing(PathBuf),
    /// A file of the user's folder cannot be used, and the mode does without TLS.
    WithoutTls {
        /// What is wrong with it.
        error: String,
        /// `allow` or `prefer`.
        sslmode: &'static str,
        /// How to do without the file.
        way_out: &'static str,
    },
    /// The revocation list of the user's folder cannot be used: why.
    DefaultListUnusable(String),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PasswordFileAccess(path) => write!(
                f,
                "password file \"{}\" has group or world access; permissions should be u=rw (0600) or less: it is ignored",
                path.display()
            ),
            Self::PasswordFileNotPlain(path) => {
                write!(f, "password file \"{}\" is not a plain file: it is ignored", path.display())
            }
            Self::PasswordFileMissing(path) => {
                write!(f, "password file \"{}\" does not exist", path.display())
            }
            Self::PasswordFileUnreadable(path, reason) => {
                write!(
                    f,
                    "password file \"{}\" cannot be read and is ignored: {reason}",
                    path.display()
                )
            }
            Self::Ignored { keyword, origin, why } => {
                write!(f, "{keyword} (from {origin}) is ignored: {why}")
            }
            Self::RootCertificateMissing(path) => write!(
                f,
                "root certificate \"{}\" does not exist: the server's certificate is not verified",
                path.display()
            ),
            Self::ClientCertificateMissing(path) => {
                write!(f, "client certificate \"{}\" does not exist: none is sent", path.display())
            }
            Self::WithoutTls { error, sslmode, way_out } => write!(
                f,
                "{error}: with sslmode={sslmode} the connection goes on without TLS, as psql's does; mend it, or {way_out}"
            ),
            Self::DefaultListUnusable(error) => write!(
                f,
                "{error}: it is ignored, as by psql, and revoked certificates are accepted"
            ),
        }
    }
}
