//! How long a call may take, how often members are asked, and how many are.

use std::time::Duration;

/// The deadline of each call while a run is watched: an API that takes longer tells nothing that
/// is still true.
pub const DEADLINE: Duration = Duration::from_secs(1);

/// How often the list of members is asked for, and how often while some cannot be reached yet.
pub(super) const FIND_EVERY: Duration = Duration::from_secs(5);
pub(super) const FIND_AGAIN: Duration = Duration::from_secs(1);

/// Members asked, watched, told and remembered at most: a foreign `/cluster` must not make us ask
/// the whole world, nor fill memory and record with it.
pub(super) const MEMBERS_MAX: usize = 64;
