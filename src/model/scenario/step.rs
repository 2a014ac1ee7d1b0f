//! One step of a drill: something is done, run, or waited for.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use super::command_line::CommandLine;
use super::expect::Expect;
use crate::model::cluster::selector::Selector;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its number, from 1.
    pub number: u32,
    /// Where it stands in the file, to point at it.
    pub span: Range<usize>,
    /// What it does.
    pub act: Act,
    /// What must be seen from it on, until the next step that does something.
    pub expect: Option<Expect>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Something is done to members of the cluster.
    Do(Deed),
    /// A command is run.
    Exec(Exec),
    /// Something is waited for.
    Wait(Wait),
}

/// Something done to members of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// What.
    pub action: Action,
    /// The members that it is done to, one after the other.
    pub targets: Vec<StepTarget>,
    /// The name by which later steps call the member that this one hit.
    pub alias: Option<String>,
    /// The member that shall lead after a switchover.
    pub to: Option<StepTarget>,
}

/// The target of a step, with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTarget {
    /// Where it stands in the file.
    pub span: Range<usize>,
    /// The target.
    pub name: TargetName,
}

/// A target: one member, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetName {
    /// By role, or by name.
    Selector(Selector),
    /// The member that an earlier step hit.
    Alias(String),
    /// Whatever the drill broke and has not mended.
    Everything,
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Selector(selector) => selector.fmt(f),
            Self::Alias(name) => f.write_str(name),
            Self::Everything => f.write_str("everything"),
        }
    }
}

/// What can be done to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The whole node is gone at once: SIGKILL.
    Kill,
    /// It is stopped in good order.
    Stop,
    /// It is frozen: SIGSTOP.
    Pause,
    /// It goes on: SIGCONT.
    Resume,
    /// It is started again.
    Start,
    /// It is cut off from the network.
    Partition,
    /// What a drill did to it is undone, whatever it was.
    Heal,
    /// It hands the leadership over, in good order.
    Switchover,
    /// PostgreSQL's postmaster alone is killed; Patroni lives on.
    KillPostmaster,
    /// PostgreSQL's WAL senders are frozen: it writes on, and no replica gets anything.
    PauseWalsenders,
}

impl Action {
    /// All of them, by their keys in a file.
    pub const ALL: [(&'static str, Self); 10] = [
        ("kill", Self::Kill),
        ("stop", Self::Stop),
        ("pause", Self::Pause),
        ("resume", Self::Resume),
        ("start", Self::Start),
        ("partition", Self::Partition),
        ("heal", Self::Heal),
        ("switchover", Self::Switchover),
        ("kill-postmaster", Self::KillPostmaster),
        ("pause-walsenders", Self::PauseWalsenders),
    ];

    /// Its key in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, action)| *action == self).map_or("", |(name, _)| name)
    }

    /// What undoes it; `None` where nothing has to be undone.
    #[must_use]
    pub fn undone_by(self) -> Option<Self> {
        match self {
            Self::Kill | Self::Stop => Some(Self::Start),
            Self::Pause | Self::PauseWalsenders => Some(Self::Resume),
            Self::Partition => Some(Self::Heal),
            Self::Resume | Self::Start | Self::Heal | Self::Switchover | Self::KillPostmaster => {
                None
            }
        }
    }

    /// Whether it mends instead of breaking.
    #[must_use]
    pub fn mends(self) -> bool {
        matches!(self, Self::Resume | Self::Start | Self::Heal)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A command that a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// The command.
    pub command: CommandLine,
    /// Its deadline.
    pub within: Duration,
    /// What undoes it, when the drill ends.
    pub undo: Option<CommandLine>,
}

/// Something that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// What.
    pub until: Until,
    /// How long at most. For a plain time it is that time.
    pub within: Duration,
}

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// An outage that went on when the last thing was done, or began since, is over.
    Recovered,
    /// Every member runs or streams on one timeline.
    Healthy,
    /// A write is acknowledged.
    Writable,
    /// Writes are out, or have been since the last thing was done.
    Outage,
    /// So many more writes are acknowledged.
    Writes(u64),
    /// Time passed.
    Time,
}

impl Until {
    /// Those that are a word, by it.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("recovered", Self::Recovered),
        ("healthy", Self::Healthy),
        ("writable", Self::Writable),
        ("outage", Self::Outage),
    ];

    /// How long to wait at most when the file does not say.
    #[must_use]
    pub fn default_limit(self) -> Duration {
        match self {
            // A failover with default settings takes half a minute, and a machine may be busy.
            Self::Recovered | Self::Healthy => Duration::from_secs(180),
            Self::Writable | Self::Outage | Self::Writes(_) => Duration::from_secs(120),
            Self::Time => Duration::ZERO,
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = humantime::format_duration(self.within);
        match self.until {
            Until::Time => write!(f, "wait {limit}"),
            Until::Recovered => write!(f, "wait until recovered, at most {limit}"),
            Until::Healthy => write!(f, "wait until healthy, at most {limit}"),
            Until::Writable => write!(f, "wait until writable, at most {limit}"),
            Until::Outage => write!(f, "wait until writes stop, at most {limit}"),
            Until::Writes(count) => write!(f, "wait for {count} writes, at most {limit}"),
        }
    }
}
