//! Nothing stays behind: no process, no folder, no shared memory, no thread.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, stdin};
use std::net::{Ipv4Addr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::client::{SOON, bare, read_all};
use crate::support::{Postgres, Proxy, wait_until};

/// A child process is told so that it is to hold a server.
const HOLD: &str = "PGCHAOS_TEST_HOLDS_A_SERVER";

/// What a server leaves traces by.
struct Traces {
    folder: PathBuf,
    data: PathBuf,
    /// The System V segment that a postmaster locks its data folder with.
    segment: String,
}

impl Traces {
    fn of(server: &Postgres) -> Self {
        Self::in_folder(server.socket_dir())
    }

    fn in_folder(folder: &Path) -> Self {
        let data = folder.join("data");
        let text = fs::read_to_string(data.join("postmaster.pid")).unwrap();
        let segment = text.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap();
        Self { folder: folder.to_owned(), segment: segment.to_owned(), data }
    }

    fn processes(&self) -> usize {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter(|entry| {
                fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == self.data)
            })
            .count()
    }

    fn has_segment(&self) -> bool {
        let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        table.lines().any(|line| line.split_whitespace().nth(1) == Some(&self.segment))
    }

    fn are_gone(&self) -> bool {
        self.processes() == 0 && !self.folder.exists() && !self.has_segment()
    }

    #[track_caller]
    fn assert_there(&self) {
        if cfg!(target_os = "linux") {
            assert!(self.processes() > 3 && self.has_segment());
        }
        assert!(self.folder.exists());
    }
}

#[test]
fn of_a_running_server() {
    let server = Postgres::start();
    let traces = Traces::of(&server);
    traces.assert_there();
    drop(server);
    assert!(traces.are_gone());
}

#[test]
fn of_a_frozen_server() {
    let server = Postgres::start();
    let traces = Traces::of(&server);
    server.freeze();
    drop(server);
    assert!(traces.are_gone());
}

#[test]
fn of_a_server_whose_postmaster_was_killed_while_its_children_are_frozen() {
    let server = Postgres::start();
    let traces = Traces::of(&server);
    server.freeze();
    server.kill_postmaster();
    drop(server);
    assert!(traces.are_gone());
}

#[test]
fn of_a_test_that_panics() {
    let mut traces = None;
    let test = catch_unwind(AssertUnwindSafe(|| {
        let server = Postgres::start();
        traces = Some(Traces::of(&server));
        panic!("on purpose");
    }));
    assert!(test.is_err());
    assert!(traces.unwrap().are_gone());
}

#[test]
fn of_a_process_that_is_killed() {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "leftovers::holds_a_server", "--ignored", "--nocapture"])
        .env(HOLD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let folder = lines
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("folder: ")?.1.to_owned()))
        .expect("it has started");
    let traces = Traces::in_folder(Path::new(&folder));
    traces.assert_there();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(SOON, "the guard has cleaned up", || traces.are_gone());
}

#[test]
#[ignore = "the child of the test above"]
fn holds_a_server() {
    if env::var_os(HOLD).is_some() {
        let server = Postgres::start();
        server.freeze();
        println!("folder: {}", server.socket_dir().display());
        let _ = stdin().read(&mut [0]);
    }
}

#[test]
fn of_a_proxy() {
    let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let proxy = Proxy::start(upstream.local_addr().unwrap().port());
    let port = proxy.port();
    let client = bare(port).unwrap();
    let (server, _) = upstream.accept().unwrap();
    drop(proxy);
    assert_eq!(read_all(&client).unwrap(), b"", "the client's side is closed");
    assert_eq!(read_all(&server).unwrap(), b"", "the server's side is closed");
    assert!(bare(port).is_err(), "nobody listens");
    let name = format!("proxy {port}\n");
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
    assert_eq!(names.filter(|found| *found == name).count(), 0);
}
