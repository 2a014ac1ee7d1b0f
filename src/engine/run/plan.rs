//! What a run needs, how it is stopped, and how it can end.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::engine::drill_notes::DrillNote;
use crate::engine::record::file::RecordFileError;
use crate::engine::setup::SetupError;
use crate::engine::watch::members::MembersPlan;
use crate::haproxy::HaproxyPage;
use crate::model::event::Header;
use crate::model::run::Run;
use crate::model::run::summary::RecordSummary;
use crate::patroni::PatroniApi;
use crate::pg::settings::ConnectSettings;

/// What a run needs.
#[derive(Debug)]
pub struct Plan {
    /// What the run is.
    pub header: Header,
    /// Where to write.
    pub settings: Arc<ConnectSettings>,
    /// Where to read from as well, when replicas are to be watched.
    pub read_settings: Option<Arc<ConnectSettings>>,
    /// Where to verify, when that is not through the target.
    pub verify_settings: Option<Arc<ConnectSettings>>,
    /// Patroni's APIs, when they are to be watched.
    pub patroni: Vec<PatroniApi>,
    /// Which members are watched at their own addresses, if any.
    pub members: Option<MembersPlan>,
    /// HAProxy's page, when it is to be watched.
    pub haproxy: Option<HaproxyPage>,
    /// Where the record goes.
    pub record: Option<PathBuf>,
    /// Things to tell before anything else.
    pub warnings: Vec<String>,
    /// What to say again and again while no server is there.
    pub waiting_hint: Option<String>,
    /// What a drill does meanwhile.
    pub notes: Option<mpsc::Receiver<DrillNote>>,
}

/// How the user stops a run.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Stop writing, then verify.
    pub writing: CancellationToken,
    /// Stop everything now.
    pub everything: CancellationToken,
}

/// Why there was no run.
#[derive(Debug, Error)]
pub enum RunError {
    /// It can never work as it was asked for.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The record cannot be made.
    #[error(transparent)]
    Record(#[from] RecordFileError),
    /// The writers get no threads.
    #[error("the system gives no threads: {0}")]
    Threads(#[from] io::Error),
    /// A part of pgchaos itself failed.
    #[error("pgchaos itself failed: {0}; please report this")]
    Internal(String),
}

impl RunError {
    pub(super) fn no_recorder() -> Self {
        Self::Internal("the recorder is gone".to_owned())
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Finished {
    /// Everything that is known of it.
    pub run: Run,
    /// What became of its record, where one was kept.
    pub record: Option<RecordSummary>,
    /// Whether it was stopped before its verification was done.
    pub stopped_now: bool,
}
