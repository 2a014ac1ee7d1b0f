//! The way of a record's lines to its disk: a queue that takes them at once, and never waits.
//!
//! The recorder hands lines over; a thread gives them to the process that writes them
//! ([`process`]). So a disk that is slow, full or hung costs neither time nor an
//! acknowledgement's stamp, and at most [`WAITING_MAX_BYTES`] of memory. What becomes of the
//! record is told once, and stands in the run's summary.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::engine::record::file::{RecordFileError, lost_writes};
use crate::engine::record::process::{self, DISCARD};
use crate::model::event::{Event, Verification};
use crate::model::ledger::loss_times::LostWrites;
use crate::model::run::record_format::encode;
use crate::model::run::summary::RecordSummary;

/// How much may wait for the disk: minutes of any load. Then the record is given up, as one with a
/// hole in it would call writes lost that were never lost.
const WAITING_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A disk that takes nothing for so long is behind.
const BEHIND_AFTER: Duration = Duration::from_secs(2);

/// How long making the file may take.
const MADE_DEADLINE: Duration = Duration::from_secs(10);

/// How long the last lines may take at the run's end.
const LAST_DEADLINE: Duration = Duration::from_secs(5);

/// The same once the user wants an end at once.
const HURRIED_DEADLINE: Duration = Duration::from_secs(1);

/// The same for the removal of the record of a run that never began.
const DISCARD_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Default)]
struct QueueState {
    /// The file is there.
    made: bool,
    /// Bytes that were handed over, and that are in the file.
    handed: u64,
    written: u64,
    /// Why nothing more will be written.
    failed: Option<RecordFailure>,
    /// The thread is at its end.
    closed: bool,
}

#[derive(Debug, Clone)]
enum RecordFailure {
    /// The system's word, by its number where it has one, and as text.
    Disk(Option<i32>, String),
    /// Too much waited.
    Full,
}

impl QueueState {
    /// The first reason is the one that counts.
    fn fail(&mut self, failed: RecordFailure) {
        self.failed.get_or_insert(failed);
    }
}

impl RecordFailure {
    fn reason(&self) -> String {
        match self {
            Self::Disk(_, reason) => reason.clone(),
            Self::Full => {
                format!("its disk is behind by more than {} MiB", WAITING_MAX_BYTES / 1024 / 1024)
            }
        }
    }
}

enum Order {
    Write(Vec<u8>),
    Discard,
}

/// What the recorder sees of its record: it takes lines, and never waits.
pub(crate) struct RecordQueue {
    path: PathBuf,
    /// Gathered until the next flush.
    lines: Vec<u8>,
    /// Gone once the record has failed.
    orders: Option<Sender<Order>>,
    state: Arc<watch::Sender<QueueState>>,
    /// How much was in the file when the disk last took something, and when that was.
    progress: (u64, Instant),
    told_behind: bool,
}

/// What the run sees of its record: whether it is whole in the end.
pub(crate) struct RecordKeeper {
    path: PathBuf,
    orders: Sender<Order>,
    state: watch::Receiver<QueueState>,
}

/// Makes a record, which is never overwritten.
pub(crate) async fn start(path: &Path) -> Result<(RecordQueue, RecordKeeper), RecordFileError> {
    let not_made = |error| RecordFileError::Io { path: path.to_owned(), doing: "made", error };
    let child = process::start(path).map_err(not_made)?;
    let (orders, taken) = channel();
    let state = Arc::new(watch::Sender::new(QueueState::default()));
    let mut seen = state.subscribe();
    let of_thread = Arc::clone(&state);
    // This thread is never joined: it may hang for as long as the disk does.
    std::thread::Builder::new()
        .name("record".to_owned())
        .spawn(move || hand_on(child, &taken, &of_thread))
        .map_err(not_made)?;
    let made = seen.wait_for(|state| state.made || state.failed.is_some());
    match timeout(MADE_DEADLINE, made).await {
        Ok(Ok(state)) => match &state.failed {
            None => {}
            Some(RecordFailure::Disk(Some(number), _)) => {
                return Err(not_made(io::Error::from_raw_os_error(*number)));
            }
            Some(failed) => return Err(not_made(io::Error::other(failed.reason()))),
        },
        _ => {
            let seconds = MADE_DEADLINE.as_secs();
            let silent = format!("its disk does not answer within {seconds} s");
            return Err(not_made(io::Error::other(silent)));
        }
    }
    let keeper = RecordKeeper { path: path.to_owned(), orders: orders.clone(), state: seen };
    let queue = RecordQueue {
        path: path.to_owned(),
        lines: Vec::new(),
        orders: Some(orders),
        state,
        progress: (0, Instant::now()),
        told_behind: false,
    };
    Ok((queue, keeper))
}

impl RecordQueue {
    /// Adds an event; nothing is on its way to the disk before the next flush.
    pub(crate) fn add(&mut self, event: &Event) {
        if self.orders.is_none() {
            return;
        }
        match encode(event) {
            Ok(line) => {
                self.lines.extend_from_slice(line.as_bytes());
                self.lines.push(b'\n');
            }
            Err(error) => self.fail(RecordFailure::Disk(None, error.to_string())),
        }
    }

    /// Hands over what was added. What there is to tell of the record is returned once.
    pub(crate) fn flush(&mut self) -> Option<String> {
        let orders = self.orders.as_ref()?;
        let QueueState { handed, written, failed, .. } = self.state.borrow().clone();
        if let Some(failed) = failed {
            return Some(self.given_up(&failed));
        }
        let now = Instant::now();
        if written == handed || written > self.progress.0 {
            self.progress = (written, now);
        }
        let bytes = self.lines.len() as u64;
        if handed.saturating_sub(written).saturating_add(bytes) > WAITING_MAX_BYTES {
            return Some(self.given_up(&RecordFailure::Full));
        }
        if bytes > 0 {
            self.state.send_modify(|state| state.handed += bytes);
            // The thread may have ended: its reason is in `state`, and the next flush tells it.
            let _ = orders.send(Order::Write(std::mem::take(&mut self.lines)));
        }
        let behind = now.duration_since(self.progress.1);
        (behind >= BEHIND_AFTER && !std::mem::replace(&mut self.told_behind, true)).then(|| {
            format!(
                "the record {} is behind: its disk has taken nothing for {:.1} s; the load goes \
                 on, and what waits would be unaccounted for were pgchaos killed",
                self.path.display(),
                behind.as_secs_f64()
            )
        })
    }

    fn given_up(&mut self, failed: &RecordFailure) -> String {
        self.fail(failed.clone());
        format!(
            "the record {} cannot be written: {}; from here on this run cannot be accounted for \
             again from it",
            self.path.display(),
            failed.reason()
        )
    }

    /// From here on nothing is written, so that the record has no hole.
    fn fail(&mut self, failed: RecordFailure) {
        self.orders = None;
        self.lines = Vec::new();
        self.state.send_modify(|state| state.fail(failed));
    }
}

impl RecordKeeper {
    /// The lost writes, dated from the record as far as its disk answers.
    pub(crate) async fn dated(
        &mut self,
        started_at: DateTime<Utc>,
        verification: &Verification,
    ) -> Vec<LostWrites> {
        let written = |state: &QueueState| state.written == state.handed || state.failed.is_some();
        // Do not read from a disk that hangs: the process could not end.
        if timeout(LAST_DEADLINE, self.state.wait_for(written)).await.is_err() {
            return lost_writes(started_at, verification, None);
        }
        let (path, of_record) = (self.path.clone(), verification.clone());
        let read = move || lost_writes(started_at, &of_record, Some(&path));
        match timeout(LAST_DEADLINE, tokio::task::spawn_blocking(read)).await {
            Ok(Ok(dated)) => dated,
            _ => lost_writes(started_at, verification, None),
        }
    }

    /// The end of the record, once its queue is dropped: what became of it, within a deadline that
    /// `hurry` shortens.
    pub(crate) async fn close(mut self, hurry: &CancellationToken) -> RecordSummary {
        drop(self.orders);
        let deadline = async {
            let hurried = async {
                hurry.cancelled().await;
                tokio::time::sleep(HURRIED_DEADLINE).await;
            };
            // Either may be the first.
            let _ = timeout(LAST_DEADLINE, hurried).await;
        };
        tokio::select! {
            _ = self.state.wait_for(|state| state.closed || state.failed.is_some()) => {}
            () = deadline => {}
        }
        let state = self.state.borrow().clone();
        let error = match state.failed {
            Some(failed) => Some(failed.reason()),
            None if state.closed => None,
            None => Some(format!(
                "its disk does not answer, {} bytes were not written",
                state.handed.saturating_sub(state.written)
            )),
        };
        let path = self.path.display().to_string();
        RecordSummary { path, complete: error.is_none(), error }
    }

    /// Removes the record of a run that never began.
    pub(crate) async fn discard(mut self) {
        // After a send error the file stays, which is no harm: it has no write in it.
        let _ = self.orders.send(Order::Discard);
        drop(self.orders);
        let closed = self.state.wait_for(|state| state.closed || state.failed.is_some());
        let _ = timeout(DISCARD_DEADLINE, closed).await;
    }
}

/// The thread: gives orders to the process, one at a time, and notes what became of them.
fn hand_on(mut child: Child, orders: &Receiver<Order>, state: &watch::Sender<QueueState>) {
    if let Err(error) = hand_on_all(&mut child, orders, state) {
        let failed = RecordFailure::Disk(error.raw_os_error(), words(&error));
        state.send_modify(|state| state.fail(failed));
    }
    state.send_modify(|state| state.closed = true);
    // Its end is waited for only so that it leaves no zombie while the run goes on.
    let _ = child.wait();
}

fn hand_on_all(
    child: &mut Child,
    orders: &Receiver<Order>,
    state: &watch::Sender<QueueState>,
) -> io::Result<()> {
    let (Some(mut input), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("its process cannot be told anything"));
    };
    let mut replies = BufReader::new(replies);
    process::answer(&mut replies)?;
    state.send_modify(|state| state.made = true);
    for order in orders {
        match order {
            Order::Write(lines) => {
                ordered(&mut input, &[&lines, b"\n"], &mut replies)?;
                state.send_modify(|state| state.written += lines.len() as u64);
            }
            Order::Discard => return ordered(&mut input, &[DISCARD], &mut replies),
        }
    }
    Ok(())
}

fn ordered(input: &mut impl Write, parts: &[&[u8]], replies: &mut impl BufRead) -> io::Result<()> {
    for part in parts {
        // A process that failed no longer reads: its answer says why.
        if input.write_all(part).is_err() {
            break;
        }
    }
    process::answer(replies)
}

/// The system's words without its number.
fn words(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or(&words).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::What;

    /// A queue to a disk that takes nothing.
    fn hung() -> (RecordQueue, Receiver<Order>) {
        let (orders, taken) = channel();
        let queue = RecordQueue {
            path: PathBuf::from("run.jsonl"),
            lines: Vec::new(),
            orders: Some(orders),
            state: Arc::new(watch::Sender::new(QueueState::default())),
            progress: (0, Instant::now()),
            told_behind: false,
        };
        (queue, taken)
    }

    fn event(words: &str) -> Event {
        Event { at: Duration::ZERO, what: What::Drill { message: words.to_owned() } }
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_takes_nothing_is_told_once() {
        let (mut queue, _taken) = hung();
        for _ in 0..4 {
            queue.add(&event("one"));
            assert_eq!(queue.flush(), None);
            tokio::time::advance(Duration::from_millis(500)).await;
        }
        let told = queue.flush().unwrap();
        assert!(
            told.contains("run.jsonl is behind: its disk has taken nothing for 2.0 s"),
            "{told}"
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(queue.flush(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_goes_on_taking_is_never_behind() {
        let (mut queue, taken) = hung();
        for _ in 0..20 {
            queue.add(&event("one"));
            assert_eq!(queue.flush(), None);
            let Ok(Order::Write(lines)) = taken.try_recv() else { panic!("it is handed over") };
            queue.state.send_modify(|state| state.written += lines.len() as u64);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }

    #[test]
    fn a_full_queue_ends_the_record_without_a_hole_and_holds_no_more() {
        let (mut queue, taken) = hung();
        let megabyte = event(&"x".repeat(1024 * 1024));
        let told = std::iter::repeat_with(|| {
            queue.add(&megabyte);
            // How long this takes is not what is looked at.
            queue.flush().filter(|told| !told.contains("is behind: its disk"))
        });
        let (flushes, told) = (1..).zip(told).find_map(|(n, told)| Some((n, told?))).unwrap();
        assert_eq!(flushes, 64, "63 MiB and the rest of their lines wait");
        assert!(told.contains("is behind by more than 64 MiB; from here on"), "{told}");
        queue.add(&event("after it"));
        assert_eq!((queue.flush(), queue.lines.capacity()), (None, 0));
        let waiting = taken.iter().map(|order| match order {
            Order::Write(lines) => lines.len() as u64,
            Order::Discard => 0,
        });
        let waiting: u64 = waiting.sum();
        assert!(waiting <= WAITING_MAX_BYTES, "{waiting}");
    }
}
