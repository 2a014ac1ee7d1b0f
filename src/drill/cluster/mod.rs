//! The cluster that a drill breaks and mends.
//!
//! [`DrillCluster`] is what a drill needs of it. [`lab`], [`compose`] and [`hooks`] are the three
//! kinds; `patroni_view` is what they have in common, `proxy_page` their proxy's page, `docker` the commands for containers,
//! `abilities` the check before a drill begins. A new
//! injection is an [`Action`], and each kind of cluster says how it does it.

mod abilities;
pub mod compose;
mod docker;
pub mod error;
pub mod hooks;
pub mod lab;
mod patroni_view;
mod proxy_page;
pub mod wholeness;

use std::time::Duration;

pub use error::ClusterError;
pub use patroni_view::PatroniView;

use super::command::Variables;
use crate::haproxy::HaproxyPage;
use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::cluster::selector::Selector;
use crate::model::scenario::Through;
use crate::model::scenario::command_line::CommandLine;
use crate::model::scenario::step::Action;
use crate::patroni::PatroniApi;

/// The deadline of one undo: a stop that is going on takes half a minute.
const UNDO_DEADLINE: Duration = Duration::from_secs(120);

/// A cluster that a drill can break and mend. A clone is the same cluster.
pub trait DrillCluster: Clone + Send + Sync + 'static {
    /// Its name: `lab-pgchaos`.
    fn name(&self) -> String;

    /// The name of the journal of its damage: the same for every drill that is played on it.
    fn journal_name(&self) -> String {
        self.name()
    }

    /// Takes the variables of the load's connection, for clusters that are broken by commands.
    fn set_variables(&mut self, _variables: &Variables) {}

    /// The connection string of its write port, or of every member; `None` where only the user
    /// knows it.
    fn dsn(&self, _through: Through) -> Option<String> {
        None
    }

    /// The members' names and the connection strings of their own servers, to be watched beside the load; empty where
    /// they are not known.
    fn members(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// The members' Patroni APIs, to be watched beside the load; empty where they are not known.
    fn watched(&self) -> Vec<PatroniApi>;

    /// The proxy's settings, where they are known: what outages are expected by.
    fn proxy_checks(&self) -> Option<ProxyChecks> {
        None
    }

    /// The page of the proxy that the load goes through, to be watched beside it; `None` where there is
    /// none, or it is not known.
    fn proxy_page(&self, _through: Through) -> Option<HaproxyPage> {
        None
    }

    /// Whether the cluster replicates synchronously; `None` where it cannot be asked.
    ///
    /// # Errors
    /// When it was asked and did not tell.
    fn synchronous(&self) -> impl Future<Output = Result<Option<bool>, ClusterError>> + Send;

    /// The name of the member that a step means. Of members that are to be started or resumed, a
    /// role means the one that is down; hooks are asked for the role as always.
    ///
    /// # Errors
    /// When no member has the role, several that are down could have it, or it is not known.
    fn select_for(
        &self,
        action: Action,
        selector: &Selector,
    ) -> impl Future<Output = Result<String, ClusterError>> + Send;

    /// Does something to a member, which the scenario calls `target`.
    ///
    /// # Errors
    /// When it could not be done.
    fn act(
        &self,
        action: Action,
        member: &str,
        target: &str,
    ) -> impl Future<Output = Result<(), ClusterError>> + Send;

    /// Hands the leadership over in good order, to `to` or to the member that Patroni chooses.
    ///
    /// # Errors
    /// When it could not be done.
    fn switch_over(
        &self,
        from: &str,
        to: Option<&str>,
    ) -> impl Future<Output = Result<(), ClusterError>> + Send;

    /// Whether this action at this member is to be undone when the drill ends, and can be.
    fn undoes(&self, action: Action, _member: &str, _target: &str) -> bool {
        action.undone_by().is_some()
    }

    /// Undoes something, as far as it is broken still: a drill that was killed may have noted
    /// what it had not done yet.
    ///
    /// # Errors
    /// When it could not be undone.
    fn undo(
        &self,
        action: &str,
        member: &str,
        target: &str,
    ) -> impl Future<Output = Result<(), ClusterError>> + Send;

    /// The deadline of one undo.
    fn undo_deadline(&self) -> Duration {
        UNDO_DEADLINE
    }

    /// The command that a person types when an undo failed.
    fn by_hand(&self, action: &str, member: &str, target: &str) -> String;

    /// The command that mends everything, where there is one.
    fn heal_command(&self) -> Option<CommandLine> {
        None
    }

    /// Whether the members are together: the leader, in words; `None` where it is not known.
    ///
    /// # Errors
    /// What is missing.
    fn whole(&self) -> impl Future<Output = Result<Option<String>, ClusterError>> + Send;

    /// The members that do not run, etcd and the proxy among them, each in words.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn not_running(&self) -> impl Future<Output = Result<Vec<String>, ClusterError>> + Send {
        std::future::ready(Ok(Vec::new()))
    }
}
