//! File descriptors for a run: the soft limit of the process is raised as far as the run needs and
//! the hard limit allows.

use thiserror::Error;

use crate::model::load::descriptors::Descriptors;
use crate::model::load::options::LoadOptions;

/// The writers could not have a session each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "{writers} writers need at least {least} file descriptors, and the hard limit allows {limit}"
)]
pub struct TooFewDescriptors {
    /// Writers that are asked for.
    pub writers: u32,
    /// What they need.
    pub least: u64,
    /// With so many a run does not run out, whatever the cluster does.
    pub enough: u64,
    /// What the process can have.
    pub limit: u64,
}

/// Raises the soft limit for a run with these options.
///
/// # Errors
/// [`TooFewDescriptors`], when the hard limit is too low for the writers' sessions.
#[cfg(unix)]
pub fn provide(options: &LoadOptions) -> Result<(), TooFewDescriptors> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Descriptors { least, enough } = Descriptors::of(options);
    // A system that does not tell its limits is left alone.
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    if soft >= enough {
        return Ok(());
    }
    let wanted = enough.min(hard);
    let limit = match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => wanted,
        Err(_) => soft,
    };
    if limit < least {
        return Err(TooFewDescriptors { writers: options.writers, least, enough, limit });
    }
    Ok(())
}

/// Other systems have no such limit to raise.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn provide(_: &LoadOptions) -> Result<(), TooFewDescriptors> {
    Ok(())
}
