//! Two servers that both take writes: which of them decides, and when none does.

use uuid::Uuid;

use crate::books::{Said, Truth, Verdict, assert_true};
use crate::harness::Case;
use crate::one_server::{run_id, verify, wait_for_outage, wait_for_writes};
use crate::pair::{Pair, timeline, wait_for_standby};
use crate::support::{Gen, Postgres, Proxy, Stop};

pub(crate) const CASES: &[Case] = &[
    Case::alone("pair::old_primary_back_first_in_the_string", old_primary_back_first_in_the_string),
    Case::alone("pair::verify_with_the_old_primary_back", verify_with_the_old_primary_back),
    Case::alone("pair::both_written_to_old_one_first", both_written_to_old_one_first),
    Case::alone("pair::both_promoted_on_one_timeline", both_promoted_on_one_timeline),
    Case::alone("pair::standby_promoted_by_accident", standby_promoted_by_accident),
];

/// A load that has written to A, the primary, which is down, and goes on at B.
fn failed_over() -> (Pair, Gen, Uuid) {
    let pair = Pair::start();
    let load = pair.load(&[]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    pair.fail_over(&load);
    (pair, load, run)
}

fn old_primary_back_first_in_the_string() -> String {
    let (pair, load, run) = failed_over();
    pair.a.start_again();
    assert_eq!(
        pair.a.psql("SELECT pg_is_in_recovery()"),
        "f",
        "it is a primary again, of timeline 1"
    );
    wait_for_writes(&pair.to_b, 60);
    let said = Said::from(&load.interrupt_and_finish());
    assert_true(&said, &pair.truth(run, &pair.b), &[Verdict::Pass])
}

fn verify_with_the_old_primary_back() -> String {
    let (pair, load, run) = failed_over();
    let finished = load.interrupt_and_finish();
    let truth = pair.truth(run, &pair.b);
    assert_true(&Said::from(&finished), &truth, &[Verdict::Pass]);
    pair.a.start_again();
    assert_true(&verify(&finished.record, &[]), &truth, &[Verdict::Pass])
}

/// Written to A again after B had taken writes: what is on A alone is lost, whichever answers first.
fn both_written_to_old_one_first() -> String {
    let (pair, load, run) = failed_over();
    pair.a.start_again();
    // A way to B that is away for a moment sends the writers to A.
    pair.to_b.refuse();
    wait_for_writes(&pair.to_a, 40);
    pair.to_b.pass();
    wait_for_writes(&pair.to_a, 20);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pair.truth(run, &pair.b);
    assert!(truth.lost().len() >= 60, "written to A alone: {}", truth.lost().len());
    let line = assert_true(&said, &truth, &[Verdict::Fail]);
    let named = said.summary["two_primaries"].as_array().is_some_and(|windows| !windows.is_empty());
    assert!(named, "two primaries are named: {}", said.summary["two_primaries"]);
    line
}

/// B and C were each promoted alone and share the number of their timeline: none outranks the other.
fn both_promoted_on_one_timeline() -> String {
    let a = Postgres::start();
    let (b, c) = (a.standby(), a.standby());
    let wires = [&a, &b, &c].map(|server| Proxy::start(server.port()));
    let hosts = wires.each_ref().map(|wire| format!("127.0.0.1:{}", wire.port())).join(",");
    let url = format!("postgresql://postgres:postgres@{hosts}/postgres");
    let load = Gen::start([&*url, "--rate=100", "--writers=2", "--verify-timeout=10s"]);
    let run = run_id(&load);
    let [to_a, to_b, to_c] = &wires;
    wait_for_writes(to_a, 60);
    wait_for_standby(&b);
    wait_for_standby(&c);
    a.stop(Stop::Fast);
    to_c.refuse();
    b.promote();
    c.promote();
    wait_for_outage(&load, 1);
    wait_for_writes(to_b, 40);
    to_b.refuse();
    to_c.pass();
    wait_for_writes(to_c, 40);
    to_b.pass();
    let said = Said::from(&load.interrupt_and_finish());
    for server in [&b, &c] {
        assert_eq!(timeline(server), "2");
    }
    let truth = Truth::of_wires(run, &[to_a, to_b, to_c]).on(&c, "postgres", run);
    assert_true(&said, &truth, &[Verdict::Inconclusive])
}

/// The run is on A to the end, and its standby has become a primary of a higher timeline: which of them the cluster
/// keeps is not known.
fn standby_promoted_by_accident() -> String {
    let pair = Pair::start();
    let load = pair.load(&["--verify-timeout=10s"]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    pair.b.promote();
    wait_for_writes(&pair.to_a, 40);
    assert_eq!((timeline(&pair.a), timeline(&pair.b)), ("1".to_owned(), "2".to_owned()));
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pair.truth(run, &pair.a);
    assert!(truth.lost().is_empty());
    let line = assert_true(&said, &truth, &[Verdict::Inconclusive]);
    let reasons = said.summary["reasons"].to_string();
    for (server, wire) in [(&pair.a, &pair.to_a), (&pair.b, &pair.to_b)] {
        let is_named =
            [server.port(), wire.port()].iter().any(|port| reasons.contains(&port.to_string()));
        assert!(is_named, "what each holds is said: {reasons}");
    }
    line
}
