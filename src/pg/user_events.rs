//! The write of the load, one user event in its own transaction, and the read of the last ids.

use uuid::Uuid;

/// The kinds of user events.
pub const EVENT_TYPES: [&str; 6] = ["login", "logout", "click", "view_page", "purchase", "search"];

/// How many ids are read back.
pub const LAST_IDS: usize = 3;

pub(in crate::pg) const INSERT: &str = "\
INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
VALUES ($1, $2, $3, $4, $5) RETURNING id::bigint";

pub(in crate::pg) const READ_LAST_IDS: &str =
    "SELECT id::bigint FROM pgchaos.user_events ORDER BY user_events.id DESC LIMIT 3";

/// One write: its token and its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserEvent {
    /// The token: run, writer, seq.
    pub run_id: Uuid,
    /// The token: run, writer, seq.
    pub writer: i32,
    /// The token: run, writer, seq.
    pub seq: i64,
    /// The user of the event.
    pub user_id: i32,
    /// What happened, one of [`EVENT_TYPES`].
    pub event_type: &'static str,
}
