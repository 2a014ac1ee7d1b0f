//! A run that has begun: its recorder, its record, and everything that works beside the writers.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::helpers::{Helpers, joined};
use super::plan::{Finished, Plan, RunError, Stop};
use crate::engine::clock::Clock;
use crate::engine::dialer::Dialer;
use crate::engine::exact_timer::ExactTimer;
use crate::engine::record::queue::{self, RecordKeeper};
use crate::engine::recorder::Recorder;
use crate::engine::setup::{SetUp, SetupError, set_up};
use crate::engine::signal::Signal;
use crate::engine::subscribers::Subscribers;
use crate::engine::teller::Teller;
use crate::engine::threads::Threads;
use crate::engine::verification::Site;
use crate::engine::watch::patroni::{self, PatroniWatch};
use crate::engine::watch::replicas::AcknowledgedUpTo;
use crate::model::event::What;
use crate::model::load::waiting_hint::WaitingHint;
use crate::model::run::Run;
use crate::pg::sessions::application_name::Purpose;

/// At most this many signals wait for the recorder. If it were ever behind for long, writers would
/// wait rather than fill the memory.
const SIGNALS_WAITING: usize = 4096;

/// Outages that wait to be checked.
const CHECKS_WAITING: usize = 16;

/// A run that has begun.
pub(super) struct Started {
    pub(super) plan: Plan,
    pub(super) stop: Stop,
    pub(super) teller: Teller,
    /// The threads and the timer of the writers.
    pub(super) threads: Threads,
    pub(super) timer: Arc<ExactTimer>,
    /// To the target, and where it is verified.
    pub(super) dialer: Dialer,
    pub(super) site: Site,
    pub(super) patroni: Option<PatroniWatch>,
    pub(super) helpers: Helpers,
    /// What the recorder tells writers and what watches beside them: how far writes are acknowledged, that it wants
    /// to know how far they have told, that no limit depends on them any more.
    pub(super) acknowledged: Option<watch::Receiver<AcknowledgedUpTo>>,
    pub(super) marks: watch::Receiver<()>,
    pub(super) decided: CancellationToken,
    pub(super) keeper: Option<RecordKeeper>,
    recorder: JoinHandle<()>,
}

impl Started {
    /// Makes the record, and starts the recorder and the helpers.
    ///
    /// # Errors
    /// [`RunError::Threads`], [`RunError::Record`].
    pub(super) async fn start(
        mut plan: Plan,
        subscribers: Subscribers,
        stop: Stop,
    ) -> Result<Self, RunError> {
        let threads = Threads::start(plan.header.options.threads)?;
        let timer = Arc::new(ExactTimer::start()?);
        let (record, keeper) = match &plan.record {
            Some(path) => Some(queue::start(path).await?).unzip(),
            None => (None, None),
        };
        let clock = Clock::started_at(plan.header.started_at);
        let (signals, told) = mpsc::channel(SIGNALS_WAITING);
        let (checks, check_requests) = mpsc::channel(CHECKS_WAITING);
        let teller = Teller::new(clock, signals);
        let watch = (!plan.patroni.is_empty())
            .then(|| patroni::watcher(plan.patroni.clone(), teller.clone()));
        let patroni = watch.as_ref().map(|(_, patroni)| patroni.clone());
        let run = Run::new(plan.header.clone());
        let recorder = Recorder::new(clock, run, record, subscribers, checks, patroni.clone());
        // The recorder updates this only if it has a receiver.
        let acknowledged = plan.read_settings.is_some().then(|| recorder.acknowledged());
        let (marks, decided) = (recorder.marks(), recorder.decided());
        let recorder = tokio::spawn(recorder.run(told));
        for warning in &plan.warnings {
            teller.warn(warning.clone()).await;
        }
        let dialer = Dialer::new(Arc::clone(&plan.settings), plan.header.options.connect_timeout);
        let site = site(&plan, &dialer, &teller);
        let helpers = Helpers::start(&mut plan, &teller, &site, check_requests, watch, &stop);
        if let Some(patroni) = &patroni {
            patroni.begun().await;
        }
        Ok(Self {
            plan,
            stop,
            teller,
            threads,
            timer,
            dialer,
            site,
            patroni,
            helpers,
            acknowledged,
            marks,
            decided,
            keeper,
            recorder,
        })
    }

    /// Waits for the cluster, and makes what is missing there.
    ///
    /// # Errors
    /// [`SetupError`], for what waiting cannot mend.
    pub(super) async fn set_up(&self) -> Result<SetUp, SetupError> {
        let options = &self.plan.header.options;
        let dialer = self.dialer.for_purpose(self.plan.header.run_id, Purpose::SetUp);
        let backoff = (options.backoff_min, options.backoff_max);
        let hint = WaitingHint::new(self.plan.waiting_hint.clone());
        set_up(&dialer, &self.teller, &self.stop.writing, backoff, options.protocol, hint).await
    }

    /// Closes the books and the record. `complete`: every write that was sent has its outcome.
    ///
    /// # Errors
    /// [`RunError::Internal`].
    pub(super) async fn close(
        self,
        complete: bool,
        stopped_now: bool,
    ) -> Result<Finished, RunError> {
        self.helpers.finish().await;
        let finish = |run| Signal::Finish { complete, run };
        let run = self.teller.ask(finish).await.ok_or_else(RunError::no_recorder)?;
        joined(self.recorder.await)?;
        let record = match self.keeper {
            Some(keeper) => Some(keeper.close(&self.stop.everything).await),
            None => None,
        };
        Ok(Finished { run, record, stopped_now })
    }

    /// Ends a run that can never work, and returns why. Nothing ran, so there is nothing to record.
    pub(super) async fn refuse(self, error: SetupError) -> RunError {
        self.helpers.abort().await;
        for fault in error.faults() {
            self.teller.fact(What::Refused { fault: fault.clone() }).await;
        }
        drop(self.teller);
        if let Err(error) = joined(self.recorder.await) {
            return error;
        }
        if let Some(keeper) = self.keeper {
            keeper.discard().await;
        }
        error.into()
    }
}

/// Where a run is verified: through the target, or where the user says.
fn site(plan: &Plan, target: &Dialer, teller: &Teller) -> Site {
    let dialer = match &plan.verify_settings {
        Some(settings) => Dialer::new(Arc::clone(settings), target.connect_timeout()),
        None => target.clone(),
    };
    let dialer = dialer.telling_of_plaintext(teller.of_plaintext());
    Site { dialer, patroni: plan.patroni.clone() }
}
