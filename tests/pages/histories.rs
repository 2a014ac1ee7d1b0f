//! Literal histories: a day, many outages, and names that mean harm.

use std::time::Duration;

use pgchaos::model::cluster::member_states::{MemberChange, MemberState};
use pgchaos::model::cluster::proxy::{ProxyChange, ProxyPage, ProxyServerState};
use pgchaos::model::cluster::server::{Server, ServerProcess};
use pgchaos::model::cluster::software::MemberSoftware;
use pgchaos::model::event::{
    Connected, Event, Failure, Header, Interval, OutageBegan, Ready, What, WritersOut,
};
use pgchaos::model::fault::{Class, Fault, Phase};
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::ledger::seq_set::SeqSet;
use pgchaos::model::load::options::Rate;
use pgchaos::model::outage::injection::Injected;
use pgchaos::model::outage::kind::Kind;
use pgchaos::model::outage::{Outage, Phases, Side};

use crate::samples;

const WRITERS: u32 = 4;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub fn header() -> Header {
    let mut header = samples::header(WRITERS);
    header.options.rate = Rate::PerSecond(1000.0);
    header
}

/// The first line of a record.
pub fn first() -> Event {
    samples::event(0, What::Run(Box::new(header())))
}

fn server(name: &str, timeline: u32) -> Server {
    Server {
        member: Some(name.to_owned()),
        timeline: Some(timeline),
        version: Some(170_002),
        ..Server::default()
    }
}

fn beginning(name: &str) -> Vec<Event> {
    let server = server(name, 1);
    let mut events =
        vec![samples::event(90, What::Ready(Ready { server: server.clone(), created: false }))];
    for writer in 1..=4 {
        let backend = ServerProcess { pid: writer, start: None, pooled: false };
        let connected = Connected { writer, server: server.clone(), backend, abandoned: 0 };
        events.push(samples::event(100, What::Connected(connected)));
    }
    events.push(samples::event(101, What::Acknowledging { server }));
    events
}

/// Half a second of a load, as a record has it.
fn interval(at_ms: u64, sent: &mut i64, per_second: u64) -> Event {
    let count = per_second / 2;
    *sent += i64::try_from(count).unwrap();
    let each = *sent / i64::from(WRITERS);
    let progress = |writer| Progress { writer, attempted: each, resolved: each };
    // Latencies as a real record has them: some sixty of them.
    let latency_us = |n: u64| 700 + n * n * 3 + (at_ms / 500 * 37 + n) % 211;
    let latency_us = (0..60).map(|n| (latency_us(n), if n == 0 { count - 59 } else { 1 }));
    let interval = Interval {
        due: count,
        acknowledged: count,
        first_ack: Some(ms(at_ms - 499)),
        last_ack: Some(ms(at_ms - 1)),
        writers: (1..=4).map(progress).collect(),
        latency_us: latency_us.collect(),
        highest_id: Some(*sent),
        ..Interval::default()
    };
    samples::event(at_ms, What::Interval(Box::new(interval)))
}

/// A load of so many writes a second for so many seconds, and a failover each hour.
pub fn day(per_second: u64, seconds: u64) -> Vec<Event> {
    let mut events = beginning("patroni1");
    let (mut sent, mut n) = (0, 0);
    for half in 1..=seconds * 2 {
        let at_ms = half * 500;
        if half % 7200 == 3600 {
            n += 1;
            events.extend(failover(n, at_ms - 200, 4_000 + u64::from(n) * 37));
        }
        events.push(interval(at_ms + 100, &mut sent, per_second));
    }
    events
}

/// So many short outages in a row, the last one open if that is asked for.
pub fn with_outages(count: u32, is_open: bool) -> Vec<Event> {
    let mut events = beginning("patroni1");
    let mut sent = 0;
    for n in 1..=count {
        let at_ms = u64::from(n) * 1_000;
        events.push(interval(at_ms, &mut sent, 1000));
        let outage = failover(n, at_ms + 10, 40 + u64::from(n % 97) * 4);
        let kept = if is_open && n == count { outage.len() - 2 } else { outage.len() };
        events.extend(outage.into_iter().take(kept));
    }
    let end_ms = u64::from(count) * 1_000 + 1_500;
    if !is_open {
        events.push(interval(end_ms, &mut sent, 1000));
    }
    events
}

/// An outage of all writers, from its first error to its end and the server after it.
fn failover(n: u32, began_ms: u64, length_ms: u64) -> Vec<Event> {
    let at = |after_ms, what| samples::event(began_ms + after_ms, what);
    let names = ["patroni1", "patroni2", "patroni3"];
    let (from, to) = (names[(n as usize + 2) % 3], names[n as usize % 3]);
    let fault = |class, phase| {
        let fault = Fault {
            class,
            phase,
            sqlstate: None,
            postmaster_died: false,
            connect_cause: None,
            tls_cause: None,
            own_limit: None,
            endpoint: "localhost:5500".to_owned(),
            message: "server closed the connection".to_owned(),
        };
        let (in_doubt, rejected) = (SeqSet::default(), SeqSet::default());
        What::Fault(Failure { writer: Some(1), fault, in_doubt, rejected })
    };
    let after = |after_ms| Some(ms(after_ms));
    let outage = Outage {
        n,
        kind: Kind::Failover,
        began_at: samples::started_at() + ms(began_ms),
        began: ms(began_ms),
        duration: ms(length_ms),
        degraded: ms(length_ms + 9),
        without_ack: ms(length_ms),
        writers_out_max: 4,
        last_ack: Some(ms(began_ms)),
        first_ack: Some(ms(began_ms + length_ms)),
        attempts: 9,
        errors: [(Class::ConnectionLost, 4), (Class::NoBackend, 5)].into(),
        phases: Phases {
            first_error: after(0),
            last_error: None,
            session: after(length_ms - 3),
            first_ack: after(length_ms),
            all_writers: after(length_ms + 9),
            ..Phases::default()
        },
        from: Some(Side::from(&server(from, n))),
        to: Some(Side::from(&server(to, n + 1))),
        ..Outage::default()
    };
    let began = OutageBegan { n, began: ms(began_ms), writers: Vec::new() };
    let out = WritersOut { outage: n, out: 4, others_write: false };
    vec![
        at(1, What::OutageBegan(began)),
        at(1, fault(Class::ConnectionLost, Phase::Write)),
        at(2, fault(Class::NoBackend, Phase::Connect)),
        at(20, What::WritersOut(out)),
        at(length_ms + 9, What::OutageEnded(Box::new(outage))),
        at(length_ms + 10, What::Acknowledging { server: server(to, n + 1) }),
    ]
}

/// Every name that another program chooses, as bad as it can be.
pub fn hostile() -> Vec<Event> {
    let evil = "</title></style></svg><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\u{1b}[2J\u{7}\"'&amp;";
    let mut events = beginning(evil);
    let mut sent = 0;
    events.extend((1..=8).map(|half| interval(half * 500, &mut sent, 1000)));
    let change =
        |is| What::MemberChanged(MemberChange { member: evil.to_owned(), not_before: None, is });
    events.push(samples::event(300, change(MemberState::NotRunning { word: evil.to_owned() })));
    let page = ProxyPage {
        url: evil.to_owned(),
        not_before: None,
        error: Some(evil.to_owned()),
        gone: false,
    };
    let proxied = ProxyChange {
        backend: evil.to_owned(),
        server: evil.to_owned(),
        member: Some(evil.to_owned()),
        not_before: None,
        is: ProxyServerState::OutOfService { word: evil.to_owned() },
        check: Some(evil.to_owned()),
    };
    events.push(samples::event(302, What::ProxyPage(page)));
    events.push(samples::event(304, What::ProxyChanged(proxied)));
    events.push(samples::event(
        310,
        What::MemberSoftware(MemberSoftware {
            member: evil.to_owned(),
            patroni: evil.to_owned(),
            postgresql: None,
        }),
    ));
    events.push(samples::event(
        2_000,
        What::Injected(Injected {
            step: 1,
            action: evil.to_owned(),
            target: evil.to_owned(),
            member: Some(evil.to_owned()),
        }),
    ));
    for event in failover(1, 4_010, 900) {
        let mut event = event;
        if let What::OutageEnded(outage) = &mut event.what {
            outage.to = Some(Side::from(&server(evil, 2)));
        }
        events.push(event);
    }
    events.push(interval(5_500, &mut sent, 1000));
    events
}
