//! What a writer knows of the session in use.

use std::time::Duration;

use super::in_flight::{InFlight, Sent};
use super::rules::{ANSWER_AFTER_PAUSE, ANSWER_AFTER_STOP_MAX, PROBES_PER_S};
use crate::model::load::options::{LoadOptions, Rate};

/// The session in use.
#[derive(Debug)]
pub(super) struct SessionInUse {
    /// It leads through a pooler that shares out server sessions.
    pub(super) pooled: bool,
    pub(super) flight: InFlight,
    /// No acknowledgement came on it yet.
    pub(super) fresh: bool,
    /// The next write goes out before its time, once.
    pub(super) probe: bool,
    /// That write, until it is answered.
    pub(super) probing: Option<i64>,
    /// The server's last sign of life: an answer, at first the session itself.
    pub(super) last_answer: Duration,
    /// The silence since then was told.
    pub(super) stall_told: bool,
    /// When pgchaos had not run itself for a while: a silence counts as one from then on only.
    pub(super) awake_since: Duration,
    /// What is in flight is waited for, then the session is left.
    pub(super) leaving: bool,
    /// When the next write goes out before its time, as the last one was refused.
    pub(super) probe_at: Option<Duration>,
    /// When a writer that is out sends its next write, once it is time to stop.
    pub(super) next_try: Duration,
    writes_since_read: u32,
}

impl SessionInUse {
    pub(super) fn new(pooled: bool, probe: bool, now: Duration) -> Self {
        Self {
            pooled,
            flight: InFlight::default(),
            fresh: true,
            probe,
            probing: None,
            last_answer: now,
            stall_told: false,
            awake_since: Duration::ZERO,
            leaving: false,
            probe_at: None,
            next_try: now,
            writes_since_read: 0,
        }
    }

    /// Since when the server owes an answer and gives no sign of life.
    pub(super) fn silent_since(&self) -> Option<Duration> {
        self.flight.silent_since(self.last_answer)
    }

    /// By when a request must be answered: once it is time to stop, what is in flight has no more
    /// than [`ANSWER_AFTER_STOP_MAX`].
    pub(super) fn deadline(
        &self,
        sent: Sent,
        write_timeout: Duration,
        stopping: Option<Duration>,
    ) -> Duration {
        let deadline = sent.at.saturating_add(write_timeout);
        let slept = self.awake_since > sent.at;
        let after_it = self.awake_since.saturating_add(ANSWER_AFTER_PAUSE);
        let deadline = if slept { deadline.max(after_it) } else { deadline };
        stopping.map_or(deadline, |since| deadline.min(since + ANSWER_AFTER_STOP_MAX).max(sent.at))
    }

    /// When the silence is told, unless it is or there is none.
    pub(super) fn stall_due(&self, stall_after: Duration) -> Option<Duration> {
        let silent = self.silent_since().filter(|_| !self.stall_told);
        silent.map(|since| since.max(self.awake_since) + stall_after)
    }

    /// When a request has waited long enough to be told as a stall, or given up.
    pub(super) fn silence_due(
        &self,
        options: &LoadOptions,
        stopping: Option<Duration>,
    ) -> Option<Duration> {
        let oldest = self.flight.oldest();
        let given_up = oldest.map(|oldest| self.deadline(oldest, options.write_timeout, stopping));
        given_up.into_iter().chain(self.stall_due(options.stall_after)).min()
    }

    /// After a refusal, a writer that is out tries again at the pace of failed connects, all
    /// writers together [`PROBES_PER_S`] times a second, where its schedule is slower than that.
    pub(super) fn probe_after_refusal(&mut self, out: bool, at: Duration, options: &LoadOptions) {
        let shared = Duration::from_secs(1) * options.writers / PROBES_PER_S;
        self.probe_at = out.then(|| at + options.backoff_max.max(shared));
    }

    /// Whether a read goes out after the write that was acknowledged now.
    pub(super) fn reads_after_write(&mut self, read_every: u32) -> bool {
        self.writes_since_read += 1;
        if read_every == 0 || self.writes_since_read < read_every || self.leaving {
            return false;
        }
        self.writes_since_read = 0;
        true
    }

    /// How many writes may be sent now.
    ///
    /// In a closed loop a pipeline is filled again when half of it is answered: the server never
    /// waits for work, and several writes go out, and come in, by one call of the system.
    pub(super) fn room(&self, options: &LoadOptions) -> usize {
        let depth = self.depth(options.pipeline);
        let writes = self.flight.writes();
        if options.rate == Rate::Max && writes > depth / 2 {
            return 0;
        }
        depth.saturating_sub(writes)
    }

    /// How many writes may be without an answer. The first one tells whether the session writes at
    /// all; more would only be more in doubt.
    fn depth(&self, pipeline: u32) -> usize {
        if self.fresh { 1 } else { pipeline as usize }
    }
}
