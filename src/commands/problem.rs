//! Why a command could not do its work, as it is printed: what happened, and what to do about it.

use std::fmt;

use super::connection_options::ConnectionOptions;
use super::remedies::{remedy, tried_password};
use crate::cli::exit::Exit;
use crate::engine::descriptors::TooFewDescriptors;
use crate::engine::record::file::RecordFileError;
use crate::engine::run::RunError;
use crate::engine::setup::{SetupError, SetupStep};
use crate::model::fault::Fault;
use crate::model::foreign;
use crate::model::own_limit::OwnLimit;
use crate::pg::failure::own_limits;
use crate::pg::sessions::connect::NotOpened;
use crate::pg::settings::{ConnectSettings, SettingsError};
use crate::report::layout;

/// What happened, what to do about it, and how the program ends.
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
    pub fn of_fault(step: SetupStep, fault: Fault, connection: &ConnectionOptions) -> Self {
        Self::of_setup(&SetupError::refused(step, fault), connection)
    }

    /// Places that were tried, each in vain, in that order.
    #[must_use]
    pub fn of_failures(failures: Vec<NotOpened>, connection: &ConnectionOptions) -> Self {
        match SetupError::no_host_serves(failures) {
            Some(error) => Self::of_setup(&error, connection),
            None => Self::usage("no host was named"),
        }
    }

    /// A set-up that failed.
    #[must_use]
    pub fn of_setup(error: &SetupError, connection: &ConnectionOptions) -> Self {
        let remedy = remedy(error, connection);
        // A server's words are one line, whatever is in them: what breaks lines here is pgchaos's own.
        let words = error.to_string();
        let what = match error {
            SetupError::NoHostServes { .. } => foreign::lines(&words),
            _ => foreign::plain(&words),
        };
        Self { what, remedy, exit: Exit::CouldNotRun }
    }

    /// A run that could not be.
    #[must_use]
    pub fn of_run(error: RunError, settings: &ConnectSettings) -> Self {
        match error {
            RunError::Setup(error) => {
                let mut problem = Self::of_setup(&error, &ConnectionOptions::of(settings));
                problem.what.push_str(&tried_password(&error, settings));
                problem
            }
            RunError::Record(error) => error.into(),
            RunError::Threads(ref io) => {
                let limit = own_limits::of_socket(io).unwrap_or(OwnLimit::Threads);
                Self::could_not_run(error.to_string()).try_this(limit.remedy())
            }
            RunError::Internal(_) => Self::could_not_run(error.to_string()),
        }
    }
}

/// What stands before the lines of a remedy.
const TRY: &str = "  try: ";
const UNDER_IT: &str = "       ";

/// The printed problem on a terminal of so many columns: a line that is too long goes on under its
/// own words, which does not change SQL. `None` leaves the lines as they are.
#[must_use]
pub fn fitted(printed: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return format!("{printed}\n") };
    let mut rows = String::new();
    for line in printed.lines() {
        let lead = [TRY, UNDER_IT].into_iter().find(|lead| line.starts_with(lead)).unwrap_or("");
        let words = layout::fitted(&line[lead.len()..], Some(width.saturating_sub(lead.len())));
        for (number, row) in words.lines().enumerate() {
            rows.push_str(if number == 0 { lead } else { &UNDER_IT[..lead.len()] });
            rows.push_str(row);
            rows.push('\n');
        }
    }
    rows
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It quotes servers, records and files: nothing that a terminal obeys may pass.
        write!(f, "pgchaos: {}", foreign::lines(&self.what))?;
        if let Some(remedy) = &self.remedy {
            let remedy = foreign::lines(remedy);
            write!(f, "\n{TRY}{}", remedy.replace('\n', &format!("\n{UNDER_IT}")))?;
        }
        Ok(())
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        let chain = anyhow::Error::from(error);
        Self::usage(foreign::plain(&format!("{chain:#}")))
    }
}

impl From<TooFewDescriptors> for Problem {
    fn from(error: TooFewDescriptors) -> Self {
        let enough = error.enough;
        Self::could_not_run(error.to_string()).try_this(format!(
            "ulimit -Hn {enough} as root, LimitNOFILE={enough} in a systemd unit, docker run \
             --ulimit nofile={enough}; or fewer --writers"
        ))
    }
}

impl From<RecordFileError> for Problem {
    fn from(error: RecordFileError) -> Self {
        let exists = matches!(
            &error,
            RecordFileError::Io { doing: "made", error, .. }
                if error.kind() == std::io::ErrorKind::AlreadyExists
        );
        let problem = Self::could_not_run(foreign::plain(&error.to_string()));
        if exists {
            return problem.try_this("another file name; a record is never overwritten");
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_under_its_own_words() {
        let problem = Problem::could_not_run("127.0.0.1:5500: permission denied for schema")
            .try_this("as the owner of the schema:\nGRANT USAGE ON SCHEMA pgchaos TO app;\nor -U");
        let printed = problem.to_string();
        assert_eq!(
            fitted(&printed, Some(34)),
            "pgchaos: 127.0.0.1:5500:\n  permission denied for schema\n\
             \x20 try: as the owner of the schema:\n\
             \x20      GRANT USAGE ON SCHEMA\n         pgchaos TO app;\n\
             \x20      or -U\n"
        );
        assert_eq!(fitted(&printed, None), format!("{printed}\n"));
    }
}
