//! What to do about a problem with a server, its tables or its logins: by SQLSTATE and step, never by
//! the message, which the server may translate.

use super::connection_options::ConnectionOptions;
use super::lab_hint::write_port_of_lab_with;
use crate::engine::setup::{SetupError, SetupStep};
use crate::model::connect_cause::ConnectCause;
use crate::model::fault::{Class, Fault, PoolerRefusal};
use crate::model::tls_cause::TlsCause;
use crate::pg::objects::flaws::Flaw;
use crate::pg::objects::identifier::identifier;
use crate::pg::settings::ConnectSettings;
use crate::pg::wire::host_address::HostAddress;
use crate::report::words::shell_word;

/// Names the password that was refused: it may come from a place that the user has forgotten.
pub(super) fn tried_password(error: &SetupError, settings: &ConnectSettings) -> String {
    let Some(fault) = error.decides() else { return String::new() };
    let mut hosts = settings.hosts.iter();
    match hosts.find(|host| HostAddress::is_of(host, &fault.endpoint)) {
        Some(host) if fault.sqlstate.as_deref() == Some("28P01") => match error {
            SetupError::NoHostServes { .. } => {
                format!("\n{} was tried with {}", fault.endpoint, host.password_source)
            }
            _ => format!(" with {}", host.password_source),
        },
        _ => String::new(),
    }
}

/// What to do about it. SQL that is to be typed ends with a semicolon, and is a line of its own.
pub(super) fn remedy(error: &SetupError, connection: &ConnectionOptions) -> Option<String> {
    match error {
        SetupError::Refused { step, fault, acting_as } => {
            of_refusal(*step, fault, acting_as.as_deref(), connection)
        }
        SetupError::NoHostServes { .. } => {
            of_refusal(SetupStep::Connect, error.decides()?, None, connection)
        }
        SetupError::PartialObjects => Some(anew(connection)),
        SetupError::NoRow | SetupError::RowElsewhere => Some(what_takes_rows(connection)),
        SetupError::Flaw(flaw) => Some(of_flaw(flaw, connection)),
        SetupError::ReadOnly { by, .. } => Some(by.remedy("default_transaction_read_only")),
        SetupError::NoUsers => Some(format!(
            "pgchaos clean --schema{0}, as its owner (-U), then pgchaos init{0};\n\
             or, where row-level security hides them from {1}, as a superuser:\n\
             ALTER ROLE {2} BYPASSRLS;",
            connection.for_pgchaos_as_other(),
            connection.role,
            identifier(&connection.role)
        )),
    }
}

/// What to do about an answer of a server that ended this step. `acting_as` is the role that holds
/// the privileges where it is not the one that logged in.
fn of_refusal(
    step: SetupStep,
    fault: &Fault,
    acting_as: Option<&str>,
    connection: &ConnectionOptions,
) -> Option<String> {
    if let Some(refusal) = fault.pooler_refusal() {
        return Some(of_pooler(refusal, &connection.role));
    }
    let granted = identifier(acting_as.unwrap_or(&connection.role));
    if (step, fault.sqlstate.as_deref()) == (SetupStep::TryWithDefault, Some("42501")) {
        let ids = format!("GRANT USAGE ON ALL SEQUENCES IN SCHEMA pgchaos TO {granted};");
        return Some(format!("{}\n{ids}", grants(&granted)));
    }
    let step = if step == SetupStep::TryWithDefault { SetupStep::Try } else { step };
    of_the_way(fault)
        .or_else(|| of_login(fault, connection))
        .or_else(|| of_other_protocol(fault, connection))
        .or_else(|| of_missing_privilege(step, fault, &granted, connection))
        .or_else(|| of_statement(step, fault, &granted, connection))
}

/// What is between pgchaos and the server, or the server itself, awaits another beginning.
fn of_the_way(fault: &Fault) -> Option<String> {
    let words = match (fault.class, fault.connect_cause) {
        (_, Some(ConnectCause::TlsRequestRefused)) => {
            "where the pooler is full: more room there (PgBouncer's max_client_conn), or fewer clients;\n\
             where a proxy sends it the PROXY protocol (HAProxy's send-proxy): the server line without it"
        }
        _ if fault.may_follow_a_proxy_header() => {
            "where a proxy sends the PROXY protocol to the pooler, which does not read it (HAProxy's send-proxy and \
             send-proxy-v2): the server line without it"
        }
        (_, Some(ConnectCause::NoBinding)) => {
            "channel_binding=prefer or disable (PGCHANNELBINDING): PgBouncer, and a proxy that ends TLS, have no binding \
             to offer;\n\
             or, where PostgreSQL itself ends TLS, scram-sha-256 for this role in its pg_hba.conf"
        }
        (_, Some(ConnectCause::NoTlsToBind)) => {
            "channel_binding=prefer (PGCHANNELBINDING);\n\
             or TLS all the way to the server: sslmode=require (PGSSLMODE)"
        }
        (_, Some(ConnectCause::NoTlsOnSocket)) => {
            "channel_binding=prefer (PGCHANNELBINDING);\n\
             or, where the server speaks TLS, -h with its name instead of the socket's folder, and sslmode=require (PGSSLMODE)"
        }
        (Class::NoBackend, _) => {
            "a live server behind the proxy, where that is what is missing;\n\
             where a proxy sends or awaits the PROXY protocol: send-proxy and accept-proxy on both sides, or on none \
             (PostgreSQL, PgBouncer and pgchaos speak none);\n\
             where a proxy ends TLS: sslmode=require and sslnegotiation=direct (PGSSLNEGOTIATION);\n\
             where the server must be asked for TLS: sslnegotiation=postgres"
        }
        _ => return None,
    };
    Some(words.to_owned())
}

/// No session came to be: the password, the role, the database, `pg_hba.conf` or TLS.
fn of_login(fault: &Fault, connection: &ConnectionOptions) -> Option<String> {
    let role = &connection.role;
    let name = identifier(role);
    Some(match (fault.sqlstate.as_deref(), fault.class) {
        (Some("3D000"), _) => format!(
            "createdb{} {}, or name another database with -d",
            connection.for_createdb(),
            shell_word(&connection.dbname)
        ),
        (Some("28P01"), _) => format!(
            "the right password for {role} in PGPASSWORD, in ~/.pgpass or in the DSN, or another \
             role with -U"
        ),
        _ if fault.connect_cause == Some(ConnectCause::TooManyRounds) => format!(
            "as {role} or a superuser, on PostgreSQL 16 or newer:\n\
             SET scram_iterations = 4096; ALTER ROLE {name} PASSWORD '…';\n\
             or another role with -U"
        ),
        _ if fault.connect_cause == Some(ConnectCause::PasswordWithheld) => format!(
            "pgchaos verify RECORD{}, if that is where the run wrote to: a password goes to a host \
             that you name",
            connection.host_and_port()
        ),
        _ if fault.connect_cause == Some(ConnectCause::PasswordMissing) => format!(
            "PGPASSWORD=…, a line in ~/.pgpass (host:port:database:user:password), or {role}:…@ \
             in the DSN"
        ),
        // pgchaos refused the way of logging in that the server asks for.
        (None, Class::Auth) => format!(
            "scram-sha-256 for this role in the server's pg_hba.conf;\n\
             where it is that already, what answers there, a pooler or a proxy, breaks the login:\n\
             psql{} tells",
            connection.for_psql()
        ),
        (_, Class::Auth) => of_refused_login(fault.connect_cause, role),
        (_, Class::Tls) => of_tls(fault.tls_cause.unwrap_or(TlsCause::Other), connection),
        _ => return None,
    })
}

/// The server does not let the role in. One SQLSTATE has several reasons; the message says which, in the server's
/// language. What the session was rules some of them out.
fn of_refused_login(cause: Option<ConnectCause>, role: &str) -> String {
    let wanted = "where it wants a client certificate (cert, clientcert)";
    let of_certificate = match cause {
        Some(ConnectCause::RefusedWithoutCertificate) => format!(
            "{wanted}: sslcert=FILE and sslkey=FILE (PGSSLCERT, PGSSLKEY), by an authority of the server's ssl_ca_file;\n"
        ),
        Some(ConnectCause::RefusedWithCertificate) => format!(
            "{wanted}: one whose common name is {role}, or a map= for its name in pg_ident.conf;\n"
        ),
        // A server that asks for none has no line that wants one.
        Some(ConnectCause::RefusedOverTls) => String::new(),
        _ => "where it wants TLS (hostssl): sslmode=require (PGSSLMODE);\n".to_owned(),
    };
    format!(
        "a line in the server's pg_hba.conf that lets {role} in, or another role with -U;\n\
         {of_certificate}\
         where a proxy before the server ends TLS: channel_binding=disable (PGCHANNELBINDING);\n\
         where the role may not log in, as a superuser:\n\
         ALTER ROLE {name} LOGIN;\n\
         where it is missing:\n\
         CREATE ROLE {name} LOGIN;",
        name = identifier(role)
    )
}

/// What keeps TLS from being spoken: one way out of each, and none that gives up what was asked for unless there is no
/// other.
fn of_tls(cause: TlsCause, connection: &ConnectionOptions) -> String {
    match cause {
        TlsCause::NotOffered => "ssl = on in the server's postgresql.conf, with a certificate and its key;\n\
                                 or, where it may go on without TLS, sslmode=prefer"
            .to_owned(),
        TlsCause::UnknownAuthority => {
            "sslrootcert=FILE (PGSSLROOTCERT), with the certificate of the authority that signed the server's".to_owned()
        }
        TlsCause::OtherName => "host=NAME, a name that the server's certificate is for, and hostaddr=ADDRESS beside it \
                                where that name has no address here; or a certificate for this name on the server"
            .to_owned(),
        TlsCause::Dates => {
            "a certificate on the server that is valid today; or the right time on this machine".to_owned()
        }
        TlsCause::Revoked => "a new certificate on the server".to_owned(),
        TlsCause::RevocationUnknown => "sslcrl=FILE (PGSSLCRL), with the list that the authority of the server's \
                                        certificate publishes today"
            .to_owned(),
        TlsCause::CertificateForm => "a certificate on the server that is of X.509 version 3, for servers, not an \
                                      authority's own, with subjectAltName, signed with SHA-256 or better"
            .to_owned(),
        TlsCause::ClientCertificate => "sslcert=FILE and sslkey=FILE (PGSSLCERT, PGSSLKEY), with a certificate that is \
                                        valid and signed by an authority of the server's ssl_ca_file"
            .to_owned(),
        TlsCause::CertificateNotRequested => {
            "ssl_ca_file in the server's postgresql.conf, so that it asks; or sslcertmode=allow (PGSSLCERTMODE)".to_owned()
        }
        TlsCause::NothingInCommon => "on the server a key of RSA from 2048 bits, P-256, P-384 or Ed25519, and TLS 1.2 or \
                                      1.3; here no ssl_min_protocol_version or ssl_max_protocol_version that rules that out"
            .to_owned(),
        TlsCause::OtherProtocol => format!(
            "the port of PostgreSQL, or of the proxy before it, with -p; psql{} tells what answers there",
            connection.for_psql()
        ),
        TlsCause::NotForPostgresql => {
            "where a proxy ends TLS: alpn postgresql on its line (HAProxy's bind … ssl crt FILE alpn postgresql);\n\
             where a server of another protocol answers: the port of PostgreSQL with -p PORT"
                .to_owned()
        }
        TlsCause::NotAskedFor => {
            "sslnegotiation=postgres (PGSSLNEGOTIATION), which PgBouncer before 1.25 needs;\n\
             where a proxy sends it the PROXY protocol (HAProxy's send-proxy): the server line without it"
                .to_owned()
        }
        TlsCause::OwnFile => "the file mended that the message names: the next connect reads it".to_owned(),
        TlsCause::NoClient => "the host named with -h, or in the connection string: its certificate files are then read"
            .to_owned(),
        TlsCause::Other => "the server's log, which says why it ended TLS".to_owned(),
    }
}

/// The server is no PostgreSQL, or a pooler that breaks its protocol.
fn of_other_protocol(fault: &Fault, connection: &ConnectionOptions) -> Option<String> {
    if fault.class != Class::Protocol {
        return None;
    }
    if fault.connect_cause == Some(ConnectCause::Http) {
        return Some(match connection.port_of_this_machine().and_then(write_port_of_lab_with) {
            Some(port) => format!("-p {port}, the write port of the lab whose port this is"),
            None => "a PostgreSQL server, or the proxy before it, with -p PORT: a lab's is \
                     5500, while 7500 is HAProxy's page and 8008 Patroni's API"
                .to_owned(),
        });
    }
    Some(format!(
        "a PostgreSQL server, or a pooler that leaves each write in a transaction of its own \
         (Pgpool-II's raw mode does not, its streaming_replication mode does);\n\
         psql{} tells what answers there",
        connection.for_psql()
    ))
}

/// The role lacks a privilege (42501) for this step.
fn of_missing_privilege(
    step: SetupStep,
    fault: &Fault,
    granted: &str,
    connection: &ConnectionOptions,
) -> Option<String> {
    if fault.sqlstate.as_deref() != Some("42501") {
        return None;
    }
    let database = identifier(&connection.dbname);
    Some(match step {
        SetupStep::Connect => format!(
            "as the owner of the database:\nGRANT CONNECT ON DATABASE {database} TO {};",
            identifier(&connection.role)
        ),
        SetupStep::Create => format!(
            "as the owner of the database:\n\
             GRANT CREATE ON DATABASE {database} TO {granted};\n\
             or make the schema with another role once: pgchaos init{} -U OWNER; then {}",
            connection.for_pgchaos_as_other(),
            grants(granted)
        ),
        SetupStep::CreateTables => format!(
            "as the owner of the schema:\nGRANT USAGE, CREATE ON SCHEMA pgchaos TO {granted};"
        ),
        SetupStep::Try | SetupStep::TryWithDefault => grants(granted),
        SetupStep::Remove => "the role that owns the schema and its tables, with -U".to_owned(),
    })
}

/// A statement of this step was refused for what the database, its tables or its settings are.
fn of_statement(
    step: SetupStep,
    fault: &Fault,
    granted: &str,
    connection: &ConnectionOptions,
) -> Option<String> {
    Some(match (step, fault.sqlstate.as_deref()?, fault.class) {
        (SetupStep::Connect, "55000", _) => format!(
            "as a superuser:\nALTER DATABASE {} ALLOW_CONNECTIONS true;\n\
             or another database with -d",
            identifier(&connection.dbname)
        ),
        (SetupStep::Remove, "2BP01", _) => format!(
            "psql{} -c 'DROP SCHEMA pgchaos CASCADE', which takes with it what hangs on the tables",
            connection.for_psql()
        ),
        // An INSERT … RETURNING is refused so where a rule replaces it.
        (SetupStep::Try, "0A000", _) => what_takes_rows(connection),
        (SetupStep::Try, "2200H", _) => "as the owner of the sequence that the message names: \
                                    ALTER SEQUENCE pgchaos.NAME AS bigint NO MAXVALUE"
            .to_owned(),
        (SetupStep::Try, "42P01" | "42703" | "42804", _) => anew(connection),
        // A trigger, a constraint or a type that is too narrow, of the table's own.
        (SetupStep::Try, sqlstate, Class::Sql)
            if ["22", "23", "42", "P0"].iter().any(|class| sqlstate.starts_with(class)) =>
        {
            format!("{}\n{}", what_refuses_rows(connection), anew(connection))
        }
        (SetupStep::Create | SetupStep::CreateTables, "0A000" | "22P05", _) => {
            format!("a database of another encoding: {}", new_database(connection))
        }
        (_, "0A000", _) => {
            format!(
                "a database with an encoding that converts to UTF8: {}",
                new_database(connection)
            )
        }
        // The file of a library that each session loads is missing.
        (_, "58P01", _) => "the library that the message names, installed on the server; or it \
                            taken out of session_preload_libraries and \
                            local_preload_libraries, of the server, the role and the database"
            .to_owned(),
        (SetupStep::Connect, "42704" | "42601" | "22023", _) => {
            "what is wrong left out of PGOPTIONS, or of options in the connection string".to_owned()
        }
        // Another object of the schema has a name of the tables'.
        (SetupStep::Create | SetupStep::CreateTables, "42710" | "42P07", _) => anew_elsewhere(),
        // Such as an event trigger that keeps tables from being made.
        (SetupStep::Create | SetupStep::CreateTables, _, Class::Sql) => format!(
            "pgchaos init{}, as a role that may make tables here (-U); then {}",
            connection.for_pgchaos_as_other(),
            grants(granted)
        ),
        _ => return None,
    })
}

/// For an object in the way that pgchaos did not make: it does not tell the user to remove it.
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

/// For tables that the load cannot use.
fn anew(connection: &ConnectionOptions) -> String {
    format!(
        "pgchaos clean --schema{}, as its owner (-U), if nothing in it is needed; the next gen makes \
         it anew;\n\
         or keep it under another name, as its owner:\n\
         ALTER SCHEMA pgchaos RENAME TO pgchaos_before;",
        connection.for_pgchaos_as_other()
    )
}

fn of_flaw(flaw: &Flaw, connection: &ConnectionOptions) -> String {
    match flaw {
        Flaw::NoTable { .. }
        | Flaw::NoColumn { .. }
        | Flaw::OtherType { .. }
        | Flaw::Generated { .. } => anew(connection),
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
            identifier(&connection.role)
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
        PoolerRefusal::NoTls => {
            "sslmode=require (PGSSLMODE), which the pooler demands (PgBouncer's client_tls_sslmode);\n\
             where a proxy before it ends TLS: client_tls_sslmode = allow in pgbouncer.ini"
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

fn what_takes_rows(connection: &ConnectionOptions) -> String {
    format!(
        "{} shows its triggers and rules: drop or disable the one that takes the rows;\n\
         or pgchaos clean --schema{}, as its owner (-U), and the next gen makes the tables anew",
        description(connection),
        connection.for_pgchaos_as_other()
    )
}

fn what_refuses_rows(connection: &ConnectionOptions) -> String {
    format!(
        "{} shows its triggers and constraints: drop or disable the one that refuses every row, or",
        description(connection)
    )
}

fn new_database(connection: &ConnectionOptions) -> String {
    format!("createdb{} -E UTF8 -T template0 NAME, and -d NAME", connection.for_createdb())
}

fn description(connection: &ConnectionOptions) -> String {
    format!("psql{} -c '\\d+ pgchaos.user_events'", connection.for_psql())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::pg::settings::{Environment, Explicit, resolve};

    #[test]
    fn each_cause_of_a_failure_of_tls_has_a_remedy_of_its_own() {
        let settings = resolve(&Explicit::default(), &Environment::empty()).unwrap().settings;
        let connection = ConnectionOptions::of(&settings);
        let remedies: BTreeSet<String> =
            TlsCause::ALL.iter().map(|cause| of_tls(*cause, &connection)).collect();
        assert_eq!(remedies.len(), TlsCause::ALL.len());
        // Nothing tells to verify less where verifying is what failed.
        for remedy in &remedies {
            let weakens = remedy.contains("sslmode=") || remedy.contains("sslcertmode=");
            assert!(
                !weakens || remedy.contains("ssl = on") || remedy.contains("so that it asks"),
                "{remedy}"
            );
        }
    }
}
