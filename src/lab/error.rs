//! What can go wrong with a lab.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::lab::member::Member;
use crate::lab::needs::MissingPrograms;
use crate::model::foreign::{plain, said, shortened};
use crate::patroni::PatroniError;
use crate::tls::TlsError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A lab needs `/proc` and pidfds.
    #[error("a lab needs Linux: it runs the system's own programs, and knows them by /proc")]
    NotLinux,
    /// The name cannot be a folder's.
    #[error(
        "{name:?} cannot be a lab's name: at most {chars_max} small letters, digits and -, and a \
         letter first"
    )]
    Name {
        /// As it was given.
        name: String,
        /// The longest that is taken.
        chars_max: usize,
    },
    /// There are no 15 ports from there on.
    #[error("base port {base}: it must be from 1024 to {last}, as a lab has 15 ports")]
    BasePort {
        /// As it was given.
        base: u16,
        /// The last that leaves room.
        last: u16,
    },
    /// There is no folder to keep it in.
    #[error("there is no home folder to keep a lab in: set HOME or XDG_STATE_HOME")]
    NoHome,
    /// Root finds no user to run PostgreSQL as.
    #[error(
        "root cannot run PostgreSQL, and there is no user postgres or nobody to run it as: \
         run pgchaos as an ordinary user"
    )]
    NoAccount,
    /// The members' user cannot get to their folder.
    #[error(
        "{folder} is closed to the user {user}, as whom root runs the members: put the lab \
         elsewhere with XDG_STATE_HOME, or leave it unset for /var/lib/pgchaos"
    )]
    KeptOut {
        /// The folder in the way.
        folder: PathBuf,
        /// The user that cannot pass.
        user: String,
    },
    /// Programs are missing.
    #[error("{0}")]
    Missing(MissingPrograms),
    /// A port is taken.
    #[error("port {port}, which is to be {member}'s, is taken by {owner}")]
    PortTaken {
        /// The port.
        port: u16,
        /// The member that is to have it.
        member: Member,
        /// The process that has it, in words.
        owner: String,
        /// The folder of the lab that has it, when one has.
        owner_lab: Option<PathBuf>,
        /// The lab that is to have it.
        lab: String,
        /// That lab has its ports already: they cannot be moved while its data is kept.
        is_kept: bool,
    },
    /// The kept lab has other ports.
    #[error(
        "lab {lab} has its ports already (write port {write}): they cannot be moved while its \
         data is kept"
    )]
    OtherPorts {
        /// The lab.
        lab: String,
        /// Its write port.
        write: u16,
        /// It runs.
        runs: bool,
    },
    /// The running lab has other settings.
    #[error(
        "lab {lab} runs with other settings (profile {profile}, synchronous mode {mode}, TLS {tls})"
    )]
    OtherSettings {
        /// The lab.
        lab: String,
        /// Its profile.
        profile: &'static str,
        /// `on` or `off`.
        mode: &'static str,
        /// `on` or `off`.
        tls: &'static str,
    },
    /// Another command changes it.
    #[error("another pgchaos is at work on lab {lab}, and has been for {} s", after.as_secs())]
    Busy {
        /// The lab.
        lab: String,
        /// How long this one has waited.
        after: Duration,
    },
    /// `lab.json` is not what this version writes.
    #[error("{path} is of no use: {reason}")]
    State {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file or folder.
    #[error("{path} could not be {doing}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why not.
        error: std::io::Error,
    },
    /// A program could not be started.
    #[error("{member} could not be started ({program}): {error}")]
    Start {
        /// The member.
        member: Member,
        /// The program.
        program: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A signal could not be sent.
    #[error("{member}: process {pid} could not be signalled: {error}")]
    Signal {
        /// The member.
        member: Member,
        /// Its process id.
        pid: u32,
        /// Why not.
        error: std::io::Error,
    },
    /// Processes do not end, even by SIGKILL, or do not stop.
    #[error("{member}: {count} processes are still {state} {} s after the signal", after.as_secs())]
    Stubborn {
        /// The member.
        member: Member,
        /// How many.
        count: usize,
        /// What they are.
        state: &'static str,
        /// For how long.
        after: Duration,
    },
    /// Members have processes that cannot be reached.
    #[error(
        "lab {lab}: {members} run where they cannot be seen from here, in another PID namespace \
         or container; its data is left alone"
    )]
    OutOfSight {
        /// The lab.
        lab: String,
        /// The members, in words.
        members: String,
    },
    /// `/proc` has the process ids of another namespace.
    #[error(
        "/proc shows the processes of another PID namespace, so that a lab cannot know its own"
    )]
    ForeignProc,
    /// A frozen member cannot be started.
    #[error("{member} is paused")]
    Paused {
        /// The lab.
        lab: String,
        /// The member.
        member: Member,
    },
    /// The member has no such process now.
    #[error("{member} has no {what} now")]
    NoProcess {
        /// The lab.
        lab: String,
        /// The member.
        member: Member,
        /// What was looked for.
        what: &'static str,
    },
    /// The selector fits nothing at this moment.
    #[error("no member of lab {lab} is {selector} now: {reason}")]
    NobodyIs {
        /// The lab.
        lab: String,
        /// What was asked for.
        selector: String,
        /// Why it fits no member.
        reason: String,
    },
    /// A role that is to be started or resumed fits no member that is down, or several.
    #[error("{}", not_one_down(lab, selector, *state, members))]
    NotOneDown {
        /// The lab.
        lab: String,
        /// What was asked for.
        selector: String,
        /// The state in which a member can be started, or resumed.
        state: Down,
        /// The members that it fits.
        members: Vec<Member>,
    },
    /// No member has that name.
    #[error("lab {lab} has no member {name:?}: it has patroni1 to 3, etcd1 to 3, and haproxy")]
    NoMember {
        /// The lab.
        lab: String,
        /// What was asked for.
        name: String,
    },
    /// The lab does not work in time.
    #[error("lab {lab} did not work within {} s: {missing}{log}", after.as_secs())]
    NotInTime {
        /// The lab.
        lab: String,
        /// How long it was waited for.
        after: Duration,
        /// What is missing, in words.
        missing: String,
        /// The member with the log that explains it.
        member: Member,
        /// The end of the log that explains it.
        log: LogTail,
    },
    /// A member ended while it was waited for.
    #[error("{member} ended as soon as it was started{log}")]
    Ended {
        /// The lab.
        lab: String,
        /// The member.
        member: Member,
        /// The end of its log.
        log: LogTail,
    },
    /// An answer over HTTP.
    #[error("{url}: {reason}")]
    Http {
        /// What was called.
        url: String,
        /// Why it is of no use.
        reason: String,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The leadership is not handed over.
    #[error("lab {lab} has no switchover: {reason}")]
    NoSwitchover {
        /// The lab.
        lab: String,
        /// Why, in Patroni's words or ours.
        reason: String,
    },
    /// It cannot be done here.
    #[error("{0}")]
    Unsupported(String),
    /// Its certificates.
    #[error("the lab's certificates could not be made: {0}")]
    Certificates(String),
    /// They are there, and of no use.
    #[error("the lab's certificates: {0}")]
    Tls(#[from] TlsError),
    /// Patroni's settings, which are those of the profile.
    #[error("Patroni's settings could not be changed: {0}")]
    Settings(PatroniError),
    /// A value is missing in a template; none is known.
    #[error("cluster/patroni.yml: nothing stands for {0}")]
    Template(String),
}

/// How a member is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// It has no process: `start` is of use.
    Stopped,
    /// It is frozen, or a part of it is: `resume` is of use.
    Frozen,
}

impl Down {
    /// As it is said of a member.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Frozen => "frozen",
        }
    }
}

fn not_one_down(lab: &str, selector: &str, state: Down, members: &[Member]) -> String {
    let state = state.word();
    if members.is_empty() {
        return format!("no member of lab {lab} that could be {selector} is {state}");
    }
    let names: Vec<String> = members.iter().map(Member::to_string).collect();
    let names = match names.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.join(", "),
    };
    format!("{selector} could be {names}, which are {state}: a member that is down has no role")
}

/// The last lines of a member's log, for an error to end with.
#[derive(Debug, Default)]
pub struct LogTail {
    path: PathBuf,
    lines: Box<[String]>,
}

/// How many lines are shown.
const LINES: usize = 12;

/// The longest line that is shown whole.
const COLUMNS: usize = 160;

impl LogTail {
    /// Of the file at `path`.
    pub(in crate::lab) fn of(path: &Path) -> Self {
        let bytes = end_of(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        let shown = |line: &&str| shortened(&plain(line), COLUMNS);
        Self { path: path.to_owned(), lines: last.iter().map(shown).collect() }
    }
}

/// The last bytes of a file, as a log may have grown for days.
fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    const BYTES_MAX: u64 = 256 * 1024;
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES_MAX)))?;
    let mut end = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut end)?;
    Ok(end)
}

impl std::fmt::Display for LogTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.lines.is_empty() {
            return Ok(());
        }
        write!(f, "\n  the end of {}:", self.path.display())?;
        self.lines.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// The last cause of an error, which tells the most; what is around it is told anyway.
pub(in crate::lab) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    said(&last.to_string())
}

/// For `map_err`: which file, and what was tried.
pub(in crate::lab) fn io(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> LabError + use<> {
    let path = path.to_owned();
    move |error| LabError::Io { path, doing, error }
}
