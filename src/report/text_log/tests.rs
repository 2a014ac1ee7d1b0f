//! Events in, whole lines out.

use proptest::prelude::*;

use crate::model::account::Account;
use crate::model::event::{
    Backend, Checked, Failure, Header, IdGap, Interval, OutageBegan, ReadBack, Stalled,
    Verification, WritesResumed, Written,
};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::options::{Backlog, LoadOptions, Rate, Target, Thresholds};
use crate::model::outage::{Outage, Phases, Side};
use crate::model::seq_set::SeqSet;

use super::*;

fn log(writers: u32, one_by_one: bool, width: Option<usize>) -> TextLog {
    TextLog::new(options(writers, one_by_one, width))
}

fn options(writers: u32, one_by_one: bool, width: Option<usize>) -> TextLogOptions {
    TextLogOptions {
        started_at: "2026-11-22T20:56:20.500Z".parse().unwrap(),
        offset: FixedOffset::east_opt(3 * 3600).unwrap(),
        colour: false,
        verbosity: Verbosity::Normal,
        one_by_one,
        writers,
        width,
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn event(at_ms: u64, what: What) -> Event {
    Event { at: ms(at_ms), what }
}

fn server(member: &str, address: &str, timeline: u32) -> Server {
    Server {
        member: Some(member.to_owned()),
        address: Some(address.to_owned()),
        port: Some(5432),
        timeline: Some(timeline),
        ..Server::default()
    }
}

fn patroni2() -> Server {
    server("patroni2", "172.18.0.6", 1)
}

fn patroni3() -> Server {
    server("patroni3", "172.18.0.7", 2)
}

fn connected(writer: i32, server: Server) -> What {
    What::Connected(Connected { writer, server, backend: Backend { pid: 7, start: None } })
}

fn written(seq: i64, id: i64, event_type: &str, user: &str) -> What {
    What::Written(Written {
        writer: 1,
        seq,
        id,
        event_type: event_type.to_owned(),
        user: user.to_owned(),
    })
}

fn read(ids: &[i64]) -> What {
    What::ReadBack(ReadBack { writer: 1, ids: ids.to_vec() })
}

fn fault(class: Class, phase: Phase, message: &str) -> Fault {
    Fault {
        class,
        phase,
        sqlstate: None,
        endpoint: "localhost:5500".to_owned(),
        message: message.to_owned(),
    }
}

fn failed(writer: i32, fault: Fault, in_doubt: SeqSet) -> What {
    What::Fault(Failure { writer: Some(writer), fault, in_doubt, rejected: SeqSet::new() })
}

fn lost(writer: i32, seq: i64) -> What {
    let message = "server closed the connection";
    failed(writer, fault(Class::Lost, Phase::Write, message), SeqSet::range(seq, seq))
}

fn no_backend(writer: i32) -> What {
    failed(writer, fault(Class::NoBackend, Phase::Authenticate, "EOF"), SeqSet::new())
}

fn refused(writer: i32) -> What {
    failed(writer, fault(Class::Refused, Phase::Connect, "ECONNREFUSED"), SeqSet::new())
}

fn began(at_ms: u64) -> What {
    What::OutageBegan(OutageBegan { n: 1, began: ms(at_ms), writers: vec![] })
}

fn failover(duration: u64, degraded: u64, errors: &[(Class, u64)]) -> Outage {
    Outage {
        n: 1,
        kind: Kind::Failover,
        began_at: "2026-11-22T20:57:42Z".parse().unwrap(),
        began: ms(81_500),
        duration: ms(duration),
        resolution: ms(200),
        degraded: ms(degraded),
        last_ack: Some(ms(81_000)),
        first_ack: Some(ms(81_500 + duration)),
        attempts: 12,
        errors: errors.iter().copied().collect(),
        phases: Phases { all_writers: Some(ms(degraded)), ..Phases::default() },
        from: Some(Side::from(&patroni2())),
        to: Some(Side::from(&patroni3())),
        in_doubt: 1,
        lost: 0,
    }
}

fn checked() -> Checked {
    Checked {
        outage: 1,
        recovered: [].into(),
        not_found: [].into(),
        missing: [].into(),
        looked_up: 0,
        kind: None,
        error: None,
    }
}

fn header(rate: Rate, writers: u32) -> What {
    What::Run(Box::new(Header {
        format: 1,
        pgchaos: "0.1.0".to_owned(),
        run_id: "0d6f7d2a-1111-4222-8333-123456789abc".parse().unwrap(),
        generator: 1,
        first_writer: 1,
        started_at: "2026-11-22T20:56:20.500Z".parse().unwrap(),
        target: Target {
            host: "localhost".to_owned(),
            port: 5500,
            endpoints: "localhost:5500".to_owned(),
            dbname: "postgres".to_owned(),
            user: "postgres".to_owned(),
        },
        options: LoadOptions {
            rate,
            writers,
            pipeline: 1,
            duration: None,
            writes: None,
            read_every: 2,
            backlog: Backlog::Skip,
            connect_timeout: ms(3000),
            write_timeout: ms(5000),
            stall_after: ms(1000),
            backoff_min: ms(50),
            backoff_max: ms(500),
            verify_timeout: ms(30_000),
        },
        thresholds: Thresholds::default(),
    }))
}

/// Every event, with a tick before it for each 200 ms that passed, as the program gives them.
fn told(log: &mut TextLog, events: &[Event]) -> Vec<String> {
    let mut rows = Vec::new();
    let mut now = Duration::ZERO;
    for event in events {
        while now + ms(200) < event.at {
            now += ms(200);
            rows.extend(log.tick(now));
        }
        now = now.max(event.at);
        rows.extend(log.event(event));
    }
    rows.extend(log.finish(now + ms(300)));
    rows
}

/// The homework's story: a leader is stopped, and ids go from 82 to 91.
pub(super) fn story() -> Vec<Event> {
    let mut events = vec![
        event(0, header(Rate::PerSecond(1.0), 1)),
        event(900, connected(1, patroni2())),
        event(901, written(1, 3, "purchase", "Иван Петров")),
        event(902, read(&[3, 2, 1])),
        event(1901, written(2, 4, "login", "Иван Петров")),
        event(81_500, lost(1, 82)),
        event(81_500, began(81_500)),
    ];
    events.extend((0..11).map(|n| event(81_600 + n * 1200, no_backend(1))));
    events.extend([
        event(148_500, connected(1, patroni3())),
        event(148_550, written(83, 91, "click", "Алексей Козлов")),
        event(
            148_551,
            What::OutageEnded(Box::new(failover(
                67_050,
                67_050,
                &[(Class::Lost, 1), (Class::NoBackend, 11)],
            ))),
        ),
        event(
            148_600,
            What::Checked(Checked {
                not_found: [(1, SeqSet::range(82, 82))].into(),
                looked_up: 81,
                ..checked()
            }),
        ),
        event(
            148_601,
            What::IdGap(IdGap { outage: 1, before: 82, after: 91, kind: Kind::Failover }),
        ),
        event(210_000, What::Stopping { reason: crate::model::event::StopReason::Signal }),
        event(210_001, What::Verifying { step: "waiting for sessions of this run".to_owned() }),
        event(
            210_300,
            What::Verified(Box::new(Verification {
                account: Some(Account { present: 140, absent: 1, ..Account::default() }),
                reason: None,
                server: Some(patroni3()),
                took: ms(299),
            })),
        ),
        event(210_301, What::Ended { complete: true }),
    ]);
    events
}

#[test]
fn the_homeworks_story() {
    let rows = told(&mut log(1, true, None), &story());
    assert_eq!(
        rows,
        [
            "--- pgchaos gen → localhost:5500 · run 0d6f… · 1 writer · 1 write/s · Ctrl-C to stop and verify",
            "[23:56:21] CONNECTED to patroni2 172.18.0.6:5432 · primary · timeline 1",
            "[23:56:21] INSERT: purchase by Иван Петров · id 3",
            "           READ check (last 3 IDs): [3, 2, 1]",
            "[23:56:22] INSERT: login by Иван Петров · id 4",
            "[23:57:42] LOST during INSERT #82: server closed the connection · in doubt",
            "[23:57:42] NO BACKEND: the proxy accepted and closed · retrying",
        ]
    );
}
