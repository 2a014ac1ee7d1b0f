//! `gen --patroni` where no API says which server leads: the load goes on, has no outage, and ends
//! with a verdict that is inconclusive, as the server that decides is not known.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use crate::server::{http, patroni, server};
use crate::support::{Finished, Gen, Postgres};

const DEADLINE: Duration = Duration::from_secs(60);

/// Where no API answers as Patroni does.
const NOT_ASKED: &str = "Patroni could not be asked which member leads: ";

fn load(postgres: &Postgres, patroni: &str) -> Gen {
    let url = postgres.url();
    // The verification waits for a leader until then. A server that waits for a processor is no outage.
    let waits = ["--verify-timeout=3s", "--stall-after=20s"];
    Gen::start([&*url, "-r", "10", "--patroni", patroni].into_iter().chain(waits))
}

fn wait_for_api(load: &Gen, is_it: impl Fn(&Value) -> bool) -> Value {
    load.wait_for_event(DEADLINE, "what became of the API", |event| {
        event["event"] == "patroni_api" && is_it(event)
    })
}

/// After another second of writing. The load is measured and ends; only what Patroni was to say is
/// missing from the verdict.
fn finish(load: Gen, why: &str) -> Finished {
    let from = load.now();
    let written = |event: &Value| event["event"] == "written";
    let first = load.wait_for_event_after(from, DEADLINE, "a write", written);
    let later = first["at_s"].as_f64().unwrap() + 1.0;
    load.wait_for_event_after(from, DEADLINE, "later writes", |event| {
        written(event) && event["at_s"].as_f64() > Some(later)
    });
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    assert_eq!(finished.summary["outages"], serde_json::json!([]));
    let writes = &finished.summary["writes"];
    assert_eq!(writes["acknowledged"], writes["attempted"], "{writes}");
    assert_eq!(finished.summary["verdict"], "inconclusive", "{}", finished.stderr);
    let reasons = finished.summary["reasons"].as_array().unwrap();
    let [reason] = reasons.as_slice() else { panic!("one reason: {reasons:?}") };
    let reason = reason.as_str().unwrap();
    assert!(reason.starts_with("the verification is not complete: "), "{reason}");
    assert!(reason.contains(why), "{reason}");
    finished
}

#[test]
fn a_server_that_is_not_patroni_is_told_once() {
    let postgres = Postgres::start();
    let url = server(http("200 OK", "text/html", "<html>It works!</html>"));
    let load = load(&postgres, &url);
    let told = wait_for_api(&load, |_| true);
    assert_eq!((&told["url"], &told["watched"]), (&url.into(), &true.into()));
    let error = told["error"].as_str().unwrap();
    assert_eq!(error, "answered 200, no JSON: \"<html>It works!</html>\": that is no Patroni API");
    let finished = finish(load, NOT_ASKED);
    assert_eq!(finished.events_named("patroni_api").len(), 1, "{}", finished.stderr);
    assert_eq!(finished.events_named("leader").len(), 0, "{}", finished.stderr);
}

#[test]
fn an_api_that_is_silent_holds_nobody_up() {
    let postgres = Postgres::start();
    // Bound, and never accepting.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let load = load(&postgres, &listener.local_addr().unwrap().to_string());
    let told = wait_for_api(&load, |_| true);
    assert_eq!(told["error"], "no answer within 1 s");
    finish(load, NOT_ASKED);
}

/// As outside of Docker's network: the others are named by names that lead nowhere from here.
#[test]
fn a_member_that_cannot_be_reached_from_here_is_told_and_nothing_is_claimed_of_it() {
    let postgres = Postgres::start();
    let url = patroni(false, REPLICA, CLUSTER);
    let load = load(&postgres, &url);
    let told = wait_for_api(&load, |event| event["member"] == "patroni1");
    assert_eq!(told["url"], "http://patroni1.invalid:8008");
    assert_eq!((told["error"].is_string(), &told["watched"]), (true, &false.into()));
    let finished = finish(
        load,
        "Patroni names no leader: no member's /primary answers 200, and not every member could be asked",
    );
    assert_eq!(finished.events_named("patroni_api").len(), 1, "{}", finished.stderr);
    // The one that is watched does not lead; the other one may.
    assert_eq!(finished.events_named("leader").len(), 0, "{}", finished.stderr);
}

const CLUSTER: &str = r#"{"members":[
    {"name":"patroni1","role":"leader","state":"running","host":"patroni1.invalid","port":5432,
     "api_url":"http://patroni1.invalid:8008/patroni","timeline":1},
    {"name":"patroni2","role":"replica","state":"streaming","host":"patroni2.invalid","port":5432,
     "api_url":"http://patroni2.invalid:8008/patroni","timeline":1,"lag":0}]}"#;

const REPLICA: &str = r#"{"state":"running","role":"replica","timeline":1,
    "patroni":{"version":"4.0.7","scope":"batman","name":"patroni2"}}"#;
