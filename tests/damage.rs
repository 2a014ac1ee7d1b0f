//! Records that were cut or damaged anywhere: what is wrong is said with its line, or what is summed up adds up. Nothing
//! panics, hangs, or takes memory without bound; and no cut makes a write acknowledged or lost that was not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(unreachable_pub, reason = "samples are shared between test crates")]

#[path = "support/samples.rs"]
mod samples;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::FixedOffset;
use pgchaos::engine::record::file::{RecordFileError, Recorded, lost_writes, read};
use pgchaos::model::event::{
    Event, Failure, Interval, OutageBegan, StopReason, Verification, What,
};
use pgchaos::model::fault::{Class, Fault, Phase};
use pgchaos::model::ledger::account::{Closing, Presence, account};
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::ledger::seq_set::SeqSet;
use pgchaos::model::ledger::token_range::token_ranges;
use pgchaos::model::outage::Outage;
use pgchaos::model::outage::kind::Kind;
use pgchaos::model::run::record_format::{RecordError, encode};
use pgchaos::model::run::summarize::sum_up;
use pgchaos::model::run::summary::Summary;
use pgchaos::report::export::Format;
use pgchaos::report::summary_text::{SummaryTextOptions, summary_text};
use proptest::prelude::*;
use proptest::sample::Index;
use samples::{event, header, started_at};

/// What became of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Acknowledged,
    Rejected,
    InDoubt,
}

fn fates() -> impl Strategy<Value = Vec<Vec<Fate>>> {
    let fate = prop_oneof![
        6 => Just(Fate::Acknowledged),
        1 => Just(Fate::Rejected),
        1 => Just(Fate::InDoubt),
    ];
    prop::collection::vec(prop::collection::vec(fate, 0..40), 1..4)
}

fn of_fate(fates: &[Fate], wanted: Fate) -> SeqSet {
    let numbered = (1_i64..).zip(fates).filter(|(_, fate)| **fate == wanted);
    numbered.map(|(seq, _)| seq..=seq).collect()
}

/// The run of these writers as it is recorded, `step` writes at a time: what failed is told before the progress that
/// goes beyond it. Every third acknowledged write is found lost, every other one in doubt recovered.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each fate")]
fn history(fates: &[Vec<Fate>], step: usize) -> Vec<Event> {
    let mut events = vec![event(0, What::Run(Box::new(header(3))))];
    let longest = fates.iter().map(Vec::len).max().unwrap_or(0);
    for (round, from) in (0..longest).step_by(step).enumerate() {
        let at = 500 * (round as u64 + 1);
        let mut interval = Interval::default();
        for (writer, fates) in (1..).zip(fates) {
            let (from, to) = (from.min(fates.len()), (from + step).min(fates.len()));
            if from == to {
                continue;
            }
            let told = |fate| {
                let seqs = of_fate(&fates[..to], fate);
                &seqs - &SeqSet::range(1, from as i64)
            };
            let (in_doubt, rejected) = (told(Fate::InDoubt), told(Fate::Rejected));
            if !in_doubt.is_empty() || !rejected.is_empty() {
                let fault = Fault {
                    class: Class::ConnectionLost,
                    phase: Phase::Write,
                    sqlstate: None,
                    postmaster_died: false,
                    connect_cause: None,
                    tls_cause: None,
                    endpoint: "localhost:5500".to_owned(),
                    message: "gone".to_owned(),
                    own_limit: None,
                };
                let failure = Failure { writer: Some(writer), fault, in_doubt, rejected };
                events.push(event(at - 1, What::Fault(failure)));
            }
            let to = to as i64;
            interval.writers.push(Progress { writer, attempted: to, resolved: to });
            interval.due += (to - from as i64).unsigned_abs();
            interval.acknowledged += told(Fate::Acknowledged).len();
            interval.latency_us.push((1_000, told(Fate::Acknowledged).len()));
        }
        let began = Duration::from_millis(at);
        let writers = interval.writers.clone();
        events.push(event(at, What::Interval(Box::new(interval))));
        if round == 0 {
            events.push(event(at, What::OutageBegan(OutageBegan { n: 1, began, writers })));
        }
        if round == 1 {
            events.push(event(at, What::OutageEnded(Box::new(outage(began)))));
        }
    }
    let end = 500 * (longest as u64 + 1);
    events.push(event(end, What::Stopping { reason: StopReason::Writes, writers_out: 0 }));
    events.push(event(end, What::Closed));
    let mut run = pgchaos::model::run::Run::new(header(3));
    events.iter().for_each(|event| run.apply(event));
    let account = account(&run.ledger, &found(&run.ledger), &Closing::Closed);
    let verification = Verification {
        account: Some(account),
        lost_writes: Vec::new(),
        reason: None,
        server: None,
        notes: Vec::new(),
        holds: Vec::new(),
        took: Duration::from_millis(3),
    };
    let lost_writes = lost_writes(started_at(), &verification, None);
    let verification = Verification { lost_writes, ..verification };
    events.push(event(end + 1, What::Verified(Box::new(verification))));
    events.push(event(end + 2, What::Ended { complete: true }));
    events
}

fn outage(began: Duration) -> Outage {
    Outage {
        n: 1,
        kind: Kind::Failover,
        detail: None,
        began_at: started_at(),
        began,
        duration: Duration::from_millis(500),
        resolution: Duration::from_millis(3),
        degraded: Duration::from_millis(500),
        first_ack: Some(began),
        attempts: 3,
        errors: [(Class::ConnectionLost, 2)].into(),
        in_doubt: 1,
        ..Outage::default()
    }
}

/// What a server holds that has lost every third acknowledged write, and every other one in doubt.
fn found(ledger: &pgchaos::model::ledger::books::Ledger) -> Presence {
    let every = |seqs: &SeqSet, nth: i64| -> SeqSet {
        seqs.ranges().flatten().filter(|seq| seq % nth != 0).map(|seq| seq..=seq).collect()
    };
    let present = ledger
        .books()
        .map(|(writer, book)| (writer, &every(&book.acknowledged(), 3) | &every(&book.in_doubt, 2)))
        .collect();
    Presence { present, duplicated: BTreeMap::new() }
}

fn lines(events: &[Event]) -> Vec<Vec<u8>> {
    let line = |event| [encode(event).unwrap().as_bytes(), b"\n"].concat();
    events.iter().map(line).collect()
}

fn read_bytes(bytes: &[u8]) -> Result<Recorded, RecordFileError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read(file.path(), |_| {})
}

/// Every form of the summary can be made, and its parts agree.
fn assert_it_adds_up(recorded: &Recorded) -> Result<Summary, TestCaseError> {
    let summary = sum_up(&recorded.run);
    for format in [Format::Json, Format::Markdown, Format::Csv, Format::Junit] {
        prop_assert!(format.render(&summary).is_ok());
    }
    let offset = FixedOffset::east_opt(14 * 3600).unwrap();
    let options = SummaryTextOptions { offset, colour: true, width: Some(80) };
    prop_assert!(!summary_text(&summary, &options).is_empty());
    let counts = recorded.run.ledger.counts();
    let parts = [counts.acknowledged, counts.rejected, counts.in_doubt, counts.open];
    let sum = parts.into_iter().fold(0, u64::saturating_add);
    prop_assert_eq!(counts.attempted, sum, "{:?}", counts);
    prop_assert!(
        summary.verification.counts.lost <= counts.acknowledged,
        "{:?}",
        summary.verification
    );
    prop_assert!(summary.verification.counts.recovered <= counts.in_doubt);
    let share = summary.rate.availability_pct;
    prop_assert!(share.is_none_or(|share| (0.0..=100.0).contains(&share)));
    // What `verify` reckons with it.
    let torn = Closing::Torn(recorded.run.writers());
    let again = account(&recorded.run.ledger, &Presence::default(), &torn);
    prop_assert_eq!(again.counts.lost, counts.acknowledged, "of an empty table");
    prop_assert!(token_ranges(&recorded.run.ledger, 50_000).len() < 1_100_000);
    Ok(summary)
}

/// What is wrong is said, with its line where it is one of several.
fn assert_it_is_said(error: &RecordFileError, lines: usize) -> Result<(), TestCaseError> {
    let RecordFileError::Content { error, .. } = error else {
        return Err(TestCaseError::fail(format!("not of its content: {error}")));
    };
    if let RecordError::Damaged { line, .. } = error {
        prop_assert!((2..=lines as u64).contains(line), "{error}");
    }
    Ok(())
}

/// One kind of damage.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Drop(Index),
    Double(Index),
    Swap(Index, Index),
    Number(Index, &'static str),
    Cut(Index),
}

fn damages() -> impl Strategy<Value = Damage> {
    let extreme = prop::sample::select(vec![
        "0",
        "-1",
        "1",
        "2147483647",
        "-2147483648",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "1e300",
        "-0.5",
        "1e10",
        "9999999999",
        "null",
        "NaN",
    ]);
    prop_oneof![
        (any::<Index>(), 1..=255_u8).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        any::<Index>().prop_map(Damage::Drop),
        any::<Index>().prop_map(Damage::Double),
        (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Damage::Swap(one, other)),
        (any::<Index>(), extreme).prop_map(|(at, number)| Damage::Number(at, number)),
        any::<Index>().prop_map(Damage::Cut),
    ]
}

fn damaged(mut lines: Vec<Vec<u8>>, damage: &Damage) -> Vec<Vec<u8>> {
    let count = lines.len();
    match damage {
        Damage::Drop(at) => drop(lines.remove(at.index(count))),
        Damage::Double(at) => lines.insert(at.index(count), lines[at.index(count)].clone()),
        Damage::Swap(one, other) => lines.swap(one.index(count), other.index(count)),
        Damage::Flip(at, bits) => {
            let mut bytes = lines.concat();
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
            return bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        }
        Damage::Cut(at) => {
            let mut bytes = lines.concat();
            bytes.truncate(at.index(bytes.len() + 1));
            return bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        }
        Damage::Number(at, number) => {
            let text = String::from_utf8(lines.concat()).unwrap();
            let digits = |from: usize| {
                let rest = &text[from..];
                let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
                from + rest.find(|c: char| !is_part(c)).unwrap_or(rest.len())
            };
            // Numbers begin after what stands before values.
            let starts: Vec<usize> = (1..text.len())
                .filter(|at| {
                    text.as_bytes()[*at].is_ascii_digit()
                        && b":,[".contains(&text.as_bytes()[at - 1])
                })
                .collect();
            let from = starts[at.index(starts.len())];
            let text = format!("{}{number}{}", &text[..from], &text[digits(from)..]);
            return text.split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect();
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_cut_makes_no_write_acknowledged_or_lost_that_was_not(
        fates in fates(),
        step in 1..9_usize,
        cut in any::<Index>(),
    ) {
        let whole = lines(&history(&fates, step));
        let all = read_bytes(&whole.concat()).unwrap();
        prop_assert!(all.complete && !all.torn);
        let all = assert_it_adds_up(&all)?;
        let bytes = whole.concat();
        // Behind the header, without which there is no run.
        let header = whole[0].len();
        let cut = header + cut.index(bytes.len() - header + 1);
        let recorded = read_bytes(&bytes[..cut]).unwrap();
        let summary = assert_it_adds_up(&recorded)?;
        for (writer, book) in recorded.run.ledger.books() {
            let fates = &fates[usize::try_from(writer).unwrap() - 1];
            let known = book.acknowledged();
            let beyond = &known - &of_fate(fates, Fate::Acknowledged);
            prop_assert!(beyond.is_empty(), "writer {writer}: {beyond:?}");
        }
        prop_assert!(summary.writes.acknowledged <= all.writes.acknowledged);
        prop_assert!([0, all.verification.counts.lost].contains(&summary.verification.counts.lost));
        // Only the last line says that all is there.
        let ended = cut + 1 >= bytes.len();
        prop_assert_eq!(recorded.complete, ended);
    }

    #[test]
    fn damage_is_said_or_what_is_left_adds_up(
        fates in fates(),
        step in 1..9_usize,
        damage in prop::collection::vec(damages(), 1..4),
    ) {
        let mut lines = lines(&history(&fates, step));
        for damage in &damage {
            let text_is_whole = std::str::from_utf8(&lines.concat()).is_ok();
            if lines.len() > 1 && (text_is_whole || !matches!(damage, Damage::Number(..))) {
                lines = damaged(lines, damage);
            }
        }
        match read_bytes(&lines.concat()) {
            Ok(recorded) => drop(assert_it_adds_up(&recorded)?),
            Err(error) => assert_it_is_said(&error, lines.len() + 1)?,
        }
    }
}

#[test]
fn numbers_that_no_run_has_are_said_with_their_line() {
    let events = history(&[vec![Fate::Acknowledged; 9]], 3);
    let whole = String::from_utf8(lines(&events).concat()).unwrap();
    for (from, to, words) in [
        ("[1,3,3]", "[1,3,4]", "line 2 of the record cannot be read"),
        ("[1,3,3]", "[1,-3,-4]", "line 2 of the record cannot be read"),
        ("[1,3,3]", "[1,9223372036854775808,3]", "line 2 of the record cannot be read"),
        ("\"at_s\":0.5", "\"at_s\":1e300", "longer than centuries"),
        ("\"at_s\":0.5", "\"at_s\":-1", "is no time in seconds"),
        ("\"at_s\":0.5", "\"at_s\":1e999", "line 2 of the record cannot be read"),
        ("\"lost\":3", "\"lost\":4", "4 writes are lost, and 3 are listed"),
        ("[1,9,9]", "[1,8,8]", "writes are lost that no line before acknowledges"),
        ("2026-11-22", "+262142-12-31", "no year of a run"),
    ] {
        assert!(whole.contains(from), "{from} in {whole}");
        let error = read_bytes(whole.replace(from, to).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{from} → {to}: {error}");
    }
}

#[test]
fn sums_of_what_no_run_can_do_stay_at_the_most() {
    let interval = Interval {
        due: u64::MAX,
        skipped: u64::MAX,
        acknowledged: u64::MAX,
        acknowledged_locally: (1..=3).map(|writer| (writer, SeqSet::range(1, i64::MAX))).collect(),
        writers: (1..=3)
            .map(|writer| Progress { writer, attempted: i64::MAX, resolved: i64::MAX })
            .collect(),
        latency_us: vec![(u64::MAX, u64::MAX), (1, u64::MAX)],
        highest_id: Some(i64::MAX),
        backlog: u64::MAX,
        ..Interval::default()
    };
    let mut events = vec![event(0, What::Run(Box::new(header(3))))];
    for at in 1..=3 {
        events.push(event(at, What::Interval(Box::new(interval.clone()))));
    }
    let recorded = read_bytes(&lines(&events).concat()).unwrap();
    let summary = assert_it_adds_up(&recorded).unwrap();
    assert_eq!((summary.writes.due, summary.writes.acknowledged), (u64::MAX, u64::MAX));
}
