//! The verification itself: looks at the server that decides until it can be decided.

use std::time::Duration;

use tokio::time::Instant;

use super::patience::{NotYet, Patience};
use super::presence_scan::{STEP_DEADLINE, look_at_all};
use super::subject::Subject;
use super::survey::{Open, Site, Survey, close_all, survey};
use super::whereabouts;
use crate::engine::dialer::Dialer;
use crate::model::cluster::decision::Undecided;
use crate::model::cluster::server::Server;
use crate::model::event::{Holding, Note, Verification, What};
use crate::model::fault::{Fault, Phase};
use crate::model::ledger::account::{Account, Presence};
use crate::model::ledger::token_range::token_ranges;
use crate::pg::activity::LeftBehind;
use crate::pg::sessions::session::Session;

/// How long between two looks at a cluster that is not ready.
const PAUSE: Duration = Duration::from_millis(250);

/// How many writes one statement looks at: enough that together they hardly cost more than a single
/// statement for all, and few enough that the server needs no disk for them.
const STRETCH_WRITES: u32 = 250_000;

/// How long to wait while the only endpoint serves a lower timeline than one seen before: it may be
/// an old primary that is about to be demoted. After that, history went back.
const LOWER_TIMELINE_WAIT: Duration = Duration::from_secs(15);

/// What the verification does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerificationStep {
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

impl From<VerificationStep> for What {
    fn from(step: VerificationStep) -> Self {
        match step {
            VerificationStep::Waiting(what) => Self::Verifying { step: format!("waiting: {what}") },
            VerificationStep::LookedAt { writes, of } => Self::LookedAt { writes, of },
        }
    }
}

/// What to do with writes in doubt that are absent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubts {
    /// Wait for the sessions that could still commit them.
    Decide,
    /// These sessions run for too long: the writes stay in doubt.
    LeaveOpen,
}

/// Verifies, and tells each new step to `tell`. The cluster has `timeout` to be ready for it.
///
/// The result has no times of lost writes: those are in the record.
pub async fn verify(
    subject: &Subject,
    site: &Site,
    timeout: Duration,
    mut tell: impl FnMut(VerificationStep) + Send,
) -> Verification {
    let mut patience = Patience::of(timeout);
    let mut told = String::new();
    // The last reason to wait, for when the time runs out in the middle of a survey.
    let mut last = NotYet::Late;
    loop {
        let failed = match look(subject, site, &mut patience, Doubts::Decide, &mut tell).await {
            Ok(found) => return found.verification(patience.spent()),
            Err(NotYet::Never(reason)) => return incomplete(reason, Vec::new(), &patience),
            Err(NotYet::ForeignPatroni(reason)) => {
                let notes = vec![Note::ForeignPatroni];
                return Verification { notes, ..incomplete(reason, Vec::new(), &patience) };
            }
            Err(NotYet::Late) => last,
            Err(failed) => failed,
        };
        let wait = match &failed {
            NotYet::Late => "the database gave no answer".to_owned(),
            NotYet::Wait(wait)
            | NotYet::InDoubt(wait)
            | NotYet::Several(wait)
            | NotYet::NoLeader(wait, _)
            | NotYet::ForeignPatroni(wait)
            | NotYet::Never(wait) => wait.clone(),
        };
        if patience.is_up_after(PAUSE) {
            return given_up(subject, site, &mut patience, &failed, wait, &mut tell).await;
        }
        if wait != told {
            tell(VerificationStep::Waiting(wait.clone()));
            told = wait;
        }
        last = failed;
        tokio::time::sleep(PAUSE).await;
    }
}

/// The verification when the time is up: what can be decided without waiting.
async fn given_up(
    subject: &Subject,
    site: &Site,
    patience: &mut Patience,
    failed: &NotYet,
    wait: String,
    tell: &mut (impl FnMut(VerificationStep) + Send),
) -> Verification {
    let reason = format!("not finished within {:.0} s: {wait}", patience.timeout.as_secs_f64());
    match failed {
        // Acknowledged writes can be decided now: only writes in doubt depend on open sessions.
        NotYet::InDoubt(_) => match look(subject, site, patience, Doubts::LeaveOpen, tell).await {
            Ok(found) => {
                let mut verification = found.verification(patience.spent());
                let undecided =
                    verification.account.as_ref().is_some_and(|one| one.counts.undecided > 0);
                verification.reason = undecided.then_some(wait);
                verification
            }
            Err(_) => incomplete(reason, Vec::new(), patience),
        },
        NotYet::Several(_) => {
            let holds = whereabouts::what_each_holds(subject, site).await;
            incomplete(reason, holds, patience)
        }
        NotYet::NoLeader(_, tls) => {
            let untrusted = tls.map(|cause| Note::PatroniUntrusted { cause });
            let notes = vec![untrusted.unwrap_or(Note::NobodyLeads)];
            Verification { notes, ..incomplete(reason, Vec::new(), patience) }
        }
        _ => incomplete(reason, Vec::new(), patience),
    }
}

fn incomplete(reason: String, holds: Vec<Holding>, patience: &Patience) -> Verification {
    Verification {
        account: None,
        lost_writes: Vec::new(),
        reason: Some(reason),
        server: None,
        notes: Vec::new(),
        holds,
        took: patience.spent(),
    }
}

/// What a look has come to.
struct LookOutcome {
    account: Account,
    server: Server,
    notes: Vec<Note>,
    holds: Vec<Holding>,
    /// The rows that an earlier verification has seen are gone: the account says nothing.
    removed: bool,
}

impl LookOutcome {
    fn verification(self, took: Duration) -> Verification {
        let reason = self.removed.then(|| {
            let server = self.server.name();
            match self.notes.contains(&Note::Removed) {
                true => format!(
                    "the run's rows were removed from {server}, on the same timeline: this result \
                     stands"
                ),
                false => format!(
                    "the run's rows are gone from {server}, which is on another timeline: whether \
                     they were removed or lost cannot be told"
                ),
            }
        });
        Verification {
            account: (!self.removed).then_some(self.account),
            lost_writes: Vec::new(),
            reason,
            server: Some(self.server),
            notes: self.notes,
            holds: self.holds,
            took,
        }
    }
}

/// One look, from a survey to the account.
async fn look(
    subject: &Subject,
    site: &Site,
    patience: &mut Patience,
    doubts: Doubts,
    tell: &mut (impl FnMut(VerificationStep) + Send),
) -> Result<LookOutcome, NotYet> {
    let ready = subject.ready(site, (patience.started, patience.timeout), doubts);
    let Survey { session, decider, dialer, others, is_one_endpoint } = match doubts {
        Doubts::Decide => patience.wait_for(ready).await?,
        // The time is up already; each step has a deadline of its own.
        Doubts::LeaveOpen => ready.await?,
    };
    let server = session.server.clone();
    let looked = patience.without_counting(subject.presence(&session, &dialer, tell)).await;
    session.close().await;
    let looked = match looked {
        Ok(presence) => Ok(Some(presence)),
        Err(fault) if is_missing_table(&fault) => Ok(None),
        Err(fault) => Err(look_failed(&fault)),
    };
    let found = match looked {
        Ok(presence) => {
            let table_gone = presence.is_none();
            let still_open = doubts == Doubts::LeaveOpen;
            let account = subject.account(&presence.unwrap_or_default(), still_open);
            let holds = whereabouts::of_lost_writes(subject, &account, &others).await;
            let removed = subject.are_gone(table_gone, &account);
            let mut notes = Vec::new();
            if decider.went_back
                && let Some(to) = server.timeline
            {
                let from = subject.known.highest_timeline.unwrap_or(to);
                notes.push(Note::WentBack { from, to });
            }
            notes.extend(is_one_endpoint.then_some(Note::OneEndpoint));
            notes.extend(
                (removed && subject.is_timeline_of_before(&server)).then_some(Note::Removed),
            );
            notes.extend((table_gone && !removed).then_some(Note::TableGone));
            notes.extend(
                (account.counts.undecided > 0 && !still_open).then_some(Note::BehindPooler),
            );
            Ok(LookOutcome { account, server: server.clone(), notes, holds, removed })
        }
        Err(failed) => Err(failed),
    };
    close_all(others).await;
    let found = found?;
    // The rule must name the same server again, else a failover went on meanwhile. The second
    // survey has its own deadlines: a slow cluster does not void what was seen.
    let again = survey_now(site, subject).await?;
    let now = again.session.server.clone();
    let same = now.has_stayed(&server);
    close_all(again.others).await;
    again.session.close().await;
    if same {
        Ok(found)
    } else {
        Err(NotYet::Wait(format!("the primary changed to {now} during the look")))
    }
}

async fn survey_now(site: &Site, subject: &Subject) -> Result<Survey, NotYet> {
    match survey(site, &subject.known).await {
        Ok(survey) => Ok(survey),
        Err(open) => {
            let Open { why, words, can_change, reached } = *open;
            close_all(reached).await;
            Err(match why {
                Undecided::ForeignPatroni(_) if !can_change => NotYet::ForeignPatroni(words),
                Undecided::NoLeader { tls, .. } => NotYet::NoLeader(words, tls),
                _ if !can_change => NotYet::Never(words),
                why if why.is_about_several() => NotYet::Several(words),
                _ => NotYet::Wait(words),
            })
        }
    }
}

impl Subject {
    /// The server that decides, once no session of the run there can change the account.
    async fn ready(
        &self,
        site: &Site,
        (started, timeout): (Instant, Duration),
        doubts: Doubts,
    ) -> Result<Survey, NotYet> {
        let survey = survey_now(site, self).await?;
        let server = &survey.session.server;
        let settling = started.elapsed() < LOWER_TIMELINE_WAIT.min(timeout / 2);
        let wait = if survey.decider.went_back && settling && survey.is_one_endpoint {
            Err(NotYet::Wait(format!(
                "{} is on timeline {}, the run has seen {}",
                server.name(),
                server.timeline.unwrap_or_default(),
                self.known.highest_timeline.unwrap_or_default()
            )))
        } else if doubts == Doubts::Decide && self.has_doubts() {
            self.wait_for_backends(&survey.session).await
        } else {
            Ok(())
        };
        match wait {
            Ok(()) => Ok(survey),
            Err(not_yet) => {
                close_all(survey.others).await;
                survey.session.close().await;
                Err(not_yet)
            }
        }
    }

    async fn wait_for_backends(&self, session: &Session) -> Result<(), NotYet> {
        if self.backends.is_empty() {
            return Ok(());
        }
        let asked = session.end_idle(&self.backends);
        match session.bounded(Phase::Read, STEP_DEADLINE, asked).await {
            Ok(left) if left.is_nothing() => Ok(()),
            Ok(left) => Err(NotYet::InDoubt(still_there(&left, &session.server))),
            Err(fault) => Err(NotYet::Wait(format!("{} ({})", fault.class, fault.message))),
        }
    }

    async fn presence(
        &self,
        session: &Session,
        dialer: &Dialer,
        tell: &mut (impl FnMut(VerificationStep) + Send),
    ) -> Result<Presence, Fault> {
        let stretches = token_ranges(&self.ledger, STRETCH_WRITES);
        let tell = |writes, of| tell(VerificationStep::LookedAt { writes, of });
        look_at_all(self.run_id, stretches, session, dialer, tell).await
    }
}

fn still_there(left: &LeftBehind, server: &Server) -> String {
    let count = left.at_work.len() as u64 + left.ended;
    let sessions = if count == 1 { "session" } else { "sessions" };
    let waits = left.waits_for.as_ref().map(|wait| format!(", waiting for {wait}"));
    format!(
        "{count} {sessions} of this run on {} could still commit{}",
        server.name(),
        waits.unwrap_or_default()
    )
}

fn is_missing_table(fault: &Fault) -> bool {
    matches!(fault.sqlstate.as_deref(), Some("42P01" | "3F000"))
}

fn look_failed(fault: &Fault) -> NotYet {
    let words = format!("the look failed: {} ({})", fault.class, fault.message);
    // Waiting does not grant a missing permission.
    match fault.sqlstate.as_deref() {
        Some("42501") => NotYet::Never(words),
        _ => NotYet::Wait(words),
    }
}
