//! Sets of writes by writer as JSON: `[[writer, [[first, last], …]], …]`.
//!
//! For `#[serde(with = "by_writer")]`. A JSON object would have the writer as a string, which
//! serde cannot read back as a number inside a tagged event.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serializer};

use crate::model::ledger::seq_set::SeqSet;

/// Writes the pairs.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(
    writes: &BTreeMap<i32, SeqSet>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(writes)
}

/// Reads the pairs.
///
/// # Errors
/// Those of the deserializer.
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<i32, SeqSet>, D::Error> {
    Ok(Vec::<(i32, SeqSet)>::deserialize(deserializer)?.into_iter().collect())
}
