//! Writes that the server refuses: the first at once, the others counted.

use crate::model::event::{Failure, Interval};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::rejection::Rejections;
use crate::report::fixtures::{event, fault};

use super::super::*;
use super::{log, options, told};

fn refusal(class: Class, sqlstate: &str) -> Fault {
    let sqlstate = Some(sqlstate.to_owned());
    Fault { sqlstate, ..fault(class, Phase::Write, "the warehouse is closed") }
}

fn first(at: u64, fault: Fault) -> Event {
    let (in_doubt, rejected) = (SeqSet::new(), SeqSet::range(7, 7));
    event(at, What::Fault(Failure { writer: Some(1), fault, in_doubt, rejected }))
}

/// Half a second in which so many writes were acknowledged, and these refused.
fn half_a_second(at: u64, acknowledged: u64, refused: &[(Fault, u64)]) -> Event {
    let mut rejections = Rejections::default();
    refused.iter().for_each(|(fault, count)| {
        rejections.add(fault, *count);
    });
    let total = i64::try_from(rejections.writes()).unwrap();
    let rejected = [(1, SeqSet::range(1, total))].into();
    let interval = Interval { acknowledged, rejected, rejections, ..Interval::default() };
    event(at, What::Interval(Box::new(interval)))
}

fn quiet(writers: u32) -> TextLog {
    TextLog::new(TextLogOptions { verbosity: Verbosity::Quiet, ..options(writers, false, None) })
}

#[test]
fn one_in_a_hundred_is_one_line_and_then_one_every_five_seconds() {
    let conflict = || refusal(Class::Conflict, "40001");
    let mut events = vec![first(10, conflict())];
    events.extend((1..=22).map(|n| half_a_second(n * 500, 4_950, &[(conflict(), 50)])));
    assert_eq!(
        told(&mut quiet(8), &events),
        [
            "[23:56:20] CONFLICT 40001 writer 1 during INSERT #7: the warehouse is closed · not committed",
            "[23:56:25] CONFLICT 40001 ×500 in 5.2 s · 1.0 % of writes · not committed",
            "[23:56:30] CONFLICT 40001 ×500 in 5.0 s · 1.0 % of writes · not committed",
            "[23:56:31] CONFLICT 40001 ×100 in 1.1 s · 1.0 % of writes · not committed",
        ]
    );
}

#[test]
fn a_line_says_so_when_every_write_is_refused_or_hardly_one() {
    let no = || refusal(Class::Sql, "P0001");
    let mut events = vec![first(0, no()), half_a_second(500, 0, &[(no(), 99)])];
    events.extend((2..=12).map(|n| half_a_second(n * 500, 0, &[(no(), 100)])));
    events.extend((13..=22).map(|n| half_a_second(n * 500, 5_000, &[(no(), 1)])));
    let rows = told(&mut quiet(1), &events);
    assert_eq!(rows[1], "[23:56:25] SQL P0001 ×999 in 5.0 s · every write · not committed");
    assert!(rows.last().unwrap().contains("under 0.1 % of writes"), "{rows:#?}");
}

#[test]
fn many_kinds_at_once_are_no_flood_and_none_is_left_out() {
    let mut events = Vec::new();
    for n in 1..=20u64 {
        let refused: Vec<_> = (0..40)
            .map(|kind| (refusal(Class::Sql, &format!("W{:04}", n * 40 + kind)), 2))
            .collect();
        events.push(half_a_second(n * 500, 920, &refused));
    }
    let rows = told(&mut quiet(8), &events);
    assert!(rows.len() < 40, "{rows:#?}");
    let counts = rows.iter().map(|row| {
        let count = row.split_once('×').expect("a count").1;
        count.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap()
    });
    assert_eq!(counts.sum::<u64>(), 20 * 80);
    assert!(rows.iter().any(|row| row.contains("other SQLSTATEs than those named")), "{rows:#?}");
}

#[test]
fn errors_of_a_second_count_what_was_refused() {
    let no = refusal(Class::Sql, "P0001");
    let events = [
        first(10, no.clone()),
        half_a_second(500, 500, &[]),
        half_a_second(1_000, 500, &[(no, 9)]),
    ];
    let rows = told(&mut log(8, false, None), &events);
    assert!(rows.iter().any(|row| row.ends_with("· 10 errors")), "{rows:#?}");
}

#[test]
fn reads_that_are_refused_are_told_as_reads() {
    let no = || Fault { phase: Phase::Read, ..refusal(Class::Sql, "57014") };
    let mut first = first(0, no());
    if let What::Fault(failure) = &mut first.what {
        failure.rejected = SeqSet::new();
    }
    let mut events = vec![first];
    events.extend((1..=11).map(|n| half_a_second(n * 500, 100, &[(no(), 4)])));
    assert_eq!(
        told(&mut quiet(1), &events),
        [
            "[23:56:20] SQL 57014 during a read: the warehouse is closed",
            "[23:56:25] SQL 57014 ×40 in 5.0 s · reads",
            "[23:56:26] SQL 57014 ×4 in 0.8 s · reads",
        ]
    );
}
