//! How far a replica is behind, by the tokens that were acknowledged, and in time.
//!
//! Once a second the reader notes what is acknowledged, and asks a replica which of it is there.
//! The oldest note that the replica does not show in full says how old its data is; replication
//! positions would say how far the log is, not what a reader sees.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clock::Clock;
use super::dialer::Dialer;
use super::signal::Signal;
use crate::model::event::ReplicaLag;
use crate::model::fault::{Fault, Phase};
use crate::pg::session::Session;

/// How far every writer is acknowledged, kept up to date by the recorder.
pub(crate) type Acknowledged = BTreeMap<i32, i64>;

const EVERY: Duration = Duration::from_millis(250);
const DEADLINE: Duration = Duration::from_secs(3);
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// Notes kept: ten minutes of lag can be told; beyond that it is at least that.
const NOTES_KEPT: usize = 2400;

/// Reads from replicas while the load goes on.
pub(crate) struct ReplicaReader {
    pub(crate) run_id: Uuid,
    pub(crate) dialer: Dialer,
    pub(crate) clock: Clock,
    pub(crate) recorder: mpsc::Sender<Signal>,
    pub(crate) acknowledged: watch::Receiver<Acknowledged>,
    pub(crate) stop: CancellationToken,
}

impl ReplicaReader {
    /// Reads until the load stops.
    pub(crate) async fn run(self) {
        let stop = self.stop.clone();
        tokio::select! {
            () = self.read_for_ever() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn read_for_ever(mut self) {
        loop {
            match self.dialer.dial().await {
                Ok(opened) => {
                    if let Err(fault) = self.read_on(opened.session).await {
                        self.tell(Signal::ReplicaFailed(Box::new(fault))).await;
                    }
                }
                Err(failures) => {
                    for failure in failures {
                        self.tell(Signal::ReplicaFailed(Box::new(failure.fault))).await;
                    }
                }
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }

    /// Reads on one session until it breaks, or until the server is another kind of server.
    async fn read_on(&mut self, session: Session) -> Result<(), Fault> {
        let mut notes: VecDeque<(Duration, Acknowledged)> = VecDeque::new();
        loop {
            let now = self.clock.now();
            let acknowledged = self.acknowledged.borrow_and_update().clone();
            let writers: Vec<i32> = acknowledged.keys().copied().collect();
            notes.push_back((now, acknowledged.clone()));
            if notes.len() > NOTES_KEPT {
                notes.pop_front();
            }
            let asked = session.highest_seqs(self.run_id, &writers);
            let seen = session.bounded(Phase::Read, DEADLINE, asked).await?;
            let asked = session.in_recovery();
            if session.bounded(Phase::Read, DEADLINE, asked).await? != session.server.in_recovery {
                // It was promoted, or demoted: the next connect finds who is a replica now.
                return Ok(());
            }
            while notes.front().is_some_and(|(_, note)| behind(note, &seen) == 0) {
                notes.pop_front();
            }
            let lag = ReplicaLag {
                server: session.server.clone(),
                writes_behind: behind(&acknowledged, &seen),
                behind: notes.front().map_or(Duration::ZERO, |(at, _)| now.saturating_sub(*at)),
            };
            self.tell(Signal::ReplicaLag(Box::new(lag))).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn tell(&self, signal: Signal) {
        // The recorder outlives the reader.
        let _ = self.recorder.send(signal).await;
    }
}

/// How many writes lie between the highest acknowledged one and the highest that is seen. Those
/// among them that were rejected or left in doubt make it a little high, until the replica shows
/// a later one.
fn behind(acknowledged: &Acknowledged, seen: &BTreeMap<i32, i64>) -> u64 {
    acknowledged
        .iter()
        .map(|(writer, seq)| {
            let seen = seen.get(writer).copied().unwrap_or(0);
            u64::try_from(seq - seen).unwrap_or(0)
        })
        .sum()
}
