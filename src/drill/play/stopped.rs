//! Why the steps of a drill were not played to their end.

use std::time::Duration;

use crate::drill::cluster::ClusterError;
use crate::drill::command::CommandError;
use crate::drill::damage::journal::JournalError;

/// Why the steps were not played to their end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A step failed.
    #[error("step {step} ({what}) failed: {error}")]
    Step {
        /// Its number, from 1.
        step: u32,
        /// What it was to do.
        what: String,
        /// Why it could not.
        error: StepError,
    },
    /// The load never began to write, within this time.
    #[error(
        "step 0 (first writes) failed: no write was acknowledged within {} s",
        .0.as_secs()
    )]
    NoFirstWrites(Duration),
    /// The journal could not be kept: damage could be forgotten.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The user stopped it.
    #[error("stopped by Ctrl-C")]
    Interrupted,
    /// A part of pgchaos itself failed.
    #[error("pgchaos itself failed: {0}; please report this")]
    Ours(String),
    /// The load is over.
    #[error("the load ended by itself")]
    LoadEnded,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The cluster could not do it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Its command failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// No step before it has named a member so.
    #[error("{0} is nobody yet")]
    UnknownAlias(String),
    /// A part of the damage could not be mended.
    #[error("{0}")]
    NotHealed(String),
}
