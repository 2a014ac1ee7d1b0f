//! One session, for a command other than the load.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::connection_options::ConnectionOptions;
use super::lab_hint;
use super::problem::Problem;
use super::writable_target;
use crate::cli::connection::TargetArgs;
use crate::engine::Dialer;
use crate::engine::setup::{SetupStep, read_only_by_setting};
use crate::model::fault::{Class, Fault};
use crate::pg::sessions::session::Session;
use crate::pg::settings::{ConnectSettings, Environment, Explicit, resolve};

/// The connect deadline when the connection's settings say none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Reasons for sessions without TLS that are told.
const REASONS_MAX: usize = 100;

/// A session on the primary, and the options that lead there.
#[derive(Debug)]
pub struct CommandSession {
    /// The session.
    pub session: Session,
    /// Its host, port, role and database.
    pub connection: ConnectionOptions,
}

/// The connection settings of what was said. Prints their warnings.
///
/// # Errors
/// A usage problem.
pub fn settings(said: &Explicit) -> Result<ConnectSettings, Problem> {
    let resolved = resolve(said, &Environment::of_process())?;
    for warning in &resolved.warnings {
        tell!("pgchaos: warning: {warning}");
    }
    Ok(resolved.settings)
}

/// A dialer for these settings. That a session goes without TLS, where TLS was preferred, is a warning, once for each
/// reason.
#[must_use]
pub fn dialer(mut settings: ConnectSettings) -> Dialer {
    let connect_timeout = *settings.connect_timeout.get_or_insert(CONNECT_TIMEOUT);
    let told = Mutex::new(BTreeSet::new());
    Dialer::new(Arc::new(settings), connect_timeout).telling_of_plaintext(move |failed| {
        let Fault { endpoint, message, .. } = &failed.fault;
        let words = format!("{endpoint} serves without TLS: {message}");
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < REASONS_MAX && told.insert(words.clone()) {
            tell!("pgchaos: warning: {words}");
        }
    })
}

/// Connects once to the primary.
///
/// # Errors
/// Each host's failure, with a remedy.
pub async fn open(target: &TargetArgs) -> Result<CommandSession, Problem> {
    let settings = settings(&target.explicit())?;
    writable_target::check(&settings)?;
    let connection = ConnectionOptions::of(&settings);
    let dialer = dialer(settings.clone());
    match dialer.dial().await {
        Ok(opened) => Ok(CommandSession { session: opened.session, connection }),
        Err(failures) => {
            let is_refused = failures.iter().all(|failure| failure.fault.class == Class::Refused);
            let problem = match read_only_by_setting(&dialer, &failures).await {
                Some(by_setting) => Problem::of_setup(&by_setting, &connection),
                None => Problem::of_failures(failures, &connection),
            };
            Err(match lab_hint::other_port(&settings, "add").filter(|_| is_refused) {
                Some(words) => problem.try_this(words),
                None => problem,
            })
        }
    }
}

impl CommandSession {
    /// A refused statement, as a problem with its remedy.
    #[must_use]
    pub fn refused(&self, step: SetupStep, fault: Fault) -> Problem {
        Problem::of_fault(step, fault, &self.connection)
    }
}
