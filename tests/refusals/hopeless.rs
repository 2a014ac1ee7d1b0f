//! Before the first success, what waiting cannot mend ends the run: exit code 4, one message, a remedy, and no traces.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Finished, Gen, Postgres, Proxy, Session, Stop, Twist, pgchaos};

const SOON: Duration = Duration::from_secs(60);

/// A database of a test's own on the shared server.
struct Database {
    server: Arc<Postgres>,
    name: &'static str,
}

impl Database {
    fn new(name: &'static str) -> Self {
        let server = Postgres::shared();
        server.psql(&format!("CREATE DATABASE {name}"));
        let login = format!("CREATE ROLE {name} LOGIN PASSWORD '{name}'");
        server.psql(&login);
        Self { server, name }
    }

    /// As its owner, which may do everything.
    fn owner_url(&self) -> String {
        url("postgres:postgres", self.server.port(), self.name)
    }

    /// As a role of the database's name, which may do what it was granted.
    fn url(&self) -> String {
        url(&format!("{0}:{0}", self.name), self.server.port(), self.name)
    }

    fn run(&self, sql: &str) {
        Session::open(&self.owner_url()).run(sql);
    }

    /// The schema, made by its owner.
    fn init(&self) {
        let home = tempfile::tempdir().unwrap();
        let made = pgchaos(home.path(), ["init", &self.owner_url()]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Panics when its schema is there.
    #[track_caller]
    fn has_nothing(&self) {
        self.run(
            "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'pgchaos'); END $$",
        );
    }
}

pub(crate) fn url(login: &str, port: u16, database: &str) -> String {
    format!("postgresql://{login}@127.0.0.1:{port}/{database}")
}

/// Runs it to its end, which is a refusal: the log's first line apart, `message` and a remedy with `remedy` in it are
/// all that is said.
#[track_caller]
pub(crate) fn is_refused(args: &[&str], message: &str, remedy: &[&str]) -> Finished {
    let finished = Gen::start([&["--log-format", "text"], args].concat()).finish();
    let (code, stderr) = (finished.code, &finished.stderr);
    assert_eq!(code, 4, "{stderr}");
    let mut lines = stderr.lines().filter(|line| !line.starts_with("--- pgchaos gen"));
    assert_eq!(lines.next(), Some(format!("pgchaos: {message}").as_str()), "{stderr}");
    let rest: Vec<_> = lines.collect();
    assert!(rest.first().is_some_and(|line| line.starts_with("  try: ")), "{stderr}");
    assert!(rest.iter().skip(1).all(|line| line.starts_with("       ")), "{stderr}");
    let rest = rest.join("\n");
    assert!(remedy.iter().all(|words| rest.contains(words)), "{remedy:?} in:\n{rest}");
    leaves_nothing(&finished);
    finished
}

/// No summary, no record, and no file at all in its home.
#[track_caller]
fn leaves_nothing(finished: &Finished) {
    assert_eq!(finished.stdout, "");
    let files: Vec<_> = fs::read_dir(finished.home()).unwrap().flatten().collect();
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn a_wrong_password() {
    let database = Database::new("wrong_password");
    let url = database.url().replace(":wrong_password@", ":open-sesame@");
    let endpoint = format!("127.0.0.1:{}", database.server.port());
    let message = format!(
        "{endpoint}: password authentication failed for user \"wrong_password\" (SQLSTATE 28P01) \
         with the password from the connection string"
    );
    let finished = is_refused(&[&url], &message, &["PGPASSWORD", "pgpass", "-U"]);
    assert!(!finished.stderr.contains("open-sesame"));
    database.has_nothing();
}

#[test]
fn no_password_at_all() {
    let database = Database::new("no_password");
    let url = database.url().replace(":no_password@", "@");
    let endpoint = format!("127.0.0.1:{}", database.server.port());
    let message = format!(
        "{endpoint}: password authentication failed for user \"no_password\" (SQLSTATE 28P01) \
         with the default password \"postgres\", as none was given \
         (set PGPASSWORD or add a line to ~/.pgpass)"
    );
    is_refused(&[&url], &message, &["PGPASSWORD", "pgpass", "-U"]);
}

#[test]
fn an_unknown_role() {
    let server = Postgres::shared();
    let endpoint = format!("127.0.0.1:{}", server.port());
    let message = format!(
        "{endpoint}: password authentication failed for user \"nobody\" (SQLSTATE 28P01) \
         with the password from the connection string"
    );
    is_refused(&[&server.url(), "-U", "nobody"], &message, &["for nobody", "-U"]);
}

#[test]
fn a_role_that_pg_hba_does_not_let_in() {
    let server = Postgres::start();
    fs::write(server.data_dir().join("pg_hba.conf"), "local all all trust\n").unwrap();
    server.psql("SELECT pg_reload_conf()");
    let finished = Gen::start([server.url().as_str()]).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    assert_eq!(finished.event("refused")["fault"]["class"], "auth");
    assert_eq!(finished.event("refused")["fault"]["sqlstate"], "28000");
    assert!(finished.stderr.contains("try: a line in the server's pg_hba.conf"));
}

#[test]
fn a_server_that_cannot_bind_the_channel() {
    let server = Postgres::shared();
    let dsn = format!("{}?channel_binding=require", server.url());
    let endpoint = format!("127.0.0.1:{}", server.port());
    let message = format!(
        "{endpoint}: channel_binding=require, and the connection has no TLS to bind the login to"
    );
    is_refused(&[&dsn], &message, &["channel_binding=prefer", "sslmode=require"]);
}

#[test]
fn a_wrong_database() {
    let server = Postgres::shared();
    let endpoint = format!("127.0.0.1:{}", server.port());
    let message = format!("{endpoint}: database \"nowhere\" does not exist (SQLSTATE 3D000)");
    let url = url("postgres:postgres", server.port(), "nowhere");
    is_refused(&[&url], &message, &["createdb -h 127.0.0.1 -p ", " nowhere, or ", "-d"]);
}

#[test]
fn no_permission_to_make_the_schema() {
    let database = Database::new("no_create");
    let endpoint = format!("127.0.0.1:{}", database.server.port());
    let message = format!("{endpoint}: permission denied for database no_create (SQLSTATE 42501)");
    let remedy = ["GRANT CREATE ON DATABASE no_create TO no_create", "pgchaos init"];
    is_refused(&[&database.url()], &message, &remedy);
    database.has_nothing();
}

#[test]
fn no_permission_to_use_the_schema() {
    let database = Database::new("no_usage");
    database.init();
    let endpoint = format!("127.0.0.1:{}", database.server.port());
    let message = format!("{endpoint}: permission denied for schema pgchaos (SQLSTATE 42501)");
    is_refused(&[&database.url()], &message, &["GRANT USAGE ON SCHEMA pgchaos TO no_usage;"]);
}

/// The remedy is all that is needed.
#[test]
fn no_permission_to_insert_until_the_remedy_is_taken() {
    let database = Database::new("no_insert");
    database.init();
    database.run(
        "GRANT USAGE ON SCHEMA pgchaos TO no_insert;
         GRANT SELECT ON ALL TABLES IN SCHEMA pgchaos TO no_insert",
    );
    let endpoint = format!("127.0.0.1:{}", database.server.port());
    let message = format!("{endpoint}: permission denied for table user_events (SQLSTATE 42501)");
    let refused = is_refused(&[&database.url()], &message, &["as the owner of the schema:"]);
    database.run("DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pgchaos.user_events); END $$");
    let remedy: Vec<_> = refused.stderr.lines().filter(|line| line.contains("GRANT")).collect();
    assert_eq!(remedy.len(), 3, "{}", refused.stderr);
    database.run(&remedy.join("\n"));
    let finished = Gen::start(["--writes", "1", &database.url()]).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
}

/// Writes that report no row could be called acknowledged and then lost.
#[test]
fn a_trigger_that_swallows_the_rows() {
    let database = Database::new("swallowed");
    database.init();
    database.run(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER swallows BEFORE INSERT ON pgchaos.user_events
            FOR EACH ROW EXECUTE FUNCTION nothing()",
    );
    let message = "an INSERT into pgchaos.user_events reports no row: a trigger, a rule or a route \
                   takes it elsewhere or nowhere, so that no write could be acknowledged";
    is_refused(&[&database.owner_url()], message, &["\\d+ pgchaos.user_events", "clean --schema"]);
    database.run("DROP TRIGGER swallows ON pgchaos.user_events");
    let finished = Gen::start(["--writes", "1", &database.owner_url()]).finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
}

#[test]
fn a_rule_in_place_of_the_insert() {
    let database = Database::new("ruled");
    database.init();
    database.run(
        "CREATE RULE nothing AS ON INSERT TO pgchaos.user_events DO INSTEAD NOTHING;
         CREATE TABLE public.elsewhere (LIKE pgchaos.user_events)",
    );
    let refused = Gen::start([database.owner_url().as_str()]).finish();
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(refused.stderr.contains("\\d+ pgchaos.user_events"), "{}", refused.stderr);
    database.run(
        "DROP RULE nothing ON pgchaos.user_events;
         CREATE RULE routed AS ON INSERT TO pgchaos.user_events
            DO INSTEAD INSERT INTO public.elsewhere VALUES (NEW.*)",
    );
    let refused = Gen::start([database.owner_url().as_str()]).finish();
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    database.run("DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM public.elsewhere); END $$");
}

#[test]
fn what_answers_is_no_postgresql() {
    let proxy = Proxy::start(Postgres::shared().port());
    proxy.garbage_on_accept();
    let finished = Gen::start([proxy.url().as_str()]).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    assert_eq!(finished.event("refused")["fault"]["class"], "protocol");
    assert!(finished.stderr.contains("try: a PostgreSQL server"), "{}", finished.stderr);
}

/// Only a write shows it: what set-up asks is answered as it should be.
#[test]
fn a_pooler_that_opens_a_transaction_around_the_first_write() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    proxy.twist_all(Some(Twist::Status(b'T')));
    let finished = Gen::start([&*proxy.url(), "--writers=3", "--rate=30"]).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    assert_eq!(finished.event("refused")["fault"]["class"], "protocol");
    assert!(finished.stderr.contains("an open transaction stands between"), "{}", finished.stderr);
    assert!(finished.stderr.contains("try: a PostgreSQL server"), "{}", finished.stderr);
    leaves_nothing(&finished);
}

#[test]
fn a_schema_that_is_not_whole() {
    let database = Database::new("partial");
    database.run("CREATE SCHEMA pgchaos; CREATE TABLE pgchaos.users (id int)");
    let message = "the schema pgchaos is there without all of its tables";
    is_refused(&[&database.owner_url()], message, &["pgchaos clean --schema"]);
    database.run("SELECT id FROM pgchaos.users");
    database.run(
        "DO $$ BEGIN ASSERT 1 = (SELECT count(*) FROM pg_class WHERE relnamespace = 'pgchaos'::regnamespace); END $$",
    );
}

/// The first write of a run has the first id, though the load was tried before.
#[test]
fn what_is_tried_before_the_first_write_leaves_no_trace() {
    let database = Database::new("untouched");
    let finished = Gen::start(["--writes", "1", &database.owner_url()]).finish();
    assert_eq!(finished.event("written")["id"], 1, "{}", finished.stderr);
    database.run("DO $$ BEGIN ASSERT (SELECT count(*) = 1 FROM pgchaos.user_events); END $$");
}

/// For programs the reason is an event, and the only one but the run's.
#[test]
fn programs_get_it_as_an_event() {
    let server = Postgres::shared();
    let url = server.url().replace(":postgres@", ":wrong@");
    let finished = Gen::start(["--report", "r.json", &url]).finish();
    let names: Vec<_> = finished.events.iter().map(|event| &event["event"]).collect();
    assert_eq!(names, ["run", "refused"]);
    let fault = &finished.event("refused")["fault"];
    let signs = ["class", "phase", "sqlstate"].map(|name| &fault[name]);
    assert_eq!(signs, ["auth", "authenticate", "28P01"]);
    leaves_nothing(&finished);
}

/// One host that can never work is no reason to give up while another may.
#[test]
fn not_while_another_host_may_come() {
    let (server, later) = (Postgres::shared(), Postgres::start());
    later.psql("CREATE DATABASE elsewhere");
    later.stop(Stop::Fast);
    let (first, second) = (server.port(), later.port());
    let hosts = format!("127.0.0.1:{first},127.0.0.1:{second}");
    let load = Gen::start([
        "--writes",
        "1",
        "--connect-timeout",
        "20s",
        &format!("postgresql://postgres:postgres@{hosts}/elsewhere"),
    ]);
    let is_refused = |event: &Value| event["fault"]["class"] == "refused";
    load.wait_for_event(SOON, "the second host is tried", is_refused);
    later.start_again();
    let finished = load.finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let faults = finished.events_named("fault");
    assert!(faults.iter().any(|fault| fault["fault"]["sqlstate"] == "3D000"), "the first host's");
}
