//! Through Pgpool-II and `PgBouncer`, as Debian packages them; the wire is between the load and the pooler.

use std::fs;
use std::net::TcpStream;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::books::{Said, Truth, Verdict, assert_true};
use crate::harness::{Case, exact_or_again};
use crate::one_server::{OneServer, SOON, new_database, run_id, url, wait_for_outage};
use crate::support::{Gen, Kept, Postgres, Proxy, Session, free_ports, wait_until};

pub(crate) const CASES: &[Case] = &[
    Case::alone("pgpool::raw_mode_opens_transactions", pgpool_raw_mode_opens_transactions),
    Case::alone("pgpool::quiet", pgpool_quiet),
    Case::alone("pgpool::cut_after_the_write", pgpool_cut_after_the_write),
    Case::alone("pgpool::server_restarted", pgpool_server_restarted),
    Case::alone("pgpool::reads_on_a_standby_that_lags", pgpool_reads_on_a_standby_that_lags),
    Case::alone("pgbouncer::quiet", pgbouncer_quiet),
    Case::alone("pgbouncer::server_restarted", pgbouncer_server_restarted),
    Case::alone("pgbouncer::cut_before_the_write", pgbouncer_cut_before_the_write),
    Case::alone("pgbouncer::transaction_mode_twice", pgbouncer_transaction_mode_twice),
    Case::alone("pgbouncer::transaction_mode_extended", pgbouncer_transaction_mode_extended),
    Case::alone("pgbouncer::writers_without_a_session", pgbouncer_writers_without_a_session),
    Case::alone("pgbouncer::remedies", pgbouncer_remedies),
];

/// A pooler before a server of its own.
struct Pooled {
    kept: Kept,
    one: OneServer,
    /// Where clients are let in.
    port: u16,
}

impl Pooled {
    /// Pgpool-II before one server, in this of its modes; it lets no server go and shares out no reads.
    fn by_pgpool(mode: &str) -> Self {
        Self::by_pgpool_with(mode, |_| "load_balance_mode = off\n".to_owned())
    }

    fn by_pgpool_with(mode: &str, more: impl FnOnce(&Postgres) -> String) -> Self {
        Self::start("/usr/sbin/pgpool", "INT", |server, port| {
            let folder = server.socket_dir().display();
            let conf = format!(
                "backend_clustering_mode = '{mode}'\n\
                 sr_check_period = 0\nhealth_check_period = 0\n\
                 failover_on_backend_error = off\nbackend_flag0 = 'DISALLOW_TO_FAILOVER'\n\
                 listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\n\
                 pcp_listen_addresses = '127.0.0.1'\npcp_port = {}\npcp_socket_dir = '{folder}'\n\
                 backend_hostname0 = '127.0.0.1'\nbackend_port0 = {}\nbackend_weight0 = 1\n\
                 num_init_children = 8\nmax_pool = 2\nenable_pool_hba = off\n\
                 pid_file_name = '{folder}/pgpool.pid'\nlogdir = '{folder}'\nwork_dir = '{folder}'\n",
                port + 1,
                server.port()
            );
            let conf = in_folder(server, "pgpool.conf", &(conf + &more(server)));
            let (pcp, hba) =
                (in_folder(server, "pcp.conf", ""), in_folder(server, "pool_hba.conf", ""));
            ["-n", "-f", &conf, "-F", &pcp, "-a", &hba].map(str::to_owned).to_vec()
        })
    }

    /// `PgBouncer` in session mode: a client has its server connection until it leaves.
    fn by_pgbouncer() -> Self {
        Self::by_pgbouncer_with("session", "extra_float_digits")
    }

    /// `PgBouncer` in this mode, with these parameters at the start of a session ignored.
    fn by_pgbouncer_with(mode: &str, ignored: &str) -> Self {
        Self::start("/usr/sbin/pgbouncer", "TERM", |server, port| {
            let users = in_folder(server, "users.txt", "\"postgres\" \"postgres\"\n");
            let conf = format!(
                "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir = {}\n\
                 auth_type = trust\nauth_file = {users}\npool_mode = {mode}\n\
                 ignore_startup_parameters = {ignored}\nadmin_users = postgres\n",
                server.port(),
                server.socket_dir().display()
            );
            vec![in_folder(server, "pgbouncer.ini", &conf)]
        })
    }

    fn start(
        program: &str,
        signal: &str,
        args: impl FnOnce(&Postgres, u16) -> Vec<String>,
    ) -> Self {
        let server = Postgres::start();
        server.trust_everyone();
        let database = new_database(&server);
        let port = free_ports(2);
        let args = args(&server, port);
        let kept = Kept::start(&server, "pooler", program, signal, &args);
        let one = OneServer { server: Arc::new(server), database, wire: Proxy::start(port) };
        let pooled = Self { kept, one, port };
        wait_until(SOON, "the pooler lets clients in", || {
            let log = pooled.kept.log();
            let is_up = TcpStream::connect(("127.0.0.1", port)).is_ok();
            assert!(is_up || !log.contains("FATAL"), "{program}: {log}");
            is_up && Session::try_open(&url(port, &pooled.one.database)).is_ok()
        });
        pooled
    }
}

/// A file in the server's folder; its path.
fn in_folder(server: &Postgres, name: &str, text: &str) -> String {
    let path = server.socket_dir().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Compares; what a pooler hides may stay in doubt, and makes no loss of it.
#[track_caller]
fn end(one: &OneServer, load: Gen) -> (Said, Truth, String) {
    let run = run_id(&load);
    let said = Said::from(&load.interrupt_and_finish());
    let truth = Truth { may_stay_in_doubt: true, ..one.truth(run) };
    let verdicts: &[Verdict] = match truth.in_doubt().len() {
        0 => &[Verdict::Pass],
        _ => &[Verdict::Pass, Verdict::Inconclusive],
    };
    let line = assert_true(&said, &truth, verdicts);
    (said, truth, line)
}

fn quiet(pooled: &Pooled) -> String {
    let load = pooled.one.load(&[]);
    pooled.one.wait_for_writes(100);
    let (_, truth, line) = end(&pooled.one, load);
    assert_eq!(
        truth.acknowledged.len(),
        truth.rows.len(),
        "every row was acknowledged, and every proof has its row"
    );
    line
}

/// In raw mode it answers each write from within a transaction of its own, which it gives up later: nothing is proven,
/// and the run is refused. Where it leaves writes alone, it is a run like any other.
fn pgpool_raw_mode_opens_transactions() -> String {
    let pooled = Pooled::by_pgpool("raw");
    let load = pooled.one.load(&[]);
    let run = run_id(&load);
    wait_until(SOON, "it is refused, or writes are acknowledged", || {
        load.has_ended() || pooled.one.wire.wire().acknowledged.len() >= 20
    });
    let said = Said::from(&load.interrupt_and_finish());
    let truth = pooled.one.truth(run);
    if !truth.acknowledged.is_empty() {
        return assert_true(&said, &truth, &[Verdict::Pass]);
    }
    assert_eq!(said.code, 4, "nothing can be acknowledged: {}", said.words);
    assert!(said.summary.is_null() || said.summary["writes"]["acknowledged"] == 0);
    "refused, nothing acknowledged".to_owned()
}

fn pgpool_quiet() -> String {
    quiet(&Pooled::by_pgpool("streaming_replication"))
}

/// Pgpool's connections go with the server; it says so by FATAL or by a cut, which prove nothing.
/// With its settings as they come, it sends reads to a standby as well, also one that lags behind.
fn pgpool_reads_on_a_standby_that_lags() -> String {
    let mut standby = None;
    let pooled = Pooled::by_pgpool_with("streaming_replication", |server| {
        let made = server.standby();
        // All reads go there that may.
        let conf = format!(
            "load_balance_mode = on\nbackend_weight0 = 0\nbackend_flag0 = 'ALWAYS_PRIMARY|DISALLOW_TO_FAILOVER'\n\
             backend_hostname1 = '127.0.0.1'\nbackend_port1 = {}\nbackend_weight1 = 1\n\
             backend_flag1 = 'DISALLOW_TO_FAILOVER'\n",
            made.port()
        );
        standby = Some(made);
        conf
    });
    let standby = standby.unwrap();
    let database = &pooled.one.database;
    let there = "SELECT to_regclass('pgchaos.user_events') IS NOT NULL";
    let load = pooled.one.load(&[]);
    // Where it does not begin, its log says why.
    load.wait_for_event(SOON, "it is ready", |event| event["event"] == "ready");
    pooled.one.wait_for_writes(20);
    wait_until(SOON, "the standby has the tables", || standby.psql_in(database, there) == "t");
    standby.psql("SELECT pg_wal_replay_pause()");
    pooled.one.wait_for_writes(100);
    let behind =
        format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{}'", run_id(&load));
    let there = |server: &Postgres| server.psql_in(database, &behind).parse::<u64>().unwrap();
    assert!(there(&standby) + 50 < there(&pooled.one.server), "it lags behind");
    let (said, _, line) = end(&pooled.one, load);
    assert_eq!(said.code, 0, "{line}");
    line
}

fn pgpool_server_restarted() -> String {
    let pooled = Pooled::by_pgpool("streaming_replication");
    let load = pooled.one.load(&["--rate=400"]);
    pooled.one.wait_for_writes(100);
    pooled.one.server.restart();
    wait_for_outage(&load, 1);
    pooled.one.wait_for_writes(100);
    end(&pooled.one, load).2
}

fn pgpool_cut_after_the_write() -> String {
    let pooled = Pooled::by_pgpool("streaming_replication");
    let load = pooled.one.load(&[]);
    pooled.one.wait_for_writes(40);
    pooled.one.wire.cut_after_next_insert().wait(SOON);
    wait_for_outage(&load, 1);
    pooled.one.wait_for_writes(40);
    let (said, truth, line) = end(&pooled.one, load);
    assert_eq!(truth.in_doubt().len(), 1);
    assert_eq!(said.summary["verification"]["recovered"], 1);
    line
}

fn pgbouncer_quiet() -> String {
    quiet(&Pooled::by_pgbouncer())
}

/// The pooler's server connections go with the server, and a session of another, opened after it, stays.
fn pgbouncer_server_restarted() -> String {
    let pooled = Pooled::by_pgbouncer();
    let one = &pooled.one;
    let load = one.load(&["--rate=400"]);
    one.wait_for_writes(100);
    one.server.restart();
    let other = Session::open(&url(one.server.port(), &one.database));
    let logged = one.server.log().len();
    wait_for_outage(&load, 1);
    one.wait_for_writes(100);
    let (_, _, line) = end(one, load);
    other.run("SELECT 1");
    let log = one.server.log();
    assert!(
        !log[logged..].contains("administrator command"),
        "no backend is ended: {}",
        &log[logged..]
    );
    line
}

/// A write that never arrived: that it is not there proves nothing where backends cannot be watched.
fn pgbouncer_cut_before_the_write() -> String {
    let pooled = Pooled::by_pgbouncer();
    let one = &pooled.one;
    let load = one.load(&["--verify-timeout=10s"]);
    one.wait_for_writes(40);
    one.wire.cut_before_next_insert().wait(SOON);
    wait_for_outage(&load, 1);
    one.wait_for_writes(40);
    let (said, truth, line) = end(one, load);
    assert_eq!(
        (truth.in_doubt().len(), &said.summary["writes"]["in_doubt"]),
        (1, &1.into()),
        "it is said"
    );
    assert!(!one.server.log().contains("administrator command"), "no backend is ended");
    line
}

/// A server session goes to another client after each transaction. The statements that the first run left prepared in the
/// pool are in the way of the second; replicas are read and everything is verified through the pool too.
fn pgbouncer_transaction_mode_twice() -> String {
    let pooled = Pooled::by_pgbouncer_with("transaction", "extra_float_digits");
    let one = &pooled.one;
    let mut lines = Vec::new();
    for round in 1..=2 {
        let read = format!("--read-dsn={}", one.url());
        let load = one.load(&["--writers=4", "--pipeline=3", "--rate=200", &read]);
        one.wait_for_writes(100);
        let warned = load.events();
        let shared = |event: &&Value| {
            let message = event["message"].as_str().unwrap_or_default();
            event["event"] == "warning" && message.contains("as with --protocol extended")
        };
        assert_eq!(warned.iter().filter(shared).count(), 1, "said once, in round {round}");
        let (said, truth, line) = end(one, load);
        assert_eq!(truth.acknowledged.len(), truth.rows.len(), "round {round}");
        assert_eq!(said.summary["errors"], json!({}), "round {round}");
        lines.push(line);
    }
    lines.join(" · ")
}

/// Said beforehand there is nothing to find out, and nothing is left in the pool. Its server connections are ended meanwhile.
fn pgbouncer_transaction_mode_extended() -> String {
    let pooled = Pooled::by_pgbouncer_with("transaction", "extra_float_digits");
    let one = &pooled.one;
    let load = one.load(&["-M", "extended", "--rate=200", "--verify-timeout=10s"]);
    one.wait_for_writes(100);
    one.server.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    );
    one.wait_for_writes(100);
    let warnings = load.events().iter().filter(|event| event["event"] == "warning").count();
    assert_eq!(warnings, 0);
    end(one, load).2
}

/// Half of the writers never get a session from a pool that is too small: they are out, however short the load is, and
/// pass no limit.
fn pgbouncer_writers_without_a_session() -> String {
    let pooled = Pooled::by_pgbouncer_with("session", "extra_float_digits\ndefault_pool_size = 3");
    let one = &pooled.one;
    let ends = |limit: &str, code: i32, reason: &str| {
        // A slow disk is no outage here: it would be one of all writers.
        let of = ["--writers=6", "--rate=50", "--connect-timeout=60s", "--stall-after=1m"];
        let load = one.load(&[&of[..], &[&format!("--max-degraded={limit}")]].concat());
        let run = run_id(&load);
        let mut left = 3;
        load.wait_for_event(SOON, "three writers have a session", |event| {
            left -= usize::from(event["event"] == "connected");
            left == 0
        });
        // The schedule of three writers: two seconds, which is over the lower limit.
        one.wait_for_writes(60);
        let said = Said::from(&load.interrupt_and_finish());
        let verdict = if code == 1 { Verdict::Fail } else { Verdict::Inconclusive };
        assert_true(&said, &one.truth(run), &[verdict]);
        let outage = &said.summary["outages"][0];
        assert_eq!(outage["writers_out_at_end"], 3, "{outage}");
        // All writers are out for a moment where the machine stands still for as long.
        exact_or_again(outage["partial"] == true, || format!("not partial: {outage}"));
        let reasons = said.summary["reasons"].to_string();
        assert!(reasons.contains(reason), "{reasons}");
        let told = said.words.matches("\"event\":\"no_session\"").count();
        assert_eq!(told, 3, "{}", said.words);
    };
    ends("500ms", 1, "writers out for");
    ends("60s", 3, "whether it stays within 60.0 s was not seen");
    "three of six writers out".to_owned()
}

/// What never works through a pooler is said before the first write, with a remedy; each is done, and then it works.
fn pgbouncer_remedies() -> String {
    let pooled = Pooled::by_pgbouncer_with("statement", "extra_float_digits");
    let one = &pooled.one;
    let refused = |url: &str, remedies: &[&str]| {
        let refused = crate::one_server::start_load(url, &["--writes=3"]).finish();
        assert_eq!(refused.code, 4, "{}", refused.stderr);
        let is_said = |remedy: &&str| refused.stderr.contains(*remedy);
        assert!(remedies.iter().all(is_said), "{remedies:?} in {}", refused.stderr);
    };
    let works = |url: &str| {
        let finished = crate::one_server::start_load(url, &["--writes=3"]).finish();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
    };
    let settled = |from: &str, to: &str| {
        let path = one.server.socket_dir().join("pgbouncer.ini");
        let conf = fs::read_to_string(&path).unwrap();
        assert!(conf.contains(from), "{conf}");
        fs::write(&path, conf.replace(from, to)).unwrap();
        let mut reload = one.server.program("psql");
        reload.args(["-X", "-h", "127.0.0.1", "-U", "postgres", "-d", "pgbouncer", "-c", "RELOAD"]);
        let port = pooled.port.to_string();
        assert!(reload.args(["-p", &port]).status().unwrap().success());
    };
    let url = one.url();
    refused(&url, &["pool_mode = transaction", "RELOAD"]);
    settled("pool_mode = statement", "pool_mode = transaction");
    works(&url);
    let with_options = format!("{url}?options=-cwork_mem%3D1MB");
    refused(&with_options, &["leave it out of PGOPTIONS", "ignore_startup_parameters = options"]);
    works(&url);
    settled(
        "ignore_startup_parameters = extra_float_digits",
        "ignore_startup_parameters = options,extra_float_digits",
    );
    works(&with_options);
    let of_another = url.replace("postgres:postgres@", "nobody:secret@");
    refused(&of_another, &["auth_file", "another role with -U"]);
    works(&url);
    "each refused before the first write, and mended as it says".to_owned()
}
