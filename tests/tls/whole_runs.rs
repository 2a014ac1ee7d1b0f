//! TLS over the length of a run: its verification by another process, files that break under it, and sessions that go
//! without.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::authority::{Authority, GOOD, Made};
use crate::support::{Gen, Postgres, pgchaos, use_certificate};

const SOON: Duration = Duration::from_secs(60);

fn connection(server: &Postgres, mode: &str, root: &Path, more: &str) -> String {
    format!(
        "host=localhost hostaddr=127.0.0.1 port={} user=postgres password=postgres dbname=postgres sslmode={mode} \
         sslrootcert={} {more}",
        server.port(),
        root.display()
    )
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What answers with another certificate may be another server: it gets no password and verifies nothing.
#[test]
fn a_run_is_verified_as_it_was_secured() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Postgres::start();
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let dsn = connection(&server, "verify-full", &authority.root(), "sslpassword=wunderwald");
    let finished = Gen::start(["--writes=5", dsn.as_str()]).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let tls = &finished.recorded()[0]["target"]["tls"];
    assert_eq!(tls["sslmode"], "verify-full", "{tls}");
    assert_eq!(tls["sslrootcert"], authority.root().display().to_string(), "{tls}");
    assert_eq!(tls.get("sslpassword"), None, "{tls}");
    let record = finished.summary["record"]["path"].as_str().unwrap().to_owned();
    let verify = |root: Option<&Path>| {
        let mut command = pgchaos(finished.home(), ["verify", &record]);
        command.env("PGPASSWORD", "postgres");
        if let Some(root) = root {
            command.env("PGSSLROOTCERT", root);
        }
        command.output().unwrap()
    };
    let verified = verify(None);
    assert_eq!(verified.status.code(), Some(0), "{}", words(&verified));
    let (key, certificate) = other.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let refused = verify(None);
    assert_eq!(refused.status.code(), Some(4), "{}", words(&refused));
    assert!(words(&refused).contains("signed by no authority in"), "{}", words(&refused));
    // What is said now goes before what the run had.
    let verified = verify(Some(&other.root()));
    assert_eq!(verified.status.code(), Some(0), "{}", words(&verified));
}

/// A key that others may read is refused by pgchaos itself: no time without a session by it is the server's.
#[test]
fn a_file_of_its_own_that_breaks_under_a_run_fails_no_limit() {
    let authority = Authority::new("ours");
    let server = Postgres::start();
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let client = Made { extensions: "basicConstraints=CA:FALSE", ..GOOD };
    let (client_key, client_certificate) = authority.sign("client", client);
    let more = format!("sslcert={} sslkey={}", client_certificate.display(), client_key.display());
    let dsn = connection(&server, "verify-full", &authority.root(), &more);
    let load = Gen::start(["--rate=20", "--writers=2", "--max-outage=1s", dsn.as_str()]);
    load.wait_for_event(SOON, "it writes", |event| event["acknowledged"].as_u64() > Some(0));
    fs::set_permissions(&client_key, Permissions::from_mode(0o644)).unwrap();
    server.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgchaos:%'",
    );
    let fault = load.wait_for_event(SOON, "it cannot connect", |event| {
        event["event"] == "fault" && event["fault"]["class"] == "local"
    });
    let said = fault["fault"]["message"].as_str().unwrap();
    assert!(said.contains("has group or world access"), "{said}");
    // Longer than the limit.
    sleep(Duration::from_secs(2));
    fs::set_permissions(&client_key, Permissions::from_mode(0o600)).unwrap();
    load.wait_for_event(SOON, "it is over", |event| event["event"] == "outage_ended");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 3, "{}", finished.stderr);
    let own = finished.summary["own_limits"][0].as_str().unwrap();
    assert!(own.starts_with("pgchaos itself ran out of TLS files that can be used"), "{own}");
}

/// Also those beside the load: the server that decides is asked in the clear.
#[test]
fn every_command_tells_of_its_sessions_without_tls() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Postgres::start();
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let dsn = connection(&server, "prefer", &other.root(), "");
    let home = tempfile::tempdir().unwrap();
    for command in ["init", "clean"] {
        let args: &[&str] = match command {
            "clean" => &["clean", "--schema", &dsn],
            _ => &[command, &dsn],
        };
        let output = pgchaos(home.path(), args).output().unwrap();
        let words = words(&output);
        assert!(output.status.success(), "{command}: {words}");
        let told = words.matches("serves without TLS: the server's certificate").count();
        assert_eq!(told, 1, "{command}: {words}");
    }

    let root = home.path().join("root.crt");
    fs::copy(authority.root(), &root).unwrap();
    let dsn = connection(&server, "prefer", &root, "");
    let load = Gen::start(["--rate=20", dsn.as_str()]);
    load.wait_for_event(SOON, "it writes", |event| event["acknowledged"].as_u64() > Some(0));
    fs::copy(other.root(), home.path().join("new")).unwrap();
    fs::rename(home.path().join("new"), &root).unwrap();
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let events = finished.recorded();
    let without: Vec<&Value> =
        events.iter().filter(|event| event["event"] == "passed_over").collect();
    assert!(!without.is_empty(), "the session of the verification");
    for event in without {
        assert_eq!(event["served_without_tls"], true, "{event}");
        assert_eq!(event["writer"], Value::Null, "{event}");
    }
}
