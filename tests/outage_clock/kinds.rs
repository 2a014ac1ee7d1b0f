//! Every kind of outage, through the clock.

use chrono::DateTime;
use pgchaos::model::cluster::server::{LimitOf, Server, SessionLimit};
use pgchaos::model::fault::{Class, Fault};
use pgchaos::model::outage::kind::{Detail, Filled, Kind};
use pgchaos::model::outage::{Outage, Side};

use crate::histories::{History, fault, first, server};

fn before() -> History {
    History::of(1).acks(1, 100, 0..=9_900)
}

fn goodbye() -> Fault {
    Fault { sqlstate: Some("57P01".to_owned()), ..fault(Class::ConnectionLost) }
}

/// Where the first server is dialled.
fn first_endpoint() -> String {
    fault(Class::ConnectionLost).endpoint
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

/// What the server at this endpoint says.
fn said(sqlstate: &str, class: Class, endpoint: &str) -> Fault {
    Fault { sqlstate: Some(sqlstate.to_owned()), endpoint: endpoint.to_owned(), ..fault(class) }
}

#[test]
fn what_is_seen_around_an_outage_makes_its_kind() {
    let here = first_endpoint();
    let cut = || before().cut(1, 10_000, 10_001);
    let ended = |sqlstate| {
        before().failed(1, 10_000, 10_001, said(sqlstate, Class::ConnectionLost, &here), 1)
    };
    let refused =
        |sqlstate, class| cut().attempt_failed(1, 10_100, 10_101, said(sqlstate, class, &here));
    let rejected =
        |sqlstate, class| before().failed(1, 10_000, 10_001, said(sqlstate, class, &here), 0);
    let (new_start, promoted) = (server("one", 1, 50), server("one", 2, 50));
    let checkpointer =
        |start| Server { checkpointer_start: DateTime::from_timestamp(start, 0), ..first() };
    let orphaned = Fault { postmaster_died: true, ..goodbye() };
    let orphaned = before().failed(1, 10_000, 10_001, orphaned, 1);
    let table = [
        ("another, higher", cut(), server("two", 2, 0), Kind::Failover),
        ("another, after a goodbye", ended("57P01"), server("two", 2, 0), Kind::Failover),
        ("the same, higher, after a goodbye", ended("57P01"), promoted.clone(), Kind::Demotion),
        ("the same, higher", cut(), promoted.clone(), Kind::Restart),
        ("the same, higher, postmaster killed", orphaned, promoted, Kind::Restart),
        ("a new start", cut(), new_start.clone(), Kind::Restart),
        ("a new start, after a goodbye", ended("57P01"), new_start, Kind::Restart),
        ("57P02", ended("57P02"), first(), Kind::Restart),
        ("no checkpointer before", cut(), checkpointer(60), Kind::Connection),
        ("57P01", ended("57P01"), first(), Kind::Terminated),
        ("57P05", ended("57P05"), first(), Kind::Terminated),
        ("25006", rejected("25006", Class::ReadOnly), first(), Kind::ReadOnly),
        ("53100", rejected("53100", Class::Overloaded), first(), Kind::Overloaded),
        ("53300", refused("53300", Class::Overloaded), first(), Kind::Overloaded),
        ("42501", rejected("42501", Class::Sql), first(), Kind::Denied),
        ("28000", refused("28000", Class::Auth), first(), Kind::Denied),
        ("57P03 alone", refused("57P03", Class::Starting), first(), Kind::Unknown),
        ("no word", cut().attempt(1, 10_100, 10_101, Class::Refused), first(), Kind::Connection),
    ];
    for (name, history, server, kind) in table {
        assert_eq!(back_with(history, &server).kind, kind, "{name}");
    }
}

/// A replica in the connection string says what it likes.
#[test]
fn what_another_endpoint_says_is_not_the_servers_word() {
    let there = "10.0.0.2:5432";
    for (sqlstate, class) in
        [("28000", Class::Auth), ("53300", Class::Overloaded), ("57P02", Class::ConnectionLost)]
    {
        let cut = before().cut(1, 10_000, 10_001);
        let history = cut.attempt_failed(1, 10_100, 10_101, said(sqlstate, class, there));
        assert_eq!(back_with(history, &first()).kind, Kind::Connection, "{sqlstate}");
    }
    let silent = before().failed(1, 10_000, 11_500, fault(Class::Timeout), 1);
    let refused = Fault { endpoint: there.to_owned(), ..fault(Class::Refused) };
    let history = silent.attempt_failed(1, 11_600, 11_601, refused);
    assert_eq!(back_with(history, &first()).kind, Kind::Stall, "only the other one refused");
}

/// Two of four writers fill the limit of the role; the others never get in.
#[test]
fn a_limit_that_the_writers_fill_themselves_is_said() {
    let limit = |max| Some(SessionLimit { of: LimitOf::Role("app".to_owned()), max });
    let outage = |max| {
        let server = Server { session_limit: limit(max), ..first() };
        let no_room = said("53300", Class::Overloaded, &first_endpoint());
        let history = History::default()
            .connected(1, (0, 0, 0), &server)
            .connected(2, (0, 0, 0), &server)
            .acks(1, 100, 0..=20_000)
            .acks(2, 100, 50..=20_000)
            .attempt_failed(3, 1_000, 1_001, no_room.clone())
            .attempt_failed(4, 1_010, 1_011, no_room)
            .end(20_050);
        history.play(5_000).outage()
    };
    let own = Filled { own: 2, of: LimitOf::Role("app".to_owned()), max: 2 };
    let (full, others) = (outage(2), outage(3));
    assert_eq!((full.kind, full.detail), (Kind::Overloaded, Some(Detail::OwnSessions(own))));
    assert_eq!((others.kind, others.detail), (Kind::Overloaded, None));
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

#[test]
fn a_writer_that_moves_while_others_stay_is_told_by_its_own_servers() {
    let second = server("two", 2, 0);
    let history = History::of(2)
        .acks(1, 100, 0..=20_000)
        .acks(2, 100, 50..=9_950)
        .cut(2, 10_000, 10_001)
        .connected(2, (10_500, 10_502, 10_505), &second)
        .acks(2, 100, 10_600..=20_000)
        .end(20_050);
    let outage = history.play(5_000).outage();
    assert_eq!(outage.from, Some(Side::from(&first())));
    assert_eq!(outage.to, Some(Side::from(&second)));
    assert_eq!(outage.kind, Kind::Failover);
}
