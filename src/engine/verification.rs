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
use crate::model::account::{Account, Closing, Presence, account};
use crate::model::event::{Backend, Verification};
use crate::model::fault::Phase;
use crate::model::ledger::Ledger;
use crate::model::run::Run;
use crate::model::server::Server;
use crate::pg::session::Session;

/// How long between two looks at a cluster that is not ready.
const PAUSE: Duration = Duration::from_millis(250);

/// Deadline of a short question: a server that froze is left for the one that takes over.
const STEP_DEADLINE: Duration = Duration::from_secs(10);

/// Deadline of the look itself: the walk over the index was measured at millions of rows a
/// second, and a server after a failover may read them from a cold disk.
const LOOK_DEADLINE: Duration = Duration::from_secs(30);
const LOOK_WRITES_PER_S: u64 = 50_000;

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

/// Why one look was not enough.
enum NotYet {
    /// The cluster is not ready; what is waited for.
    Wait(String),
    /// Waiting cannot help.
    Never(String),
}

/// Verifies within `timeout`, telling each new step to `tell`.
///
/// The result has no times of lost writes: those are in the record.
pub async fn verify(
    subject: &Subject,
    dialer: &Dialer,
    timeout: Duration,
    mut tell: impl FnMut(String),
) -> Verification {
    let started = Instant::now();
    let deadline = started + timeout;
    let mut told = String::new();
    let (account, server, reason) = loop {
        let look = tokio::time::timeout_at(deadline, look(subject, dialer, started)).await;
        let wait = match look {
            Ok(Ok((account, server))) => break (Some(account), Some(server), None),
            Ok(Err(NotYet::Never(reason))) => break (None, None, Some(reason)),
            Ok(Err(NotYet::Wait(reason))) => reason,
            Err(_) if told.is_empty() => "the database gave no answer".to_owned(),
            Err(_) => told.clone(),
        };
        if Instant::now() + PAUSE >= deadline {
            let reason = format!("not finished within {:.0} s: {wait}", timeout.as_secs_f64());
            break (None, None, Some(reason));
        }
        if wait != told {
            tell(format!("waiting: {wait}"));
            told = wait;
        }
        tokio::time::sleep(PAUSE).await;
    };
    Verification { account, lost_writes: Vec::new(), reason, server, took: started.elapsed() }
}

/// One look, from a connect to the account.
async fn look(
    subject: &Subject,
    dialer: &Dialer,
    started: Instant,
) -> Result<(Account, Server), NotYet> {
    let session = dial(dialer).await?;
    let server = session.server.clone();
    subject.check_cluster(&server)?;
    subject.check_timeline(&server, started)?;
    subject.wait_for_backends(&session).await?;
    let presence = subject.presence(&session).await;
    session.close().await;
    let presence = presence?;
    // Whoever answers a new connect must be who was looked at: else a failover went on meanwhile.
    let again = dial(dialer).await?;
    let same = again.server.is_same_member(&server)
        && again.server.timeline == server.timeline
        && again.server.postmaster_start == server.postmaster_start;
    let now = again.server.clone();
    again.close().await;
    if !same {
        return Err(NotYet::Wait(format!("the primary changed to {now} during the look")));
    }
    Ok((account(&subject.ledger, &presence, &subject.closing), server))
}

impl Subject {
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

    async fn presence(&self, session: &Session) -> Result<Presence, NotYet> {
        let deadline =
            LOOK_DEADLINE + Duration::from_secs(self.ledger.counts().attempted / LOOK_WRITES_PER_S);
        let asked = session.presence(self.run_id, self.own_writers);
        session.bounded(Phase::Read, deadline, asked).await.map_err(|fault| {
            let words = format!("the look failed: {} ({})", fault.class, fault.message);
            // A missing table or permission will not come by itself.
            match fault.sqlstate.as_deref() {
                Some("42P01" | "3F000" | "42501") => NotYet::Never(words),
                _ => NotYet::Wait(words),
            }
        })
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
