//! What cannot work says so at once, in words and with a remedy, and leaves nothing behind; what only is not there yet is
//! waited for; and whatever is said, no password is in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

#[path = "refusals/databases.rs"]
mod databases;
#[path = "refusals/encryption.rs"]
mod encryption;
#[path = "refusals/hopeless.rs"]
mod hopeless;
#[path = "refusals/hostile.rs"]
mod hostile;
#[path = "refusals/not_up_yet.rs"]
mod not_up_yet;
#[path = "refusals/passwords.rs"]
mod passwords;
#[cfg(target_os = "linux")]
#[path = "refusals/placements.rs"]
mod placements;
#[path = "refusals/remedies.rs"]
mod remedies;
#[path = "refusals/usage.rs"]
mod usage;
