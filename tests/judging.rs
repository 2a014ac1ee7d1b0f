//! What a drill expects against what a run lived through, as literal histories: which outage followed which step, and
//! what each expectation comes to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(dead_code, unreachable_pub, reason = "samples are shared between test crates")]

#[path = "support/samples.rs"]
mod samples;

use std::time::Duration;

use pgchaos::model::cluster::server::Server;
use pgchaos::model::cluster::server::ServerProcess;
use pgchaos::model::event::{
    Connected, Event, Failure, Header, Interval, OutageBegan, Ready, StopReason, Verification, What,
};
use pgchaos::model::fault::{Class, Fault, Phase};
use pgchaos::model::ledger::account::{Account, Counts};
use pgchaos::model::ledger::progress::Progress;
use pgchaos::model::ledger::seq_set::SeqSet;
use pgchaos::model::load::options::Thresholds;
use pgchaos::model::outage::Outage;
use pgchaos::model::outage::injection::Injected;
use pgchaos::model::outage::kind::Kind;
use pgchaos::model::outcome::Outcome;
use pgchaos::model::run::Run;
use pgchaos::model::run::summarize::sum_up;
use pgchaos::model::run::summary::Summary;
use pgchaos::model::scenario::Scenario;
use pgchaos::model::scenario::judging::{Judged, Played, judge, outcome};

const SCENARIO: &str = "
title = 'x'
[[step]]
kill = 'leader'
as = 'old'
expect = { outages = 1, kind = 'failover', errors-in-order = ['connection_lost', 'no_backend'], lost = 2, longest-outage = '10s' }
[[step]]
wait = 'recovered'
[[step]]
start = 'old'
expect = { outages = 0, no-errors = ['sql'] }
[expect]
outages = '1..2'
kinds = [['failover', 'demotion']]
lost = '<= 2'
availability = 50
[[expect.counted]]
exec = 'count'
equals = 'present'
";

fn scenario() -> Scenario {
    Scenario::read("mine", "mine.toml", SCENARIO).unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn header() -> Header {
    let mut header = samples::header(1);
    header.options = scenario().load;
    header.thresholds =
        Thresholds { max_lost: scenario().expect.max_lost(), ..Thresholds::default() };
    header
}

fn injected(step: u32, action: &str, target: &str) -> What {
    let (action, target) = (action.to_owned(), target.to_owned());
    What::Injected(Injected { step, action, target, member: Some("patroni2".to_owned()) })
}

fn fault(class: Class) -> What {
    let fault = Fault {
        class,
        phase: Phase::Write,
        sqlstate: None,
        postmaster_died: false,
        connect_cause: None,
        tls_cause: None,
        message: "gone".to_owned(),
        endpoint: "h:1".to_owned(),
        own_limit: None,
    };
    let (in_doubt, rejected) = (SeqSet::new(), SeqSet::new());
    What::Fault(Failure { writer: Some(1), fault, in_doubt, rejected })
}

/// An outage as the recorder makes it: what it followed is what the run knows when it ends.
fn outage(run: &Run, n: u32, began: Duration) -> What {
    What::OutageEnded(Box::new(Outage {
        n,
        kind: Kind::Failover,
        detail: None,
        began_at: run.header.started_at + began,
        began,
        duration: ms(5300),
        degraded: ms(5300),
        first_ack: Some(began + ms(5300)),
        attempts: 1,
        fault: run.cause_of(n, began),
        ..Outage::default()
    }))
}

fn verified(lost: Option<u64>) -> What {
    let account = lost.map(|lost| Account {
        counts: Counts { present: 100 - lost, lost, ..Counts::default() },
        lost_writes: [(1, SeqSet::range(11 - i64::try_from(lost).unwrap(), 10))].into(),
        ..Account::default()
    });
    let account = account.map(|mut account| {
        if account.counts.lost == 0 {
            account.lost_writes.clear();
        }
        account
    });
    let reason = account.is_none().then(|| "nobody answers".to_owned());
    let (lost_writes, server, took) = (vec![], None, Duration::ZERO);
    What::Verified(Box::new(Verification {
        account,
        lost_writes,
        reason,
        server,
        notes: vec![],
        holds: vec![],
        took,
    }))
}

fn interval(acknowledged: u64, writers: Vec<Progress>) -> What {
    What::Interval(Box::new(Interval {
        due: acknowledged,
        acknowledged,
        writers,
        ..Interval::default()
    }))
}

/// Ten writes, the leader is killed while the eleventh is on its way, five seconds without, ninety more writes.
fn history(lost: Option<u64>) -> Summary {
    let mut run = Run::new(header());
    let at = |run: &mut Run, at: u64, what: What| run.apply(&Event { at: ms(at), what });
    let server = Server::default();
    let backend = ServerProcess { pid: 1, start: None, pooled: false };
    at(&mut run, 10, What::Ready(Ready { server: server.clone(), created: false }));
    at(&mut run, 20, What::Connected(Connected { writer: 1, server, backend, abandoned: 0 }));
    let progress = |seq| vec![Progress { writer: 1, attempted: seq, resolved: seq }];
    at(&mut run, 2000, interval(10, progress(10)));
    at(&mut run, 2100, injected(1, "kill", "leader"));
    at(&mut run, 2110, fault(Class::ConnectionLost));
    let began = OutageBegan { n: 1, began: ms(2090), writers: progress(10) };
    at(&mut run, 2111, What::OutageBegan(began));
    at(&mut run, 2150, What::InjectionEnded { step: 1, took: ms(50) });
    at(&mut run, 2900, fault(Class::Timeout));
    at(&mut run, 3000, fault(Class::NoBackend));
    let ended = outage(&run, 1, ms(2090));
    at(&mut run, 7390, ended);
    at(&mut run, 9000, interval(90, progress(100)));
    at(&mut run, 9100, injected(3, "start", "old"));
    at(&mut run, 9900, What::Stopping { reason: StopReason::Signal, writers_out: 0 });
    at(&mut run, 9950, What::Closed);
    at(&mut run, 9990, verified(lost));
    sum_up(&run)
}

/// What is told of one step's end is not taken for another's.
#[test]
fn an_end_is_that_of_its_own_step() {
    let mut run = Run::new(header());
    let at = |run: &mut Run, at: u64, what: What| run.apply(&Event { at: ms(at), what });
    at(&mut run, 1000, injected(1, "kill", "leader"));
    at(&mut run, 1100, injected(3, "start", "old"));
    at(&mut run, 1150, What::InjectionEnded { step: 1, took: ms(150) });
    at(&mut run, 1160, What::InjectionEnded { step: 2, took: ms(9) });
    let took: Vec<_> = run.injections.iter().map(|injection| injection.took).collect();
    assert_eq!(took, [Some(ms(150)), None]);
}

fn played() -> Played {
    Played { reached: 3, counted: vec![Ok(98)], ..Played::default() }
}

fn told(judged: &[Judged]) -> Vec<String> {
    judged
        .iter()
        .map(|one| {
            format!("{} | {} | {} | {} | {}", one.outcome, one.of, one.what, one.expected, one.seen)
        })
        .collect()
}

#[test]
fn a_drill_that_went_as_expected_passes_expectation_by_expectation() {
    let summary = history(Some(2));
    let cause = summary.outages[0].fault.as_ref().unwrap();
    // The write that was cut off had been sent before the kill.
    assert_eq!((cause.what.step, cause.at, cause.evidence_after), (1, ms(2100), ms(0)));
    let judged = judge(&scenario(), &summary, &played());
    assert_eq!(
        told(&judged),
        [
            "pass | step 1: kill leader (patroni2) | outages | exactly 1 | 1",
            "pass | step 1: kill leader (patroni2) | kind | failover | failover",
            "pass | step 1: kill leader (patroni2) | longest outage | at most 10s | 5.3 s",
            "pass | step 1: kill leader (patroni2) | errors | connection_lost, then no_backend | connection_lost, timeout, no_backend",
            "pass | step 1: kill leader (patroni2) | lost | exactly 2 | 2",
            "pass | step 3: start old (patroni2) | outages | none | none",
            "pass | step 3: start old (patroni2) | errors | no sql | none",
            "pass | run | outages | 1 to 2 | 1",
            "pass | run | kinds | failover or demotion | failover",
            "pass | run | lost | at most 2 | 2",
            "pass | run | availability | at least 50 % | 100 %",
            "pass | run | rows there, counted by a command | 98, as pgchaos says | 98",
            "pass | run | verdict | pass | pass",
        ]
    );
    assert_eq!(outcome(&judged), Outcome::Pass);
}

#[test]
fn a_loss_that_was_not_expected_fails_and_one_that_was_missed_too() {
    for (lost, wrong) in [(3, 4), (0, 2)] {
        let judged = judge(&scenario(), &history(Some(lost)), &played());
        let failed: Vec<_> = judged
            .iter()
            .filter(|one| one.outcome == Outcome::Fail)
            .map(|one| &*one.what)
            .collect();
        assert_eq!(failed.len(), wrong, "{lost}: {:#?}", told(&judged));
        assert!(failed.contains(&"lost"), "{failed:?}");
        assert_eq!(outcome(&judged), Outcome::Fail);
    }
}

#[test]
fn what_could_not_be_verified_is_never_a_pass() {
    let judged = judge(&scenario(), &history(None), &played());
    let unseen: Vec<_> = judged
        .iter()
        .filter(|one| one.outcome == Outcome::Inconclusive)
        .map(|one| &*one.what)
        .collect();
    assert_eq!(unseen, ["lost", "lost", "rows there, counted by a command", "verdict"]);
    assert_eq!(outcome(&judged), Outcome::Inconclusive);
}

#[test]
fn what_pgchaos_itself_could_not_do_fails_no_limit_of_a_drill() {
    let text = SCENARIO.replace("longest-outage = '10s'", "longest-outage = '1s'");
    let strict = Scenario::read(
        "mine",
        "mine.toml",
        &text.replace("availability = 50", "availability = 99"),
    );
    let outcomes = |summary: &Summary| -> Vec<Outcome> {
        let judged = judge(strict.as_ref().unwrap(), summary, &played());
        let of_time = |one: &&Judged| matches!(&*one.what, "longest outage" | "availability");
        judged.iter().filter(of_time).map(|one| one.outcome).collect()
    };
    let mut summary = history(Some(2));
    summary.rate.availability_pct = Some(70.0);
    assert_eq!(outcomes(&summary), [Outcome::Fail; 2]);
    summary.own_limits = vec!["pgchaos itself ran out of ports once".to_owned()];
    assert_eq!(outcomes(&summary), [Outcome::Inconclusive; 2]);
}

#[test]
fn a_pause_of_pgchaos_itself_leaves_the_availability_open() {
    let judged = |at_least: f64| {
        let mut summary = history(Some(2));
        summary.rate.availability_pct = Some(100.0);
        summary.rate.availability_at_least_pct = Some(at_least);
        let judged = judge(&scenario(), &summary, &played());
        judged.into_iter().find(|one| one.what == "availability").unwrap().outcome
    };
    assert_eq!((judged(49.9), judged(50.0)), (Outcome::Inconclusive, Outcome::Pass));
}

#[test]
fn steps_that_were_not_reached_are_not_judged_as_if_they_were() {
    let played = Played {
        reached: 2,
        waited_in_vain: Some((2, "wait until recovered".to_owned(), "still no write".to_owned())),
        counted: vec![Err("no number: \"\"".to_owned())],
        ..Played::default()
    };
    let judged = judge(&scenario(), &history(Some(2)), &played);
    let told = told(&judged);
    let has = |line: &str| assert!(told.iter().any(|told| told == line), "{line}\n{told:#?}");
    has("fail | step 2 | wait | wait until recovered | still no write");
    has(
        "inconclusive | step 3: start old (patroni2) | what follows it | as the drill says | not reached",
    );
    has(
        "inconclusive | run | rows there, counted by a command | 98, as pgchaos says | no number: \"\"",
    );
    assert_eq!(outcome(&judged), Outcome::Fail);
    let cut =
        Played { cut_short: Some("stopped by Ctrl-C".to_owned()), reached: 3, ..self::played() };
    assert_eq!(outcome(&judge(&scenario(), &history(Some(2)), &cut)), Outcome::Inconclusive);
}

#[test]
fn a_drill_that_was_stopped_fails_by_what_no_later_step_could_have_mended_alone() {
    let cut = || Played {
        cut_short: Some("stopped by Ctrl-C".to_owned()),
        reached: 1,
        counted: vec![Err("not counted".to_owned())],
        ..played()
    };
    // Too few lost for step 1, and the rest of it as well: more could have come.
    assert_eq!(outcome(&judge(&scenario(), &history(Some(0)), &cut())), Outcome::Inconclusive);
    // More than may be lost at all.
    assert_eq!(outcome(&judge(&scenario(), &history(Some(3)), &cut())), Outcome::Fail);
    // A command that counts otherwise than pgchaos.
    let miscounted = Played { counted: vec![Ok(1)], ..cut() };
    assert_eq!(outcome(&judge(&scenario(), &history(Some(2)), &miscounted)), Outcome::Fail);
}
