//! The tasks that work beside the writers, with one owner: what is started here is ended here, in
//! the order in which the ends depend on each other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::plan::{Plan, RunError, Stop};
use crate::engine::checker::Checker;
use crate::engine::dialer::Dialer;
use crate::engine::drill_notes::HandingOn;
use crate::engine::signal::CheckRequest;
use crate::engine::teller::Teller;
use crate::engine::verification::Site;
use crate::engine::watch::followers;
use crate::engine::watch::haproxy::ProxyWatcher;
use crate::engine::watch::members::MembersWatcher;
use crate::engine::watch::own_pauses::OwnPauseWatch;
use crate::engine::watch::patroni::{PatroniWatch, PatroniWatcher};
use crate::engine::watch::replicas::{AcknowledgedUpTo, ReplicaReader};
use crate::engine::watch::stalls::{self, StallWatch, Stalls};
use crate::model::cluster::member_looks::LoadedCluster;
use crate::pg::sessions::application_name::Purpose;

/// How long the checker may take to finish what it has begun when writing ends.
const CHECKER_DEADLINE: Duration = Duration::from_secs(12);

/// Everything that works beside the writers of one run.
pub(super) struct Helpers {
    checker: JoinHandle<()>,
    /// What a drill tells meanwhile.
    notes: Option<HandingOn>,
    /// Explains outages: Patroni's API, or the replicas that follow where no Patroni is watched.
    watching: JoinHandle<()>,
    /// What HAProxy says of the servers that it sends to.
    proxy: Option<JoinHandle<()>>,
    /// Ends the load when its duration is over.
    stopwatch: JoinHandle<()>,
    /// Replicas' lag, and what silent writes wait for.
    beside_load: TaskTracker,
    own_pauses: Option<OwnPauseWatch>,
    /// Members at their own addresses, and their witnesses.
    members: Option<JoinHandle<()>>,
    patroni: Option<PatroniWatch>,
    /// Writers that are out go on after the end of the load: what explains their outage is watched
    /// as long.
    writers_ended: CancellationToken,
}

impl Helpers {
    /// Starts what is there from the beginning.
    pub(super) fn start(
        plan: &mut Plan,
        teller: &Teller,
        site: &Site,
        checks: mpsc::Receiver<CheckRequest>,
        patroni: Option<(PatroniWatcher, PatroniWatch)>,
        stop: &Stop,
    ) -> Self {
        let run_id = plan.header.run_id;
        let writers_ended = CancellationToken::new();
        let dialer = Dialer::new(Arc::clone(&plan.settings), plan.header.options.connect_timeout)
            .for_purpose(run_id, Purpose::Check)
            .telling_of_plaintext(teller.of_plaintext());
        let (patroni_watcher, patroni) = patroni.unzip();
        let (watching, followers) = if let Some(watcher) = patroni_watcher {
            (tokio::spawn(watcher.run(writers_ended.clone())), None)
        } else {
            let (watcher, followers) = followers::watcher(dialer.clone(), teller.clock);
            (tokio::spawn(watcher.run(writers_ended.clone())), Some(followers))
        };
        let proxy = plan.haproxy.take().map(|page| {
            let watcher = ProxyWatcher::new(page, teller.clone());
            tokio::spawn(watcher.run(patroni.clone(), writers_ended.clone()))
        });
        let checker = Checker {
            run_id,
            witness: plan.header.witness,
            dialer,
            site: site.clone().for_purpose(run_id, Purpose::Check),
            teller: teller.clone(),
            patroni: patroni.clone(),
            followers,
            stop: writers_ended.clone(),
        };
        Self {
            checker: tokio::spawn(checker.run(checks)),
            notes: plan.notes.take().map(|notes| HandingOn::start(notes, teller.clone())),
            watching,
            proxy,
            stopwatch: stop_after(plan.header.options.duration, teller, stop),
            beside_load: TaskTracker::new(),
            own_pauses: None,
            members: None,
            patroni,
            writers_ended,
        }
    }

    /// Starts what looks on while writers write.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(super) fn start_beside_load(
        &mut self,
        plan: &mut Plan,
        teller: &Teller,
        acknowledged: Option<watch::Receiver<AcknowledgedUpTo>>,
        loaded: LoadedCluster,
        stalls: &Stalls,
        (stop, stop_now): (&Stop, &CancellationToken),
    ) -> io::Result<()> {
        let (run_id, options) = (plan.header.run_id, &plan.header.options);
        self.own_pauses = Some(OwnPauseWatch::look_out(teller.clock, teller.sender())?);
        if let Some((settings, acknowledged)) = plan.read_settings.take().zip(acknowledged) {
            let reader = ReplicaReader {
                run_id,
                dialer: Dialer::new(settings, options.connect_timeout)
                    .for_purpose(run_id, Purpose::Replica)
                    .telling_of_plaintext(teller.of_plaintext())
                    .server_asked_for(),
                teller: teller.clone(),
                acknowledged,
                stop: stop.writing.clone(),
            };
            self.beside_load.spawn(reader.run());
        }
        let members = plan.members.take().map(|members| MembersWatcher {
            run_id,
            plan: members,
            loaded,
            witness: plan.header.witness,
            teller: teller.clone(),
            patroni: self.patroni.clone(),
        });
        let ended = &self.writers_ended;
        self.members = members.map(|members| tokio::spawn(members.run(ended.clone())));
        let look_within = options.connect_timeout.min(stalls::CONNECT_DEADLINE);
        let stall_watch = StallWatch {
            run_id,
            dialer: Dialer::new(Arc::clone(&plan.settings), look_within)
                .for_purpose(run_id, Purpose::Look)
                .telling_of_plaintext(teller.of_plaintext()),
            teller: teller.clone(),
            waiting: stalls.waiting(),
            stop_now: stop_now.clone(),
        };
        self.beside_load.spawn(stall_watch.run());
        Ok(())
    }

    /// The writers have ended: nothing beside them goes on, and nothing explains outages any more.
    pub(super) async fn writers_ended(&mut self) -> Result<(), RunError> {
        self.own_pauses = None;
        self.beside_load.close();
        self.beside_load.wait().await;
        self.stopwatch.abort();
        self.writers_ended.cancel();
        if let Some(members) = self.members.take() {
            joined(members.await)?;
        }
        if let Some(proxy) = self.proxy.take() {
            joined(proxy.await)?;
        }
        joined((&mut self.watching).await)
    }

    /// The checker finishes what it has begun. It is asked nothing more.
    pub(super) async fn checks_done(&mut self) {
        if !self.checker.is_finished()
            && timeout(CHECKER_DEADLINE, &mut self.checker).await.is_err()
        {
            tracing::debug!("the checker is given up for the final verification");
        }
    }

    /// Hands the last notes on.
    pub(super) async fn finish(self) {
        if let Some(notes) = self.notes {
            notes.finish().await;
        }
    }

    /// Ends everything: the run can never work. The recorder ends when nothing is left to tell it
    /// anything, and these could.
    pub(super) async fn abort(mut self) {
        self.stopwatch.abort();
        self.own_pauses = None;
        self.beside_load.close();
        self.beside_load.wait().await;
        self.checker.abort();
        if let Some(notes) = self.notes {
            notes.abort();
        }
        if let Some(proxy) = self.proxy {
            proxy.abort();
        }
        self.watching.abort();
        if let Some(members) = self.members.take() {
            self.writers_ended.cancel();
            // One that failed has nothing more to tell.
            let _ = members.await;
        }
    }
}

/// Stops writing when the duration is over.
fn stop_after(duration: Option<Duration>, teller: &Teller, stop: &Stop) -> JoinHandle<()> {
    let (clock, writing) = (teller.clock, stop.writing.clone());
    tokio::spawn(async move {
        match duration {
            Some(duration) => sleep_until(clock.instant(duration)).await,
            None => std::future::pending().await,
        }
        writing.cancel();
    })
}

/// What came of a task of ours: one that panicked is a mistake of pgchaos.
pub(super) fn joined(ended: Result<(), tokio::task::JoinError>) -> Result<(), RunError> {
    ended.map_err(|error| RunError::Internal(error.to_string()))
}
