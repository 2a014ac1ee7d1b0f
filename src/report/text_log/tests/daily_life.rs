//! What is told when nothing is wrong, and how much of it.

use crate::model::event::{Interval, Ready, ReplicaLag};
use crate::model::fault::{Class, Phase};
use crate::model::outage::injection::Injected;
use crate::report::fixtures::{began, event, fault, lost, ms, refused, server, story, written};

use super::super::*;
use super::{log, options, told};

#[test]
fn at_high_rates_there_is_one_line_a_second() {
    let mut log = log(8, false, None);
    let interval = |at: u64, acknowledged: u64| {
        let latency_us = vec![(420, acknowledged / 2), (1_900, acknowledged / 2)];
        let latency_us = if acknowledged == 0 { vec![] } else { latency_us };
        let interval = Interval { due: 1, acknowledged, latency_us, ..Interval::default() };
        event(at, What::Interval(Box::new(interval)))
    };
    let mut events: Vec<Event> = (1..=5).map(|n| interval(n * 200, 10_000)).collect();
    events.extend([
        event(1_500, written(1, 3, "login", "Иван Петров")),
        event(1_600, lost(3, 9)),
        interval(2_000, 24_000),
        event(2_100, began(2_100)),
        interval(3_000, 0),
    ]);
    assert_eq!(
        told(&mut log, &events),
        [
            "[23:56:21] 50 000 acknowledged · 50 000/s · p50 0.42 ms · p99 1.9 ms · 0 errors",
            "[23:56:22] CONNECTION LOST writer 3 during INSERT #9: server closed the connection · in doubt",
            "[23:56:22] 74 000 acknowledged · 24 000/s · p50 0.42 ms · p99 1.9 ms · 1 error",
        ]
    );
}

#[test]
fn a_run_that_ends_without_a_verification_was_stopped_at_once() {
    for complete in [true, false] {
        let ended = || event(500, What::Ended { complete });
        assert!(told(&mut log(1, true, None), &[ended()]).is_empty(), "nothing was sent");
        let server = server("patroni1", "172.18.0.5", 1);
        let ready = event(0, What::Ready(Ready { server, created: false }));
        let rows = told(&mut log(1, true, None), &[ready, ended()]);
        // Nothing of the record: there may be none, and it is not closed yet.
        assert_eq!(rows, ["[23:56:21] STOPPED NOW · not verified"]);
    }
}

#[test]
fn of_a_run_that_was_not_closed_only_what_is_recorded_is_said_to_be_there() {
    let verified = |closed: bool| {
        let wanted = |event: &Event| match event.what {
            What::Closed => closed,
            ref what => matches!(what, What::Verified(_)),
        };
        let events: Vec<Event> = story().into_iter().filter(wanted).collect();
        told(&mut log(1, true, None), &events)[0].clone()
    };
    let head = "[23:59:50] VERIFIED on patroni3 in 0.3 s";
    assert_eq!(verified(true), format!("{head} · every acknowledged write is there"));
    let there = "every write that the record has as acknowledged is there";
    assert_eq!(verified(false), format!("{head} · {there}"));
}

#[test]
fn a_replica_is_told_of_when_it_matters() {
    let mut log = log(1, true, None);
    let lag = |at, writes_behind, behind| {
        let server = Server { in_recovery: true, ..server("patroni1", "172.18.0.5", 1) };
        let lag = ReplicaLag { server, writes_behind, behind: ms(behind) };
        event(at, What::ReplicaLag(lag))
    };
    let events = [
        lag(1_000, 0, 0),
        lag(2_000, 1, 3),
        lag(3_000, 0, 0),
        lag(4_000, 2, 1_400),
        lag(5_000, 2, 2_000),
        lag(6_000, 1, 300),
        lag(7_000, 0, 0),
    ];
    assert_eq!(
        told(&mut log, &events),
        [
            "[23:56:21] REPLICA patroni1 · shows every acknowledged write",
            "[23:56:24] REPLICA patroni1 · 2 writes behind · the oldest is 1.4 s old",
            "[23:56:26] REPLICA patroni1 · 1 write behind · the oldest is 0.3 s old",
            "[23:56:27] REPLICA patroni1 · shows every acknowledged write",
        ]
    );
}

#[test]
fn a_replica_that_cannot_be_read_is_told_once_until_it_can() {
    let mut log = log(1, true, None);
    let failed = |at| {
        let fault = fault(Class::NoBackend, Phase::Authenticate, "closed without a word");
        event(at, What::ReplicaFailed { fault })
    };
    let server = Server { in_recovery: true, ..server("patroni1", "172.18.0.5", 1) };
    let lag = ReplicaLag { server, writes_behind: 0, behind: ms(0) };
    let events = [failed(1_000), failed(1_500), event(2_000, What::ReplicaLag(lag)), failed(3_000)];
    assert_eq!(
        told(&mut log, &events),
        [
            "[23:56:21] REPLICA localhost:5500 not read: NO BACKEND: closed without a word",
            "[23:56:22] REPLICA patroni1 · shows every acknowledged write",
            "[23:56:23] REPLICA localhost:5500 not read: NO BACKEND: closed without a word",
        ]
    );
}

#[test]
fn after_midnight_the_date_is_told_once() {
    let mut log = log(1, true, None);
    let night = [
        event(210_000, written(1, 1, "login", "Иван Петров")),
        event(225_000, written(2, 2, "login", "Иван Петров")),
        event(226_000, written(3, 3, "login", "Иван Петров")),
    ];
    assert_eq!(
        told(&mut log, &night),
        [
            "[23:59:50] INSERT: login by Иван Петров · id 1",
            "--- 2026-11-23",
            "[00:00:05] INSERT: login by Иван Петров · id 2",
            "[00:00:06] INSERT: login by Иван Петров · id 3",
        ]
    );
}

#[test]
fn quiet_leaves_out_daily_life_and_verbose_leaves_out_nothing() {
    let mut quiet =
        TextLog::new(TextLogOptions { verbosity: Verbosity::Quiet, ..options(1, true, None) });
    let rows = told(&mut quiet, &story());
    assert!(!rows.iter().any(|row| row.contains("INSERT:") || row.contains("×")), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("RECOVERED")), "{rows:#?}");

    let mut verbose =
        TextLog::new(TextLogOptions { verbosity: Verbosity::Verbose, ..options(1, false, None) });
    assert_eq!(
        verbose.event(&event(0, refused(1))),
        [
            "[23:56:20] REFUSED: nobody listens on localhost:5500 (ECONNREFUSED) · connect at localhost:5500 · retrying"
        ]
    );
    assert_eq!(
        verbose.event(&event(1, written(7, 9, "login", "Иван Петров"))),
        ["[23:56:20] INSERT #7: login by Иван Петров · id 9"]
    );
}

/// Between the beginning of an action and its end other lines come: its end names it.
#[test]
fn what_a_drill_did_is_named_by_the_line_that_says_how_long_it_took() {
    let injected = |step, action: &str, member: Option<&str>| Injected {
        step,
        action: action.to_owned(),
        target: "leader".to_owned(),
        member: member.map(str::to_owned),
    };
    let ended = |step, took| What::InjectionEnded { step, took: ms(took) };
    let events = [
        event(1_000, What::Injected(injected(1, "stop", Some("patroni2")))),
        event(1_600, lost(1, 9)),
        event(3_600, ended(1, 2_600)),
        event(4_000, What::Injected(injected(2, "start", None))),
        event(4_500, ended(2, 500)),
        event(9_000, ended(7, 3_000)),
    ];
    assert_eq!(
        told(&mut log(1, false, None), &events),
        [
            "[23:56:21] >>> STOP leader (patroni2)",
            "[23:56:22] CONNECTION LOST during INSERT #9: server closed the connection · in doubt",
            "[23:56:24] stop leader (patroni2) took 2.6 s",
            "[23:56:24] >>> START leader",
            "[23:56:29] step 7 took 3.0 s",
        ]
    );
}
