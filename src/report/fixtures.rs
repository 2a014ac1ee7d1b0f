//! Literal events and a literal summary, for the tests of this floor.

use std::time::Duration;

use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::event::{
    Beside, Checked, Connected, Event, Failure, Header, IdGap, OutageBegan, ReadBack, Ready,
    StopReason, Verification, What, Written,
};
use crate::model::fault::{Class, Fault, Phase};
use crate::model::ledger::account::{Account, Counts};
use crate::model::ledger::seq_set::SeqSet;
use crate::model::load::latency::Percentiles;
use crate::model::load::options::{LoadOptions, Rate, Thresholds};
use crate::model::load::target::Target;
use crate::model::outage::kind::Kind;
use crate::model::outage::{Outage, Phases, Side};
use crate::model::outcome::Outcome;
use crate::model::run::availability::RateSummary;
use crate::model::run::summary::{
    Summary, SummaryOptions, VerificationState, VerificationSummary, Writes,
};
use crate::model::run::timeline_columns::TimelineColumns;

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(super) fn event(at_ms: u64, what: What) -> Event {
    Event { at: ms(at_ms), what }
}

pub(super) fn server(member: &str, address: &str, timeline: u32) -> Server {
    Server {
        member: Some(member.to_owned()),
        address: Some(address.to_owned()),
        port: Some(5432),
        timeline: Some(timeline),
        ..Server::default()
    }
}

pub(super) fn patroni2() -> Server {
    server("patroni2", "172.18.0.6", 1)
}

pub(super) fn patroni3() -> Server {
    server("patroni3", "172.18.0.7", 2)
}

pub(super) fn connected(writer: i32, server: Server) -> What {
    What::Connected(Connected {
        writer,
        server,
        backend: ServerProcess { pid: 7, start: None, pooled: false },
        abandoned: 0,
    })
}

pub(super) fn written(seq: i64, id: i64, event_type: &str, user: &str) -> What {
    What::Written(Written {
        writer: 1,
        seq,
        id,
        event_type: event_type.to_owned(),
        user: user.to_owned(),
    })
}

pub(super) fn read(ids: &[i64]) -> What {
    What::ReadBack(ReadBack { writer: 1, ids: ids.to_vec() })
}

pub(super) fn fault(class: Class, phase: Phase, message: &str) -> Fault {
    Fault {
        class,
        phase,
        sqlstate: None,
        postmaster_died: false,
        connect_cause: None,
        tls_cause: None,
        endpoint: "localhost:5500".to_owned(),
        message: message.to_owned(),
        own_limit: None,
    }
}

pub(super) fn failed(writer: i32, fault: Fault, in_doubt: SeqSet) -> What {
    What::Fault(Failure { writer: Some(writer), fault, in_doubt, rejected: SeqSet::new() })
}

/// The cluster was reached: what fails from now on did work.
pub(super) fn ready(server: Server) -> What {
    What::Ready(Ready { server, created: false })
}

pub(super) fn lost(writer: i32, seq: i64) -> What {
    let message = "server closed the connection";
    failed(writer, fault(Class::ConnectionLost, Phase::Write, message), SeqSet::range(seq, seq))
}

pub(super) fn no_backend(writer: i32) -> What {
    failed(
        writer,
        fault(Class::NoBackend, Phase::Authenticate, "closed without a word"),
        SeqSet::new(),
    )
}

pub(super) fn refused(writer: i32) -> What {
    failed(writer, fault(Class::Refused, Phase::Connect, "ECONNREFUSED"), SeqSet::new())
}

pub(super) fn began(at_ms: u64) -> What {
    What::OutageBegan(OutageBegan { n: 1, began: ms(at_ms), writers: vec![] })
}

pub(super) fn failover(duration: u64, degraded: u64, errors: &[(Class, u64)]) -> Outage {
    Outage {
        n: 1,
        kind: Kind::Failover,
        detail: None,
        began_at: "2026-11-22T20:57:42Z".parse().unwrap(),
        began: ms(81_500),
        duration: ms(duration),
        resolution: ms(200),
        writable_after: Some((ms(duration.saturating_sub(200)), ms(duration))),
        degraded: ms(degraded),
        without_ack: ms(duration),
        writers_out_max: 8,
        last_ack: Some(ms(81_000)),
        first_ack: Some(ms(81_500 + duration)),
        attempts: 12,
        errors: errors.iter().copied().collect(),
        phases: Phases { all_writers: Some(ms(degraded)), ..Phases::default() },
        from: Some(Side::from(&patroni2())),
        to: Some(Side::from(&patroni3())),
        in_doubt: 1,
        skipped: 7,
        ..Outage::default()
    }
}

pub(super) fn checked() -> Checked {
    Checked {
        outage: 1,
        recovered: [].into(),
        not_found: [].into(),
        missing: [].into(),
        there: [].into(),
        looked_up: 0,
        other_rows: None,
        error: None,
    }
}

pub(super) fn header(rate: Rate, writers: u32) -> What {
    What::Run(Box::new(Header {
        patroni: Vec::new(),
        haproxy: None,
        proxy_checks: None,
        beside: Beside::default(),
        witness: None,
        format: 1,
        pgchaos: "0.1.0".to_owned(),
        run_id: "0d6f7d2a-1111-4222-8333-123456789abc".parse().unwrap(),
        group: None,
        name: None,
        part_of: None,
        started_at: "2026-11-22T20:56:20.500Z".parse().unwrap(),
        target: Target {
            host: "localhost".to_owned(),
            hostaddr: None,
            port: 5500,
            endpoints: "localhost:5500".to_owned(),
            dbname: "postgres".to_owned(),
            user: "postgres".to_owned(),
            ..Target::default()
        },
        options: LoadOptions { rate, writers, read_every: 2, ..LoadOptions::closed_loop() },
        thresholds: Thresholds::default(),
    }))
}

/// The homework's story: a leader is stopped, and ids go from 82 to 91.
#[expect(clippy::too_many_lines, reason = "one history, event by event")]
pub(super) fn story() -> Vec<Event> {
    let mut events = vec![
        event(0, header(Rate::PerSecond(1.0), 1)),
        event(800, ready(patroni2())),
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
                &[(Class::ConnectionLost, 1), (Class::NoBackend, 11)],
            ))),
        ),
        event(
            148_600,
            What::Checked(Checked {
                not_found: [(1, SeqSet::range(82, 82))].into(),
                looked_up: 81,
                other_rows: None,
                ..checked()
            }),
        ),
        event(
            148_601,
            What::IdGap(IdGap {
                outage: 1,
                before: 82,
                after: 91,
                kind: Kind::Failover,
                ..IdGap::default()
            }),
        ),
        event(210_000, What::Stopping { reason: StopReason::Signal, writers_out: 0 }),
        event(210_001, What::Closed),
        event(210_001, What::Verifying { step: "waiting for sessions of this run".to_owned() }),
        event(210_200, What::LookedAt { writes: 2_000_000, of: 5_000_000 }),
        event(
            210_300,
            What::Verified(Box::new(Verification {
                account: Some(Account {
                    counts: Counts { present: 140, absent: 1, ..Counts::default() },
                    ..Account::default()
                }),
                lost_writes: Vec::new(),
                reason: None,
                server: Some(patroni3()),
                notes: Vec::new(),
                holds: Vec::new(),
                took: ms(299),
            })),
        ),
        event(210_301, What::Ended { complete: true }),
    ]);
    events
}

/// What the homework's story comes to.
#[expect(clippy::too_many_lines, reason = "one literal")]
pub(super) fn summary() -> Summary {
    let What::Run(header) = header(Rate::PerSecond(1.0), 1) else { unreachable!() };
    let mut outage =
        failover(67_050, 67_050, &[(Class::ConnectionLost, 1), (Class::NoBackend, 11)]);
    outage.phases = Phases {
        first_error: Some(ms(0)),
        last_error: None,
        tcp_accepted: Some(ms(100)),
        session: Some(ms(66_800)),
        writable: Some(ms(66_900)),
        writable_accepted: Some(ms(66_790)),
        first_ack: Some(ms(67_050)),
        all_writers: Some(ms(67_050)),
        full_rate: Some(ms(68_000)),
        leader_changed: Some(ms(45_000)),
    };
    Summary {
        format: 1,
        pgchaos: header.pgchaos,
        run_id: header.run_id,
        group: header.group,
        name: header.name,
        part_of: header.part_of,
        drill_verdict: None,
        started_at: header.started_at,
        elapsed_s: 209.5,
        target: header.target.shortened(),
        options: SummaryOptions { load: header.options, thresholds: Thresholds::default() },
        writes: Writes {
            due: 209,
            attempted: 142,
            acknowledged: 141,
            in_doubt: 1,
            skipped: 67,
            unaccounted: Some(0),
            ..Writes::default()
        },
        rate: RateSummary {
            acknowledged_per_s: 0.673,
            availability_pct: Some(67.464_114),
            availability_at_least_pct: None,
            availability_at_most_pct: None,
        },
        latency_ms: Percentiles {
            p50: Some(2.1),
            p90: Some(3.4),
            p99: Some(12.2),
            p999: Some(40.0),
            max: Some(40.0),
        },
        errors: [(Class::ConnectionLost, 1), (Class::NoBackend, 11)].into(),
        passed_over: vec![],
        replicas: vec![],
        verification: VerificationSummary {
            counts: Counts {
                present: 141,
                lost: 0,
                lost_locally: 0,
                recovered: 0,
                absent: 1,
                undecided: 0,
                withdrawn: 0,
                duplicated: 0,
                unexpected: 0,
            },
            state: VerificationState::Complete,
            server: Some("patroni3".to_owned()),
            lost_writes: vec![],
            held: vec![],
            notes: vec![],
            reason: None,
            since: None,
        },
        history_backwards: vec![],
        two_primaries: vec![],
        outages: vec![outage],
        injections: Vec::new(),
        own_pauses: vec![],
        own_limits: vec![],
        abandoned: 0,
        clocks: Vec::new(),
        timeline: TimelineColumns::default(),
        acknowledging: Vec::new(),
        members: Vec::new(),
        proxy: Vec::new(),
        proxy_page: Vec::new(),
        lanes_until_s: None,
        lanes_left_out: 0,
        servers: Vec::new(),
        patroni_settings: Vec::new(),
        patroni: Vec::new(),
        haproxy: None,
        witness: None,
        beside: Beside::default(),
        record: None,
        verdict: Outcome::Pass,
        reasons: vec![],
    }
}
