//! Making a server's files and starting its programs, as the right account and free of the tester's surroundings.

use std::env;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::super::{command, free_port};
use super::account::Account;
use super::folder::Folder;
use super::{DEADLINE, binaries};

/// Small and fast. The files need not outlive the machine, and what a killed server leaves must be in its folder.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
shared_buffers = '16MB'
dynamic_shared_memory_type = mmap
fsync = off
wal_level = replica
max_wal_senders = 10
hot_standby = on
log_line_prefix = '%m [%p] %q%u@%d %a '
";

/// What servers are made with.
#[derive(Clone)]
pub(super) struct Setup {
    binaries: PathBuf,
    account: Account,
}

impl Setup {
    pub(super) fn find() -> Self {
        Self { binaries: binaries::folder(), account: Account::of_server() }
    }

    /// A folder with a new cluster in it. Each has a system identifier of its own, which is why none is copied from a template.
    pub(super) fn initialise(&self, settings: &[(&str, &str)]) -> Folder {
        let folder = Folder::new(self.account);
        let password = folder.secret("password", "postgres\n", self.account);
        let mut initdb = self.server_program("initdb", &folder);
        initdb
            .arg("-D")
            .arg(folder.data())
            .args(["-U", "postgres", "-E", "UTF8", "--no-sync", "--wal-segsize=1"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
            .arg(locale())
            .arg("--pwfile")
            .arg(password);
        command::succeed(&mut initdb, DEADLINE);
        configure(&folder, SETTINGS);
        for (name, value) in settings {
            let value = value.replace('\'', "''");
            configure(&folder, &format!("{name} = '{value}'\n"));
        }
        folder
    }

    /// A folder with a copy of the running server at `url`, set to follow it.
    pub(super) fn copy_of(&self, url: &str) -> Folder {
        let folder = Folder::new(self.account);
        let mut copy = self.server_program("pg_basebackup", &folder);
        copy.args(["-R", "--checkpoint=fast", "--no-sync", "-d", url, "-D"]).arg(folder.data());
        command::succeed(&mut copy, DEADLINE);
        folder
    }

    /// Its own port and socket; where it was copied, the last line of a name is the one that counts.
    pub(super) fn give_port(&self, folder: &Folder) -> u16 {
        let port = free_port();
        let socket = folder.path().display();
        configure(folder, &format!("port = {port}\nunix_socket_directories = '{socket}'\n"));
        port
    }

    /// The postmaster itself, a child of this process, in a group of its own: a Ctrl-C in the terminal is not for it.
    pub(super) fn spawn(&self, folder: &Folder) -> Child {
        let log = folder.log_to_append();
        self.server_program("postgres", folder)
            .arg("-D")
            .arg(folder.data())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// One of PostgreSQL's programs, as the tester's account.
    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        command
    }

    /// The same for a shell, as the server's account.
    pub(super) fn shell_line(&self, name: &str) -> String {
        format!("{}{}", self.account.shell_prefix(), self.binaries.join(name).display())
    }

    /// The same as the server's account, in a folder which that can enter.
    fn server_program(&self, name: &str, folder: &Folder) -> Command {
        self.as_server(self.program(name), folder)
    }

    /// `command` as the server's account, in a folder which that can enter.
    pub(super) fn as_server(&self, mut command: Command, folder: &Folder) -> Command {
        command.current_dir(folder.path());
        self.account.runs(&mut command);
        command
    }
}

/// Sorted by code point, with UTF-8; macOS knows no such locale by that name.
fn locale() -> &'static str {
    if cfg!(target_os = "linux") { "--locale=C.UTF-8" } else { "--locale=C" }
}

fn configure(folder: &Folder, lines: &str) {
    let path = folder.data().join("postgresql.conf");
    let mut file = File::options().append(true).open(path).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
}
