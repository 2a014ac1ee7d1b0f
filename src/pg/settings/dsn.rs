//! A connection string, in either form, into the options it says.
//!
//! `tokio_postgres::Config` could read part of it, but not what it does not know (`service`, `passfile`,
//! `sslrootcert`, `verify-full`, …), so all pairs would have to be found here anyway; and read once, by libpq's
//! rules, they can be layered with those of service file and environment. A test compares the two.

use super::error::{Origin, SettingsError};
use super::{key_value, keyword, uri};

/// Longer than any connection string that somebody wrote.
const DSN_BYTES_MAX: usize = 64 * 1024;
/// Long enough for every option's name.
const NAME_CHARS_MAX: usize = 40;

/// Why a connection string cannot be read. It never quotes it: any part may be part of a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DsnError {
    /// A word of the key=value form has no `=`.
    #[error(
        "the word at character {position} has no \"=\" after it (a value with spaces needs quotes: 'two words')"
    )]
    NoEquals {
        /// Where the word begins, from 1.
        position: usize,
    },
    /// Where a value is due, the next option begins.
    #[error(
        "at character {position} a value is due, and another option begins (an empty value is '')"
    )]
    NoValue {
        /// Where the value is due, from 1.
        position: usize,
    },
    /// A quote is never closed.
    #[error(
        "the quoted value that begins at character {position} has no closing ' (inside, write \\' and \\\\)"
    )]
    Unterminated {
        /// Where the quote is, from 1.
        position: usize,
    },
    /// `%` is not followed by two hexadecimal digits.
    #[error(
        "the {part} has a \"%\" without two hexadecimal digits after it (a plain % is written %25)"
    )]
    Percent {
        /// Which part of the URI.
        part: &'static str,
    },
    /// `%00`.
    #[error("the {part} has %00 in it, which PostgreSQL cannot take")]
    PercentNul {
        /// Which part of the URI.
        part: &'static str,
    },
    /// What `%XX` stands for is no UTF-8.
    #[error("the {part} is not valid UTF-8 once its %XX are decoded")]
    PercentUtf8 {
        /// Which part of the URI.
        part: &'static str,
    },
    /// `[` without `]`, or with nothing in it.
    #[error("an IPv6 address in the URI is written in brackets, like [::1]")]
    Brackets,
    /// Something else than a port, the path or the next host follows a `]`.
    #[error("after an IPv6 address in brackets come \":\", \",\", \"/\" or the end")]
    AfterBrackets,
    /// A bare `@` where user and password are over, or `/` before them: probably parts of a password.
    #[error(
        "there is an \"@\" in its host or path: in a user, password or database, write @ as %40 and / as %2F"
    )]
    StrayAt,
    /// A parameter of the query has no `=`, or two.
    #[error(
        "parameter {number} after the \"?\" is not of the form name=value (inside a value, write = as %3D and & as %26)"
    )]
    QueryParameter {
        /// Which one, from 1.
        number: usize,
    },
    /// Another scheme.
    #[error("it must begin with postgresql:// or postgres://")]
    Scheme,
    /// Like a URI, without its scheme.
    #[error(
        "it looks like a URI without its beginning: write postgresql://user@host:port/database"
    )]
    NoScheme,
    /// Far too long.
    #[error("it is longer than 64 KiB")]
    TooLong,
}

/// An option that was said, not yet known to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether the name may be shown, should it be unknown.
    pub(super) showable: bool,
}

/// Whether it is a connection string rather than the name of a database, as libpq decides it.
pub(super) fn is_connection_string(text: &str) -> bool {
    text.contains('=') || text.contains("://")
}

/// The name of a database, given in a connection string's place.
pub(super) fn database_name(text: &str) -> Result<&str, DsnError> {
    match text.contains('@') && text.contains([':', '/']) {
        true => Err(DsnError::NoScheme),
        false => Ok(text),
    }
}

/// The options that a connection string says; of those said twice the last, as in libpq.
pub(super) fn parse(text: &str) -> Result<Vec<(&'static str, String)>, SettingsError> {
    let mut options: Vec<(&'static str, String)> = Vec::new();
    for pair in pairs(text)? {
        let Some(known) = keyword::find(&pair.name) else {
            return Err(unknown_option(&pair));
        };
        options.retain(|(name, _)| *name != known.name);
        options.push((known.name, pair.value));
    }
    Ok(options)
}

pub(super) fn pairs(text: &str) -> Result<Vec<Pair>, DsnError> {
    if text.len() > DSN_BYTES_MAX {
        return Err(DsnError::TooLong);
    }
    for scheme in ["postgresql://", "postgres://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return uri::parse(rest);
        }
    }
    // Only before the first "=" can it be a scheme; after that it is somebody's value.
    let before_equals = text.split('=').next().unwrap_or_default();
    if before_equals.contains("://") {
        return Err(DsnError::Scheme);
    }
    key_value::parse(text)
}

fn unknown_option(pair: &Pair) -> SettingsError {
    let like_a_name = pair.name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let short = pair.name.chars().count() <= NAME_CHARS_MAX;
    let name = (pair.showable && like_a_name && short).then(|| pair.name.clone());
    SettingsError::UnknownOption {
        suggestion: name.as_deref().and_then(keyword::suggest),
        name,
        origin: Origin::ConnectionString,
    }
}
