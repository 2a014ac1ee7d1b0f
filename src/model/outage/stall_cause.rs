//! What a write without an answer waits for, by a look at its own server process.
//!
//! A look shows what the processes are doing at one moment. An outage's cause is what most of the
//! looks during it have seen. A look that saw nothing names no cause.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::foreign;

/// How many changes of what is seen are remembered: an outage that is summed up late finds its own.
const SPANS_KEPT: usize = 256;

/// What a server process does that owes the answer to a write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum StallCause {
    /// It has committed, and waits for a synchronous standby.
    SyncStandby,
    /// It waits for a lock.
    Lock,
    /// It waits for something else: type and name of the wait event, `IO/WALSync`.
    Other(String),
    /// It works, and waits for nothing.
    Working,
    /// It waits for its client: the write or its answer is lost on the way.
    OnTheWay,
    /// It has ended, and the client was not told.
    Gone,
}

/// The name of [`StallCause::Other`] in JSON begins so.
const OTHER: &str = "other: ";

impl fmt::Display for StallCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SyncStandby => f.pad("sync_standby"),
            Self::Lock => f.pad("lock"),
            Self::Other(event) => f.pad(&format!("{OTHER}{event}")),
            Self::Working => f.pad("working"),
            Self::OnTheWay => f.pad("on_the_way"),
            Self::Gone => f.pad("gone"),
        }
    }
}

impl From<StallCause> for String {
    fn from(cause: StallCause) -> Self {
        cause.to_string()
    }
}

impl From<String> for StallCause {
    fn from(name: String) -> Self {
        match name.as_str() {
            "sync_standby" => Self::SyncStandby,
            "lock" => Self::Lock,
            "working" => Self::Working,
            "on_the_way" => Self::OnTheWay,
            "gone" => Self::Gone,
            _ => Self::Other(foreign::name(name.strip_prefix(OTHER).unwrap_or(&name))),
        }
    }
}

impl StallCause {
    /// What the columns of `pg_stat_activity` say; `None` where they are hidden.
    #[must_use]
    pub fn of(state: Option<&str>, wait: Option<(&str, &str)>) -> Option<Self> {
        match (state?, wait) {
            ("active" | "fastpath function call", Some((kind, event))) => {
                Some(match (kind, event) {
                    // An LWLock has this name too, and is held for a moment only.
                    ("IPC", "SyncRep") => Self::SyncStandby,
                    ("Lock", _) => Self::Lock,
                    ("Client", _) => Self::OnTheWay,
                    _ => Self::Other(format!("{kind}/{event}")),
                })
            }
            ("active" | "fastpath function call", None) => Some(Self::Working),
            (state, _) if state.starts_with("idle") => Some(Self::OnTheWay),
            _ => None,
        }
    }

    /// Whether the server itself works or waits: a lost message or an ended process is not its own.
    #[must_use]
    pub fn is_of_the_server(&self) -> bool {
        !matches!(self, Self::OnTheWay | Self::Gone)
    }
}

/// The session that holds what a write waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// Its server process; 0 of a prepared transaction, which has none.
    pub pid: i32,
    /// Its `application_name`, else its role; none where both are hidden.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// Its state: `idle in transaction`, `active`, …
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub state: Option<String>,
    /// It is one of this run's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// What a look at the run's own server processes has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StallSeen {
    /// What most of them do; none when no new session got an answer either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_cause: Option<StallCause>,
    /// The session that blocks one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<Blocker>,
    /// How many writers have such a process.
    pub writers: u64,
}

/// What a run's looks have seen.
#[derive(Debug, Default)]
pub struct StallsSeen {
    /// The oldest first.
    spans: VecDeque<SameLooks>,
    told: Option<StallSeen>,
}

/// Looks of one outage that have seen the same, one after another.
#[derive(Debug)]
struct SameLooks {
    from: Duration,
    to: Duration,
    seen: StallSeen,
    looks: u32,
}

impl StallsSeen {
    /// A look that began at `at`. Whether it is news: another cause or blocker than was told last,
    /// or more writers.
    pub fn add(&mut self, at: Duration, seen: &StallSeen) -> bool {
        match self.spans.back_mut() {
            Some(span) if span.seen == *seen && self.told.is_some() => {
                span.to = at;
                span.looks = span.looks.saturating_add(1);
            }
            _ => {
                if self.spans.len() == SPANS_KEPT {
                    self.spans.pop_front();
                }
                self.spans.push_back(SameLooks { from: at, to: at, seen: seen.clone(), looks: 1 });
            }
        }
        let is_told = self.told.as_ref().is_some_and(|told| {
            let pid = |seen: &StallSeen| seen.blocked_by.as_ref().map(|blocker| blocker.pid);
            told.stall_cause == seen.stall_cause
                && pid(told) == pid(seen)
                && seen.writers <= told.writers
        });
        if !is_told {
            self.told = Some(seen.clone());
        }
        !is_told
    }

    /// An outage begins: what is seen in it is news.
    pub fn outage_began(&mut self) {
        self.told = None;
    }

    /// The cause of an outage of this time, with the last session that blocked a write in it: what
    /// most looks have seen in most writers.
    #[must_use]
    pub fn within(&self, from: Duration, to: Duration) -> Option<(StallCause, Option<Blocker>)> {
        let spans = || self.spans.iter().filter(|span| span.from <= to && span.to >= from);
        let cause_of = |span: &SameLooks| span.seen.stall_cause.clone();
        let weight = |cause: &StallCause| -> u64 {
            let of_it = spans().filter(|span| span.seen.stall_cause.as_ref() == Some(cause));
            of_it.map(|span| span.seen.writers.saturating_mul(u64::from(span.looks))).sum()
        };
        let cause = spans()
            .filter_map(cause_of)
            .max_by_key(|cause| (weight(cause), cause.is_of_the_server()))?;
        let of_it = spans().filter(|span| span.seen.stall_cause.as_ref() == Some(&cause));
        let blocker = of_it.filter_map(|span| span.seen.blocked_by.clone()).next_back();
        Some((cause, blocker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn seen(cause: Option<StallCause>, writers: u64) -> StallSeen {
        StallSeen { stall_cause: cause, blocked_by: None, writers }
    }

    #[test]
    fn the_columns_of_a_process_have_their_cause() {
        let of = |state, wait| StallCause::of(Some(state), wait).map(String::from);
        for (state, wait, cause) in [
            ("active", Some(("IPC", "SyncRep")), "sync_standby"),
            ("active", Some(("LWLock", "SyncRep")), "other: LWLock/SyncRep"),
            ("active", Some(("Lock", "relation")), "lock"),
            ("active", Some(("IO", "WALSync")), "other: IO/WALSync"),
            ("active", Some(("Client", "ClientWrite")), "on_the_way"),
            ("active", None, "working"),
            ("idle", Some(("Client", "ClientRead")), "on_the_way"),
            ("idle", None, "on_the_way"),
            ("idle in transaction", Some(("Client", "ClientRead")), "on_the_way"),
        ] {
            assert_eq!(of(state, wait).as_deref(), Some(cause), "{state} {wait:?}");
        }
        assert_eq!(StallCause::of(None, None), None, "hidden from the role");
        assert_eq!(of("disabled", None), None, "the server does not track it");
    }

    #[test]
    fn a_cause_is_read_as_it_is_written() {
        for cause in [
            StallCause::SyncStandby,
            StallCause::Lock,
            StallCause::Other("IO/WALSync".to_owned()),
            StallCause::Working,
            StallCause::OnTheWay,
            StallCause::Gone,
        ] {
            let json = serde_json::to_string(&cause).unwrap();
            assert_eq!(serde_json::from_str::<StallCause>(&json).unwrap(), cause, "{json}");
        }
    }

    #[test]
    fn the_cause_of_an_outage_is_what_most_looks_in_it_have_seen() {
        let mut looks = StallsSeen::default();
        looks.add(s(1), &seen(Some(StallCause::Lock), 9));
        // The outage is from here on.
        looks.add(s(10), &seen(Some(StallCause::OnTheWay), 8));
        looks.add(s(11), &seen(Some(StallCause::Working), 8));
        for at in 12..=14 {
            looks.add(s(at), &seen(Some(StallCause::SyncStandby), 4));
        }
        looks.add(s(20), &seen(None, 8));
        assert_eq!(looks.within(s(9), s(21)), Some((StallCause::SyncStandby, None)));
        assert_eq!(looks.within(s(9), s(10)), Some((StallCause::OnTheWay, None)));
        assert_eq!(looks.within(s(20), s(21)), None, "that nothing is seen is no cause");
        assert_eq!(looks.within(s(15), s(19)), None);
    }

    #[test]
    fn who_blocked_last_is_named_of_a_lock() {
        let by = |pid| Blocker { pid, name: Some("psql".to_owned()), state: None, own: false };
        let mut looks = StallsSeen::default();
        for (at, pid) in [(1, 4711), (2, 4711), (3, 4712)] {
            let blocked_by = Some(by(pid));
            looks.add(s(at), &StallSeen { blocked_by, ..seen(Some(StallCause::Lock), 1) });
        }
        assert_eq!(looks.within(s(0), s(9)), Some((StallCause::Lock, Some(by(4712)))));
    }

    #[test]
    fn what_was_told_is_no_news_until_the_next_outage() {
        let mut looks = StallsSeen::default();
        let lock = |writers| seen(Some(StallCause::Lock), writers);
        assert!(looks.add(s(1), &lock(2)));
        assert!(!looks.add(s(2), &lock(2)));
        assert!(looks.add(s(3), &lock(4)), "more writers");
        assert!(!looks.add(s(4), &lock(3)));
        assert!(looks.add(s(5), &seen(None, 4)));
        assert!(looks.add(s(6), &lock(4)), "it is so again");
        looks.outage_began();
        assert!(looks.add(s(7), &lock(1)));
    }

    #[test]
    fn what_was_seen_in_two_outages_was_not_seen_between_them() {
        let mut looks = StallsSeen::default();
        for at in [1, 100] {
            looks.outage_began();
            looks.add(s(at), &seen(Some(StallCause::Lock), 1));
        }
        assert_eq!(looks.within(s(40), s(60)), None);
    }

    #[test]
    fn memory_is_bounded_however_often_what_is_seen_changes() {
        let mut looks = StallsSeen::default();
        for at in 0..10_000 {
            looks.add(s(at), &seen(Some(StallCause::Lock), at % 3));
        }
        assert_eq!(looks.spans.len(), SPANS_KEPT);
    }
}
