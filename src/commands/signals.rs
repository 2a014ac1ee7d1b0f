//! Ctrl-C or SIGTERM, and the end of the terminal: once to stop and verify, once more to stop now,
//! and once when writing has ended by itself.

use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use crate::cli::exit::Exit;
use crate::report::status_row::show;

/// A signal cancels `once`; where `once` is cancelled already, for any reason, it cancels `twice`.
pub(super) async fn cancel_on_signals(once: CancellationToken, twice: CancellationToken) {
    // Registered once, so that a second signal right after the first is not missed.
    let mut signals = Signals::new();
    while !twice.is_cancelled() {
        signals.next().await;
        if once.is_cancelled() {
            twice.cancel();
        }
        once.cancel();
    }
}

/// Work that a signal ends at once: the row of progress is taken away first, as the shell writes there
/// next. The work has a thread of its own, so that this holds for what waits for a disk as well.
pub(super) async fn ended_by_signals(
    work: impl Future<Output = Result<Exit, Problem>> + Send + 'static,
) -> Result<Exit, Problem> {
    let interrupted = interrupted();
    let work = tokio::spawn(work);
    tokio::select! {
        ended = work => ended.unwrap_or_else(|error| Err(Problem::could_not_run(error.to_string()))),
        () = interrupted => {
            show(None);
            Ok(Exit::StoppedNow)
        }
    }
}

/// Completes at the first signal. From this call on signals do not end the process by themselves.
pub(super) fn interrupted() -> impl Future<Output = ()> + Send {
    let mut signals = Signals::new();
    async move { signals.next().await }
}

#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Where none can be registered, the run ends by its duration, or with the process.
        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        // Under nohup the process is to go on without its terminal.
        if !hangup_is_ignored() {
            kinds.push(SignalKind::hangup());
        }
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let came = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

/// From this call on a file that would grow beyond `ulimit -f` fails its write, and does not end the
/// process.
pub(super) fn survive_file_size_limit() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // Where it cannot be registered, the limit ends the process, as usual.
        let _ = signal(SignalKind::from_raw(nix::sys::signal::Signal::SIGXFSZ as i32));
    }
}

/// From this call on signals do not end the process. The value that is returned has no other use.
pub(super) fn held_back() -> impl Sized {
    Signals::new()
}

/// Whether SIGHUP is ignored, as nohup leaves it; `false` where the system does not tell.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & HANGUP != 0)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
