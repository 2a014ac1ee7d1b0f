//! Lists of hosts, addresses and ports, and how they go together: in variables, with one port for all, with gaps.

use std::process::Command;

use crate::beside_psql::{init, init_with, psql, psql_with};
use crate::servers::At::{self, Dead, Primary, Standby};
use crate::servers::Servers;
use crate::support::{Gen, Postgres, Proxy};

const ACCOUNT: &str = "user=postgres password=postgres dbname=postgres";

/// Both reach this server by this connection string.
#[track_caller]
fn both_reach(servers: &Servers, connection: &str, at: At) {
    let connection = format!("{connection} {ACCOUNT} target_session_attrs=read-write");
    let port = servers.port(at);
    assert_eq!(psql(&servers.primary, &connection), Ok(port), "{connection}");
    assert_eq!(init(&connection), Ok(port), "{connection}");
}

#[test]
fn of_hosts_addresses_and_ports() {
    let servers = Servers::start();
    let [primary, standby, dead] = [Primary, Standby, Dead].map(|at| servers.port(at));
    // One port for all: nothing is on 127.0.0.2.
    both_reach(&servers, &format!("host=127.0.0.2,127.0.0.1 port={primary}"), Primary);
    both_reach(&servers, &format!("host=127.0.0.1,127.0.0.1 port={dead},{primary}"), Primary);
    // The same host again.
    let again = format!("host=127.0.0.1,127.0.0.1,127.0.0.1 port={dead},{dead},{primary}");
    both_reach(&servers, &again, Primary);
    // Addresses without names, names that are looked up nowhere, and an address for one host of two.
    both_reach(
        &servers,
        &format!("hostaddr=127.0.0.1,127.0.0.1 port={standby},{primary}"),
        Primary,
    );
    let named = "host=a.invalid,b.invalid hostaddr=127.0.0.1,127.0.0.1";
    both_reach(&servers, &format!("{named} port={standby},{primary}"), Primary);
    both_reach(
        &servers,
        &format!("host=127.0.0.1,b.invalid hostaddr=,127.0.0.1 port={dead},{primary}"),
        Primary,
    );
    // A name without an address is one host that fails.
    both_reach(&servers, &format!("host=no-such-name.invalid,127.0.0.1 port={primary}"), Primary);
    for uri in [
        format!("postgresql://postgres:postgres@127.0.0.2,127.0.0.1/postgres?port={primary}"),
        format!("postgresql://postgres:postgres@127.0.0.1:{dead},127.0.0.1:{primary}/postgres"),
        format!(
            "postgresql://postgres:postgres@/postgres?host=127.0.0.1,127.0.0.1&port={dead},{primary}"
        ),
        format!(
            "postgresql://postgres:postgres@a.invalid:{dead},b.invalid:{primary}/postgres?hostaddr=127.0.0.1,127.0.0.1"
        ),
    ] {
        assert_eq!(psql(&servers.primary, &uri), Ok(primary), "{uri}");
        assert_eq!(init(&uri), Ok(primary), "{uri}");
    }
}

#[test]
fn of_variables() {
    let servers = Servers::start();
    let [primary, dead] = [Primary, Dead].map(|at| servers.port(at));
    let (two, one) = (format!("{dead},{primary}"), primary.to_string());
    for variables in [
        vec![("PGHOST", "127.0.0.1,127.0.0.1"), ("PGPORT", &two)],
        vec![("PGHOST", "127.0.0.2,127.0.0.1"), ("PGPORT", &one)],
        vec![("PGHOSTADDR", "127.0.0.1,127.0.0.1"), ("PGPORT", &two)],
        vec![
            ("PGHOST", "a.invalid,b.invalid"),
            ("PGHOSTADDR", "127.0.0.1,127.0.0.1"),
            ("PGPORT", &two),
        ],
    ] {
        let set = |command: &mut Command| {
            command.envs(variables.iter().copied()).env("PGTARGETSESSIONATTRS", "primary");
        };
        assert_eq!(psql_with(&servers.primary, ACCOUNT, set), Ok(primary), "{variables:?}");
        assert_eq!(init_with(ACCOUNT, set), Ok(primary), "{variables:?}");
    }
}

/// Lists that do not go together connect nowhere, in both.
#[test]
fn that_do_not_go_together() {
    let servers = Servers::start();
    let primary = servers.port(Primary);
    let two_hosts = "host=127.0.0.1,127.0.0.1";
    for (connection, of_psql, words) in [
        (
            format!("{two_hosts} port={primary},{primary},{primary}"),
            "could not match 3 port numbers to 2 hosts",
            "3 port values (from the connection string) for 2 hosts",
        ),
        (
            format!("hostaddr=127.0.0.1 port={primary},{primary}"),
            "could not match 2 port numbers to 1 hosts",
            "2 port values (from the connection string) for 1 host",
        ),
        (
            format!("{two_hosts} hostaddr=127.0.0.1 port={primary}"),
            "could not match 2 host names to 1 hostaddr values",
            "1 hostaddr values (from the connection string) for 2 hosts",
        ),
    ] {
        let by_psql = psql(&servers.primary, &format!("{connection} {ACCOUNT}")).unwrap_err();
        assert!(by_psql.contains(of_psql), "{connection}: {by_psql}");
        let by_pgchaos = init(&format!("{connection} {ACCOUNT}")).unwrap_err();
        assert!(by_pgchaos.contains(words), "{connection}: {by_pgchaos}");
    }
}

/// An empty host is the default one: for psql its socket directory, for pgchaos localhost.
#[test]
fn with_an_empty_host() {
    let servers = Servers::start();
    let [primary, dead] = [Primary, Dead].map(|at| servers.port(at));
    let connection = format!("host=127.0.0.1, port={dead},{primary} {ACCOUNT}");
    let by_psql = psql(&servers.primary, &connection).unwrap_err();
    assert!(by_psql.contains(&format!("/.s.PGSQL.{primary}\" failed: No such file")), "{by_psql}");
    assert_eq!(init(&connection), Ok(primary));
    let nowhere = init(&format!("host=,127.0.0.1 port={dead} {ACCOUNT}")).unwrap_err();
    // Which addresses localhost has is the machine's.
    let mut each = nowhere.lines().skip(1);
    let refused = |host: &str, line: Option<&str>| {
        line.is_some_and(|line| {
            line.starts_with(&format!("  {host}:{dead}"))
                && line.ends_with("refused (os error 111)")
        })
    };
    assert!(refused("localhost", each.next()) && refused("127.0.0.1", each.next()), "{nowhere}");
}

/// A host that lets no one in ends psql's search, as what is wrong there is to be seen. A load goes on to the next: in
/// a failover it is the one that serves that counts, and what was passed over is told.
#[test]
fn with_a_host_that_does_not_let_in() {
    let servers = Servers::start();
    servers.primary.psql("CREATE ROLE here LOGIN SUPERUSER PASSWORD 'here'");
    let [primary, other] = [Primary, At::ReadOnly].map(|at| servers.port(at));
    let uri = format!("postgresql://here:here@127.0.0.1:{other},127.0.0.1:{primary}/postgres");
    let by_psql = psql(&servers.primary, &uri).unwrap_err();
    assert!(
        by_psql.contains("authentication failed") && !by_psql.contains(&primary.to_string()),
        "{by_psql}"
    );
    assert_eq!(init(&uri), Ok(primary));
    let finished = Gen::start([uri.as_str(), "-n", "1"]).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let passed_over = &finished.event("passed_over")["fault"];
    assert_eq!(passed_over["endpoint"], format!("127.0.0.1:{other}"));
    assert_eq!(passed_over["sqlstate"], "28P01");
    let nowhere = format!("postgresql://here:wrong@127.0.0.1:{other},127.0.0.1:{primary}/postgres");
    let finished = Gen::start([nowhere.as_str()]).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    for port in [other, primary] {
        let words = format!(
            "  127.0.0.1:{port}: password authentication failed for user \"here\" (SQLSTATE 28P01)\n"
        );
        assert!(finished.stderr.contains(&words), "{}", finished.stderr);
    }
}

/// By `load_balance_hosts=random` each of two hosts is taken in time, and by `disable` always the first. psql knows the
/// option since version 16.
#[test]
fn in_a_random_order() {
    let server = Postgres::start();
    let (first, second) = (Proxy::start(server.port()), Proxy::start(server.port()));
    let uri = |balance: &str| {
        format!(
            "postgresql://postgres:postgres@127.0.0.1:{},127.0.0.1:{}/postgres?load_balance_hosts={balance}",
            first.port(),
            second.port()
        )
    };
    let is_known =
        !psql(&server, &uri("disable")).is_err_and(|words| words.contains("load_balance_hosts"));
    let by_psql: fn(&Postgres, &str) -> bool = |server, uri| psql(server, uri).is_ok();
    let by_pgchaos: fn(&Postgres, &str) -> bool = |_, uri| init(uri).is_ok();
    let both = [("psql", by_psql), ("pgchaos", by_pgchaos)];
    for (name, connects) in both.into_iter().filter(|(name, _)| *name == "pgchaos" || is_known) {
        let accepted = || [first.connections_accepted(), second.connections_accepted()];
        let before = accepted();
        for _ in 0..4 {
            assert!(connects(&server, &uri("disable")), "{name}");
        }
        assert_eq!(accepted()[1], before[1], "{name}: always the first");
        let before = accepted();
        // That each time the same one is taken has a chance of one in 2^63.
        let came_by_both = (0..64).any(|_| {
            assert!(connects(&server, &uri("random")), "{name}");
            let now = accepted();
            now[0] > before[0] && now[1] > before[1]
        });
        assert!(came_by_both, "{name}");
    }
}
