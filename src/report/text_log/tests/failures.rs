//! Failures and outages.

use crate::model::event::{Backwards, BackwardsWhat, Checked, Failure, Stalled, WritesResumed};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::kind::Kind;
use crate::model::outage::Outage;
use crate::model::seq_set::SeqSet;
use crate::report::fixtures::{
    began, checked, connected, event, failover, fault, lost, ms, no_backend, patroni3, refused,
};

use super::super::*;
use super::{log, options, told};

#[test]
fn eight_writers_lost_at_once_are_one_line_and_nothing_overtakes_it() {
    let mut log = log(8, false, None);
    let mut events: Vec<Event> =
        (1..=8).map(|writer| event(81_500 + writer as u64, lost(writer, 70))).collect();
    // The first writer is refused before the last one knows that its session is gone.
    events.insert(3, event(81_503, refused(1)));
    events.insert(3, event(81_503, began(81_500)));
    events.extend((1..=6).map(|writer| event(81_510, refused(writer))));
    events.push(event(90_000, connected(3, patroni3())));
    events.push(event(90_001, connected(4, patroni3())));
    events.push(event(
        90_010,
        What::WritesResumed(WritesResumed { outage: 1, after: ms(8_510), writers_down: 7 }),
    ));
    let ended = failover(8_510, 8_900, &[(Class::Lost, 8), (Class::Refused, 7)]);
    events.push(event(90_400, What::OutageEnded(Box::new(ended))));
    let checked = Checked {
        recovered: [(1, SeqSet::range(70, 70)), (2, SeqSet::range(70, 70))].into(),
        not_found: [(5, SeqSet::range(70, 70))].into(),
        ..checked()
    };
    events.push(event(90_600, What::Checked(checked)));
    assert_eq!(
        told(&mut log, &events),
        [
            "[23:57:42] LOST ×8 (all 8 writers): server closed the connection · 8 writes in doubt",
            "[23:57:42] REFUSED ×7: nobody listens on localhost:5500 · retrying",
            "[23:57:50] CONNECTED to patroni3 172.18.0.7:5432 · primary · timeline 2",
            "[23:57:50] WRITING AGAIN after 8.5 s · 7 of 8 writers still without",
            "[23:57:50] RECOVERED · failover patroni2 → patroni3 · outage 8.5 s (lost 8, refused 7) · 7 writes due and not sent · all writers after 8.9 s",
            "[23:57:51] CHECKED after outage 1: nothing was acknowledged before",
            "           2 writes in doubt: they are there, so they were committed",
            "           writer 5 INSERT #70 in doubt: not found so far, final answer at the end",
        ]
    );
}

#[test]
fn attempts_of_two_classes_in_turn_are_told_every_five_seconds() {
    let mut log = log(1, true, None);
    let attempts: Vec<Event> = (0..80)
        .map(|n| event(n * 100, if n % 2 == 0 { refused(1) } else { no_backend(1) }))
        .collect();
    assert_eq!(
        told(&mut log, &attempts),
        [
            "[23:56:20] REFUSED: nobody listens on localhost:5500 · retrying",
            "[23:56:20] NO BACKEND: accepted, then closed: no live primary? · retrying",
            "[23:56:25] REFUSED ×26 · for 5 s · retrying",
            "[23:56:25] NO BACKEND ×25, last 0.1 s ago · for 4.9 s · retrying",
            "[23:56:28] REFUSED ×40, last 0.4 s ago · for 8.2 s · retrying",
            "[23:56:28] NO BACKEND ×40, last 0.3 s ago · for 8.1 s · retrying",
        ]
    );
}

#[test]
fn a_rejection_of_every_write_is_no_flood() {
    let mut log = log(1, false, None);
    let full = Fault {
        sqlstate: Some("53100".to_owned()),
        ..fault(Class::Overloaded, Phase::Write, "could not extend file: No space left on device")
    };
    let rejected = |seq| {
        What::Fault(Failure {
            writer: Some(1),
            fault: full.clone(),
            in_doubt: SeqSet::new(),
            rejected: SeqSet::range(seq, seq),
        })
    };
    let events: Vec<Event> = (0..3000).map(|n| event(n as u64, rejected(n))).collect();
    assert_eq!(
        told(&mut log, &events),
        [
            "[23:56:20] OVERLOADED 53100 during INSERT #0: could not extend file: No space left on device · not committed",
            "[23:56:23] OVERLOADED 53100 ×2 999: could not extend file: No space left on device · 2 999 writes not committed",
        ]
    );
}

#[test]
fn what_is_missing_is_loud() {
    let mut coloured = TextLog::new(TextLogOptions { colour: true, ..options(2, false, Some(80)) });
    let missing =
        Checked { missing: [(1, SeqSet::range(70, 81))].into(), looked_up: 200, ..checked() };
    coloured.event(&event(0, What::OutageEnded(Box::new(failover(100, 100, &[])))));
    let rows = coloured.event(&event(148_600, What::Checked(missing)));
    assert_eq!(
        rows,
        [
            "[23:58:49] \u{1b}[1;31m!!! 12 acknowledged writes are NOT THERE (writer 1 #70–#81)\u{1b}[0m",
            "           \u{1b}[1;31mprovisional, the final verification decides\u{1b}[0m",
        ]
    );
}

#[test]
fn a_kind_that_is_known_later_is_told() {
    let settled = What::Reclassified { outage: 1, kind: Kind::Switchover };
    assert_eq!(
        log(1, true, None).event(&event(5_000, settled)),
        ["[23:56:25] OUTAGE 1 was a switchover: the old primary stayed, as a replica"]
    );
}

#[test]
fn history_that_went_backwards_is_loud() {
    let backwards = Backwards {
        what: BackwardsWhat::Timeline,
        from: "3".to_owned(),
        to: "2".to_owned(),
        server: "patroni1".to_owned(),
        seen: ms(5_000),
    };
    assert_eq!(
        log(1, true, None).event(&event(5_000, What::HistoryBackwards(backwards))),
        [
            "[23:56:25] !!! HISTORY WENT BACKWARDS · timeline 3 → 2 on patroni1 · acknowledged writes may be gone"
        ]
    );
}

#[test]
fn stalls_of_several_writers_are_one_line() {
    let mut log = log(8, false, None);
    let stalled = |writer, seq| What::Stalled(Stalled { writer, seq: Some(seq), since: ms(1_000) });
    let rows = told(&mut log, &[event(2_000, stalled(1, 82)), event(2_010, stalled(4, 82))]);
    assert_eq!(rows, ["[23:56:22] NO ANSWER to 2 writes (2 of 8 writers) for 1.0 s"]);
    let rows = told(&mut log, &[event(9_000, stalled(3, 85))]);
    assert_eq!(rows, ["[23:56:29] NO ANSWER to writer 3 INSERT #85 for 8.0 s"]);
}

#[test]
fn each_kind_of_outage_has_its_words() {
    let told = |kind, first_ack| {
        let outage = Outage { kind, first_ack, ..failover(67_050, 67_050, &[]) };
        log(1, true, None).event(&event(148_551, What::OutageEnded(Box::new(outage)))).remove(0)
    };
    let words: Vec<String> = [
        Kind::Switchover,
        Kind::Restart,
        Kind::Demotion,
        Kind::Connection,
        Kind::Stall,
        Kind::Unknown,
    ]
    .map(|kind| told(kind, Some(ms(148_551)))[11..].to_owned())
    .into();
    assert_eq!(
        words,
        [
            "RECOVERED · switchover patroni2 → patroni3 · outage 67.1 s · 7 writes due and not sent",
            "RECOVERED · restart of patroni3 · outage 67.1 s · 7 writes due and not sent",
            "RECOVERED · demotion of patroni3 · outage 67.1 s · 7 writes due and not sent",
            "RECOVERED · connection (proxy or network) · outage 67.1 s · 7 writes due and not sent",
            "RECOVERED · stall: nothing but silence · outage 67.1 s · 7 writes due and not sent",
            "RECOVERED · cause unknown patroni2 → patroni3 · outage 67.1 s · 7 writes due and not sent",
        ]
    );
    assert_eq!(
        told(Kind::Failover, None),
        "[23:58:49] NOT RECOVERED · failover patroni2 → patroni3 · no write for 67.1 s when the run ended · 7 writes due and not sent"
    );
}
