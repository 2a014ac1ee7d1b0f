//! After a session has ended, hosts are tried anew from the first.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Gen, Postgres, Proxy, wait_until};

const SOON: Duration = Duration::from_secs(60);

/// A load came by the second host, as the first did not serve. The first is there again: the next session is by it, and
/// when it is gone, by the second again.
#[test]
fn from_the_first() {
    let server = Postgres::start();
    let (first, second) = (Proxy::start(server.port()), Proxy::start(server.port()));
    first.refuse();
    let uri = format!(
        "postgresql://postgres:postgres@127.0.0.1:{},127.0.0.1:{}/postgres",
        first.port(),
        second.port()
    );
    let load = Gen::start([uri.as_str(), "--rate=5"]);
    let written = |from: usize| {
        load.wait_for_event_after(from, SOON, "a write", |event| event["event"] == "written");
    };
    written(0);
    assert_eq!(first.connections_accepted(), 0);
    let passed_over =
        load.wait_for_event(SOON, "the first", |event| event["event"] == "passed_over");
    assert_eq!(passed_over["fault"]["endpoint"], format!("127.0.0.1:{}", first.port()));
    assert_eq!(passed_over["served_by"], format!("127.0.0.1:{}", second.port()));

    let is_end = |event: &Value| event["event"] == "outage_ended";
    let from = load.now();
    first.pass();
    second.cut();
    load.wait_for_event_after(from, SOON, "a session by the first", is_end);
    written(load.now());
    assert!(first.connections_accepted() > 0);
    wait_until(SOON, "nothing is left at the second", || second.open_connections() == 0);

    let from = load.now();
    first.refuse();
    load.wait_for_event_after(from, SOON, "a session by the second", is_end);
    written(load.now());
    assert!(second.open_connections() > 0);
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["verification"]["lost"], 0);
}
