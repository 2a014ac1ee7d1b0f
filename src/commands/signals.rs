//! Ctrl-C or SIGTERM, and the end of the terminal: once to stop and verify, twice to stop now.

use tokio_util::sync::CancellationToken;

/// The first signal cancels `once`, the second `twice`.
pub(super) async fn cancel_on_signals(once: CancellationToken, twice: CancellationToken) {
    // Registered once: a second signal that follows at once must not fall between.
    let mut signals = Signals::new();
    signals.next().await;
    once.cancel();
    signals.next().await;
    twice.cancel();
}

/// Completes at the first signal. From this call on they end nothing by themselves.
#[cfg(unix)]
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
        // Without them there is only the duration, or the end of the process.
        let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
        // Who was started by nohup is meant to go on.
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

/// Whether the end of the terminal is to be ignored, as far as the system tells.
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
