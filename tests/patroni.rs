//! Patroni's API watched beside the load, on a real cluster: three etcd, three Patroni, HAProxy.
//!
//! `gen` is told of one member's API only, and the servers do not tell their names.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "patroni/lab.rs"]
mod lab;
mod support;
#[path = "lab/test_lab.rs"]
#[allow(dead_code, reason = "the lab's own tests use all of it")]
mod test_lab;

use lab::{DEADLINE, Lab};
use pgchaos::patroni::{PatroniError, Role};
use serde_json::{Value, json};
use support::{Finished, Gen};

/// Waits until it is told that this one leads, and that writes are acknowledged.
fn wait_for_load(load: &Gen, leader: &str) {
    load.wait_for_event(DEADLINE, "who leads", |event| {
        event["event"] == "leader" && event["to"] == leader
    });
    let connected = load.wait_for_event(DEADLINE, "a session", is("connected"));
    assert_eq!(connected["server"]["member"], leader, "the server hides its name");
    wait_for_writes(load, 0);
}

fn wait_for_writes(load: &Gen, from: usize) {
    load.wait_for_event_after(from, DEADLINE, "a write", is("written"));
}

fn is(name: &str) -> impl FnMut(&Value) -> bool + use<'_> {
    move |event| event["event"] == name
}

/// Waits for the end of the outage: of how many events it was among.
fn wait_for_outage(load: &Gen) -> Value {
    load.wait_for_event(DEADLINE, "the end of the outage", is("outage_ended"))
}

fn wait_for_leader(load: &Gen, from: usize, what: &str, to: &Value) -> Value {
    load.wait_for_event_after(from, DEADLINE, what, |event| {
        event["event"] == "leader" && event["to"] == *to
    })
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[track_caller]
fn assert_close(one: f64, other: f64) {
    assert!((one - other).abs() < 1e-3, "{one} is not {other}");
}

/// What the summary says of the leader's change is what was seen, and lies inside the outage.
fn assert_leader_changed(outage: &Value, seen: &Value) {
    let phases = &outage["phases_s"];
    let began = number(&outage["began_s"]);
    assert_close(number(&phases["leader_changed"]), number(&seen["at_s"]) - began);
    assert!(number(&phases["first_error"]) <= number(&phases["leader_changed"]), "{phases}");
    // The change itself was before the first write, though it may have been seen later.
    assert!(number(&seen["not_before_s"]) < number(&outage["first_ack_s"]), "{seen} {outage}");
}

#[test]
fn a_killed_leader_is_told_by_name_and_its_heir_within_the_outage() {
    let lab = Lab::up();
    let (old, _) = lab.leader();
    let load = lab.load();
    wait_for_load(&load, &old);

    let from = load.now();
    lab.succeed(["kill", &old]);
    load.wait_for_event_after(from, DEADLINE, "its API is gone", |event| {
        event["event"] == "patroni_api" && event["member"] == *old && event["error"].is_string()
    });
    let seen = load.wait_for_event_after(from, DEADLINE, "a new leader", |event| {
        event["event"] == "leader" && event["to"].is_string()
    });
    wait_for_outage(&load);
    let missing = lab.convergence().unwrap_err();
    assert!(missing.to_string().contains("connection refused"), "{missing}");
    lab.succeed(["start", &old]);
    let (new, _) = lab.leader();
    lab.wait_converged();
    load.wait_for_event_after(from, DEADLINE, "its API is back", |event| {
        event["event"] == "patroni_api" && event["member"] == *old && event["error"].is_null()
    });

    let finished = load.interrupt_and_finish();
    let outage = &finished.summary["outages"][0];
    assert_eq!(outage["kind"], "failover", "{}", finished.stderr);
    assert_eq!((&outage["from"]["member"], &outage["to"]["member"]), (&json!(old), &json!(new)));
    assert_eq!(seen["to"], new, "{}", finished.stderr);
    assert_leader_changed(outage, &seen);
    assert_proxy_followed(&finished, &old, &new);
}

/// HAProxy's page was read: sessions went to the old leader, and go to the new one since before the outage was over.
fn assert_proxy_followed(finished: &Finished, old: &str, new: &str) {
    let lanes = finished.summary["proxy"].as_array().unwrap();
    let states = |member: &str| -> Vec<(String, f64)> {
        let of_member = |lane: &&Value| lane["backend"] == "primary" && lane["member"] == member;
        let lane = lanes.iter().find(of_member).unwrap_or_else(|| panic!("{member}: {lanes:?}"));
        let states = lane["states"].as_array().unwrap().iter();
        states
            .map(|one| (one["state"].as_str().unwrap().to_owned(), number(&one["from_s"])))
            .collect()
    };
    let words = |states: &[(String, f64)]| -> Vec<String> {
        states.iter().map(|(word, _)| word.clone()).collect()
    };
    // A step on the way down can be over within a tenth of a second.
    let of_old = states(old);
    assert_eq!(of_old.first().unwrap().0, "up", "{of_old:?}");
    assert_eq!(of_old.last().unwrap().0, "down", "{of_old:?}");
    let of_new = states(new);
    assert_eq!(words(&of_new), ["down", "up"], "{of_new:?}");
    let outage = &finished.summary["outages"][0];
    let ended_s = number(&outage["began_s"]) + number(&outage["first_ack_s"]);
    // The look that saw it may have been a moment after the write.
    assert!(of_new[1].1 < ended_s + 1.0, "{of_new:?} {outage}");
    assert_eq!(finished.summary["proxy_page"][0]["error"], Value::Null);
}

#[test]
fn without_a_quorum_of_etcd_nobody_leads_whatever_the_cluster_says() {
    let lab = Lab::up();
    let (old, api) = lab.leader();
    let load = lab.load();
    wait_for_load(&load, &old);

    let from = load.now();
    lab.succeed(["pause", "etcd1", "etcd2"]);
    let nobody = wait_for_leader(&load, from, "nobody leads", &Value::Null);
    assert_eq!((&nobody["from"], &nobody["all_asked"]), (&json!(old), &json!(true)));
    // Where it answers at all, it still names a leader.
    if let Ok(cluster) = lab.wait(api.cluster()) {
        let named = cluster.members.iter().find(|member| member.role == Role::Primary);
        assert_eq!(named.map(|member| &member.name), Some(&old));
    }
    let missing = lab.convergence().unwrap_err();
    assert_eq!(missing.0, ["no member answers as the primary"]);

    load.wait_for_event_after(from, DEADLINE, "the outage", is("outage_began"));
    // HAProxy ends its sessions before that: with etcd back by then nothing would be demoted.
    load.wait_for_event_after(from, DEADLINE, "the leader's server is stopped", |event| {
        event["event"] == "member_changed"
            && event["member"] == old
            && event["state"] == "not_running"
    });
    let back = load.now();
    lab.succeed(["resume", "etcd1", "etcd2"]);
    let seen = load.wait_for_event_after(back, DEADLINE, "a leader again", |event| {
        event["event"] == "leader" && event["to"].is_string()
    });
    wait_for_outage(&load);
    lab.wait_converged();

    let finished = load.interrupt_and_finish();
    let outage = &finished.summary["outages"][0];
    // The member that gets the key first may hand it on before it is promoted.
    let expected = if outage["to"]["member"] == old { "demotion" } else { "failover" };
    assert_eq!(outage["kind"], expected, "{}", finished.stderr);
    assert_leader_changed(outage, &seen);
}

#[test]
fn a_switchover_is_told_from_a_failover_by_patroni_and_refused_in_its_words() {
    let lab = Lab::up();
    let (old, api) = lab.leader();
    let refused = lab.wait(api.switchover("nobody", None)).unwrap_err();
    assert!(matches!(refused, PatroniError::Said { status: 412, .. }), "{refused:?}");
    assert!(refused.to_string().contains("leader name does not match"), "{refused}");

    let load = lab.load();
    wait_for_load(&load, &old);
    lab.wait(api.switchover(&old, None)).unwrap();
    wait_for_outage(&load);
    load.wait_for_event(DEADLINE, "the kind is known", |event| {
        event["kind"] == "switchover"
            && matches!(event["event"].as_str(), Some("reclassified" | "outage_ended"))
    });
    let whole = lab.wait_converged();
    let (new, new_api) = lab.leader();
    assert_eq!((whole.timeline, whole.members.len()), (2, 3));
    let history = lab.wait(new_api.history()).unwrap();
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!((history[0].timeline, history[0].new_leader.as_ref()), (1, Some(&new)));
    let config = lab.wait(api.config()).unwrap();
    assert!(config.ttl_s > config.loop_wait_s && !config.synchronous_mode, "{config:?}");

    let finished = load.interrupt_and_finish();
    let outage = &finished.summary["outages"][0];
    assert_eq!(outage["kind"], "switchover", "{}", finished.stderr);
    assert_eq!((&outage["from"]["member"], &outage["to"]["member"]), (&json!(old), &json!(new)));
}

/// Stopped and started again by hand within seconds: it says goodbye, and soon it streams as a
/// replica, as in a switchover. Only that its Patroni was away tells.
#[test]
fn a_leader_that_is_stopped_and_started_again_was_no_switchover() {
    let lab = Lab::up();
    let (old, _) = lab.leader();
    let load = lab.load();
    wait_for_load(&load, &old);

    let from = load.now();
    lab.succeed(["stop", &old]);
    load.wait_for_event_after(from, DEADLINE, "its API is away", |event| {
        event["event"] == "patroni_api" && event["member"] == *old && event["error"].is_string()
    });
    lab.succeed(["start", &old]);
    let ended = wait_for_outage(&load);
    lab.wait_converged();
    // By then the old primary's return has been looked for, and would have been taken for one
    // that stayed.
    let settled = number(&ended["began_s"]) + 8.0;
    load.wait_for_event_after(from, DEADLINE, "the kind is settled", |event| {
        event["event"] == "written" && number(&event["at_s"]) > settled
    });

    let finished = load.interrupt_and_finish();
    let outage = &finished.summary["outages"][0];
    assert_eq!(outage["kind"], "failover", "{}", finished.stderr);
    assert_eq!(finished.events_named("reclassified"), Vec::<&Value>::new());
    assert_eq!(outage["from"]["member"], old);
    assert!(outage["phases_s"]["leader_changed"].is_number(), "{outage}");
}
