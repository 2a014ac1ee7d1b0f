//! Before the first write: wait for the cluster, and make sure that the load can work there.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::dialer::Dialer;
use crate::engine::protocol::SHARED_SESSIONS;
use crate::engine::signal::{AttemptFailed, Signal};
use crate::engine::teller::Teller;
use crate::model::cluster::member_looks::LoadedCluster;
use crate::model::cluster::server::Server;
use crate::model::event::{Ready, What};
use crate::model::fault::{Fault, Phase};
use crate::model::foreign;
use crate::model::load::backoff::Backoff;
use crate::model::load::options::Protocol;
use crate::model::load::waiting_hint::WaitingHint;
use crate::pg::objects::flaws::{Caution, Flaw, TimeLimit};
use crate::pg::objects::schema::Objects;
use crate::pg::objects::setting_origin::SettingOrigin;
use crate::pg::objects::tables::{self, Table};
use crate::pg::objects::trial::Tried;
use crate::pg::sessions::connect::{NotOpened, Opened};
use crate::pg::sessions::session::Session;
use crate::pg::wire::load_session::LoadSession;

/// Why a run can never work as it was asked for.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The server refuses, and waiting will not change its mind.
    #[error("{}: {}{}", fault.endpoint, fault.message, sqlstate(fault))]
    Refused {
        /// What was refused.
        step: SetupStep,
        /// What the server said.
        fault: Fault,
        /// The role that lacks the right, where it was asked for. It is another role than the one
        /// that logged in where `role` is set for that one.
        acting_as: Option<String>,
    },
    /// None of several places serves.
    #[error("none of {} places serves:{}", failures.len(), each(failures))]
    NoHostServes {
        /// Each one's failure, in the order tried.
        failures: Vec<Fault>,
    },
    /// The schema is not one that pgchaos made.
    #[error("the schema pgchaos is there without all of its tables")]
    PartialObjects,
    /// The load's INSERT reports no row of its own.
    #[error(
        "an INSERT into pgchaos.user_events reports no row: a trigger, a rule or a route takes it \
         elsewhere or nowhere, so that no write could be acknowledged"
    )]
    NoRow,
    /// It reports a row that is not there.
    #[error(
        "an INSERT into pgchaos.user_events reports a row, and then that row is not there: a trigger \
         or a rule removes it, gives it another token or has it elsewhere, so that acknowledged \
         writes would be called lost"
    )]
    RowElsewhere,
    /// The tables are not as the load needs them.
    #[error(transparent)]
    Flaw(#[from] Flaw),
    /// The role's or the database's settings make every session read-only.
    #[error("{}: every session is read-only by default_transaction_read_only, set {}", fault.endpoint, by.words())]
    ReadOnly {
        /// What was found.
        fault: Fault,
        /// Where it is set.
        by: Box<SettingOrigin>,
    },
    /// There is no user to write events of.
    #[error("the table pgchaos.users is empty")]
    NoUsers,
}

impl SetupError {
    /// Refused; the role that lacks the right is not asked for.
    #[must_use]
    pub fn refused(step: SetupStep, fault: Fault) -> Self {
        Self::Refused { step, fault, acting_as: None }
    }

    /// What was tried in vain; `None` where nothing was tried.
    #[must_use]
    pub fn no_host_serves(failures: Vec<NotOpened>) -> Option<Self> {
        let mut failures: Vec<Fault> = failures.into_iter().map(|failure| failure.fault).collect();
        match failures.len() {
            0 | 1 => Some(Self::refused(SetupStep::Connect, failures.pop()?)),
            _ => Some(Self::NoHostServes { failures }),
        }
    }

    /// The faults of servers that it comes from.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Refused { fault, .. } => std::slice::from_ref(fault),
            Self::NoHostServes { failures } => failures,
            _ => &[],
        }
    }

    /// The fault that a remedy is for, if it is a fault.
    #[must_use]
    pub fn decides(&self) -> Option<&Fault> {
        let faults = self.faults();
        // What waiting cannot mend comes first.
        faults.iter().find(|fault| fault.hopeless_before_first_success()).or(faults.last())
    }
}

/// What is done before the first write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupStep {
    /// Opening a session.
    Connect,
    /// Making the schema.
    Create,
    /// Making the tables in a schema that is there.
    CreateTables,
    /// Removing them.
    Remove,
    /// Trying the load's statements.
    Try,
    /// The same where a default gives the ids, which is a sequence with rights of its own.
    TryWithDefault,
}

fn sqlstate(fault: &Fault) -> String {
    fault.sqlstate.as_ref().map(|sqlstate| format!(" (SQLSTATE {sqlstate})")).unwrap_or_default()
}

/// A line for each.
fn each(failures: &[Fault]) -> String {
    let line = |fault: &Fault| {
        let words = format!("{}: {}{}", fault.endpoint, fault.message, sqlstate(fault));
        format!("\n  {}", foreign::plain(&words))
    };
    failures.iter().map(line).collect()
}

/// What the load needs, once the cluster has it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) users: Vec<(i32, String)>,
    /// How writes are to be put to the server.
    pub(crate) protocol: Protocol,
    /// What it writes to, as far as the server tells it.
    pub(crate) loaded: LoadedCluster,
}

/// How setting up ended.
pub(crate) enum SetUp {
    Ready(Prepared),
    /// It was time to stop before the cluster was there.
    Stopped,
}

/// A healthy server has answered by then.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Waits until a server takes writes, then makes what is missing and tries the load.
///
/// # Errors
/// [`SetupError`], for what waiting cannot mend; then nothing was made.
pub(crate) async fn set_up(
    dialer: &Dialer,
    teller: &Teller,
    stop: &CancellationToken,
    backoff: (Duration, Duration),
    protocol: Protocol,
    hint: WaitingHint,
) -> Result<SetUp, SetupError> {
    let mut waiting = Waiting { told: Vec::new(), hint };
    let mut backoff = Backoff::new(backoff.0, backoff.1);
    let mut random: SmallRng = SmallRng::from_rng(&mut rand::rng());
    loop {
        let wait = backoff.next_wait(teller.clock.now(), &mut random);
        let begin = teller.clock.now() + wait;
        let attempt = async {
            tokio::time::sleep(wait).await;
            attempt(dialer, teller, protocol, &mut waiting).await
        };
        tokio::select! {
            attempt = attempt => {
                if let Some(prepared) = attempt? {
                    return Ok(SetUp::Ready(prepared));
                }
                if let Some(words) = waiting.hint.due(teller.clock.now()) {
                    teller.warn(words).await;
                }
            }
            () = stop.cancelled() => {
                still_waiting(teller.clock.now().saturating_sub(begin), teller).await;
                return Ok(SetUp::Stopped);
            }
        }
    }
}

/// What is told while no server takes writes.
struct Waiting {
    /// Cautions, each told once.
    told: Vec<String>,
    hint: WaitingHint,
}

/// An attempt from which there is no answer yet has told nothing.
async fn still_waiting(time: Duration, teller: &Teller) {
    if time < WORTH_TELLING {
        return;
    }
    let words = format!(
        "stopped before anything was written: for {:.1} s the server had not answered what is tried \
         first, a session, the tables and a write that is rolled back",
        time.as_secs_f64()
    );
    teller.warn(words).await;
}

/// Opens the session that prepares the database; `None` when waiting may help.
async fn open_session(
    dialer: &Dialer,
    teller: &Teller,
    started: Duration,
    hint: &mut WaitingHint,
) -> Result<Option<Session>, SetupError> {
    let failures = match dialer.dial().await {
        Ok(opened) => return Ok(Some(passed_over(opened, teller).await)),
        Err(failures) => failures,
    };
    // Only when no host can ever work is there nothing to wait for.
    let hopeless = failures.iter().all(|failure| failure.fault.hopeless_before_first_success());
    if let Some(error) = read_only_by_setting(dialer, &failures).await {
        return Err(error);
    }
    // That is told once, as the end of the run, and not as an attempt before others.
    if hopeless {
        return SetupError::no_host_serves(failures).map_or(Ok(None), Err);
    }
    for failure in failures {
        hint.failed(failure.fault.class);
        let accepted = failure.accepted.map(|accepted| teller.clock.at(accepted));
        attempt_failed(teller, started, accepted, failure.fault, failure.server).await;
    }
    Ok(None)
}

async fn attempt_failed(
    teller: &Teller,
    started: Duration,
    accepted: Option<Duration>,
    fault: Fault,
    server: Option<Server>,
) {
    let at = teller.clock.now();
    let failed = AttemptFailed { writer: None, started, at, accepted, fault, server };
    teller.tell(Signal::AttemptFailed(Box::new(failed))).await;
}

/// One attempt; `None` when waiting may help.
async fn attempt(
    dialer: &Dialer,
    teller: &Teller,
    protocol: Protocol,
    waiting: &mut Waiting,
) -> Result<Option<Prepared>, SetupError> {
    let started = teller.clock.now();
    let session = open_session(dialer, teller, started, &mut waiting.hint).await?;
    let Some(session) = session else { return Ok(None) };
    let deadline = dialer.connect_timeout().max(Duration::from_secs(10));
    let prepared = prepare(&session, deadline).await;
    let acting_as = acting_as(&session, prepared.as_ref().err(), deadline).await;
    let server = session.server.clone();
    session.close().await;
    let tried = match prepared {
        Ok(Objective { created, users, cautions }) => {
            for caution in cautions.iter().map(ToString::to_string) {
                if !waiting.told.contains(&caution) {
                    teller.warn(caution.clone()).await;
                    waiting.told.push(caution);
                }
            }
            let tried = try_as_load(dialer, teller, deadline, protocol).await;
            tried.map(|found| (server, created, users, found))
        }
        Err(error) => Err(error),
    };
    match tried {
        Ok((server, created, users, found)) => {
            if found != protocol {
                teller.warn(SHARED_SESSIONS).await;
            }
            let loaded = LoadedCluster {
                identifier: server.system_identifier.clone(),
                database: server.database.clone(),
            };
            teller.fact(What::Ready(Ready { server, created })).await;
            Ok(Some(Prepared { users, protocol: found, loaded }))
        }
        Err(Unprepared::Setup(error)) => Err(error),
        Err(Unprepared::Fault(step, fault)) if fault.hopeless_before_first_success() => {
            Err(SetupError::Refused { step, fault, acting_as })
        }
        Err(Unprepared::Fault(_, fault) | Unprepared::Lagging(fault)) => {
            waiting.hint.failed(fault.class);
            attempt_failed(teller, started, None, fault, None).await;
            Ok(None)
        }
    }
}

/// The session, once the places are told that were tried in vain before it.
async fn passed_over(opened: Opened, teller: &Teller) -> Session {
    let Opened { session, passed_over: failures, .. } = opened;
    if !failures.is_empty() {
        let (at, served_by) = (teller.clock.now(), session.endpoint().to_owned());
        let signal = Signal::PassedOver { writer: None, at, failures, served_by };
        teller.tell(signal).await;
    }
    session
}

/// Opens a session of the load, as a writer does, and reads on it: what answers there must keep to
/// the protocol, and leave no transaction open. Through a pooler it opens two, which shows whether
/// they are given one server session. How writes are to be put to the server.
async fn try_as_load(
    dialer: &Dialer,
    teller: &Teller,
    deadline: Duration,
    protocol: Protocol,
) -> Result<Protocol, Unprepared> {
    let refused = |fault| Unprepared::Fault(SetupStep::Try, fault);
    let Some(mut first) = load_session(dialer, teller, deadline, protocol).await? else {
        return Ok(protocol);
    };
    first.try_read(deadline).await.map_err(refused)?;
    let mut found = first.protocol();
    if first.backend.pooled
        && let Some(mut second) = load_session(dialer, teller, deadline, found).await?
    {
        second.try_read(deadline).await.map_err(refused)?;
        first.try_read(deadline).await.map_err(refused)?;
        found = match (first.protocol(), second.protocol()) {
            (Protocol::Prepared, Protocol::Prepared) => Protocol::Prepared,
            _ => Protocol::Extended,
        };
        second.close().await;
    }
    first.close().await;
    Ok(found)
}

/// A session as a writer has it; none where nothing was dialled.
async fn load_session(
    dialer: &Dialer,
    teller: &Teller,
    deadline: Duration,
    protocol: Protocol,
) -> Result<Option<LoadSession>, Unprepared> {
    let session = match dialer.dial().await {
        Ok(opened) => passed_over(opened, teller).await,
        Err(failures) => {
            let mut faults: Vec<Fault> = failures.into_iter().map(|failed| failed.fault).collect();
            // A fault that may pass comes last and is taken: one host that may come back is enough
            // to wait for.
            faults.sort_by_key(|fault| !fault.hopeless_before_first_success());
            let fault = faults.pop();
            return fault
                .map_or(Ok(None), |fault| Err(Unprepared::Fault(SetupStep::Connect, fault)));
        }
    };
    let until = Instant::now() + deadline;
    let load = session.into_load(until, deadline, protocol).await;
    load.map(Some).map_err(|fault| Unprepared::Fault(SetupStep::Try, fault))
}

/// Whether all that keeps from writing is a setting of the role, of the database or of the
/// connection: waiting does not change it, as it does a server's own.
pub async fn read_only_by_setting(dialer: &Dialer, failures: &[NotOpened]) -> Option<SetupError> {
    let is_by_setting = |failure: &NotOpened| {
        failure.server.as_ref().is_some_and(|server| server.read_only && !server.in_recovery)
    };
    if !failures.iter().all(is_by_setting) {
        return None;
    }
    let endpoints: Vec<&str> = failures.iter().map(|one| &*one.fault.endpoint).collect();
    let fault = Fault { endpoint: endpoints.join(", "), ..failures.last()?.fault.clone() };
    let session = dialer.clone().any_server().dial().await.ok()?.session;
    let asked = session.setting("default_transaction_read_only");
    let setting = session.bounded(Phase::Check, dialer.connect_timeout(), asked).await;
    session.close().await;
    let setting = setting.ok().flatten().filter(|setting| setting.value == "on")?;
    setting.origin.map(|by| SetupError::ReadOnly { fault, by: Box::new(by) })
}

enum Unprepared {
    Fault(SetupStep, Fault),
    /// A replica answered that does not have the objects yet: waiting helps.
    Lagging(Fault),
    Setup(SetupError),
}

/// The role that lacks the right, by the server, after SQLSTATE 42501.
async fn acting_as(
    session: &Session,
    error: Option<&Unprepared>,
    deadline: Duration,
) -> Option<String> {
    let Some(Unprepared::Fault(_, fault)) = error else { return None };
    if fault.sqlstate.as_deref() != Some("42501") {
        return None;
    }
    session.bounded(Phase::Check, deadline, session.acting_role()).await.ok()
}

/// What is there for the load.
struct Objective {
    created: bool,
    users: Vec<(i32, String)>,
    cautions: Vec<Caution>,
}

/// Makes what is missing, tries the load, and reads the users.
async fn prepare(session: &Session, deadline: Duration) -> Result<Objective, Unprepared> {
    let (created, tables) = ensure_objects(session, deadline).await?;
    let refused = |fault| Unprepared::Fault(SetupStep::Try, fault);
    let events = tables.iter().find(|table| table.name == "user_events");
    let (of_type, identity) = events.map_or(("bigint", true), Table::ids);
    let trying = session.try_load(!identity);
    let step = if identity { SetupStep::Try } else { SetupStep::TryWithDefault };
    let tried = session.bounded(Phase::Check, deadline, trying).await;
    if let Err(fault) = &tried
        && matches!(fault.sqlstate.as_deref(), Some("2200H" | "22003"))
    {
        no_id_left(session, of_type, deadline).await?;
    }
    match tried.map_err(|fault| Unprepared::Fault(step, fault))? {
        Tried::Kept => {}
        Tried::NoRow => return Err(Unprepared::Setup(SetupError::NoRow)),
        Tried::Elsewhere => return Err(Unprepared::Setup(SetupError::RowElsewhere)),
    }
    let users = session.bounded(Phase::Check, deadline, session.users()).await;
    let users = users.map_err(|fault| match fault.sqlstate.as_deref() {
        // The write has just worked: a pooler let a replica answer that lags behind.
        Some("42P01" | "3F000") => Unprepared::Lagging(fault),
        _ => refused(fault),
    })?;
    if users.is_empty() {
        return Err(Unprepared::Setup(SetupError::NoUsers));
    }
    let mut cautions = tables::cautions(&tables);
    // If the ids cannot be asked for, their cautions are left out.
    if let Ok((highest, Some(ids))) = session.bounded(Phase::Check, deadline, session.ids()).await {
        let last = ids.last.unwrap_or(highest);
        if let Some(flaw) = ids.flaw(of_type, last) {
            return Err(Unprepared::Setup(SetupError::Flaw(flaw)));
        }
        cautions.extend(ids.caution(of_type, last));
    }
    for limit in [TimeLimit::Statement, TimeLimit::Transaction] {
        cautions.extend(short_timeout(session, limit, deadline).await);
    }
    Ok(Objective { created, users, cautions })
}

/// Whether the refusal of a row is that of its id, which has words of its own.
async fn no_id_left(
    session: &Session,
    of_type: &str,
    deadline: Duration,
) -> Result<(), Unprepared> {
    let ids = session.bounded(Phase::Check, deadline, session.ids()).await;
    let Ok((highest, Some(ids))) = ids else { return Ok(()) };
    let flaw = ids.flaw(of_type, ids.last.unwrap_or(highest));
    flaw.map_or(Ok(()), |flaw| Err(Unprepared::Setup(SetupError::Flaw(flaw))))
}

/// A limit under which many a write that a server is slow with is cancelled.
const SHORT_TIMEOUT_MS: i64 = 100;

async fn short_timeout(session: &Session, limit: TimeLimit, deadline: Duration) -> Option<Caution> {
    let name = limit.setting();
    let asked = session.setting(name);
    let setting = session.bounded(Phase::Check, deadline, asked).await.ok().flatten()?;
    let ms: i64 = setting.value.parse().ok()?;
    let is_short = (1..SHORT_TIMEOUT_MS).contains(&ms);
    is_short.then(|| Caution::ShortTimeout {
        limit,
        ms,
        by: setting.origin.as_ref().map_or("by the server".to_owned(), SettingOrigin::words),
        remedy: setting.origin.map_or_else(
            || format!("ALTER SYSTEM RESET {name}; SELECT pg_reload_conf();"),
            |origin| origin.remedy(name),
        ),
    })
}

/// Makes what is missing. Whether it was, and the tables that are there.
async fn ensure_objects(
    session: &Session,
    deadline: Duration,
) -> Result<(bool, Vec<Table>), Unprepared> {
    let of_step = |step| move |fault| Unprepared::Fault(step, fault);
    let found = session.bounded(Phase::Check, deadline, session.objects()).await;
    let step = match found.map_err(of_step(SetupStep::Create))? {
        Objects::Complete => None,
        Objects::Partial => return Err(Unprepared::Setup(SetupError::PartialObjects)),
        Objects::Missing => Some(SetupStep::Create),
        Objects::Empty => Some(SetupStep::CreateTables),
    };
    let mut created = false;
    if let Some(step) = step {
        let creating = session.create_objects();
        created = session.bounded(Phase::Check, deadline, creating).await.map_err(of_step(step))?;
    }
    let tables = session.bounded(Phase::Check, deadline, session.tables()).await;
    let tables = tables.map_err(of_step(SetupStep::Try))?;
    match tables::flaw(&tables) {
        Some(Flaw::NoId { required, .. }) => {
            let ids = session.bounded(Phase::Check, deadline, session.ids()).await;
            let next = ids.map_or(1, |(highest, _)| highest.saturating_add(1));
            Err(Unprepared::Setup(SetupError::Flaw(Flaw::NoId { next, required })))
        }
        Some(flaw) => Err(Unprepared::Setup(SetupError::Flaw(flaw))),
        None => Ok((created, tables)),
    }
}

/// Makes the database objects when they are missing, for `pgchaos init`. Whether they were.
///
/// # Errors
/// [`SetupError`].
pub async fn init(session: &Session, deadline: Duration) -> Result<bool, SetupError> {
    let made = ensure_objects(session, deadline).await.map(|(created, _)| created);
    let acting_as = acting_as(session, made.as_ref().err(), deadline).await;
    made.map_err(|unprepared| match unprepared {
        Unprepared::Fault(step, fault) => SetupError::Refused { step, fault, acting_as },
        Unprepared::Lagging(fault) => SetupError::refused(SetupStep::Try, fault),
        Unprepared::Setup(error) => error,
    })
}
