//! Before the first write: wait for the cluster, and make sure that the load can work there.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::dialer::Dialer;
use super::signal::Signal;
use crate::model::backoff::Backoff;
use crate::model::fault::{Class, Fault, Phase};
use crate::pg::connect::NotOpened;
use crate::pg::schema::Objects;
use crate::pg::session::Session;

/// Why a run can never work as it was asked for.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The server refuses, and waiting will not change its mind.
    #[error("{}: {}{}", fault.endpoint, fault.message, sqlstate(fault))]
    Refused {
        /// What was refused.
        step: Step,
        /// What the server said.
        fault: Fault,
    },
    /// The schema is not one that pgchaos made.
    #[error("the schema pgchaos is there without all of its tables")]
    PartialObjects,
    /// There is no user whose events could be written.
    #[error("the table pgchaos.users is empty")]
    NoUsers,
}

/// What is done before the first write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opening a session.
    Connect,
    /// Making the schema.
    Create,
    /// Trying the load's statements.
    Try,
}

fn sqlstate(fault: &Fault) -> String {
    fault.sqlstate.as_ref().map(|sqlstate| format!(" (SQLSTATE {sqlstate})")).unwrap_or_default()
}

/// What the load needs, once the cluster has it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) users: Vec<(i32, String)>,
}

/// How setting up ended.
pub(crate) enum SetUp {
    Ready(Prepared),
    /// It was time to stop before the cluster was there.
    Stopped,
}

/// Waits until a server takes writes, then makes what is missing and tries the load.
///
/// # Errors
/// [`SetupError`], for what waiting cannot mend; then nothing was made.
pub(crate) async fn set_up(
    dialer: &Dialer,
    clock: Clock,
    recorder: &mpsc::Sender<Signal>,
    stop: &CancellationToken,
    backoff: (Duration, Duration),
) -> Result<SetUp, SetupError> {
    let mut backoff = Backoff::new(backoff.0, backoff.1);
    let mut random: SmallRng = SmallRng::from_rng(&mut rand::rng());
    loop {
        let wait = backoff.next_wait(&mut random);
        let attempt = async {
            tokio::time::sleep(wait).await;
            attempt(dialer, clock, recorder).await
        };
        tokio::select! {
            attempt = attempt => if let Some(prepared) = attempt? {
                return Ok(SetUp::Ready(prepared));
            },
            () = stop.cancelled() => return Ok(SetUp::Stopped),
        }
    }
}

/// One attempt; `None` when waiting may help.
async fn attempt(
    dialer: &Dialer,
    clock: Clock,
    recorder: &mpsc::Sender<Signal>,
) -> Result<Option<Prepared>, SetupError> {
    let started = clock.now();
    let session = match dialer.dial().await {
        Ok(opened) => opened.session,
        Err(mut failures) => {
            // Only when no host can ever work is there nothing to wait for.
            let hopeless =
                failures.iter().all(|failure| failure.fault.class.hopeless_before_first_success());
            // That is told once, as the end of the run, and not as an attempt before others.
            let refusal = if hopeless { failures.pop() } else { None };
            for failure in failures {
                let signal = Signal::AttemptFailed {
                    writer: None,
                    started,
                    at: clock.now(),
                    accepted: failure.accepted.map(|accepted| clock.at(accepted)),
                    fault: Box::new(failure.fault),
                    server: failure.server.map(Box::new),
                };
                let _ = recorder.send(signal).await;
            }
            return refusal.map_or(Ok(None), |NotOpened { fault, .. }| {
                Err(SetupError::Refused { step: Step::Connect, fault })
            });
        }
    };
    let deadline = dialer.connect_timeout().max(Duration::from_secs(10));
    let prepared = match prepare(&session, deadline).await {
        Ok((created, users)) => {
            let server = session.server.clone();
            // The recorder outlives the set-up.
            let _ = recorder.send(Signal::Ready { server, created }).await;
            Ok(Some(Prepared { users }))
        }
        Err(Unprepared::Setup(error)) => Err(error),
        Err(Unprepared::Fault(step, fault)) if never(&fault) => {
            Err(SetupError::Refused { step, fault })
        }
        Err(Unprepared::Fault(_, fault)) => {
            let at = clock.now();
            let signal = Signal::AttemptFailed {
                writer: None,
                started,
                at,
                accepted: None,
                fault: Box::new(fault),
                server: None,
            };
            let _ = recorder.send(signal).await;
            Ok(None)
        }
    };
    session.close().await;
    prepared
}

/// Deadlocks and cancelled statements can be tried again; the rest of `sql` stays wrong.
fn never(fault: &Fault) -> bool {
    fault.class == Class::Auth
        || (fault.class == Class::Sql && fault.sqlstate.as_deref() != Some("57014"))
}

enum Unprepared {
    Fault(Step, Fault),
    Setup(SetupError),
}

/// Makes what is missing, tries the load, and reads the users.
async fn prepare(
    session: &Session,
    deadline: Duration,
) -> Result<(bool, Vec<(i32, String)>), Unprepared> {
    let created = ensure_objects(session, deadline).await?;
    let refused = |fault| Unprepared::Fault(Step::Try, fault);
    session.bounded(Phase::Check, deadline, session.try_load()).await.map_err(refused)?;
    let users = session.bounded(Phase::Check, deadline, session.users()).await.map_err(refused)?;
    if users.is_empty() {
        return Err(Unprepared::Setup(SetupError::NoUsers));
    }
    Ok((created, users))
}

async fn ensure_objects(session: &Session, deadline: Duration) -> Result<bool, Unprepared> {
    let refused = |fault| Unprepared::Fault(Step::Create, fault);
    match session.bounded(Phase::Check, deadline, session.objects()).await.map_err(refused)? {
        Objects::Complete => Ok(false),
        Objects::Partial => Err(Unprepared::Setup(SetupError::PartialObjects)),
        Objects::Missing => {
            session.bounded(Phase::Check, deadline, session.create_objects()).await.map_err(refused)
        }
    }
}

/// Makes the database objects when they are missing, for `pgchaos init`. Whether they were.
///
/// # Errors
/// [`SetupError`].
pub async fn init(session: &Session, deadline: Duration) -> Result<bool, SetupError> {
    ensure_objects(session, deadline).await.map_err(|unprepared| match unprepared {
        Unprepared::Fault(step, fault) => SetupError::Refused { step, fault },
        Unprepared::Setup(error) => error,
    })
}
