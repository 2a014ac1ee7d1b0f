//! An acknowledged write that is told by itself.

use serde::{Deserialize, Serialize};

use crate::model::foreign;

/// An acknowledged write, for the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Which writer.
    pub writer: i32,
    /// Its sequence number.
    pub seq: i64,
    /// The id that the server gave.
    pub id: i64,
    /// The event's type.
    #[serde(deserialize_with = "foreign::read_name")]
    pub event_type: String,
    /// The user's name.
    #[serde(deserialize_with = "foreign::read_name")]
    pub user: String,
}
