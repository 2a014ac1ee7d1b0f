//! Random histories of several writers: the clock, which forgets and is told late, says the same as a plain look at the
//! list of all acknowledgements.
//!
//! All times are even numbers of milliseconds, as acknowledgements closer than one millisecond are one to the clock.

use std::collections::BTreeSet;
use std::time::Duration;

use pgchaos::model::fault::Class;
use pgchaos::model::outage_clock::{Output, SETTLE};
use proptest::prelude::*;

use crate::histories::{History, fault, first, ms};

/// So short that the clock forgets in the middle of nearly every history.
const WRITE_TIMEOUT: u64 = 1_000;
const STALL_AFTER: u64 = 200;
/// No acknowledgement is told later than this.
const LATEST: u64 = 20;
const TICK_MS: u64 = 25;

/// How a writer stops to write.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Idle,
    /// A write in flight for so long.
    Cut(u64),
    /// Silence that ends with an answer.
    Silence,
    /// Silence until the deadline.
    Deadline,
}

/// Some acknowledged writes, then a time without any.
#[derive(Debug, Clone)]
struct Spell {
    /// Since the last one, and how late it is told.
    acks: Vec<(u64, u64)>,
    stop: Stop,
    down: u64,
    attempts: u64,
}

/// What is told, in its order.
#[derive(Debug, Clone, Copy)]
enum Fact {
    Ack { writer: i32, at: u64 },
    Stalled { writer: i32, since: u64 },
    Failed { writer: i32, since: u64 },
    Attempt { writer: i32, started: u64 },
    Session { writer: i32 },
}

fn even(range: std::ops::Range<u64>) -> impl Strategy<Value = u64> {
    (range.start / 2..range.end / 2).prop_map(|half| half * 2)
}

fn spell() -> impl Strategy<Value = Spell> {
    let gap = prop_oneof![8 => even(2..60), 1 => even(60..2_000)];
    let stop = prop_oneof![
        Just(Stop::Idle),
        even(0..180).prop_map(Stop::Cut),
        Just(Stop::Silence),
        Just(Stop::Deadline),
    ];
    let down = prop_oneof![even(2..100), even(100..2_000), even(2_000..9_000)];
    let acks = proptest::collection::vec((gap, even(0..LATEST + 2)), 0..60);
    (acks, stop, down, 0_u64..5).prop_map(|(acks, stop, down, attempts)| Spell {
        acks,
        stop,
        down,
        attempts,
    })
}

/// One writer's life as facts, each told in its order.
fn life(writer: i32, spells: &[Spell]) -> Vec<(u64, Fact)> {
    let mut facts: Vec<(u64, Fact)> = vec![(0, Fact::Session { writer })];
    let mut now = 0;
    let mut told = 0;
    for spell in spells {
        for (gap, late) in &spell.acks {
            now += gap;
            told = told.max(now + late);
            facts.push((told, Fact::Ack { writer, at: now }));
        }
        let since = now + 2;
        let failed = match spell.stop {
            Stop::Idle => Some(since),
            Stop::Cut(silence) => Some(since + silence),
            Stop::Silence => None,
            Stop::Deadline => Some(since + WRITE_TIMEOUT),
        };
        if matches!(spell.stop, Stop::Silence | Stop::Deadline) {
            facts.push((since + STALL_AFTER, Fact::Stalled { writer, since }));
        }
        let mut up = since + STALL_AFTER;
        if let Some(failed) = failed {
            let known = failed.max(told);
            // What was noticed when it happened is no older than its telling.
            let since = if matches!(spell.stop, Stop::Idle) { known } else { since };
            facts.push((known, Fact::Failed { writer, since }));
            up = known;
            for attempt in 0..spell.attempts {
                let started = known + spell.down * attempt / spell.attempts / 2 * 2;
                facts.push((started + 1, Fact::Attempt { writer, started }));
            }
        }
        let back = up + spell.down.max(4);
        if failed.is_some() {
            facts.push((back - 2, Fact::Session { writer }));
        }
        facts.push((back, Fact::Ack { writer, at: back }));
        (now, told) = (back, back);
    }
    facts
}

/// All lives together until the run ends, in the order of their telling.
fn facts(lives: &[Vec<Spell>], share: f64) -> (Vec<(u64, Fact)>, u64) {
    let mut facts: Vec<_> =
        (1..).zip(lives).flat_map(|(writer, spells)| life(writer, spells)).collect();
    facts.sort_by_key(|(told, _)| *told);
    let whole = facts.last().map_or(0, |(told, _)| *told) + 200;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let end = (whole as f64 * share) as u64 / 2 * 2;
    facts.retain_mut(|(told, fact)| match fact {
        // Writers hand over what they have when they stop.
        Fact::Ack { at, .. } if *at <= end => {
            *told = (*told).min(end);
            true
        }
        _ => *told <= end,
    });
    facts.sort_by_key(|(told, _)| *told);
    (facts, end)
}

fn history(facts: &[(u64, Fact)], end: u64) -> History {
    facts
        .iter()
        .fold(History::default(), |history, (told, fact)| match *fact {
            Fact::Ack { writer, at } => history.late_acks(writer, &[at], *told),
            Fact::Stalled { writer, since } => history.stalled(writer, since, *told),
            Fact::Failed { writer, since } => {
                history.failed(writer, since, *told, fault(Class::Lost), 1)
            }
            Fact::Attempt { writer, started } => {
                history.attempt(writer, started, *told, Class::Refused)
            }
            Fact::Session { writer } => history.connected(writer, (*told, *told, *told), &first()),
        })
        .end(end)
}

/// What must be said of one outage.
#[derive(Debug, Clone, PartialEq)]
struct Truth {
    began: Duration,
    duration: Duration,
    degraded: Duration,
    last_ack: Option<Duration>,
    first_ack: Option<Duration>,
    /// The next outage began before the late acknowledgements of this one were awaited: the stretch may be too long by
    /// as much as they are late.
    hasty: bool,
}

/// An outage in the making.
#[derive(Debug)]
struct Open {
    began: u64,
    down: BTreeSet<i32>,
    last_back: u64,
}

/// The truth, from the whole list.
fn truths(facts: &[(u64, Fact)], end: u64) -> Vec<Truth> {
    let mut acks: Vec<u64> = facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Ack { at, .. } => Some(*at),
            _ => None,
        })
        .collect();
    acks.sort_unstable();
    let settle = u64::try_from(SETTLE.as_millis()).unwrap();
    let mut truths = Vec::new();
    let mut open: Option<Open> = None;
    let mut over_before = 0;
    let mut tick = 0;
    let mut all = facts.iter().map(|(told, fact)| (*told, Some(*fact))).collect::<Vec<_>>();
    all.push((end, None));
    for (told, fact) in all {
        while tick < told {
            if let Some(settled) =
                open.take_if(|open| open.down.is_empty() && tick >= open.last_back + settle)
            {
                over_before = settled.last_back;
                truths.push(truth(&acks, settled.began, settled.last_back, false, false));
            }
            tick += TICK_MS;
        }
        let (writer, since) = match fact {
            Some(Fact::Ack { writer, at }) => {
                if let Some(open) = &mut open
                    && open.down.remove(&writer)
                {
                    open.last_back = open.last_back.max(at);
                }
                continue;
            }
            Some(Fact::Stalled { writer, since } | Fact::Failed { writer, since }) => {
                (writer, since)
            }
            Some(Fact::Attempt { writer, started }) => (writer, started),
            Some(Fact::Session { .. }) | None => continue,
        };
        if let Some(before) = open.take_if(|open| open.down.is_empty() && since >= open.last_back) {
            over_before = before.last_back;
            let hasty = told < before.last_back + settle;
            truths.push(truth(&acks, before.began, before.last_back, false, hasty));
        }
        let began = since.max(over_before);
        let open = open.get_or_insert(Open { began, down: BTreeSet::new(), last_back: 0 });
        open.began = open.began.min(began);
        open.down.insert(writer);
    }
    if let Some(open) = open {
        let (over, by_run) =
            if open.down.is_empty() { (open.last_back, false) } else { (end, true) };
        truths.push(truth(&acks, open.began, over, by_run, false));
    }
    truths
}

/// The longest stretch between two neighbours, the earliest of equals.
fn truth(acks: &[u64], began: u64, over: u64, ended_by_run: bool, hasty: bool) -> Truth {
    let mut marks: Vec<u64> = vec![began];
    marks.extend(acks.iter().filter(|at| (began..=over).contains(at)));
    marks.push(over);
    let mut longest = (began, began);
    for pair in marks.windows(2) {
        if pair[1] - pair[0] > longest.1 - longest.0 {
            longest = (pair[0], pair[1]);
        }
    }
    let last_ack = acks.iter().copied().filter(|at| *at <= longest.0).max();
    Truth {
        began: ms(began),
        duration: ms(longest.1 - longest.0),
        degraded: ms(over - began),
        last_ack: last_ack.map(ms),
        first_ack: (!(ended_by_run && longest.1 == over)).then(|| ms(longest.1)),
        hasty,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_the_clock_says_is_what_the_whole_list_says(
        lives in proptest::collection::vec(proptest::collection::vec(spell(), 1..5), 1..5),
        share in prop_oneof![Just(1.0), 0.2_f64..1.0],
    ) {
        let (facts, end) = facts(&lives, share);
        let played = history(&facts, end).play(WRITE_TIMEOUT);
        let outages = played.outages();
        let truths = truths(&facts, end);
        prop_assert_eq!(outages.len(), truths.len(), "{:?}\n{:?}", outages, truths);
        for (outage, truth) in outages.iter().zip(&truths) {
            let said = Truth {
                began: outage.began,
                duration: outage.duration,
                degraded: outage.degraded,
                last_ack: outage.last_ack,
                first_ack: outage.first_ack,
                hasty: truth.hasty,
            };
            if truth.hasty {
                prop_assert_eq!((said.began, said.degraded), (truth.began, truth.degraded));
                prop_assert!(said.duration >= truth.duration);
                prop_assert!(said.duration <= truth.duration + ms(LATEST));
            } else {
                prop_assert_eq!(&said, truth, "outage {}", outage.n);
            }
            let phases = &outage.phases;
            prop_assert_eq!(outage.began + phases.first_ack.unwrap_or_default(),
                outage.first_ack.unwrap_or(outage.began));
            prop_assert!(outage.resolution <= outage.degraded);
        }
        // Outages follow each other, and none is told to begin twice.
        let numbers: Vec<u32> = outages.iter().map(|outage| outage.n).collect();
        prop_assert!(numbers.iter().zip(1..).all(|(n, expected)| *n == expected));
        for pair in outages.windows(2) {
            prop_assert!(pair[1].began >= pair[0].began + pair[0].degraded);
        }
        let began = played.outputs.iter().filter(|output| matches!(output, Output::Began { .. }));
        prop_assert_eq!(began.count(), outages.len());
    }
}
