//! Which processes are a lab's. No list is kept, as it could be wrong; `/proc` is read each time.
//!
//! Every member is started with [`MARK`] in its environment, its own folder as the value, and so
//! are the processes that it starts. PostgreSQL writes its title over the environment, so its
//! processes are also known by their program and their working folder, which is the data folder.
//! Their children belong to them. A process of another mount namespace may have a folder of the
//! same name that is another one: it is the lab's when it writes to the log of a member
//! ([`crate::lab::processes::log_lock`]). Nothing else does: not an editor with a log of the lab
//! open, not a shell that stands in its folder, and no process whose number stands in a stale
//! `postmaster.pid`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::lab::files::folders::Folders;
use crate::lab::member::{Member, MemberKind};
use crate::lab::processes::log_lock;
use crate::lab::processes::proc::{self, ProcessStat};

/// The variable that names the member of a process, by its folder.
pub(in crate::lab) const MARK: &str = "PGCHAOS_LAB_MEMBER";

/// A process of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Ticks from the system's start: with the pid it names one process, also when the number is
    /// used again.
    pub started_ticks: u64,
    /// What it is there for.
    pub role: ProcessRole,
    /// It is stopped by a signal.
    pub is_paused: bool,
}

/// What a process is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProcessRole {
    /// Patroni, etcd or HAProxy itself: what the member is when seen from the outside.
    Main,
    /// PostgreSQL's first process.
    Postmaster,
    /// Sends WAL to a replica.
    WalSender,
    /// Any other.
    Other,
}

/// The processes of every member that has some.
pub(in crate::lab) fn scan(folders: &Folders) -> BTreeMap<Member, Vec<Process>> {
    if !proc::shows_our_pids() {
        // Its numbers are those of other processes here.
        return BTreeMap::new();
    }
    let living = proc::living();
    let logs = log_lock::logs(folders);
    let owner = |pid| match proc::shares_our_namespaces(pid) {
        true => owner(pid, folders),
        false => owner_by_log(pid, &logs),
    };
    let mut owned: BTreeMap<u32, Member> =
        living.iter().filter_map(|stat| Some((stat.pid, owner(stat.pid)?))).collect();
    adopt_children(&living, &mut owned);
    let servers: BTreeSet<u32> = owned.keys().copied().filter(|pid| is_postgresql(*pid)).collect();
    let mut processes: BTreeMap<Member, Vec<Process>> = BTreeMap::new();
    for stat in living {
        if let Some(member) = owned.get(&stat.pid) {
            let role = role(&stat, *member, folders, &servers);
            processes.entry(*member).or_default().push(Process {
                pid: stat.pid,
                started_ticks: stat.started_ticks,
                role,
                is_paused: stat.state == 'T',
            });
        }
    }
    for own in processes.values_mut() {
        own.sort_by_key(|process| process.role);
    }
    processes
}

/// The processes of members until they are really gone. One that is about to end has neither
/// environment nor program any more for a moment, and is still there: it is known by its number
/// and its start.
#[derive(Debug, Default)]
pub(in crate::lab) struct ProcessWatch {
    seen: BTreeMap<(u32, u64), (Member, Process)>,
}

impl ProcessWatch {
    /// Those of the members for which `is_meant` holds that are there now.
    pub(in crate::lab) fn look(
        &mut self,
        folders: &Folders,
        is_meant: impl Fn(Member) -> bool,
    ) -> Vec<(Member, Process)> {
        self.seen.retain(|_, (_, process)| process.lives());
        for (member, own) in scan(folders).into_iter().filter(|(member, _)| is_meant(*member)) {
            for process in own {
                self.seen.insert((process.pid, process.started_ticks), (member, process));
            }
        }
        self.seen.values().copied().collect()
    }

    /// The same for one member.
    pub(in crate::lab) fn look_at(&mut self, folders: &Folders, member: Member) -> Vec<Process> {
        let found = self.look(folders, |one| one == member);
        found.into_iter().map(|(_, process)| process).collect()
    }
}

impl Process {
    /// Whether it has not ended.
    fn lives(&self) -> bool {
        proc::stat(self.pid).is_some_and(|stat| {
            stat.started_ticks == self.started_ticks && !matches!(stat.state, 'Z' | 'X')
        })
    }
}

/// Those of one member.
pub(in crate::lab) fn of(folders: &Folders, member: Member) -> Vec<Process> {
    scan(folders).remove(&member).unwrap_or_default()
}

fn owner(pid: u32, folders: &Folders) -> Option<Member> {
    match proc::variable(pid, MARK) {
        Ok(Some(folder)) => {
            let folder = Path::new(OsStr::from_bytes(&folder));
            Member::all().find(|member| folders.member(*member) == folder)
        }
        Ok(None) => {
            let folder = proc::folder(pid)?;
            let member = Member::PATRONI.into_iter().find(|one| folders.data(*one) == folder)?;
            is_postgresql(pid).then_some(member)
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => owner_by_command(pid, folders),
        Err(_) => None,
    }
}

/// By the log that it writes to. The lab of a container has folders of the same names, and other
/// files in them.
fn owner_by_log(pid: u32, logs: &[((u64, u64), Member)]) -> Option<Member> {
    let is_of_a_lab = || matches!(proc::variable(pid, MARK), Ok(Some(_))) || is_postgresql(pid);
    let open = proc::outputs(pid);
    let member = logs.iter().find(|(log, _)| open.contains(log)).map(|(_, member)| *member)?;
    is_of_a_lab().then_some(member)
}

/// In a container root may not look into the environment of other users' processes, and so not
/// into that of its own lab: there a member is known by being run by the lab's user as the lab
/// runs it, program and files. What it starts is known as its child.
fn owner_by_command(pid: u32, folders: &Folders) -> Option<Member> {
    let lab = folders.lab().metadata().ok()?;
    let is_of_lab = |member: &Member| {
        let own = folders.member(*member).metadata().ok();
        own.is_some_and(|own| lab.uid() == 0 && Some(own.uid()) == proc::user(pid))
    };
    let arguments = proc::arguments(pid);
    let runs = |name: &str| names(&arguments, name);
    let has = |path: &Path| arguments.iter().any(|argument| Path::new(argument) == path);
    Member::all().filter(is_of_lab).find(|member| match member.kind() {
        MemberKind::Etcd => runs("etcd") && has(&folders.data(*member)),
        MemberKind::HaProxy => runs("haproxy") && has(&folders.member(*member).join("haproxy.cfg")),
        MemberKind::Patroni => {
            let configuration = folders.member(*member).join("patroni.yml");
            let is_patroni = runs("patroni") && has(&configuration);
            is_patroni || (runs("postgres") && has(&folders.data(*member)))
        }
    })
}

/// Whether one of the first words, where the program is, and before it `setsid` or an interpreter,
/// is a file of this name.
fn names(arguments: &[String], name: &str) -> bool {
    let named = |argument: &String| Path::new(argument).file_name() == Some(OsStr::new(name));
    arguments.iter().take(3).any(named)
}

/// By its program; by its command line where that may not be seen.
fn is_postgresql(pid: u32) -> bool {
    match proc::program(pid) {
        Some(program) => program == "postgres",
        None => proc::arguments(pid).first().is_some_and(|first| {
            first.starts_with("postgres:") || Path::new(first).ends_with("postgres")
        }),
    }
}

fn adopt_children(living: &[ProcessStat], owned: &mut BTreeMap<u32, Member>) {
    loop {
        let before = owned.len();
        for stat in living {
            if let Some(member) = owned.get(&stat.parent).copied() {
                owned.entry(stat.pid).or_insert(member);
            }
        }
        if owned.len() == before {
            return;
        }
    }
}

fn role(
    stat: &ProcessStat,
    member: Member,
    folders: &Folders,
    servers: &BTreeSet<u32>,
) -> ProcessRole {
    let arguments = proc::arguments(stat.pid);
    let names = |name: &str| names(&arguments, name);
    if servers.contains(&stat.pid) {
        let first = arguments.first().map(String::as_str).unwrap_or_default();
        let data = folders.data(member);
        let is_for_data = arguments.iter().any(|argument| Path::new(argument) == data);
        return match () {
            () if first.starts_with("postgres:") && first.contains("walsender ") => {
                ProcessRole::WalSender
            }
            // A child that was made a moment ago still looks like its parent.
            () if is_for_data && !servers.contains(&stat.parent) => ProcessRole::Postmaster,
            () => ProcessRole::Other,
        };
    }
    let is_main = match member.kind() {
        MemberKind::Etcd => names("etcd"),
        MemberKind::HaProxy => names("haproxy"),
        MemberKind::Patroni => {
            let configuration = folders.member(member).join("patroni.yml");
            let has_it = arguments.iter().any(|argument| Path::new(argument) == configuration);
            names("patroni") && has_it
        }
    };
    if is_main { ProcessRole::Main } else { ProcessRole::Other }
}
