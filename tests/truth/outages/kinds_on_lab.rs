//! The kinds of outages that only a cluster has, by their real causes, with and without a watch over Patroni.
//!
//! All members are on 127.0.0.1, and so are their replicas. Where a load hides the members' names, its servers do not
//! tell them (`pgchaos.member`), as most clusters.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::kinds::gap_s;
use super::lengths::assert_exact;
use crate::harness::Case;
use crate::lab::{MEMBERS, Stage};
use crate::one_server::{SOON, run_id, wait_for, wait_for_writes};
use crate::support::{Gen, Proxy, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::on_lab("outages::lab::failover", |stage| failover(stage, Told::Nothing)),
    Case::on_lab("outages::lab::failover_with_patroni", |stage| failover(stage, Told::Patroni)),
    Case::on_lab("outages::lab::failover_after_a_goodbye", stopped),
    Case::on_lab("outages::lab::switchover", |stage| switchover(stage, Told::Nothing)),
    Case::on_lab("outages::lab::switchover_with_patroni", |stage| switchover(stage, Told::Patroni)),
    Case::on_lab("outages::lab::demotion", |stage| demotion(stage, Told::Names)),
    Case::on_lab("outages::lab::demotion_with_patroni", |stage| demotion(stage, Told::Patroni)),
    Case::on_lab("outages::lab::postmaster_killed", |stage| postmaster_killed(stage, Told::Names)),
    Case::on_lab("outages::lab::postmaster_killed_with_patroni", |stage| {
        postmaster_killed(stage, Told::Patroni)
    }),
];

/// What tells the load of members.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    /// Nothing.
    Nothing,
    /// Their servers, by their names.
    Names,
    /// Patroni alone.
    Patroni,
}

struct OnLab<'a> {
    stage: &'a Stage,
    wire: Proxy,
    load: Gen,
    old: usize,
    /// Where its log was when it had written for a while: an outage from there on is the story's.
    from: usize,
}

impl<'a> OnLab<'a> {
    fn start(stage: &'a Stage, told: Told) -> Self {
        let old = stage.wait_until_healthy();
        Self::start_on(stage, told, old, stage.wire())
    }

    /// The same when the others are stopped: no other than the leader can be promoted. Without Patroni only a goodbye tells
    /// that it gave up, and `HAProxy` may cut the sessions before it comes: then the way leads to the leader itself.
    fn start_alone(stage: &'a Stage, told: Told) -> Self {
        let old = stage.wait_until_healthy();
        for other in (0..MEMBERS.len()).filter(|member| *member != old) {
            stage.lab(&["stop", MEMBERS[other]]);
        }
        let wire = if told == Told::Patroni { stage.wire() } else { stage.wire_to(old) };
        Self::start_on(stage, told, old, wire)
    }

    fn start_on(stage: &'a Stage, told: Told, old: usize, wire: Proxy) -> Self {
        let hidden = if told == Told::Names { "" } else { "?options=-c%20pgchaos.member%3D" };
        let url = format!("{}{hidden}", wire.url());
        let load =
            if told == Told::Patroni { stage.load(&url) } else { stage.unwatched_load(&url) };
        wait_for_writes(&wire, 100);
        let from = load.now();
        Self { stage, wire, load, old, from }
    }

    /// Waits for the end of its outage.
    fn wait_for_outage(&self) -> Value {
        wait_for(&self.load, self.from, "outage_ended")
    }

    /// Ends it when its outage's kind is known, and gives that outage.
    fn end(self, kind: &str) -> (Value, String) {
        let ended = self.wait_for_outage();
        let n = &ended["n"];
        if ended["kind"] != kind {
            // What is known later is told later.
            let deadline = std::time::Duration::from_secs(40);
            self.load.wait_for_event(deadline, &format!("it was a {kind}, not {ended}"), |event| {
                event["event"] == "reclassified" && event["outage"] == *n && event["kind"] == kind
            });
        }
        wait_for_writes(&self.wire, 30);
        let run = run_id(&self.load);
        let (said, line) = self.stage.end_with(self.load, &self.wire);
        let mut outages = said.summary["outages"].as_array().into_iter().flatten();
        let outage = outages.find(|outage| outage["n"] == *n).expect("it is in the summary");
        assert_eq!(outage["kind"], kind, "{}", said.words);
        let (duration, gap) = (
            outage["duration_s"].as_f64().unwrap(),
            gap_s(|sql| self.stage.psql(sql), run, outage),
        );
        let lost = said.summary["verification"]["lost"].as_u64().unwrap_or(0);
        // The rows are of two servers, and their clock is one. Rows that are lost make the gap longer than what the
        // client saw.
        assert_exact(duration, if lost == 0 { gap } else { gap.min(duration) }, outage);
        (outage.clone(), format!("{kind} of {duration:.3} s, {gap:.3} s between the rows · {line}"))
    }
}

fn failover(stage: &Stage, told: Told) -> String {
    let run = OnLab::start(stage, told);
    stage.lab(&["kill", MEMBERS[run.old]]);
    run.wait_for_outage();
    stage.lab(&["start", MEMBERS[run.old]]);
    run.end("failover").1
}

/// The leader says goodbye and stays away; the third member comes from its address.
fn stopped(stage: &Stage) -> String {
    let run = OnLab::start(stage, Told::Nothing);
    stage.lab(&["stop", MEMBERS[run.old]]);
    run.wait_for_outage();
    // So long a primary that stays is looked for.
    let settled = run.load.now();
    wait_for_writes(&run.wire, 700);
    let events = run.load.events();
    let reclassified = events[settled..].iter().find(|event| event["event"] == "reclassified");
    assert_eq!(reclassified, None);
    stage.lab(&["start", MEMBERS[run.old]]);
    run.end("failover").1
}

/// Where only a goodbye tells of a switchover, `HAProxy` may cut the sessions before it comes: what is left is a failover,
/// and the next one is watched.
fn switchover(stage: &Stage, told: Told) -> String {
    for _ in 0..5 {
        let run = OnLab::start(stage, told);
        stage.hand_over(run.old);
        run.wait_for_outage();
        let heard = told != Told::Nothing
            || run.load.events().iter().any(|event| event["fault"]["sqlstate"] == "57P01");
        let (_, line) = run.end(if heard { "switchover" } else { "failover" });
        if heard {
            return line;
        }
    }
    panic!("five times in turn no goodbye came");
}

/// Without a quorum of etcd the leader gives up; with it again it is promoted, as it is alone.
fn demotion(stage: &Stage, told: Told) -> String {
    let run = OnLab::start_alone(stage, told);
    let server = Pid::from_raw(stage.postmaster(run.old));
    stage.lab(&["pause", "etcd1", "etcd2"]);
    wait_for(&run.load, run.from, "outage_began");
    stage.wait_for_no_leader();
    // Patroni says so before it acts: with etcd back by then it would go on, and nothing would be demoted.
    wait_until(SOON, "the leader's server is stopped", || kill(server, None).is_err());
    stage.lab(&["resume", "etcd1", "etcd2"]);
    run.end("demotion").1
}

/// Its processes say 57P01, as they do in a shutdown; Patroni starts it again, or another one takes over.
fn postmaster_killed(stage: &Stage, told: Told) -> String {
    let run = OnLab::start(stage, told);
    let pid = stage.postmaster(run.old);
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let ended = run.wait_for_outage();
    let same = ended["from"]["address"] == ended["to"]["address"];
    let (outage, line) = run.end(if same { "restart" } else { "failover" });
    assert_eq!(outage["detail"], json!(null));
    line
}
