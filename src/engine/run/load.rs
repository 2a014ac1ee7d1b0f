//! The load of a run: writers are started, and waited for.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::helpers::joined;
use super::plan::RunError;
use super::started::Started;
use crate::engine::gate::Gate;
use crate::engine::protocol::ProtocolInUse;
use crate::engine::setup::{Prepared, SetupError, SetupStep};
use crate::engine::signal::Signal;
use crate::engine::start_line::StartLine;
use crate::engine::watch::stalls::Stalls;
use crate::engine::writer::{AllWriters, WriterTask};
use crate::model::event::StopReason;
use crate::model::fault::Fault;
use crate::model::load::writer::rules::Rules;
use crate::pg::user_events::EVENT_TYPES;

/// How long writers may take to tell what they have in flight when everything is stopped.
const TELLING_DEADLINE: Duration = Duration::from_secs(1);

/// How the load ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Writers were started. Where nothing was ever sent there is nothing to look for.
    pub(super) began: bool,
    /// Every write that was sent has its outcome.
    pub(super) all_told: bool,
}

/// Why there was no load.
pub(super) enum NoLoad {
    /// It can never work as it was asked for.
    Never(SetupError),
    /// A part of pgchaos itself failed.
    Failed(RunError),
}

impl From<RunError> for NoLoad {
    fn from(error: RunError) -> Self {
        Self::Failed(error)
    }
}

impl Started {
    /// The load of a run that was stopped before its cluster was reached.
    pub(super) async fn no_load(&mut self) -> Result<Load, NoLoad> {
        self.stopping().await;
        self.writers_ended(true).await?;
        Ok(Load { began: false, all_told: true })
    }

    /// Writes until it is time to stop, and until every writer has told its last write.
    pub(super) async fn load(&mut self, prepared: Prepared) -> Result<Load, NoLoad> {
        let stop_now = self.stop.everything.child_token();
        let stalls = Stalls::default();
        self.helpers
            .start_beside_load(
                &mut self.plan,
                &self.teller,
                self.acknowledged.take(),
                prepared.loaded.clone(),
                &stalls,
                (&self.stop, &stop_now),
            )
            .map_err(RunError::from)?;
        let (hopeless, mut unworkable) = mpsc::channel(1);
        let shared = self.shared(prepared, stalls, stop_now.clone(), hopeless);
        let mut writers = self.start_writers(shared);
        tokio::select! {
            ended = all_ended(&mut writers) => ended?,
            () = self.stop.writing.cancelled() => {}
            Some(fault) = unworkable.recv() => {
                return Err(NoLoad::Never(self.give_up(fault, &stop_now, writers).await));
            }
            () = self.teller.closed() => return Err(RunError::no_recorder().into()),
        }
        self.stopping().await;
        // Writes in flight are answered or reach their deadline. After a stop at once, writers only
        // tell what they have in flight.
        let all_told = tokio::select! {
            ended = all_ended(&mut writers) => {
                ended?;
                true
            }
            () = self.telling_is_late() => false,
        };
        self.stop.writing.cancel();
        // A writer that is late tells nothing after the end.
        drop(writers);
        self.writers_ended(all_told).await?;
        Ok(Load { began: true, all_told })
    }

    /// Ends the writers of a load that can never work: no write of it was ever acknowledged.
    async fn give_up(
        &self,
        fault: Fault,
        stop_now: &CancellationToken,
        mut writers: JoinSet<()>,
    ) -> SetupError {
        self.stop.writing.cancel();
        stop_now.cancel();
        // The writers that hold the recorder's channel end by that, or are ended.
        let _ = tokio::time::timeout(TELLING_DEADLINE, all_ended(&mut writers)).await;
        SetupError::refused(SetupStep::Try, fault)
    }

    async fn telling_is_late(&self) {
        self.stop.everything.cancelled().await;
        tokio::time::sleep(TELLING_DEADLINE).await;
    }

    /// Tells that writing ends, and why.
    async fn stopping(&self) {
        let at = self.teller.clock.now();
        let over = self.plan.header.options.duration.is_some_and(|duration| at >= duration);
        let reason = match (self.stop.writing.is_cancelled(), over) {
            (false, _) => StopReason::Writes,
            (true, true) => StopReason::Duration,
            (true, false) => StopReason::Signal,
        };
        self.teller.tell(Signal::Stopping { at, reason }).await;
    }

    /// Ends what works beside the writers, and tells that they have ended.
    async fn writers_ended(&mut self, all_told: bool) -> Result<(), RunError> {
        self.helpers.writers_ended().await?;
        let at = self.teller.clock.now();
        self.teller.tell(Signal::WritersDone { at, all_told }).await;
        Ok(())
    }

    /// What all writers share. The load begins now: what came due while the cluster was waited for
    /// was never due.
    fn shared(
        &self,
        prepared: Prepared,
        stalls: Stalls,
        stop_now: CancellationToken,
        hopeless: mpsc::Sender<Fault>,
    ) -> AllWriters {
        let options = self.plan.header.options.clone();
        let clock = self.teller.clock;
        AllWriters {
            run_id: self.plan.header.run_id,
            dialer: self.dialer.clone(),
            clock,
            start_line: StartLine::new(
                clock,
                (0..options.writers).zip(1..).map(|(_, number)| number),
            ),
            gate: Gate::new(),
            timer: Arc::clone(&self.timer),
            stop: self.stop.writing.clone(),
            stop_now,
            decided: self.decided.clone(),
            stopped: OnceLock::new(),
            writing: watch::Sender::new(options.writers),
            marks: self.marks.clone(),
            protocol: ProtocolInUse::new(prepared.protocol),
            stalls,
            proven: AtomicBool::new(false),
            hopeless,
            rules: Arc::new(Rules { options, users: prepared.users, event_types: &EVENT_TYPES }),
        }
    }

    fn start_writers(&self, shared: AllWriters) -> JoinSet<()> {
        let mut writers = JoinSet::new();
        let shared = Arc::new(shared);
        for (index, number) in (0..shared.rules.options.writers).zip(1..) {
            let random = SmallRng::from_rng(&mut rand::rng());
            let recorder = self.teller.sender();
            let writer = WriterTask::new(number, index, Arc::clone(&shared), recorder, random);
            self.threads.spawn(index, &mut writers, writer.run());
        }
        writers
    }
}

/// Waits for the writers. One that failed by a mistake of ours ends the run: what it had not told
/// is in no book.
async fn all_ended(writers: &mut JoinSet<()>) -> Result<(), RunError> {
    while let Some(ended) = writers.join_next().await {
        joined(ended)?;
    }
    Ok(())
}
