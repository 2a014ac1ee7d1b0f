//! The account at the end: the ledger against the converged writable primary.
//!
//! Absence can be decided only here: on the primary of the cluster that the run wrote to, when no
//! session of the run is left there that could still commit, and when the same primary answers
//! before and after the look.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::dialer::Dialer;
use super::look::look_at_all;
use crate::model::account::{Account, Closing, Presence, account};
use crate::model::event::{Backend, Verification, What};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::ledger::Ledger;
use crate::model::run::Run;
use crate::model::server::Server;
use crate::model::stretch::stretches;
use crate::pg::session::Session;

/// How long between two looks at a cluster that is not ready.
const PAUSE: Duration = Duration::from_millis(250);

/// Deadline of a short question: a server that froze is left for the one that takes over.
pub(super) const STEP_DEADLINE: Duration = Duration::from_secs(10);

/// How many writes are looked at by one statement: enough that it hardly costs more than one for
/// all, few enough that the server needs no disk for them.
const STRETCH_WRITES: u32 = 250_000;

/// How long a primary on a lower timeline than one seen before is waited out: it may be an old
/// primary that is about to be demoted. Later it is taken as the truth, and history went back.
const LOWER_TIMELINE_WAIT: Duration = Duration::from_secs(15);

/// What is verified.
#[derive(Debug, Clone)]
pub struct Subject {
    run_id: Uuid,
    own_writers: (i32, i32),
    ledger: Ledger,
    closing: Closing,
    system_identifier: Option<String>,
    highest_timeline: Option<u32>,
    backends: BTreeSet<Backend>,
}

impl Subject {
    /// A run whose writers have stopped, or that was killed.
    #[must_use]
    pub fn of(run: &Run, closing: Closing) -> Self {
        Self {
            run_id: run.header.run_id,
            own_writers: run.header.own_writers,
            ledger: run.ledger.clone(),
            closing,
            system_identifier: run.system_identifier.clone(),
            highest_timeline: run.highest_timeline,
            backends: run.backends_to_wait_for(),
        }
    }
}

/// What the verification does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It waits, for this.
    Waiting(String),
    /// So many of all the writes that were sent are looked at.
    LookedAt {
        /// So many.
        writes: u64,
        /// All.
        of: u64,
    },
}

impl From<Step> for What {
    fn from(step: Step) -> Self {
        match step {
            Step::Waiting(what) => Self::Verifying { step: format!("waiting: {what}") },
            Step::LookedAt { writes, of } => Self::LookedAt { writes, of },
        }
    }
}

/// Why one look was not enough.
enum NotYet {
    /// The cluster is not ready; what is waited for.
    Wait(String),
    /// The time for it is up.
    Late,
    /// Waiting cannot help.
    Never(String),
}

/// How many looks that failed are not counted as waiting.
const FAILED_LOOKS_MAX: u32 = 3;

/// How long the cluster may take until it can be looked at. The look itself has deadlines of its
/// own, by the number of writes, and does not count; but for one that reached them, or that failed
/// again and again.
struct Patience {
    timeout: Duration,
    failed_looks: u32,
    started: Instant,
    deadline: Instant,
}

impl Patience {
    fn of(timeout: Duration) -> Self {
        let started = Instant::now();
        Self { timeout, failed_looks: 0, started, deadline: started + timeout }
    }

    /// By then at the latest.
    async fn wait_for<T>(
        &self,
        something: impl Future<Output = Result<T, NotYet>>,
    ) -> Result<T, NotYet> {
        let done = tokio::time::timeout_at(self.deadline, something).await;
        done.unwrap_or(Err(NotYet::Late))
    }

    /// However long it takes.
    async fn without_counting<T>(
        &mut self,
        look: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let began = Instant::now();
        let looked = look.await;
        let counts = match &looked {
            Ok(_) => false,
            Err(fault) => {
                self.failed_looks += 1;
                fault.class == Class::Timeout || self.failed_looks > FAILED_LOOKS_MAX
            }
        };
        if !counts {
            self.deadline += began.elapsed();
        }
        looked
    }

    fn is_up_after(&self, pause: Duration) -> bool {
        Instant::now() + pause >= self.deadline
    }
}

/// Verifies, and tells each new step to `tell`. The cluster has `timeout` to be ready for it.
///
/// The result has no times of lost writes: those are in the record.
pub async fn verify(
    subject: &Subject,
    dialer: &Dialer,
    timeout: Duration,
    mut tell: impl FnMut(Step) + Send,
) -> Verification {
    let mut patience = Patience::of(timeout);
    let mut told = String::new();
    let (account, server, reason) = loop {
        let wait = match look(subject, dialer, &mut patience, &mut tell).await {
            Ok((account, server)) => break (Some(account), Some(server), None),
            Err(NotYet::Never(reason)) => break (None, None, Some(reason)),
            Err(NotYet::Wait(reason)) => reason,
            Err(NotYet::Late) if told.is_empty() => "the database gave no answer".to_owned(),
            Err(NotYet::Late) => told.clone(),
        };
        if patience.is_up_after(PAUSE) {
            let reason =
                format!("not finished within {:.0} s: {wait}", patience.timeout.as_secs_f64());
            break (None, None, Some(reason));
        }
        if wait != told {
            tell(Step::Waiting(wait.clone()));
            told = wait;
        }
        tokio::time::sleep(PAUSE).await;
    };
    let took = patience.started.elapsed();
    Verification { account, lost_writes: Vec::new(), reason, server, took }
}

/// One look, from a connect to the account.
async fn look(
    subject: &Subject,
    dialer: &Dialer,
    patience: &mut Patience,
    tell: &mut (impl FnMut(Step) + Send),
) -> Result<(Account, Server), NotYet> {
    let session = patience.wait_for(subject.ready(dialer, patience.started)).await?;
    let server = session.server.clone();
    let presence = patience.without_counting(subject.presence(&session, dialer, tell)).await;
    session.close().await;
    let presence = presence.map_err(|fault| look_failed(&fault))?;
    // Whoever answers a new connect must be who was looked at: else a failover went on meanwhile.
    // It has its own deadlines: what was seen is not given up for the cluster's being late.
    let again = dial(dialer).await?;
    let same = again.server.has_stayed(&server);
    let now = again.server.clone();
    again.close().await;
    if !same {
        return Err(NotYet::Wait(format!("the primary changed to {now} during the look")));
    }
    Ok((account(&subject.ledger, &presence, &subject.closing), server))
}

impl Subject {
    /// A session on the cluster that the run wrote to, when nothing of the run goes on there.
    async fn ready(&self, dialer: &Dialer, started: Instant) -> Result<Session, NotYet> {
        let session = dial(dialer).await?;
        self.check_cluster(&session.server)?;
        self.check_timeline(&session.server, started)?;
        self.wait_for_backends(&session).await?;
        Ok(session)
    }

    fn check_cluster(&self, server: &Server) -> Result<(), NotYet> {
        match (&self.system_identifier, &server.system_identifier) {
            (Some(_), None) => Err(NotYet::Never(format!(
                "{} hides its system identifier: whether it is the cluster that the run wrote to \
                 cannot be told",
                server.name()
            ))),
            (Some(ours), Some(theirs)) if ours != theirs => Err(NotYet::Never(format!(
                "this is another cluster: the run wrote to system identifier {ours}, {} has \
                 {theirs}",
                server.name()
            ))),
            _ => Ok(()),
        }
    }

    fn check_timeline(&self, server: &Server, started: Instant) -> Result<(), NotYet> {
        match (self.highest_timeline, server.timeline) {
            (Some(highest), Some(timeline))
                if timeline < highest && started.elapsed() < LOWER_TIMELINE_WAIT =>
            {
                Err(NotYet::Wait(format!(
                    "{} is on timeline {timeline}, the run has seen {highest}",
                    server.name()
                )))
            }
            _ => Ok(()),
        }
    }

    async fn wait_for_backends(&self, session: &Session) -> Result<(), NotYet> {
        if self.backends.is_empty() {
            return Ok(());
        }
        let asked = session.backends_still_there(&self.backends);
        match session.bounded(Phase::Read, STEP_DEADLINE, asked).await {
            Ok(0) => Ok(()),
            Ok(left) => Err(NotYet::Wait(format!(
                "{left} {} of this run on {} could still commit",
                if left == 1 { "session" } else { "sessions" },
                session.server.name()
            ))),
            Err(fault) => Err(NotYet::Wait(format!("{} ({})", fault.class, fault.message))),
        }
    }

    async fn presence(
        &self,
        session: &Session,
        dialer: &Dialer,
        tell: &mut (impl FnMut(Step) + Send),
    ) -> Result<Presence, Fault> {
        let stretches = stretches(&self.ledger, self.own_writers, STRETCH_WRITES);
        let tell = |writes, of| tell(Step::LookedAt { writes, of });
        look_at_all(self.run_id, stretches, session, dialer, tell).await
    }
}

fn look_failed(fault: &Fault) -> NotYet {
    let words = format!("the look failed: {} ({})", fault.class, fault.message);
    // A missing table or permission will not come by itself.
    match fault.sqlstate.as_deref() {
        Some("42P01" | "3F000" | "42501") => NotYet::Never(words),
        _ => NotYet::Wait(words),
    }
}

async fn dial(dialer: &Dialer) -> Result<Session, NotYet> {
    dialer.dial().await.map(|opened| opened.session).map_err(|failures| {
        let words: Vec<String> = failures
            .iter()
            .map(|failure| format!("{} ({})", failure.fault.class, failure.fault.message))
            .collect();
        NotYet::Wait(format!("no primary takes writes: {}", words.join(", ")))
    })
}
