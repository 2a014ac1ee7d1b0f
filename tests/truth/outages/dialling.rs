//! Hosts and addresses that do not serve beside one that does; which guard ended a wait; and what pgchaos itself runs
//! out of.

use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::lengths::assert_exact;
use super::namespaces::{cut_off, hosts, mend, network, run};
use crate::books::{Said, Truth, Verdict, assert_true};
use crate::harness::{Case, Skipped};
use crate::one_server::{
    OneServer, SOON, run_id, start_load, wait_for, wait_for_outage, wait_for_writes,
};
use crate::pair::Pair;
use crate::support::{Gen, Postgres, Proxy, Stop, free_port, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::where_allowed("outages::dialling::mute_first_address", mute_first_address),
    Case::where_allowed("outages::dialling::deaf_first_address", deaf_first_address),
    Case::where_allowed("outages::dialling::read_only_first_address", read_only_first_address),
    Case::alone("outages::dialling::mute_first_host", mute_first_host),
    Case::alone("outages::dialling::refused_first_host", refused_first_host),
    Case::alone("outages::dialling::read_only_first_host", read_only_first_host),
    Case::alone(
        "outages::dialling::first_host_that_dies_in_mid_run",
        first_host_that_dies_in_mid_run,
    ),
    Case::where_allowed("outages::dialling::tcp_user_timeout", tcp_user_timeout),
    Case::where_allowed("outages::dialling::keepalives", keepalives),
    Case::where_allowed("outages::dialling::retries_of_the_kernel", retries_of_the_kernel),
    Case::alone(
        "outages::dialling::too_few_descriptors_at_the_start",
        too_few_descriptors_at_the_start,
    ),
    Case::alone("outages::dialling::soft_limit_of_descriptors", soft_limit_of_descriptors),
    Case::alone(
        "outages::dialling::no_descriptors_for_some_writers",
        no_descriptors_for_some_writers,
    ),
    Case::alone("outages::dialling::no_descriptors_to_reconnect", no_descriptors_to_reconnect),
    Case::where_allowed("outages::dialling::no_ports", no_ports),
];

/// The deadline of a connect in these cases, in seconds: what a mute place costs. One that serves may be over it, too,
/// where the machine has something else to do: what is passed over is counted from below, and by its own place.
const CONNECT_TIMEOUT_S: f64 = 2.0;
const CONNECT_TIMEOUT: &str = "--connect-timeout=2s";

/// Silence is not the subject here: a server that waits for a processor is no outage.
const PATIENT: &str = "--stall-after=20s";

/// Longer than a place that serves takes on any machine.
const AT_LEISURE: &str = "--connect-timeout=60s";

/// Accepts, and says nothing.
fn mute(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).unwrap()
}

/// A listener with a full queue, and the connections that fill it: further ones get no answer at all.
fn deaf(address: SocketAddr) -> (Socket, Vec<Socket>) {
    let socket = || Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&address.into()).unwrap();
    listener.listen(0).unwrap();
    let filling = || {
        let client = socket();
        client.connect_timeout(&address.into(), Duration::from_millis(200)).ok().map(|()| client)
    };
    let clients: Vec<Socket> = std::iter::from_fn(filling).take(64).collect();
    assert!(clients.len() < 64, "the queue is never full");
    (listener, clients)
}

/// The faults that were passed over so far, of this endpoint and class.
fn passed_over<'a>(events: &'a [Value], endpoint: &str, class: &str) -> Vec<&'a Value> {
    let is_it = |event: &&Value| {
        event["event"] == "passed_over"
            && event["fault"]["endpoint"] == endpoint
            && event["fault"]["class"] == class
    };
    events.iter().filter(is_it).collect()
}

/// How long the database got no row of this run, at most, by its own clock.
fn longest_gap_s(one: &OneServer, load: &Gen) -> f64 {
    let run = run_id(load);
    let gap = one.psql(&format!(
        "SELECT max(extract(epoch FROM gap)) FROM (SELECT created_at - lag(created_at) OVER (ORDER BY created_at) AS gap
           FROM pgchaos.user_events WHERE run_id = '{run}') AS gaps"
    ));
    gap.parse().unwrap()
}

/// A load through a name with the addresses `::1` and 127.0.0.1, in this order.
fn load_by_name(
    one: &OneServer,
    folder: &tempfile::TempDir,
    args: &[&str],
) -> Result<Gen, Skipped> {
    hosts(folder.path(), "::1 two.test\n127.0.0.1 two.test localhost\n")?;
    let url =
        format!("postgresql://postgres:postgres@two.test:{}/{}", one.wire.port(), one.database);
    Ok(start_load(&url, args))
}

/// What is passed over costs each connect its deadline, and is told; that is no outage, and the one outage is as long as
/// the database got no rows.
#[track_caller]
fn cut_and_end(one: &OneServer, load: Gen, dead: &str, serving: &str) -> String {
    one.wait_for_writes(30);
    let from = load.now();
    one.wire.cut();
    let outage = wait_for_outage(&load, 1);
    one.wait_for_writes(30);
    let duration = outage["duration_s"].as_f64().unwrap();
    let gap = longest_gap_s(one, &load);
    assert_exact(duration, gap, &outage);
    assert!(duration >= CONNECT_TIMEOUT_S, "the dead one comes first: {outage}");
    assert_eq!(outage["errors"]["connection_lost"], 1, "{outage}");
    let again = load.wait_for_event_after(from, SOON, "it is passed over again", |event| {
        event["event"] == "passed_over" && event["fault"]["endpoint"] == dead
    });
    assert_eq!(again["served_by"], serving, "{again}");
    assert!(again["took_s"].as_f64().unwrap() >= CONNECT_TIMEOUT_S, "{again}");
    let words = again["fault"]["message"].as_str().unwrap();
    assert!(words.contains("--connect-timeout"), "{words}");
    let events = load.events();
    let told = passed_over(&events, dead, "timeout");
    let (said, _, line) = one.end(load, Verdict::Pass);
    let connects = |writer: Value| told.iter().filter(|event| event["writer"] == writer).count();
    // The set-up connects twice: as it makes the schema, and as the load does.
    assert!(connects(Value::Null) >= 2 && connects(1.into()) >= 2, "{told:?}");
    let counted = said.summary["passed_over"].as_array().unwrap();
    let is_it = |place: &&Value| place["host"] == dead && place["class"] == "timeout";
    let counted: Vec<&Value> = counted.iter().filter(is_it).collect();
    assert_eq!(counted.len(), 1, "{}", said.summary["passed_over"]);
    assert_eq!(counted[0]["count"], told.len(), "each is told, and counted once");
    assert!(counted[0]["total_s"].as_f64().unwrap() >= 4.0 * CONNECT_TIMEOUT_S, "{counted:?}");
    assert_eq!(said.summary["errors"]["connection_lost"], 1);
    assert_eq!(said.summary["outages"].as_array().unwrap().len(), 1);
    format!("no row for {gap:.3} s, outage {duration:.3} s · {line}")
}

fn one_writer(one: &OneServer, folder: &tempfile::TempDir) -> Result<Gen, Skipped> {
    load_by_name(one, folder, &["--writers=1", CONNECT_TIMEOUT, PATIENT])
}

/// It accepts and says nothing.
fn mute_first_address() -> Result<String, Skipped> {
    let (one, folder) = (OneServer::shared(), tempfile::tempdir().unwrap());
    let port = one.wire.port();
    let _mute = mute((Ipv6Addr::LOCALHOST, port).into());
    let load = one_writer(&one, &folder)?;
    let places = [format!("two.test:{port} (::1)"), format!("two.test:{port} (127.0.0.1)")];
    Ok(cut_and_end(&one, load, &places[0], &places[1]))
}

/// Its kernel does not even answer.
fn deaf_first_address() -> Result<String, Skipped> {
    let (one, folder) = (OneServer::shared(), tempfile::tempdir().unwrap());
    let port = one.wire.port();
    let _deaf = deaf((Ipv6Addr::LOCALHOST, port).into());
    let load = one_writer(&one, &folder)?;
    let places = [format!("two.test:{port} (::1)"), format!("two.test:{port} (127.0.0.1)")];
    Ok(cut_and_end(&one, load, &places[0], &places[1]))
}

/// A standby at the name's first address: it is said once that it takes no writes, and costs next to nothing.
fn read_only_first_address() -> Result<String, Skipped> {
    let (pair, folder) = (Pair::start(), tempfile::tempdir().unwrap());
    let port = pair.to_a.port();
    let first = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let _relay = Relay::start(first, pair.b.port());
    hosts(folder.path(), "::1 two.test\n127.0.0.1 two.test localhost\n")?;
    let url = format!("postgresql://postgres:postgres@two.test:{port}/postgres");
    let load = start_load(&url, &[AT_LEISURE, PATIENT]);
    wait_for_writes(&pair.to_a, 60);
    let run = run_id(&load);
    let finished = load.interrupt_and_finish();
    let said = Said::from(&finished);
    let told = passed_over(&finished.events, &format!("two.test:{port} (::1)"), "read_only");
    assert!(told.len() >= 2, "{}", finished.stderr);
    assert_eq!(said.summary["errors"], serde_json::json!({}));
    assert_eq!(said.summary["outages"], serde_json::json!([]));
    let truth = pair.truth(run, &pair.a);
    Ok(assert_true(&said, &truth, &[Verdict::Pass]))
}

/// Carries bytes from an address to a port of 127.0.0.1, as long as it lives.
struct Relay {
    listener: TcpListener,
}

impl Relay {
    fn start(address: SocketAddr, to: u16) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let accepting = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for client in accepting.incoming() {
                let Ok(client) = client else { return };
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let ways =
                    [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
                for (mut from, mut to) in ways {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Both);
                    });
                }
            }
        });
        Self { listener }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = socket2::SockRef::from(&self.listener).shutdown(std::net::Shutdown::Both);
    }
}

/// The dead host comes first in the string.
fn url_of_two(one: &OneServer, first: u16) -> String {
    let hosts = format!("127.0.0.1:{first},127.0.0.1:{}", one.wire.port());
    format!("postgresql://postgres:postgres@{hosts}/{}", one.database)
}

fn mute_first_host() -> String {
    let one = OneServer::shared();
    let dead = free_port();
    let _mute = mute(([127, 0, 0, 1], dead).into());
    let load = start_load(&url_of_two(&one, dead), &["--writers=1", CONNECT_TIMEOUT, PATIENT]);
    let serving = format!("127.0.0.1:{}", one.wire.port());
    cut_and_end(&one, load, &format!("127.0.0.1:{dead}"), &serving)
}

/// What refuses costs nothing, and is told all the same.
fn refused_first_host() -> String {
    let one = OneServer::shared();
    let dead = free_port();
    let load = start_load(&url_of_two(&one, dead), &["--writers=4", AT_LEISURE, PATIENT]);
    one.wait_for_writes(60);
    let (said, _, line) = one.end(load, Verdict::Pass);
    let counted = &said.summary["passed_over"][0];
    assert_eq!(
        (&counted["host"], &counted["class"], &counted["count"]),
        (&format!("127.0.0.1:{dead}").into(), &"refused".into(), &6.into()),
        "two connects of the set-up, and one of each writer"
    );
    assert_eq!(said.summary["errors"], serde_json::json!({}));
    assert_eq!(said.summary["outages"], serde_json::json!([]));
    line
}

/// A standby that is listed before its primary, as is common.
fn read_only_first_host() -> String {
    let pair = Pair::start();
    let (standby, primary) = (pair.to_b.port(), pair.to_a.port());
    let hosts = format!("127.0.0.1:{standby},127.0.0.1:{primary}");
    let url = format!("postgresql://postgres:postgres@{hosts}/postgres");
    let load = start_load(&url, &[AT_LEISURE, PATIENT]);
    wait_for_writes(&pair.to_a, 60);
    let run = run_id(&load);
    let finished = load.interrupt_and_finish();
    let told = passed_over(&finished.events, &format!("127.0.0.1:{standby}"), "read_only");
    assert_eq!(told.len(), 4, "two connects of the set-up, and one of each writer");
    let said = Said::from(&finished);
    assert_eq!(said.summary["outages"], serde_json::json!([]));
    let line = assert_true(&said, &pair.truth(run, &pair.a), &[Verdict::Pass]);
    let counted = &said.summary["passed_over"];
    assert_eq!((counted.as_array().unwrap().len(), &counted[0]["count"]), (1, &4.into()));
    line
}

/// The outage of a host that dies ends at the other; from then on each connect passes the dead one over.
fn first_host_that_dies_in_mid_run() -> String {
    let one = OneServer::shared();
    let first = Proxy::start(one.server.port());
    let args = ["--writers=1", CONNECT_TIMEOUT, PATIENT];
    let load = start_load(&url_of_two(&one, first.port()), &args);
    wait_for_writes(&first, 30);
    let from = load.now();
    first.silence();
    first.cut();
    let outage = wait_for_outage(&load, 1);
    one.wait_for_writes(30);
    let duration = outage["duration_s"].as_f64().unwrap();
    let gap = longest_gap_s(&one, &load);
    assert_exact(duration, gap, &outage);
    let dead = format!("127.0.0.1:{}", first.port());
    load.wait_for_event_after(from, SOON, "the dead one is passed over", |event| {
        event["event"] == "passed_over" && event["fault"]["endpoint"] == *dead
    });
    let run = run_id(&load);
    first.pass();
    let said = Said::from(&load.interrupt_and_finish());
    let truth = Truth::of_wires(run, &[&first, &one.wire]).on(&one.server, &one.database, run);
    assert!(said.summary["passed_over"][0]["count"].as_u64() >= Some(1), "{}", said.summary);
    let line = assert_true(&said, &truth, &[Verdict::Pass]);
    format!("no row for {gap:.3} s, outage {duration:.3} s · {line}")
}

/// A server and a load with these settings in a network of their own; packets are lost from some moment on, until the
/// fault is told that this ends in. What it says.
fn lost_packets(options: &str, args: &[&str], phase: &str) -> Result<(String, String), Skipped> {
    network()?;
    let one = OneServer::on(Arc::new(Postgres::start()));
    run("sysctl -qw net.ipv4.tcp_retries2=3 net.ipv4.tcp_syn_retries=1");
    let usual = ["--verify-timeout=60s", "--read-every=0", "--writers=1", PATIENT];
    let args = [&usual, args].concat();
    let load = start_load(&format!("{}?{options}", one.url()), &args);
    one.wait_for_writes(1);
    wait_until(SOON, "it is acknowledged", || {
        load.events()
            .iter()
            .any(|event| event["event"] == "interval" || event["event"] == "written")
    });
    cut_off(one.wire.port());
    let fault = load.wait_for_event(SOON, phase, |event| {
        event["event"] == "fault" && event["fault"]["phase"] == phase
    });
    assert_eq!(fault["fault"]["class"], "timeout", "{fault}");
    assert_eq!(fault["fault"]["endpoint"], format!("127.0.0.1:{}", one.wire.port()));
    mend();
    wait_for_outage(&load, 1);
    let run = run_id(&load);
    let said = Said::from(&load.interrupt_and_finish());
    // The last answer before the cut left the proxy, and may have been lost on its way.
    let truth = Truth { unread_max: 1, ..one.truth(run) };
    let line = assert_true(&said, &truth, &[Verdict::Pass]);
    Ok((fault["fault"]["message"].as_str().unwrap().to_owned(), line))
}

fn tcp_user_timeout() -> Result<String, Skipped> {
    let args = ["--rate=50", "--write-timeout=60s"];
    let (words, line) = lost_packets("tcp_user_timeout=700", &args, "write")?;
    assert_eq!(words, "no sign of life for 0.7 s (tcp_user_timeout)");
    Ok(line)
}

fn keepalives() -> Result<String, Skipped> {
    let options = "keepalives_idle=1&keepalives_interval=1&keepalives_count=2";
    let args = ["--rate=0.01", "--write-timeout=60s"];
    let (words, line) = lost_packets(options, &args, "idle")?;
    assert_eq!(words, "no sign of life while idle (keepalives)");
    Ok(line)
}

/// Of a write, and then of a connect.
fn retries_of_the_kernel() -> Result<String, Skipped> {
    let args = ["--rate=50", "--write-timeout=120s", "--connect-timeout=60s"];
    let (words, line) = lost_packets("keepalives=0", &args, "write")?;
    assert_eq!(words, "no sign of life until the kernel gave up (its retries or keepalives)");
    let one = OneServer::on(Arc::new(Postgres::start()));
    cut_off(one.wire.port());
    let load = one.load(&["--connect-timeout=60s"]);
    let fault = wait_for(&load, 0, "fault");
    let signs = (&fault["fault"]["class"], &fault["fault"]["phase"]);
    assert_eq!(signs, (&"timeout".into(), &"connect".into()), "{fault}");
    let words = "no answer until the kernel gave up (its tcp_syn_retries)";
    assert_eq!(fault["fault"]["message"], words);
    mend();
    one.wait_for_writes(10);
    one.end(load, Verdict::Pass);
    Ok(line)
}

/// A load with these limits of file descriptors.
fn limited(one: &OneServer, args: &[&str], soft: u64, hard: u64) -> Gen {
    let url = one.url();
    Gen::start_with([&[&*url], args].concat(), |_, command| {
        let mut outer = std::process::Command::new("prlimit");
        outer.arg(format!("--nofile={soft}:{hard}"));
        *command = wrapped(outer, command);
    })
}

/// `outer` with `inner` as its last words and with its environment.
fn wrapped(
    mut outer: std::process::Command,
    inner: &std::process::Command,
) -> std::process::Command {
    outer.arg(inner.get_program()).args(inner.get_args()).stdin(std::process::Stdio::null());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// It says so before anything is made.
fn too_few_descriptors_at_the_start() -> String {
    let one = OneServer::shared();
    let finished = limited(&one, &["--writers=60", "--threads=2"], 32, 32).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    for words in ["60 writers need at least 92 file descriptors", "allows 32", "try: ulimit -Hn"] {
        assert!(finished.stderr.contains(words), "{words}: {}", finished.stderr);
    }
    assert!(!finished.record.exists() && finished.events.is_empty(), "nothing is made");
    assert_eq!(one.psql("SELECT to_regnamespace('pgchaos') IS NULL"), "t");
    "refused".to_owned()
}

fn soft_limit_of_descriptors() -> String {
    // The shared one may have no room for so many beside those of other cases.
    let one = OneServer::own();
    let load = limited(&one, &["--writers=60", "--rate=300", AT_LEISURE, PATIENT], 32, 4096);
    one.wait_for_writes(300);
    let (said, _, line) = one.end(load, Verdict::Pass);
    let mut faults = said.words.lines().filter(|line| line.contains("\"event\":\"fault\""));
    assert_eq!(said.summary["errors"], serde_json::json!({}), "{:?}", faults.next());
    line
}

/// How many descriptors a process has.
fn descriptors(load: &Gen) -> u64 {
    std::fs::read_dir(format!("/proc/{}/fd", load.pid())).unwrap().count() as u64
}

/// Some writers never get a session, as pgchaos itself may open no more. The cluster has no outage.
fn no_descriptors_for_some_writers() -> String {
    let one = OneServer::shared();
    one.wire.refuse();
    let load = one.load(&["--writers=30", "--rate=100", AT_LEISURE, PATIENT]);
    wait_for(&load, 0, "fault");
    // Room for the set-up and for about ten writers.
    let limit = descriptors(&load) + 12;
    run(&format!("prlimit --pid={} --nofile={limit}:", load.pid()));
    one.wire.pass();
    one.wait_for_writes(100);
    load.wait_for_event(SOON, "a limit of its own", |event| event["fault"]["class"] == "local");
    run(&format!("prlimit --pid={} --nofile=4096:", load.pid()));
    one.wait_for_writes(100);
    let (said, _, line) = one.end(load, Verdict::Inconclusive);
    assert_eq!(said.summary["outages"], serde_json::json!([]), "the cluster had none");
    assert!(said.summary["errors"]["local"].as_u64() >= Some(1), "{}", said.summary["errors"]);
    assert!(said.summary["errors"]["unreachable"].is_null());
    assert_own_limit(&said, "file descriptors", "raise ulimit -n to at least ");
    line
}

/// A session ends by the server; that is an outage of one writer. That it cannot come back is pgchaos's own doing.
fn no_descriptors_to_reconnect() -> String {
    let one = OneServer::own();
    let load = one.load(&["--writers=4", "--rate=100", AT_LEISURE, PATIENT]);
    one.wait_for_writes(60);
    run(&format!("prlimit --pid={} --nofile=3:", load.pid()));
    let from = load.now();
    one.server.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name LIKE 'pgchaos:%' ORDER BY pid LIMIT 1",
    );
    load.wait_for_event_after(from, SOON, "a limit of its own", |event| {
        event["fault"]["class"] == "local"
    });
    one.wait_for_writes(60);
    run(&format!("prlimit --pid={} --nofile=4096:", load.pid()));
    let outage = wait_for_outage(&load, 1);
    assert_eq!(outage["errors"], serde_json::json!({"connection_lost": 1}), "{outage}");
    one.wait_for_writes(30);
    let (said, _, line) = one.end(load, Verdict::Inconclusive);
    assert!(said.summary["errors"]["local"].as_u64() >= Some(1), "{}", said.summary["errors"]);
    assert_own_limit(&said, "file descriptors", "raise ulimit -n to at least ");
    line
}

/// Eight writers, and four ports to connect from. No proxy is between, as it would run out of them, too.
fn no_ports() -> Result<String, Skipped> {
    network()?;
    let server = Postgres::start();
    server.stop(Stop::Fast);
    let load = start_load(&server.url(), &["--writers=8", "--rate=100", PATIENT]);
    wait_for(&load, 0, "fault");
    run("sysctl -qw net.ipv4.ip_local_port_range='50000 50003'");
    server.start_again();
    let is_local = |event: &Value| event["fault"]["class"] == "local" && event["writer"].is_i64();
    load.wait_for_event(SOON, "a limit of its own", is_local);
    run("sysctl -qw net.ipv4.ip_local_port_range='32768 60999'");
    let connected = |load: &Gen| {
        let events = load.events();
        events.iter().filter(|event| event["event"] == "connected").count()
    };
    wait_until(SOON, "every writer has a session", || connected(&load) == 8);
    let run = run_id(&load);
    let rows = format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{run}'");
    let count = || server.psql(&rows).parse::<u64>().unwrap();
    wait_until(SOON, "they write", || count() > 60);
    let said = Said::from(&load.interrupt_and_finish());
    assert_eq!(said.code, 3, "{}", said.words);
    assert_eq!(said.summary["outages"], serde_json::json!([]), "the cluster had none");
    assert_own_limit(&said, "local ports", "ip_local_port_range");
    let acknowledged = said.summary["writes"]["acknowledged"].as_u64().unwrap();
    assert_eq!(count(), acknowledged);
    Ok(format!("acknowledged {acknowledged} · INCONCLUSIVE"))
}

/// The verdict says how often, and what to do.
#[track_caller]
fn assert_own_limit(said: &Said, what: &str, remedy: &str) {
    let reasons = said.summary["reasons"].to_string();
    let words = format!("pgchaos itself ran out of {what}");
    assert!(reasons.contains(&words) && reasons.contains(remedy), "{reasons}");
}
