//! What is verified: a run's books, and what it knows of the cluster that it wrote to.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::model::cluster::decision::KnownCluster;
use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::ledger::account::{Account, Closing, Presence, account};
use crate::model::ledger::books::Ledger;
use crate::model::run::Run;

/// A run that was killed, or that has stopped all of its writers.
#[derive(Debug, Clone)]
pub struct Subject {
    pub(super) run_id: Uuid,
    pub(super) ledger: Ledger,
    closing: Closing,
    pub(super) known: KnownCluster,
    /// Server processes that could still commit a write in doubt.
    pub(super) backends: BTreeSet<ServerProcess>,
    /// A write in doubt was sent through a pooler: which process has it is not known.
    pub(super) in_doubt_behind_pooler: bool,
    /// What an earlier verification, which was complete, has found.
    before: Option<Before>,
}

#[derive(Debug, Clone)]
struct Before {
    timeline: Option<u32>,
    present: u64,
}

impl Subject {
    /// The run as it is now.
    #[must_use]
    pub fn of(run: &Run, closing: Closing) -> Self {
        let (pooled, backends) =
            run.backends_to_wait_for().into_iter().partition::<BTreeSet<_>, _>(|one| one.pooled);
        let before = run.verification.as_ref().and_then(|verification| {
            let present = verification.account.as_ref()?.counts.present;
            let timeline = verification.server.as_ref().and_then(|server| server.timeline);
            Some(Before { timeline, present })
        });
        Self {
            run_id: run.header.run_id,
            ledger: run.ledger.clone(),
            closing,
            known: run.known(),
            backends,
            in_doubt_behind_pooler: !pooled.is_empty(),
            before,
        }
    }

    /// The account of what is present. While something could still commit the writes in doubt,
    /// those that are not there are left open.
    pub(super) fn account(&self, presence: &Presence, still_open: bool) -> Account {
        let mut account = account(&self.ledger, presence, &self.closing);
        if still_open || self.in_doubt_behind_pooler {
            account.counts.undecided = std::mem::take(&mut account.counts.absent);
        }
        account
    }

    /// Whether all rows that an earlier verification has seen are gone. `clean` does that, and so
    /// does a table that is dropped: it changes no verdict.
    pub(super) fn are_gone(&self, table_gone: bool, account: &Account) -> bool {
        self.before
            .as_ref()
            .is_some_and(|before| table_gone || (account.counts.present == 0 && before.present > 0))
    }

    /// Whether this server is on the timeline of the earlier verification: no failover lies
    /// between. A timeline that is not known is no sameness.
    pub(super) fn is_timeline_of_before(&self, server: &Server) -> bool {
        self.before
            .as_ref()
            .is_some_and(|before| before.timeline.is_some() && before.timeline == server.timeline)
    }

    /// Whether a write is in doubt.
    pub(super) fn has_doubts(&self) -> bool {
        self.ledger.books().any(|(_, book)| !book.in_doubt.is_empty())
            || self.closing != Closing::Closed
    }
}
