//! How long a cluster that cannot be looked at yet is waited for.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::fault::{Class, Fault};
use crate::model::seconds;
use crate::model::tls_cause::TlsCause;

/// Why one look was not enough.
pub(super) enum NotYet {
    /// The cluster is not ready; what is waited for.
    Wait(String),
    /// Sessions of the run could still commit its writes in doubt.
    InDoubt(String),
    /// Several servers have a claim to decide.
    Several(String),
    /// No member leads by Patroni's word, or no Patroni answers; why TLS with one failed, where it did.
    NoLeader(String, Option<TlsCause>),
    /// The Patroni that is watched is another cluster's: waiting cannot help.
    ForeignPatroni(String),
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
pub(super) struct Patience {
    pub(super) timeout: Duration,
    failed_looks: u32,
    pub(super) started: Instant,
    deadline: Instant,
}

impl Patience {
    pub(super) fn of(timeout: Duration) -> Self {
        let started = Instant::now();
        Self { timeout, failed_looks: 0, started, deadline: started + timeout }
    }

    /// By then at the latest.
    pub(super) async fn wait_for<T>(
        &self,
        something: impl Future<Output = Result<T, NotYet>>,
    ) -> Result<T, NotYet> {
        let done = tokio::time::timeout_at(self.deadline, something).await;
        done.unwrap_or(Err(NotYet::Late))
    }

    /// However long it takes.
    pub(super) async fn without_counting<T>(
        &mut self,
        look: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let began = Instant::now();
        let looked = look.await;
        let counts = match &looked {
            Ok(_) => false,
            Err(fault) => {
                self.failed_looks += 1;
                // A look like these takes time from the deadline: a server that answers with
                // anything at all must not prolong the wait with every answer.
                matches!(fault.class, Class::Timeout | Class::Protocol)
                    || self.failed_looks > FAILED_LOOKS_MAX
            }
        };
        if !counts {
            self.deadline += began.elapsed();
        }
        looked
    }

    /// In the record's grain.
    pub(super) fn spent(&self) -> Duration {
        seconds::whole(self.started.elapsed())
    }

    pub(super) fn is_up_after(&self, pause: Duration) -> bool {
        Instant::now() + pause >= self.deadline
    }
}
