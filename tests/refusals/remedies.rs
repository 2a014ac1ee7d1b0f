//! What a message says to try is typed, and does what it says. Those of databases are in `databases`, those of the lab and
//! of drills in their own tests.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::hopeless::url;
use crate::support::{Finished, Gen, Postgres, pgchaos};

/// Types a line into a shell, where `pgchaos` and PostgreSQL's programs are on the PATH and the password is known; gives
/// back all that it said. Panics when it fails.
#[track_caller]
pub(crate) fn typed(home: &Path, line: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_pgchaos")).parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap();
    let mut shell = pgchaos(home, [""; 0]);
    let mut variables = Command::new("sh");
    // The environment that the tests give pgchaos: nothing of the tester's.
    for (name, value) in shell.env("PATH", format!("{}:{path}", program.display())).get_envs() {
        match value {
            Some(value) => variables.env(name, value),
            None => variables.env_remove(name),
        };
    }
    let output = variables.args(["-c", line]).env("PGPASSWORD", "postgres").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{line}: {said}");
    said
}

/// What a refused run says to try, a line each.
fn remedy(said: &str) -> Vec<&str> {
    let (_, remedy) = said.split_once("\n  try: ").unwrap_or_else(|| panic!("no remedy: {said}"));
    remedy.lines().map(str::trim).collect()
}

#[track_caller]
fn writes(finished: &Finished) {
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert_eq!(finished.summary["writes"]["acknowledged"], 1, "{}", finished.stdout);
}

fn one_write<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["--writes", "1"], args].concat()
}

#[test]
fn a_database_that_is_not_there() {
    let server = Postgres::shared();
    let home = tempfile::tempdir().unwrap();
    for name in ["not_there", "Not 'there' \"yet\""] {
        let place =
            ["-h", "127.0.0.1", "-p", &server.port().to_string(), "-d", name].map(str::to_owned);
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let refused = Gen::start([&["--log-format=text"][..], &place].concat()).finish();
        assert_eq!(refused.code, 4, "{}", refused.stderr);
        let (command, _) = remedy(&refused.stderr)[0].split_once(", or ").unwrap();
        assert!(command.starts_with("createdb "), "{command}");
        typed(home.path(), command);
        writes(&Gen::start(one_write(&place)).finish());
    }
}

/// Each of the places that are named takes the right one.
#[test]
fn a_password_that_is_wrong() {
    let server = Postgres::shared();
    let port = server.port().to_string();
    let wrong = url("postgres:wrong", server.port(), "postgres");
    let (code, said) = {
        let refused = Gen::start(["--log-format=text", &wrong]).finish();
        (refused.code, refused.stderr)
    };
    assert_eq!(code, 4, "{said}");
    let words = "the right password for postgres in PGPASSWORD, in ~/.pgpass or in the DSN, or another role with -U";
    assert_eq!(remedy(&said).join(" "), words);
    let place = ["-h", "127.0.0.1", "-p", &port];
    let run = |prepare: &dyn Fn(&Path, &mut Command)| {
        writes(&Gen::start_with(one_write(&place), prepare).finish());
    };
    run(&|_, command| {
        command.env("PGPASSWORD", "postgres");
    });
    run(&|home, _| {
        let file = home.join(".pgpass");
        fs::write(&file, format!("127.0.0.1:{port}:*:postgres:postgres\n")).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    });
    writes(&Gen::start(one_write(&[&server.url()])).finish());
    server.psql("CREATE ROLE another LOGIN SUPERUSER PASSWORD 'another'");
    let other = [&place[..], &["-U", "another"]].concat();
    let other = Gen::start_with(one_write(&other), |_, command| {
        command.env("PGPASSWORD", "another");
    });
    writes(&other.finish());
}

#[test]
fn a_role_that_pg_hba_does_not_let_in() {
    let server = Postgres::start();
    let file = server.data_dir().join("pg_hba.conf");
    fs::write(&file, "local all all trust\n").unwrap();
    server.psql("SELECT pg_reload_conf()");
    let refused = Gen::start(["--log-format=text", &server.url()]).finish();
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(remedy(&refused.stderr)[0].starts_with("a line in the server's pg_hba.conf that lets"));
    let mut file = OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(b"host all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    server.psql("SELECT pg_reload_conf()");
    writes(&Gen::start(one_write(&[&server.url()])).finish());
}

#[test]
fn a_binding_of_the_channel_that_cannot_be() {
    let server = Postgres::shared();
    let bound = |binding: &str| {
        let binding = binding.to_owned();
        Gen::start_with(["--writes", "1", "--log-format=text", &server.url()], move |_, command| {
            command.env("PGCHANNELBINDING", binding);
        })
        .finish()
    };
    let refused = bound("require");
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(remedy(&refused.stderr)[0].starts_with("channel_binding=prefer (PGCHANNELBINDING)"));
    assert_eq!(bound("prefer").code, 0);
}

/// An option of a URI wins over the variable that is named.
#[test]
fn encryption_that_cannot_be() {
    let server = Postgres::shared();
    let mode = |mode: &str| format!("{}?sslmode={mode}", server.url());
    let refused = Gen::start(["--log-format=text", &mode("require")]).finish();
    assert!(remedy(&refused.stderr).iter().any(|line| line.ends_with("sslmode=prefer")));
    for allowed in ["prefer", "disable"] {
        writes(&Gen::start(one_write(&[&mode(allowed)])).finish());
    }
}

/// A database of its own, with the schema in it, and its command `clean`.
struct Cleaned {
    server: Arc<Postgres>,
    name: &'static str,
    home: tempfile::TempDir,
}

impl Cleaned {
    fn new(name: &'static str) -> Self {
        let server = Postgres::shared();
        server.psql(&format!("CREATE DATABASE {name}"));
        server.psql(&format!("CREATE ROLE {name} LOGIN PASSWORD 'postgres'"));
        let home = tempfile::tempdir().unwrap();
        let run = Gen::start(one_write(&[&url("postgres:postgres", server.port(), name)])).finish();
        writes(&run);
        Self { server, name, home }
    }

    fn clean(&self, args: &str, role: &str) -> Result<String, String> {
        let mut command = pgchaos(self.home.path(), ["clean"]);
        command.args(args.split(' ')).arg(url(role, self.server.port(), self.name));
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        if output.status.success() { Ok(said) } else { Err(said) }
    }

    fn has_schema(&self) -> bool {
        let there = "SELECT to_regnamespace('pgchaos') IS NOT NULL";
        self.server.psql_in(self.name, there) == "t"
    }
}

#[test]
fn tables_that_something_hangs_on() {
    let cleaned = Cleaned::new("hangs_on");
    cleaned
        .server
        .psql_in("hangs_on", "CREATE VIEW public.report AS SELECT * FROM pgchaos.user_events");
    let said = cleaned.clean("--schema", "postgres:postgres").unwrap_err();
    assert!(said.contains("2BP01") && cleaned.has_schema(), "{said}");
    let (psql, _) = remedy(&said)[0].split_once(", which takes").unwrap();
    typed(cleaned.home.path(), psql);
    let said = cleaned.clean("--schema", "postgres:postgres").unwrap();
    assert!(said.contains("there is no schema pgchaos") && !cleaned.has_schema(), "{said}");
}

#[test]
fn tables_of_somebody_else() {
    let cleaned = Cleaned::new("others");
    cleaned.server.psql_in("others", "GRANT USAGE ON SCHEMA pgchaos TO others");
    cleaned.server.psql_in("others", "GRANT SELECT, INSERT ON pgchaos.user_events TO others");
    let run = cleaned.server.psql_in("others", "SELECT run_id FROM pgchaos.user_events");
    for args in [format!("--run-id {run}"), "--schema".to_owned()] {
        let said = cleaned.clean(&args, "others:postgres").unwrap_err();
        let words = "the role that owns the schema and its tables, with -U";
        assert_eq!(remedy(&said), [words], "{said}");
        let said = cleaned.clean(&args, "postgres:postgres").unwrap();
        assert!(said.contains("removed"), "{said}");
    }
    assert!(!cleaned.has_schema());
}

#[test]
fn no_record_to_verify() {
    let server = Postgres::shared();
    let home = tempfile::tempdir().unwrap();
    let output = pgchaos(home.path(), ["verify"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert_eq!(remedy(&said), ["pgchaos gen makes one; or name the record's file"]);
    typed(home.path(), &format!("pgchaos gen --writes 1 -h 127.0.0.1 -p {}", server.port()));
    let said = typed(home.path(), "pgchaos verify");
    assert!(said.contains("PASS"), "{said}");
}
