//! An outage: when no write was possible, how long, and its anatomy.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::cluster::member_names::MemberNames;
use crate::model::cluster::server::Server;
use crate::model::fault::Class;
use crate::model::foreign;
use crate::model::outage::ack_timeline::NoAckSpan;
use crate::model::outage::injection::Cause;
use crate::model::outage::kind::{Detail, Kind};
use crate::model::outage::stall_cause::{Blocker, StallCause};
use crate::model::outage::whose::WhoseSeconds;
use crate::model::seconds;

/// Stretches without an acknowledgement that count as time without one, at least.
pub const WITHOUT_ACK_MIN: Duration = Duration::from_millis(100);

/// One outage, measured by the client's monotonic clock. In JSON exactly as the summary has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// Its number in the run, from 1.
    pub n: u32,
    /// Why no write was possible, by evidence.
    pub kind: Kind,
    /// What is known beyond the kind, where anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// When it began, by the wall clock, for people.
    pub began_at: DateTime<Utc>,
    /// The first evidence that a writer cannot write, since the start of the run. A write that
    /// was never answered is evidence from when it was sent.
    #[serde(rename = "began_s", with = "seconds")]
    pub began: Duration,
    /// The longest stretch inside without any acknowledged write. With one writer, or when all
    /// writers stopped: from the first evidence to the first acknowledged write. A partial outage
    /// is measured by `degraded_s`; for what is open when the load ends see `open_s`.
    #[serde(rename = "duration_s", with = "seconds")]
    pub duration: Duration,
    /// How long before the first acknowledged write the cluster may have been back already: the
    /// last attempt that failed started that long before.
    #[serde(rename = "resolution_s", with = "seconds")]
    pub resolution: Duration,
    /// When one could write again, since the outage began: not before the first time, at which the
    /// last attempt that failed was started, and at the second one at the latest, at which a write
    /// was acknowledged. `None` when none was.
    #[serde(default, rename = "writable_after_s", with = "seconds::pair")]
    pub writable_after: Option<(Duration, Duration)>,
    /// From the first evidence until every writer wrote again, or until the run ended.
    #[serde(rename = "degraded_s", with = "seconds")]
    pub degraded: Duration,
    /// The time inside without an acknowledged write, counting stretches of 100 ms and more.
    #[serde(default, rename = "without_ack_s", with = "seconds")]
    pub without_ack: Duration,
    /// The most writers that were out at the same time.
    #[serde(default)]
    pub writers_out_max: u64,
    /// Whether other writers wrote while those were out.
    #[serde(default)]
    pub partial: bool,
    /// Writers that had not written again when the run ended: with any the outage is not over.
    #[serde(default)]
    pub writers_out_at_end: u64,
    /// For how long no write had been acknowledged when the run ended, if the outage was open then
    /// for all writers.
    #[serde(default, rename = "open_s", with = "seconds::option")]
    pub open: Option<Duration>,
    /// The last acknowledged write before the stretch.
    #[serde(rename = "last_ack_s", with = "seconds::option")]
    pub last_ack: Option<Duration>,
    /// The acknowledged write that ended the stretch; `None` when the run ended first. Of a partial
    /// outage the first one of a writer that was out.
    #[serde(rename = "first_ack_s", with = "seconds::option")]
    pub first_ack: Option<Duration>,
    /// Connect attempts, the successful ones included.
    pub attempts: u64,
    /// Of these, attempts that hung, and were given up beside one that served.
    #[serde(default)]
    pub abandoned: u64,
    /// Errors by class.
    pub errors: BTreeMap<Class, u64>,
    /// What the server refused with, by SQLSTATE, where the kind is unknown and the class says no
    /// more than `sql`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sqlstates: BTreeMap<String, u64>,
    /// Its anatomy.
    #[serde(rename = "phases_s")]
    pub phases: Phases,
    /// Its parts and their owners. None of a partial outage, in which others wrote, and of one
    /// that a killed run's record ends in.
    #[serde(rename = "whose_s", default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<WhoseSeconds>,
    /// The server that acknowledged before.
    pub from: Option<Side>,
    /// The server that acknowledged after.
    pub to: Option<Side>,
    /// Writes that it left in doubt.
    pub in_doubt: u64,
    /// Writes that came due in it and were never sent.
    pub skipped: u64,
    /// Writes acknowledged before it and found lost by the final verification.
    pub lost: u64,
    /// What a drill had done last when it was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Box<Cause>>,
    /// What writes without an answer waited for in it, by looks at their own server processes. None
    /// where no look saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_cause: Option<StallCause>,
    /// The session that blocked one of them last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<Box<Blocker>>,
}

impl Outage {
    /// How long it was, as it is told: without a write, or of a partial one with writers out.
    #[must_use]
    pub fn length(&self) -> Duration {
        match self.partial {
            true => self.degraded,
            false => self.duration.max(self.open.unwrap_or_default()),
        }
    }

    /// When every writer wrote again, or the run ended in it, since the start of the run.
    #[must_use]
    pub fn ended(&self) -> Duration {
        self.began.saturating_add(self.degraded)
    }

    /// The stretches in it without any acknowledged write, since the start of the run and in their
    /// order: the longest one, and the one that the run ended in where that is another. A partial
    /// outage has none: others wrote.
    pub fn silent(&self) -> impl Iterator<Item = NoAckSpan> {
        // The longest stretch follows the last write before it, or the first evidence.
        let from = self.last_ack.map_or(self.began, |last| last.max(self.began));
        let longest = NoAckSpan { from, to: from.saturating_add(self.duration) };
        let ended = self.ended();
        let open = |open| NoAckSpan { from: ended.saturating_sub(open), to: ended };
        // Without a write after the longest stretch, that one is the open one.
        let open = self.open.filter(|_| self.first_ack.is_some()).map(open);
        let open = open.filter(|open| open.from >= longest.to);
        Some(longest).into_iter().chain(open).filter(|_| !self.partial)
    }
}

/// When each step towards writing again was first seen, since the outage began. A step that was
/// not seen is `None`: with a proxy that went silent and came back, there may be no error at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// The first error.
    #[serde(with = "seconds::option")]
    pub first_error: Option<Duration>,
    /// The last error before the first acknowledged write.
    #[serde(default, with = "seconds::option")]
    pub last_error: Option<Duration>,
    /// A TCP connect was accepted.
    #[serde(with = "seconds::option")]
    pub tcp_accepted: Option<Duration>,
    /// A server authenticated the session.
    #[serde(with = "seconds::option")]
    pub session: Option<Duration>,
    /// A session's server said that it takes writes.
    #[serde(with = "seconds::option")]
    pub writable: Option<Duration>,
    /// When the TCP connect of that session was accepted: a proxy may have held it since then.
    #[serde(default, with = "seconds::option")]
    pub writable_accepted: Option<Duration>,
    /// A write was acknowledged.
    #[serde(with = "seconds::option")]
    pub first_ack: Option<Duration>,
    /// Every writer had a write acknowledged.
    #[serde(with = "seconds::option")]
    pub all_writers: Option<Duration>,
    /// Nine tenths of the rate before the outage, over one second.
    #[serde(with = "seconds::option")]
    pub full_rate: Option<Duration>,
    /// Patroni's API was seen to have another leader, or the same one anew. One that was seen
    /// before the first evidence is not this outage's.
    #[serde(with = "seconds::option")]
    pub leader_changed: Option<Duration>,
}

/// A server as the summary names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The member's name, where it is known.
    #[serde(default, deserialize_with = "foreign::read_some_name")]
    pub member: Option<String>,
    /// `address:port`, as the server sees itself.
    #[serde(deserialize_with = "foreign::read_name")]
    pub address: String,
    /// Its timeline.
    pub timeline: Option<u32>,
}

impl Side {
    /// Gives it its member's name, unless the server told one itself.
    pub fn name_by(&mut self, names: &MemberNames) {
        if self.member.is_none() {
            self.member = names.get(&self.address);
        }
    }
}

impl From<&Server> for Side {
    fn from(server: &Server) -> Self {
        Self {
            member: server.member.clone(),
            address: server.endpoint(),
            timeline: server.timeline,
        }
    }
}

impl Side {
    /// The member's name, else its address.
    #[must_use]
    pub fn name(&self) -> &str {
        self.member.as_deref().unwrap_or(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn silent(outage: &Outage) -> Vec<(Duration, Duration)> {
        outage.silent().map(|span| (span.from, span.to)).collect()
    }

    fn outage() -> Outage {
        let (began, degraded, duration) = (s(10), s(20), s(5));
        Outage { began, degraded, duration, ..Outage::default() }
    }

    #[test]
    fn silence_is_where_no_write_was_and_not_from_the_first_evidence_on() {
        // Of several writers the last one went out at 17 s.
        let late = Outage { last_ack: Some(s(17)), first_ack: Some(s(22)), ..outage() };
        assert_eq!(silent(&late), [(s(17), s(22))]);
        let at_once = Outage { last_ack: Some(s(9)), first_ack: Some(s(15)), ..outage() };
        assert_eq!(silent(&at_once), [(s(10), s(15))]);
        assert_eq!(silent(&Outage { partial: true, ..late }), []);
    }

    #[test]
    fn silence_that_the_run_ended_in_stands_at_its_end() {
        let only = Outage { duration: s(13), open: Some(s(13)), last_ack: Some(s(17)), ..outage() };
        assert_eq!(silent(&only), [(s(17), s(30))]);
        let second =
            Outage { open: Some(s(4)), last_ack: Some(s(12)), first_ack: Some(s(17)), ..outage() };
        assert_eq!(silent(&second), [(s(12), s(17)), (s(26), s(30))]);
    }
}
