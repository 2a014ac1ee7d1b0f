//! How far replicas were behind, over a whole run, and what a limit on it comes to.
//!
//! One session reads at a time, from the replica that a name or a proxy leads to: what is known of
//! the others is what they showed when it was their turn.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::event::ReplicaLag;
use crate::model::fault::Fault;
use crate::model::run::limits::{Finding, in_seconds};
use crate::model::seconds;

/// At most this many replicas are counted one by one; further ones count with the last.
const REPLICAS_MAX: usize = 64;

/// Reads are at most so far apart where nothing is wrong. In a longer pause a lag can come and go.
const USUAL_PAUSE: Duration = Duration::from_secs(1);

/// What was seen of one replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaSummary {
    /// Its name or address.
    pub name: String,
    /// How often it was read.
    pub reads: u64,
    /// The most that it was behind: the age of the oldest acknowledged write that it did not show.
    #[serde(rename = "lag_max_s", with = "seconds")]
    pub lag_max: Duration,
    /// When that was, since the start of the run.
    #[serde(rename = "lag_max_at_s", with = "seconds")]
    pub lag_max_at: Duration,
    /// The most acknowledged writes that it did not show.
    pub writes_behind_max: u64,
    /// How far it was behind when it was read last.
    #[serde(rename = "lag_last_s", with = "seconds")]
    pub lag_last: Duration,
    /// When it was read last, since the start of the run.
    #[serde(rename = "last_read_s", with = "seconds")]
    pub last_read: Duration,
}

/// What was seen of all replicas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplicaLags {
    replicas: BTreeMap<String, ReplicaSummary>,
    /// The last read of any: when, and the lag.
    last: Option<(Duration, Duration)>,
    /// The longest pause between two reads that is longer than usual, by what the lag may have
    /// become in it: that, and how long the pause was.
    unseen: Option<(Duration, Duration)>,
    /// Why none could be read, since the last read.
    failing: Option<String>,
}

impl ReplicaLags {
    /// A server was read. One that is no replica, as when none is left, says nothing of lag.
    pub fn read(&mut self, at: Duration, lag: &ReplicaLag) {
        if !lag.server.in_recovery {
            return;
        }
        let behind = if lag.writes_behind == 0 { Duration::ZERO } else { lag.behind };
        self.unseen = self.unseen.max(self.pause_until(at));
        self.last = Some((at, behind));
        self.failing = None;
        let mut name = lag.server.name();
        if !self.replicas.contains_key(&name) && self.replicas.len() >= REPLICAS_MAX {
            name = self.replicas.keys().next_back().cloned().unwrap_or(name);
        }
        let replica = self.replicas.entry(name.clone()).or_insert(ReplicaSummary {
            name,
            reads: 0,
            lag_max: Duration::ZERO,
            lag_max_at: at,
            writes_behind_max: 0,
            lag_last: behind,
            last_read: at,
        });
        replica.reads += 1;
        if behind > replica.lag_max {
            (replica.lag_max, replica.lag_max_at) = (behind, at);
        }
        replica.writes_behind_max = replica.writes_behind_max.max(lag.writes_behind);
        (replica.lag_last, replica.last_read) = (behind, at);
    }

    /// None could be read.
    pub fn failed(&mut self, fault: &Fault) {
        self.failing = Some(format!("{} ({})", fault.class, fault.message));
    }

    /// The replicas, by name.
    #[must_use]
    pub fn replicas(&self) -> Vec<ReplicaSummary> {
        self.replicas.values().cloned().collect()
    }

    /// What a limit comes to, the load having ended at `end`.
    #[must_use]
    pub fn judge(&self, end: Duration, max: Duration) -> Option<Finding> {
        let Some(worst) = self.replicas.values().max_by_key(|replica| replica.lag_max) else {
            let why = self.failing.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            return Some(Finding::Unseen(format!(
                "no replica was read, so how far they were behind is not known{why}"
            )));
        };
        if worst.lag_max > max {
            let (measured, allowed) = in_seconds(worst.lag_max, max);
            return Some(Finding::Exceeded(format!(
                "replica {} was {measured} behind, at most {allowed} allowed",
                worst.name
            )));
        }
        if let Some(why) = &self.failing {
            return Some(Finding::Unseen(format!(
                "no replica could be read when the load ended: {why}: whether they stay within {} \
                 was not seen",
                in_seconds(max, max).0
            )));
        }
        let (possible, pause) = self.unseen.max(self.pause_until(end))?;
        (possible > max).then(|| {
            let (pause, max) = (in_seconds(pause, pause).0, in_seconds(max, max).0);
            Finding::Unseen(format!(
                "no replica was read for {pause}: whether they stayed within {max} was not seen"
            ))
        })
    }

    /// A pause since the last read that is longer than usual: what the lag may have become in it,
    /// and how long it was.
    fn pause_until(&self, at: Duration) -> Option<(Duration, Duration)> {
        let (last, behind) = self.last?;
        let pause = at.saturating_sub(last);
        (pause > USUAL_PAUSE).then(|| (behind.saturating_add(pause), pause))
    }
}

/// How far every writer was acknowledged, at times that are closer together the later they are: the
/// oldest one that a replica does not show in full says how old its data is.
///
/// Every replica is compared with the same notes, also one that is read after another that was
/// level.
#[derive(Debug)]
pub struct Notes {
    notes: VecDeque<(Duration, BTreeMap<i32, i64>)>,
    /// Of all notes together.
    entries_max: usize,
}

/// Notes kept of few writers, and at least of many.
const NOTES_MAX: usize = 1024;
const NOTES_MIN: usize = 16;

impl Notes {
    /// Notes with so many numbers in them at most, but for a few of them.
    #[must_use]
    pub fn new(entries_max: usize) -> Self {
        Self { notes: VecDeque::new(), entries_max }
    }

    /// Notes how far every writer is.
    pub fn add(&mut self, now: Duration, acknowledged: BTreeMap<i32, i64>) {
        let room = (self.entries_max / acknowledged.len().max(1)).clamp(NOTES_MIN, NOTES_MAX);
        self.notes.push_back((now, acknowledged));
        while self.notes.len() > room {
            self.leave_one_out(now);
        }
    }

    /// Leaves out the note without which an age is told least wrongly, in proportion.
    fn leave_one_out(&mut self, now: Duration) {
        let age = |index: usize| now.saturating_sub(self.notes[index].0).as_secs_f64();
        let error = |index: &usize| age(index - 1) / age(index + 1);
        let between = 1..self.notes.len().saturating_sub(1);
        if let Some(least) = between.min_by(|one, other| error(one).total_cmp(&error(other))) {
            self.notes.remove(least);
        } else {
            self.notes.pop_front();
        }
    }

    /// The time of the oldest note that `seen` does not show in full.
    #[must_use]
    pub fn oldest_unseen(&self, seen: &BTreeMap<i32, i64>) -> Option<Duration> {
        // Acknowledged writes only grow from note to note: those shown in full come first.
        let shown = self.notes.partition_point(|(_, note)| writes_behind(note, seen) == 0);
        self.notes.get(shown).map(|(at, _)| *at)
    }
}

/// How many writes lie between the highest acknowledged one and the highest that is seen. Those
/// among them that were rejected or left in doubt make it a little high, until the replica shows
/// a later one.
#[must_use]
pub fn writes_behind(acknowledged: &BTreeMap<i32, i64>, seen: &BTreeMap<i32, i64>) -> u64 {
    let behind = |(writer, seq): (&i32, &i64)| {
        u64::try_from(seq - seen.get(writer).copied().unwrap_or(0)).unwrap_or(0)
    };
    acknowledged.iter().map(behind).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::cluster::server::Server;
    use crate::model::fault::{Evidence, Phase};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn lag(name: &str, writes_behind: u64, behind: u64) -> ReplicaLag {
        let server =
            Server { member: Some(name.to_owned()), in_recovery: true, ..Server::default() };
        ReplicaLag { server, writes_behind, behind: ms(behind) }
    }

    fn failure() -> Fault {
        let evidence = Evidence { deadline: true, ..Evidence::default() };
        Fault::of(&evidence, Phase::Read, "replica:5432".to_owned(), "no answer".to_owned())
    }

    /// Read every 250 ms, with these lags in milliseconds.
    fn read(lags: &[u64]) -> ReplicaLags {
        let mut seen = ReplicaLags::default();
        for (number, behind) in (1..).zip(lags) {
            seen.read(ms(number * 250), &lag("r1", *behind, *behind));
        }
        seen
    }

    #[test]
    fn the_most_that_each_was_behind_is_kept_with_its_time() {
        let mut seen = read(&[0, 300, 1200, 0]);
        seen.read(ms(1100), &lag("r0", 7, 90));
        let [r0, r1] = seen.replicas().try_into().unwrap();
        assert_eq!((r0.reads, r0.lag_max, r0.writes_behind_max), (1, ms(90), 7));
        assert_eq!(
            r1,
            ReplicaSummary {
                name: "r1".to_owned(),
                reads: 4,
                lag_max: ms(1200),
                lag_max_at: ms(750),
                writes_behind_max: 1200,
                lag_last: Duration::ZERO,
                last_read: ms(1000),
            }
        );
        assert_eq!(seen.judge(ms(1300), ms(1200)), None);
        assert_eq!(
            seen.judge(ms(1300), ms(1199)),
            Some(Finding::Exceeded(
                "replica r1 was 1.200 s behind, at most 1.199 s allowed".to_owned()
            ))
        );
    }

    #[test]
    fn what_was_not_seen_is_never_a_pass() {
        let unseen = |seen: &ReplicaLags, end| {
            let found = seen.judge(ms(end), ms(5000));
            let Some(Finding::Unseen(words)) = found else { panic!("{found:?}") };
            words
        };
        let mut never = ReplicaLags::default();
        never.read(ms(5), &ReplicaLag { server: Server::default(), ..lag("primary", 0, 0) });
        assert_eq!(
            unseen(&never, 1000),
            "no replica was read, so how far they were behind is not known"
        );
        never.failed(&failure());
        assert!(unseen(&never, 1000).ends_with("not known: timeout (no answer)"));
        let mut at_the_end = read(&[0, 0]);
        at_the_end.failed(&failure());
        assert!(unseen(&at_the_end, 600).starts_with("no replica could be read when the load"));
        let between = {
            let mut seen = read(&[0, 0]);
            seen.failed(&failure());
            seen.read(ms(6000), &lag("r1", 0, 0));
            seen
        };
        assert!(unseen(&between, 6100).starts_with("no replica was read for 5.5 s"));
        // It was 4 s behind, and a second and a half later the load ends.
        assert!(unseen(&read(&[4000]), 1751).starts_with("no replica was read for 1.5 s"));
        assert_eq!(read(&[4000]).judge(ms(1250), ms(5000)), None);
    }

    #[test]
    fn a_limit_that_is_exceeded_fails_whatever_was_not_seen() {
        let mut seen = read(&[6000]);
        seen.failed(&failure());
        assert!(matches!(seen.judge(ms(60_000), ms(5000)), Some(Finding::Exceeded(_))));
    }

    #[test]
    fn a_replica_that_is_read_after_a_level_one_is_as_old_as_its_data() {
        let mut notes = Notes::new(1_000_000);
        for second in 0..60 {
            notes.add(ms(second * 1000), [(1, i64::try_from(second).unwrap() * 100)].into());
            let level = [(1, i64::try_from(second).unwrap() * 100)].into();
            assert_eq!(notes.oldest_unseen(&level), None);
        }
        assert_eq!(notes.oldest_unseen(&[(1, 1950)].into()), Some(ms(20_000)));
        assert_eq!(notes.oldest_unseen(&BTreeMap::new()), Some(ms(1000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        /// With notes left out, a replica is never called older than it is, and hardly younger.
        #[test]
        fn few_notes_still_tell_an_age(
            ticks in 1u64..1500,
            shown in 0u64..1500,
            writers in 1usize..50,
        ) {
            let entries_max = 1500;
            let mut notes = Notes::new(entries_max);
            let level = |tick: u64| -> BTreeMap<i32, i64> {
                let seq = i64::try_from(tick).unwrap();
                (1..=i32::try_from(writers).unwrap()).map(|writer| (writer, seq)).collect()
            };
            for tick in 1..=ticks {
                notes.add(ms(tick * 250), level(tick));
            }
            prop_assert!(notes.notes.len() <= (entries_max / writers).clamp(NOTES_MIN, NOTES_MAX));
            let found = notes.oldest_unseen(&level(shown));
            if shown >= ticks {
                prop_assert_eq!(found, None);
            } else {
                let (found, truth) = (found.unwrap(), ms((shown + 1) * 250));
                prop_assert!(found >= truth, "not older than it is");
                let (age, said) = (ms(ticks * 250) - truth, ms(ticks * 250) - found);
                prop_assert!(said * 4 >= age || age <= ms(8 * 250), "{said:?} of {age:?}");
            }
        }
    }
}
