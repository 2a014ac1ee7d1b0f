//! After an outage: are the recent acknowledged writes there, and what became of those in doubt?
//!
//! What is found present is final. What is not found is provisional: the final verification
//! decides. It also looks whether the old primary stays as a replica of the new one, which tells
//! a switchover from a failover.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::engine::dialer::Dialer;
use crate::engine::signal::{CheckRequest, Signal};
use crate::engine::teller::Teller;
use crate::engine::verification::Site;
use crate::engine::verification::survey::{close_all, survey};
use crate::engine::watch::followers::Followers;
use crate::engine::watch::patroni::PatroniWatch;
use crate::model::event::{Checked, What};
use crate::model::fault::Phase;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::outage::kind::{Kind, Replicas};
use crate::model::outage::old_primary::OldPrimary;
use crate::model::outage::server_reason::ServerReason;
use crate::pg::sessions::session::Session;

/// How often a check is tried, as the cluster may still be settling.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(10);

/// How soon after its 57P01 a primary that stays is back as a replica: Patroni restarts it at once,
/// measured at one to five seconds. One that is back later was started again.
const COMEBACK: Duration = Duration::from_secs(6);
/// The same where its Patroni tells whether it stayed: it may have to be rewound first.
const COMEBACK_BY_PATRONI: Duration = Duration::from_secs(30);
const COMEBACK_PAUSE: Duration = Duration::from_secs(1);

/// The checker of one run.
#[derive(Clone)]
pub(crate) struct Checker {
    pub(crate) run_id: Uuid,
    /// The run id of its witnesses, where there are some.
    pub(crate) witness: Option<Uuid>,
    pub(crate) dialer: Dialer,
    /// Where it is looked: at the server that would decide now.
    pub(crate) site: Site,
    pub(crate) teller: Teller,
    /// Patroni's API, where it is watched.
    pub(crate) patroni: Option<PatroniWatch>,
    /// Which replicas follow the primary, where no Patroni tells of members.
    pub(crate) followers: Option<Followers>,
    pub(crate) stop: CancellationToken,
}

impl Checker {
    /// Checks after each outage until the load stops. Checks that were asked for before are still
    /// made then, but they wait for nothing.
    pub(crate) async fn run(self, mut requests: mpsc::Receiver<CheckRequest>) {
        let settling = TaskTracker::new();
        while let Some(request) = requests.recv().await {
            self.check(&request).await;
            // The next outage's check does not wait for this one's old primary.
            settling.spawn(self.clone().settle_kind(request));
        }
        settling.close();
        settling.wait().await;
    }

    async fn check(&self, request: &CheckRequest) {
        let mut last_error = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            match self.look(request).await {
                Ok((checked, witness_rows)) => {
                    let checked = Box::new(checked);
                    self.teller.tell(Signal::Checked { checked, witness_rows }).await;
                    return;
                }
                Err(error) => last_error = error,
            }
            if self.stop.is_cancelled() {
                break;
            }
        }
        let checked = Checked {
            outage: request.outage,
            recovered: BTreeMap::new(),
            not_found: BTreeMap::new(),
            missing: BTreeMap::new(),
            there: BTreeMap::new(),
            looked_up: 0,
            other_rows: None,
            error: Some(last_error),
        };
        let signal = Signal::Checked { checked: Box::new(checked), witness_rows: 0 };
        self.teller.tell(signal).await;
    }

    /// What is found, and how many rows of the run's witnesses lie in the gap of its ids.
    async fn look(&self, request: &CheckRequest) -> Result<(Checked, u64), String> {
        let found = self.patroni.as_ref().map(PatroniWatch::apis).unwrap_or_default();
        let site = self.site.clone().with_found(found);
        let session = match survey(&site, &request.known).await {
            Ok(survey) => {
                close_all(survey.others).await;
                survey.session
            }
            Err(open) => {
                close_all(open.reached).await;
                return Err(open.words);
            }
        };
        let asked = session.look_at_windows(self.run_id, &request.windows, DEADLINE);
        let present = session.bounded(Phase::Read, DEADLINE, asked).await;
        let rows_between = match request.jump {
            // What cannot be asked is not known.
            Some((before, after)) => {
                let asked = session.other_rows_between((self.run_id, self.witness), before, after);
                session.bounded(Phase::Read, DEADLINE, asked).await.ok()
            }
            None => None,
        };
        session.close().await;
        let present = present.map_err(|fault| fault.message)?;
        let (other_rows, witness_rows) = rows_between.unzip();
        let nothing = SeqSet::new();
        let mut checked = Checked {
            outage: request.outage,
            recovered: BTreeMap::new(),
            not_found: BTreeMap::new(),
            missing: BTreeMap::new(),
            there: BTreeMap::new(),
            looked_up: request.acknowledged.values().map(SeqSet::len).sum(),
            other_rows,
            error: None,
        };
        for (writer, acknowledged) in &request.acknowledged {
            let there = present.get(writer).unwrap_or(&nothing);
            let doubts = request.in_doubt.get(writer).unwrap_or(&nothing);
            note(&mut checked.missing, *writer, acknowledged - there);
            note(&mut checked.there, *writer, acknowledged & there);
            note(&mut checked.recovered, *writer, doubts & there);
            note(&mut checked.not_found, *writer, doubts - there);
        }
        Ok((checked, witness_rows.unwrap_or(0)))
    }

    /// Waits for the old primary to come back as a replica, if it ended its sessions with 57P01 or
    /// its Patroni can tell.
    async fn settle_kind(self, mut request: CheckRequest) {
        // Of servers that nothing tells apart it is not known that it was a failover.
        if !matches!(request.kind, Kind::Failover | Kind::Unknown) {
            return;
        }
        let began = request.began;
        let before = request.sightings.before.as_ref();
        request.sightings.replicas_before =
            self.followers.as_ref().and_then(|followers| followers.before(before, began));
        let latest = began + if self.patroni.is_some() { COMEBACK_BY_PATRONI } else { COMEBACK };
        loop {
            let asked_at = self.teller.clock.now();
            if let Some(patroni) = &self.patroni {
                request.sightings.old_primary =
                    patroni.old_primary(request.sightings.before.as_ref());
            }
            match request.sightings.old_primary {
                OldPrimary::Fell => return,
                OldPrimary::HandedOver | OldPrimary::Unsettled => {}
                OldPrimary::Unknown
                    if request.sightings.reasons.contains(&ServerReason::Goodbye) =>
                {
                    let streaming_for = asked_at.saturating_sub(began + COMEBACK);
                    self.see_replicas(&mut request, streaming_for).await;
                }
                OldPrimary::Unknown if self.patroni.is_none() => return,
                OldPrimary::Unknown => {}
            }
            let kind = request.sightings.kind();
            if kind != request.kind {
                self.teller.fact(What::Reclassified { outage: request.outage, kind }).await;
                return;
            }
            if asked_at > latest {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(COMEBACK_PAUSE) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }

    /// The replicas that stream from the new primary, and have done so for as long.
    async fn see_replicas(&self, request: &mut CheckRequest, streaming_for: Duration) {
        if let Ok(session) = self.session().await {
            let asked = session.replicas(streaming_for);
            let replicas = session.bounded(Phase::Read, DEADLINE, asked).await;
            session.close().await;
            let Replicas { names, addresses } = replicas.unwrap_or_default();
            request.sightings.replicas.names.extend(names);
            request.sightings.replicas.addresses.extend(addresses);
        }
    }

    async fn session(&self) -> Result<Session, String> {
        self.dialer.dial().await.map(|opened| opened.session).map_err(|failures| {
            failures.first().map(|failure| failure.fault.message.clone()).unwrap_or_default()
        })
    }
}

fn note(writes: &mut BTreeMap<i32, SeqSet>, writer: i32, seqs: SeqSet) {
    if !seqs.is_empty() {
        writes.insert(writer, seqs);
    }
}
