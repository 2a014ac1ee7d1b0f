//! The books of a writer that gets answers of all kinds: acknowledgements, refusals, and sessions
//! that break.

use std::collections::BTreeMap;

use chrono::DateTime;
use proptest::prelude::*;

use super::*;
use crate::engine::subscribers::Events;
use crate::model::cluster::server::Server;
use crate::model::cluster::two_primaries::ServerAcks;
use crate::model::event::{Beside, Header};
use crate::model::fault::{Class, Evidence, Fault, Phase, Severity};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::options::{LoadOptions, Thresholds};
use crate::model::load::rejection::{KINDS_MAX, Meaning, Streak, TOLD_AGAIN_AFTER};
use crate::model::load::target::Target;
use crate::model::load::writer::batch::{AcknowledgedWrite, RefusedWrite, Trouble};
use crate::model::load::writer::open_batch::{HowFar, OpenBatch};
use crate::model::run::record_format::{FORMAT, decode, encode};

const STALL_AFTER: Duration = Duration::from_secs(1);

/// Codes that refuse one write, and then those that say that none is taken.
const CODES: [&str; 5] = ["P0001", "40001", "23505", "25006", "53100"];

fn header(writers: u32) -> Header {
    Header {
        format: FORMAT,
        pgchaos: "0.1.0".to_owned(),
        run_id: uuid::Uuid::from_u128(7),
        group: None,
        name: None,
        part_of: None,
        started_at: "2026-11-22T20:56:20Z".parse().unwrap(),
        patroni: Vec::new(),
        haproxy: None,
        proxy_checks: None,
        beside: Beside::default(),
        witness: None,
        target: Target {
            host: "localhost".to_owned(),
            hostaddr: None,
            port: 5500,
            endpoints: "localhost:5500".to_owned(),
            dbname: "postgres".to_owned(),
            user: "postgres".to_owned(),
            ..Target::default()
        },
        options: LoadOptions {
            writers,
            pipeline: 16,
            stall_after: STALL_AFTER,
            ..LoadOptions::closed_loop()
        },
        thresholds: Thresholds::default(),
    }
}

fn refusal(code: &str) -> Fault {
    let sqlstate = Some((code.to_owned(), Severity::Error));
    let evidence = Evidence { sqlstate, server_spoke: true, ..Evidence::default() };
    Fault::of(&evidence, Phase::Write, "localhost:5500".to_owned(), "no".to_owned())
}

/// What happens next, to one of the writers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Acknowledged,
    Refused(&'static str),
    /// The session breaks with so many writes in flight.
    Cut(i64),
    /// The writer tells its batch.
    Told,
    /// The recorder writes its interval.
    Interval,
}

#[derive(Debug, Default)]
struct Truth {
    acknowledged: SeqSet,
    rejected: SeqSet,
    in_doubt: SeqSet,
}

struct ScriptedWriter {
    batch: OpenBatch,
    streak: Streak,
    seq: i64,
    truth: Truth,
    /// How often it went out.
    outs: usize,
}

/// A recorder, and writers that tell it what a script says.
struct Play {
    recorder: Recorder,
    events: Events,
    writers: Vec<ScriptedWriter>,
    errors: BTreeMap<Class, u64>,
    troubles: usize,
    now: Duration,
}

impl Play {
    fn new(writers: i32) -> Self {
        let subscribers = Subscribers::with_room_for(100_000);
        let events = subscribers.events();
        let (checker, _) = mpsc::channel(1);
        let run = Run::new(header(writers.unsigned_abs()));
        let writer = |number| ScriptedWriter {
            batch: OpenBatch::new(number),
            streak: Streak::default(),
            seq: 0,
            truth: Truth::default(),
            outs: 0,
        };
        Self {
            recorder: Recorder::new(Clock::start(), run, None, subscribers, checker, None),
            events,
            writers: (1..=writers).map(writer).collect(),
            errors: BTreeMap::new(),
            troubles: 0,
            now: Duration::ZERO,
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table: one arm for each step")]
    fn step(&mut self, index: usize, step: Step) {
        let (now, sent_at) = (self.now, self.now.saturating_sub(Duration::from_micros(300)));
        let writer = &mut self.writers[index];
        let next = writer.seq + 1;
        match step {
            Step::Acknowledged => {
                if writer.streak.is_out() && writer.batch.has_rejected() {
                    self.tell(index);
                }
                let writer = &mut self.writers[index];
                let news = writer.streak.is_out();
                writer.streak.acknowledged();
                writer.seq = next;
                writer.truth.acknowledged.insert(next..=next);
                writer.batch.acknowledged(&AcknowledgedWrite {
                    seq: next,
                    sent_at,
                    at: now,
                    due: sent_at,
                    id: Some(next),
                    first: false,
                    locally: false,
                });
                if news {
                    self.tell(index);
                }
            }
            Step::Refused(code) => {
                let fault = refusal(code);
                *self.errors.entry(fault.class).or_default() += 1;
                writer.seq = next;
                writer.truth.rejected.insert(next..=next);
                let was_out = writer.streak.is_out();
                let trouble = match writer.streak.refused(&fault, sent_at, now, STALL_AFTER) {
                    Meaning::Counted => {
                        let write = RefusedWrite { seq: next, due: sent_at, sent_at, at: now };
                        return writer.batch.rejected(write, &fault);
                    }
                    Meaning::NoWrite => Trouble::Failed { since: sent_at, at: now, fault },
                    Meaning::Out(refused) => Trouble::Refused { refused, at: now, fault },
                };
                writer.outs += usize::from(!was_out);
                self.troubles += 1;
                let rejected = SeqSet::range(next, next);
                writer.batch.trouble(trouble, &rejected, &SeqSet::new(), Some(sent_at));
                self.tell(index);
            }
            Step::Cut(in_flight) => {
                *self.errors.entry(Class::ConnectionLost).or_default() += 1;
                self.troubles += 1;
                writer.outs += usize::from(!writer.streak.is_out());
                writer.streak.told_out();
                writer.streak.new_session();
                let in_doubt = SeqSet::range(next, writer.seq + in_flight);
                writer.seq += in_flight;
                writer.truth.in_doubt.extend(&in_doubt);
                let evidence = Evidence { server_spoke: true, ..Evidence::default() };
                let fault =
                    Fault::of(&evidence, Phase::Write, "localhost:5500".to_owned(), String::new());
                let trouble = Trouble::Failed { since: now, at: now, fault };
                writer.batch.trouble(trouble, &SeqSet::new(), &in_doubt, None);
                self.tell(index);
            }
            Step::Told => self.tell(index),
            Step::Interval => self.recorder.flush(),
        }
    }

    fn tell(&mut self, index: usize) {
        let writer = &mut self.writers[index];
        let (seq, now) = (writer.seq, self.now);
        let batch = writer.batch.close(HowFar {
            attempted: seq,
            resolved: seq,
            due: 0,
            skipped: 0,
            backlog: 0,
            waits_from: Some(now),
            told_until: now,
        });
        self.recorder.take(Signal::Batch(batch));
    }
}

fn steps() -> impl Strategy<Value = Vec<(usize, u64, Step)>> {
    let step = prop_oneof![
        8 => Just(Step::Acknowledged),
        8 => proptest::sample::select(&CODES[..3]).prop_map(Step::Refused),
        1 => proptest::sample::select(&CODES[3..]).prop_map(Step::Refused),
        1 => (0i64..4).prop_map(Step::Cut),
        4 => Just(Step::Told),
        2 => Just(Step::Interval),
    ];
    proptest::collection::vec((0usize..3, 0u64..400, step), 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever a server answers: the books are exact at the end, and no record that ends early calls a write
    /// acknowledged that was not.
    #[test]
    fn no_line_of_the_record_acknowledges_what_was_refused(
        writers in 1usize..=3,
        steps in steps(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut play = Play::new(i32::try_from(writers).unwrap());
        runtime.block_on(async {
            for (index, gap_ms, step) in steps {
                play.now += Duration::from_millis(gap_ms);
                play.step(index % writers, step);
            }
            for index in 0..writers {
                play.tell(index);
            }
            play.recorder.flush();
        });
        let mut run = Run::new(header(u32::try_from(writers).unwrap()));
        let (mut faults, mut began) = (0, 0);
        while let Ok(event) = play.events.try_recv() {
            faults += usize::from(matches!(event.what, What::Fault(_)));
            began += usize::from(matches!(event.what, What::OutageBegan(_)));
            run.apply(&decode(encode(&event).unwrap().as_bytes(), 1).unwrap());
            for (number, book) in run.ledger.books() {
                let truth = &play.writers[usize::try_from(number).unwrap() - 1].truth;
                let invented = &book.acknowledged() - &truth.acknowledged;
                prop_assert!(invented.is_empty(), "{invented:?} by {event:?}");
            }
        }
        for (number, writer) in (1..).zip(&play.writers) {
            let book = run.ledger.book(number).cloned().unwrap_or_default();
            prop_assert_eq!(&book.acknowledged(), &writer.truth.acknowledged);
            prop_assert_eq!(&book.rejected, &writer.truth.rejected);
            prop_assert_eq!(&book.in_doubt, &writer.truth.in_doubt);
        }
        prop_assert_eq!(&run.errors, &play.errors);
        prop_assert_eq!(&play.recorder.run.errors, &play.errors);
        let spans = play.now.as_secs() / TOLD_AGAIN_AFTER.as_secs() + 1;
        let told_at_most = play.troubles + KINDS_MAX * usize::try_from(spans).unwrap();
        prop_assert!(faults <= told_at_most, "{faults} lines, at most {told_at_most}");
        if let [writer] = &play.writers[..] {
            prop_assert_eq!(began, writer.outs, "outages");
        }
    }
}

/// What an outage in which everything is refused has seen: every refusal from the first one on, and nothing after it.
#[test]
fn an_outage_by_refusals_counts_each_of_them() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut play = Play::new(1);
    let steps = [(Step::Acknowledged, 100), (Step::Refused("P0001"), 300), (Step::Acknowledged, 1)];
    runtime.block_on(async {
        for (step, count) in steps {
            for n in 0..count {
                play.now += Duration::from_millis(10);
                play.step(0, step);
                if n % 2 == 0 {
                    play.tell(0);
                }
            }
        }
        for _ in 0..3 {
            play.now += Duration::from_millis(10);
            play.step(0, Step::Refused("P0001"));
        }
        play.tell(0);
        play.recorder.flush();
    });
    let [outage] = &play.recorder.run.outages[..] else {
        panic!("{:?}", play.recorder.run.outages);
    };
    assert_eq!(outage.errors, [(Class::Sql, 300)].into());
    // From when the first refused write was sent until the acknowledgement.
    assert_eq!(outage.duration, Duration::from_micros(3_000_300));
    assert_eq!(outage.phases.first_error, Some(Duration::from_micros(300)));
    assert_eq!(play.recorder.run.errors, [(Class::Sql, 303)].into());
}

/// Witnesses are evidence: two primaries are told, by the user's names, and nothing of the load's account moves.
#[test]
fn what_witnesses_have_acknowledged_is_in_no_count() {
    let server = |timeline: u32, start: i64| Server {
        timeline: Some(timeline),
        system_identifier: Some("7".to_owned()),
        postmaster_start: DateTime::from_timestamp(start, 0),
        ..Server::default()
    };
    let ms = Duration::from_millis;
    let acks = |member: &str, server: Server, sent: &[u64]| Signal::WitnessAcks {
        member: member.to_owned(),
        server: Box::new(server),
        acks: ServerAcks {
            sent: sent.iter().map(|sent| ms(*sent)).collect(),
            at: sent.iter().map(|sent| ms(*sent + 1)).collect(),
            seqs: Vec::new(),
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut play = Play::new(1);
    runtime.block_on(async {
        play.recorder.take(acks("old", server(1, 1), &[200, 400]));
        play.recorder.take(acks("new", server(2, 2), &[300, 500]));
        play.recorder.take(acks("old", server(1, 1), &[600]));
        play.recorder.take(Signal::WritersDone { at: ms(900), all_told: true });
    });
    let run = &play.recorder.run;
    assert_eq!((run.ledger.counts().acknowledged, run.ledger.counts().attempted), (0, 0));
    assert_eq!((run.due, run.outages.len(), run.acknowledging.len()), (0, 0, 0));
    let windows: Vec<_> = run.two_primaries.values().collect();
    let [window] = &windows[..] else { panic!("{windows:?}") };
    assert_eq!((window.old.name(), window.new.name()), ("old".to_owned(), "new".to_owned()));
    assert_eq!((window.from, window.to), (ms(400), ms(601)));
    assert_eq!((window.writes, window.witness_writes), (0, 2));
}
