//! A disk of a test's own, in a mount namespace of its own: small, or one that can be frozen, so that a write to it
//! waits and cannot be interrupted, as on a hung device.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::support::skip;

/// Mounts, then freezes and thaws on order; the end of its input thaws what is frozen, and the mount goes with the
/// namespace, also when the test was killed.
const HOLDER: &str = r#"
    set -e
    case $1 in
        full) mount -t tmpfs -o size=128k tmpfs "$2" ;;
        *) truncate -s 64M "$2.image"; mkfs.ext4 -q "$2.image"; mount -o loop "$2.image" "$2" ;;
    esac
    echo ready
    set +e
    while read -r order; do fsfreeze --"$order" "$2"; echo "$?"; done
    fsfreeze --unfreeze "$2" 2>/dev/null
"#;

/// A mounted disk. Its drop thaws and unmounts it.
pub struct Disk {
    holder: Child,
    orders: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Disk {
    /// 128 KiB; `None`, skipped by [`skip`], where nothing may be mounted.
    pub fn small() -> Option<Self> {
        Self::mounted("full")
    }

    /// One that can be frozen; `None`, skipped by [`skip`], where nothing may be mounted.
    pub fn that_freezes() -> Option<Self> {
        Self::mounted("freezes")
    }

    fn mounted(kind: &str) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("pgchaos-disk-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("disk")).unwrap();
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", HOLDER, "holder", kind])
            .arg(folder.path().join("disk"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("unshare of util-linux: {error}"));
        let orders = holder.stdin.take();
        let mut replies = BufReader::new(holder.stdout.take().unwrap());
        let mut ready = String::new();
        replies.read_line(&mut ready).unwrap();
        if ready != "ready\n" {
            let why = holder.wait_with_output().unwrap().stderr;
            let why = String::from_utf8_lossy(&why).trim().to_owned();
            skip(&format!("a disk cannot be mounted here: {why}"));
            return None;
        }
        Some(Self { holder, orders, replies, folder })
    }

    /// A file on it, as a program inside sees it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("disk").join(name)
    }

    /// The same file, as the test sees it.
    pub fn seen_outside(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.path(name).strip_prefix("/").unwrap())
    }

    /// From now on writes to it wait.
    pub fn freeze(&mut self) {
        self.order("freeze");
    }

    /// Writes go on.
    pub fn thaw(&mut self) {
        self.order("unfreeze");
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
        let mut reply = String::new();
        self.replies.read_line(&mut reply).unwrap();
        assert_eq!(reply, "0\n", "fsfreeze --{order}");
    }

    /// Makes `command` run where the disk is, its record on it.
    pub fn puts_inside(&self, command: &mut Command) {
        command.env("PGCHAOS_RECORD", self.path("run.jsonl"));
        let mut inside = Command::new("nsenter");
        inside.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id())).arg("--");
        *command = wrapped(inside, command);
    }
}

impl Drop for Disk {
    /// Nothing here can panic: a test may be panicking already.
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.holder.wait();
    }
}

/// `outer` with `inner` as its last words and with its environment; both exec, so that it is one process.
pub fn wrapped(mut outer: Command, inner: &Command) -> Command {
    outer.arg(inner.get_program()).args(inner.get_args()).stdin(Stdio::null());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// The most memory that a process has had, in KiB; `None` once it has ended.
pub fn memory_max_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"));
    let status = status.ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse().unwrap())
}
