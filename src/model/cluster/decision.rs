//! Which server decides what became of a run's writes: the one with the cluster's current rows.
//!
//! After a failover two servers may take writes, and each has rows of its own. Looking at the
//! wrong one makes a false loss or a false pass, so a server decides only when the evidence leaves
//! no other: Patroni's word, the one endpoint that all clients use, or the timelines on which the
//! run's writes were acknowledged. Addresses prove nothing: a proxy or a restart changes what is
//! behind them.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use crate::model::cluster::server::{Database, Server};
use crate::model::tls_cause::TlsCause;

/// Patroni's answer has its own rounding of the postmaster's start.
const SAME_START: TimeDelta = TimeDelta::milliseconds(1);

/// What a run learned of the cluster that it wrote to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownCluster {
    /// The system identifier; `None` when no server told it.
    pub system_identifier: Option<String>,
    /// The database; `None` when no server told it.
    pub database: Option<Database>,
    /// The highest timeline of any session.
    pub highest_timeline: Option<u32>,
    /// The timelines on which a write of the run was acknowledged.
    pub acknowledged: BTreeSet<u32>,
    /// A server that hides its timeline acknowledged a write of the run.
    pub acknowledged_unseen: bool,
    /// Timelines on which several members acknowledged: each was promoted alone.
    pub shared: BTreeSet<u32>,
}

/// From where the cluster is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// Patroni's APIs name the leader.
    Patroni(PatroniAnswers),
    /// One endpoint: the cluster as its users see it.
    OneEndpoint,
    /// Several hosts, each seen by itself.
    SeveralHosts,
}

/// What the members' own APIs said, all asked at about the same time. `/cluster` is not asked for
/// the leader: it names one also when there is no quorum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatroniAnswers {
    /// The members that answer 200 to `/primary`, each once.
    pub leaders: Vec<Leader>,
    /// The highest timeline of any member that answered.
    pub highest_timeline: Option<u32>,
    /// Every member of the cluster answered.
    pub all_answered: bool,
    /// At least one member answered.
    pub any_answered: bool,
    /// The APIs that gave no answer of Patroni's.
    pub missed: Vec<MissedApi>,
}

/// An API that gave no answer of Patroni's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedApi {
    /// Its URL.
    pub url: String,
    /// Why, in words.
    pub reason: String,
    /// Why TLS with it failed, where that is the reason.
    pub tls: Option<TlsCause>,
}

/// How many of the APIs that gave no answer are named.
const MISSED_SHOWN: usize = 3;

impl PatroniAnswers {
    /// Why no leader is known: that every member said so is another thing than that one could not be asked.
    fn no_leader(&self) -> Undecided {
        let said = |one: &MissedApi| format!("{}: {}", one.url, one.reason);
        let mut missed: Vec<String> = self.missed.iter().take(MISSED_SHOWN).map(said).collect();
        let more = self.missed.len() - missed.len();
        missed.extend((more > 0).then(|| format!("and {more} more")));
        let missed = missed.join("; ");
        let none_leads = "Patroni names no leader: no member's /primary answers 200";
        let words = match (self.any_answered, missed.is_empty()) {
            (_, true) => none_leads.to_owned(),
            (true, false) => format!("{none_leads}, and not every member could be asked: {missed}"),
            (false, false) => format!("Patroni could not be asked which member leads: {missed}"),
        };
        Undecided::NoLeader { words, tls: self.missed.iter().find_map(|one| one.tls) }
    }
}

/// A member that answers 200 to `/primary`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Its name, or the URL of its API.
    pub name: String,
    /// The cluster's system identifier.
    pub system_identifier: Option<String>,
    /// When its postmaster started.
    pub postmaster_start: Option<DateTime<Utc>>,
    /// Its timeline.
    pub timeline: Option<u32>,
}

/// The server that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decider {
    /// Its place among the servers that were reached.
    pub index: usize,
    /// Its timeline is below one that the run has seen: history went back.
    pub went_back: bool,
}

/// Why no server decides, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Undecided {
    /// The run has no cluster that could be recognised.
    #[error(
        "the run never learned the system identifier and the database that it wrote to, so that \
         no server can be recognised"
    )]
    NeverLearned,
    /// Only servers that are not the run's were reached.
    #[error("{0}")]
    Foreign(String),
    /// The Patroni that is watched is another cluster's.
    #[error("{0}")]
    ForeignPatroni(String),
    /// No server was reached.
    #[error("no server answers")]
    NothingAnswers,
    /// The servers that were reached are replicas or read-only.
    #[error("no primary takes writes: {0}")]
    NoPrimary(String),
    /// No member's `/primary` answers 200.
    #[error("{words}")]
    NoLeader {
        /// What the members said, and why others could not be asked.
        words: String,
        /// Why TLS with one of those failed, where that is the reason.
        tls: Option<TlsCause>,
    },
    /// More than one does.
    #[error("several members lead by Patroni's own word: {0}")]
    SeveralLead(String),
    /// The leader is on a lower timeline, and another member may be ahead.
    #[error(
        "{leader} leads on timeline {timeline}, and {why}: whether history went back is not known"
    )]
    LowerTimeline {
        /// The leader's name.
        leader: String,
        /// Its timeline.
        timeline: u32,
        /// What speaks against it.
        why: String,
    },
    /// Patroni names a leader that the connection does not lead to.
    #[error("Patroni says that {leader} leads, and the connection leads to {reached}")]
    NotReached {
        /// The leader's name.
        leader: String,
        /// What was reached.
        reached: String,
    },
    /// The only writable server is below a timeline that acknowledged writes.
    #[error(
        "only {server} takes writes, and writes of the run were acknowledged on timeline {acknowledged}"
    )]
    BelowAcknowledged {
        /// The server, with its timeline.
        server: String,
        /// The highest such timeline.
        acknowledged: u32,
    },
    /// Several servers take writes, and none of them is the one by evidence.
    #[error("several servers take writes, and which of them is the cluster cannot be told: {0}")]
    SeveralWritable(String),
    /// A server tells no timeline, by which it would be told.
    #[error(
        "{0} tells no timeline, by which it would be told whether it is the primary: it hides that, or its PostgreSQL does not run"
    )]
    HiddenTimeline(String),
}

impl Undecided {
    /// Whether waiting can change it.
    #[must_use]
    pub fn can_change(&self) -> bool {
        !matches!(self, Self::NeverLearned | Self::Foreign(_) | Self::ForeignPatroni(_))
    }

    /// Whether only servers that are not the run's were reached.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Foreign(_) | Self::ForeignPatroni(_))
    }

    /// Whether several servers have a claim: then it matters what each of them holds.
    #[must_use]
    pub fn is_about_several(&self) -> bool {
        matches!(
            self,
            Self::SeveralWritable(_)
                | Self::BelowAcknowledged { .. }
                | Self::LowerTimeline { .. }
                | Self::NotReached { .. }
        )
    }
}

/// Which of the servers that were reached decides.
///
/// # Errors
/// [`Undecided`], with what is missing.
pub fn decide(known: &KnownCluster, view: &View, reached: &[Server]) -> Result<Decider, Undecided> {
    let (Some(identifier), Some(database)) = (&known.system_identifier, &known.database) else {
        return Err(Undecided::NeverLearned);
    };
    let foreign = |server: &Server| foreign(server, identifier, database);
    // One server may be reached by two names.
    let is_again = |index: &usize| {
        reached[..*index].iter().any(|before| is_one_server(before, &reached[*index]))
    };
    let ours: Vec<usize> = (0..reached.len())
        .filter(|index| foreign(&reached[*index]).is_none() && !is_again(index))
        .collect();
    let reached = Reached { servers: reached, ours };
    match (view, reached.ours.first()) {
        // Patroni comes first: if it names no leader, no server decides.
        (View::Patroni(answers), _) if answers.leaders.is_empty() => Err(answers.no_leader()),
        (_, None) => Err(match reached.servers.iter().find_map(foreign) {
            Some(words) => Undecided::Foreign(words),
            None => Undecided::NothingAnswers,
        }),
        (View::Patroni(answers), _) => by_patroni(known, answers, identifier, &reached),
        (View::OneEndpoint, Some(index)) => one_endpoint(known, *index, &reached),
        (View::SeveralHosts, _) => several_hosts(known, &reached),
    }
}

/// The servers that were reached, and which of them are of the run's cluster and database.
struct Reached<'a> {
    servers: &'a [Server],
    ours: Vec<usize>,
}

impl Reached<'_> {
    fn named(&self, indices: &[usize]) -> String {
        let names: Vec<String> =
            indices.iter().map(|index| self.servers[*index].to_string()).collect();
        names.join(", ")
    }
}

/// Why a server is not of the run's cluster and database, in words; `None` when it is.
fn foreign(server: &Server, identifier: &str, database: &Database) -> Option<String> {
    let name = server.name();
    match (&server.system_identifier, &server.database) {
        (None, _) => Some(format!(
            "{name} hides its system identifier: whether it is the cluster that the run wrote to \
             cannot be told"
        )),
        (Some(theirs), _) if theirs != identifier => Some(format!(
            "this is another cluster: the run wrote to system identifier {identifier}, {name} has \
             {theirs}"
        )),
        (_, Some(theirs)) if theirs == database => None,
        (_, Some(theirs)) => Some(format!(
            "this is another database: the run wrote to {database} of this cluster, the \
             connection leads to {theirs}"
        )),
        (_, None) => Some(format!("{name} does not tell which database this is")),
    }
}

/// Whether both are one server, by the moment at which its postmaster started. A start that is not
/// known is no sameness.
#[must_use]
pub fn is_one_server(one: &Server, other: &Server) -> bool {
    one.is_same_start(other)
}

fn by_patroni(
    known: &KnownCluster,
    answers: &PatroniAnswers,
    identifier: &str,
    reached: &Reached<'_>,
) -> Result<Decider, Undecided> {
    let leader = match answers.leaders.as_slice() {
        [leader] => leader,
        several => {
            let names: Vec<&str> = several.iter().map(|leader| leader.name.as_str()).collect();
            return Err(Undecided::SeveralLead(names.join(", ")));
        }
    };
    if leader.system_identifier.as_deref().is_some_and(|theirs| theirs != identifier) {
        return Err(Undecided::ForeignPatroni(format!(
            "the Patroni that is watched belongs to another cluster: {} leads one with another \
             system identifier than the run wrote to",
            leader.name
        )));
    }
    let Some(timeline) = leader.timeline else {
        return Err(Undecided::HiddenTimeline(leader.name.clone()));
    };
    let went_back = known.highest_timeline.is_some_and(|highest| timeline < highest);
    let reached_on = reached.ours.iter().filter_map(|index| reached.servers[*index].timeline).max();
    let highest = answers.highest_timeline.max(reached_on);
    if went_back {
        let why = match highest {
            Some(higher) if higher > timeline => {
                Some(format!("another member is on timeline {higher}"))
            }
            _ if !answers.all_answered => Some("not every member answers".to_owned()),
            _ => None,
        };
        if let Some(why) = why {
            return Err(Undecided::LowerTimeline { leader: leader.name.clone(), timeline, why });
        }
    }
    let is_leader = |index: &&usize| {
        let server = &reached.servers[**index];
        !server.in_recovery
            && server.timeline == Some(timeline)
            && is_same_start(server.postmaster_start, leader.postmaster_start)
    };
    match reached.ours.iter().find(is_leader) {
        Some(index) => Ok(Decider { index: *index, went_back }),
        None => Err(Undecided::NotReached {
            leader: format!("{} on timeline {timeline}", leader.name),
            reached: reached.named(&reached.ours),
        }),
    }
}

/// A start that is not known is no sameness.
fn is_same_start(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if (one - other).abs() < SAME_START)
}

fn one_endpoint(
    known: &KnownCluster,
    index: usize,
    reached: &Reached<'_>,
) -> Result<Decider, Undecided> {
    let server = &reached.servers[index];
    if server.in_recovery {
        return Err(Undecided::NoPrimary(server.to_string()));
    }
    Ok(Decider { index, went_back: is_below(server, known) })
}

fn is_below(server: &Server, known: &KnownCluster) -> bool {
    matches!((server.timeline, known.highest_timeline), (Some(own), Some(seen)) if own < seen)
}

fn several_hosts(known: &KnownCluster, reached: &Reached<'_>) -> Result<Decider, Undecided> {
    let servers = reached.servers;
    let writable: Vec<usize> =
        reached.ours.iter().copied().filter(|index| servers[*index].is_writable()).collect();
    let Some(first) = writable.first() else {
        return Err(Undecided::NoPrimary(reached.named(&reached.ours)));
    };
    let decides = |index: usize| Decider { index, went_back: is_below(&servers[index], known) };
    let alone = writable.len() == 1;
    if alone && known.acknowledged.is_empty() && !known.acknowledged_unseen {
        // Nothing was acknowledged that another server could hold.
        return Ok(decides(*first));
    }
    let hides = |index: &&usize| servers[**index].timeline.is_none();
    if let Some(hidden) = writable.iter().find(hides) {
        return Err(Undecided::HiddenTimeline(servers[*hidden].name()));
    }
    if known.acknowledged_unseen {
        return Err(Undecided::HiddenTimeline("a server that acknowledged writes".to_owned()));
    }
    let several = || Undecided::SeveralWritable(reached.named(&writable));
    let Some(acknowledged) = known.acknowledged.last().copied() else {
        return Err(several());
    };
    let at_or_above = |index: &usize| servers[*index].timeline >= Some(acknowledged);
    let mut claims = writable.iter().copied().filter(at_or_above);
    match (claims.next(), claims.next()) {
        // Several members acknowledged on this timeline: this server may be any of them.
        (Some(index), None)
            if servers[index].timeline == Some(acknowledged)
                && known.shared.contains(&acknowledged) =>
        {
            Err(several())
        }
        (Some(index), None) if alone || servers[index].timeline == Some(acknowledged) => {
            Ok(decides(index))
        }
        (None, _) if alone => {
            Err(Undecided::BelowAcknowledged { server: servers[*first].to_string(), acknowledged })
        }
        _ => Err(several()),
    }
}

#[cfg(test)]
mod tests;
