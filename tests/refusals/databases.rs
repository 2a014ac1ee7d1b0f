//! A matrix of databases: encodings, settings of roles and databases, and schemas that are there already. Each case runs
//! and its account is right, or says one message with a remedy, which is typed and does what it says.

use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::remedies::typed;
use crate::support::{Finished, Gen, Postgres, pgchaos};

/// What is expected of a run.
enum Expect {
    /// It writes.
    Works,
    /// It writes, and warns with these words; the SQL of the warning is typed, and the next run has no warning.
    Warns(&'static str),
    /// It is refused with these words; each of these is in the remedy, is done, and then the next run writes.
    Refused(&'static str, &'static [Remedy]),
}

/// What is done by a reader of a remedy.
#[derive(Clone, Copy)]
enum Remedy {
    /// Types this line into psql, in the database.
    Sql(&'static str),
    /// The same in another database, as this one lets no one in or cannot be altered from within.
    SqlElsewhere(&'static str),
    /// Types all of these lines into psql.
    Several(&'static [&'static str]),
    /// Types `pgchaos clean --schema` with all that stands there of it.
    Clean,
    /// `pgchaos clean --schema, then pgchaos init`.
    CleanAndInit,
    /// Types `pgchaos init` with all that stands there of it, and the grants.
    Init,
    /// Does this, which the first words ask for.
    Does(&'static str, &'static str),
    /// Drops the trigger that refuses every row.
    DropTrigger,
}

struct Case {
    name: &'static str,
    /// What a superuser does in the database first; `{r}` is the role and `{d}` the database.
    before: String,
    expect: Expect,
}

const TABLES: &str = include_str!("../../seeds/schema.sql");
const USERS: &str = include_str!("../../seeds/users.sql");

const GRANTS: &str = "
GRANT USAGE ON SCHEMA pgchaos TO {r};
GRANT SELECT ON pgchaos.users TO {r};
GRANT SELECT, INSERT ON pgchaos.user_events TO {r};";

/// The tables as pgchaos makes them, with changes, and rights for the role.
fn tables(changes: &str) -> String {
    format!("{TABLES}{USERS}{changes};{GRANTS}")
}

/// The same with another definition of a column.
fn with(column: &str, other: &str, changes: &str) -> String {
    assert!(TABLES.contains(column), "{column}");
    tables(changes).replacen(column, other, 1)
}

fn case(name: &'static str, before: impl Into<String>, expect: Expect) -> Case {
    Case { name, before: before.into(), expect }
}

const RENAMED: Remedy = Remedy::Sql("ALTER SCHEMA pgchaos RENAME TO pgchaos_before;");
const ANEW: &[Remedy] = &[Remedy::Clean, RENAMED];

/// Schemas that are there already.
#[expect(clippy::too_many_lines, reason = "a table of schemas")]
fn schemas() -> Vec<Case> {
    use Expect::{Refused, Warns, Works};
    use Remedy::{Clean, CleanAndInit, DropTrigger, Sql};
    let elsewhere = || Refused("and then that row is not there", &[Clean]);
    let after = |what: &str, deferred: &str| {
        let constraint = if deferred.is_empty() { "" } else { "CONSTRAINT" };
        tables(&format!(
            "CREATE FUNCTION removes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
                 $$ BEGIN {what}; RETURN NULL; END $$;
             CREATE {constraint} TRIGGER removes AFTER INSERT ON pgchaos.user_events {deferred}
                 FOR EACH ROW EXECUTE FUNCTION removes()"
        ))
    };
    let refuses = |condition: &str, what: &str| {
        tables(&format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN IF {condition} THEN {what}; END IF; RETURN NEW; END $$;
             CREATE TRIGGER refuses BEFORE INSERT ON pgchaos.user_events
                 FOR EACH ROW EXECUTE FUNCTION refuse()"
        ))
    };
    vec![
        case("empty", "CREATE SCHEMA pgchaos AUTHORIZATION {r}", Works),
        case(
            "empty_of_another",
            "CREATE SCHEMA pgchaos",
            Refused(
                "permission denied for schema pgchaos",
                &[Sql("GRANT USAGE, CREATE ON SCHEMA pgchaos TO \"r Empty_of_another\";")],
            ),
        ),
        case(
            "other_tables",
            "CREATE SCHEMA pgchaos AUTHORIZATION {r}; CREATE TABLE pgchaos.orders (id int)",
            Works,
        ),
        case(
            "one_table",
            "CREATE SCHEMA pgchaos; CREATE TABLE pgchaos.users (id int); CREATE TABLE pgchaos.mine ()",
            Refused("without all of its tables", &[RENAMED]),
        ),
        case("of_another", tables(""), Works),
        case(
            "views",
            "CREATE SCHEMA pgchaos; CREATE VIEW pgchaos.users AS SELECT 1 AS id;
             CREATE VIEW pgchaos.user_events AS SELECT 1 AS id",
            Refused("is a view, and no table", ANEW),
        ),
        case(
            "foreign_table",
            "CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER f FOREIGN DATA WRAPPER file_fdw;
             CREATE SCHEMA pgchaos; CREATE TABLE pgchaos.users (id int PRIMARY KEY, name text);
             CREATE FOREIGN TABLE pgchaos.user_events (id bigint) SERVER f OPTIONS (filename '/x')",
            Refused("is a foreign table, and no table", ANEW),
        ),
        case(
            "partitioned",
            TABLES.replacen(
                "DEFAULT now()\n);",
                "DEFAULT now()) PARTITION BY HASH (id);
                 CREATE TABLE pgchaos.p0 PARTITION OF pgchaos.user_events
                     FOR VALUES WITH (MODULUS 2, REMAINDER 0);
                 CREATE TABLE pgchaos.p1 PARTITION OF pgchaos.user_events
                     FOR VALUES WITH (MODULUS 2, REMAINDER 1);",
                1,
            ) + USERS
                + GRANTS,
            Works,
        ),
        case(
            "run_id_text",
            with("run_id     uuid", "run_id     text", ""),
            Refused("user_events.run_id is of type text, and the load writes uuid", ANEW),
        ),
        case(
            "seq_int",
            with("seq        bigint", "seq        int", ""),
            Refused("user_events.seq is of type integer, and the load writes bigint", ANEW),
        ),
        case(
            "no_column",
            tables("ALTER TABLE pgchaos.user_events DROP COLUMN seq"),
            Refused("pgchaos.user_events has no column seq", ANEW),
        ),
        case(
            "generated",
            tables(
                "ALTER TABLE pgchaos.user_events DROP event_type,
                     ADD event_type text GENERATED ALWAYS AS ('x') STORED",
            ),
            Refused("user_events.event_type is a generated column", ANEW),
        ),
        case(
            "varchar_names",
            tables("ALTER TABLE pgchaos.user_events ALTER event_type TYPE varchar(20)"),
            Works,
        ),
        case(
            "too_narrow",
            tables("ALTER TABLE pgchaos.user_events ALTER event_type TYPE varchar(3)"),
            Refused("value too long for type character varying(3)", ANEW),
        ),
        case("one_more_column", tables("ALTER TABLE pgchaos.user_events ADD zone text"), Works),
        case(
            "one_more_value",
            tables("ALTER TABLE pgchaos.user_events ADD \"Zone\" text NOT NULL"),
            Refused(
                "user_events.\"Zone\" takes no NULL and has no default",
                &[Sql("ALTER TABLE pgchaos.user_events ALTER COLUMN \"Zone\" DROP NOT NULL;")],
            ),
        ),
        case(
            "no_identity",
            tables(
                "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
                     VALUES (gen_random_uuid(), 1, 1, 1, 'x');
                 ALTER TABLE pgchaos.user_events ALTER id DROP IDENTITY",
            ),
            Refused(
                "nothing gives a write its id",
                &[Sql(
                    "ALTER TABLE pgchaos.user_events ALTER COLUMN id ADD GENERATED ALWAYS AS \
                     IDENTITY (START WITH 2);",
                )],
            ),
        ),
        case(
            "serial",
            with("bigint GENERATED ALWAYS AS IDENTITY", "bigserial", ""),
            Refused(
                "permission denied for sequence",
                &[Sql("GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgchaos TO \"r Serial\";")],
            ),
        ),
        case(
            "integer_id",
            with("bigint GENERATED", "integer GENERATED", ""),
            Warns("2147483647 ids are left"),
        ),
        case(
            "few_ids",
            tables("ALTER SEQUENCE pgchaos.user_events_id_seq MAXVALUE 50"),
            Warns("50 ids are left"),
        ),
        case(
            "no_id",
            tables(
                "ALTER SEQUENCE pgchaos.user_events_id_seq MAXVALUE 50;
                 SELECT setval('pgchaos.user_events_id_seq', 50);
                 GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgchaos TO {r}",
            ),
            Refused(
                "no value is left for pgchaos.user_events.id",
                &[Sql("ALTER SEQUENCE pgchaos.user_events_id_seq AS bigint NO MAXVALUE;")],
            ),
        ),
        case(
            "unlogged",
            tables("ALTER TABLE pgchaos.user_events SET UNLOGGED"),
            Warns("is UNLOGGED"),
        ),
        case(
            "no_index",
            tables("DROP INDEX pgchaos.user_events_token"),
            Warns("no index on (run_id, writer, seq)"),
        ),
        case("ids_are_positive", tables("ALTER TABLE pgchaos.user_events ADD CHECK (id > 0)"), Works),
        case(
            "refuses_logins",
            refuses("NEW.event_type = 'login'", "RAISE 'no logins'"),
            Works,
        ),
        case(
            "refuses_all",
            refuses("true", "RAISE 'none today'"),
            Refused("none today (SQLSTATE P0001)", &[DropTrigger, Clean]),
        ),
        case(
            "takes_all",
            refuses("true", "RETURN NULL"),
            Refused("reports no row", &[DropTrigger, Clean]),
        ),
        case(
            "removed_after",
            after("DELETE FROM pgchaos.user_events WHERE id = NEW.id", ""),
            elsewhere(),
        ),
        case(
            "removed_at_the_end",
            after(
                "DELETE FROM pgchaos.user_events WHERE id = NEW.id",
                "DEFERRABLE INITIALLY DEFERRED",
            ),
            elsewhere(),
        ),
        case(
            "purchases_removed_after",
            after(
                "DELETE FROM pgchaos.user_events WHERE id = NEW.id AND event_type = 'purchase'",
                "",
            ),
            elsewhere(),
        ),
        case(
            "written_twice",
            after(
                "IF pg_trigger_depth() = 1 THEN INSERT INTO pgchaos.user_events
                     (run_id, writer, seq, user_id, event_type)
                     VALUES (NEW.run_id, NEW.writer, NEW.seq, 1, 'click'); END IF",
                "",
            ),
            elsewhere(),
        ),
        case(
            "other_seq",
            refuses("true", "NEW.seq := NEW.seq + 1; RETURN NEW"),
            Refused("and then that row is not there", &[DropTrigger, Clean]),
        ),
        case(
            "other_run",
            refuses("true", "NEW.run_id := gen_random_uuid(); RETURN NEW"),
            Refused("and then that row is not there", &[DropTrigger, Clean]),
        ),
        case(
            "other_event",
            refuses("true", "NEW.event_type := upper(NEW.event_type); RETURN NEW"),
            Works,
        ),
        case(
            "other_table",
            tables(
                "CREATE TABLE public.others (LIKE pgchaos.user_events);
                 CREATE RULE elsewhere AS ON INSERT TO pgchaos.user_events DO INSTEAD
                     INSERT INTO public.others VALUES
                         (1, NEW.run_id, NEW.writer, NEW.seq, NEW.user_id, NEW.event_type, now())
                     RETURNING *;
                 GRANT ALL ON public.others TO {r}",
            ),
            elsewhere(),
        ),
        case(
            "also_removed",
            tables(
                "CREATE RULE also AS ON INSERT TO pgchaos.user_events DO ALSO
                     DELETE FROM pgchaos.user_events WHERE seq > 0",
            ),
            elsewhere(),
        ),
        case(
            "row_security",
            tables("ALTER TABLE pgchaos.user_events ENABLE ROW LEVEL SECURITY"),
            Refused(
                "row-level security holds for this role on pgchaos.user_events",
                &[
                    Sql("ALTER ROLE \"r Row_security\" BYPASSRLS;"),
                    Sql("ALTER TABLE pgchaos.user_events DISABLE ROW LEVEL SECURITY;"),
                ],
            ),
        ),
        case(
            "users_hidden",
            tables("ALTER TABLE pgchaos.users ENABLE ROW LEVEL SECURITY"),
            Refused("pgchaos.users is empty", &[Sql("ALTER ROLE \"r Users_hidden\" BYPASSRLS;")]),
        ),
        case(
            "no_users",
            tables("DELETE FROM pgchaos.users"),
            Refused("pgchaos.users is empty", &[CleanAndInit]),
        ),
        case(
            "user_without_an_id",
            tables(
                "ALTER TABLE pgchaos.users DROP CONSTRAINT users_pkey, ALTER id DROP NOT NULL;
                 INSERT INTO pgchaos.users VALUES (NULL, 'x')",
            ),
            Works,
        ),
        case(
            "domain_in_the_way",
            "CREATE SCHEMA pgchaos; GRANT ALL ON SCHEMA pgchaos TO {r};
             CREATE DOMAIN pgchaos.users AS text",
            Refused("(SQLSTATE 42710)", &[RENAMED]),
        ),
        case(
            "index_in_the_way",
            "CREATE SCHEMA pgchaos; GRANT ALL ON SCHEMA pgchaos TO {r};
             CREATE TABLE pgchaos.t (a int); CREATE INDEX user_events_token ON pgchaos.t (a)",
            Refused("(SQLSTATE 42P07)", &[RENAMED]),
        ),
        case(
            "user_without_a_name",
            tables("ALTER TABLE pgchaos.users ALTER name DROP NOT NULL; UPDATE pgchaos.users SET name = NULL"),
            Works,
        ),
    ]
}

/// Roles that may not connect, or may not write, and how that is mended.
#[expect(clippy::too_many_lines, reason = "a table of rights")]
fn rights() -> Vec<Case> {
    use Expect::{Refused, Warns};
    use Remedy::{Several, Sql, SqlElsewhere};
    let read_only = "every session is read-only by default_transaction_read_only, set ";
    vec![
        case(
            "no_login",
            "ALTER ROLE {r} NOLOGIN",
            Refused("(SQLSTATE 28000)", &[SqlElsewhere("ALTER ROLE \"r No_login\" LOGIN;")]),
        ),
        case(
            "no_connect",
            "REVOKE CONNECT ON DATABASE {d} FROM public",
            Refused(
                "(SQLSTATE 42501)",
                &[Sql("GRANT CONNECT ON DATABASE \"d No_connect\" TO \"r No_connect\";")],
            ),
        ),
        case(
            "closed",
            "UPDATE pg_database SET datallowconn = false WHERE datname = current_database()",
            Refused(
                "(SQLSTATE 55000)",
                &[SqlElsewhere("ALTER DATABASE \"d Closed\" ALLOW_CONNECTIONS true;")],
            ),
        ),
        case(
            "no_create",
            "REVOKE CREATE ON DATABASE {d} FROM {r}",
            Refused(
                "permission denied for database",
                &[Sql("GRANT CREATE ON DATABASE \"d No_create\" TO \"r No_create\";")],
            ),
        ),
        case(
            "makes_no_tables",
            "CREATE FUNCTION no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
                 $$ BEGIN IF session_user <> 'postgres' THEN RAISE 'no tables today'; END IF; END $$;
             CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION no_ddl()",
            Refused("no tables today", &[Remedy::Init]),
        ),
        case(
            "library",
            "ALTER ROLE {r} SET local_preload_libraries = 'nowhere'",
            Refused(
                "(SQLSTATE 58P01)",
                &[Remedy::Does("local_preload_libraries", "ALTER ROLE {r} RESET local_preload_libraries")],
            ),
        ),
        case(
            "read_only_role",
            "ALTER ROLE {r} SET default_transaction_read_only = on",
            Refused(
                read_only,
                &[Sql("BEGIN READ WRITE; ALTER ROLE \"r Read_only_role\" RESET \
                     default_transaction_read_only; COMMIT;")],
            ),
        ),
        case(
            "read_only_database",
            "ALTER DATABASE {d} SET default_transaction_read_only = on",
            Refused(
                read_only,
                &[Sql("BEGIN READ WRITE; ALTER DATABASE \"d Read_only_database\" RESET \
                     default_transaction_read_only; COMMIT;")],
            ),
        ),
        case(
            "read_only_both",
            "ALTER ROLE {r} IN DATABASE {d} SET default_transaction_read_only = on",
            Refused(
                read_only,
                &[Sql("BEGIN READ WRITE; ALTER ROLE \"r Read_only_both\" IN DATABASE \
                     \"d Read_only_both\" RESET default_transaction_read_only; COMMIT;")],
            ),
        ),
        case(
            "acts_as_another",
            format!(
                "{TABLES}{USERS}; DROP ROLE IF EXISTS \"an Other\"; CREATE ROLE \"an Other\";
                 GRANT \"an Other\" TO {{r}}; ALTER ROLE {{r}} SET role = 'an Other'"
            ),
            Refused(
                "permission denied for schema pgchaos",
                &[Several(&[
                    "GRANT USAGE ON SCHEMA pgchaos TO \"an Other\";",
                    "GRANT SELECT ON pgchaos.users TO \"an Other\";",
                    "GRANT SELECT, INSERT ON pgchaos.user_events TO \"an Other\";",
                ])],
            ),
        ),
        case(
            "short_timeout",
            "ALTER ROLE {r} SET statement_timeout = '50ms'",
            Warns("statement_timeout is 50 ms, set for role r Short_timeout"),
        ),
    ]
}

/// Settings that make no difference.
const SETTINGS: &[(&str, &str)] = &[
    ("DateStyle", "'German, DMY'"),
    ("IntervalStyle", "sql_standard"),
    ("TimeZone", "'Pacific/Kiritimati'"),
    ("bytea_output", "escape"),
    ("client_encoding", "LATIN1"),
    ("client_min_messages", "error"),
    ("client_min_messages", "debug5"),
    ("standard_conforming_strings", "off"),
    ("backslash_quote", "off"),
    ("array_nulls", "off"),
    ("extra_float_digits", "-15"),
    ("quote_all_identifiers", "on"),
    ("search_path", "''"),
    ("search_path", "nowhere, pg_catalog"),
    ("lock_timeout", "'1ms'"),
    ("idle_in_transaction_session_timeout", "'1s'"),
    ("idle_session_timeout", "'20s'"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_isolation", "'repeatable read'"),
    ("default_transaction_deferrable", "on"),
    ("synchronous_commit", "off"),
    ("synchronous_commit", "remote_apply"),
    ("row_security", "off"),
    ("session_replication_role", "replica"),
    ("log_statement", "'all'"),
    ("log_min_duration_statement", "0"),
    ("log_duration", "on"),
    ("log_error_verbosity", "verbose"),
    ("track_activities", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("plan_cache_mode", "force_custom_plan"),
    ("enable_indexscan", "off"),
    ("enable_hashagg", "off"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
    ("work_mem", "'64kB'"),
    ("temp_file_limit", "0"),
    ("commit_delay", "100"),
    ("lc_messages", "'C'"),
    ("lc_numeric", "'C'"),
    ("default_toast_compression", "pglz"),
    ("tcp_keepalives_idle", "5"),
    ("max_parallel_workers_per_gather", "0"),
    ("geqo", "off"),
    ("transform_null_equals", "on"),
    ("xmloption", "document"),
    ("check_function_bodies", "off"),
    ("escape_string_warning", "off"),
    ("statement_timeout", "'10s'"),
    ("application_name", "'somebody else'"),
    ("vacuum_cost_delay", "10"),
];

/// One database and one role of a case.
struct Place {
    server: Arc<Postgres>,
    role: String,
    database: String,
}

/// As a name, with a capital and a space in it.
fn named(kind: &str, name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{kind} {}{rest}", first.to_uppercase())
}

impl Place {
    fn new(name: &str, options: &str) -> Self {
        let server = Postgres::shared();
        let (role, database) = (named("r", name), named("d", name));
        let _ = server.try_psql(&format!("ALTER DATABASE \"{database}\" ALLOW_CONNECTIONS true"));
        server.psql(&format!("DROP DATABASE IF EXISTS \"{database}\""));
        server.psql(&format!("DROP ROLE IF EXISTS \"{role}\""));
        server.psql(&format!("CREATE DATABASE \"{database}\" {options}"));
        server.psql(&format!("CREATE ROLE \"{role}\" LOGIN PASSWORD 'secret'"));
        server.psql(&format!("GRANT CREATE ON DATABASE \"{database}\" TO \"{role}\""));
        Self { server, role, database }
    }

    fn sql(&self, sql: &str) {
        let sql = sql
            .replace("{r}", &format!("\"{}\"", self.role))
            .replace("{d}", &format!("\"{}\"", self.database));
        self.server.psql_in(&self.database, &sql);
    }

    /// A short run as the role.
    fn run(&self, args: &[&str]) -> Finished {
        let port = self.server.port().to_string();
        let place =
            ["-h", "127.0.0.1", "-p", &port, "-U", &self.role, "-d", &self.database, "-n", "4"];
        let args = [&place[..], &["--rate=max"], args].concat();
        Gen::start_with(args, |_, command| {
            command.env("PGPASSWORD", "secret").env("PGCHAOS_DURATION", "60s");
        })
        .finish()
    }

    /// As a superuser, a command beside gen.
    fn command(&self, args: &[&str]) {
        let home = tempfile::tempdir().unwrap();
        let port = self.server.port().to_string();
        let place = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", &self.database];
        let output = pgchaos(home.path(), [args, &place].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// It writes, and its rows are those that it says.
    fn wrote(&self, name: &str, finished: &Finished) {
        assert_eq!(finished.code, 0, "{name}: {}", finished.stderr);
        let run = finished.summary["run_id"].as_str().unwrap();
        let count = format!("SELECT count(*) FROM pgchaos.user_events WHERE run_id = '{run}'");
        let rows = self.server.psql_in(&self.database, &format!("SET row_security = off; {count}"));
        let said = &finished.summary["writes"]["acknowledged"];
        assert_eq!(*said, Value::from(rows.parse::<u64>().unwrap()), "{name}");
        assert_ne!(*said, 0, "{name}");
        assert_eq!(finished.summary["verification"]["lost"], 0, "{name}");
    }

    /// Types the command that begins so, as it stands there.
    #[track_caller]
    fn typed(&self, said: &str, begin: &str) {
        let at = said.find(begin).unwrap_or_else(|| panic!("{begin} in {said}"));
        let end = said[at..].find([',', ';']).unwrap();
        typed(tempfile::tempdir().unwrap().path(), &said[at..at + end]);
    }

    fn take(&self, name: &str, remedy: Remedy, said: &str) {
        let is_said = |words: &str| assert!(said.contains(words), "{name}: {words} in\n{said}");
        match remedy {
            Remedy::Sql(line) => {
                is_said(line);
                self.sql(line);
            }
            Remedy::Several(lines) => {
                for line in lines {
                    is_said(line);
                    self.sql(line);
                }
            }
            Remedy::SqlElsewhere(line) => {
                is_said(line);
                self.server.psql(line);
            }
            Remedy::Clean => self.typed(said, "pgchaos clean --schema"),
            Remedy::CleanAndInit => {
                self.typed(said, "pgchaos clean --schema");
                self.typed(said, "pgchaos init");
                self.sql(GRANTS);
            }
            Remedy::Init => {
                self.typed(said, "pgchaos init");
                self.sql(GRANTS);
            }
            Remedy::Does(words, sql) => {
                is_said(words);
                self.sql(sql);
            }
            Remedy::DropTrigger => {
                is_said("\\d+ pgchaos.user_events");
                self.sql("DROP TRIGGER refuses ON pgchaos.user_events");
            }
        }
    }
}

fn warnings(finished: &Finished) -> Vec<String> {
    let warnings = finished.events_named("warning");
    warnings.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

fn plays(case: &Case) {
    let name = case.name;
    match case.expect {
        Expect::Works => {
            let place = Place::new(name, "");
            place.sql(&case.before);
            let finished = place.run(&[]);
            place.wrote(name, &finished);
            assert_eq!(warnings(&finished), [""; 0], "{name}");
        }
        Expect::Warns(words) => {
            let place = Place::new(name, "");
            place.sql(&case.before);
            let finished = place.run(&[]);
            place.wrote(name, &finished);
            let said = warnings(&finished);
            assert_eq!(said.len(), 1, "{name}: {said:?}");
            assert!(said[0].contains(words), "{name}: {words} in {}", said[0]);
            let (_, sql) = said[0].split_once(". ").unwrap();
            place.sql(sql);
            let again = place.run(&[]);
            place.wrote(name, &again);
            assert_eq!(warnings(&again), [""; 0], "{name}");
        }
        Expect::Refused(words, remedies) => {
            for remedy in remedies {
                let place = Place::new(name, "");
                place.sql(&case.before);
                let finished = place.run(&["--log-format=text"]);
                let said = &finished.stderr;
                assert_eq!(finished.code, 4, "{name}: {said}");
                let (message, remedies) = said.split_once("\n  try: ").unwrap_or_else(|| {
                    panic!("{name} has no remedy: {said}");
                });
                assert!(message.contains(words), "{name}: {words} in {message}");
                place.take(name, *remedy, remedies);
                place.wrote(name, &place.run(&[]));
            }
        }
    }
}

/// A few at the same time, as each waits for processes most of the time. All failures are told.
fn all(cases: Vec<Case>) {
    let (left, failed) = (Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().pop();
                    let Some(case) = next else { return };
                    if std::panic::catch_unwind(|| plays(&case)).is_err() {
                        failed.lock().unwrap().push(case.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn schemas_that_are_there_already() {
    all(schemas());
}

#[test]
fn rights_and_limits_of_roles_and_databases() {
    all(rights());
}

#[test]
fn settings_of_roles_that_make_no_difference() {
    let place = Place::new("settings", "");
    place.wrote("none", &place.run(&[]));
    for (name, value) in SETTINGS {
        place.sql(&format!("ALTER ROLE {{r}} SET {name} = {value}"));
        let finished = place.run(&[]);
        place.wrote(&format!("{name} = {value}"), &finished);
        assert_eq!(finished.summary["errors"], serde_json::json!({}), "{name} = {value}");
        place.sql(&format!("ALTER ROLE {{r}} RESET {name}"));
    }
}

#[test]
fn encodings() {
    for (encoding, first) in [
        ("LATIN1", "Ivan Petrov"),
        ("LATIN2", "Ivan Petrov"),
        ("LATIN9", "Ivan Petrov"),
        ("WIN1251", "Иван Петров"),
        ("KOI8R", "Иван Петров"),
        ("EUC_JP", "Иван Петров"),
        ("SQL_ASCII", "Иван Петров"),
        ("UTF8", "Иван Петров"),
    ] {
        let options = format!("ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'");
        let place = Place::new(encoding, &options);
        place.wrote(encoding, &place.run(&[]));
        let name = "SELECT name FROM pgchaos.users WHERE id = 1";
        assert_eq!(place.server.psql_in(&place.database, name), first, "{encoding}");
    }
    // The load can make nothing of it, as nothing converts it to UTF-8.
    let place = Place::new("mule", "ENCODING MULE_INTERNAL TEMPLATE template0 LOCALE 'C'");
    let finished = place.run(&["--log-format=text"]);
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    // As a role that may make one, which the role of this run may not.
    let said = finished.stderr.replace("-U 'r Mule'", "-U postgres").replace("NAME", "mule_utf8");
    place.typed(&said, "createdb");
    let port = place.server.port().to_string();
    let there = ["-h", "127.0.0.1", "-p", &port, "-d", "mule_utf8", "-n", "1"];
    assert_eq!(Gen::start(there).finish().code, 0);
}

/// What was set by the connection itself is not taken back on the server.
#[test]
fn read_only_by_pgoptions() {
    let place = Place::new("pgoptions", "");
    let port = place.server.port().to_string();
    let args = ["-h", "127.0.0.1", "-p", &port, "-U", &place.role, "-d", &place.database];
    let refused = Gen::start_with(args, |_, command| {
        command
            .env("PGPASSWORD", "secret")
            .env("PGOPTIONS", "-c default_transaction_read_only=on")
            .env("PGCHAOS_LOG_FORMAT", "text");
    })
    .finish();
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    let remedy = "try: leave default_transaction_read_only out of PGOPTIONS";
    assert!(refused.stderr.contains(remedy), "{}", refused.stderr);
    place.wrote("without", &place.run(&[]));
}

/// What the connection's own options are refused for.
#[test]
fn options_that_are_wrong() {
    let server = Postgres::shared();
    let run = |options: &str| {
        let options = options.to_owned();
        Gen::start_with(["-n", "1", "--log-format=text", &server.url()], |_, command| {
            command.env("PGOPTIONS", options);
        })
        .finish()
    };
    for options in ["-c nowhere=1", "-c work_mem=many"] {
        let refused = run(options);
        assert_eq!(refused.code, 4, "{options}: {}", refused.stderr);
        let remedy = "try: what is wrong left out of PGOPTIONS, or of options in the connection";
        assert!(refused.stderr.contains(remedy), "{options}: {}", refused.stderr);
    }
    assert_eq!(run("-c work_mem=1MB").code, 0);
    let warned = run("-c statement_timeout=50");
    let words = "statement_timeout is 50 ms, set by options of the connection: ";
    assert!(warned.stderr.contains(words), "{}", warned.stderr);
    let words = "leave statement_timeout out of PGOPTIONS";
    assert!(warned.stderr.contains(words), "{}", warned.stderr);
    // PostgreSQL 17 and newer have it; older ones are asked for it without an error in their log.
    let has_it = "SELECT count(*) FROM pg_settings WHERE name = 'transaction_timeout'";
    if server.psql(has_it) == "1" {
        let warned = run("-c transaction_timeout=90");
        let words = "transaction_timeout is 90 ms, set by options of the connection: a session whose write takes longer is \
                     ended (25P04), as it is for an application. leave transaction_timeout out of PGOPTIONS";
        assert!(warned.stderr.contains(words), "{}", warned.stderr);
    } else {
        assert!(!server.log().contains("\"transaction_timeout\""), "{}", server.log());
    }
}

/// A missing role: with trust it is 28000, and the remedy is to make it.
#[test]
fn a_role_that_is_missing() {
    let server = Postgres::start();
    server.trust_everyone();
    let run = || {
        let port = server.port().to_string();
        Gen::start(["-h", "127.0.0.1", "-p", &port, "-U", "My App", "-d", "postgres", "-n", "2"])
            .finish()
    };
    let refused = run();
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    let line = refused.stderr.lines().find(|line| line.contains("CREATE ROLE")).unwrap();
    assert_eq!(line.trim(), "CREATE ROLE \"My App\" LOGIN;");
    server.psql(line);
    // The next thing that is missing has a remedy of its own.
    let refused = run();
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    let line = refused.stderr.lines().find(|line| line.contains("GRANT CREATE")).unwrap();
    assert_eq!(line.trim(), "GRANT CREATE ON DATABASE postgres TO \"My App\";");
    server.psql(line);
    assert_eq!(run().code, 0);
}

/// Others' rows in the schema are none of pgchaos's.
#[test]
fn clean_leaves_what_others_have_in_the_schema() {
    let place = Place::new("cleaned", "");
    place.sql("CREATE SCHEMA pgchaos; CREATE TABLE pgchaos.orders (id int)");
    place.command(&["init"]);
    place.command(&["clean", "--schema"]);
    let left = "SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = 'pgchaos'::regnamespace";
    assert_eq!(place.server.psql_in(&place.database, left), "orders");
    place.sql("DROP TABLE pgchaos.orders");
    place.command(&["clean", "--schema"]);
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'pgchaos'";
    assert_eq!(place.server.psql_in(&place.database, schemas), "0", "an empty one goes");
}
