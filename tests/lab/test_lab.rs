//! A lab of a test's own: its ports, its state folder, and its end with the test, also when the test is killed.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::unistd::{User, geteuid};
use tempfile::TempDir;

use crate::support::{free_ports, wait_until};

/// Far more than anything takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// How many ports a lab has.
const PORTS: u16 = 15;

/// Runs `lab down` when the test's process is gone, and removes its home.
const GUARD: &str = r#"
while read -r _; do :; done
[ -d "$HOME" ] || exit 0
"$0" lab down --wipe
rm -rf "$HOME"
"#;

/// A lab brings two cores to their limits: one test at a time has any.
static MACHINE: Mutex<()> = Mutex::new(());

/// Where a lab would be, and the user that would run it. It is up only when the test says so.
pub(crate) struct TestLab {
    home: TempDir,
    program: PathBuf,
    user: Option<User>,
    pub(crate) base: u16,
    guard: Child,
    _machine: Option<MutexGuard<'static, ()>>,
}

impl TestLab {
    /// Of the user that runs the tests; root in CI.
    pub(crate) fn of_tester() -> Self {
        let machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
        Self::of(None, Some(machine))
    }

    /// A second one, beside `self`.
    pub(crate) fn another(&self) -> Self {
        Self::of(None, None)
    }

    /// Of an ordinary user; `None` when the tester is one: then every lab is that of an ordinary user.
    pub(crate) fn of_ordinary_user() -> Option<Self> {
        if !geteuid().is_root() {
            eprintln!("not run as root: the other tests are those of an ordinary user");
            return None;
        }
        let machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
        let user = User::from_name("nobody").unwrap().expect("every system has it");
        Some(Self::of(Some(user), Some(machine)))
    }

    fn of(user: Option<User>, machine: Option<MutexGuard<'static, ()>>) -> Self {
        // Root's members run as another user, which must be able to reach their files.
        let home = tempfile::Builder::new()
            .prefix("pgchaos-lab-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let mut program = PathBuf::from(env!("CARGO_BIN_EXE_pgchaos"));
        if let Some(user) = &user {
            // The build folder may be closed to others.
            let copy = home.path().join("pgchaos");
            fs::copy(&program, &copy).unwrap();
            program = copy;
            let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
            std::os::unix::fs::chown(home.path(), Some(uid), Some(gid)).unwrap();
        }
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD]).arg(&program).stdin(Stdio::piped()).process_group(0);
        prepare(&mut guard, home.path(), user.as_ref());
        let guard = guard.stderr(Stdio::null()).spawn().unwrap();
        Self { home, program, user, base: free_ports(PORTS), guard, _machine: machine }
    }

    /// `pgchaos lab` with these arguments, and nothing of the tester's environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.pgchaos(&[&["lab"], args].concat())
    }

    /// `pgchaos` with these arguments.
    pub(crate) fn pgchaos(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped());
        prepare(&mut command, self.home.path(), self.user.as_ref());
        command
    }

    /// The same in namespaces of its own, as `unshare` makes them with these options.
    pub(crate) fn run_within(&self, unshare: &[&str], args: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new("unshare");
        command.args(unshare).arg(&self.program).arg("lab").args(args).stdin(Stdio::null());
        prepare(&mut command, self.home.path(), self.user.as_ref());
        let output = command.output().unwrap();
        (output.status.code(), said(&output))
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it; panics when it fails, with all it said. Gives back standard output and standard error.
    #[track_caller]
    pub(crate) fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let said = said(&output);
        assert!(output.status.success(), "pgchaos lab {args:?}: {}\n{said}", output.status);
        said
    }

    /// Runs it; panics when it does not end with this code, or does not say all of `words`.
    #[track_caller]
    pub(crate) fn fail(&self, args: &[&str], code: i32, words: &[&str]) -> String {
        let output = self.run(args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "pgchaos lab {args:?}\n{said}");
        for words in words {
            assert!(said.contains(words), "{words:?} in what pgchaos lab {args:?} said:\n{said}");
        }
        said
    }

    /// Types the command that `said` gives as its remedy, with `more` after it; it must work. Gives back what it said.
    #[track_caller]
    pub(crate) fn type_remedy(&self, said: &str, more: &[&str]) -> String {
        let (command, _) = remedy(said);
        let words: Vec<&str> = command.split(' ').skip(1).chain(more.iter().copied()).collect();
        let output = self.pgchaos(&words).output().unwrap();
        let told = self::said(&output);
        assert!(output.status.success(), "{said}\ntyped {words:?}: {}\n{told}", output.status);
        told
    }

    /// With the fastest failover, on its own ports.
    #[track_caller]
    pub(crate) fn up(&self) -> String {
        self.succeed(&["up", "--profile", "quick", "--base-port", &self.base.to_string()])
    }

    /// What `status` says of a member: its line, split.
    #[track_caller]
    pub(crate) fn status(&self, member: &str) -> Vec<String> {
        let said = self.succeed(&["status"]);
        let line = said.lines().find(|line| line.starts_with(member)).expect("its line");
        line.split_whitespace().map(str::to_owned).collect()
    }

    /// The member that leads now.
    pub(crate) fn leader(&self) -> Option<String> {
        ["patroni1", "patroni2", "patroni3"]
            .into_iter()
            .find(|member| self.status(member)[2] == "leader")
            .map(str::to_owned)
    }

    /// Waits until all three PostgreSQL servers run on one timeline; one leads, two replicate.
    #[track_caller]
    pub(crate) fn wait_converged(&self) {
        wait_until(SOON, "three servers on one timeline", || {
            let lines: Vec<_> =
                (1..=3).map(|number| self.status(&format!("patroni{number}"))).collect();
            let roles = |role: &str| lines.iter().filter(|line| line[2] == role).count();
            let together = lines.iter().all(|line| line[3] == "running" && line[4] == lines[0][4]);
            together && roles("leader") == 1 && roles("replica") == 2
        });
    }

    /// What a statement gives through a port: 0 is the write port, 1 the read port. An error's words otherwise.
    pub(crate) fn psql(&self, port: u16, sql: &str) -> Result<String, String> {
        let mut psql = Command::new("psql");
        psql.args(["-AtXq", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-c", sql])
            .args(["-p", &(self.base + port).to_string()])
            .env("PGPASSWORD", "postgres")
            .env("PGCONNECT_TIMEOUT", "3");
        let output = psql.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The lab's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("state/pgchaos/labs/pgchaos")
    }

    /// Processes that are the lab's by what `ps` would show, or by where they stand.
    pub(crate) fn processes(&self) -> Vec<String> {
        let folder = self.folder();
        let marks = [folder.display().to_string(), format!(":{}", self.base + 9)];
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let shown = entries.filter_map(|entry| {
            let cwd = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            let command = fs::read(entry.path().join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            let is_own =
                marks.iter().any(|mark| command.contains(mark)) || cwd.starts_with(&folder);
            is_own.then(|| format!("{}: {command}", entry.file_name().display()))
        });
        shown.collect()
    }

    /// Nothing of it runs, no port is held, and no shared memory is left of servers that were killed.
    #[track_caller]
    pub(crate) fn assert_nothing_runs(&self) {
        assert_eq!(self.processes(), Vec::<String>::new());
        for port in self.base..self.base + PORTS {
            assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok(), "port {port} is held");
        }
    }

    /// Nothing but logs.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        self.assert_nothing_runs();
        let labs = self.folder();
        let left = |folder: &Path| -> Vec<String> {
            let entries = fs::read_dir(folder).unwrap().flatten();
            entries.map(|entry| entry.file_name().display().to_string()).collect()
        };
        assert_eq!(left(&labs), ["logs"]);
        assert_eq!(left(labs.parent().unwrap()), ["pgchaos"], "no lock file");
    }
}

impl Drop for TestLab {
    /// Nothing here can panic: a test may be panicking already.
    fn drop(&mut self) {
        let _ = self.command(&["down", "--wipe"]).output();
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn prepare(command: &mut Command, home: &Path, user: Option<&User>) {
    command.env_clear().env("HOME", home).env("XDG_STATE_HOME", home.join("state"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir("/");
    if let Some(user) = user {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
}

pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The command that is to be tried, and what is said of it after a comma or so.
#[track_caller]
pub(crate) fn remedy(said: &str) -> (&str, &str) {
    let (_, rest) = said.split_once("try: ").unwrap_or_else(|| panic!("no remedy in {said}"));
    let end = rest.find([',', ';', '\n']).unwrap_or(rest.len());
    assert!(rest.starts_with("pgchaos "), "no command: {rest}");
    rest.split_at(end)
}
