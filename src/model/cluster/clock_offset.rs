//! By how much each server's clock is ahead of this machine's, and how exactly that is known.
//!
//! A server is asked for its time when a session is opened. Somewhere between the question and its
//! answer it read its clock: the middle is the best guess, and half of the time between the error.
//! Servers in common tell the clocks of two machines apart, each of which runs its own load.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;

/// A measure that is worth an event of its own has at most this share of the error before.
const MUCH_BETTER: f64 = 0.5;

/// At most this many servers' clocks are remembered; a cluster has a few, each with its restarts.
const SERVERS_MAX: usize = 256;

/// How far a server's clock is ahead of this machine's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClockOffset {
    /// Server minus this machine, in seconds.
    pub offset_s: f64,
    /// The truth is at most so far from it.
    pub error_s: f64,
}

/// What a server's clock was found to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerClock {
    /// The server.
    pub server: String,
    /// Its clock.
    #[serde(flatten)]
    pub offset: ClockOffset,
}

impl ClockOffset {
    /// From what the server's clock said to a question that was asked at `asked`, by this
    /// machine's clock, and answered `round_trip` later.
    #[must_use]
    pub fn measured(server: DateTime<Utc>, asked: DateTime<Utc>, round_trip: Duration) -> Self {
        let half = round_trip / 2;
        let middle = TimeDelta::from_std(half)
            .ok()
            .and_then(|half| asked.checked_add_signed(half))
            .unwrap_or(asked);
        let ahead = server.signed_duration_since(middle);
        // A microsecond is as fine as the server tells it.
        #[allow(clippy::cast_precision_loss)]
        let offset_s = ahead.num_microseconds().map_or(0.0, |us| us as f64 / 1e6);
        let error_s = ((half.as_secs_f64() * 1e6).ceil() + 1.0) / 1e6;
        Self { offset_s, error_s }
    }
}

impl ClockOffset {
    /// Whether a moment by the server's clock surely came before one by this machine's.
    #[must_use]
    pub fn is_before(&self, on_server: DateTime<Utc>, here: DateTime<Utc>) -> bool {
        let ahead = on_server.signed_duration_since(here).as_seconds_f64();
        ahead - self.offset_s < -self.error_s
    }
}

/// The best measure of each server: that with the smallest error.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClockOffsets {
    /// In the order in which they were met.
    measured: Vec<(Server, ClockOffset)>,
}

impl ClockOffsets {
    /// Whether a measure is worth an event: the first of a server's start, or one that is much more
    /// exact than what was told of it.
    #[must_use]
    pub fn is_news(&self, server: &Server, offset: ClockOffset) -> bool {
        let known = self.measured.iter().find(|(known, _)| is_same_clock(known, server));
        match known {
            Some((_, best)) => offset.error_s <= best.error_s * MUCH_BETTER,
            None => self.measured.len() < SERVERS_MAX,
        }
    }

    /// The best measure of this start of a server.
    #[must_use]
    pub fn of(&self, server: &Server) -> Option<ClockOffset> {
        self.measured
            .iter()
            .find(|(known, _)| is_same_clock(known, server))
            .map(|(_, offset)| *offset)
    }

    /// Takes a measure in.
    pub fn add(&mut self, server: &Server, offset: ClockOffset) {
        let has_room = self.measured.len() < SERVERS_MAX;
        let known = self.measured.iter_mut().find(|(known, _)| is_same_clock(known, server));
        match known {
            Some((_, best)) if offset.error_s < best.error_s => *best = offset,
            None if has_room => self.measured.push((server.clone(), offset)),
            _ => {}
        }
    }

    /// The best measure of each server, in the order in which they were met: of one that was
    /// started again the most exact of all.
    #[must_use]
    pub fn best(&self) -> Vec<ServerClock> {
        let mut best: Vec<ServerClock> = Vec::new();
        for (server, offset) in &self.measured {
            let name = server.name();
            match best.iter_mut().find(|known| known.server == name) {
                Some(known) if known.offset.error_s <= offset.error_s => {}
                Some(known) => known.offset = *offset,
                None => best.push(ServerClock { server: name, offset: *offset }),
            }
        }
        best
    }
}

/// The same start of the same member; a promotion changes no clock.
fn is_same_clock(one: &Server, other: &Server) -> bool {
    one.same_member(other) == Some(true) && one.is_same_start(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offset(offset_s: f64, error_s: f64) -> ClockOffset {
        ClockOffset { offset_s, error_s }
    }

    /// As the recorder does it: what is no news is not told.
    #[derive(Default)]
    struct LastTold(ClockOffsets);

    impl LastTold {
        fn add(&mut self, server: &Server, offset: ClockOffset) -> bool {
            let is_news = self.0.is_news(server, offset);
            if is_news {
                self.0.add(server, offset);
            }
            is_news
        }
    }

    fn server(member: &str, start: &str) -> Server {
        Server {
            member: Some(member.to_owned()),
            postmaster_start: Some(start.parse().unwrap()),
            ..Server::default()
        }
    }

    #[test]
    fn the_middle_of_the_question_is_when_the_clock_was_read() {
        let asked = "2026-11-22T20:56:20.500Z".parse().unwrap();
        let said = "2026-11-22T20:56:23.501Z".parse().unwrap();
        let measured = ClockOffset::measured(said, asked, Duration::from_millis(2));
        assert_eq!(measured, offset(3.0, 0.001_001));
        let behind = ClockOffset::measured(asked, said, Duration::from_millis(2));
        assert_eq!(behind, offset(-3.002, 0.001_001));
    }

    #[test]
    fn what_came_before_is_known_only_beyond_the_error() {
        let here: DateTime<Utc> = "2026-11-22T20:56:20Z".parse().unwrap();
        let is_before = |server_ms: i64, of: ClockOffset| {
            let on_server = here + TimeDelta::milliseconds(server_ms);
            of.is_before(on_server, here)
        };
        assert!(is_before(-100, offset(0.0, 0.05)));
        assert!(!is_before(-100, offset(0.0, 0.15)), "within the error");
        assert!(is_before(2_000, offset(3.0, 0.5)), "its clock is ahead");
        assert!(!is_before(-2_000, offset(-3.0, 0.5)), "its clock is behind");
    }

    #[test]
    fn the_first_of_a_start_and_what_is_much_better_is_told() {
        let mut clocks = LastTold::default();
        let (one, again) = ("2026-11-22T20:00:00Z", "2026-11-22T21:00:00Z");
        assert!(clocks.add(&server("a", one), offset(0.1, 0.010)));
        assert!(!clocks.add(&server("a", one), offset(0.2, 0.006)), "hardly better");
        assert!(!clocks.add(&server("a", one), offset(0.2, 0.050)));
        let promoted = Server { timeline: Some(2), ..server("a", one) };
        assert!(clocks.add(&promoted, offset(0.3, 0.005)), "the same clock, known better");
        assert!(clocks.add(&server("b", one), offset(9.0, 0.5)));
        assert!(clocks.add(&server("a", again), offset(0.4, 0.020)), "a new start");
        let clock = |server: &str, offset| ServerClock { server: server.to_owned(), offset };
        assert_eq!(clocks.0.best(), [clock("a", offset(0.3, 0.005)), clock("b", offset(9.0, 0.5))]);
        assert!(clocks.add(&server("a", again), offset(0.4, 0.001)));
        assert_eq!(clocks.0.best()[0], clock("a", offset(0.4, 0.001)));
    }

    #[test]
    fn servers_without_end_cost_no_memory_without_end() {
        let mut clocks = ClockOffsets::default();
        for n in 0..1_000 {
            clocks.add(&server(&n.to_string(), "2026-11-22T20:00:00Z"), offset(0.0, 1.0));
        }
        assert_eq!(clocks.best().len(), SERVERS_MAX);
    }

    proptest! {
        /// A clock that is known, read at any time between the question and its answer.
        #[test]
        fn the_truth_is_within_the_error(
            ahead_us in -1_000_000_000_000..1_000_000_000_000_i64,
            to_us in 0..5_000_000_i64,
            back_us in 0..5_000_000_i64,
        ) {
            let asked: DateTime<Utc> = "2026-11-22T20:56:20.500Z".parse().unwrap();
            let said = asked + TimeDelta::microseconds(to_us + ahead_us);
            let round_trip = Duration::from_micros((to_us + back_us).unsigned_abs());
            let measured = ClockOffset::measured(said, asked, round_trip);
            #[allow(clippy::cast_precision_loss)]
            let truth = ahead_us as f64 / 1e6;
            prop_assert!((measured.offset_s - truth).abs() <= measured.error_s, "{measured:?} {truth}");
        }
    }
}
