//! A whole run: wait for the cluster, write until it is time to stop, verify, close the record.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::checker::Checker;
use super::clock::Clock;
use super::dialer::Dialer;
use super::exact_timer::ExactTimer;
use super::followers;
use super::gate::Gate;
use super::notes::{HandingOn, Note};
use super::own_pauses::OwnPauses;
use super::patroni_watch::{self, PatroniWatch};
use super::protocol::ProtocolInUse;
use super::record_file::{RecordFileError, lost_writes};
use super::record_queue::{self, RecordKeeper};
use super::recorder::Recorder;
use super::replica_reader::ReplicaReader;
use super::setup::{SetUp, SetupError, Step, set_up};
use super::signal::Signal;
use super::stalls::{self, StallWatch, Stalls};
use super::start_line::StartLine;
use super::threads::Threads;
use super::verification::{Site, verify};
use super::writer::{Shared, Writer};
use crate::model::event::{Event, Header, StopReason};
use crate::model::load::options::LoadOptions;
use crate::model::run::Run;
use crate::model::run::summary::RecordSummary;
use crate::patroni::PatroniApi;
use crate::pg::application_name::Purpose;
use crate::pg::settings::ConnectSettings;

/// Signals that wait for the recorder. It is never behind for long; were it, writers would wait
/// rather than fill the memory.
const SIGNALS_WAITING: usize = 4096;

/// Outages that wait to be checked.
const CHECKS_WAITING: usize = 16;

/// How long the checker may take to finish what it has begun when writing ends.
const CHECKER_DEADLINE: Duration = Duration::from_secs(12);

/// How long writers may take to tell what they have in flight when everything is stopped.
const TELLING_DEADLINE: Duration = Duration::from_secs(1);

/// What a run needs.
#[derive(Debug)]
pub struct Plan {
    /// What the run is.
    pub header: Header,
    /// Where to write.
    pub settings: Arc<ConnectSettings>,
    /// Where to read from as well, when replicas are to be watched.
    pub read_settings: Option<Arc<ConnectSettings>>,
    /// Where to verify, when that is not through the target.
    pub verify_settings: Option<Arc<ConnectSettings>>,
    /// Patroni's APIs, when they are to be watched.
    pub patroni: Vec<PatroniApi>,
    /// Where the record goes.
    pub record: Option<PathBuf>,
    /// Things to tell before anything else.
    pub warnings: Vec<String>,
    /// What a drill does meanwhile.
    pub notes: Option<mpsc::Receiver<Note>>,
}

/// How the user stops a run.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Stop writing, then verify.
    pub writing: CancellationToken,
    /// Stop everything now.
    pub everything: CancellationToken,
}

/// Why there was no run.
#[derive(Debug, Error)]
pub enum RunError {
    /// It can never work as it was asked for.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The record cannot be made.
    #[error(transparent)]
    Record(#[from] RecordFileError),
    /// The writers get no threads.
    #[error("the system gives no threads: {0}")]
    Threads(#[from] io::Error),
    /// A part of pgchaos itself failed.
    #[error("pgchaos itself failed: {0}; please report this")]
    Internal(String),
}

impl RunError {
    fn no_recorder() -> Self {
        Self::Internal("the recorder is gone".to_owned())
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// Everything that is known of it.
    pub run: Run,
    /// What became of its record, where one was kept.
    pub record: Option<RecordSummary>,
    /// Whether it was stopped before its verification was done.
    pub stopped_now: bool,
}

/// Runs a plan. Events go to `watcher`; one that is full loses them, the record does not.
///
/// # Errors
/// [`RunError`], only before the first write.
pub async fn run(
    mut plan: Plan,
    watcher: mpsc::Sender<Event>,
    stop: Stop,
) -> Result<Finished, RunError> {
    let threads = Threads::start(plan.header.options.threads)?;
    let timer = Arc::new(ExactTimer::start()?);
    let (record, mut keeper) = match &plan.record {
        Some(path) => Some(record_queue::start(path).await?).unzip(),
        None => (None, None),
    };
    let clock = Clock::started_at(plan.header.started_at);
    let (signals, signals_receiver) = mpsc::channel(SIGNALS_WAITING);
    let (checks, check_requests) = mpsc::channel(CHECKS_WAITING);
    let run = Run::new(plan.header.clone());
    let watch = (!plan.patroni.is_empty())
        .then(|| patroni_watch::watcher(plan.patroni.clone(), clock, signals.clone()));
    let (patroni_watcher, patroni) = watch.unzip();
    let recorder = Recorder::new(clock, run, record, watcher, checks, patroni.clone());
    let acknowledged = plan.read_settings.is_some().then(|| recorder.acknowledged());
    let marks = recorder.marks();
    let decided = recorder.decided();
    let recorder_task = tokio::spawn(recorder.run(signals_receiver));
    for warning in &plan.warnings {
        tell(&signals, Signal::Warning(warning.clone())).await;
    }

    let options = plan.header.options.clone();
    let run_id = plan.header.run_id;
    let dialer = Dialer::new(Arc::clone(&plan.settings), options.connect_timeout);
    let site = site(&plan, &dialer);
    // Writers that are out go on after the end of the load: what explains their outage is watched
    // as long.
    let writers_ended = CancellationToken::new();
    let following = patroni.is_none().then(|| {
        let (watcher, followers) =
            followers::watcher(dialer.for_purpose(run_id, Purpose::Check), clock);
        (tokio::spawn(watcher.run(writers_ended.clone())), followers)
    });
    let (following, followers) = following.unzip();
    let checker = tokio::spawn(
        Checker {
            run_id,
            dialer: dialer.for_purpose(run_id, Purpose::Check),
            site: site.clone().for_purpose(run_id, Purpose::Check),
            clock,
            recorder: signals.clone(),
            patroni: patroni.clone(),
            followers,
            stop: writers_ended.clone(),
        }
        .run(check_requests),
    );
    let notes = plan.notes.take().map(|notes| HandingOn::start(notes, clock, signals.clone()));
    let watching = patroni_watcher
        .map(|watcher| tokio::spawn(watcher.run(writers_ended.clone())))
        .or(following);
    if let Some(patroni) = &patroni {
        patroni.begun().await;
    }
    let stopwatch = stop_after(options.duration, clock, &stop);
    let backoff = (options.backoff_min, options.backoff_max);
    let mut began = true;
    // Whether every write that was sent has its outcome.
    let setting_up = dialer.for_purpose(run_id, Purpose::SetUp);
    let protocol = options.protocol;
    let setting_up = set_up(&setting_up, clock, &signals, &stop.writing, backoff, protocol);
    let all_told = match setting_up.await {
        Err(error) => {
            stopwatch.abort();
            let helpers = Helpers { checker, notes, watching };
            return Err(refuse(error, signals, helpers, recorder_task, keeper).await?);
        }
        Ok(SetUp::Stopped) => {
            tell(
                &signals,
                Signal::Stopping { at: clock.now(), reason: reason(&options, clock, &stop) },
            )
            .await;
            began = false;
            true
        }
        Ok(SetUp::Ready(prepared)) => {
            let reader =
                plan.read_settings.take().zip(acknowledged).map(|(settings, acknowledged)| {
                    let dialer = Dialer::new(settings, options.connect_timeout)
                        .for_purpose(run_id, Purpose::Replica)
                        .any_server();
                    let (recorder, stop) = (signals.clone(), stop.writing.clone());
                    ReplicaReader { run_id, dialer, clock, recorder, acknowledged, stop }.run()
                });
            let own_pauses = OwnPauses::look_out(clock, signals.clone())?;
            let stop_now = stop.everything.child_token();
            let (hopeless, mut unworkable) = mpsc::channel(1);
            let helpers = TaskTracker::new();
            reader.map(|reader| helpers.spawn(reader));
            let stalls = Stalls::default();
            let look_within = options.connect_timeout.min(stalls::CONNECT_DEADLINE);
            let stall_watch = StallWatch {
                run_id,
                dialer: Dialer::new(Arc::clone(&plan.settings), look_within)
                    .for_purpose(run_id, Purpose::Look),
                clock,
                recorder: signals.clone(),
                waiting: stalls.waiting(),
                stop_now: stop_now.clone(),
            };
            helpers.spawn(stall_watch.run());
            let shared = Shared {
                run_id,
                options: options.clone(),
                dialer: dialer.clone(),
                clock,
                // The load begins now: what came due while the cluster was waited for was never
                // due.
                start_line: StartLine::new(clock, options.writers),
                gate: Gate::new(),
                timer,
                stop: stop.writing.clone(),
                stop_now: stop_now.clone(),
                decided,
                stopped: OnceLock::new(),
                writing: watch::Sender::new(options.writers),
                marks,
                protocol: ProtocolInUse::new(prepared.protocol),
                users: prepared.users,
                one_by_one: options.is_told_one_by_one(),
                stalls,
                proven: AtomicBool::new(false),
                hopeless,
            };
            let mut writers = start_writers(shared, &signals, &threads);
            let mut never = None;
            tokio::select! {
                ended = all_ended(&mut writers) => ended?,
                () = stop.writing.cancelled() => {}
                Some(fault) = unworkable.recv() => never = Some(fault),
                () = signals.closed() => return Err(RunError::no_recorder()),
            }
            if let Some(fault) = never {
                stopwatch.abort();
                stop.writing.cancel();
                stop_now.cancel();
                drop(own_pauses);
                // The writers that hold the recorder's channel end by that, or are ended.
                let _ = tokio::time::timeout(TELLING_DEADLINE, all_ended(&mut writers)).await;
                drop(writers);
                helpers.close();
                helpers.wait().await;
                let error = SetupError::refused(Step::Try, fault);
                let helpers = Helpers { checker, notes, watching };
                return Err(refuse(error, signals, helpers, recorder_task, keeper).await?);
            }
            tell(
                &signals,
                Signal::Stopping { at: clock.now(), reason: reason(&options, clock, &stop) },
            )
            .await;
            // What is in flight gets its answer or its deadline; when everything is stopped,
            // writers only tell what they have in flight.
            let all_told = tokio::select! {
                ended = all_ended(&mut writers) => {
                    ended?;
                    true
                }
                () = async {
                    stop.everything.cancelled().await;
                    tokio::time::sleep(TELLING_DEADLINE).await;
                } => false,
            };
            stop.writing.cancel();
            drop(own_pauses);
            helpers.close();
            helpers.wait().await;
            all_told
        }
    };
    stopwatch.abort();
    writers_ended.cancel();
    if let Some(watching) = watching {
        join(watching).await?;
    }
    tell(&signals, Signal::WritersDone { at: clock.now(), all_told }).await;
    let verification = async {
        // The checker finishes what it has begun, and then has nobody to ask it for more.
        if tokio::time::timeout(CHECKER_DEADLINE, checker).await.is_err() {
            tracing::debug!("the checker is given up for the final verification");
        }
        // Where nothing was ever sent there is nothing to look for.
        if began {
            let found = patroni.as_ref().map(PatroniWatch::apis).unwrap_or_default();
            let site = site.with_found(found).for_purpose(run_id, Purpose::Verify);
            verify_run(&plan.header, &site, &signals, keeper.as_mut()).await?;
        }
        Ok::<(), RunError>(())
    };
    let stopped_now = tokio::select! {
        verified = verification => {
            verified?;
            false
        }
        () = stop.everything.cancelled() => true,
    };
    if let Some(notes) = notes {
        notes.finish().await;
    }
    let run = ask(&signals, |run| Signal::Finish { complete: all_told, run }).await?;
    join(recorder_task).await?;
    let record = match keeper {
        Some(keeper) => Some(keeper.close(&stop.everything).await),
        None => None,
    };
    Ok(Finished { run, record, stopped_now })
}

/// What works beside the load.
struct Helpers {
    checker: JoinHandle<()>,
    notes: Option<HandingOn>,
    watching: Option<JoinHandle<()>>,
}

/// Ends a run that can never work: nothing was run, there is nothing to record. Why.
async fn refuse(
    error: SetupError,
    signals: mpsc::Sender<Signal>,
    helpers: Helpers,
    recorder_task: JoinHandle<()>,
    keeper: Option<RecordKeeper>,
) -> Result<RunError, RunError> {
    // The recorder ends when nothing is left to tell it anything, and these could.
    helpers.checker.abort();
    if let Some(notes) = helpers.notes {
        notes.abort();
    }
    helpers.watching.inspect(JoinHandle::abort);
    if let SetupError::Refused { fault, .. } = &error {
        tell(&signals, Signal::Refused(Box::new(fault.clone()))).await;
    }
    drop(signals);
    join(recorder_task).await?;
    if let Some(keeper) = keeper {
        keeper.discard().await;
    }
    Ok(error.into())
}

/// Stops writing when the duration is over.
fn stop_after(duration: Option<Duration>, clock: Clock, stop: &Stop) -> JoinHandle<()> {
    let writing = stop.writing.clone();
    tokio::spawn(async move {
        match duration {
            Some(duration) => tokio::time::sleep_until(clock.instant(duration)).await,
            None => std::future::pending().await,
        }
        writing.cancel();
    })
}

fn reason(options: &LoadOptions, clock: Clock, stop: &Stop) -> StopReason {
    let over = options.duration.is_some_and(|duration| clock.now() >= duration);
    match (stop.writing.is_cancelled(), over) {
        (false, _) => StopReason::Writes,
        (true, true) => StopReason::Duration,
        (true, false) => StopReason::Signal,
    }
}

fn start_writers(shared: Shared, signals: &mpsc::Sender<Signal>, threads: &Threads) -> JoinSet<()> {
    let mut writers = JoinSet::new();
    let shared = Arc::new(shared);
    for (index, number) in (0..shared.options.writers).zip(1..) {
        let random = SmallRng::from_rng(&mut rand::rng());
        let writer = Writer::new(number, index, Arc::clone(&shared), signals.clone(), random);
        threads.spawn(index, &mut writers, writer.run());
    }
    writers
}

/// Waits for the writers. One that failed by a mistake of ours ends the run: what it had not told
/// is in nobody's books.
async fn all_ended(writers: &mut JoinSet<()>) -> Result<(), RunError> {
    while let Some(ended) = writers.join_next().await {
        ended.map_err(|error| RunError::Internal(error.to_string()))?;
    }
    Ok(())
}

/// Where a run is verified: through the target, or where the user says.
fn site(plan: &Plan, target: &Dialer) -> Site {
    let dialer = match &plan.verify_settings {
        Some(settings) => Dialer::new(Arc::clone(settings), target.connect_timeout()),
        None => target.clone(),
    };
    Site { dialer, patroni: plan.patroni.clone() }
}

/// The final verification, with the lost writes dated from the record.
async fn verify_run(
    header: &Header,
    site: &Site,
    signals: &mpsc::Sender<Signal>,
    record: Option<&mut RecordKeeper>,
) -> Result<(), RunError> {
    let subject = ask(signals, Signal::Inspect).await?;
    let (steps, mut told) = mpsc::channel(16);
    let telling = async {
        while let Some(step) = told.recv().await {
            tell(signals, Signal::Verifying(step)).await;
        }
    };
    let verifying = async {
        verify(&subject, site, header.options.verify_timeout, move |step| {
            // A step that nobody takes is only not told.
            let _ = steps.try_send(step);
        })
        .await
    };
    let (mut verification, ()) = tokio::join!(verifying, telling);
    let lost = verification.account.as_ref().is_some_and(|account| account.lost > 0);
    verification.lost_writes = match record.filter(|_| lost) {
        Some(record) => record.dated(header.started_at, &verification).await,
        None => lost_writes(header.started_at, &verification, None),
    };
    tell(signals, Signal::Verified(Box::new(verification))).await;
    Ok(())
}

async fn tell(signals: &mpsc::Sender<Signal>, signal: Signal) {
    // Only when the recorder failed is nobody there; that is said when its task is joined.
    let _ = signals.send(signal).await;
}

async fn ask<T>(
    signals: &mpsc::Sender<Signal>,
    question: impl FnOnce(oneshot::Sender<T>) -> Signal,
) -> Result<T, RunError> {
    let (reply, answer) = oneshot::channel();
    tell(signals, question(reply)).await;
    answer.await.map_err(|_| RunError::no_recorder())
}

async fn join(task: JoinHandle<()>) -> Result<(), RunError> {
    task.await.map_err(|error| RunError::Internal(error.to_string()))
}
