//! A PostgreSQL server of a test's own: real, fresh, and gone with the test.

mod account;
mod binaries;
mod folder;
mod lifecycle;
mod processes;
mod setup;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::command;
use folder::Folder;
pub use lifecycle::Stop;
use processes::Processes;
use setup::Setup;

/// Far more than a start, a stop or a statement takes, also on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running server, with its own port on 127.0.0.1, user and password `postgres`.
///
/// TCP asks for the password (SCRAM); only the socket in its folder trusts, which [`Postgres::psql`] uses.
pub struct Postgres {
    setup: Setup,
    folder: Folder,
    processes: Processes,
    port: u16,
    postmaster: Mutex<Option<Child>>,
}

impl Postgres {
    /// A fresh server that accepts connections.
    pub fn start() -> Self {
        Self::with_settings(&[])
    }

    /// A fresh server with these lines in its postgresql.conf, after the support's own. They outlive restarts and are
    /// copied to its standbys.
    pub fn with_settings(settings: &[(&str, &str)]) -> Self {
        let setup = Setup::find();
        let folder = setup.initialise(settings);
        Self::run(setup, folder)
    }

    /// One server for all tests of a process that use it at the same time, for those that only break the way to it.
    ///
    /// It goes with the last of them. Its tables are everybody's: create what you need under a name of your own.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let fresh = Arc::new(Self::start());
            *shared = Arc::downgrade(&fresh);
            fresh
        })
    }

    /// A streaming standby of this server, on a port of its own, read-only until [`Postgres::promote`].
    pub fn standby(&self) -> Self {
        let folder = self.setup.copy_of(&self.url());
        Self::run(self.setup.clone(), folder)
    }

    fn run(setup: Setup, folder: Folder) -> Self {
        let server = Self {
            port: setup.give_port(&folder),
            processes: Processes::of(folder.data()),
            setup,
            folder,
            postmaster: Mutex::new(None),
        };
        server.start_again();
        server
    }

    /// The port on 127.0.0.1, the same over restarts; no other process gets it while the server is down.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its Unix socket is.
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.data()
    }

    /// How a client reaches it, password included.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// What `sql` gives, as `psql -AtX` prints it, trimmed. Panics with psql's words when it fails.
    #[track_caller]
    pub fn psql(&self, sql: &str) -> String {
        self.try_psql(sql).unwrap_or_else(|error| panic!("psql: {sql}\n{error}"))
    }

    /// The same; a failure is psql's standard error. Statements of one call share a transaction.
    #[track_caller]
    pub fn try_psql(&self, sql: &str) -> Result<String, String> {
        self.try_psql_in("postgres", sql)
    }

    /// [`Postgres::psql`] in another database than `postgres`.
    #[track_caller]
    pub fn psql_in(&self, database: &str, sql: &str) -> String {
        self.try_psql_in(database, sql)
            .unwrap_or_else(|error| panic!("psql -d {database}: {sql}\n{error}"))
    }

    /// [`Postgres::try_psql`] in another database than `postgres`.
    #[track_caller]
    pub fn try_psql_in(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.setup.program("psql");
        psql.args(["-AtXq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database])
            .arg("-h")
            .arg(self.socket_dir())
            .args(["-p", &self.port.to_string(), "-c", sql])
            .env("PGCLIENTENCODING", "UTF8");
        let output = command::output(&mut psql, DEADLINE);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// One of PostgreSQL's programs of the server's own version, free of the tester's surroundings.
    pub fn program(&self, name: &str) -> Command {
        self.setup.program(name)
    }

    /// A program that is not PostgreSQL's, such as a pooler, as the server's account and in its folder.
    pub fn program_beside(&self, path: &Path) -> Command {
        self.setup.as_server(Command::new(path), &self.folder)
    }

    /// Lets everyone in over TCP without a password: for poolers, which have none to give.
    pub fn trust_everyone(&self) {
        let lines = "local all all trust\nhost all,replication all 127.0.0.1/32 trust\n";
        fs::write(self.data_dir().join("pg_hba.conf"), lines).unwrap();
        self.psql("SELECT pg_reload_conf()");
    }

    /// The process id of the postmaster. Panics when the server is down.
    #[track_caller]
    pub fn postmaster_pid(&self) -> u32 {
        self.postmaster.lock().unwrap().as_ref().map(Child::id).expect("the server is down")
    }

    /// All that the server has logged.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.folder.log()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A line for the shell that runs one of PostgreSQL's programs as the server's account, on its data folder.
    pub fn shell_line(&self, program: &str, args: &str) -> String {
        let program = self.setup.shell_line(program);
        format!(
            "cd {} && {program} -D {} {args}",
            self.socket_dir().display(),
            self.data_dir().display()
        )
    }

    /// Makes a standby a primary, on a timeline of its own; returns when it is writable.
    #[track_caller]
    pub fn promote(&self) {
        assert_eq!(self.psql("SELECT pg_promote(true, 60)"), "t", "promoted");
    }
}

/// How a client reaches the server, or a proxy before it, on `port`.
pub(super) fn url(port: u16) -> String {
    format!("postgresql://postgres:postgres@127.0.0.1:{port}/postgres")
}
