//! Why a drill's cluster could not do what it was asked for.

use crate::drill::command::CommandError;
use crate::haproxy::HaproxyError;
use crate::lab::LabError;
use crate::model::cluster::selector::Selector;
use crate::model::scenario::command_line::CommandLine;
use crate::model::scenario::step::Action;
use crate::patroni::{NotConverged, PatroniError};
use crate::tls::TlsError;

/// Why a cluster could not do what a drill asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A command failed, one of Docker's or of the scenario's hooks.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Patroni's API failed, or refused.
    #[error(transparent)]
    Patroni(#[from] PatroniError),
    /// HAProxy's page cannot be asked.
    #[error("HAProxy's page: {0}")]
    Haproxy(#[from] HaproxyError),
    /// The cluster's certificates are of no use.
    #[error("the cluster's certificates: {0}")]
    Tls(#[from] TlsError),
    /// The lab failed.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The members are not together.
    #[error(transparent)]
    NotConverged(#[from] NotConverged),
    /// Members do not run; each in words.
    #[error("{}", .0.join(", "))]
    NotRunning(Vec<String>),
    /// No member holds the leader's key.
    #[error("no member leads, by Patroni's API")]
    NoLeader,
    /// No member replicates.
    #[error("no member replicates, by Patroni's API")]
    NoReplica,
    /// No member has this role now.
    #[error("nobody is {0} now")]
    NoSuchRole(Selector),
    /// The role of a member that is down fits no service.
    #[error("no service that could be {0} is down")]
    NoneDown(Selector),
    /// The role of a member that is down fits several services.
    #[error("{selector} could be {}, which are down", services.join(" and "))]
    SeveralDown {
        /// The role.
        selector: Selector,
        /// The services.
        services: Vec<String>,
    },
    /// The lab has no member of this name.
    #[error("a lab has no member {0}")]
    NoMember(String),
    /// The lab has one network only.
    #[error("a lab cannot cut {0} off")]
    NoPartition(String),
    /// The Compose project has no container for these services.
    #[error("the Compose project {project} has no container for {}", services.join(", "))]
    NoContainers {
        /// The project.
        project: String,
        /// The services.
        services: Vec<String>,
    },
    /// The Compose project has no service of this name.
    #[error("the project has no service {0}")]
    NoService(String),
    /// A port of a container cannot be reached from here.
    #[error("{container} does not publish its port {port}")]
    NotPublished {
        /// The container.
        container: String,
        /// The port inside of it.
        port: u16,
    },
    /// The scenario's hooks have no command for an action.
    #[error("no hook does {action} to {target}")]
    NoHook {
        /// The action.
        action: Action,
        /// The member, as the scenario calls it.
        target: String,
    },
    /// The scenario's hooks have no command for a switchover, and no API of Patroni is known.
    #[error("no hook does a switchover")]
    NoSwitchoverHook,
    /// The hooks of the drill of this name undo nothing of this kind.
    #[error("the drill {0} has no hook for it: one that has, or `heal`, can mend it")]
    NoUndoHook(String),
    /// The hook that names a member by its role printed nothing.
    #[error("{0} printed no name of a {1}")]
    NoMemberPrinted(CommandLine, Selector),
    /// The hook that tells whether the cluster replicates synchronously printed neither.
    #[error("{0} printed neither t nor f, but {1:?}")]
    NeitherPrinted(CommandLine, String),
}
