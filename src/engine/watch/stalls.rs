//! What writes without an answer wait for: while there are some, a look at their own server
//! processes once a second, through a session of its own.
//!
//! It costs the load nothing while every write is answered: writers say only when a silence begins
//! and when it is over. It makes no outage, its failures are no errors of the load, and the end of
//! the run does not wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::engine::dialer::Dialer;
use crate::engine::signal::Signal;
use crate::engine::teller::Teller;
use crate::model::cluster::server::ServerProcess;
use crate::model::fault::{Class, Phase};
use crate::model::load::open_sessions::OpenSession;
use crate::model::outage::stall_cause::{Blocker, StallCause, StallSeen};
use crate::pg::activity::Doing;
use crate::pg::sessions::connect::NotOpened;
use crate::pg::sessions::session::Session;

/// Writers fall silent one after another: a look waits this long for the others.
const GATHER: Duration = Duration::from_millis(100);

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// A process that became idle within this time may have answered just now.
const MOMENT: Duration = Duration::from_millis(100);

/// Deadline of a look's connect to each host, at most, and over all hosts.
pub(crate) const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
const DIAL_DEADLINE: Duration = Duration::from_secs(6);

/// Deadline of each question.
const QUESTION_DEADLINE: Duration = Duration::from_secs(2);

/// The sessions of each writer that waits for an answer, the oldest first.
pub(crate) type WaitingWriters = BTreeMap<i32, Vec<OpenSession>>;

/// Where writers say that they wait for an answer. Dropped with the last writer.
#[derive(Debug, Default)]
pub(crate) struct Stalls {
    waiting: watch::Sender<WaitingWriters>,
}

impl Stalls {
    /// A writer has had no answer for too long, on the last of these sessions; those before it are
    /// left.
    pub(crate) fn waits(&self, writer: i32, sessions: Vec<OpenSession>) {
        if !sessions.is_empty() {
            self.waiting.send_modify(|waiting| {
                waiting.insert(writer, sessions);
            });
        }
    }

    /// A writer has its answer, or waits for none any more.
    pub(crate) fn answered(&self, writer: i32) {
        self.waiting.send_if_modified(|waiting| waiting.remove(&writer).is_some());
    }

    /// To see which writers wait.
    pub(crate) fn waiting(&self) -> watch::Receiver<WaitingWriters> {
        self.waiting.subscribe()
    }
}

/// The task that looks.
pub(crate) struct StallWatch {
    pub(crate) run_id: Uuid,
    pub(crate) dialer: Dialer,
    pub(crate) teller: Teller,
    pub(crate) waiting: watch::Receiver<WaitingWriters>,
    pub(crate) stop_now: CancellationToken,
}

/// What a look comes to.
enum StallLook {
    /// What the processes do, with their server.
    Found(Box<Session>, Vec<Doing>),
    /// No new session gets an answer.
    NoAnswer,
    /// Nothing can be said.
    Nothing,
}

impl StallWatch {
    /// Looks whenever a write has no answer, until the last writer has ended.
    pub(crate) async fn run(self) {
        let (last_writer, stop_now) = (self.waiting.clone(), self.stop_now.clone());
        tokio::select! {
            () = self.look_on() => {}
            () = closed(last_writer) => {}
            () = stop_now.cancelled() => {}
        }
    }

    async fn look_on(mut self) {
        let mut session = None;
        while self.waiting.wait_for(|waiting| !waiting.is_empty()).await.is_ok() {
            sleep(GATHER).await;
            while !self.waiting.borrow().is_empty() {
                session = self.look(session.take()).await;
                sleep(PAUSE).await;
            }
            if let Some(session) = session.take() {
                session.close().await;
            }
        }
    }

    /// One look, through the session of the last one where that still answers, and the session.
    async fn look(&self, session: Option<Session>) -> Option<Session> {
        let waiting = self.waiting.borrow().clone();
        let at = self.teller.clock.now();
        let looked = self.ask(session, &waiting).await;
        // Drop writers that got their answer during the look.
        let still: BTreeSet<i32> = self.waiting.borrow().keys().copied().collect();
        let waiting: WaitingWriters =
            waiting.into_iter().filter(|(writer, _)| still.contains(writer)).collect();
        let (seen, session) = match looked {
            StallLook::Found(session, doing) => {
                (self.seen(&session, &waiting, &doing).await, Some(*session))
            }
            StallLook::NoAnswer => {
                let writers = waiting.len() as u64;
                let seen = StallSeen { stall_cause: None, blocked_by: None, writers };
                (Some(seen), None)
            }
            StallLook::Nothing => (None, None),
        };
        if let Some(seen) = seen.filter(|seen| seen.writers > 0) {
            self.teller.tell(Signal::StallSeen { at, seen }).await;
        }
        session
    }

    async fn ask(&self, session: Option<Session>, waiting: &WaitingWriters) -> StallLook {
        let session = match session {
            Some(session) => session,
            None => match timeout(DIAL_DEADLINE, self.dialer.dial()).await {
                Ok(Ok(opened)) => opened.session,
                Ok(Err(failures)) if are_silence(&failures) => return StallLook::NoAnswer,
                // Some host failed otherwise, or was not tried by the deadline: no evidence.
                Ok(Err(_)) | Err(_) => return StallLook::Nothing,
            },
        };
        let here = |one: &&OpenSession| one.server.is_same_start(&session.server);
        let of_writers = waiting.values().flatten().filter(here);
        let backends: Vec<ServerProcess> = of_writers.map(|one| one.backend.clone()).collect();
        if backends.is_empty() {
            // Another server answers: the writers' sessions are not on it.
            session.close().await;
            return StallLook::Nothing;
        }
        let asked = session.doing(&backends, MOMENT);
        match session.bounded(Phase::Read, QUESTION_DEADLINE, asked).await {
            Ok(doing) => StallLook::Found(Box::new(session), doing),
            // The next look tells whether a new session gets an answer.
            Err(_) => StallLook::Nothing,
        }
    }

    /// What most writers' processes do.
    async fn seen(
        &self,
        session: &Session,
        waiting: &WaitingWriters,
        doing: &[Doing],
    ) -> Option<StallSeen> {
        let doing: BTreeMap<i32, &Doing> = doing.iter().map(|one| (one.pid, one)).collect();
        let mut causes: BTreeMap<StallCause, Vec<i32>> = BTreeMap::new();
        for sessions in waiting.values() {
            // Take the latest session: earlier ones were given up.
            let here =
                sessions.iter().rev().filter(|one| one.server.is_same_start(&session.server));
            if let Some((cause, pid)) =
                here.filter_map(|one| Some((cause_of(one, &doing)?, one.backend.pid))).next()
            {
                causes.entry(cause).or_default().push(pid);
            }
        }
        let (cause, pids) = causes.into_iter().max_by_key(|(_, pids)| pids.len())?;
        let blocked_by = match pids.first() {
            Some(pid) if cause == StallCause::Lock => self.blocker(session, *pid, waiting).await,
            _ => None,
        };
        Some(StallSeen { stall_cause: Some(cause), blocked_by, writers: pids.len() as u64 })
    }

    async fn blocker(
        &self,
        session: &Session,
        pid: i32,
        waiting: &WaitingWriters,
    ) -> Option<Blocker> {
        let asked = session.blocker(pid);
        let holder = session.bounded(Phase::Read, QUESTION_DEADLINE, asked).await.ok()??;
        let name_of_run = format!("pgchaos:{}:", self.run_id);
        let own = holder.name.as_ref().is_some_and(|name| name.starts_with(&name_of_run))
            || waiting.values().flatten().any(|one| one.backend.pid == holder.pid);
        Some(Blocker { pid: holder.pid, name: holder.name, state: holder.state, own })
    }
}

/// What the server process of a session does; `None` where that says nothing.
fn cause_of(session: &OpenSession, doing: &BTreeMap<i32, &Doing>) -> Option<StallCause> {
    match doing.get(&session.backend.pid) {
        Some(Doing { what: Some(StallCause::OnTheWay), just_now: true, .. }) => None,
        Some(doing) => doing.what.clone(),
        // A session that was given up is expected to end.
        None => (!session.left).then_some(StallCause::Gone),
    }
}

/// Whether attempts failed by nothing but silence.
fn are_silence(failures: &[NotOpened]) -> bool {
    !failures.is_empty() && failures.iter().all(|failure| failure.fault.class == Class::Timeout)
}

/// Waits for the end of the last writer.
async fn closed(mut waiting: watch::Receiver<WaitingWriters>) {
    while waiting.changed().await.is_ok() {}
}
