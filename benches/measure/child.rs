//! A client as a process: what it said, and what it cost.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};

/// A last step that takes memory is seen when it lasts longer than this.
const LOOK_AT_MEMORY_EVERY: Duration = Duration::from_millis(5);

/// What a client cost, from its first instruction to its last.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// The most memory that it had resident at once; nothing where there is no /proc.
    pub(crate) peak_bytes: u64,
}

impl Ended {
    pub(crate) fn cpu_us_each(&self, writes: u64) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / as_float(writes)
    }

    pub(crate) fn peak_mb(&self) -> f64 {
        as_float(self.peak_bytes) / 1e6
    }
}

/// Far below 2^53, all that is counted here.
#[allow(clippy::cast_precision_loss, reason = "as said")]
pub(crate) fn as_float(count: u64) -> f64 {
    count as f64
}

/// Runs it to its end, alone: what other children end meanwhile would be counted as its own.
/// Panics with what it said when it does not succeed.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Ended {
    let (cpu_before, begin) = (cpu_of_ended_children(), Instant::now());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (ended, end) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        let mut peak_bytes = 0;
        while end.recv_timeout(LOOK_AT_MEMORY_EVERY) == Err(RecvTimeoutError::Timeout) {
            // The highest so far is the kernel's own count: nothing is missed between two looks.
            peak_bytes = peak_bytes_in(&status).unwrap_or(peak_bytes);
        }
        peak_bytes
    });
    let output = child.wait_with_output().unwrap();
    let took = begin.elapsed();
    drop(ended);
    let peak_bytes = watch.join().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    Ended { stdout, stderr, took, cpu: cpu_of_ended_children() - cpu_before, peak_bytes }
}

fn peak_bytes_in(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn cpu_of_ended_children() -> Duration {
    let usage: Usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let times = [usage.user_time(), usage.system_time()];
    times
        .iter()
        .map(|time| {
            let microseconds = time.tv_sec() * 1_000_000 + time.tv_usec();
            Duration::from_micros(microseconds.try_into().unwrap())
        })
        .sum()
}
