//! Unix sockets, in a folder and in Linux's abstract namespace, with psql beside.

use std::fs;
use std::process::Command;

use crate::beside_psql::{Reached, init, init_with, psql, psql_with};
use crate::support::{Gen, Postgres, free_port};

/// By a Unix socket there is no port to tell.
const BY_SOCKET: Reached = Ok(0);

/// A server with a socket in its folder and an abstract one, and the name of that.
fn server() -> (Postgres, String) {
    let server = Postgres::start();
    let name = format!("@pgchaos-hosts-{}", server.port());
    let folder = server.socket_dir().display();
    server.psql(&format!("ALTER SYSTEM SET unix_socket_directories = '{folder}', '{name}'"));
    server.restart();
    (server, name)
}

/// What stands for a `/` or an `@` in a URI.
fn encoded(host: &str) -> String {
    host.replace('/', "%2F").replace('@', "%40")
}

#[cfg(target_os = "linux")]
#[test]
fn in_a_folder_and_abstract() {
    let (server, name) = server();
    let (folder, port) = (server.socket_dir().display().to_string(), server.port());
    for host in [&folder, &name] {
        for connection in [
            format!("host={host} port={port} user=postgres dbname=postgres"),
            format!("postgresql://postgres@{}:{port}/postgres", encoded(host)),
            format!("postgresql://postgres@/postgres?host={}&port={port}", encoded(host)),
            format!("postgresql://postgres@:{port}/postgres?host={host}"),
        ] {
            assert_eq!(psql(&server, &connection), BY_SOCKET, "{connection}");
            assert_eq!(init(&connection), BY_SOCKET, "{connection}");
        }
        let account = "user=postgres dbname=postgres";
        let set = |command: &mut Command| {
            command.env("PGHOST", host).env("PGPORT", port.to_string());
        };
        assert_eq!(psql_with(&server, account, set), BY_SOCKET, "{host}");
        assert_eq!(init_with(account, set), BY_SOCKET, "{host}");
    }
    // Beside others, the next one where nothing is.
    let dead = free_port();
    let several = format!(
        "host=@nothing-here,/nothing/here,{name},127.0.0.1 port={dead},{dead},{port},{dead}"
    );
    let several = format!("{several} user=postgres dbname=postgres");
    assert_eq!(psql(&server, &several), BY_SOCKET);
    assert_eq!(init(&several), BY_SOCKET);
    // And for a whole run, which is verified by its record.
    let target = [several.as_str(), "-n", "3", "--rate=50"];
    let finished = Gen::start(target).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let mut verify = crate::support::pgchaos(finished.home(), ["verify"]);
    let output = verify.arg(&finished.record).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// With nothing said psql goes to its socket directory, and pgchaos to localhost.
#[test]
fn by_default() {
    let server = Postgres::start();
    let port = server.port();
    let account = format!("port={port} user=postgres password=postgres dbname=postgres");
    let by_psql = psql(&server, &account).unwrap_err();
    assert!(by_psql.contains(&format!("/.s.PGSQL.{port}\" failed: No such file")), "{by_psql}");
    assert_eq!(init(&account), Ok(port));
}

/// Nothing there, in a folder that is missing, in one that is there, and abstract.
#[test]
fn where_nothing_is() {
    let server = Postgres::start();
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().display().to_string();
    let port = free_port();
    let missing = "No such file or directory";
    for (host, why, os_error) in [
        ("/nothing/here", missing, 2),
        (empty.as_str(), missing, 2),
        ("@nothing-here", "Connection refused", 111),
    ] {
        let connection = format!("host={host} port={port} user=postgres");
        let by_psql = psql(&server, &connection).unwrap_err();
        assert!(
            by_psql.contains(&format!("\"{host}/.s.PGSQL.{port}\" failed: {why}")),
            "{by_psql}"
        );
        let by_pgchaos = init(&connection).unwrap_err();
        assert_eq!(by_pgchaos, format!("pgchaos: {host}:{port}: {why} (os error {os_error})\n"));
    }
}

/// A path that no socket can have is a host that fails, and where there is no other, an error at once.
#[test]
fn with_a_path_that_is_too_long() {
    let server = Postgres::start();
    let port = server.port();
    for host in [format!("/{}", "a".repeat(107)), format!("@{}", "a".repeat(107))] {
        let bytes = host.len() + format!("/.s.PGSQL.{port}").len();
        let words = format!(
            "the path of its Unix socket, {host}/.s.PGSQL.{port}, has {bytes} bytes, and the system takes 107"
        );
        let alone = format!("host={host} port={port} user=postgres");
        let by_psql = psql(&server, &alone).unwrap_err();
        assert!(by_psql.contains("is too long (maximum 107 bytes)"), "{by_psql}");
        let by_pgchaos = init(&alone).unwrap_err();
        assert!(by_pgchaos.starts_with("pgchaos: invalid host"), "{by_pgchaos}");
        assert!(by_pgchaos.contains(&words), "{by_pgchaos}");
        let account = "user=postgres password=postgres dbname=postgres";
        let first_of_two = format!("host={host},127.0.0.1 port={port} {account}");
        assert_eq!(psql(&server, &first_of_two), Ok(port));
        assert_eq!(init(&first_of_two), Ok(port));
        let dead = free_port();
        let by_pgchaos = init(&format!("host={host},127.0.0.1 port={dead} {account}")).unwrap_err();
        let words = words.replace(&port.to_string(), &dead.to_string());
        let each = format!("{host}:{dead}: {words}\n  127.0.0.1:{dead}: Connection refused");
        assert!(by_pgchaos.contains(&each), "{by_pgchaos}");
    }
}

/// The longest that fits is taken.
#[cfg(target_os = "linux")]
#[test]
fn with_the_longest_path() {
    let server = Postgres::start();
    let port = server.port();
    let rest = format!("/.s.PGSQL.{port}").len();
    let name = format!("@{}", "a".repeat(107 - rest - 1));
    server.psql(&format!(
        "ALTER SYSTEM SET unix_socket_directories = '{}', '{name}'",
        server.socket_dir().display()
    ));
    server.restart();
    let connection = format!("host={name} port={port} user=postgres dbname=postgres");
    assert_eq!(psql(&server, &connection), BY_SOCKET);
    assert_eq!(init(&connection), BY_SOCKET);
}

/// The server asks the system which user is at the other end.
#[test]
fn with_a_user_that_is_not_the_role() {
    let server = Postgres::start();
    server.psql("CREATE ROLE other LOGIN");
    let rules = server.data_dir().join("pg_hba.conf");
    let others = fs::read_to_string(&rules).unwrap();
    fs::write(rules, format!("local all other peer\n{others}")).unwrap();
    server.psql("SELECT pg_reload_conf()");
    let (folder, port) = (server.socket_dir().display(), server.port());
    let connection = format!("host={folder} port={port} user=other dbname=postgres");
    let words = "Peer authentication failed for user \"other\"";
    let by_psql = psql(&server, &connection).unwrap_err();
    assert!(by_psql.contains(words), "{by_psql}");
    let by_pgchaos = init(&connection).unwrap_err();
    let expected = format!(
        "pgchaos: {folder}:{port}: {words} (SQLSTATE 28000)\n  try: a line in the server's pg_hba.conf"
    );
    assert!(by_pgchaos.starts_with(&expected), "{by_pgchaos}");
}
