//! The presence scan: everything that is there of a run, asked by
//! [`presence_query`](crate::pg::presence_query) stretch by stretch, by two sessions side by side
//! where there is more than one stretch.
//!
//! The second session sees the same moment, as it takes the first one's snapshot. It only helps:
//! where it cannot be had, the first one does all of it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::engine::dialer::Dialer;
use crate::model::fault::{Fault, Phase};
use crate::model::ledger::account::Presence;
use crate::model::ledger::token_range::TokenRange;
use crate::pg::sessions::session::Session;

/// Deadline of a short question: a server that froze is left for the one that takes over.
pub(super) const STEP_DEADLINE: Duration = Duration::from_secs(10);

/// Deadline of the look at a stretch: millions of rows a second were measured, but a server after a
/// failover may read each of them from another place of a cold disk.
const STRETCH_DEADLINE: Duration = Duration::from_secs(30);
const STRETCH_WRITES_PER_S: u64 = 2_500;

/// The server gives a stretch up that much later, so that it is the client's deadline that is told.
const SERVER_LATER: Duration = Duration::from_secs(5);

/// How often at most it is told how far the look is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Looks at all stretches, and tells `tell` now and then how many of how many writes are looked at.
///
/// # Errors
/// The fault that ended it.
pub(super) async fn look_at_all(
    run_id: Uuid,
    stretches: Vec<TokenRange>,
    session: &Session,
    dialer: &Dialer,
    tell: impl FnMut(u64, u64) + Send,
) -> Result<Presence, Fault> {
    let has_several = stretches.len() > 1;
    let work = Work::of(run_id, stretches, tell);
    session.bounded(Phase::Read, STEP_DEADLINE, session.begin_look(None)).await?;
    let mut presence = Presence::default();
    if has_several {
        let exported = session.export_snapshot();
        let snapshot = session.bounded(Phase::Read, STEP_DEADLINE, exported).await?;
        let (walked, beside) = tokio::join!(
            work.walk(session, &mut presence),
            work.walk_beside(session, &snapshot, dialer)
        );
        walked?;
        presence.add(beside);
    }
    // With one session this scans everything, else what the second session gave back.
    work.walk(session, &mut presence).await?;
    // Everything was read: a failure to end the transaction changes nothing.
    let _ = session.bounded(Phase::Read, STEP_DEADLINE, session.end_look()).await;
    Ok(presence)
}

/// The stretches that are left, shared by the sessions that scan them.
struct Work<Tell> {
    run_id: Uuid,
    left: Mutex<ToScan<Tell>>,
    /// Nothing is left to begin with.
    all_begun: CancellationToken,
}

struct ToScan<Tell> {
    stretches: VecDeque<TokenRange>,
    looked_at: u64,
    of: u64,
    told: Instant,
    tell: Tell,
}

impl<Tell: FnMut(u64, u64) + Send> Work<Tell> {
    fn of(run_id: Uuid, stretches: Vec<TokenRange>, tell: Tell) -> Self {
        let of = stretches.iter().map(|stretch| stretch.attempted).fold(0, u64::saturating_add);
        let (stretches, told) = (stretches.into(), Instant::now());
        let left = Mutex::new(ToScan { stretches, looked_at: 0, of, told, tell });
        Self { run_id, left, all_begun: CancellationToken::new() }
    }

    /// Looks at stretches until none is left. One that fails is given back.
    async fn walk(&self, session: &Session, presence: &mut Presence) -> Result<(), Fault> {
        while let Some(stretch) = self.next() {
            let deadline =
                STRETCH_DEADLINE + Duration::from_secs(stretch.attempted / STRETCH_WRITES_PER_S);
            let look = session.presence(self.run_id, &stretch, deadline + SERVER_LATER);
            match session.bounded(Phase::Read, deadline, look).await {
                Ok(seen) => presence.add(seen),
                Err(fault) => {
                    self.lock().stretches.push_front(stretch);
                    return Err(fault);
                }
            }
            self.done(&stretch);
        }
        Ok(())
    }

    /// The same by a second session, as long as there is something left for it: what it has seen.
    async fn walk_beside(&self, first: &Session, snapshot: &str, dialer: &Dialer) -> Presence {
        let mut presence = Presence::default();
        let session = tokio::select! {
            session = second_session(first, snapshot, dialer) => session,
            () = self.all_begun.cancelled() => None,
        };
        if let Some(session) = session {
            if let Err(fault) = self.walk(&session, &mut presence).await {
                tracing::debug!("the look goes on without its second session: {}", fault.message);
            }
            session.close().await;
        }
        presence
    }

    fn next(&self) -> Option<TokenRange> {
        let stretch = self.lock().stretches.pop_front();
        if stretch.is_none() {
            self.all_begun.cancel();
        }
        stretch
    }

    fn done(&self, stretch: &TokenRange) {
        let mut left = self.lock();
        left.looked_at += stretch.attempted;
        if left.looked_at < left.of && left.told.elapsed() >= TELL_EVERY {
            left.told = Instant::now();
            let (looked_at, of) = (left.looked_at, left.of);
            (left.tell)(looked_at, of);
        }
    }

    /// Held for moments, and a poisoned lock has no broken state.
    fn lock(&self) -> MutexGuard<'_, ToScan<Tell>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that sees what the first one sees.
async fn second_session(first: &Session, snapshot: &str, dialer: &Dialer) -> Option<Session> {
    let session = dialer.dial().await.ok()?.session;
    // A snapshot is valid only on the server that exported it.
    if !session.server.has_stayed(&first.server) {
        return None;
    }
    match session.bounded(Phase::Read, STEP_DEADLINE, session.begin_look(Some(snapshot))).await {
        Ok(()) => Some(session),
        Err(fault) => {
            tracing::debug!("the look goes on without a second session: {}", fault.message);
            None
        }
    }
}
