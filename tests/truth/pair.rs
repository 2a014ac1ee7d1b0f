//! A primary and its streaming standby, both in the connection string: one at a time is the primary.

use uuid::Uuid;

use crate::books::{Said, Truth, Verdict, assert_true, line, lost_writes};
use crate::harness::Case;
use crate::one_server::{
    SOON, ask, run_id, start_load, verify, wait_for, wait_for_outage, wait_for_writes,
};
use crate::support::{Gen, Postgres, Proxy, Stop, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("pair::failover_with_all_wal_received", failover_with_all_wal_received),
    Case::alone("pair::switched_back_and_forth", switched_back_and_forth),
    Case::alone("pair::asynchronous_loss", asynchronous_loss),
    Case::alone(
        "pair::asynchronous_loss_through_one_endpoint",
        asynchronous_loss_through_one_endpoint,
    ),
    Case::alone("pair::only_the_old_primary_can_be_reached", only_the_old_primary_can_be_reached),
    Case::alone("pair::verify_after_clean_and_a_failover", verify_after_clean_and_a_failover),
    Case::alone(
        "pair::synchronous_wait_cancelled_then_failover",
        synchronous_wait_cancelled_then_failover,
    ),
];

/// A is the primary, B follows it; the string names A first. Each has its own wire.
pub(crate) struct Pair {
    pub(crate) a: Postgres,
    pub(crate) b: Postgres,
    pub(crate) to_a: Proxy,
    pub(crate) to_b: Proxy,
}

impl Pair {
    pub(crate) fn start() -> Self {
        let a = Postgres::start();
        let b = a.standby();
        let (to_a, to_b) = (Proxy::start(a.port()), Proxy::start(b.port()));
        Self { a, b, to_a, to_b }
    }

    /// A load with these arguments, and A first in its string.
    pub(crate) fn load(&self, args: &[&str]) -> Gen {
        let hosts = format!("127.0.0.1:{},127.0.0.1:{}", self.to_a.port(), self.to_b.port());
        let url = format!("postgresql://postgres:postgres@{hosts}/postgres");
        start_load(&url, args)
    }

    /// What is true of this run, if this server decides.
    pub(crate) fn truth(&self, run: Uuid, decides: &Postgres) -> Truth {
        Truth::of_wires(run, &[&self.to_a, &self.to_b]).on(decides, "postgres", run)
    }

    /// A stops with all of its WAL sent, and B is promoted; returns when B has taken writes.
    pub(crate) fn fail_over(&self, load: &Gen) {
        wait_for_standby(&self.b);
        self.a.stop(Stop::Fast);
        self.b.promote();
        wait_for_writes(&self.to_b, 30);
        wait_for_outage(load, 1);
    }

    /// Ends the load as a user does, and compares with what B has.
    #[track_caller]
    fn end_on_b(&self, load: Gen, verdict: Verdict) -> (Said, Truth, String) {
        let run = run_id(&load);
        let said = Said::from(&load.interrupt_and_finish());
        let truth = self.truth(run, &self.b);
        let line = assert_true(&said, &truth, &[verdict]);
        (said, truth, line)
    }
}

/// The timeline that a primary writes on.
pub(crate) fn timeline(primary: &Postgres) -> String {
    primary.psql("SELECT ltrim(left(pg_walfile_name(pg_current_wal_lsn()), 8), '0')")
}

/// Waits until the standby has the table and rows in it: it streams.
pub(crate) fn wait_for_standby(standby: &Postgres) {
    let some = "SELECT count(*) > 10 FROM pgchaos.user_events";
    wait_until(SOON, "the standby has some of it", || standby.try_psql(some).as_deref() == Ok("t"));
}

/// From here on the standby gets nothing more.
pub(crate) fn part(primary: &Postgres, standby: &Postgres) {
    standby.psql("ALTER SYSTEM SET primary_conninfo = ''");
    standby.psql("SELECT pg_reload_conf()");
    wait_until(SOON, "the standby does not stream", || {
        primary.psql("SELECT count(*) FROM pg_stat_replication") == "0"
    });
}

fn failover_with_all_wal_received() -> String {
    let pair = Pair::start();
    let load = pair.load(&["--rate=400"]);
    wait_for_writes(&pair.to_a, 60);
    pair.fail_over(&load);
    pair.end_on_b(load, Verdict::Pass).2
}

/// After a pass the rows are removed, and then B takes over: nothing tells whether a row that is
/// gone was removed or lost, so it is no loss, and no pass either.
fn verify_after_clean_and_a_failover() -> String {
    let pair = Pair::start();
    let load = pair.load(&[]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    let finished = load.interrupt_and_finish();
    let truth = pair.truth(run, &pair.a);
    let line = assert_true(&Said::from(&finished), &truth, &[Verdict::Pass]);
    assert_eq!(ask(&["clean", &pair.a.url(), "--run-id", &run.to_string()]).code, 0);
    let none = "SELECT count(*) = 0 FROM pgchaos.user_events";
    wait_until(SOON, "the standby has removed them", || {
        pair.b.try_psql(none).as_deref() == Ok("t")
    });
    pair.a.stop(Stop::Fast);
    pair.b.promote();
    let again = verify(&finished.record, &["--verify-timeout=20s"]);
    assert_eq!(again.summary["verification"]["lost"], 0, "false LOST: {}", again.words);
    assert_eq!(
        (again.code, &again.summary["verdict"]),
        (3, &"inconclusive".into()),
        "{}",
        again.words
    );
    assert!(again.summary["verification"]["since"].is_string(), "{:#}", again.summary);
    line
}

/// A → B, and back to A as B's standby.
fn switched_back_and_forth() -> String {
    let mut pair = Pair::start();
    let load = pair.load(&[]);
    wait_for_writes(&pair.to_a, 60);
    pair.fail_over(&load);
    let second = pair.b.standby();
    pair.to_a.retarget(second.port());
    wait_until(SOON, "the new standby streams", || {
        pair.b.psql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1"
    });
    pair.b.stop(Stop::Fast);
    second.promote();
    wait_for_outage(&load, 2);
    wait_for_writes(&pair.to_a, 30);
    pair.a = second;
    let run = run_id(&load);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pair.truth(run, &pair.a);
    assert_true(&said, &truth, &[Verdict::Pass])
}

fn asynchronous_loss() -> String {
    let pair = Pair::start();
    let load = pair.load(&[]);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    part(&pair.a, &pair.b);
    wait_for_writes(&pair.to_a, 60);
    pair.a.kill_postmaster();
    pair.b.promote();
    wait_for_outage(&load, 1);
    wait_for_writes(&pair.to_b, 30);
    let (_, truth, line) = pair.end_on_b(load, Verdict::Fail);
    assert!(truth.lost().len() >= 50, "{}", truth.lost().len());
    line
}

/// A proxy before both: the client sees one address.
fn asynchronous_loss_through_one_endpoint() -> String {
    let pair = Pair::start();
    let load = start_load(&pair.to_a.url(), &[]);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    part(&pair.a, &pair.b);
    wait_for_writes(&pair.to_a, 60);
    pair.to_a.refuse();
    wait_for(&load, 0, "outage_began");
    pair.b.promote();
    pair.to_a.retarget(pair.b.port());
    pair.to_a.pass();
    wait_for_outage(&load, 1);
    wait_for_writes(&pair.to_a, 30);
    let (_, truth, line) = pair.end_on_b(load, Verdict::Fail);
    assert!(truth.lost().len() >= 50, "{}", truth.lost().len());
    line
}

/// At the end B, where the run was, is away, and A is back as it was: A decides nothing.
fn only_the_old_primary_can_be_reached() -> String {
    let pair = Pair::start();
    // A writer that is still out when A is back may write there: two primaries, which are another case's.
    let load = pair.load(&["--verify-timeout=5s", "--max-two-primaries=1m"]);
    let run = run_id(&load);
    wait_for_writes(&pair.to_a, 60);
    pair.fail_over(&load);
    pair.to_a.refuse();
    let from = load.now();
    pair.to_b.refuse();
    load.wait_for_event_after(from, SOON, "B is away", |event| event["event"] == "outage_began");
    load.interrupt();
    wait_for(&load, 0, "stopping");
    pair.a.start_again();
    pair.to_a.pass();
    let said = Said::from(&load.finish());
    let truth = pair.truth(run, &pair.b);
    assert_true(&said, &truth, &[Verdict::Inconclusive])
}

/// Waits for a synchronous standby that has gone are cancelled: acknowledged locally, and lost with A.
fn synchronous_wait_cancelled_then_failover() -> String {
    let pair = Pair::start();
    let load = pair.load(&["--write-timeout=60s", "--stall-after=30s"]);
    wait_for_writes(&pair.to_a, 60);
    wait_for_standby(&pair.b);
    pair.a.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    pair.a.psql("SELECT pg_reload_conf()");
    wait_for_writes(&pair.to_a, 20);
    part(&pair.a, &pair.b);
    let cancel = "SELECT count(*) FROM
        (SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep') AS cancelled";
    wait_until(SOON, "four waits are cancelled", || {
        pair.a.psql(cancel);
        pair.to_a.wire().warned.len() >= 4
    });
    pair.a.kill_postmaster();
    pair.b.promote();
    wait_for_outage(&load, 1);
    wait_for_writes(&pair.to_b, 30);
    let (said, truth, _) = pair.end_on_b(load, Verdict::Fail);
    assert!(truth.warned.is_subset(&truth.lost()), "{:?}", truth.warned);
    assert_eq!(said.summary["writes"]["acknowledged_locally"], truth.warned.len());
    assert_eq!(lost_writes(&said.summary), truth.lost());
    let words = said.summary.to_string() + &said.words;
    assert!(words.contains("locally"), "the local ones among the lost are named apart");
    line(&said, &truth)
}
