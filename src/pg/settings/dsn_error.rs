//! Why a connection string cannot be read.

/// Why a connection string cannot be read. Never quotes the string: any part may be part of a password.
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
    /// A bare `@` after user and password, or a `/` in them: probably parts of a password.
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
