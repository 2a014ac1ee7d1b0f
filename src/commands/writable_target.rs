//! Refuses a connection that asks for a server that takes no writes, where writes go by it.

use super::problem::Problem;
use crate::pg::settings::{ConnectSettings, TargetSession};

/// Fails where `target_session_attrs` leads away from the primary. Of the other values none changes anything: the first
/// server that takes writes is looked for.
///
/// # Errors
/// A usage problem.
pub(super) fn check(settings: &ConnectSettings) -> Result<(), Problem> {
    let Some(wanted) = settings.target_session_attrs else { return Ok(()) };
    match wanted {
        TargetSession::Any | TargetSession::ReadWrite | TargetSession::Primary => Ok(()),
        TargetSession::ReadOnly | TargetSession::Standby | TargetSession::PreferStandby => {
            let what = format!(
                "target_session_attrs={} (PGTARGETSESSIONATTRS) asks for a server that takes no writes",
                wanted.name()
            );
            Err(Problem::usage(what).try_this(
                "leave it out: the primary is looked for without it; gen reads from replicas by --read-dsn",
            ))
        }
    }
}
