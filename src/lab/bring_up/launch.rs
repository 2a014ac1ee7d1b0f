//! Starts a member, so that it outlives the command that started it.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::lab::bring_up::configuration;
use crate::lab::error::{LabError, io};
use crate::lab::files::folders::Folders;
use crate::lab::files::os_user::{OsUser, private_folder};
use crate::lab::files::state::LabState;
use crate::lab::member::{Member, MemberKind};
use crate::lab::processes::log_lock;
use crate::lab::processes::scan::MARK;
use crate::lab::programs::Programs;

/// How a member is run.
struct Launch {
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, String)>,
}

/// Starts a member; it may not work yet when this returns.
///
/// # Errors
/// When its files cannot be written, or its program cannot be run.
pub(in crate::lab) fn start(
    lab: &str,
    member: Member,
    folders: &Folders,
    state: &LabState,
    programs: &Programs,
) -> Result<(), LabError> {
    let os_user = state.os_user.as_ref();
    private_folder(&folders.member(member), os_user)?;
    let launch = match member.kind() {
        MemberKind::Etcd => etcd(lab, member, folders, state, programs),
        MemberKind::Patroni => patroni(lab, member, folders, state, programs)?,
        MemberKind::HaProxy => haproxy(folders, state, programs)?,
    };
    launch.run(member, folders, os_user, programs)
}

impl Launch {
    fn run(
        self,
        member: Member,
        folders: &Folders,
        os_user: Option<&OsUser>,
        programs: &Programs,
    ) -> Result<(), LabError> {
        let (folder, path) = (folders.member(member), folders.log(member));
        let log =
            File::options().create(true).append(true).open(&path).map_err(io("opened", &path))?;
        log_lock::hold(&log, folders, member)?;
        let errors = log.try_clone().map_err(io("opened", &path))?;
        // A session of its own: no Ctrl-C and no closed terminal reaches it.
        let mut command = Command::new(&programs.setsid);
        command
            .arg(&self.program)
            .args(&self.arguments)
            // The user's settings for PostgreSQL, Patroni and etcd are for other servers.
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", &folder)
            .env(MARK, &folder)
            .envs(self.variables)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        if let Some(os_user) = os_user {
            os_user.runs(&mut command);
        }
        let started = command.spawn();
        let mut child =
            started.map_err(|error| LabError::Start { member, program: self.program, error })?;
        // It may end before pgchaos does, and must not stay as a zombie.
        thread::spawn(move || child.wait());
        Ok(())
    }
}

fn etcd(
    lab: &str,
    member: Member,
    folders: &Folders,
    state: &LabState,
    programs: &Programs,
) -> Launch {
    let ports = &state.ports;
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let client = url(ports.etcd_client[member.index()]);
    let peer = url(ports.etcd_peer[member.index()]);
    let peers =
        Member::ETCD.map(|other| format!("{other}={}", url(ports.etcd_peer[other.index()])));
    let mut arguments: Vec<OsString> = Vec::new();
    for (name, value) in [
        ("--name", member.to_string()),
        ("--listen-client-urls", client.clone()),
        ("--advertise-client-urls", client),
        ("--listen-peer-urls", peer.clone()),
        ("--initial-advertise-peer-urls", peer),
        ("--initial-cluster", peers.join(",")),
        ("--initial-cluster-token", lab.to_owned()),
        ("--initial-cluster-state", "new".to_owned()),
        ("--auto-compaction-retention", "1h".to_owned()),
        ("--logger", "zap".to_owned()),
    ] {
        arguments.extend([name.into(), value.into()]);
    }
    arguments.extend(["--data-dir".into(), folders.data(member).into()]);
    // A member that comes back, or is thawed, must not depose the leader.
    arguments.push("--pre-vote".into());
    if state.profile == crate::lab::spec::Profile::Quick && programs.etcd_can_skip_fsync {
        arguments.push("--unsafe-no-fsync".into());
    }
    Launch { program: programs.etcd.clone(), arguments, variables: Vec::new() }
}

fn patroni(
    lab: &str,
    member: Member,
    folders: &Folders,
    state: &LabState,
    programs: &Programs,
) -> Result<Launch, LabError> {
    let content = configuration::patroni(lab, member, folders, state, &programs.postgresql)?;
    let path = folders.member(member).join("patroni.yml");
    write(&path, &content)?;
    Ok(Launch {
        program: programs.patroni.clone(),
        arguments: vec![path.into()],
        variables: configuration::patroni_tls(member, folders, state),
    })
}

fn haproxy(folders: &Folders, state: &LabState, programs: &Programs) -> Result<Launch, LabError> {
    let path = folders.member(Member::HAPROXY).join("haproxy.cfg");
    write(&path, configuration::HAPROXY)?;
    Ok(Launch {
        program: programs.haproxy.clone(),
        arguments: vec!["-db".into(), "-f".into(), path.into()],
        variables: configuration::haproxy(state),
    })
}

/// Writes a file that the members' user may read and not change.
fn write(path: &Path, content: &str) -> Result<(), LabError> {
    std::fs::write(path, content).map_err(io("written", path))
}
