//! Hosts that were tried in vain before another one served, waits by what ended them, and what
//! pgchaos itself ran out of.

use crate::model::event::Failure;
use crate::model::fault::{Class, Fault, Phase};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::passed_over::PassedOver;
use crate::model::own_limit::OwnLimit;
use crate::report::fixtures::{event, failed, fault, ms, patroni2, ready};

use super::super::*;
use super::{log, told};

fn passed_over(at: u64, class: Class, took_ms: u64) -> Event {
    let fault = Fault { endpoint: "10.0.0.1:5432".to_owned(), ..fault(class, Phase::Check, "") };
    let served_by = "10.0.0.2:5432".to_owned();
    let passed_over = PassedOver {
        writer: Some(1),
        fault,
        took: ms(took_ms),
        served_by,
        served_without_tls: false,
    };
    event(at, What::PassedOver(Box::new(passed_over)))
}

#[test]
fn a_dead_first_host_is_told_at_once_and_then_every_five_seconds_while_it_costs() {
    let attempts = [3_000, 3_010, 7_990, 8_000, 8_100, 11_000, 20_000];
    let events: Vec<Event> =
        attempts.into_iter().map(|at| passed_over(at, Class::Timeout, 3_000)).collect();
    assert_eq!(
        told(&mut log(8, false, None), &events),
        [
            "[23:56:23] PASSED OVER 10.0.0.1:5432 · TIMEOUT, 3.0 s of each connect · 10.0.0.2:5432 serves",
            "[23:56:28] PASSED OVER ×4 10.0.0.1:5432 · TIMEOUT, 3.0 s of each connect · 10.0.0.2:5432 serves",
            "[23:56:40] PASSED OVER ×7 10.0.0.1:5432 · TIMEOUT, 3.0 s of each connect · 10.0.0.2:5432 serves",
        ]
    );
}

#[test]
fn a_replica_that_is_listed_first_is_told_once_and_again_when_the_reason_changes() {
    let events = [
        passed_over(0, Class::ReadOnly, 4),
        passed_over(9_000, Class::ReadOnly, 4),
        passed_over(20_000, Class::Refused, 0),
        passed_over(21_000, Class::Refused, 0),
        passed_over(30_000, Class::ReadOnly, 4),
    ];
    assert_eq!(
        told(&mut log(1, true, None), &events),
        [
            "[23:56:20] PASSED OVER 10.0.0.1:5432 · READ ONLY · 10.0.0.2:5432 serves",
            "[23:56:40] PASSED OVER 10.0.0.1:5432 · REFUSED · 10.0.0.2:5432 serves",
            "[23:56:50] PASSED OVER 10.0.0.1:5432 · READ ONLY · 10.0.0.2:5432 serves",
        ]
    );
    let mut coloured =
        TextLog::new(TextLogOptions { colour: true, ..super::options(1, true, None) });
    let rows = coloured.event(&passed_over(0, Class::ReadOnly, 4));
    assert!(!rows[0].contains('\u{1b}'), "as planned: {rows:?}");
}

/// A host that another one served for has not led to a server: that it closes the connection may be for any reason.
#[test]
fn a_host_that_was_passed_over_is_no_way_that_worked() {
    let words =
        "accepted, then closed without a word: a proxy with no live server, or a PROXY header?";
    let closed = |host: &str| {
        let fault = fault(Class::NoBackend, Phase::Authenticate, words);
        failed(1, Fault { endpoint: host.to_owned(), ..fault }, SeqSet::new())
    };
    for (host, told_of_it) in
        [("10.0.0.1:5432", words), ("10.0.0.2:5432", "accepted, then closed: no live primary?")]
    {
        let events = [
            event(100, ready(patroni2())),
            passed_over(200, Class::NoBackend, 1),
            event(9_000, closed(host)),
        ];
        assert_eq!(
            told(&mut log(1, true, None), &events),
            [
                "[23:56:20] PASSED OVER 10.0.0.1:5432 · NO BACKEND · 10.0.0.2:5432 serves"
                    .to_owned(),
                format!("[23:56:29] NO BACKEND: {told_of_it} · retrying"),
            ]
        );
    }
}

#[test]
fn a_wait_that_ended_names_its_guard_and_its_host_in_full() {
    let on = |endpoint: &str, phase, message: &str| Fault {
        endpoint: endpoint.to_owned(),
        ..fault(Class::Timeout, phase, message)
    };
    let silence = "accepted, then 3.0 s of silence (--connect-timeout)";
    let attempt = on("db.example.org:5432 (10.0.0.3)", Phase::Authenticate, silence);
    let none = SeqSet::new;
    let rows = told(&mut log(1, true, Some(80)), &[event(0, failed(1, attempt, none()))]);
    assert_eq!(
        rows,
        [
            "[23:56:20] TIMEOUT on db.example.org:5432",
            "           (10.0.0.3): accepted, then 3.0 s of silence (--connect-timeout)",
            "           retrying",
        ]
    );
    let words = "no sign of life for 3.0 s (tcp_user_timeout)";
    let write = |endpoint, writer| {
        let fault = on(endpoint, Phase::Write, words);
        event(0, failed(writer, fault, SeqSet::range(8, 8)))
    };
    assert_eq!(
        told(&mut log(1, true, None), &[write("10.0.0.3:5432", 1)]),
        ["[23:56:20] TIMEOUT on 10.0.0.3:5432 during INSERT #8: no sign of life for 3.0 s \
             (tcp_user_timeout) · in doubt"]
    );
    assert_eq!(
        told(&mut log(2, true, None), &[write("10.0.0.3:5432", 1), write("10.0.0.4:5432", 2)]),
        ["[23:56:20] TIMEOUT on 2 hosts ×2 (both writers): no sign of life for 3.0 s \
             (tcp_user_timeout) · 2 writes in doubt"]
    );
}

#[test]
fn what_pgchaos_itself_ran_out_of_is_told_as_its_own_with_a_remedy() {
    let own = Fault {
        own_limit: Some(OwnLimit::Descriptors),
        ..fault(Class::Local, Phase::Connect, "pgchaos itself ran out of file descriptors")
    };
    let failure = |at, writer| {
        let (in_doubt, rejected) = (SeqSet::new(), SeqSet::new());
        let fault = own.clone();
        event(at, What::Fault(Failure { writer: Some(writer), fault, in_doubt, rejected }))
    };
    let events: Vec<Event> = (0..60).map(|n| failure(n * 100, 1)).collect();
    assert_eq!(
        told(&mut log(2, false, None), &events),
        [
            "[23:56:20] LOCAL LIMIT: pgchaos itself ran out of file descriptors · raise ulimit -n · retrying",
            "[23:56:25] LOCAL LIMIT ×51 · no write for 5 s · retrying",
            "[23:56:26] LOCAL LIMIT ×60, last 0.3 s ago · no write for 6.2 s · retrying",
        ]
    );
}
