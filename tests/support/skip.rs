//! What cannot be tried on this machine is skipped, and that is never silent.

use std::env;
use std::io::{self, Write};

/// Where this is set, nothing may be skipped: what cannot be tried fails. `.ci/run` sets it.
pub const SKIP_NOTHING: &str = "PGCHAOS_TESTS_SKIP_NOTHING";

/// Whether a skip is a failure here.
pub fn skips_fail() -> bool {
    env::var_os(SKIP_NOTHING).is_some_and(|value| !value.is_empty())
}

/// Says that the test, or the rest of it, is skipped, and why. Panics where nothing may be skipped.
#[track_caller]
pub fn skip(why: &str) {
    assert!(!skips_fail(), "{SKIP_NOTHING} is set, and this cannot be tried here: {why}");
    // What a test prints is only shown when it fails: this must be seen.
    let _ = writeln!(io::stderr(), "SKIPPED, NOT PASSED: {why}");
}
