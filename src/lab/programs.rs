//! Which programs of the system a lab runs, and where they are.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::lab::needs::{MissingPrograms, Need};
use crate::lab::spec::PatroniVersion;

/// `psql`: beside the servers, or on the PATH.
pub(in crate::lab) fn psql() -> Option<PathBuf> {
    let beside = postgresql().map(|folder| folder.join("psql"));
    beside.filter(|psql| is_program(psql)).or_else(|| on_path("psql"))
}

/// Where Debian has PostgreSQL's programs, a folder a version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Where a system keeps what is not on an ordinary user's PATH.
const SYSTEM: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The deadline of a program that is asked for its version.
const DEADLINE: Duration = Duration::from_secs(20);

/// The programs.
#[derive(Debug, Clone)]
pub(in crate::lab) struct Programs {
    pub(in crate::lab) setsid: PathBuf,
    pub(in crate::lab) etcd: PathBuf,
    /// etcd can leave out its waits for the disk.
    pub(in crate::lab) etcd_can_skip_fsync: bool,
    pub(in crate::lab) haproxy: PathBuf,
    pub(in crate::lab) patroni: PathBuf,
    pub(in crate::lab) patroni_version: PatroniVersion,
    /// The folder with `postgres`, `initdb`, `pg_basebackup` and `pg_rewind`.
    pub(in crate::lab) postgresql: PathBuf,
}

impl Programs {
    /// Looks for all of them.
    ///
    /// # Errors
    /// With all that are missing.
    pub(in crate::lab) async fn find() -> Result<Self, MissingPrograms> {
        let (setsid, etcd, haproxy) = (on_path("setsid"), on_path("etcd"), on_path("haproxy"));
        let (patroni, postgresql) = (on_path("patroni"), postgresql());
        let (version, etcd_help) =
            tokio::join!(patroni_version(patroni.as_deref()), help_of(etcd.as_deref()));
        let needed = [
            (postgresql.is_some(), Need::PostgreSql),
            (patroni.is_some(), Need::Patroni),
            (patroni.is_none() || version.is_some(), Need::PatroniForEtcd),
            (etcd.is_some(), Need::Etcd),
            (haproxy.is_some(), Need::HaProxy),
            (setsid.is_some(), Need::Setsid),
        ];
        let missing = needed.into_iter().filter(|(is_there, _)| !is_there);
        let missing: Vec<_> = missing.map(|(_, need)| need).collect();
        match (setsid, etcd, haproxy, patroni, version, postgresql) {
            (
                Some(setsid),
                Some(etcd),
                Some(haproxy),
                Some(patroni),
                Some(version),
                Some(postgresql),
            ) => Ok(Self {
                setsid,
                etcd,
                etcd_can_skip_fsync: etcd_help.contains("--unsafe-no-fsync"),
                haproxy,
                patroni,
                patroni_version: version,
                postgresql,
            }),
            _ => Err(MissingPrograms(missing)),
        }
    }
}

/// A program on the PATH, or where the system's own are.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SYSTEM.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|program| is_program(program))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

/// Debian's newest version, or what is on the PATH.
fn postgresql() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((version(&entry.path())?, entry.path().join("bin"))))
        .filter(|(_, folder)| is_server(folder))
        .max();
    newest.map(|(_, folder)| folder).or_else(|| {
        let server = fs::canonicalize(on_path("postgres")?).ok()?;
        server.parent().filter(|folder| is_server(folder)).map(Path::to_path_buf)
    })
}

/// 9.6 comes before 15, which it would not as text.
fn version(path: &Path) -> Option<Vec<u32>> {
    let name = path.file_name()?.to_str()?;
    name.split('.').map(|part| part.parse().ok()).collect()
}

fn is_server(folder: &Path) -> bool {
    ["postgres", "initdb", "pg_ctl", "pg_basebackup", "pg_rewind", "pg_controldata"]
        .iter()
        .all(|program| is_program(&folder.join(program)))
}

/// Patroni's version, if it has its module for etcd. Its Python is asked, where that is known:
/// Patroni itself takes ten times as long.
async fn patroni_version(patroni: Option<&Path>) -> Option<PatroniVersion> {
    let patroni = patroni?;
    let asked = "import etcd; from patroni.version import __version__; print(__version__)";
    let said = match python_of(patroni) {
        Some(python) => output(&python, ["-c", asked]).await?,
        None => output(patroni, ["--version"]).await?,
    };
    Some(PatroniVersion(said.split_whitespace().last()?.to_owned()))
}

/// The interpreter that the script names in its first line.
fn python_of(script: &Path) -> Option<PathBuf> {
    let bytes = fs::read(script).ok()?;
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let words = String::from_utf8_lossy(line);
    let mut words = words.split_whitespace();
    let interpreter = PathBuf::from(words.next()?);
    let is_python = interpreter.file_name()?.to_str()?.starts_with("python");
    (is_python && words.next().is_none()).then_some(interpreter)
}

async fn help_of(etcd: Option<&Path>) -> String {
    match etcd {
        Some(etcd) => output(etcd, ["--help"]).await.unwrap_or_default(),
        None => String::new(),
    }
}

/// What a program says, if it succeeds; etcd says its help on standard error.
async fn output<const N: usize>(program: &Path, arguments: [&str; N]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments.map(OsStr::new)).stdin(Stdio::null()).kill_on_drop(true);
    // Ctrl-C in the terminal is for pgchaos, and would look as if the program did not work.
    command.process_group(0);
    let output = timeout(DEADLINE, command.output()).await.ok()?.ok()?;
    let said = [output.stdout, output.stderr].concat();
    output.status.success().then(|| String::from_utf8_lossy(&said).into_owned())
}
