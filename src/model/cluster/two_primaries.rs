//! Two primaries: two servers of one cluster that both acknowledged writes, the older one also
//! writes that were sent when the newer one had acknowledged already. The writes are the load's and
//! the witnesses', counted apart.
//!
//! That a write was *sent* after the other server's acknowledgement is what proves it: a late
//! answer of a server that has stopped proves nothing. Which of two servers is the newer one, the
//! timelines tell; of two on one timeline the one that acknowledged later.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::server::Server;
use crate::model::seconds;

/// Batches of acknowledgements may be told this much after each other.
const REACH: Duration = Duration::from_secs(2);

/// How often a window that grows is told again.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// What is said to be one server's alone is at least so long.
const ALONE_MIN: Duration = Duration::from_secs(2);

/// How many rows of writes are kept of a pair, and of a server: memory, and a line of the record, have a bound.
const ROWS_MAX: usize = 4_096;

/// Of so many servers the rows are kept, those that acknowledged last.
const SERVERS_WITH_ROWS: usize = 8;

/// Two servers of which the older one acknowledged after the newer one had, as far as it is known.
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
    /// How many such writes of the load the old one acknowledged.
    pub writes: u64,
    /// And how many of the witnesses.
    #[serde(default)]
    pub witness_writes: u64,
    /// Which writes of the load these are; told once the load has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub which: Vec<WritesInARow>,
    /// How many writes of the load `which` leaves out, as it has 4,096 rows already.
    #[serde(default)]
    pub unlisted: u64,
    /// The newer one's last acknowledgement so far: where an old leader takes the leadership back, the window
    /// goes on after it.
    #[serde(rename = "new_to_s", with = "seconds")]
    pub new_to: Duration,
    /// How many writes of the load the newer one acknowledged: all of its life.
    pub new_writes: u64,
    /// Which these are; told once the load has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_which: Vec<WritesInARow>,
    /// How many of them `new_which` leaves out.
    #[serde(default)]
    pub new_unlisted: u64,
    /// The load has ended: it will not grow.
    pub over: bool,
}

impl TwoPrimaries {
    /// How long the old one went on, as far as it was seen.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }

    /// For how long it went on alone at the end, as far as it was seen: less may only be that the newer one is asked less
    /// often.
    #[must_use]
    pub fn alone(&self) -> Option<Duration> {
        let alone = self.to.saturating_sub(self.new_to).min(self.length());
        (alone >= ALONE_MIN).then_some(alone)
    }

    /// How much of it the newer one acknowledged too, as far as it was seen.
    #[must_use]
    pub fn both(&self) -> Duration {
        self.to.min(self.new_to).saturating_sub(self.from)
    }
}

/// Writes of the load that one server acknowledged, in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritesInARow {
    /// Which writer.
    pub writer: i32,
    /// The first of them.
    pub first_seq: i64,
    /// The last of them.
    pub last_seq: i64,
}

/// Which writes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenBy {
    /// This writer of the load.
    Writer(i32),
    /// A witness.
    Witness,
}

/// One writer's acknowledgements by one server: when each write was sent, and acknowledged.
#[derive(Debug, Clone, Default)]
pub struct ServerAcks {
    /// Ascending.
    pub sent: Vec<Duration>,
    /// As many, ascending.
    pub at: Vec<Duration>,
    /// As many sequence numbers of the load; none of a witness.
    pub seqs: Vec<i64>,
}

/// Watches for two primaries.
#[derive(Debug, Default)]
pub struct TwoPrimariesWatch {
    servers: Vec<KnownServer>,
    /// The latest acknowledgements, with the server's place: what another server acknowledged may
    /// be told after them.
    recent: VecDeque<(usize, WrittenBy, ServerAcks)>,
    latest: Duration,
    found: Vec<PairWindow>,
    /// How many were told.
    told: u32,
}

#[derive(Debug)]
struct KnownServer {
    server: Server,
    first: Duration,
    last: Duration,
    /// All of the load's: which side loses is known at the end.
    writes: WriteRows,
}

/// Writes of the load, as rows.
#[derive(Debug, Default)]
struct WriteRows {
    count: u64,
    /// Of each writer, first and last of each row.
    which: BTreeMap<i32, Vec<(i64, i64)>>,
    /// How many rows these are, of all writers.
    rows: usize,
    /// Writes that are in no row.
    unlisted: u64,
}

impl WriteRows {
    fn add(&mut self, writer: i32, seqs: &[i64]) {
        self.count += seqs.len() as u64;
        let rows = self.which.entry(writer).or_default();
        for seq in seqs {
            match rows.last_mut().filter(|(_, last)| *last + 1 == *seq) {
                Some((_, last)) => *last = *seq,
                None if self.rows < ROWS_MAX => {
                    rows.push((*seq, *seq));
                    self.rows += 1;
                }
                None => self.unlisted += 1,
            }
        }
    }

    /// Keeps their number alone.
    fn forget_which(&mut self) {
        *self = Self { count: self.count, unlisted: self.count, ..Self::default() };
    }

    fn which(&self) -> Vec<WritesInARow> {
        let rows = self.which.iter().flat_map(|(writer, rows)| {
            rows.iter().map(|(first_seq, last_seq)| WritesInARow {
                writer: *writer,
                first_seq: *first_seq,
                last_seq: *last_seq,
            })
        });
        rows.collect()
    }
}

/// The window of one pair of servers.
#[derive(Debug)]
struct PairWindow {
    old: usize,
    new: usize,
    from: Duration,
    to: Duration,
    writes: WriteRows,
    witness_writes: u64,
    /// When it was told last.
    told: Option<ToldWindow>,
}

/// How a window was told last.
#[derive(Debug, Clone, Copy)]
struct ToldWindow {
    /// Its number: the same as long as the run lasts, whatever becomes of others.
    n: u32,
    /// Up to when.
    to: Duration,
    at: Duration,
}

impl PairWindow {
    fn new((old, new): (usize, usize), (from, to): (Duration, Duration)) -> Self {
        Self { old, new, from, to, writes: WriteRows::default(), witness_writes: 0, told: None }
    }
}

impl TwoPrimariesWatch {
    /// Takes acknowledgements in, about in the order in which they came.
    pub fn acknowledged(&mut self, server: &Server, by: WrittenBy, acknowledged: ServerAcks) {
        let Some(first) = acknowledged.at.first().copied() else { return };
        let last = acknowledged.at.last().copied().unwrap_or(first);
        self.latest = self.latest.max(last);
        let index = self.known(server, first);
        let known = &mut self.servers[index];
        known.last = known.last.max(last);
        if let WrittenBy::Writer(writer) = by {
            known.writes.add(writer, &acknowledged.seqs);
        }
        for other in 0..self.servers.len() {
            if self.takes_over(other, index) {
                let since = self.servers[other].first;
                self.count((index, other), by, &acknowledged, since..Duration::MAX);
            }
        }
        self.recent.push_back((index, by, acknowledged));
        let before = self.latest.saturating_sub(REACH);
        let is_old = |(_, _, one): &(usize, WrittenBy, ServerAcks)| one.at.last() < Some(&before);
        while self.recent.front().is_some_and(is_old) {
            self.recent.pop_front();
        }
    }

    /// What is new to tell: a pair when it is first seen, and its window when it has grown.
    pub fn news(&mut self, now: Duration) -> Vec<TwoPrimaries> {
        let is_due = |found: &PairWindow, order_is_known: bool| match found.told {
            None => order_is_known,
            Some(told) => found.to > told.to && now >= told.at + TELL_EVERY,
        };
        self.tell(now, false, is_due)
    }

    /// Every pair for the last time: the load has ended.
    pub fn end(&mut self, now: Duration) -> Vec<TwoPrimaries> {
        self.tell(now, true, |_, _| true)
    }

    fn tell(
        &mut self,
        now: Duration,
        over: bool,
        which: impl Fn(&PairWindow, bool) -> bool,
    ) -> Vec<TwoPrimaries> {
        let mut told = Vec::new();
        for found in &mut self.found {
            let (old, new) = (&self.servers[found.old], &self.servers[found.new]);
            // What is told of two on one timeline is not taken back: an earlier first acknowledgement may be on its way.
            let by_number = old.server.timeline.zip(new.server.timeline);
            let order_is_known = by_number.is_some_and(|(old, new)| new > old)
                || now >= old.first.max(new.first) + REACH;
            if which(found, order_is_known) {
                let n = found.told.map_or(self.told + 1, |told| told.n);
                self.told = self.told.max(n);
                found.told = Some(ToldWindow { n, to: found.to, at: now });
                // Not again and again while it grows: nothing is judged by it before the end.
                let rows = |rows: &WriteRows| match over {
                    true => (rows.which(), rows.unlisted),
                    false => (Vec::new(), 0),
                };
                let (which, unlisted) = rows(&found.writes);
                let (new_which, new_unlisted) = rows(&new.writes);
                told.push(TwoPrimaries {
                    n,
                    old: old.server.clone(),
                    new: new.server.clone(),
                    from: found.from,
                    to: found.to,
                    writes: found.writes.count,
                    witness_writes: found.witness_writes,
                    which,
                    unlisted,
                    new_to: new.last,
                    new_writes: new.writes.count,
                    new_which,
                    new_unlisted,
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
            self.servers.push(KnownServer {
                server: server.clone(),
                first,
                last: first,
                writes: WriteRows::default(),
            });
            let index = self.servers.len() - 1;
            self.forget_rows_of_long_ago();
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
                    self.found.retain(|found| {
                        (found.old, found.new) != (other, index) || found.told.is_some()
                    });
                }
                if !was_old[other] && self.takes_over(other, index) {
                    let since = self.servers[other].first;
                    self.count_recent(Some(index), other, since..Duration::MAX);
                }
            }
        }
        index
    }

    /// Keeps the rows of the servers that acknowledged last.
    fn forget_rows_of_long_ago(&mut self) {
        let mut with_rows: Vec<&mut KnownServer> =
            self.servers.iter_mut().filter(|known| known.writes.rows > 0).collect();
        with_rows.sort_by_key(|known| Reverse(known.last));
        for known in with_rows.into_iter().skip(SERVERS_WITH_ROWS) {
            known.writes.forget_which();
        }
    }

    /// Counts among the latest acknowledgements, of one older server or of all.
    fn count_recent(&mut self, only: Option<usize>, new: usize, since: Range<Duration>) {
        for (old, by, acknowledged) in std::mem::take(&mut self.recent) {
            if only.is_none_or(|only| only == old) && self.takes_over(new, old) {
                self.count((old, new), by, &acknowledged, since.clone());
            }
            self.recent.push_back((old, by, acknowledged));
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
    fn count(
        &mut self,
        (old, new): (usize, usize),
        by: WrittenBy,
        acknowledged: &ServerAcks,
        since: Range<Duration>,
    ) {
        let ServerAcks { sent, at, seqs } = acknowledged;
        let first = sent.partition_point(|sent| *sent <= since.start);
        let end = sent.partition_point(|sent| *sent <= since.end);
        let (Some(from), Some(to)) =
            (sent.get(first).filter(|_| first < end), at.get(end.saturating_sub(1)))
        else {
            return;
        };
        let is_pair = |found: &PairWindow| (found.old, found.new) == (old, new);
        let index = self.found.iter().position(is_pair).unwrap_or_else(|| {
            self.found.push(PairWindow::new((old, new), (*from, *to)));
            self.found.len() - 1
        });
        let found = &mut self.found[index];
        found.from = found.from.min(*from);
        found.to = found.to.max(*to);
        match by {
            WrittenBy::Writer(writer) => {
                found.writes.add(writer, seqs.get(first..end).unwrap_or_default());
            }
            WrittenBy::Witness => found.witness_writes += (end - first) as u64,
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
            seqs: sent.iter().map(|sent| i64::try_from(*sent).unwrap()).collect(),
        }
    }

    const ONE: WrittenBy = WrittenBy::Writer(1);

    #[test]
    fn a_failover_is_no_two_primaries_though_answers_come_late() {
        let (old, new) = (server("a", 1, 0), server("b", 2, 0));
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&old, ONE, writes(&[10, 20, 30]));
        watch.acknowledged(&new, ONE, writes(&[100, 110]));
        // Sent before the failover, and answered after it.
        watch.acknowledged(
            &old,
            ONE,
            ServerAcks { sent: vec![ms(40)], at: vec![ms(400)], seqs: vec![4] },
        );
        watch.acknowledged(&new, ONE, writes(&[500]));
        assert_eq!(watch.end(ms(900)), []);
    }

    #[test]
    fn an_old_primary_that_goes_on_is_named_with_its_window() {
        let (old, new) = (server("a", 1, 0), server("b", 2, 0));
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&old, ONE, writes(&[10, 120, 130]));
        // The new one's first acknowledgement is told after that.
        watch.acknowledged(&new, ONE, writes(&[110]));
        let told = watch.news(ms(140));
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].from, told[0].to, told[0].writes), (ms(120), ms(131), 2));
        assert_eq!((told[0].old.name(), told[0].new.name()), ("a".to_owned(), "b".to_owned()));
        watch.acknowledged(&old, ONE, writes(&[200]));
        assert_eq!(watch.news(ms(210)), [], "not again at once");
        let last = watch.end(ms(900));
        assert_eq!((last[0].from, last[0].to, last[0].writes), (ms(120), ms(201), 3));
        assert!(last[0].over);
    }

    /// A witness at the old primary's own address is evidence where no write of the load goes there.
    #[test]
    fn witnesses_prove_it_too_and_are_counted_apart() {
        let (old, new) = (server("a", 1, 0), server("b", 2, 0));
        let mut watch = TwoPrimariesWatch::default();
        let of_witness = |sent: &[u64]| ServerAcks { seqs: Vec::new(), ..writes(sent) };
        watch.acknowledged(&old, WrittenBy::Witness, of_witness(&[10, 120]));
        watch.acknowledged(&new, ONE, writes(&[100, 140]));
        watch.acknowledged(&old, ONE, writes(&[150, 151]));
        watch.acknowledged(&old, WrittenBy::Witness, of_witness(&[320]));
        let last = watch.end(ms(900));
        assert_eq!((last[0].from, last[0].to), (ms(120), ms(321)));
        assert_eq!((last[0].writes, last[0].witness_writes), (2, 2));
        assert_eq!(last[0].length(), ms(201));
        assert_eq!(last[0].which, [WritesInARow { writer: 1, first_seq: 150, last_seq: 151 }]);
    }

    /// A frozen leader that thaws may take its key back from the one that was elected: the window goes on with it.
    #[test]
    fn the_newer_ones_end_and_its_writes_are_told_where_the_old_one_stays() {
        let (old, new) = (server("a", 1, 0), server("b", 2, 0));
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&old, ONE, writes(&[10, 11]));
        watch.acknowledged(&new, ONE, writes(&[100, 101, 103]));
        watch.acknowledged(&new, WrittenBy::Witness, writes(&[150]));
        watch.acknowledged(&old, ONE, writes(&[120, 900]));
        let last = &watch.end(ms(999))[0];
        assert_eq!((last.from, last.to, last.new_to), (ms(120), ms(901), ms(151)));
        assert_eq!((last.length(), last.both()), (ms(781), ms(31)));
        let row = |first_seq, last_seq| WritesInARow { writer: 1, first_seq, last_seq };
        assert_eq!((last.new_writes, &last.new_which), (3, &vec![row(100, 101), row(103, 103)]));
        assert_eq!((last.writes, &last.which), (2, &vec![row(120, 120), row(900, 900)]));
    }

    #[test]
    fn a_newer_one_that_had_ended_before_wrote_at_no_time_together() {
        let (old, new) = (server("a", 1, 0), server("b", 2, 0));
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&old, ONE, writes(&[10]));
        watch.acknowledged(&new, ONE, writes(&[100]));
        watch.acknowledged(&old, ONE, writes(&[500, 600]));
        let last = &watch.end(ms(999))[0];
        assert_eq!((last.length(), last.both()), (ms(101), ms(0)));
    }

    /// Of two on one timeline it may turn out late which is the older one: what was told of others keeps its number.
    #[test]
    fn a_pair_keeps_its_number_whatever_becomes_of_others() {
        let servers = [server("a", 1, 0), server("b", 1, 0), server("c", 2, 0)];
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&servers[0], ONE, writes(&[10]));
        watch.acknowledged(&servers[1], WrittenBy::Writer(2), writes(&[100]));
        watch.acknowledged(&servers[0], ONE, writes(&[200]));
        assert_eq!(watch.news(ms(300)), [], "an earlier acknowledgement of b may be on its way");
        watch.acknowledged(&servers[2], ONE, writes(&[400]));
        watch.acknowledged(&servers[0], ONE, writes(&[500]));
        let told = watch.news(ms(600));
        assert_eq!((told.len(), told[0].n, told[0].new.name()), (1, 1, "c".to_owned()));
        // b acknowledged before a had: the pair was the other way round.
        watch.acknowledged(&servers[1], WrittenBy::Writer(3), writes(&[5]));
        let end = watch.end(ms(700));
        let numbered: Vec<(u32, String, String)> =
            end.iter().map(|one| (one.n, one.old.name(), one.new.name())).collect();
        assert!(numbered.contains(&(1, "a".to_owned(), "c".to_owned())), "{numbered:?}");
        let mut numbers: Vec<u32> = numbered.iter().map(|(n, ..)| *n).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), numbered.len(), "{numbered:?}");
        let is_taken_back = |(_, old, new): &(u32, String, String)| old == "a" && new == "b";
        assert!(!numbered.iter().any(is_taken_back), "{numbered:?}");
    }

    #[test]
    fn the_rows_of_servers_of_long_ago_are_counted_alone() {
        let mut watch = TwoPrimariesWatch::default();
        for n in 0..20_u32 {
            watch.acknowledged(&server("a", n, n.into()), ONE, writes(&[u64::from(n) * 10]));
        }
        let with_rows = watch.servers.iter().filter(|known| known.writes.rows > 0).count();
        assert!(with_rows <= SERVERS_WITH_ROWS + 1, "{with_rows}");
        let first = &watch.servers[0].writes;
        assert_eq!((first.count, first.unlisted), (1, 1));
    }

    /// A witness that only ever saw a server before the other took over proves nothing, nor does one that is
    /// answered late.
    #[test]
    fn witnesses_of_a_failover_prove_nothing() {
        let (old, new) = (server("a", 1, 0), server("b", 2, 0));
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&old, WrittenBy::Witness, writes(&[10, 60]));
        watch.acknowledged(&new, WrittenBy::Witness, writes(&[100]));
        let late = ServerAcks { sent: vec![ms(90)], at: vec![ms(700)], seqs: Vec::new() };
        watch.acknowledged(&old, WrittenBy::Witness, late);
        assert_eq!(watch.end(ms(900)), []);
    }

    /// A writer that writes to either server in turn makes a row of each.
    #[test]
    fn which_writes_is_told_at_the_end_alone_and_has_a_bound() {
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&server("b", 2, 0), ONE, writes(&[1]));
        let every_other: Vec<u64> = (10..10_010).step_by(2).collect();
        watch.acknowledged(&server("a", 1, 0), ONE, writes(&every_other));
        let told = watch.news(ms(10_100));
        assert_eq!((told[0].writes, told[0].which.len(), told[0].unlisted), (5_000, 0, 0));
        let told = watch.end(ms(10_200));
        assert_eq!((told[0].writes, told[0].which.len(), told[0].unlisted), (5_000, 4_096, 904));
        let last = WritesInARow { writer: 1, first_seq: 8_200, last_seq: 8_200 };
        assert_eq!(told[0].which.last(), Some(&last));
    }

    #[test]
    fn one_that_comes_back_on_the_old_timeline_is_the_old_one() {
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&server("a", 1, 0), ONE, writes(&[10]));
        watch.acknowledged(&server("b", 2, 0), ONE, writes(&[100]));
        watch.acknowledged(&server("a", 1, 9), ONE, writes(&[200]));
        let told = watch.end(ms(900));
        assert_eq!((told[0].old.name(), told[0].from), ("a".to_owned(), ms(200)));
    }

    #[test]
    fn a_switchover_and_back_a_restart_and_another_cluster_are_none() {
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&server("a", 1, 0), ONE, writes(&[10]));
        watch.acknowledged(&server("a", 1, 5), ONE, writes(&[50]));
        watch.acknowledged(&server("b", 2, 0), ONE, writes(&[100]));
        watch.acknowledged(&server("a", 3, 9), ONE, writes(&[200]));
        let other = Server { system_identifier: Some("8".to_owned()), ..server("c", 9, 0) };
        watch.acknowledged(&other, ONE, writes(&[300]));
        watch.acknowledged(&server("a", 3, 9), ONE, writes(&[400]));
        assert_eq!(watch.end(ms(900)), []);
    }

    #[test]
    fn two_on_one_timeline_are_told_by_who_acknowledged_first() {
        let mut watch = TwoPrimariesWatch::default();
        watch.acknowledged(&server("a", 2, 0), ONE, writes(&[10]));
        watch.acknowledged(&server("b", 2, 0), ONE, writes(&[20]));
        watch.acknowledged(&server("b", 2, 0), ONE, writes(&[30]));
        assert_eq!(watch.news(ms(40)), [], "one after the other proves nothing");
        watch.acknowledged(&server("a", 2, 0), ONE, writes(&[40]));
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
                watch.acknowledged(&servers[*index], ONE, writes(&[*sent]));
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
