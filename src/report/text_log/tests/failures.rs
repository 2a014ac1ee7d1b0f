//! Failures and outages.

use crate::model::cluster::server::LimitOf;
use crate::model::event::{
    Backwards, BackwardsWhat, Checked, Failure, IdGap, Interval, NoSession, Stalled, WriterWrites,
    WritesResumed,
};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::ledger::progress::Progress;
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::options::Rate;
use crate::model::outage::Outage;
use crate::model::outage::kind::{Detail, Filled, Kind};
use crate::model::outage::stall_cause::{Blocker, StallCause, StallSeen};
use crate::model::tls_cause::TlsCause;
use crate::report::fixtures::{
    began, checked, connected, event, failed, failover, fault, header, lost, ms, no_backend,
    patroni3, ready, refused,
};
use crate::report::words;

use super::super::*;
use super::{log, options, told};

/// Until the cluster was reached, the way to it may be wrong: all that is known of it is told, and not shortened.
#[test]
fn a_close_without_a_word_is_told_in_full_until_something_worked() {
    let words =
        "accepted, then closed without a word: a proxy with no live server, or a PROXY header?";
    let closed = || failed(1, fault(Class::NoBackend, Phase::Authenticate, words), SeqSet::new());
    let mut log = log(1, false, None);
    let events = [
        event(81_500, closed()),
        event(90_000, ready(patroni3())),
        event(90_001, connected(1, patroni3())),
        event(91_000, closed()),
    ];
    assert_eq!(
        told(&mut log, &events),
        [
            format!("[23:57:42] NO BACKEND: {words} · retrying"),
            "[23:57:50] CONNECTED to patroni3 172.18.0.7:5432 · primary · timeline 2".to_owned(),
            "[23:57:51] NO BACKEND: accepted, then closed: no live primary? · retrying".to_owned(),
        ]
    );
}

/// The end of a reason may be what matters: at 80 columns it goes on in the next row.
#[test]
fn why_a_connection_was_lost_is_not_cut_at_80_columns() {
    let words = "FATAL: terminating connection due to idle-in-transaction timeout of the pooler";
    let lost = |words: &str| {
        let fault = fault(Class::ConnectionLost, Phase::Write, words);
        [event(0, failed(1, fault, SeqSet::range(8, 8)))]
    };
    assert_eq!(
        told(&mut log(1, true, Some(80)), &lost(words)),
        [
            "[23:56:20] CONNECTION LOST during INSERT #8: FATAL: terminating connection due",
            "           to idle-in-transaction timeout of the pooler · in doubt",
        ]
    );
    let endless = told(&mut log(1, true, Some(80)), &lost(&"no end ".repeat(130)));
    assert!(endless.len() < 9 && endless.concat().contains("… · in doubt"), "{endless:#?}");
    let quiet = TextLogOptions { verbosity: Verbosity::Quiet, ..options(1, true, Some(80)) };
    let quiet = told(&mut TextLog::new(quiet), &lost(words));
    assert!(quiet.concat().contains("FATAL: terminating connection…"), "{quiet:#?}");
}

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
    let ended = failover(8_510, 8_900, &[(Class::ConnectionLost, 8), (Class::Refused, 7)]);
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
            "[23:57:42] CONNECTION LOST ×8 (all 8 writers): server closed the connection · 8 writes in doubt",
            "[23:57:42] REFUSED ×7: nobody listens on localhost:5500 · retrying",
            "[23:57:50] CONNECTED to patroni3 172.18.0.7:5432 · primary · timeline 2",
            "[23:57:50] WRITING AGAIN after 8.5 s · 7 of 8 writers still out",
            "[23:57:50] RECOVERED · failover patroni2 → patroni3 · outage 8.5 s (connection_lost 8, refused 7) · 7 writes due and not sent · all writers after 8.9 s",
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
            "[23:56:20] NO BACKEND: closed without a word · retrying",
            "[23:56:25] REFUSED ×26 · no write for 5 s · retrying",
            "[23:56:25] NO BACKEND ×26 · no write for 5 s · retrying",
            "[23:56:28] REFUSED ×40, last 0.4 s ago · no write for 8.2 s · retrying",
            "[23:56:28] NO BACKEND ×40, last 0.3 s ago · no write for 8.1 s · retrying",
        ]
    );
}

#[test]
fn sessions_that_end_one_after_another_do_not_repeat_the_attempts_between() {
    let mut log = log(3, false, None);
    let mut events = vec![event(0, lost(1, 70)), event(0, began(0))];
    for n in 1..=20 {
        events.push(event(n * 50, refused(1)));
        if n == 6 || n == 12 {
            let writer = if n == 6 { 2 } else { 3 };
            events.push(event(n * 50, lost(writer, 70)));
        }
    }
    let ended = failover(1_100, 1_100, &[(Class::ConnectionLost, 3), (Class::Refused, 20)]);
    events.push(event(1_100, connected(3, patroni3())));
    events.push(event(1_100, What::OutageEnded(Box::new(ended))));
    assert_eq!(
        told(&mut log, &events),
        [
            "[23:56:20] CONNECTION LOST writer 1 during INSERT #70: server closed the connection · in doubt",
            "[23:56:20] REFUSED ×2: nobody listens on localhost:5500 · retrying",
            "[23:56:20] CONNECTION LOST writer 2 during INSERT #70: server closed the connection · in doubt",
            "[23:56:21] CONNECTION LOST writer 3 during INSERT #70: server closed the connection · in doubt",
            "[23:56:21] CONNECTED to patroni3 172.18.0.7:5432 · primary · timeline 2",
            "[23:56:21] RECOVERED · failover patroni2 → patroni3 · outage 1.1 s (connection_lost 3, refused 20) · writable again between +0.9 s and +1.1 s · 7 writes due and not sent",
        ]
    );
}

#[test]
fn writes_without_their_synchronous_standby_are_told_at_most_once_a_second() {
    let locally = |at, writer, first, last| {
        let seqs = SeqSet::range(first, last);
        event(at, What::AcknowledgedLocally(WriterWrites { writer, seqs }))
    };
    let rows = told(
        &mut log(4, true, None),
        &[locally(0, 3, 45, 45), locally(100, 3, 46, 46), locally(300, 1, 7, 8)],
    );
    assert_eq!(
        rows,
        [
            "[23:56:20] ACKNOWLEDGED LOCALLY: writer 3 #45: the wait for its synchronous standby was \
             cancelled; no standby may have it",
            "[23:56:21] ACKNOWLEDGED LOCALLY: writer 1 #7–#8, writer 3 #46: the waits for their \
             synchronous standby were cancelled; no standby may have them",
        ]
    );
}

#[test]
fn a_breach_of_the_protocol_with_every_session_is_no_flood() {
    let breach = |at, seq| {
        let fault = fault(Class::Protocol, Phase::Write, "an open transaction stands between");
        event(at, failed(1, fault, SeqSet::range(seq, seq)))
    };
    let rows = told(&mut log(1, true, None), &[breach(0, 1), breach(400, 2), breach(900, 3)]);
    assert_eq!(
        rows,
        [
            "[23:56:20] PROTOCOL during INSERT #1: an open transaction stands between · in doubt",
            "[23:56:21] PROTOCOL ×2: an open transaction stands between · 2 writes in doubt",
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
            "[23:56:23] OVERLOADED 53100 ×2 999 in 3.3 s · not committed",
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
            "[23:58:49] \u{1b}[31m\u{1b}[1m!!! 12 acknowledged writes are NOT THERE (writer 1 #70–#81)\u{1b}[0m",
            "           \u{1b}[31m\u{1b}[1mprovisional, the final verification decides\u{1b}[0m",
        ]
    );
}

#[test]
fn what_is_still_not_found_is_told_once() {
    let mut log = log(1, false, None);
    let not_found =
        |seqs| Checked { not_found: [(1, SeqSet::range(70, seqs))].into(), ..checked() };
    let events =
        [70, 70, 71, 71].map(|seqs| event(seqs as u64 * 1_000, What::Checked(not_found(seqs))));
    assert_eq!(
        told(&mut log, &events),
        [
            "[23:57:30] CHECKED after outage 1: nothing was acknowledged before",
            "           INSERT #70 in doubt: not found so far, final answer at the end",
            "[23:57:30] CHECKED after outage 1: nothing was acknowledged before",
            "[23:57:31] CHECKED after outage 1: nothing was acknowledged before",
            "           2 writes (#70–#71) in doubt: not found so far, final answer at the end",
            "[23:57:31] CHECKED after outage 1: nothing was acknowledged before",
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
    // The two go on for as long as they are not answered.
    let answered = Interval {
        writers: [1, 4].map(|writer| Progress { writer, attempted: 83, resolved: 82 }).into(),
        ..Interval::default()
    };
    let answered = event(7_500, What::Interval(Box::new(answered)));
    let rows = told(&mut log, &[answered, event(9_000, stalled(3, 85))]);
    assert_eq!(
        rows,
        [
            "[23:56:27] NO ANSWER to 2 writes (2 of 8 writers) for 6.0 s",
            "[23:56:29] NO ANSWER to writer 3 INSERT #85 for 8.0 s"
        ]
    );
}

#[test]
fn writers_without_a_session_are_one_line() {
    let waits = |writer| What::NoSession(NoSession { writer, since: ms(0) });
    let events = [event(2_000, waits(4)), event(2_001, waits(5)), event(2_002, waits(6))];
    assert_eq!(
        told(&mut log(6, false, None), &[&events[..], &[event(9_000, waits(2))]].concat()),
        [
            "[23:56:22] NO SESSION (3 of 6 writers) for 2.0 s · still trying",
            "[23:56:29] NO SESSION (1 of 6 writers) for 9.0 s · still trying",
        ]
    );
}

fn silent(at: u64, writer: i32, since: u64) -> Event {
    event(at, What::Stalled(Stalled { writer, seq: Some(82), since: ms(since) }))
}

fn seen(at: u64, cause: Option<StallCause>, writers: u64, by: Option<Blocker>) -> Event {
    event(at, What::StallSeen(StallSeen { stall_cause: cause, blocked_by: by, writers }))
}

fn psql() -> Blocker {
    let state = Some("idle in transaction".to_owned());
    Blocker { pid: 4711, name: Some("psql".to_owned()), state, own: false }
}

#[test]
fn a_silence_is_told_every_five_seconds_with_what_it_waits_for() {
    let mut events: Vec<Event> = (1..=4).map(|writer| silent(2_000, writer, 1_000)).collect();
    events.push(event(2_000, began(1_000)));
    events.push(seen(2_200, Some(StallCause::SyncStandby), 4, None));
    let ended = Outage {
        kind: Kind::Stall,
        stall_cause: Some(StallCause::SyncStandby),
        ..failover(13_000, 13_000, &[])
    };
    events.push(event(14_000, What::OutageEnded(Box::new(ended))));
    events.push(event(30_000, connected(1, patroni3())));
    assert_eq!(
        told(&mut log(4, false, None), &events),
        [
            "[23:56:22] NO ANSWER to 4 writes (all 4 writers) for 1.0 s",
            "[23:56:22] STALL: waiting for a synchronous standby (SyncRep) · 4 of 4 writers",
            "[23:56:27] NO ANSWER to 4 writes (all 4 writers) for 6.0 s · waiting for a synchronous standby",
            "[23:56:32] NO ANSWER to 4 writes (all 4 writers) for 11.0 s · waiting for a synchronous standby",
            "[23:56:34] RECOVERED · stall: waiting for a synchronous standby · outage 13.0 s · 7 writes due and not sent",
            "[23:56:50] CONNECTED to patroni3 172.18.0.7:5432 · primary · timeline 2",
        ]
    );
}

#[test]
fn quietly_a_silence_is_told_once() {
    let mut quiet =
        TextLog::new(TextLogOptions { verbosity: Verbosity::Quiet, ..options(1, true, None) });
    let events = [
        silent(2_000, 1, 1_000),
        seen(2_150, Some(StallCause::Lock), 1, Some(psql())),
        event(20_000, began(1_000)),
    ];
    assert_eq!(
        told(&mut quiet, &events),
        [
            "[23:56:22] NO ANSWER to INSERT #82 for 1.0 s",
            "[23:56:22] STALL: waiting for a lock held by psql, pid 4711 (idle in transaction)",
        ]
    );
}

#[test]
fn what_a_look_has_seen_has_its_words() {
    let words = |cause, by| {
        let rows = log(1, true, None).event(&seen(2_000, cause, 1, by));
        rows[0]["[23:56:22] STALL: ".len()..].to_owned()
    };
    let by = |pid, name: Option<&str>, own| {
        Some(Blocker { pid, name: name.map(str::to_owned), state: None, own })
    };
    let lock = || Some(StallCause::Lock);
    assert_eq!(
        [
            words(lock(), by(9, Some("pgchaos:0d6f:2"), true)),
            words(lock(), by(0, None, false)),
            words(lock(), by(9, None, false)),
            words(lock(), None),
            words(Some(StallCause::Other("IO/WALSync".to_owned())), None),
            words(Some(StallCause::Working), None),
            words(Some(StallCause::OnTheWay), None),
            words(Some(StallCause::Gone), None),
            words(None, None),
        ],
        [
            "waiting for a lock held by another session of this run, pid 9",
            "waiting for a lock held by a prepared transaction",
            "waiting for a lock held by pid 9",
            "waiting for a lock",
            "waiting for IO/WALSync on the server",
            "the server still works on it",
            "the server waits for its client: the write or its answer is on the way",
            "its server process is gone",
            "no new session gets an answer either",
        ]
    );
}

#[test]
fn an_outage_of_another_kind_tells_what_its_writes_had_waited_for() {
    let told = |kind, cause| {
        let blocked_by = Some(Box::new(psql()));
        let outage =
            Outage { kind, stall_cause: Some(cause), blocked_by, ..failover(9_000, 9_000, &[]) };
        log(1, true, None).event(&event(9_000, What::OutageEnded(Box::new(outage)))).remove(0)
    };
    assert_eq!(
        told(Kind::Failover, StallCause::Lock),
        "[23:56:29] RECOVERED · failover patroni2 → patroni3 after waiting for a lock held by psql, \
         pid 4711 · outage 9.0 s · 7 writes due and not sent"
    );
    assert_eq!(
        told(Kind::Failover, StallCause::OnTheWay),
        "[23:56:29] RECOVERED · failover patroni2 → patroni3 · outage 9.0 s · 7 writes due and not sent",
        "a server that fails lets what is sent to it get lost"
    );
}

#[test]
fn a_failure_that_was_noticed_late_says_so() {
    let run = header(Rate::PerSecond(1.0), 1);
    let ended = |sqlstate: Option<&str>, class, at, waited: u64| {
        let fault = Fault {
            sqlstate: sqlstate.map(str::to_owned),
            ..fault(class, Phase::Write, "Connection timed out (os error 110)")
        };
        let fault = failed(1, fault, SeqSet::range(82, 82));
        let mut log = log(1, false, None);
        log.event(&event(0, run.clone()));
        told(&mut log, &[silent(at - waited + 1_000, 1, at - waited), event(at, fault)])
            .pop()
            .unwrap()
    };
    assert_eq!(
        ended(None, Class::Timeout, 20_000, 3_400),
        "[23:56:40] TIMEOUT on localhost:5500 during INSERT #82: Connection timed out (os error 110) · in doubt · \
         noticed after 3.4 s"
    );
    assert_eq!(
        ended(None, Class::ConnectionLost, 20_000, 13_400),
        "[23:56:40] CONNECTION LOST during INSERT #82: Connection timed out (os error 110) · in doubt · \
         noticed after 13.4 s"
    );
    // The deadline of 5 s says itself how long it was, and a server's words are no silence.
    for (sqlstate, class) in [(None, Class::Timeout), (Some("57P01"), Class::ConnectionLost)] {
        let line = ended(sqlstate, class, 20_000, 5_003);
        assert!(!line.contains("noticed"), "{line}");
    }
}

#[test]
fn each_kind_of_outage_has_its_words() {
    let told = |kind, first_ack: Option<_>| {
        let open = first_ack.is_none();
        let outage = Outage {
            kind,
            first_ack,
            open: open.then_some(ms(67_050)),
            writers_out_at_end: u64::from(open),
            ..failover(67_050, 67_050, &[])
        };
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

#[test]
fn of_an_unknown_cause_the_sqlstates_are_said() {
    let sqlstates = [("57014".to_owned(), 3), ("P0001".to_owned(), 1)].into();
    let outage = Outage { kind: Kind::Unknown, sqlstates, ..failover(1_500, 1_500, &[]) };
    let said = words::outage(&outage);
    assert!(said.ends_with(" (SQLSTATE 57014, P0001)"), "{said}");
}

/// A promotion or a crash skips 32 values at most, and writes that came to nothing may have used some.
#[test]
fn of_ids_that_jump_only_what_is_known_is_said() {
    let told = |after, gap: IdGap| {
        let gap = IdGap { outage: 1, before: 100, after, ..gap };
        let mut log = log(1, true, None);
        let line = log.event(&event(90_000, What::IdGap(gap))).remove(0);
        let (_, why) = line.split_once(": ").unwrap();
        why.trim_end_matches(", no acknowledged write is missing").to_owned()
    };
    let of = |kind| IdGap { kind, ..IdGap::default() };
    let failover = || of(Kind::Failover);
    assert_eq!(told(133, failover()), "the new primary skipped sequence values");
    assert_eq!(told(134, failover()), "not explained", "33 values are more than are skipped");
    assert_eq!(
        told(135, IdGap { rejected: 2, ..failover() }),
        "the new primary skipped sequence values, others were used by 2 rejected writes"
    );
    assert_eq!(
        told(104, IdGap { in_doubt: 1, other_rows: Some(2), ..of(Kind::Connection) }),
        "used by 1 write in doubt, 2 rows of other runs"
    );
    let seen = IdGap { witness_rows: 1, other_rows: Some(1), ..failover() };
    assert_eq!(
        told(135, seen),
        "the new primary skipped sequence values, others were used by 1 row of a witness, 1 row of another run"
    );
    assert_eq!(
        told(200, IdGap { rejected: 5, ..of(Kind::ReadOnly) }),
        "some used by 5 rejected writes, the rest is not explained"
    );
    assert_eq!(told(133, of(Kind::Restart)), "not explained", "a shutdown skips nothing");
    let crashed = IdGap { crashed: true, ..of(Kind::Restart) };
    assert_eq!(told(133, crashed), "the crashed server skipped sequence values");
}

#[test]
fn what_is_known_beyond_the_kind_is_said() {
    let told = |kind, detail| {
        let outage = Outage { kind, detail, ..failover(1_500, 1_500, &[]) };
        words::outage(&outage)
    };
    let filled = |own, of| Some(Detail::OwnSessions(Filled { own, of, max: own }));
    let role = LimitOf::Role("app".to_owned());
    for (kind, detail, said) in [
        (
            Kind::Restart,
            Some(Detail::ProcessCrashed),
            "restart of patroni3: a server process crashed",
        ),
        (
            Kind::Terminated,
            Some(Detail::ByAdministrator),
            "terminated: sessions ended by an administrator",
        ),
        (
            Kind::Terminated,
            Some(Detail::ByTimeLimit),
            "terminated: sessions ended by a time limit of the server",
        ),
        (Kind::ReadOnly, None, "read-only by the settings of patroni3"),
        (Kind::Overloaded, None, "overloaded at patroni3: no room for a session or its work"),
        (
            Kind::Overloaded,
            filled(4, role),
            "overloaded: pgchaos's own 4 sessions fill the limit of role app (4)",
        ),
        (
            Kind::Overloaded,
            filled(1, LimitOf::Database("shop".to_owned())),
            "overloaded: pgchaos's own 1 session fills the limit of database shop (1)",
        ),
        (
            Kind::Overloaded,
            filled(97, LimitOf::Server),
            "overloaded: pgchaos's own 97 sessions fill the limit of the server (97)",
        ),
        (Kind::Denied, None, "denied by patroni3: permission, role or pg_hba.conf changed"),
    ] {
        assert_eq!(told(kind, detail), said);
    }
}

/// A certificate that is being replaced, and a server that then refuses the new one, are mended by other things.
#[test]
fn causes_of_a_failure_of_tls_are_told_each() {
    let of = |cause, words| {
        let fault =
            Fault { tls_cause: Some(cause), ..fault(Class::Tls, Phase::Authenticate, words) };
        failed(1, fault, SeqSet::new())
    };
    let mut log = log(1, false, None);
    let told = told(
        &mut log,
        &[
            event(90_000, ready(patroni3())),
            event(90_001, connected(1, patroni3())),
            event(91_000, of(TlsCause::OwnFile, "a file cannot be read")),
            event(91_100, of(TlsCause::OwnFile, "a file cannot be read")),
            event(91_200, of(TlsCause::ClientCertificate, "the server refuses it")),
            event(91_300, of(TlsCause::ClientCertificate, "the server refuses it")),
        ],
    );
    assert_eq!(
        told[1..],
        [
            "[23:57:51] TLS: a file cannot be read · retrying",
            "[23:57:51] TLS: the server refuses it · retrying",
            "[23:57:52] TLS ×2, last 0.5 s ago · for 0.6 s · retrying",
            "[23:57:52] TLS ×2, last 0.3 s ago · for 0.4 s · retrying",
        ]
    );
}
