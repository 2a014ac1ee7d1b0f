//! Why a command could not do its work: what happened, and what to do about it.

use std::fmt;

use crate::cli::exit::Exit;
use crate::engine::record_file::RecordFileError;
use crate::engine::run::RunError;
use crate::engine::setup::{SetupError, Step};
use crate::model::fault::{Class, Fault};
use crate::pg::settings::{ConnectSettings, SettingsError};

/// A problem, as a person reads it.
#[derive(Debug)]
pub struct Problem {
    what: String,
    remedy: Option<String>,
    /// How the program ends.
    pub exit: Exit,
}

impl Problem {
    /// It could not run at all.
    #[must_use]
    pub fn could_not_run(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None, exit: Exit::CouldNotRun }
    }

    /// The command line is wrong.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None, exit: Exit::Usage }
    }

    /// With what to do about it.
    #[must_use]
    pub fn try_this(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// A session that could not be opened.
    #[must_use]
    pub fn of_fault(step: Step, fault: Fault, role: &str, dbname: &str) -> Self {
        Self::of_setup(&SetupError::Refused { step, fault }, role, dbname)
    }

    /// A set-up that failed.
    #[must_use]
    pub fn of_setup(error: &SetupError, role: &str, dbname: &str) -> Self {
        let remedy = remedy(error, role, dbname);
        Self { what: error.to_string(), remedy, exit: Exit::CouldNotRun }
    }

    /// A run that could not be.
    #[must_use]
    pub fn of_run(error: RunError, settings: &ConnectSettings) -> Self {
        match error {
            RunError::Setup(error) => {
                let mut problem = Self::of_setup(&error, &settings.user, &settings.dbname);
                problem.what.push_str(&tried_password(&error, settings));
                problem
            }
            RunError::Record(error) => error.into(),
            RunError::Threads(_) | RunError::Internal(_) => Self::could_not_run(error.to_string()),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pgchaos: {}", self.what)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  try: {}", remedy.replace('\n', "\n       "))?;
        }
        Ok(())
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        let chain = anyhow::Error::from(error);
        Self::usage(format!("{chain:#}"))
    }
}

impl From<RecordFileError> for Problem {
    fn from(error: RecordFileError) -> Self {
        let exists = matches!(
            &error,
            RecordFileError::Io { doing: "made", error, .. }
                if error.kind() == std::io::ErrorKind::AlreadyExists
        );
        let problem = Self::could_not_run(error.to_string());
        if exists {
            return problem.try_this("another file name; a record is never overwritten");
        }
        problem
    }
}

/// Which password was refused, as it may come from a place that nobody thought of.
fn tried_password(error: &SetupError, settings: &ConnectSettings) -> String {
    let SetupError::Refused { fault, .. } = error else { return String::new() };
    let mut hosts = settings.hosts.iter();
    match hosts.find(|host| host.to_string() == fault.endpoint) {
        Some(host) if fault.sqlstate.as_deref() == Some("28P01") => {
            format!(" with {}", host.password_source)
        }
        _ => String::new(),
    }
}

/// What to do about it: the SQLSTATE and the step tell, never the message, which the server may
/// translate.
fn remedy(error: &SetupError, role: &str, dbname: &str) -> Option<String> {
    let grants = format!(
        "as the owner of the schema:\n\
         GRANT USAGE ON SCHEMA pgchaos TO {role};\n\
         GRANT SELECT ON pgchaos.users TO {role};\n\
         GRANT SELECT, INSERT ON pgchaos.user_events TO {role};"
    );
    let (step, fault) = match error {
        SetupError::Refused { step, fault } => (*step, fault),
        SetupError::PartialObjects => {
            return Some(
                "pgchaos clean --schema, if nothing in it is needed; the next gen makes it anew"
                    .to_owned(),
            );
        }
        SetupError::NoUsers => {
            return Some("pgchaos clean --schema, then pgchaos init".to_owned());
        }
    };
    Some(match (step, fault.sqlstate.as_deref(), fault.class) {
        (_, Some("3D000"), _) => format!("createdb {dbname}, or name another database with -d"),
        (_, Some("28P01"), _) => format!(
            "the right password for {role} in PGPASSWORD, in ~/.pgpass or in the DSN, or another \
             role with -U"
        ),
        // Not the server refused, but pgchaos refused the server's way of logging in.
        (_, None, Class::Auth) => {
            "channel_binding=prefer (PGCHANNELBINDING), as the binding needs \
                                   TLS; or scram-sha-256 for this role in the server's \
                                   pg_hba.conf"
                .to_owned()
        }
        (_, _, Class::Auth) => {
            format!(
                "a line in the server's pg_hba.conf that lets {role} in, or another role with -U"
            )
        }
        (_, _, Class::Tls) => "sslmode=prefer or sslmode=disable (PGSSLMODE): this version of \
                               pgchaos speaks no TLS yet"
            .to_owned(),
        (Step::Create, Some("42501"), _) => format!(
            "as the owner of the database: GRANT CREATE ON DATABASE {dbname} TO {role};\n\
             or make the schema with another role once: pgchaos init -U OWNER; then {grants}"
        ),
        (Step::Try, Some("42501"), _) => grants,
        (Step::Try, Some("42P01" | "42703" | "42804"), _) => {
            "pgchaos clean --schema: the tables are not the ones that pgchaos makes".to_owned()
        }
        _ => return None,
    })
}
