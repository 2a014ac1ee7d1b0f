//! Every kind of outage, through the clock.

use std::collections::BTreeSet;

use pgchaos::model::fault::{Class, Fault};
use pgchaos::model::kind::Kind;
use pgchaos::model::outage::{Outage, Side};
use pgchaos::model::server::Server;

use crate::histories::{History, fault, first, server};

fn before() -> History {
    History::of(1).acks(1, 100, 0..=9_900)
}

fn goodbye() -> Fault {
    Fault { sqlstate: Some("57P01".to_owned()), ..fault(Class::Lost) }
}

/// Back at twelve seconds, with this server.
fn back_with(history: History, server: &Server) -> Outage {
    let history = history.connected(1, (11_990, 11_992, 11_995), server);
    let played = history.ack(1, 12_000).end(13_000).play(5_000);
    let outage = played.outage();
    assert_eq!(outage.kind, played.sightings()[0].kind(), "the sightings tell the same");
    assert_eq!(outage.from, Some(Side::from(&first())));
    assert_eq!(outage.to, Some(Side::from(server)));
    outage
}

#[test]
fn another_server_on_a_higher_timeline_is_a_failover() {
    let cut = before().cut(1, 10_000, 10_001).attempt(1, 10_100, 10_101, Class::NoBackend);
    assert_eq!(back_with(cut, &server("two", 2, 0)).kind, Kind::Failover);
    let said_goodbye = before().failed(1, 10_000, 10_001, goodbye(), 1);
    assert_eq!(back_with(said_goodbye, &server("two", 2, 0)).kind, Kind::Failover);
}

#[test]
fn a_failover_whose_old_primary_said_goodbye_and_answers_as_replica_is_a_switchover() {
    let old = Server { in_recovery: true, ..server("one", 1, 50) };
    let history = before().failed(1, 10_000, 10_001, goodbye(), 1).attempt_accepted(
        1,
        (11_000, 11_001, 11_002),
        Class::ReadOnly,
        Some(&old),
    );
    assert_eq!(back_with(history, &server("two", 2, 0)).kind, Kind::Switchover);
}

#[test]
fn a_switchover_is_also_told_later_by_who_streams_from_the_new_primary() {
    let history = before()
        .failed(1, 10_000, 10_001, goodbye(), 1)
        .connected(1, (11_990, 11_992, 11_995), &server("two", 2, 0))
        .ack(1, 12_000)
        .end(13_000);
    let played = history.play(5_000);
    let mut sightings = played.sightings()[0].clone();
    assert_eq!(sightings.kind(), Kind::Failover);
    sightings.replicas = BTreeSet::from(["one".to_owned()]);
    assert_eq!(sightings.kind(), Kind::Switchover);
}

#[test]
fn the_same_server_is_told_apart_by_timeline_and_start() {
    let cut = || before().cut(1, 10_000, 10_001).attempt(1, 10_100, 10_101, Class::Starting);
    assert_eq!(back_with(cut(), &server("one", 1, 50)).kind, Kind::Restart);
    assert_eq!(back_with(cut(), &server("one", 2, 50)).kind, Kind::Demotion);
    assert_eq!(back_with(cut(), &first()).kind, Kind::Connection);
}

#[test]
fn nothing_but_silence_is_a_stall() {
    let silent = before().failed(1, 10_000, 11_500, fault(Class::Timeout), 1);
    assert_eq!(back_with(silent, &first()).kind, Kind::Stall);
    // Until the end of the run, too.
    let outage = before().stalled(1, 10_000, 11_000).end(13_000).play(5_000).outage();
    assert_eq!((outage.kind, outage.to), (Kind::Stall, None));
}

#[test]
fn what_is_not_proven_is_unknown() {
    let cut = || before().cut(1, 10_000, 10_001);
    let other_cluster = Server { system_identifier: Some("8".to_owned()), ..server("two", 2, 0) };
    assert_eq!(back_with(cut(), &other_cluster).kind, Kind::Unknown);
    let older = server("two", 1, 0);
    assert_eq!(back_with(cut(), &older).kind, Kind::Unknown);
    let anonymous = Server::default();
    assert_eq!(back_with(cut(), &anonymous).kind, Kind::Unknown);
    let outage = cut().end(12_000).play(5_000).outage();
    assert_eq!((outage.kind, outage.to), (Kind::Unknown, None));
}

#[test]
fn servers_before_and_after_are_those_that_acknowledged() {
    // Writer 2 connects to the new server while the outage goes on, but nothing is acknowledged there.
    let two = server("two", 2, 0);
    let played = History::of(2)
        .acks(1, 100, 0..=9_900)
        .cut(1, 10_000, 10_001)
        .cut(2, 10_000, 10_001)
        .connected(2, (11_000, 11_001, 11_002), &two)
        .cut(2, 11_003, 11_004)
        .connected(1, (11_990, 11_992, 11_995), &first())
        .ack(1, 12_000)
        .connected(2, (12_090, 12_092, 12_095), &first())
        .ack(2, 12_100)
        .end(13_000)
        .play(5_000);
    let outage = played.outage();
    assert_eq!((outage.kind, outage.to), (Kind::Connection, Some(Side::from(&first()))));
}

#[test]
fn a_writer_that_only_reports_what_it_did_not_send_has_not_met_the_old_server_again() {
    // Writer 2 never comes back; what it tells is of writes that it skipped.
    let two = server("two", 2, 0);
    let played = History::of(2)
        .acks(1, 100, 0..=9_900)
        .cut(1, 10_000, 10_001)
        .cut(2, 10_000, 10_001)
        .connected(1, (11_990, 11_992, 11_995), &two)
        .acks(1, 100, 12_000..=12_900)
        .late_acks(2, &[], 12_950)
        .end(13_000)
        .play(5_000);
    let outage = played.outage();
    assert_eq!((outage.kind, outage.to), (Kind::Failover, Some(Side::from(&two))));
}
