//! How far a replica is behind, by the tokens that were acknowledged, and in time.
//!
//! Once a second the reader notes what is acknowledged, and asks a replica which of it is there.
//! The oldest note that the replica does not show in full says how old its data is; replication
//! positions would say how far the log is, not what a reader sees.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::engine::dialer::Dialer;
use crate::engine::teller::Teller;
use crate::model::event::{ReplicaLag, What};
use crate::model::fault::{Fault, Phase};
use crate::model::run::replica_lag::{Notes, writes_behind};
use crate::pg::sessions::session::Session;

/// How far every writer is acknowledged, kept up to date by the recorder.
pub(crate) type AcknowledgedUpTo = BTreeMap<i32, i64>;

const EVERY: Duration = Duration::from_millis(250);
const DEADLINE: Duration = Duration::from_secs(3);
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// Numbers kept in notes: with few writers ages are told to a part in a hundred.
const NOTED_MAX: usize = 1_000_000;

/// Reads from replicas while the load goes on.
pub(crate) struct ReplicaReader {
    pub(crate) run_id: Uuid,
    pub(crate) dialer: Dialer,
    pub(crate) teller: Teller,
    pub(crate) acknowledged: watch::Receiver<AcknowledgedUpTo>,
    pub(crate) stop: CancellationToken,
}

impl ReplicaReader {
    /// Reads until the load stops.
    pub(crate) async fn run(self) {
        let stop = self.stop.clone();
        let mut notes = Notes::new(NOTED_MAX);
        tokio::select! {
            () = self.read_for_ever(&mut notes) => {}
            () = stop.cancelled() => {}
        }
    }

    async fn read_for_ever(mut self, notes: &mut Notes) {
        loop {
            match self.dialer.dial().await {
                Ok(opened) => {
                    if let Err(fault) = self.read_on(opened.session, notes).await {
                        self.teller.fact(What::ReplicaFailed { fault }).await;
                    }
                }
                Err(failures) => {
                    for failure in failures {
                        self.teller.fact(What::ReplicaFailed { fault: failure.fault }).await;
                    }
                }
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }

    /// Reads on one session until it breaks, or until the server is another kind of server.
    async fn read_on(&mut self, session: Session, notes: &mut Notes) -> Result<(), Fault> {
        loop {
            let now = self.teller.clock.now();
            let acknowledged = self.acknowledged.borrow_and_update().clone();
            let writers: Vec<i32> = acknowledged.keys().copied().collect();
            notes.add(now, acknowledged.clone());
            let asked = session.highest_seqs(self.run_id, &writers);
            let seen = session.bounded(Phase::Read, DEADLINE, asked).await?;
            let asked = session.in_recovery();
            if session.bounded(Phase::Read, DEADLINE, asked).await? != session.server.in_recovery {
                // It was promoted, or demoted: the next connect finds a replica anew.
                return Ok(());
            }
            let oldest = notes.oldest_unseen(&seen);
            let lag = ReplicaLag {
                server: session.server.clone(),
                writes_behind: writes_behind(&acknowledged, &seen),
                behind: oldest.map_or(Duration::ZERO, |at| now.saturating_sub(at)),
            };
            self.teller.fact(What::ReplicaLag(lag)).await;
            tokio::time::sleep(EVERY).await;
        }
    }
}
