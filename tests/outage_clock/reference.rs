//! Random histories of several writers: the clock, which forgets and is told late, says the same as a plain look at the
//! list of all acknowledgements.
//!
//! All times are even numbers of milliseconds, as acknowledgements closer than one millisecond are one to the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pgchaos::model::fault::Class;
use pgchaos::model::outage::clock::Output;
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

impl Fact {
    fn writer(self) -> i32 {
        match self {
            Self::Ack { writer, .. }
            | Self::Stalled { writer, .. }
            | Self::Failed { writer, .. }
            | Self::Attempt { writer, .. }
            | Self::Session { writer } => writer,
        }
    }
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
                history.failed(writer, since, *told, fault(Class::ConnectionLost), 1)
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
    writers_out_max: u64,
    partial: bool,
    writers_out_at_end: u64,
    open: Option<Duration>,
    without_ack: Duration,
}

/// An outage in the making.
#[derive(Debug)]
struct Open {
    began: u64,
    down: BTreeSet<i32>,
    last_back: u64,
    /// When the first evidence was known.
    noticed: u64,
    ever_down: BTreeSet<i32>,
    out_max: usize,
    first_back: Option<u64>,
}

/// Every acknowledgement of the history, and when its load ended.
struct Whole<'a> {
    acks: &'a [(i32, u64)],
    writers: usize,
    end: u64,
}

/// Before what time every writer has told all its acknowledgements, when the first `index` facts are told.
fn told_until(facts: &[(u64, Fact)], index: usize, marks: &BTreeMap<i32, u64>) -> u64 {
    let untold = |writer: i32| {
        facts[index..].iter().find_map(move |(_, fact)| match fact {
            Fact::Ack { writer: other, at } if *other == writer => Some(*at),
            _ => None,
        })
    };
    let marks = marks.iter().map(|(writer, mark)| (*mark).min(untold(*writer).unwrap_or(u64::MAX)));
    marks.min().unwrap_or(u64::MAX)
}

/// The truth, from the whole list.
#[expect(clippy::too_many_lines, reason = "the rules, one after the other")]
fn truths(facts: &[(u64, Fact)], end: u64, delays: &[(i32, u64)]) -> Vec<Truth> {
    let delay = |writer: i32| delays.iter().find(|(of, _)| *of == writer).map_or(0, |(_, by)| *by);
    let mut facts = facts.to_vec();
    // The sessions of the beginning are told at once.
    let arrival = |known: u64, fact: Fact| {
        if known == 0 { 0 } else { known + delay(fact.writer()) }
    };
    facts.sort_by_key(|(known, fact)| arrival(*known, *fact));
    let facts = facts.as_slice();
    let acks: Vec<(i32, u64)> = facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::Ack { writer, at } => Some((*writer, *at)),
            _ => None,
        })
        .collect();
    let writers = facts.iter().map(|(_, fact)| fact.writer()).max().unwrap_or(0);
    let whole = Whole { acks: &acks, writers: usize::try_from(writers).unwrap(), end };
    let mut truths = Vec::new();
    let mut open: Option<Open> = None;
    let mut over_before = 0;
    let mut tick = 0;
    // When each writer told something last.
    let mut marks = BTreeMap::new();
    for (index, (known, fact)) in facts.iter().enumerate() {
        let told = arrival(*known, *fact);
        let mut close = |open: &mut Option<Open>, told_until: u64| {
            let over = |open: &mut Open| open.down.is_empty() && told_until >= open.last_back;
            if let Some(over) = open.take_if(over) {
                over_before = over.last_back;
                truths.push(truth(&whole, &over));
            }
        };
        while tick < told {
            for (writer, mark) in &mut marks {
                *mark = tick.saturating_sub(delay(*writer)).max(*mark);
            }
            close(&mut open, told_until(facts, index, &marks));
            tick += TICK_MS;
        }
        let (writer, since) = match *fact {
            Fact::Ack { writer, at } => {
                // What was over before this outage began is no end of it.
                if let Some(open) = &mut open
                    && at >= open.began
                    && open.down.remove(&writer)
                {
                    open.last_back = open.last_back.max(at);
                    open.first_back = Some(open.first_back.map_or(at, |first| first.min(at)));
                }
                marks.insert(writer, *known);
                close(&mut open, told_until(facts, index + 1, &marks));
                continue;
            }
            Fact::Session { writer } => {
                marks.insert(writer, *known);
                continue;
            }
            Fact::Stalled { writer, since } | Fact::Failed { writer, since } => (writer, since),
            Fact::Attempt { writer, started } => (writer, started),
        };
        if let Some(before) = open.take_if(|open| open.down.is_empty() && since >= open.last_back) {
            over_before = before.last_back;
            truths.push(truth(&whole, &before));
        }
        let began = since.max(over_before);
        let open = open.get_or_insert(Open {
            began,
            down: BTreeSet::new(),
            last_back: 0,
            noticed: *known,
            ever_down: BTreeSet::new(),
            out_max: 0,
            first_back: None,
        });
        open.began = open.began.min(began);
        open.noticed = open.noticed.min(*known);
        open.down.insert(writer);
        open.ever_down.insert(writer);
        open.out_max = open.out_max.max(open.down.len());
        if !matches!(fact, Fact::Attempt { .. }) {
            marks.insert(writer, *known);
        }
    }
    if let Some(open) = open {
        truths.push(truth(&whole, &open));
    }
    truths
}

/// The longest stretch between two neighbours, the earliest of equals; and whether others wrote meanwhile.
fn truth(whole: &Whole<'_>, open: &Open) -> Truth {
    let ended_by_run = !open.down.is_empty();
    let (began, over) = (open.began, if ended_by_run { whole.end } else { open.last_back });
    let back = open.first_back.unwrap_or(u64::MAX);
    let others_wrote = whole.acks.iter().any(|(writer, at)| {
        !open.ever_down.contains(writer)
            && (open.noticed + 1..back.saturating_sub(100)).contains(at)
    });
    let mut acks: Vec<u64> = whole.acks.iter().map(|(_, at)| *at).collect();
    acks.sort_unstable();
    let mut marks: Vec<u64> = vec![began];
    marks.extend(acks.iter().filter(|at| (began..=over).contains(at)));
    marks.push(over);
    let mut longest = (began, began);
    let mut without_ack = 0;
    for pair in marks.windows(2) {
        let stretch = pair[1] - pair[0];
        if stretch > longest.1 - longest.0 {
            longest = (pair[0], pair[1]);
        }
        without_ack += if stretch >= 100 { stretch } else { 0 };
    }
    let always_wrote = over - began >= 200 && longest.1 - longest.0 < 100;
    let partial = open.out_max < whole.writers && (others_wrote || always_wrote);
    let before = if partial { began } else { longest.0 };
    let last_ack = acks.iter().copied().filter(|at| *at <= before).max();
    let first_ack = match partial {
        true => open.first_back,
        // An acknowledgement at the very end of the run ends the stretch like any other.
        false => {
            let is_cut = ended_by_run && longest.1 == over && !acks.contains(&over);
            (!is_cut).then_some(longest.1)
        }
    };
    let last_of_all = acks.iter().copied().filter(|at| *at <= over).max().unwrap_or(0).max(began);
    Truth {
        began: ms(began),
        duration: ms(longest.1 - longest.0),
        degraded: ms(over - began),
        last_ack: last_ack.map(ms),
        first_ack: first_ack.map(ms),
        writers_out_max: open.out_max as u64,
        partial,
        writers_out_at_end: open.down.len() as u64,
        open: (ended_by_run && !partial).then(|| ms(over - last_of_all)),
        without_ack: ms(without_ack),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_the_clock_says_is_what_the_whole_list_says(
        lives in proptest::collection::vec(proptest::collection::vec(spell(), 1..5), 1..5),
        share in prop_oneof![Just(1.0), 0.2_f64..1.0],
        delays in prop_oneof![
            Just(vec![0; 4]),
            proptest::collection::vec(prop_oneof![Just(0), even(0..500)], 4),
        ],
    ) {
        let delays: Vec<(i32, u64)> = (1..).zip(delays).collect();
        let (facts, end) = facts(&lives, share);
        let played = history(&facts, end).delayed(&delays).with_heartbeats().play(WRITE_TIMEOUT);
        let outages = played.outages();
        let truths = truths(&facts, end, &delays);
        prop_assert_eq!(outages.len(), truths.len(), "{:?}\n{:?}", outages, truths);
        for (outage, truth) in outages.iter().zip(&truths) {
            let said = Truth {
                began: outage.began,
                duration: outage.duration,
                degraded: outage.degraded,
                last_ack: outage.last_ack,
                first_ack: outage.first_ack,
                writers_out_max: outage.writers_out_max,
                partial: outage.partial,
                writers_out_at_end: outage.writers_out_at_end,
                open: outage.open,
                without_ack: outage.without_ack,
            };
            // Whether others wrote after evidence that is told late may have been told before it.
            let is_late = delays.iter().any(|(_, by)| *by > 0);
            if outage.partial == truth.partial || !is_late {
                prop_assert_eq!(&said, truth, "outage {}", outage.n);
            } else {
                let whatever = |one: &Truth| (one.began, one.duration, one.degraded, one.without_ack);
                prop_assert_eq!(whatever(&said), whatever(truth), "outage {}", outage.n);
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
