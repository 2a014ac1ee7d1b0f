//! Writes that the server refuses: which refusals mean that nothing can be written there, when a
//! writer that is refused everything is out, and how refusals are counted together. Whether an error
//! proves a rejection is told in [`crate::model::fault`].
//!
//! A refusal is an answer: the server is up and the session goes on. At a hundred of them a second
//! each must cost a counter, not an outage, a new session and a line of the record.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::fault::{Class, Fault, Phase};

/// Kinds of refusals that are counted each by itself; more are counted together by class.
pub const KINDS_MAX: usize = 8;

/// A kind that was not seen for this long is told again.
pub const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Characters of a message that are kept of the sample of a kind.
const MESSAGE_CHARS_MAX: usize = 300;

impl Fault {
    /// Whether this refusal of a write means that its session, or its server, takes no write, so
    /// that another session is worth an attempt at once. Any other is the fate of the one write.
    ///
    /// - 25006, 57P03, 57P04: read-only, in recovery, its database gone.
    /// - 53xxx: no memory, disk or connections.
    /// - 42501, 28xxx: rights were taken away.
    /// - 25P01, 25P02, 26000, 42P05, 0A000: the session has lost what it was opened with: it is in
    ///   a transaction that failed, a pooler gave it to another client's statements, or the table
    ///   has changed under its plan. A new session has none of that.
    ///
    /// A table that is gone, or a trigger that refuses everything, is not told by one refusal:
    /// see [`Streak`].
    #[must_use]
    pub fn means_no_write(&self) -> bool {
        match self.class {
            Class::ReadOnly | Class::Starting | Class::Overloaded | Class::Auth => true,
            _ => matches!(
                self.sqlstate.as_deref(),
                Some("42501" | "57P04" | "25P01" | "25P02" | "26000" | "42P05" | "0A000")
            ),
        }
    }
}

/// What a refusal of a write comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// It is counted: the fate of one write, or what is told already.
    Counted,
    /// No write is taken here: the writer is out, and leaves its session.
    NoWrite,
    /// Every write was refused for so long that the writer is out. Its session is kept.
    Out(Refused),
}

/// The refusals that a writer has had since its last acknowledgement.
///
/// A writer of which every write is refused is out: once a refusal comes `--stall-after` or more
/// after the first of them, with no acknowledgement between, it is out since that first one.
#[derive(Debug, Default)]
pub struct Streak {
    first: Option<First>,
    counts: Rejections,
    out: bool,
    /// That no write is taken is told of this session.
    no_write_told: bool,
}

#[derive(Debug, Clone, Copy)]
struct First {
    since: Duration,
    at: Duration,
}

/// What is told when a writer is out by refusals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// Since when: when the first refused write was sent.
    pub since: Duration,
    /// When the first refusal came.
    pub first_at: Duration,
    /// The refusals before the one that shows that the writer is out.
    pub earlier: Rejections,
}

impl Streak {
    /// The writer has a new session.
    pub fn new_session(&mut self) {
        self.no_write_told = false;
    }

    /// A write was acknowledged.
    pub fn acknowledged(&mut self) {
        if self.first.is_some() || self.out {
            *self = Self { no_write_told: self.no_write_told, ..Self::default() };
        }
    }

    /// A write was refused, at `at`, that was sent at `since`. That the writer is out by refusals
    /// is told once, until a write is acknowledged; that no write is taken, once a session.
    pub fn refused(
        &mut self,
        fault: &Fault,
        since: Duration,
        at: Duration,
        stall_after: Duration,
    ) -> Meaning {
        if fault.means_no_write() && !self.no_write_told {
            self.no_write_told = true;
            self.told_out();
            return Meaning::NoWrite;
        }
        self.refused_row(fault, since, at, stall_after)
    }

    /// The same for a refusal that concerns one row only, whatever its SQLSTATE.
    pub fn refused_row(
        &mut self,
        fault: &Fault,
        since: Duration,
        at: Duration,
        stall_after: Duration,
    ) -> Meaning {
        if self.out {
            return Meaning::Counted;
        }
        let first = *self.first.get_or_insert(First { since, at });
        // A single refusal concerns one write only, however late it comes.
        if self.counts.is_empty() || at.saturating_sub(first.since) < stall_after {
            self.counts.add(fault, 1);
            return Meaning::Counted;
        }
        self.out = true;
        let earlier = std::mem::take(&mut self.counts);
        Meaning::Out(Refused { since: first.since, first_at: first.at, earlier })
    }

    /// It is told that the writer cannot write.
    pub fn told_out(&mut self) {
        self.out = true;
        self.counts = Rejections::default();
    }

    /// Whether it is told that the writer cannot write.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.out
    }
}

/// Refusals of one kind: phase, class and SQLSTATE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The first of them. Without a SQLSTATE where several are counted together.
    pub fault: Fault,
    /// How many.
    pub count: u64,
}

/// Whether two refusals are of one kind.
#[must_use]
pub fn is_of_kind(one: &Fault, other: &Fault) -> bool {
    (one.phase, one.class, &one.sqlstate) == (other.phase, other.class, &other.sqlstate)
}

/// Refusals, counted by kind: at most [`KINDS_MAX`] kinds, and the rest together by class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rejections(Vec<Rejected>);

impl Rejections {
    /// Counts `count` more like this one, and says whether its kind is new here.
    pub fn add(&mut self, fault: &Fault, count: u64) -> bool {
        if let Some(known) = self.0.iter_mut().find(|known| is_of_kind(&known.fault, fault)) {
            known.count = known.count.saturating_add(count);
            return false;
        }
        let named = self.0.iter().filter(|known| known.fault.sqlstate.is_some()).count();
        if fault.sqlstate.is_some() && named >= KINDS_MAX {
            return self.add(&of_others(fault), count);
        }
        let mut fault = fault.clone();
        if let Some((cut, _)) = fault.message.char_indices().nth(MESSAGE_CHARS_MAX) {
            fault.message.truncate(cut);
            fault.message.push('…');
        }
        self.0.push(Rejected { fault, count });
        true
    }

    /// Counts all of another.
    pub fn extend(&mut self, other: &Self) {
        for Rejected { fault, count } in other {
            self.add(fault, *count);
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many writes were refused.
    #[must_use]
    pub fn writes(&self) -> u64 {
        let writes = self.0.iter().filter(|known| known.fault.phase == Phase::Write);
        writes.fold(0, |sum, known| sum.saturating_add(known.count))
    }
}

impl<'a> IntoIterator for &'a Rejections {
    type Item = &'a Rejected;
    type IntoIter = std::slice::Iter<'a, Rejected>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// What kinds beyond [`KINDS_MAX`] are counted as.
#[must_use]
pub fn of_others(fault: &Fault) -> Fault {
    Fault {
        sqlstate: None,
        message: "other SQLSTATEs than those named".to_owned(),
        ..fault.clone()
    }
}

/// Which kinds of refusals were seen of late: the first of a kind is told at once, those that
/// follow are counted. Of many kinds at once, [`KINDS_MAX`] are told.
#[derive(Debug, Default)]
pub struct KindsSeen(Vec<(Fault, Duration)>);

impl KindsSeen {
    /// Whether a refusal at `at` is the first of its kind for [`TOLD_AGAIN_AFTER`], and to be told.
    pub fn is_news(&mut self, fault: &Fault, at: Duration) -> bool {
        self.0.retain(|(_, last)| last.saturating_add(TOLD_AGAIN_AFTER) > at);
        if let Some((_, last)) = self.0.iter_mut().find(|(known, _)| is_of_kind(known, fault)) {
            *last = at.max(*last);
            return false;
        }
        if self.0.len() >= KINDS_MAX {
            return false;
        }
        let fault = Fault { message: String::new(), endpoint: String::new(), ..fault.clone() };
        self.0.push((fault, at));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::fault::{Evidence, Severity};

    fn refusal(sqlstate: &str) -> Fault {
        let sqlstate = Some((sqlstate.to_owned(), Severity::Error));
        let evidence = Evidence { sqlstate, server_spoke: true, ..Evidence::default() };
        Fault::of(&evidence, Phase::Write, "localhost:5500".to_owned(), "no".to_owned())
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn only_a_server_or_a_session_that_takes_no_write_is_out_by_one_refusal() {
        for no_write in [
            "25006", "53100", "53200", "53300", "53400", "42501", "28000", "28P01", "57P03",
            "57P04", "25P01", "25P02", "26000", "42P05", "0A000",
        ] {
            assert!(refusal(no_write).means_no_write(), "{no_write}");
        }
        for fate in [
            "23505", "23503", "23514", "22001", "22P02", "P0001", "WH001", "57014", "55P03",
            "40001", "40P01", "42P01", "42703", "54000", "21000", "09000",
        ] {
            assert!(!refusal(fate).means_no_write(), "{fate}");
        }
    }

    #[test]
    fn a_writer_is_out_since_the_first_refusal_once_they_go_on_for_the_stalls_time() {
        let mut streak = Streak::default();
        let (no, second) = (refusal("P0001"), ms(1000));
        assert_eq!(streak.refused(&no, ms(100), ms(101), second), Meaning::Counted);
        assert_eq!(streak.refused(&refusal("23505"), ms(600), ms(601), second), Meaning::Counted);
        assert_eq!(streak.refused(&no, ms(1000), ms(1099), second), Meaning::Counted);
        let mut earlier = Rejections::default();
        earlier.add(&no, 2);
        earlier.add(&refusal("23505"), 1);
        let out = Refused { since: ms(100), first_at: ms(101), earlier };
        assert_eq!(streak.refused(&no, ms(1000), ms(1100), second), Meaning::Out(out));
        assert!(streak.is_out());
        assert_eq!(streak.refused(&no, ms(9000), ms(9001), second), Meaning::Counted, "told once");
        streak.acknowledged();
        assert!(!streak.is_out());
        assert_eq!(streak.refused(&no, ms(9100), ms(9101), second), Meaning::Counted, "anew");
    }

    #[test]
    fn one_refusal_alone_is_never_an_outage_however_late_it_comes() {
        let mut streak = Streak::default();
        let late = refusal("57014");
        assert_eq!(streak.refused(&late, ms(0), ms(5000), ms(1000)), Meaning::Counted);
        let again = streak.refused(&late, ms(5000), ms(9000), ms(1000));
        assert!(matches!(again, Meaning::Out(_)), "{again:?}");
    }

    #[test]
    fn a_row_that_a_policy_refuses_is_one_writes_fate() {
        let mut streak = Streak::default();
        let policy = refusal("42501");
        assert_eq!(streak.refused_row(&policy, ms(0), ms(1), ms(1000)), Meaning::Counted);
        assert!(!streak.is_out());
        let all = streak.refused_row(&policy, ms(1000), ms(1001), ms(1000));
        assert!(matches!(all, Meaning::Out(_)), "{all:?}");
    }

    #[test]
    fn that_no_write_is_taken_is_told_once_a_session() {
        let mut streak = Streak::default();
        let second = ms(1000);
        assert_eq!(streak.refused(&refusal("25006"), ms(0), ms(1), second), Meaning::NoWrite);
        assert!(streak.is_out());
        assert_eq!(streak.refused(&refusal("25006"), ms(0), ms(1), second), Meaning::Counted);
        assert_eq!(streak.refused(&refusal("P0001"), ms(0), ms(2000), second), Meaning::Counted);
        streak.new_session();
        assert_eq!(streak.refused(&refusal("25006"), ms(9), ms(9), second), Meaning::NoWrite);
    }

    /// One answer to a write: when it came, that the write was sent so long before, and the SQLSTATE that refused it.
    type TimedAnswer = (Duration, Duration, Option<&'static str>);

    /// Whether the writer is out after each of these answers and since when, told from the whole history at each.
    fn out_by_the_whole_history(
        answers: &[TimedAnswer],
        stall_after: Duration,
    ) -> Vec<Option<Duration>> {
        let no_write = |code: &str| code == "25006" || code == "53100" || code == "42501";
        let outs = (1..=answers.len()).map(|seen| {
            let after_ack = answers[..seen].iter().rposition(|(.., code)| code.is_none());
            let refusals = &answers[after_ack.map_or(0, |ack| ack + 1)..seen];
            let by_one = refusals.iter().find(|(.., code)| code.is_some_and(no_write));
            let since = |(at, before, _): &TimedAnswer| at.saturating_sub(*before);
            let first = refusals.first().map(since)?;
            let by_all = refusals[1..].iter().find(|(at, ..)| *at >= first + stall_after);
            match (by_one, by_all) {
                // Told when the first of the two comes.
                (Some(one), Some(all)) => Some(if one.0 <= all.0 { since(one) } else { first }),
                (Some(one), None) => Some(since(one)),
                (None, Some(_)) => Some(first),
                (None, None) => None,
            }
        });
        outs.collect()
    }

    proptest! {
        #[test]
        fn a_writer_is_out_exactly_when_its_whole_history_says_so(
            answers in proptest::collection::vec(
                (1u64..700, 0u64..1500, proptest::sample::select(vec![
                    None, None, None, Some("P0001"), Some("P0001"), Some("40001"), Some("57014"),
                    Some("23505"), Some("25006"), Some("53100"), Some("42501"),
                ])),
                0..60,
            ),
            stall_after in 1u64..2500,
        ) {
            let stall_after = ms(stall_after);
            let mut now = Duration::ZERO;
            let answers: Vec<TimedAnswer> = answers
                .into_iter()
                .map(|(gap, before, code)| {
                    now += ms(gap);
                    (now, ms(before.min(gap)), code)
                })
                .collect();
            let mut streak = Streak::default();
            let mut out = None;
            let mut said = Vec::new();
            for (at, before, code) in &answers {
                let since = at.saturating_sub(*before);
                match code.map(refusal) {
                    None => {
                        streak.acknowledged();
                        streak.new_session();
                        out = None;
                    }
                    Some(fault) => match streak.refused(&fault, since, *at, stall_after) {
                        Meaning::Counted => {}
                        Meaning::NoWrite => out = out.or(Some(since)),
                        Meaning::Out(refused) => {
                            prop_assert_eq!(out, None, "told once");
                            let earlier = usize::try_from(refused.earlier.writes()).unwrap();
                            // An acknowledgement may come in the moment in which the next write is sent.
                            let is_first = |one: &TimedAnswer| {
                                one.2.is_some() && one.0 - one.1 == refused.since
                            };
                            let from = answers.iter().position(is_first);
                            let here = answers.iter().position(|one| one.0 == *at);
                            prop_assert_eq!(Some(earlier), here.zip(from).map(|(h, f)| h - f));
                            out = Some(refused.since);
                        }
                    },
                }
                prop_assert_eq!(streak.is_out(), out.is_some());
                said.push(out);
            }
            prop_assert_eq!(said, out_by_the_whole_history(&answers, stall_after));
        }
    }

    #[test]
    fn counts_are_by_kind_and_what_is_more_than_the_limit_is_counted_together() {
        let mut counts = Rejections::default();
        for n in 0..20 {
            counts.add(&refusal(&format!("WH{n:03}")), 2);
        }
        counts.add(&refusal("WH000"), 5);
        counts.add(&refusal("40001"), 1);
        let kinds: Vec<_> = (&counts)
            .into_iter()
            .map(|kind| (kind.fault.sqlstate.as_deref(), kind.count))
            .collect();
        assert_eq!(kinds.len(), KINDS_MAX + 2);
        assert_eq!(kinds[0], (Some("WH000"), 7));
        assert_eq!(kinds[KINDS_MAX..], [(None, 24), (None, 1)], "sql and conflict");
        assert_eq!(counts.writes(), 46);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let mut counts = Rejections::default();
        counts.add(&Fault { message: "ß".repeat(100_000), ..refusal("P0001") }, 1);
        let kept = &counts.into_iter().next().unwrap().fault.message;
        assert_eq!(kept.chars().count(), MESSAGE_CHARS_MAX + 1);
    }

    #[test]
    fn a_kind_is_news_again_after_a_while_without_it() {
        let mut seen = KindsSeen::default();
        assert!(seen.is_news(&refusal("P0001"), ms(0)));
        assert!(!seen.is_news(&refusal("P0001"), ms(4999)));
        assert!(!seen.is_news(&refusal("P0001"), ms(9998)));
        assert!(seen.is_news(&refusal("P0001"), ms(14_998)));
        let told = (0..100).filter(|n| seen.is_news(&refusal(&format!("X{n:04}")), ms(15_000)));
        assert_eq!(told.count(), KINDS_MAX - 1);
    }
}
