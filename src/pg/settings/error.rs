//! What can be wrong with connection settings, in words for people, and where a setting was given.

use std::fmt;
use std::path::PathBuf;

use super::dsn_error::DsnError;
use crate::tls::TlsError;

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line, by its names.
    Flag(&'static str),
    /// The connection string.
    ConnectionString,
    /// A line of a service file.
    Service {
        /// The service.
        name: String,
        /// The file that defines it.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable, by its name.
    Variable(&'static str),
    /// The record of a run.
    Record,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::ConnectionString => f.write_str("the connection string"),
            Self::Record => f.write_str("the run's record"),
            Self::Service { name, file, line } => {
                write!(f, "service \"{name}\", {} line {line}", file.display())
            }
        }
    }
}

/// Why the settings cannot be used. No message quotes a connection string or a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The connection string cannot be read.
    #[error("the connection string cannot be read")]
    Dsn(#[from] DsnError),
    /// Two connection strings.
    #[error("two connection strings were given, as the argument and with -d/--dbname: give one")]
    TwoConnectionStrings,
    /// Two names of databases on the command line.
    #[error("two databases were given, \"{argument}\" and \"{flag}\" (-d/--dbname): give one")]
    TwoDatabases {
        /// The one given as an argument.
        argument: String,
        /// The one given with `-d`.
        flag: String,
    },
    /// A port, or a host with its port, at a database's place.
    #[error(
        "\"{argument}\" is taken for the name of a database: did you mean {meant}? \
         (a database that is called so is named with -d)"
    )]
    NoDatabase {
        /// The argument.
        argument: String,
        /// The flags that say it.
        meant: String,
    },
    /// An option that libpq does not know.
    #[error("invalid connection option {} in {origin}{}", quoted(name), hint(*suggestion))]
    UnknownOption {
        /// Its name, unless it may be part of a password.
        name: Option<String>,
        /// Where it was given.
        origin: Origin,
        /// The option that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// A value that the option cannot have.
    #[error("invalid {keyword} \"{value}\" (from {origin}): {expected}")]
    InvalidValue {
        /// The option.
        keyword: &'static str,
        /// The value.
        value: String,
        /// Where it was given.
        origin: Origin,
        /// What it may be.
        expected: String,
    },
    /// A value with a NUL byte, which PostgreSQL's protocol cannot carry.
    #[error("{keyword} (from {origin}) contains a NUL byte, which PostgreSQL cannot take")]
    NulByte {
        /// The option.
        keyword: &'static str,
        /// Where it was given.
        origin: Origin,
    },
    /// A variable that is not UTF-8.
    #[error("the environment variable {name} is not valid UTF-8")]
    VariableNotUtf8 {
        /// The variable.
        name: &'static str,
    },
    /// As many ports or addresses as hosts are needed, or (ports only) one.
    #[error(
        "{count} {keyword} values (from {origin}) for {hosts}: \
         give {}as many as hosts, separated by commas",
        if *keyword == "port" { "one for all, or " } else { "" }
    )]
    Counts {
        /// `port` or `hostaddr`.
        keyword: &'static str,
        /// How many values there are.
        count: usize,
        /// Where they were given.
        origin: Origin,
        /// How many hosts, and where they were given, in words.
        hosts: String,
    },
    /// No service file defines the service.
    #[error("definition of service \"{service}\" not found; looked in {}", paths(looked_in))]
    ServiceNotFound {
        /// The service.
        service: String,
        /// The files, in the order searched.
        looked_in: Vec<PathBuf>,
    },
    /// The service file cannot be read.
    #[error("service file \"{}\" cannot be read", file.display())]
    ServiceFile {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of the service file is wrong.
    #[error("service file \"{}\", line {line}: {what}", file.display())]
    ServiceLine {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// libpq knows it, pgchaos does not, and going on without it would weaken what was asked for.
    #[error("{keyword} (from {origin}) is not supported: {why}")]
    Unsupported {
        /// The option.
        keyword: &'static str,
        /// Where it was given.
        origin: Origin,
        /// What pgchaos does instead, or what to do.
        why: &'static str,
    },
    /// `verify-ca` or `verify-full` without a certificate to verify with.
    #[error(
        "sslmode={sslmode} needs a root certificate, and {}: name one with sslrootcert (or PGSSLROOTCERT), \
         use sslrootcert=system, or choose another sslmode",
        missing(file.as_ref())
    )]
    NoRootCertificate {
        /// `verify-ca` or `verify-full`.
        sslmode: &'static str,
        /// The file that is not there.
        file: Option<PathBuf>,
    },
    /// TLS cannot be set up: a file, a key, a version.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A file of the user's folder cannot be used, and the mode does not do without it.
    #[error("{error}; it counts as the default, as nothing else is named: mend it, or {way_out}")]
    DefaultFile {
        /// What is wrong with it.
        error: TlsError,
        /// How to do without it.
        way_out: &'static str,
    },
    /// Two settings that cannot go together.
    #[error("{0}")]
    Contradiction(&'static str),
}

fn quoted(name: &Option<String>) -> String {
    name.as_ref().map_or_else(
        || "(not shown, as it may be part of a password: a value with spaces needs quotes, and in a URI \
            the signs @ / ? & = % are written %40 %2F %3F %26 %3D %25)".to_owned(),
        |name| format!("\"{name}\""),
    )
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"))
}

fn paths(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}

fn missing(file: Option<&PathBuf>) -> String {
    file.map_or_else(
        || "none was named".to_owned(),
        |file| format!("\"{}\" does not exist", file.display()),
    )
}
