//! The arguments that this process was started with.

use std::ffi::OsString;
use std::sync::OnceLock;

/// The program's name first.
static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

/// The arguments as they were typed, the program's name first.
pub(super) fn own_arguments() -> impl Iterator<Item = OsString> {
    ARGUMENTS.get_or_init(|| std::env::args_os().collect()).iter().cloned()
}

/// Sets the arguments as they were typed, where the process title has others. Only the first call
/// counts, and only before [`own_arguments`].
#[cfg(target_os = "linux")]
pub(super) fn set_own_arguments(typed: Vec<OsString>) {
    // An error means that they are set already.
    let _ = ARGUMENTS.set(typed);
}
