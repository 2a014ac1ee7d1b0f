//! The record: every event comes back as it was written, and what cannot be read is said clearly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(unreachable_pub, reason = "samples are shared between test crates")]

#[path = "support/samples.rs"]
mod samples;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pgchaos::engine::record::file::{RecordFileError, RecordWriter, Recorded, read};
use pgchaos::engine::record::held::HeldRecord;
use pgchaos::engine::record::removal::remove;
use pgchaos::model::cluster::clock_offset::ClockOffset;
use pgchaos::model::cluster::leader_key::LeaderKey;
use pgchaos::model::cluster::leadership::LeaderSeen;
use pgchaos::model::cluster::member_servers::{MemberServer, MemberServerState, ReplayPosition};
use pgchaos::model::cluster::member_states::{MemberChange, MemberState};
use pgchaos::model::cluster::proxy::{ProxyChange, ProxyPage, ProxyServerState};
use pgchaos::model::cluster::server::ServerProcess;
use pgchaos::model::cluster::server::{Database, LimitOf, Server, SessionLimit};
use pgchaos::model::cluster::software::{MemberSoftware, PatroniSettings};
use pgchaos::model::cluster::two_primaries::{TwoPrimaries, WritesInARow};
use pgchaos::model::cluster::witness::{WitnessSeen, WitnessState};
use pgchaos::model::event::{
    ApiReached, Backwards, BackwardsWhat, Checked, Connected, Event, Failure, Holding, IdGap,
    Interval, NoSession, Note, OutageBegan, ReadBack, Ready, ReplicaLag, RunResult, Stalled,
    StopReason, Verification, What, WriterWrites, WritersOut, WritesResumed, Written,
};
use pgchaos::model::fault::{Class, Fault, Phase};
use pgchaos::model::ledger::account::{Account, Counts};
use pgchaos::model::ledger::loss_times::LostWrites;
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::ledger::seq_set::SeqSet;
use pgchaos::model::load::options::{Backlog, Rate, Thresholds};
use pgchaos::model::load::own_pause::OwnPause;
use pgchaos::model::load::passed_over::PassedOver;
use pgchaos::model::load::rejection::Rejections;
use pgchaos::model::outage::ack_gaps::AckGap;
use pgchaos::model::outage::injection::{Cause, Injected};
use pgchaos::model::outage::kind::{Detail, Filled, Kind};
use pgchaos::model::outage::stall_cause::{Blocker, StallCause, StallSeen};
use pgchaos::model::outage::whose::{OutagePart, Owner, PartName, ShorterBy, WhoseSeconds};
use pgchaos::model::outage::{Outage, Phases, Side};
use pgchaos::model::outcome::Outcome;
use pgchaos::model::own_limit::OwnLimit;
use pgchaos::model::run::Run;
use pgchaos::model::run::record_format::{RecordError, decode, decode_header, encode};
use pgchaos::model::run::replay::{Replay, ReplayedLine};
use pgchaos::model::span::Span;
use pgchaos::model::tls_cause::TlsCause;
use proptest::prelude::*;
use samples::{event, header, started_at};
use tempfile::TempDir;

fn server() -> Server {
    Server {
        member: Some("patroni2".to_owned()),
        address: Some("172.18.0.6".to_owned()),
        port: Some(5432),
        timeline: Some(3),
        system_identifier: Some("7512345678901234567".to_owned()),
        database: Some(Database { name: "postgres".to_owned(), oid: 5 }),
        postmaster_start: Some(started_at()),
        checkpointer_start: Some(started_at()),
        session_limit: Some(SessionLimit { of: LimitOf::Role("app".to_owned()), max: 7 }),
        version: Some(150_004),
        in_recovery: true,
        read_only: true,
    }
}

fn fault() -> Fault {
    Fault {
        class: Class::ConnectionLost,
        phase: Phase::Write,
        sqlstate: Some("57P01".to_owned()),
        postmaster_died: false,
        connect_cause: None,
        tls_cause: None,
        endpoint: "[::1]:5500".to_owned(),
        message: "завершение \"подключения\"\n\t\\ \u{1f418}".to_owned(),
        own_limit: None,
    }
}

fn seqs() -> SeqSet {
    [1..=1, 3..=5, 1_000_000_000_000..=i64::MAX].into_iter().collect()
}

fn by_writer() -> BTreeMap<i32, SeqSet> {
    [(1, SeqSet::range(7, 9)), (100_001, seqs())].into()
}

fn outage() -> Outage {
    let at = |ms| Some(Duration::from_millis(ms));
    Outage {
        n: 3,
        kind: Kind::Overloaded,
        detail: Some(Detail::OwnSessions(Filled { own: 8, of: LimitOf::Server, max: 7 })),
        began_at: started_at(),
        began: Duration::from_micros(81_300_001),
        duration: Duration::from_millis(67_100),
        resolution: Duration::from_micros(1),
        degraded: Duration::from_millis(67_400),
        writable_after: Some((Duration::from_millis(100), Duration::from_millis(67_100))),
        without_ack: Duration::from_millis(67_200),
        writers_out_max: 8,
        partial: false,
        writers_out_at_end: 1,
        open: at(300),
        last_ack: at(81_000),
        first_ack: at(148_400),
        attempts: 12,
        abandoned: 0,
        errors: [(Class::ConnectionLost, 1), (Class::NoBackend, 11)].into(),
        sqlstates: [("57014".to_owned(), 2)].into(),
        phases: Phases {
            first_error: at(1),
            last_error: at(4),
            tcp_accepted: at(2),
            session: at(3),
            writable: at(4),
            writable_accepted: at(2),
            first_ack: at(5),
            all_writers: at(6),
            full_rate: at(7),
            leader_changed: at(8),
        },
        from: Some(Side::from(&server())),
        to: Some(Side { member: None, address: "10.0.0.7:5432".to_owned(), timeline: Some(4) }),
        in_doubt: 2,
        skipped: 5,
        lost: 5,
        fault: Some(Box::new(Cause {
            what: injected(),
            at: Duration::from_micros(81_259_001),
            evidence_after: Duration::from_millis(41),
        })),
        stall_cause: Some(StallCause::Other("IO/WALSync".to_owned())),
        blocked_by: Some(Box::new(blocker())),
        whose: Some(whose()),
    }
}

fn whose() -> WhoseSeconds {
    let part = |part, owners, from, lasted| OutagePart {
        part,
        owners,
        from: Duration::from_millis(from),
        lasted: Duration::from_millis(lasted),
        within: Duration::from_millis(50),
        expected: Some(Span::of_ms(20, 30)),
    };
    let each = (0..).zip(PartName::ALL);
    let parts = each.map(|(nth, name)| part(name, Owner::ALL.to_vec(), 10 + 20 * nth, 20));
    let shorter = ShorterBy {
        change: "rise 1".to_owned(),
        place: "in haproxy.cfg".to_owned(),
        saves: Some(Duration::from_secs(3)),
        risk: "one good answer".to_owned(),
    };
    let endless = ShorterBy { saves: None, ..shorter.clone() };
    WhoseSeconds { parts: parts.collect(), shorter: vec![shorter, endless] }
}

fn blocker() -> Blocker {
    let (name, state) = (Some("psql".to_owned()), Some("idle in transaction".to_owned()));
    Blocker { pid: 4711, name, state, own: true }
}

fn injected() -> Injected {
    Injected {
        step: 2,
        action: "kill".to_owned(),
        target: "leader".to_owned(),
        member: Some("patroni2".to_owned()),
    }
}

fn account() -> Account {
    Account {
        counts: Counts {
            present: 1,
            lost: 2,
            lost_locally: 1,
            recovered: 3,
            absent: 4,
            undecided: 8,
            withdrawn: 9,
            duplicated: 5,
            unexpected: 6,
        },
        unaccounted: 7,
        lost_writes: by_writer(),
        recovered_writes: by_writer(),
        duplicated_writes: by_writer(),
        withdrawn_writes: by_writer(),
        unexpected_writes: by_writer(),
    }
}

fn verification() -> Verification {
    Verification {
        account: Some(account()),
        lost_writes: vec![LostWrites {
            writer: 1,
            first_seq: 70,
            last_seq: 81,
            acknowledged_from: Some(started_at()),
            acknowledged_to: Some(started_at()),
        }],
        reason: Some("a reason".to_owned()),
        server: Some(server()),
        notes: vec![
            Note::OneEndpoint,
            Note::WentBack { from: 8, to: 7 },
            Note::TableGone,
            Note::Removed,
            Note::BehindPooler,
            Note::ForeignPatroni,
            Note::NobodyLeads,
            Note::PatroniUntrusted { cause: TlsCause::Dates },
        ],
        holds: vec![Holding { server: server(), writes: 3 }],
        took: Duration::from_millis(1_700),
    }
}

fn full_header() -> pgchaos::model::event::Header {
    let mut header = header(8);
    header.group = Some("checkout".to_owned());
    header.name = Some("zone-a".to_owned());
    header.patroni = vec!["http://10.0.0.1:8008".to_owned()];
    header.options.rate = Rate::Max;
    header.options.backlog = Backlog::CatchUp;
    header.options.duration = Some(Duration::from_secs(60));
    header.options.writes = Some(u64::MAX);
    header.thresholds = Thresholds {
        max_outage: Some(Duration::from_secs(30)),
        max_degraded: Some(Duration::from_secs(40)),
        max_lag: Some(Duration::from_secs(4)),
        max_lost: 3,
        max_two_primaries: Duration::from_millis(1_500),
        min_availability_pct: Some(99.95),
        max_p99: Some(Duration::from_millis(20)),
    };
    header
}

/// One of each kind, nothing in it empty; some twice where a part may be missing.
/// Refusals of one kind, and of others together.
fn rejections() -> Rejections {
    let mut rejections = Rejections::default();
    rejections.add(&fault(), 2);
    rejections.add(&Fault { class: Class::Sql, sqlstate: None, ..fault() }, 1);
    rejections
}

#[expect(clippy::too_many_lines, reason = "a table: one of each event")]
fn all_kinds() -> Vec<What> {
    vec![
        What::Run(Box::new(full_header())),
        What::Run(Box::new(header(1))),
        What::Ready(Ready { server: server(), created: true }),
        What::Connected(Connected {
            writer: 7,
            server: server(),
            backend: ServerProcess { pid: 4_711, start: Some(started_at()), pooled: true },
            abandoned: 0,
        }),
        What::Connected(Connected {
            writer: 7,
            server: Server::default(),
            backend: ServerProcess { pid: 4_711, start: None, pooled: false },
            abandoned: 0,
        }),
        What::Fault(Failure {
            writer: Some(7),
            fault: fault(),
            in_doubt: seqs(),
            rejected: SeqSet::range(8, 8),
        }),
        What::Fault(Failure {
            writer: None,
            fault: Fault { sqlstate: None, ..fault() },
            in_doubt: SeqSet::new(),
            rejected: SeqSet::new(),
        }),
        What::Fault(Failure {
            writer: Some(7),
            fault: Fault { own_limit: Some(OwnLimit::Descriptors), ..fault() },
            in_doubt: SeqSet::new(),
            rejected: SeqSet::new(),
        }),
        What::PassedOver(Box::new(PassedOver {
            served_without_tls: true,
            writer: None,
            fault: fault(),
            took: Duration::from_micros(3_000_004),
            served_by: "db:5432 (10.0.0.3)".to_owned(),
        })),
        What::AcknowledgedLocally(WriterWrites { writer: 7, seqs: seqs() }),
        What::GivenUp(WriterWrites { writer: 200_001, seqs: SeqSet::range(83, 83) }),
        What::Stalled(Stalled {
            writer: 7,
            seq: Some(82),
            since: Duration::from_micros(81_000_001),
        }),
        What::NoSession(NoSession { writer: 7, since: Duration::from_micros(81_000_001) }),
        What::StallSeen(StallSeen {
            stall_cause: Some(StallCause::Lock),
            blocked_by: Some(blocker()),
            writers: 4,
        }),
        What::StallSeen(StallSeen { stall_cause: None, blocked_by: None, writers: 1 }),
        What::Written(Written {
            writer: 7,
            seq: 82,
            id: 91,
            event_type: "purchase".to_owned(),
            user: "Иван Петров".to_owned(),
        }),
        What::ReadBack(ReadBack { writer: 7, ids: vec![3, 2, 1] }),
        What::Interval(Box::new(Interval {
            due: 10,
            skipped: 1,
            acknowledged: 8,
            first_ack: Some(Duration::from_micros(1_500_001)),
            last_ack: Some(Duration::from_micros(1_900_002)),
            writers: vec![
                Progress { writer: 1, attempted: 9, resolved: 8 },
                Progress { writer: 200_001, attempted: i64::MAX, resolved: i64::MAX - 1 },
            ],
            rejected: [(1, SeqSet::range(2, 3))].into(),
            in_doubt: [(1, SeqSet::range(5, 5)), (200_001, seqs())].into(),
            acknowledged_locally: [(1, SeqSet::range(7, 8))].into(),
            rejections: rejections(),
            latency_us: vec![(1_000, 7), (2_000, 1)],
            own_pause: true,
            highest_id: Some(91),
            backlog: 3,
        })),
        What::Interval(Box::default()),
        What::OutageBegan(OutageBegan {
            n: 3,
            began: Duration::from_millis(81_300),
            writers: vec![Progress { writer: 1, attempted: 9, resolved: 8 }],
        }),
        What::WritesResumed(WritesResumed {
            outage: 3,
            after: Duration::from_millis(67_100),
            writers_down: 6,
        }),
        What::WritersOut(WritersOut { outage: 3, out: 2, others_write: true }),
        What::OwnPause(OwnPause {
            from: Duration::from_micros(4_000_001),
            length: Duration::from_millis(250),
        }),
        What::OutageEnded(Box::new(outage())),
        What::OutageEnded(Box::new(Outage {
            last_ack: None,
            first_ack: None,
            errors: BTreeMap::new(),
            phases: Phases::default(),
            from: None,
            to: None,
            ..outage()
        })),
        What::ServerClock {
            server: Box::new(server()),
            offset: ClockOffset { offset_s: -0.25, error_s: 0.000_301 },
        },
        What::AckGap(AckGap {
            from: Duration::from_millis(81_300),
            to: Duration::from_micros(148_400_001),
        }),
        What::AckGapGoesOn { from: Duration::from_millis(81_300) },
        What::FullRate { outage: 3, after: Duration::from_millis(70_001) },
        What::Leader(LeaderSeen {
            from: Some("patroni2".to_owned()),
            to: Some("patroni3".to_owned()),
            timeline: Some(4),
            not_before: Some(Duration::from_micros(81_000_001)),
            all_asked: true,
        }),
        What::Leader(LeaderSeen {
            from: None,
            to: None,
            timeline: None,
            not_before: None,
            all_asked: false,
        }),
        What::LeaderChanged { outage: 3, after: Duration::from_millis(45_001) },
        What::PatroniApi(ApiReached {
            member: Some("patroni2".to_owned()),
            url: "http://patroni2:8008".to_owned(),
            error: Some("no answer within 1 s".to_owned()),
            watched: true,
        }),
        What::PatroniApi(ApiReached {
            member: None,
            url: "http://[::1]:8008".to_owned(),
            error: None,
            watched: false,
        }),
        What::Checked(Checked {
            outage: 3,
            recovered: by_writer(),
            not_found: by_writer(),
            missing: by_writer(),
            there: by_writer(),
            looked_up: 50_000,
            other_rows: None,
            error: Some("no answer".to_owned()),
        }),
        What::Reclassified { outage: 3, kind: Kind::Switchover },
        What::IdGap(IdGap {
            outage: 3,
            before: 82,
            after: 115,
            kind: Kind::Restart,
            crashed: true,
            rejected: 4,
            in_doubt: 5,
            other_rows: Some(6),
            witness_rows: 7,
        }),
        What::HistoryBackwards(Backwards {
            what: BackwardsWhat::Id,
            from: "91".to_owned(),
            to: "82".to_owned(),
            server: "patroni3".to_owned(),
            seen: Duration::from_millis(148_400),
        }),
        What::HistoryBackwards(Backwards {
            what: BackwardsWhat::SystemIdentifier,
            from: "7512345678901234567".to_owned(),
            to: "8".to_owned(),
            server: "172.18.0.7:5432".to_owned(),
            seen: Duration::ZERO,
        }),
        What::ReplicaLag(ReplicaLag {
            server: server(),
            writes_behind: 12,
            behind: Duration::from_micros(1_500_003),
        }),
        What::Stopping { reason: StopReason::Signal, writers_out: 2 },
        What::Verifying { step: "waiting: 1 session".to_owned() },
        What::LookedAt { writes: 2_000_000, of: 5_000_000 },
        What::Acknowledging { server: server() },
        What::TwoPrimaries(Box::new(TwoPrimaries {
            n: 1,
            old: server(),
            new: server(),
            from: Duration::from_millis(1_700),
            to: Duration::from_millis(2_700),
            writes: 12,
            witness_writes: 4,
            which: vec![WritesInARow { writer: 2, first_seq: 7, last_seq: 18 }],
            unlisted: 0,
            new_to: Duration::from_millis(2_100),
            new_writes: 9,
            new_which: vec![WritesInARow { writer: 1, first_seq: 5, last_seq: 13 }],
            new_unlisted: 0,
            over: true,
        })),
        What::Verified(Box::new(verification())),
        What::Verified(Box::new(Verification {
            account: None,
            lost_writes: vec![],
            reason: None,
            server: None,
            notes: vec![],
            holds: vec![],
            took: Duration::ZERO,
        })),
        What::WhoseSeconds { outage: 3, whose: whose() },
        What::LeaderKey(LeaderKey { free: true, not_before: Some(Duration::from_millis(80_100)) }),
        What::LeaderKey(LeaderKey { free: false, not_before: None }),
        What::MemberChanged(member(MemberState::Primary { timeline: Some(7) })),
        What::MemberChanged(member(MemberState::Replica { timeline: None })),
        What::MemberChanged(member(MemberState::NotRunning { word: "start failed".to_owned() })),
        What::MemberChanged(member(MemberState::Gone)),
        What::MemberChanged(member(MemberState::Silent)),
        What::MemberSoftware(MemberSoftware {
            member: "patroni1".to_owned(),
            patroni: "4.0.4".to_owned(),
            postgresql: Some(170_002),
        }),
        What::PatroniSettings(PatroniSettings {
            ttl_s: 30,
            loop_wait_s: 10,
            retry_timeout_s: 10,
            maximum_lag_on_failover_bytes: 1_048_576,
            synchronous_mode: true,
            synchronous_mode_strict: false,
            pause: false,
            failsafe_mode: Some(true),
            primary_start_timeout_s: Some(300),
        }),
        What::ProxyChanged(proxied(ProxyServerState::Up)),
        What::ProxyChanged(proxied(ProxyServerState::GoingDown { failed: 1, fall: 3 })),
        What::ProxyChanged(proxied(ProxyServerState::Down)),
        What::ProxyChanged(proxied(ProxyServerState::ComingUp { passed: 1, rise: 2 })),
        What::ProxyChanged(proxied(ProxyServerState::OutOfService { word: "MAINT".to_owned() })),
        What::ProxyChanged(ProxyChange {
            member: None,
            not_before: None,
            check: None,
            ..proxied(ProxyServerState::Unchecked)
        }),
        What::ProxyPage(ProxyPage {
            url: "http://127.0.0.1:7000/;csv".to_owned(),
            not_before: Some(Duration::from_millis(80_100)),
            error: Some("connection refused".to_owned()),
            gone: true,
        }),
        What::MemberServer(asked(MemberServerState::Answers { server: Box::new(server()) })),
        What::MemberServer(asked(MemberServerState::Starting)),
        What::MemberServer(asked(MemberServerState::Gone)),
        What::MemberServer(asked(MemberServerState::Silent)),
        What::MemberServer(asked(MemberServerState::Refused { reason: "no pg_hba".to_owned() })),
        What::ReplayPosition(ReplayPosition {
            member: "patroni1".to_owned(),
            lsn: u64::MAX,
            behind_bytes: Some(16),
        }),
        What::Witness(witnessed(WitnessState::Takes {
            server: Box::new(server()),
            sent: Duration::from_millis(80_300),
            not_before: None,
        })),
        What::Witness(witnessed(WitnessState::Stopped {
            last_ack: Duration::from_millis(80_300),
            failed: Duration::from_millis(80_500),
            writes: 12,
        })),
        What::ReplicaFailed { fault: fault() },
        What::Refused { fault: fault() },
        What::Injected(injected()),
        What::Injected(Injected { member: None, ..injected() }),
        What::InjectionEnded { step: 2, took: Duration::from_micros(1_500_003) },
        What::Drill { message: "wait until recovered, at most 3m".to_owned() },
        What::Closed,
        What::Ended { complete: true },
        What::Result(full_result()),
        What::Result(RunResult { drill: None, lost: None, longest_outage: None, ..full_result() }),
        What::Warning { message: "\u{0}\u{7f}\u{2028} \u{fffd}".to_owned() },
    ]
}

fn full_result() -> RunResult {
    RunResult {
        verdict: Outcome::Fail,
        drill: Some(Outcome::Pass),
        elapsed: Duration::from_micros(81_300_001),
        acknowledged: 7_900,
        lost: Some(203),
        outages: 2,
        longest_outage: Some(Duration::from_millis(67_100)),
        complete: true,
    }
}

fn member(is: MemberState) -> MemberChange {
    let not_before = Some(Duration::from_millis(80_900));
    MemberChange { member: "patroni1".to_owned(), not_before, is }
}

fn proxied(is: ProxyServerState) -> ProxyChange {
    ProxyChange {
        backend: "postgresql_write".to_owned(),
        server: "pg1".to_owned(),
        member: Some("patroni1".to_owned()),
        not_before: Some(Duration::from_millis(80_900)),
        is,
        check: Some("L7STS/503".to_owned()),
    }
}

fn asked(is: MemberServerState) -> MemberServer {
    let not_before = Some(Duration::from_millis(80_900));
    MemberServer { member: "patroni1".to_owned(), not_before, is }
}

fn witnessed(is: WitnessState) -> WitnessSeen {
    WitnessSeen { member: "patroni1".to_owned(), run_id: uuid::Uuid::from_u128(7), is }
}

/// The kind's number: a new kind does not compile until it is here, and then it must be among [`all_kinds`].
fn kind(what: &What) -> usize {
    match what {
        What::Run(_) => 0,
        What::Ready(_) => 1,
        What::Connected(_) => 2,
        What::Fault(_) => 3,
        What::Stalled(_) => 4,
        What::Written(_) => 5,
        What::ReadBack(_) => 6,
        What::Interval(_) => 7,
        What::OutageBegan(_) => 8,
        What::WritesResumed(_) => 9,
        What::OutageEnded(_) => 10,
        What::FullRate { .. } => 11,
        What::Checked(_) => 12,
        What::Reclassified { .. } => 13,
        What::IdGap(_) => 14,
        What::HistoryBackwards(_) => 15,
        What::ReplicaLag(_) => 16,
        What::Stopping { .. } => 17,
        What::Verifying { .. } => 18,
        What::LookedAt { .. } => 31,
        What::Verified(_) => 19,
        What::Ended { .. } => 20,
        What::Warning { .. } => 21,
        What::ReplicaFailed { .. } => 22,
        What::Closed => 23,
        What::Refused { .. } => 24,
        What::Leader(_) => 25,
        What::LeaderChanged { .. } => 26,
        What::PatroniApi(_) => 27,
        What::Injected(_) => 28,
        What::InjectionEnded { .. } => 29,
        What::Drill { .. } => 30,
        What::AckGap(_) => 32,
        What::AckGapGoesOn { .. } => 33,
        What::ServerClock { .. } => 34,
        What::Acknowledging { .. } => 35,
        What::TwoPrimaries(_) => 36,
        What::AcknowledgedLocally(_) => 37,
        What::GivenUp(_) => 38,
        What::WritersOut(_) => 39,
        What::OwnPause(_) => 40,
        What::PassedOver(_) => 41,
        What::StallSeen(_) => 42,
        What::NoSession(_) => 43,
        What::Result(_) => 47,
        What::MemberChanged(_) => 44,
        What::MemberSoftware(_) => 45,
        What::PatroniSettings(_) => 46,
        What::ProxyChanged(_) => 48,
        What::ProxyPage(_) => 49,
        What::MemberServer(_) => 50,
        What::ReplayPosition(_) => 51,
        What::Witness(_) => 52,
        What::LeaderKey(_) => 53,
        What::WhoseSeconds { .. } => 54,
    }
}
const KINDS: usize = 55;

#[test]
fn every_kind_of_event_comes_back_as_it_was() {
    let mut seen = [false; KINDS];
    for what in all_kinds() {
        seen[kind(&what)] = true;
        let event = event(81_300, what);
        let line = encode(&event).unwrap();
        assert!(!line.contains('\n'), "one line: {line}");
        assert_eq!(decode(line.as_bytes(), 1).as_ref(), Ok(&event), "{line}");
    }
    assert_eq!(seen, [true; KINDS], "each kind is among the samples");
}

/// However a record is cut or damaged: a line that passes a write says of itself that it is not acknowledged.
#[test]
fn an_interval_alone_makes_no_write_acknowledged_that_is_rejected_or_in_doubt() {
    let mut run = Run::new(full_header());
    run.apply(&event(
        1_000,
        What::Interval(Box::new(Interval {
            writers: vec![Progress { writer: 1, attempted: 9, resolved: 9 }],
            rejected: [(1, SeqSet::range(2, 3))].into(),
            in_doubt: [(1, SeqSet::range(9, 9))].into(),
            acknowledged_locally: [(1, SeqSet::range(8, 8))].into(),
            ..Interval::default()
        })),
    ));
    let counts = run.ledger.counts();
    assert_eq!((counts.acknowledged, counts.rejected, counts.in_doubt), (6, 2, 1));
    assert_eq!(counts.acknowledged_locally, 1);
}

/// Errors that no line of their own tells are counted once each, and a record of before has none of them.
#[test]
fn refusals_that_are_counted_in_an_interval_are_errors_of_the_run() {
    let mut run = Run::new(full_header());
    let interval = Interval { rejections: rejections(), ..Interval::default() };
    let told = event(1_000, What::Interval(Box::new(interval)));
    run.apply(&told);
    run.apply(&told);
    assert_eq!(run.errors, [(fault().class, 4), (Class::Sql, 2)].into());
    let line = r#"{"at_s":1.0,"event":"interval","due":1,"skipped":0,"acknowledged":0,"writers":[[1,1,1]],"rejected":[[1,[[1,1]]]],"latency_us":[],"highest_id":null}"#;
    run.apply(&decode(line.as_bytes(), 1).unwrap());
    assert_eq!(run.ledger.counts().rejected, 1);
    assert_eq!(run.errors.len(), 2);
}

#[test]
fn a_change_of_leader_that_was_seen_late_gets_into_its_outage() {
    let mut run = Run::new(full_header());
    let mut before = outage();
    before.phases.leader_changed = None;
    let after = Duration::from_millis(67_200);
    run.apply(&event(148_400, What::OutageEnded(Box::new(before))));
    run.apply(&event(148_500, What::LeaderChanged { outage: 3, after }));
    assert_eq!(run.outages[0].phases.leader_changed, Some(after));
}

#[test]
fn every_class_phase_and_kind_comes_back_by_its_name() {
    for class in Class::ALL {
        let failure = Failure {
            writer: Some(1),
            fault: Fault { class, ..fault() },
            in_doubt: SeqSet::new(),
            rejected: SeqSet::new(),
        };
        let line = encode(&event(1, What::Fault(failure.clone()))).unwrap();
        assert!(line.contains(&format!(r#""class":"{class}""#)), "{line}");
        assert_eq!(decode(line.as_bytes(), 2).unwrap().what, What::Fault(failure));
    }
    for kind in [
        Kind::Failover,
        Kind::Switchover,
        Kind::Restart,
        Kind::Demotion,
        Kind::Connection,
        Kind::Stall,
        Kind::Unknown,
    ] {
        let what = What::Reclassified { outage: 1, kind };
        let line = encode(&event(1, what.clone())).unwrap();
        assert!(line.contains(&format!(r#""kind":"{kind}""#)), "{line}");
        assert_eq!(decode(line.as_bytes(), 2).unwrap().what, what);
    }
}

#[test]
fn a_later_versions_fields_are_left_alone() {
    let line = r#"{"at_s":1.5,"event":"stopping","reason":"signal","by":"somebody"}"#;
    let stopping = event(1_500, What::Stopping { reason: StopReason::Signal, writers_out: 0 });
    assert_eq!(decode(line.as_bytes(), 2), Ok(stopping));
}

/// A record with these bytes in it.
struct OnDisk {
    path: PathBuf,
    _folder: TempDir,
}

fn on_disk(bytes: &[u8]) -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    fs::write(&path, bytes).unwrap();
    OnDisk { path, _folder: folder }
}

/// What is in it, as events after the header.
fn events_of(record: &OnDisk) -> Result<(Recorded, Vec<Event>), RecordFileError> {
    let mut events = Vec::new();
    let recorded = read(&record.path, |event| events.push(event.clone()))?;
    Ok((recorded, events))
}

/// What is wrong with it.
#[track_caller]
fn error_of(bytes: &[u8]) -> RecordError {
    match events_of(&on_disk(bytes)) {
        Err(RecordFileError::Content { error, .. }) => error,
        other => panic!("no error of its content: {other:?}"),
    }
}

fn lines(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        bytes.extend_from_slice(encode(event).unwrap().as_bytes());
        bytes.push(b'\n');
    }
    bytes
}

/// A short run: the header, and two events.
fn short_run() -> Vec<Event> {
    let interval = Interval {
        due: 5,
        acknowledged: 5,
        writers: vec![Progress { writer: 1, attempted: 5, resolved: 5 }],
        ..Interval::default()
    };
    vec![
        event(0, What::Run(Box::new(header(1)))),
        event(500, What::Interval(Box::new(interval))),
        event(900, What::Warning { message: "Мария ☃ \u{1f418}".to_owned() }),
    ]
}

#[test]
fn a_record_cut_at_any_byte_of_its_last_line_is_read_without_it_and_can_be_continued() {
    let events = short_run();
    let whole = lines(&events);
    let begin = lines(&events[..2]).len();
    // The account is not one of these writes.
    let of_these = Verification { account: None, ..verification() };
    let verified = event(2_000, What::Verified(Box::new(of_these.clone())));
    for end in begin..=whole.len() {
        // Without its line break the last line is whole all the same.
        let (kept, torn) = if end + 1 >= whole.len() { (3, false) } else { (2, end > begin) };
        let record = on_disk(&whole[..end]);
        let (recorded, read_back) = events_of(&record).unwrap();
        assert_eq!((recorded.torn, &read_back[..]), (torn, &events[1..kept]), "cut at {end}");
        assert_eq!(recorded.run.ledger.counts().acknowledged, 5);

        let held = HeldRecord::hold(&record.path).unwrap();
        held.append(std::slice::from_ref(&verified)).unwrap();
        let (recorded, mut read_back) = events_of(&record).unwrap();
        assert!(!recorded.torn, "cut at {end}, repaired");
        assert_eq!(read_back.pop().as_ref(), Some(&verified));
        assert_eq!(read_back, events[1..kept], "cut at {end}, repaired");
        assert_eq!(recorded.run.verification, Some(of_these.clone()));
        assert_eq!(fs::read(&record.path).unwrap().last(), Some(&b'\n'));
    }
}

#[test]
fn a_header_cut_at_any_byte_is_no_record() {
    let whole = lines(&short_run()[..1]);
    for end in 1..whole.len() - 1 {
        match error_of(&whole[..end]) {
            RecordError::NotARecord { .. } => {}
            other => panic!("cut at {end}: {other:?}"),
        }
    }
    let (recorded, events) = events_of(&on_disk(&whole[..whole.len() - 1])).unwrap();
    assert!(!recorded.torn && events.is_empty());
}

#[test]
fn a_damaged_line_in_the_middle_is_named() {
    let events = short_run();
    for damage in ["{\"at_s\":0.7,\"event\":\"warning\"", "\u{0}\u{0}\u{0}", "{}", "[]", "no JSON"]
    {
        let mut bytes = lines(&events[..2]);
        bytes.extend_from_slice(damage.as_bytes());
        bytes.push(b'\n');
        bytes.extend(lines(&events[2..]));
        let error = error_of(&bytes);
        assert!(matches!(error, RecordError::Damaged { line: 3, .. }), "{damage}: {error:?}");
        let words = error.to_string();
        assert!(words.starts_with("line 3 of the record cannot be read: "), "{words}");
    }
    // An event of a kind that this version does not know cannot be left out: it could be a loss.
    let mut bytes = lines(&events[..2]);
    bytes.extend_from_slice(b"{\"at_s\":0.7,\"event\":\"invented\"}\n");
    bytes.extend(lines(&events[2..]));
    assert!(matches!(error_of(&bytes), RecordError::Damaged { line: 3, .. }));
}

#[test]
fn two_records_in_one_file_are_not_taken_for_one_run() {
    let events = short_run();
    let mut two = events.clone();
    two.extend(events);
    let error = error_of(&lines(&two));
    assert!(matches!(error, RecordError::Damaged { line: 4, .. }), "{error:?}");
    assert!(error.to_string().contains("another run begins"), "{error}");
}

#[test]
fn an_empty_file_is_an_empty_record() {
    assert_eq!(error_of(b""), RecordError::Empty);
    assert_eq!(error_of(b"\n"), RecordError::Empty);
    assert_eq!(error_of(b"\n \n"), RecordError::Empty);
    assert!(Replay::default().finish() == Err(RecordError::Empty));
}

#[test]
fn what_is_no_record_is_told_apart_from_one_of_the_future() {
    for bytes in [
        &b"hello\n"[..],
        b"{}\n",
        b"[1,2]\n",
        b"{\"event\":\"stopping\",\"at_s\":1,\"reason\":\"signal\"}\n",
        b"{\"event\":\"run\"}\n",
        b"{\"event\":\"run\",\"format\":\"one\"}\n",
        b"{\"event\":\"run\",\"format\":1}\n",
        b"\xff\xfe\x00",
        b"\x1f\x8b\x08\x00",
    ] {
        let error = error_of(bytes);
        assert!(matches!(error, RecordError::NotARecord { .. }), "{error:?}");
        assert!(error.to_string().starts_with("this is no pgchaos record"), "{error}");
    }
    let future = b"{\"event\":\"run\",\"format\":2,\"pgchaos\":\"9.0.0\",\"planet\":\"Mars\"}\n";
    let error = error_of(future);
    assert_eq!(error, RecordError::FutureFormat { found: 2, version: "9.0.0".to_owned() });
    let words = error.to_string();
    assert!(words.contains("format 2, written by pgchaos 9.0.0"), "{words}");
}

#[test]
fn a_record_is_never_overwritten_and_a_missing_one_is_named() {
    let record = on_disk(b"precious");
    let error = RecordWriter::create(&record.path).unwrap_err().to_string();
    assert!(error.contains("run.jsonl"), "{error}");
    assert_eq!(fs::read(&record.path).unwrap(), b"precious");
    fs::remove_file(&record.path).unwrap();
    let error = read(&record.path, |_| {}).unwrap_err().to_string();
    assert!(error.contains("run.jsonl cannot be read"), "{error}");
}

/// A record may come from anywhere: what servers are said to have said passes the gate as it is read.
#[test]
fn names_of_a_record_are_escaped_and_its_words_are_shortened_as_they_are_read() {
    let steering = "\u{1b}[2J\nFORGED\r\u{202e}x";
    let server = Server {
        member: Some(steering.to_owned()),
        address: Some("a".repeat(10_000)),
        system_identifier: Some(steering.to_owned()),
        ..Server::default()
    };
    let fault = Fault { message: "A".repeat(1_000_000), ..fault() };
    let json = serde_json::to_string(&server).unwrap();
    let read: Server = serde_json::from_str(&json).unwrap();
    let plain = "\\u{1b}[2J FORGED \\u{202e}x";
    assert_eq!(read.member.as_deref(), Some(plain));
    assert_eq!(read.system_identifier.as_deref(), Some(plain));
    assert_eq!(read.address.unwrap().chars().count(), 100);
    let json = serde_json::to_string(&fault).unwrap();
    let read: Fault = serde_json::from_str(&json).unwrap();
    assert_eq!(read.message.chars().count(), 1_000);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        whole in 0..all_kinds().len(),
        cut in any::<prop::sample::Index>(),
        flip in any::<u8>(),
    ) {
        let _ = decode(&bytes, 1);
        let _ = decode_header(&bytes);
        // A good line with one byte changed is nearer to what can go wrong.
        let mut line = encode(&event(81_300, all_kinds()[whole].clone())).unwrap().into_bytes();
        let at = cut.index(line.len());
        line[at] ^= flip;
        let _ = decode(&line, 1);
        let _ = decode_header(&line);
        let mut record = lines(&short_run()[..2]);
        record.extend_from_slice(&line);
        record.push(b'\n');
        record.extend_from_slice(&bytes);
        let record = on_disk(&record);
        let _ = events_of(&record);
        let held = HeldRecord::hold(&record.path).unwrap();
        let added = held.append(&[event(1, What::Ended { complete: true })]);
        prop_assert!(added.is_ok());
        let _ = events_of(&record);
    }

    #[test]
    fn lines_of_any_bytes_never_panic(
        lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8),
    ) {
        let mut replay = Replay::default();
        for line in &lines {
            match replay.line(line) {
                Ok(ReplayedLine::Header(_) | ReplayedLine::Event(_) | ReplayedLine::Nothing) => {}
                Err(_) => return Ok(()),
            }
        }
        let _ = replay.finish();
    }

    #[test]
    fn times_come_back_to_the_microsecond(us in 0..(30 * 24 * 3600 * 1_000_000_u64)) {
        let stalled = Stalled { writer: 1, seq: Some(1), since: Duration::from_micros(us) };
        let event = Event { at: Duration::from_micros(us), what: What::Stalled(stalled) };
        prop_assert_eq!(decode(encode(&event).unwrap().as_bytes(), 1), Ok(event));
    }
}

/// A header and a line with so much in it.
fn hostile(line: &[u8]) -> Vec<u8> {
    let mut bytes = lines(&short_run()[..1]);
    bytes.extend_from_slice(line);
    bytes
}

#[test]
fn a_line_that_no_run_writes_is_refused_before_it_is_read() {
    let number = |text: &str| text.repeat(40_000_000 / text.len());
    let of_list =
        [r#"{"event":"ended","at_s":1.0,"complete":true,"x":["#, &number("0,"), "0]}\n"].concat();
    let much = "it is longer than 4096 KiB".to_owned();
    let damaged = |reason: &str| RecordError::Damaged { line: 2, reason: reason.to_owned() };
    assert_eq!(error_of(&hostile(of_list.as_bytes())), damaged(&much));
    assert_eq!(error_of(&hostile(&vec![b'x'; 60_000_000])), damaged(&much), "without an end too");
    for value in ["0,", "[0],", "{\"\":0},", "\"\\n\","] {
        let text = value.repeat(4_000_000 / value.len());
        let line = format!("{{\"event\":\"closed\",\"at_s\":1.0,\"x\":[{text}0]}}\n");
        let many = "it has more values in it than a line has";
        assert_eq!(error_of(&hostile(line.as_bytes())), damaged(many), "{value}");
    }
    let header = format!("{{\"event\":\"run\",\"x\":\"{}\"}}\n", "x".repeat(65_536));
    let reason = "it is longer than 64 KiB".to_owned();
    assert_eq!(error_of(header.as_bytes()), RecordError::NotARecord { reason });
}

#[test]
fn the_writer_keeps_to_what_is_read() {
    let lost = |seq: i64| LostWrites {
        writer: 1,
        first_seq: seq,
        last_seq: seq,
        acknowledged_from: None,
        acknowledged_to: None,
    };
    let long = Verification { lost_writes: (0..100_000).map(lost).collect(), ..verification() };
    let line = encode(&event(1, What::Verified(Box::new(long)))).unwrap();
    let What::Verified(read) = decode(line.as_bytes(), 1).unwrap().what else { panic!("{line}") };
    assert!((1_000..100_000).contains(&read.lost_writes.len()), "{}", read.lost_writes.len());
    assert_eq!(read.account, verification().account, "which ones are lost is all there");
    let mut header = full_header();
    header.target.endpoints = "a".repeat(70_000);
    let error = encode(&event(0, What::Run(Box::new(header)))).unwrap_err().to_string();
    assert!(error.contains("longer than 64 KiB"), "{error}");
}

#[test]
fn an_event_that_is_not_known_is_named_and_no_other() {
    let error = decode(br#"{"event":"teleported","at_s":1.0}"#, 7).unwrap_err().to_string();
    assert!(error.contains("unknown variant `teleported`") && error.len() < 120, "{error}");
}

/// The most memory that `pgchaos report` of this file has taken by the time that it says what is wrong: nothing takes its
/// words before they are read.
#[cfg(target_os = "linux")]
fn most_kib(home: &Path, path: &Path) -> (u64, String) {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let (mut reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&vec![b'.'; 64 * 1024]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgchaos"));
    command.arg("report").arg(path).env("HOME", home).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(writer).spawn().unwrap();
    drop(command);
    let status = format!("/proc/{}/status", child.id());
    let deadline = Instant::now() + Duration::from_secs(120);
    let (mut most, mut asleep) = (0, 0);
    while asleep < 20 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        let text = fs::read_to_string(&status).unwrap_or_default();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let kib = field("VmHWM:").and_then(|kib| kib.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(kib.unwrap_or(0));
        let sleeps = field("State:").is_some_and(|state| state.trim().starts_with('S'));
        asleep = if sleeps && most > 0 { asleep + 1 } else { 0 };
    }
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    (most, said.trim_start_matches('.').to_owned())
}

/// What has no end, or never answers, is no record; and a line of any length takes little memory.
#[cfg(target_os = "linux")]
#[test]
fn a_hostile_file_is_refused_at_once_and_in_little_memory() {
    let home = tempfile::tempdir().unwrap();
    let fifo = home.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [fifo.as_path(), Path::new("/dev/zero")] {
        let (_, said) = most_kib(home.path(), path);
        assert!(said.contains("it is not a plain file"), "{}: {said}", path.display());
    }
    // The most that passes the measure, by each kind of value, and what does not pass. The end is
    // damage, so that each says something.
    let path = home.path().join("hostile.jsonl");
    fs::write(&path, hostile(b"x\nx\n")).unwrap();
    // The program itself, of which a debug build maps tens of MiB.
    let (of_program, _) = most_kib(home.path(), &path);
    let kinds = [("0,", 390_000), ("[0],", 75_000), ("{\"\":0},", 35_000), ("0,", 40_000_000)];
    for (value, count) in kinds {
        let text = value.repeat(count);
        let line = format!("{{\"event\":\"closed\",\"at_s\":1.0,\"x\":[{text}0]}}\nx\nx\n");
        fs::write(&path, hostile(line.as_bytes())).unwrap();
        let (most, said) = most_kib(home.path(), &path);
        assert!(said.contains("cannot be read"), "{value}: {said}");
        assert!(most > 0 && of_program > 0, "it was measured");
        let more = most.saturating_sub(of_program);
        println!("{value} {more} KiB beside {of_program}");
        assert!(more < 32 * 1024, "{value}: {more} KiB");
    }
}

#[test]
fn what_is_held_is_not_removed_nor_held_again_and_is_added_to_only_where_it_was() {
    let record = on_disk(&lines(&short_run()));
    let run = header(1).run_id;
    let held = HeldRecord::hold(&record.path).unwrap();
    let words = |refused: RecordFileError| refused.to_string();
    let in_use = "a running pgchaos writes or verifies it";
    assert!(words(remove(&record.path, run).unwrap_err()).contains(in_use));
    assert!(words(HeldRecord::hold(&record.path).unwrap_err()).contains(in_use));
    // An editor saves a file as a new one.
    let copy = record.path.with_extension("new");
    fs::copy(&record.path, &copy).unwrap();
    fs::rename(&copy, &record.path).unwrap();
    let before = fs::read(&record.path).unwrap();
    let refused = held.append(&[event(3_000, What::Closed)]).unwrap_err();
    assert!(words(refused).contains("another file is there by now"));
    assert_eq!(fs::read(&record.path).unwrap(), before);
    remove(&record.path, run).unwrap();
}
