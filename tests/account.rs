//! Random runs with a known truth, through events, record and account: the account says the truth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(unreachable_pub, reason = "samples are shared between test crates")]

#[path = "support/samples.rs"]
mod samples;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pgchaos::model::cluster::decision::{View, decide};
use pgchaos::model::cluster::server::Server;
use pgchaos::model::cluster::server::ServerProcess;
use pgchaos::model::event::{
    Checked, Connected, Event, Failure, Interval, OutageBegan, Verification, What,
};
use pgchaos::model::fault::{Class, Fault, Phase};
use pgchaos::model::ledger::account::{Account, Counts, Presence, account};
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::ledger::seq_set::SeqSet;
use pgchaos::model::outage::Outage;
use pgchaos::model::outage::kind::Kind;
use pgchaos::model::outcome::Outcome;
use pgchaos::model::run::Run;
use pgchaos::model::run::record_format::encode;
use pgchaos::model::run::replay::{Replay, ReplayedLine};
use pgchaos::model::run::summarize::sum_up;
use proptest::collection::vec;
use proptest::prelude::*;

/// What the client was told of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Acknowledged,
    Rejected,
    InDoubt,
}

/// A write, and how many rows of it the database holds in the end.
#[derive(Debug, Clone, Copy)]
struct Write {
    answer: Answer,
    rows: u32,
}

/// A run, as it truly was.
#[derive(Debug, Clone)]
struct Truth {
    /// By writer, from number 1; seq from 1.
    writers: Vec<Vec<Write>>,
    /// Rows that this run never sent, as writer and seq.
    foreign: BTreeSet<(i32, i64)>,
    /// The writer that goes on, and by how many writes: an order of events.
    turns: Vec<(usize, usize, bool)>,
    /// The run was killed after this share of its events.
    killed: Option<f64>,
}

fn write() -> impl Strategy<Value = Write> {
    let rows =
        |common: u32, rare: u32| prop_oneof![14 => Just(common), 1 => Just(rare), 1 => Just(2_u32)];
    prop_oneof![
        20 => rows(1, 0).prop_map(|rows| Write { answer: Answer::Acknowledged, rows }),
        2 => rows(0, 1).prop_map(|rows| Write { answer: Answer::Rejected, rows }),
        2 => rows(0, 1).prop_map(|rows| Write { answer: Answer::InDoubt, rows }),
        2 => rows(1, 0).prop_map(|rows| Write { answer: Answer::InDoubt, rows }),
    ]
}

/// Runs without anything wrong must be frequent too: they are the ones that pass.
fn flawless_write() -> impl Strategy<Value = Write> {
    prop_oneof![
        20 => Just(Write { answer: Answer::Acknowledged, rows: 1 }),
        1 => Just(Write { answer: Answer::Rejected, rows: 0 }),
        1 => (0..=1_u32).prop_map(|rows| Write { answer: Answer::InDoubt, rows }),
    ]
}

fn truth() -> impl Strategy<Value = Truth> {
    let writers = prop_oneof![
        2 => vec(vec(write(), 0..40), 1..5),
        1 => vec(vec(flawless_write(), 0..40), 1..5),
    ];
    let foreign = prop_oneof![
        3 => Just(BTreeSet::new()),
        1 => proptest::collection::btree_set((-1..8_i32, -2..60_i64), 1..6),
    ];
    let turns = vec((0..5_usize, 1..12_usize, any::<bool>()), 0..30);
    let killed = proptest::option::of(0.0..1.0_f64);
    (writers, foreign, turns, killed).prop_map(|(writers, foreign, turns, killed)| {
        let sent = |(writer, seq): &(i32, i64)| {
            let writes = usize::try_from(*writer - 1).ok().and_then(|index| writers.get(index));
            writes.is_some_and(|writes| {
                (1..=writes.len()).contains(&usize::try_from(*seq).unwrap_or(0))
            })
        };
        let foreign = foreign.into_iter().filter(|token| !sent(token)).collect();
        Truth { writers, foreign, turns, killed }
    })
}

fn number(index: usize) -> i32 {
    i32::try_from(index).unwrap() + 1
}

fn seq(index: usize) -> i64 {
    i64::try_from(index).unwrap() + 1
}

/// The run's events while it writes: exceptions before the progress that passes them, as the engine tells them.
struct Telling<'a> {
    truth: &'a Truth,
    /// How many writes of each writer have an answer.
    answered: Vec<usize>,
    events: Vec<Event>,
    outages: u32,
}

impl<'a> Telling<'a> {
    fn of(truth: &'a Truth) -> Self {
        let answered = vec![0; truth.writers.len()];
        Self { truth, answered, events: Vec::new(), outages: 0 }
    }

    fn push(&mut self, what: What) {
        let at_ms = u64::try_from(self.events.len()).unwrap() * 137;
        self.events.push(samples::event(at_ms, what));
    }

    /// The next writes of one writer get their answers; what is acknowledged is told with the next interval.
    fn go_on(&mut self, index: usize, writes: usize) {
        let all = &self.truth.writers[index];
        let until = (self.answered[index] + writes).min(all.len());
        let mut from = self.answered[index];
        while from < until {
            let answer = all[from].answer;
            let same = all[from..until].iter().take_while(|write| write.answer == answer).count();
            let seqs = SeqSet::range(seq(from), seq(from + same - 1));
            match answer {
                Answer::Acknowledged => {}
                Answer::Rejected => self.fail(index, Class::ReadOnly, SeqSet::new(), seqs),
                Answer::InDoubt => self.fail(index, Class::ConnectionLost, seqs, SeqSet::new()),
            }
            from += same;
        }
        self.answered[index] = until;
    }

    fn fail(&mut self, index: usize, class: Class, in_doubt: SeqSet, rejected: SeqSet) {
        self.push(What::Fault(Failure {
            writer: Some(number(index)),
            fault: Fault {
                class,
                phase: Phase::Write,
                sqlstate: None,
                postmaster_died: false,
                connect_cause: None,
                tls_cause: None,
                endpoint: "localhost:5500".to_owned(),
                message: String::new(),
                own_limit: None,
            },
            in_doubt,
            rejected,
        }));
    }

    /// How far every writer is, with up to three writes in flight.
    fn positions(&self) -> Vec<Progress> {
        self.answered
            .iter()
            .enumerate()
            .filter(|(_, answered)| **answered > 0)
            .map(|(index, answered)| Progress {
                writer: number(index),
                attempted: seq((answered + 3).min(self.truth.writers[index].len())) - 1,
                resolved: seq(*answered) - 1,
            })
            .collect()
    }

    fn interval(&mut self) {
        let writers = self.positions();
        self.push(What::Interval(Box::new(Interval { writers, ..Interval::default() })));
    }

    /// An outage; after it the writes in doubt are looked up.
    fn outage(&mut self) {
        self.outages += 1;
        let n = self.outages;
        let writers = self.positions();
        self.push(What::OutageBegan(OutageBegan { n, began: Duration::ZERO, writers }));
        // One writer loses its session by it, and had sent more than was known then.
        let index = usize::try_from(n).unwrap() % self.truth.writers.len();
        self.go_on(index, 2);
        self.interval();
        self.push(What::Connected(Connected {
            writer: number(index),
            server: Server::default(),
            backend: ServerProcess { pid: 1, start: None, pooled: false },
            abandoned: 0,
        }));
        self.push(What::OutageEnded(Box::new(outage(n))));
        let recovered: BTreeMap<i32, SeqSet> = self
            .answered
            .iter()
            .enumerate()
            .map(|(index, answered)| {
                let writes = &self.truth.writers[index][..*answered];
                let there = writes
                    .iter()
                    .enumerate()
                    .filter(|(_, write)| write.answer == Answer::InDoubt && write.rows > 0);
                (number(index), there.map(|(at, _)| seq(at)..=seq(at)).collect())
            })
            .collect();
        self.push(What::Checked(Checked {
            outage: n,
            recovered,
            not_found: BTreeMap::new(),
            missing: BTreeMap::new(),
            there: BTreeMap::new(),
            looked_up: 0,
            other_rows: None,
            error: None,
        }));
    }

    /// All events of the run, up to the one that kills it.
    fn events(mut self) -> Vec<Event> {
        for &(index, writes, is_outage) in &self.truth.turns {
            let index = index % self.truth.writers.len();
            self.go_on(index, writes);
            // Writers go on in turns, and an interval comes for several of them.
            if writes % 3 == 0 {
                self.interval();
            }
            if is_outage && writes % 5 == 0 {
                self.outage();
            }
        }
        for index in 0..self.truth.writers.len() {
            self.go_on(index, usize::MAX / 2);
        }
        self.interval();
        if let Some(share) = self.truth.killed {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss
            )]
            let kept = (self.events.len() as f64 * share) as usize;
            self.events.truncate(kept);
        } else {
            self.push(What::Ended { complete: true });
        }
        self.events
    }
}

fn outage(n: u32) -> Outage {
    Outage { n, kind: Kind::Failover, began_at: samples::started_at(), ..Outage::default() }
}

/// What the database holds: every row of a write that was sent, and the foreign ones.
fn presence(truth: &Truth) -> Presence {
    let mut presence = Presence::default();
    let mut insert = |writer: i32, seq: i64, rows: u32| {
        if rows > 0 {
            presence.present.entry(writer).or_default().insert(seq..=seq);
        }
        if rows > 1 {
            presence.duplicated.entry(writer).or_default().insert(seq..=seq);
        }
    };
    for (index, writes) in truth.writers.iter().enumerate() {
        for (at, write) in writes.iter().enumerate() {
            insert(number(index), seq(at), write.rows);
        }
    }
    for (writer, seq) in &truth.foreign {
        insert(*writer, *seq, 1);
    }
    presence
}

/// How far the client's memory reaches: of one writer, what it was told, and what it had sent.
#[derive(Debug, Default, Clone)]
struct Memory {
    resolved: i64,
    attempted: i64,
    exceptions: BTreeMap<i64, Answer>,
}

fn memories(events: &[Event]) -> BTreeMap<i32, Memory> {
    let mut memories: BTreeMap<i32, Memory> = BTreeMap::new();
    for event in events {
        match &event.what {
            What::Interval(interval) => {
                for progress in &interval.writers {
                    let memory = memories.entry(progress.writer).or_default();
                    memory.resolved = progress.resolved;
                    memory.attempted = memory.attempted.max(progress.attempted);
                }
            }
            What::Fault(failure) => {
                let memory = memories.entry(failure.writer.unwrap()).or_default();
                let sets =
                    [(&failure.in_doubt, Answer::InDoubt), (&failure.rejected, Answer::Rejected)];
                for (set, answer) in sets {
                    for seq in set.ranges().flatten() {
                        memory.exceptions.insert(seq, answer);
                        memory.attempted = memory.attempted.max(seq);
                    }
                }
            }
            _ => {}
        }
    }
    memories
}

/// What must come out, token by token.
#[expect(clippy::too_many_lines, reason = "the rules, one after the other")]
fn expected(truth: &Truth, events: &[Event]) -> (Account, u64) {
    let memories = memories(events);
    let killed = truth.killed.is_some();
    let mut expected = Account::default();
    let mut acknowledged = 0;
    let note = |writes: &mut BTreeMap<i32, SeqSet>, writer: i32, seq: i64| {
        writes.entry(writer).or_default().insert(seq..=seq);
    };
    for (index, writes) in truth.writers.iter().enumerate() {
        let writer = number(index);
        let memory = memories.get(&writer).cloned().unwrap_or_default();
        for (at, write) in writes.iter().enumerate() {
            let seq = seq(at);
            let there = write.rows > 0;
            let known = memory
                .exceptions
                .get(&seq)
                .copied()
                .or_else(|| (seq <= memory.resolved).then_some(Answer::Acknowledged));
            // What the client remembers is what was so.
            assert!(known.is_none_or(|known| known == write.answer));
            if write.rows > 1 {
                expected.counts.duplicated += 1;
                note(&mut expected.duplicated_writes, writer, seq);
            }
            match (known, there) {
                (Some(Answer::Acknowledged), true) => {
                    acknowledged += 1;
                    expected.counts.present += 1;
                }
                (Some(Answer::Acknowledged), false) => {
                    acknowledged += 1;
                    expected.counts.lost += 1;
                    note(&mut expected.lost_writes, writer, seq);
                }
                (Some(Answer::InDoubt), true) => {
                    expected.counts.present += 1;
                    expected.counts.recovered += 1;
                    note(&mut expected.recovered_writes, writer, seq);
                }
                (Some(Answer::InDoubt), false) => expected.counts.absent += 1,
                (Some(Answer::Rejected), true) => {
                    expected.counts.unexpected += 1;
                    note(&mut expected.unexpected_writes, writer, seq);
                }
                (Some(Answer::Rejected), false) => {}
                // After the last flush: sent for all the ledger knows, or seen in the database.
                (None, _) => {
                    assert!(killed, "a closed run knows everything");
                    if there {
                        expected.counts.present += 1;
                    }
                    if there || seq <= memory.attempted {
                        expected.unaccounted += 1;
                    }
                }
            }
        }
    }
    for &(writer, seq) in &truth.foreign {
        let ours = (1..=number(truth.writers.len() - 1)).contains(&writer);
        let sent = memories.get(&writer).map_or(0, |memory| memory.attempted);
        if killed && ours && seq > sent.max(0) {
            // It cannot be told from a write after the last flush.
            expected.counts.present += 1;
            expected.unaccounted += 1;
        } else {
            expected.counts.unexpected += 1;
            note(&mut expected.unexpected_writes, writer, seq);
        }
    }
    (expected, acknowledged)
}

fn verdict(account: &Account, acknowledged: u64, killed: bool) -> Outcome {
    if account.counts.lost + account.counts.duplicated + account.counts.unexpected > 0 {
        Outcome::Fail
    } else if killed || acknowledged == 0 {
        Outcome::Inconclusive
    } else {
        Outcome::Pass
    }
}

/// The run as it was seen live.
fn live(writers: usize, events: &[Event]) -> Run {
    let mut run = Run::new(samples::header(u32::try_from(writers).unwrap()));
    events.iter().for_each(|event| run.apply(event));
    run
}

/// The run as its record tells it.
fn recorded(writers: usize, events: &[Event]) -> Run {
    let header = Box::new(samples::header(u32::try_from(writers).unwrap()));
    let mut replay = Replay::default();
    let mut run = None;
    for event in [samples::event(0, What::Run(header))].iter().chain(events) {
        match (replay.line(encode(event).unwrap().as_bytes()).unwrap(), &mut run) {
            (ReplayedLine::Header(header), None) => run = Some(Run::new(*header)),
            (ReplayedLine::Event(event), Some(run)) => run.apply(&event),
            (line, _) => panic!("{line:?}"),
        }
    }
    assert!(!replay.finish().unwrap());
    run.unwrap()
}

/// Lost writes belong to the first outage that began after they were sent.
fn losses_by_outage(events: &[Event], lost: &BTreeMap<i32, SeqSet>) -> Vec<u64> {
    let mut begun: Vec<OutageBegan> = Vec::new();
    let mut ended = Vec::new();
    for (at, event) in events.iter().enumerate() {
        match &event.what {
            What::OutageBegan(outage) => begun.push(outage.clone()),
            What::OutageEnded(outage) => ended.push(outage.n),
            What::Connected(connected) => {
                // What it sent before its new session was sent on the one that the outage ended.
                let writer = connected.writer;
                let sent =
                    memories(&events[..at]).get(&writer).map_or(0, |memory| memory.attempted);
                let writers = &mut begun.last_mut().unwrap().writers;
                writers.push(Progress { writer, attempted: sent, resolved: 0 });
            }
            _ => {}
        }
    }
    // The one that was open when the run was killed is told of as well.
    let open = begun.last().map(|outage| outage.n).filter(|n| ended.last() < Some(n));
    ended.extend(open);
    let mut counts = vec![0; ended.len()];
    for (writer, seqs) in lost {
        for seq in seqs.ranges().flatten() {
            let first = begun.iter().find(|outage| {
                outage.writers.iter().any(|at| at.writer == *writer && at.attempted >= seq)
            });
            if let Some(at) = first.and_then(|outage| ended.iter().position(|n| *n == outage.n)) {
                counts[at] += 1;
            }
        }
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_account_is_the_truth_live_and_from_the_record(truth in truth()) {
        let events = Telling::of(&truth).events();
        let presence = presence(&truth);
        let (expected, acknowledged) = expected(&truth, &events);
        let writers = truth.writers.len();
        for mut run in [live(writers, &events), recorded(writers, &events)] {
            let account = account(&run.ledger, &presence, &run.closing());
            prop_assert_eq!(&account, &expected);
            for (writer, lost) in &account.lost_writes {
                let there = presence.present.get(writer).cloned().unwrap_or_default();
                prop_assert!((lost & &there).is_empty(), "called lost, and there");
            }
            let outcome = verdict(&account, acknowledged, truth.killed.is_some());
            let verified = Verification {
                account: Some(account),
                lost_writes: Vec::new(),
                reason: None,
                server: None,
                notes: Vec::new(),
                holds: Vec::new(),
                took: Duration::ZERO,
            };
            run.apply(&samples::event(1_000_000, What::Verified(Box::new(verified))));
            let summary = sum_up(&run);
            prop_assert_eq!(summary.verdict, outcome, "{:?}", summary.reasons);
            let counts = summary.writes;
            prop_assert_eq!(counts.acknowledged, acknowledged);
            // Every write that is known to be sent has one outcome.
            let open = run.ledger.counts().open;
            // After a kill the number is never known, whatever was seen.
            prop_assert_eq!(counts.unaccounted, truth.killed.is_none().then_some(0));
            prop_assert_eq!(counts.unaccounted_seen, expected.unaccounted.max(open));
            prop_assert_eq!(
                counts.attempted,
                counts.acknowledged + counts.rejected + counts.in_doubt + open
            );
            let lost: Vec<u64> = summary.outages.iter().map(|outage| outage.lost).collect();
            prop_assert_eq!(lost, losses_by_outage(&events, &expected.lost_writes));
        }
    }
}

#[test]
fn a_killed_run_has_no_lost_write_after_its_last_flush() {
    // 1 to 5 are flushed, 6 and 7 known to be sent; 6 to 9 were acknowledged, and are gone.
    let mut truth = Truth {
        writers: vec![vec![Write { answer: Answer::Acknowledged, rows: 1 }; 9]],
        foreign: BTreeSet::new(),
        turns: vec![],
        killed: Some(0.0),
    };
    truth.writers[0][5..].iter_mut().for_each(|write| write.rows = 0);
    let progress = Progress { writer: 1, attempted: 7, resolved: 5 };
    let interval = Interval { writers: vec![progress], ..Interval::default() };
    let events = [samples::event(500, What::Interval(Box::new(interval)))];
    let run = recorded(1, &events);
    let account = account(&run.ledger, &presence(&truth), &run.closing());
    assert_eq!(
        account,
        Account {
            counts: Counts { present: 5, ..Counts::default() },
            unaccounted: 2,
            ..Account::default()
        }
    );
}

/// A server that hides which it is may have acknowledged on any timeline: the others must not decide over its writes.
#[test]
fn what_a_server_without_an_identity_acknowledged_counts_when_it_is_chosen_who_decides() {
    let known = Server {
        timeline: Some(1),
        system_identifier: Some("7".to_owned()),
        postmaster_start: Some("2026-11-22T20:00:00Z".parse().unwrap()),
        ..Server::default()
    };
    let mut run = Run::new(samples::header(1));
    let acknowledging = |server: &Server| What::Acknowledging { server: Server::clone(server) };
    run.system_identifier = known.system_identifier.clone();
    run.apply(&Event { at: Duration::from_secs(1), what: acknowledging(&known) });
    assert!(!run.known().acknowledged_unseen);
    let other = Server { system_identifier: Some("8".to_owned()), timeline: None, ..known.clone() };
    run.apply(&Event { at: Duration::from_secs(2), what: acknowledging(&other) });
    assert!(!run.known().acknowledged_unseen, "another cluster's say nothing of this one");
    run.apply(&Event { at: Duration::from_secs(3), what: acknowledging(&Server::default()) });
    assert!(run.known().acknowledged_unseen);
    let view = View::SeveralHosts;
    let writable = Server { database: run.known().database, ..known };
    let decided = decide(&run.known(), &view, &[writable]);
    assert!(decided.is_err(), "{decided:?}");
}
