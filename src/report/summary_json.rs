//! The summary as JSON, the names of which are the model's and part of the public interface.

use crate::model::summary::Summary;

/// The summary as JSON over several lines, which people read as well, ending with a line break.
///
/// # Errors
/// Those of the serializer; none is known that a summary can cause.
pub fn summary_json(summary: &Summary) -> serde_json::Result<String> {
    let mut json = serde_json::to_string_pretty(summary)?;
    json.push('\n');
    Ok(json)
}
