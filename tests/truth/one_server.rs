//! The set-up of most cases: one server, a wire before it, and a load through that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::books::{Said, Truth, Verdict, assert_true};
use crate::support::{Finished, Gen, Postgres, Proxy, pgchaos, wait_until};

/// Far longer than anything here takes, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// What a case's load is where it says nothing else. A server that waits for a processor is no outage: cases of
/// silence, or of refusals that are one, name the length that makes it one.
const LOAD: [&str; 3] = ["--rate=100", "--writers=2", "--stall-after=20s"];

/// The length that pgchaos takes by itself, for cases of silence or refusals.
pub(crate) const BY_SILENCE: &str = "--stall-after=1s";

/// Starts a load with these arguments, and those of [`LOAD`] that they do not have.
pub(crate) fn start_load(url: &str, args: &[&str]) -> Gen {
    let is_said = |option: &str| {
        let name = option.split('=').next().unwrap();
        args.iter().any(|arg| arg.split('=').next() == Some(name))
    };
    let usual = LOAD.into_iter().filter(|option| !is_said(option));
    Gen::start([url].into_iter().chain(usual).chain(args.iter().copied()))
}

/// A server, a database of the case's own, and the wire between it and the load.
pub(crate) struct OneServer {
    pub(crate) server: Arc<Postgres>,
    pub(crate) database: String,
    pub(crate) wire: Proxy,
}

impl OneServer {
    /// On the server that cases share which do nothing to the server itself.
    pub(crate) fn shared() -> Self {
        Self::on(Postgres::shared())
    }

    /// On a server of its own.
    pub(crate) fn own() -> Self {
        Self::on(Arc::new(Postgres::start()))
    }

    /// On this server.
    pub(crate) fn on(server: Arc<Postgres>) -> Self {
        let wire = Proxy::start(server.port());
        let database = new_database(&server);
        Self { server, database, wire }
    }

    /// How the load reaches it.
    pub(crate) fn url(&self) -> String {
        url(self.wire.port(), &self.database)
    }

    /// Makes the tables, and a role that can write and read them and nothing else; `then` is SQL that follows. Gives back
    /// how a load of that role reaches the server. Roles are the whole server's: each case has a name of its own.
    pub(crate) fn url_of_role(&self, role: &str, then: &str) -> String {
        assert_eq!(ask(&["init", &self.url()]).code, 0);
        self.psql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'postgres';
             GRANT USAGE ON SCHEMA pgchaos TO {role};
             GRANT SELECT ON pgchaos.users TO {role};
             GRANT SELECT, INSERT ON pgchaos.user_events TO {role};
             {then}"
        ));
        self.url().replace("postgres:postgres@", &format!("{role}:postgres@"))
    }

    /// Enables or disables the policies on the writes' table.
    pub(crate) fn set_row_security(&self, is_enabled: bool) {
        let verb = if is_enabled { "ENABLE" } else { "DISABLE" };
        self.psql(&format!("ALTER TABLE pgchaos.user_events {verb} ROW LEVEL SECURITY"));
    }

    /// A load with these arguments.
    pub(crate) fn load(&self, args: &[&str]) -> Gen {
        start_load(&self.url(), args)
    }

    /// [`Postgres::psql_in`] its database.
    #[track_caller]
    pub(crate) fn psql(&self, sql: &str) -> String {
        self.server.psql_in(&self.database, sql)
    }

    /// Waits until the client has been told of so many more writes.
    #[track_caller]
    pub(crate) fn wait_for_writes(&self, more: usize) {
        wait_for_writes(&self.wire, more);
    }

    /// What is true of this run now.
    pub(crate) fn truth(&self, run: Uuid) -> Truth {
        Truth::of_wires(run, &[&self.wire]).on(&self.server, &self.database, run)
    }

    /// Ends the load as a user does, and compares.
    #[track_caller]
    pub(crate) fn end(&self, load: Gen, verdict: Verdict) -> (Said, Truth, String) {
        self.end_of(&load.interrupt_and_finish(), verdict)
    }

    /// Compares what a load said that has ended.
    #[track_caller]
    pub(crate) fn end_of(&self, finished: &Finished, verdict: Verdict) -> (Said, Truth, String) {
        let said = Said::from(finished);
        let run = said.summary["run_id"].as_str().unwrap().parse().unwrap();
        let truth = self.truth(run);
        let line = assert_true(&said, &truth, &[verdict]);
        (said, truth, line)
    }
}

/// An empty database of a name that no other case has.
pub(crate) fn new_database(server: &Postgres) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let database = format!("truth_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    server.psql(&format!("CREATE DATABASE {database} TEMPLATE template0"));
    database
}

/// How a client reaches a database through this port.
pub(crate) fn url(port: u16, database: &str) -> String {
    format!("postgresql://postgres:postgres@127.0.0.1:{port}/{database}")
}

/// The run's id, from the first line of its log.
pub(crate) fn run_id(load: &Gen) -> Uuid {
    let run = load.wait_for_event(SOON, "the run begins", |event| event["event"] == "run");
    run["run_id"].as_str().unwrap().parse().unwrap()
}

/// Waits until the client has been told of so many more writes on this wire.
#[track_caller]
pub(crate) fn wait_for_writes(wire: &Proxy, more: usize) {
    let enough = wire.wire().acknowledged.len() + more;
    wait_until(SOON, &format!("{more} more writes are acknowledged"), || {
        wire.wire().acknowledged.len() >= enough
    });
}

/// Waits for the end of this outage.
#[track_caller]
pub(crate) fn wait_for_outage(load: &Gen, n: u64) -> Value {
    load.wait_for_event(SOON, &format!("outage {n} is over"), |event| {
        event["event"] == "outage_ended" && event["n"] == n
    })
}

/// Waits for an event of this name, from the `from`th on.
#[track_caller]
pub(crate) fn wait_for(load: &Gen, from: usize, name: &str) -> Value {
    load.wait_for_event_after(from, SOON, name, |event| event["event"] == name)
}

/// Ctrl-C twice: the load stops, and is ended before it is verified.
#[track_caller]
pub(crate) fn stop_at_once(load: Gen) -> Finished {
    load.interrupt();
    wait_for(&load, 0, "stopping");
    load.interrupt();
    let finished = load.finish();
    assert_eq!(finished.code, 130, "{}", finished.stderr);
    finished
}

/// `pgchaos` with these arguments, its summary as JSON.
pub(crate) fn ask(args: &[&str]) -> Said {
    let home = tempfile::tempdir().unwrap();
    let mut command = pgchaos(home.path(), args);
    command.env("PGPASSWORD", "postgres").env("PGCHAOS_SUMMARY", "json");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let summary = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let code = output.status.code().expect("it ends by itself");
    Said { code, summary, words: text(&output.stderr) }
}

/// What the record says of the run, without a look at any server.
pub(crate) fn report(record: &std::path::Path) -> Said {
    ask(&["report", record.to_str().unwrap()])
}

/// `pgchaos verify` of this record.
pub(crate) fn verify(record: &std::path::Path, args: &[&str]) -> Said {
    let mut all = vec!["verify", record.to_str().unwrap()];
    all.extend(args);
    ask(&all)
}
