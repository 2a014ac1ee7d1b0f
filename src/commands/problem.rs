//! Why a command could not do its work: what happened, and what to do about it.

use std::fmt;

use super::other_port::write_port_of_lab_with;
use super::place::Place;
use crate::cli::exit::Exit;
use crate::engine::descriptors::TooFewDescriptors;
use crate::engine::record::file::RecordFileError;
use crate::engine::run::RunError;
use crate::engine::setup::{SetupError, SetupStep};
use crate::model::fault::{Class, Fault, PoolerRefusal};
use crate::model::foreign;
use crate::model::own_limit::OwnLimit;
use crate::pg::failure::own_limits;
use crate::pg::objects::flaws::Flaw;
use crate::pg::objects::identifier::identifier;
use crate::pg::sessions::connect::{ANSWERS_HTTP, NOT_FOR_A_RECORD};
use crate::pg::sessions::driver_error::TOO_MANY_ROUNDS;
use crate::pg::settings::{ConnectSettings, SettingsError};
use crate::pg::wire::host_address::HostAddress;
use crate::report::layout;
use crate::report::words::shell_word;

/// A problem, as a person reads it.
#[derive(Debug)]
pub struct Problem {
    what: String,
    remedy: Option<String>,
    /// How the program ends.
    pub exit: Exit,
}

impl Problem {
    /// It could not run at all.
    #[must_use]
    pub fn could_not_run(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None, exit: Exit::CouldNotRun }
    }

    /// The command line is wrong.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None, exit: Exit::Usage }
    }

    /// With what to do about it.
    #[must_use]
    pub fn try_this(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// A session that could not be opened.
    #[must_use]
    pub fn of_fault(step: SetupStep, fault: Fault, place: &Place) -> Self {
        Self::of_setup(&SetupError::refused(step, fault), place)
    }

    /// A set-up that failed.
    #[must_use]
    pub fn of_setup(error: &SetupError, place: &Place) -> Self {
        let remedy = remedy(error, place);
        Self { what: foreign::plain(&error.to_string()), remedy, exit: Exit::CouldNotRun }
    }

    /// A run that could not be.
    #[must_use]
    pub fn of_run(error: RunError, settings: &ConnectSettings) -> Self {
        match error {
            RunError::Setup(error) => {
                let mut problem = Self::of_setup(&error, &Place::of(settings));
                problem.what.push_str(&tried_password(&error, settings));
                problem
            }
            RunError::Record(error) => error.into(),
            RunError::Threads(ref io) => {
                let limit = own_limits::of_socket(io).unwrap_or(OwnLimit::Threads);
                Self::could_not_run(error.to_string()).try_this(limit.remedy())
            }
            RunError::Internal(_) => Self::could_not_run(error.to_string()),
        }
    }
}

/// What stands before a remedy's lines.
const TRY: &str = "  try: ";
const UNDER_IT: &str = "       ";

/// The printed problem on a terminal of so many columns: a line that is too long goes on under its
/// own words, which in SQL changes nothing. `None` leaves the lines as they are.
#[must_use]
pub fn fitted(printed: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return format!("{printed}\n") };
    let mut rows = String::new();
    for line in printed.lines() {
        let lead = [TRY, UNDER_IT].into_iter().find(|lead| line.starts_with(lead)).unwrap_or("");
        let words = layout::fitted(&line[lead.len()..], Some(width.saturating_sub(lead.len())));
        for (number, row) in words.lines().enumerate() {
            rows.push_str(if number == 0 { lead } else { &UNDER_IT[..lead.len()] });
            rows.push_str(row);
            rows.push('\n');
        }
    }
    rows
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a server, a record or a file said is in it: this is its last gate.
        write!(f, "pgchaos: {}", foreign::lines(&self.what))?;
        if let Some(remedy) = &self.remedy {
            let remedy = foreign::lines(remedy);
            write!(f, "\n{TRY}{}", remedy.replace('\n', &format!("\n{UNDER_IT}")))?;
        }
        Ok(())
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        let chain = anyhow::Error::from(error);
        Self::usage(foreign::plain(&format!("{chain:#}")))
    }
}

impl From<TooFewDescriptors> for Problem {
    fn from(error: TooFewDescriptors) -> Self {
        let enough = error.enough;
        Self::could_not_run(error.to_string()).try_this(format!(
            "ulimit -Hn {enough} as root, LimitNOFILE={enough} in a systemd unit, docker run \
             --ulimit nofile={enough}; or fewer --writers"
        ))
    }
}

impl From<RecordFileError> for Problem {
    fn from(error: RecordFileError) -> Self {
        let exists = matches!(
            &error,
            RecordFileError::Io { doing: "made", error, .. }
                if error.kind() == std::io::ErrorKind::AlreadyExists
        );
        let problem = Self::could_not_run(foreign::plain(&error.to_string()));
        if exists {
            return problem.try_this("another file name; a record is never overwritten");
        }
        problem
    }
}

/// Which password was refused, as it may come from a place that nobody thought of.
fn tried_password(error: &SetupError, settings: &ConnectSettings) -> String {
    let SetupError::Refused { fault, .. } = error else { return String::new() };
    let mut hosts = settings.hosts.iter();
    match hosts.find(|host| HostAddress::is_of(host, &fault.endpoint)) {
        Some(host) if fault.sqlstate.as_deref() == Some("28P01") => {
            format!(" with {}", host.password_source)
        }
        _ => String::new(),
    }
}

/// What to do about it: the SQLSTATE and the step tell, never the message, which the server may
/// translate. What is to be typed as SQL ends with a semicolon, and is a line of its own.
fn remedy(error: &SetupError, place: &Place) -> Option<String> {
    let (role, dbname) = (place.role.as_str(), place.dbname.as_str());
    let (step, fault, acting_as) = match error {
        SetupError::Refused { step, fault, acting_as } => (*step, fault, acting_as),
        SetupError::PartialObjects => return Some(anew(place)),
        SetupError::NoRow | SetupError::RowElsewhere => return Some(what_takes_rows(place)),
        SetupError::Flaw(flaw) => return Some(of_flaw(flaw, place)),
        SetupError::ReadOnly { by, .. } => {
            return Some(by.remedy("default_transaction_read_only"));
        }
        SetupError::NoUsers => {
            return Some(format!(
                "pgchaos clean --schema{0}, as its owner (-U), then pgchaos init{0};\n\
                 or, where row-level security hides them from {role}, as a superuser:\n\
                 ALTER ROLE {1} BYPASSRLS;",
                place.options_of_others(),
                identifier(role)
            ));
        }
    };
    if let Some(refusal) = fault.pooler_refusal() {
        return Some(of_pooler(refusal, role));
    }
    let (name, database) = (identifier(role), identifier(dbname));
    let granted = acting_as.as_ref().map_or_else(|| name.clone(), |acting| identifier(acting));
    if (step, fault.sqlstate.as_deref()) == (SetupStep::TryWithDefault, Some("42501")) {
        let ids = format!("GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgchaos TO {granted};");
        return Some(format!("{}\n{ids}", grants(&granted)));
    }
    let step = if step == SetupStep::TryWithDefault { SetupStep::Try } else { step };
    Some(match (step, fault.sqlstate.as_deref(), fault.class) {
        (_, Some("3D000"), _) => {
            format!(
                "createdb{} {}, or name another database with -d",
                place.server_options(),
                shell_word(dbname)
            )
        }
        (_, Some("28P01"), _) => format!(
            "the right password for {role} in PGPASSWORD, in ~/.pgpass or in the DSN, or another \
             role with -U"
        ),
        (_, None, Class::Auth) if fault.message == TOO_MANY_ROUNDS => format!(
            "as {role} or a superuser, on PostgreSQL 16 or newer:\n\
             SET scram_iterations = 4096; ALTER ROLE {name} PASSWORD '…';\n\
             or another role with -U"
        ),
        _ if fault.password_missing && fault.message == NOT_FOR_A_RECORD => format!(
            "pgchaos verify RECORD{}, if that is where the run wrote to: a password goes to a host \
             that you name",
            place.host_options()
        ),
        _ if fault.password_missing => format!(
            "PGPASSWORD=…, a line in ~/.pgpass (host:port:database:user:password), or {role}:…@ \
             in the DSN"
        ),
        // Not the server refused, but pgchaos refused the server's way of logging in.
        (_, None, Class::Auth) => {
            format!(
                "channel_binding=prefer (PGCHANNELBINDING), where it is require, as the binding \
                 needs TLS;\n\
                 or scram-sha-256 for this role in the server's pg_hba.conf;\n\
                 where it is neither, what answers there, a pooler or a proxy, breaks the login:\n\
                 psql{} tells",
                place.psql_options()
            )
        }
        // One SQLSTATE for three reasons; the message says which, in the server's language.
        (_, _, Class::Auth) => format!(
            "a line in the server's pg_hba.conf that lets {role} in, or another role with -U;\n\
             where the role may not log in, as a superuser:\n\
             ALTER ROLE {name} LOGIN;\n\
             where it is missing:\n\
             CREATE ROLE {name} LOGIN;"
        ),
        (_, _, Class::Tls) => "sslmode=prefer or sslmode=disable (PGSSLMODE): this version of \
                               pgchaos speaks no TLS yet"
            .to_owned(),
        (_, _, Class::Protocol) if fault.message == ANSWERS_HTTP => {
            match place.port_of_this_machine().and_then(write_port_of_lab_with) {
                Some(port) => format!("-p {port}, the write port of the lab whose port this is"),
                None => "a PostgreSQL server, or the proxy before it, with -p PORT: a lab's is \
                         5500, while 7500 is HAProxy's page and 8008 Patroni's API"
                    .to_owned(),
            }
        }
        (_, _, Class::Protocol) => format!(
            "a PostgreSQL server, or a pooler that leaves each write in a transaction of its own \
             (Pgpool-II's raw mode does not, its streaming_replication mode does);\n\
             psql{} tells what answers there",
            place.psql_options()
        ),
        (SetupStep::Connect, Some("42501"), _) => format!(
            "as the owner of the database:\nGRANT CONNECT ON DATABASE {database} TO {name};"
        ),
        (SetupStep::Connect, Some("55000"), _) => format!(
            "as a superuser:\nALTER DATABASE {database} ALLOW_CONNECTIONS true;\n\
             or another database with -d"
        ),
        (SetupStep::Create, Some("42501"), _) => format!(
            "as the owner of the database:\n\
             GRANT CREATE ON DATABASE {database} TO {granted};\n\
             or make the schema with another role once: pgchaos init{} -U OWNER; then {}",
            place.options_of_others(),
            grants(&granted)
        ),
        (SetupStep::CreateTables, Some("42501"), _) => {
            format!(
                "as the owner of the schema:\nGRANT USAGE, CREATE ON SCHEMA pgchaos TO {granted};"
            )
        }
        (SetupStep::Try, Some("42501"), _) => grants(&granted),
        (SetupStep::Remove, Some("42501"), _) => {
            "the role that owns the schema and its tables, with -U".to_owned()
        }
        (SetupStep::Remove, Some("2BP01"), _) => format!(
            "psql{} -c 'DROP SCHEMA pgchaos CASCADE', which takes with it what hangs on the tables",
            place.psql_options()
        ),
        // What an INSERT … RETURNING is refused with where a rule replaces it.
        (SetupStep::Try, Some("0A000"), _) => what_takes_rows(place),
        (SetupStep::Try, Some("2200H"), _) => {
            "as the owner of the sequence that the message names: \
                                          ALTER SEQUENCE pgchaos.NAME AS bigint NO MAXVALUE"
                .to_owned()
        }
        (SetupStep::Try, Some("42P01" | "42703" | "42804"), _) => anew(place),
        // A trigger, a constraint, a type that is too narrow: the table's own.
        (SetupStep::Try, Some(sqlstate), Class::Sql)
            if ["22", "23", "42", "P0"].iter().any(|class| sqlstate.starts_with(class)) =>
        {
            format!("{}\n{}", what_refuses_rows(place), anew(place))
        }
        (SetupStep::Create | SetupStep::CreateTables, Some("0A000" | "22P05"), _) => {
            format!("a database of another encoding: {}", new_database(place))
        }
        (_, Some("0A000"), _) => {
            format!("a database with an encoding that converts to UTF8: {}", new_database(place))
        }
        // A library that is loaded with each session, and whose file is not there.
        (_, Some("58P01"), _) => {
            "the library that the message names, installed on the server; or it \
                                  taken out of session_preload_libraries and \
                                  local_preload_libraries, of the server, the role and the database"
                .to_owned()
        }
        (SetupStep::Connect, Some("42704" | "42601" | "22023"), _) => {
            "what is wrong left out of PGOPTIONS, or of options in the connection string".to_owned()
        }
        // Something else in the schema has a name of the tables'.
        (SetupStep::Create | SetupStep::CreateTables, Some("42710" | "42P07"), _) => {
            anew_elsewhere()
        }
        // Such as an event trigger that keeps tables from being made.
        (SetupStep::Create | SetupStep::CreateTables, Some(_), Class::Sql) => format!(
            "pgchaos init{}, as a role that may make tables here (-U); then {}",
            place.options_of_others(),
            grants(&granted)
        ),
        _ => return None,
    })
}

/// Where what stands in the way is nobody's that pgchaos knows, it is not pgchaos's to remove.
fn anew_elsewhere() -> String {
    "another database with -d; or the schema kept under another name, as its owner:\n\
     ALTER SCHEMA pgchaos RENAME TO pgchaos_before;"
        .to_owned()
}

fn grants(name: &str) -> String {
    format!(
        "as the owner of the schema:\n\
         GRANT USAGE ON SCHEMA pgchaos TO {name};\n\
         GRANT SELECT ON pgchaos.users TO {name};\n\
         GRANT SELECT, INSERT ON pgchaos.user_events TO {name};"
    )
}

/// What becomes of tables that the load cannot use.
fn anew(place: &Place) -> String {
    format!(
        "pgchaos clean --schema{}, as its owner (-U), if nothing in it is needed; the next gen makes \
         it anew;\n\
         or keep it under another name, as its owner:\n\
         ALTER SCHEMA pgchaos RENAME TO pgchaos_before;",
        place.options_of_others()
    )
}

fn of_flaw(flaw: &Flaw, place: &Place) -> String {
    match flaw {
        Flaw::NoTable { .. }
        | Flaw::NoColumn { .. }
        | Flaw::OtherType { .. }
        | Flaw::Generated { .. } => anew(place),
        Flaw::Required { column } => format!(
            "as the owner of the table:\n\
             ALTER TABLE pgchaos.user_events ALTER COLUMN {column} DROP NOT NULL;"
        ),
        Flaw::NoId { next, required } => {
            let not_null = "ALTER TABLE pgchaos.user_events ALTER COLUMN id SET NOT NULL;\n";
            format!(
                "as the owner of the table:\n{}\
                 ALTER TABLE pgchaos.user_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY \
                 (START WITH {next});",
                if *required { "" } else { not_null }
            )
        }
        Flaw::NoIdLeft { mended_by } => {
            format!("as the owner of the table:\n{}", mended_by.replace("; ", ";\n"))
        }
        Flaw::RowSecurity { table } => format!(
            "as a superuser:\n\
             ALTER ROLE {} BYPASSRLS;\n\
             or as the owner of the table:\n\
             ALTER TABLE pgchaos.{table} DISABLE ROW LEVEL SECURITY;",
            identifier(&place.role)
        ),
    }
}

fn of_pooler(refusal: PoolerRefusal, role: &str) -> String {
    match refusal {
        PoolerRefusal::StartupParameter => {
            "leave it out of PGOPTIONS, or of options in the connection string; or, in \
             pgbouncer.ini, ignore_startup_parameters = options,extra_float_digits and then RELOAD"
                .to_owned()
        }
        PoolerRefusal::Transactions => {
            "pool_mode = transaction or session for this database in pgbouncer.ini, and then \
             RELOAD: pgchaos verifies in transactions"
                .to_owned()
        }
        PoolerRefusal::Console => {
            "another database with -d: this one is the pooler's own console".to_owned()
        }
        PoolerRefusal::Login => format!(
            "the password of {role} as the pooler has it (PgBouncer's auth_file or auth_query) in \
             PGPASSWORD, another role with -U, another database with -d"
        ),
    }
}

fn what_takes_rows(place: &Place) -> String {
    format!(
        "{} shows its triggers and rules: drop or disable the one that takes the rows;\n\
         or pgchaos clean --schema{}, as its owner (-U), and the next gen makes the tables anew",
        description(place),
        place.options_of_others()
    )
}

fn what_refuses_rows(place: &Place) -> String {
    format!(
        "{} shows its triggers and constraints: drop or disable the one that refuses every row, or",
        description(place)
    )
}

fn new_database(place: &Place) -> String {
    format!("createdb{} -E UTF8 -T template0 NAME, and -d NAME", place.server_options())
}

fn description(place: &Place) -> String {
    format!("psql{} -c '\\d+ pgchaos.user_events'", place.psql_options())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_goes_on_under_its_own_words() {
        let problem = Problem::could_not_run("127.0.0.1:5500: permission denied for schema")
            .try_this("as the owner of the schema:\nGRANT USAGE ON SCHEMA pgchaos TO app;\nor -U");
        let printed = problem.to_string();
        assert_eq!(
            fitted(&printed, Some(34)),
            "pgchaos: 127.0.0.1:5500:\n  permission denied for schema\n\
             \x20 try: as the owner of the schema:\n\
             \x20      GRANT USAGE ON SCHEMA\n         pgchaos TO app;\n\
             \x20      or -U\n"
        );
        assert_eq!(fitted(&printed, None), format!("{printed}\n"));
    }
}
