//! Two primaries: two servers of one cluster that both acknowledged writes, the older one also
//! writes that were sent when the newer one had acknowledged already.
//!
//! That a write was *sent* after the other server's acknowledgement is what proves it: a late
//! answer of a server that has stopped proves nothing. Which of two servers is the newer one, the
//! timelines tell; of two on one timeline the one that acknowledged later.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;
use crate::model::seconds;

/// Batches of acknowledgements may be told this much after each other.
const REACH: Duration = Duration::from_secs(2);

/// How often a window that grows is told again.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Two servers that acknowledged at the same time, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoPrimaries {
    /// Counted from 1, in the order in which they were noticed.
    pub n: u32,
    /// The server that should have stopped.
    pub old: Server,
    /// The one that took over.
    pub new: Server,
    /// When the first write was sent to the old one that it acknowledged although the new one had
    /// acknowledged before, since the start of the run.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// The last acknowledgement of such a write.
    #[serde(rename = "to_s", with = "seconds")]
    pub to: Duration,
    /// How many such writes the old one acknowledged.
    pub writes: u64,
    /// The load has ended: it will not grow.
    pub over: bool,
}

/// One writer's acknowledgements by one server: when each write was sent, and acknowledged.
#[derive(Debug, Clone, Default)]
pub struct ServerAcks {
    /// Ascending.
    pub sent: Vec<Duration>,
    /// As many, ascending.
    pub at: Vec<Duration>,
}

/// Watches for two primaries.
#[derive(Debug, Default)]
pub struct TwoPrimariesWatch {
    servers: Vec<KnownServer>,
    /// The latest acknowledgements, with the server's place: what another server acknowledged may
    /// be told after them.
    recent: VecDeque<(usize, ServerAcks)>,
    latest: Duration,
    found: Vec<PairWindow>,
}

#[derive(Debug)]
struct KnownServer {
    server: Server,
    first: Duration,
}

/// The window of one pair of servers.
#[derive(Debug)]
struct PairWindow {
    old: usize,
    new: usize,
    from: Duration,
    to: Duration,
    writes: u64,
    /// Up to when it was told, and when.
    told: Option<(Duration, Duration)>,
}

impl TwoPrimariesWatch {
    /// Takes acknowledgements in, about in the order in which they came.
    pub fn acknowledged(&mut self, server: &Server, acknowledged: ServerAcks) {
        let Some(first) = acknowledged.at.first().copied() else { return };
        self.latest = self.latest.max(acknowledged.at.last().copied().unwrap_or(first));
        let index = self.known(server, first);
        for other in 0..self.servers.len() {
            if self.takes_over(other, index) {
                let since = self.servers[other].first;
                self.count(index, other, &acknowledged, since..Duration::MAX);
            }
        }
        self.recent.push_back((index, acknowledged));
        let before = self.latest.saturating_sub(REACH);
        let is_old = |(_, one): &(usize, ServerAcks)| one.at.last() < Some(&before);
        while self.recent.front().is_some_and(is_old) {
            self.recent.pop_front();
        }
    }

    /// What is new to tell: a pair when it is first seen, and its window when it has grown.
    pub fn news(&mut self, now: Duration) -> Vec<TwoPrimaries> {
        let is_due = |found: &PairWindow| {
            found.told.is_none_or(|(to, at)| found.to > to && now >= at + TELL_EVERY)
        };
        self.tell(now, false, is_due)
    }

    /// Every pair for the last time: the load has ended.
    pub fn end(&mut self, now: Duration) -> Vec<TwoPrimaries> {
        self.tell(now, true, |_| true)
    }

    fn tell(
        &mut self,
        now: Duration,
        over: bool,
        which: impl Fn(&PairWindow) -> bool,
    ) -> Vec<TwoPrimaries> {
        let mut told = Vec::new();
        for (n, found) in (1..).zip(&mut self.found) {
            if which(found) {
                found.told = Some((found.to, now));
                told.push(TwoPrimaries {
                    n,
                    old: self.servers[found.old].server.clone(),
                    new: self.servers[found.new].server.clone(),
                    from: found.from,
                    to: found.to,
                    writes: found.writes,
                    over,
                });
            }
        }
        told
    }

    /// The server's place. A first acknowledgement that is told late counts from its own time:
    /// what was sent to others in between is looked at again.
    fn known(&mut self, server: &Server, first: Duration) -> usize {
        let Some(index) = self.servers.iter().position(|known| known.server.has_stayed(server))
        else {
            self.servers.push(KnownServer { server: server.clone(), first });
            let index = self.servers.len() - 1;
            self.count_recent(None, index, first..Duration::MAX);
            return index;
        };
        let before = self.servers[index].first;
        if first < before {
            let others = 0..self.servers.len();
            let (was_old, was_new): (Vec<bool>, Vec<bool>) = others
                .clone()
                .map(|other| (self.takes_over(other, index), self.takes_over(index, other)))
                .unzip();
            self.servers[index].first = first;
            self.count_recent(None, index, first..before);
            // Of two on one timeline it may turn out to be the older one.
            for other in others {
                if was_new[other] && !self.takes_over(index, other) {
                    self.found.retain(|found| (found.old, found.new) != (other, index));
                }
                if !was_old[other] && self.takes_over(other, index) {
                    let since = self.servers[other].first;
                    self.count_recent(Some(index), other, since..Duration::MAX);
                }
            }
        }
        index
    }

    /// Counts among the latest acknowledgements, of one older server or of all.
    fn count_recent(&mut self, only: Option<usize>, new: usize, since: Range<Duration>) {
        for (old, acknowledged) in std::mem::take(&mut self.recent) {
            if only.is_none_or(|only| only == old) && self.takes_over(new, old) {
                self.count(old, new, &acknowledged, since.clone());
            }
            self.recent.push_back((old, acknowledged));
        }
    }

    /// Whether one server is the newer primary, so that the other should have stopped.
    fn takes_over(&self, new: usize, old: usize) -> bool {
        let (new, old) = (&self.servers[new], &self.servers[old]);
        let cluster = (&new.server.system_identifier, &old.server.system_identifier);
        let one_cluster = matches!(cluster, (Some(one), Some(two)) if one == two);
        let later = match (new.server.timeline, old.server.timeline) {
            (Some(new), Some(old)) if new != old => new > old,
            // A server restarted on its timeline is no second primary, nor is one that may be the
            // same.
            _ => new.server.same_member(&old.server) == Some(false) && new.first > old.first,
        };
        one_cluster && later
    }

    /// Counts the writes that were sent to `old` after `since.start`, up to `since.end`.
    fn count(&mut self, old: usize, new: usize, acknowledged: &ServerAcks, since: Range<Duration>) {
        let ServerAcks { sent, at } = acknowledged;
        let first = sent.partition_point(|sent| *sent <= since.start);
        let end = sent.partition_point(|sent| *sent <= since.end);
        let (Some(from), Some(to)) =
            (sent.get(first).filter(|_| first < end), at.get(end.saturating_sub(1)))
        else {
            return;
        };
        let writes = (end - first) as u64;
        match self.found.iter_mut().find(|found| (found.old, found.new) == (old, new)) {
            Some(found) => {
                found.from = found.from.min(*from);
                found.to = found.to.max(*to);
                found.writes += writes;
            }
            None => {
                self.found.push(PairWindow { old, new, from: *from, to: *to, writes, told: None });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn server(member: &str, timeline: u32, start: i64) -> Server {
        Server {
            member: Some(member.to_owned()),
            timeline: Some(timeline),
            system_identifier: Some("7".to_owned()),
            postmaster_start: DateTime::from_timestamp(start, 0),
            ..Server::default()
        }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Writes that were sent then and acknowledged a millisecond later.
    fn writes(sent: &[u64]) -> ServerAcks {
        ServerAcks {
            sent: sent.iter().map(|sent| ms(*sent)).collect(),
            at: sent.iter().map(|sent| ms(*sent + 1)).collect(),
        }
    }

    #[test]
    fn a_failover_is_no_two_primaries_though_answers_come_late() {
        let (old, new) = (server("a", 1, 0), server("b", 2, 0));
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&old, writes(&[10, 20, 30]));
        watch.acknowledged(&new, writes(&[100, 110]));
        // Sent before the failover, and answered after it.
        watch.acknowledged(&old, ServerAcks { sent: vec![ms(40)], at: vec![ms(400)] });
        watch.acknowledged(&new, writes(&[500]));
        assert_eq!(watch.end(ms(900)), []);
    }

    #[test]
    fn an_old_primary_that_goes_on_is_named_with_its_window() {
        let (old, new) = (server("a", 1, 0), server("b", 2, 0));
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&old, writes(&[10, 120, 130]));
        // The new one's first acknowledgement is told after that.
        watch.acknowledged(&new, writes(&[110]));
        let told = watch.news(ms(140));
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].from, told[0].to, told[0].writes), (ms(120), ms(131), 2));
        assert_eq!((told[0].old.name(), told[0].new.name()), ("a".to_owned(), "b".to_owned()));
        watch.acknowledged(&old, writes(&[200]));
        assert_eq!(watch.news(ms(210)), [], "not again at once");
        let last = watch.end(ms(900));
        assert_eq!((last[0].from, last[0].to, last[0].writes), (ms(120), ms(201), 3));
        assert!(last[0].over);
    }

    #[test]
    fn one_that_comes_back_on_the_old_timeline_is_the_old_one() {
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&server("a", 1, 0), writes(&[10]));
        watch.acknowledged(&server("b", 2, 0), writes(&[100]));
        watch.acknowledged(&server("a", 1, 9), writes(&[200]));
        let told = watch.end(ms(900));
        assert_eq!((told[0].old.name(), told[0].from), ("a".to_owned(), ms(200)));
    }

    #[test]
    fn a_switchover_and_back_a_restart_and_another_cluster_are_none() {
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&server("a", 1, 0), writes(&[10]));
        watch.acknowledged(&server("a", 1, 5), writes(&[50]));
        watch.acknowledged(&server("b", 2, 0), writes(&[100]));
        watch.acknowledged(&server("a", 3, 9), writes(&[200]));
        let other = Server { system_identifier: Some("8".to_owned()), ..server("c", 9, 0) };
        watch.acknowledged(&other, writes(&[300]));
        watch.acknowledged(&server("a", 3, 9), writes(&[400]));
        assert_eq!(watch.end(ms(900)), []);
    }

    #[test]
    fn two_on_one_timeline_are_told_by_who_acknowledged_first() {
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&server("a", 2, 0), writes(&[10]));
        watch.acknowledged(&server("b", 2, 0), writes(&[20]));
        watch.acknowledged(&server("b", 2, 0), writes(&[30]));
        assert_eq!(watch.news(ms(40)), [], "one after the other proves nothing");
        watch.acknowledged(&server("a", 2, 0), writes(&[40]));
        assert_eq!(watch.end(ms(50))[0].old.name(), "a");
    }

    /// All pairs of writes, each looked at by itself.
    fn by_pairs(told: &[(usize, u64)], servers: &[Server]) -> Vec<(String, String, u64, u64, u64)> {
        let first = |index: usize| {
            told.iter().filter(|(one, _)| *one == index).map(|(_, sent)| sent + 1).min()
        };
        let mut found = Vec::new();
        for (old, one) in servers.iter().enumerate() {
            for (new, other) in servers.iter().enumerate() {
                let (Some(old_first), Some(new_first)) = (first(old), first(new)) else { continue };
                let newer = other.timeline > one.timeline
                    || (other.timeline == one.timeline
                        && other.member != one.member
                        && new_first > old_first);
                let sent: Vec<u64> = told
                    .iter()
                    .filter(|(index, sent)| *index == old && *sent > new_first)
                    .map(|(_, sent)| *sent)
                    .collect();
                if let (true, Some(from), Some(to)) = (newer, sent.iter().min(), sent.iter().max())
                {
                    let count = sent.len() as u64;
                    found.push((one.name(), other.name(), *from, to + 1, count));
                }
            }
        }
        found.sort();
        found
    }

    proptest! {
        #[test]
        fn windows_are_those_of_all_pairs(
            timelines in prop::collection::vec(1..4_u32, 3),
            mut sent in prop::collection::vec((0..3_usize, 0..1_000_u64, 0..900_u64), 1..40),
        ) {
            let servers: Vec<Server> = ["a", "b", "c"]
                .into_iter()
                .zip(&timelines)
                .map(|(name, timeline)| server(name, *timeline, 0))
                .collect();
            let told: Vec<(usize, u64)> = sent.iter().map(|(index, sent, _)| (*index, *sent)).collect();
            // Each is told late by its own delay; of one server in the order of sending.
            sent.sort_by_key(|(_, sent, delay)| sent + delay);
            let mut watch = TwoPrimariesWatch::default();
            for (index, sent, _) in &sent {
                watch.acknowledged(&servers[*index], writes(&[*sent]));
            }
            let mut found: Vec<_> = watch
                .end(ms(9_000))
                .into_iter()
                .map(|one| {
                    let whole = |time: Duration| u64::try_from(time.as_millis()).unwrap();
                    (one.old.name(), one.new.name(), whole(one.from), whole(one.to), one.writes)
                })
                .collect();
            found.sort();
            prop_assert_eq!(found, by_pairs(&told, &servers));
        }
    }
}
