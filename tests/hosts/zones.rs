//! Addresses with a zone, as link-local ones need it, with psql beside.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use crate::beside_psql::{init, psql};
use crate::support::{Gen, Postgres, free_port, pgchaos, skip};

/// A network of this thread's own, and of what it starts: loopback with a link-local
/// address. `false`, told, where it may not be made.
fn network() -> bool {
    if let Err(error) = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET) {
        skip(&format!("no network of its own, which takes root: {error}"));
        return false;
    }
    let line = "ip link set lo up && ip -6 address add fe80::1/64 dev lo nodad";
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    if !output.status.success() {
        skip(&format!("no link-local address: {}", String::from_utf8_lossy(&output.stderr)));
        return false;
    }
    true
}

#[test]
fn by_name_and_by_number() {
    if !network() {
        return;
    }
    let server = Postgres::with_settings(&[("listen_addresses", "127.0.0.1, ::1, fe80::1%lo")]);
    let rules = server.data_dir().join("pg_hba.conf");
    let others = fs::read_to_string(&rules).unwrap();
    let lines = "host all trusted fe80::/10 trust\nhost all all fe80::/10 scram-sha-256\n";
    fs::write(rules, format!("{lines}{others}")).unwrap();
    server.psql("CREATE ROLE trusted LOGIN SUPERUSER");
    server.psql("SELECT pg_reload_conf()");
    let port = server.port();
    let account = "user=postgres password=postgres dbname=postgres";
    let lo = "1";
    for connection in [
        format!("host=::1 port={port} {account}"),
        format!("postgresql://postgres:postgres@[::1]:{port}/postgres"),
        format!("host=fe80::1%lo port={port} {account}"),
        format!("host=fe80::1%{lo} port={port} {account}"),
        format!("hostaddr=fe80::1%lo port={port} {account}"),
        format!("hostaddr=fe80::1%{lo} port={port} {account}"),
        format!("host=db.invalid hostaddr=fe80::1%lo port={port} {account}"),
        format!(
            "host=db.invalid,other.invalid hostaddr=::1,fe80::1%lo port={},{port} {account}",
            free_port()
        ),
        format!("postgresql://postgres:postgres@[fe80::1%25lo]:{port}/postgres"),
        format!("postgresql://postgres:postgres@[fe80::1%25{lo}]:{port}/postgres"),
        format!(
            "postgresql://postgres:postgres@[fe80::1%25nosuch],[fe80::1%25lo]/postgres?port={port}"
        ),
        format!("postgresql://postgres:postgres@/postgres?hostaddr=fe80::1%25lo&port={port}"),
    ] {
        assert_eq!(psql(&server, &connection), Ok(port), "{connection}");
        assert_eq!(init(&connection), Ok(port), "{connection}");
    }
    let account = "user=trusted dbname=postgres";
    a_run(&server, &format!("host=db.invalid hostaddr=fe80::1%lo port={port} {account}"));
    a_run(&server, &format!("postgresql://trusted@[fe80::1%25lo]:{port}/postgres"));
}

/// It is verified on the same address, also by its record.
fn a_run(server: &Postgres, connection: &str) {
    let finished = Gen::start([connection, "-n", "3", "--rate=50"]).finish();
    assert_eq!(finished.code, 0, "{connection}: {}", finished.stderr);
    assert_eq!(finished.event("connected")["server"]["port"], server.port());
    let mut verify = pgchaos(finished.home(), ["verify"]);
    let output = verify.arg(&finished.record).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{connection}: {words}");
}

#[test]
fn that_lead_nowhere() {
    if !network() {
        return;
    }
    let server = Postgres::start();
    let port = free_port();
    for (address, of_psql, of_pgchaos) in [
        ("fe80::1%lo", "Connection refused", "Connection refused (os error 111)"),
        (
            "fe80::1%nosuch",
            "Name or service not known",
            "this machine has no interface \"nosuch\" for fe80::1",
        ),
        // The system knows an interface of the loopback address by its number alone.
        ("::1%lo", "Name or service not known", "this machine has no interface \"lo\" for ::1"),
        (
            "fe80::1",
            "Invalid argument",
            "a link-local address needs its interface, as in fe80::1%eth0",
        ),
    ] {
        for keyword in ["host", "hostaddr"] {
            let connection = format!("{keyword}={address} port={port} user=postgres");
            let by_psql = psql(&server, &connection).unwrap_err();
            assert!(by_psql.contains(of_psql), "{connection}: {by_psql}");
            let by_pgchaos = init(&connection).unwrap_err();
            assert_eq!(
                by_pgchaos,
                format!("pgchaos: [{address}]:{port}: {of_pgchaos}\n"),
                "{connection}"
            );
        }
    }
    let several = format!(
        "host=db,fe80::1%nosuch,fe80::1%lo hostaddr=fe80::1%lo,, port={port} user=postgres"
    );
    let words = init(&several).unwrap_err();
    let each = format!(
        "pgchaos: none of 3 places serves:\n\
         \x20 db:{port} (fe80::1%lo): Connection refused (os error 111)\n\
         \x20 [fe80::1%nosuch]:{port}: this machine has no interface \"nosuch\" for fe80::1\n\
         \x20 [fe80::1%lo]:{port}: Connection refused (os error 111)\n"
    );
    assert_eq!(words, each);
}

/// What is no address is an error before anything is tried: for psql as it is looked up, for pgchaos as it is read.
#[test]
fn that_are_none() {
    let server = Postgres::start();
    for address in ["fe80::1%", "fe80::1%1%2", "127.0.0.1%lo"] {
        let connection = format!("hostaddr={address} user=postgres");
        let by_psql = psql(&server, &connection).unwrap_err();
        assert!(by_psql.contains("could not parse network address"), "{by_psql}");
        let by_pgchaos = init(&connection).unwrap_err();
        assert!(
            by_pgchaos.starts_with(&format!("pgchaos: invalid hostaddr \"{address}\"")),
            "{by_pgchaos}"
        );
    }
    let raw = "postgresql://[fe80::1%lo]:5432/";
    assert!(psql(&server, raw).unwrap_err().contains("invalid percent-encoded token"));
    assert!(init(raw).unwrap_err().contains("the host has a \"%\" without two hexadecimal digits"));
}
