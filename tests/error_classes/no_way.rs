//! `refused`, `no_backend`, `unreachable`, `resolve` and `timeout`: there is no way to a server.

use crate::load::{Load, PASSING, QUIET, SOON, SOON_OUT, STEADY, signs};
use crate::support::{Postgres, Proxy, Stop, wait_until};

#[test]
fn refused_where_nobody_listens() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &QUIET);
    proxy.refuse();
    let fault = load.faults("refused", 3);
    assert_eq!(signs(&fault), ["refused", "connect", "-"]);
    assert_eq!(fault["fault"]["endpoint"], format!("127.0.0.1:{}", proxy.port()));
    assert_eq!(fault["writer"], 1);
    proxy.pass();
    load.recovers();
    load.ends_with(&["connection_lost", "refused"]);
}

#[test]
fn refused_where_the_socket_is_missing() {
    let server = Postgres::start();
    let folder = server.socket_dir().display().to_string();
    let dsn = format!("host={folder} port={} user=postgres", server.port());
    let load = Load::start(&dsn, &QUIET);
    server.stop(Stop::Fast);
    let fault = load.faults("refused", 3);
    assert_eq!(signs(&fault), ["refused", "connect", "-"]);
    assert_eq!(fault["fault"]["endpoint"], format!("{folder}:{}", server.port()));
    server.start_again();
    load.recovers();
    load.ends_with_some_of(&["connection_lost", "refused"], &PASSING);
}

#[test]
fn no_backend_behind_a_proxy_that_accepts_and_closes() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &QUIET);
    proxy.close_on_accept();
    proxy.cut();
    assert_eq!(signs(&load.faults("no_backend", 3)), ["no_backend", "authenticate", "-"]);
    proxy.pass();
    let outage = load.recovers();
    assert!(outage["phases_s"]["tcp_accepted"].is_number(), "{outage}");
    load.ends_with(&["connection_lost", "no_backend"]);
}

#[test]
fn protocol_where_what_answers_is_no_postgresql() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load = Load::start(&proxy.url(), &QUIET);
    proxy.garbage_on_accept();
    proxy.cut();
    assert_eq!(signs(&load.faults("protocol", 3)), ["protocol", "authenticate", "-"]);
    proxy.pass();
    load.recovers();
    load.ends_with(&["connection_lost", "protocol"]);
}

/// The kernel has no TCP route to a broadcast address, so that nothing is sent.
#[test]
fn unreachable_where_no_route_leads() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let dsn = url_of_two(&proxy, "127.255.255.255");
    let load = Load::start(&dsn, &QUIET);
    proxy.refuse();
    assert_eq!(signs(&load.faults("unreachable", 3)), ["unreachable", "connect", "-"]);
    proxy.pass();
    load.recovers();
    load.ends_with(&["connection_lost", "refused", "unreachable"]);
}

/// By RFC 6761 no resolver has an address for such a name.
#[test]
fn resolve_for_a_name_without_address() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let dsn = url_of_two(&proxy, "nobody.invalid");
    let load = Load::start(&dsn, &QUIET);
    proxy.refuse();
    let fault = load.fault("resolve");
    assert_eq!(signs(&fault), ["resolve", "resolve", "-"]);
    assert_eq!(fault["fault"]["endpoint"], "nobody.invalid:5432");
    proxy.pass();
    load.recovers();
    load.ends_with(&["connection_lost", "refused", "resolve"]);
}

#[test]
fn timeout_of_a_connect_into_silence() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let load =
        Load::start(&proxy.url(), &[&QUIET, ["--connect-timeout", "1s"].as_slice()].concat());
    proxy.silence();
    proxy.cut();
    let fault = load.faults("timeout", 2);
    assert_eq!(signs(&fault), ["timeout", "authenticate", "-"]);
    let words = "accepted, then 1.0 s of silence (--connect-timeout)";
    assert_eq!(fault["fault"]["message"], words);
    proxy.pass();
    load.recovers();
    let finished = load.ends_with(&["connection_lost", "timeout"]);
    for (first, second) in pairs_of(&finished.events, "timeout") {
        assert!(second - first >= 1.0, "the whole deadline: {first} {second}");
    }
}

#[test]
fn timeout_of_a_write_into_silence() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let timeouts = ["--write-timeout", "2s", "--connect-timeout", "2s", "--stall-after", "500ms"];
    let load = Load::start(&proxy.url(), &[&STEADY, timeouts.as_slice()].concat());
    let from = load.now();
    proxy.silence();
    let fault = load.fault("timeout");
    assert_eq!(signs(&fault), ["timeout", "write", "-"]);
    assert_eq!(fault["fault"]["message"], "no answer within 2.0 s (--write-timeout)");
    assert_eq!(fault["fault"]["endpoint"], format!("127.0.0.1:{}", proxy.port()));
    assert_eq!(fault["in_doubt"].as_array().expect("one write").len(), 1, "{fault}");
    proxy.pass();
    let outage = load.recovers_from(from);
    let stalled = load.event_from(from, "stalled");
    assert_eq!(outage["began_s"], stalled["since_s"], "evidence from when it was sent");
    let waited = fault["at_s"].as_f64().unwrap() - stalled["since_s"].as_f64().unwrap();
    assert!(waited >= 2.0, "the whole deadline: {waited}");
    load.ends_with(&["timeout"]);
}

#[test]
fn timeout_of_a_frozen_server() {
    let server = Postgres::start();
    let timeouts = ["--write-timeout", "1s", "--connect-timeout", "1s"];
    let load = Load::start(&server.url(), &[&STEADY, timeouts.as_slice(), &SOON_OUT].concat());
    let from = load.now();
    server.freeze();
    load.faults("timeout", 2);
    let connecting = load.faults("timeout", 3);
    assert_eq!(signs(&connecting), ["timeout", "authenticate", "-"]);
    server.thaw();
    wait_until(SOON, "the server answers", || server.try_psql("SELECT 1").is_ok());
    assert_eq!(load.recovers_from(from)["kind"], "stall");
    load.ends_with(&["timeout"]);
}

/// The proxy first, then a host that is dead for good.
fn url_of_two(proxy: &Proxy, host: &str) -> String {
    let first = proxy.port();
    format!("postgresql://postgres:postgres@127.0.0.1:{first},{host}:5432/postgres")
}

/// When faults of this class were told, each with the next.
fn pairs_of(events: &[serde_json::Value], class: &str) -> Vec<(f64, f64)> {
    let of_class = events.iter().filter(|event| crate::load::is_fault(event, class));
    let times: Vec<_> = of_class.map(|event| event["at_s"].as_f64().unwrap()).collect();
    times.iter().copied().zip(times.iter().copied().skip(1)).collect()
}
