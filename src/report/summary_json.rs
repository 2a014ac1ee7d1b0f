//! A summary, or a comparison, as JSON, the names of which are the model's and part of the public interface.

use serde::Serialize;

use crate::model::comparison::Comparison;
use crate::model::foreign::inert_json;
use crate::model::run::summary::Summary;

use super::json_layout;

/// The summary as JSON over several lines, which people read as well, ending with a line break.
///
/// # Errors
/// Those of the serializer; none is known that a summary can cause.
pub fn summary_json(summary: &Summary) -> serde_json::Result<String> {
    json(summary)
}

/// A comparison in the same way.
///
/// # Errors
/// Those of the serializer; none is known that a comparison can cause.
pub fn comparison_json(comparison: &Comparison) -> serde_json::Result<String> {
    json(comparison)
}

fn json<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut json = inert_json(json_layout::to_string(value)?);
    json.push('\n');
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::summary;

    #[test]
    fn it_reads_back_as_the_same_summary() {
        let json = summary_json(&summary()).unwrap();
        assert!(json.starts_with("{\n  \"format\": 1,\n  \"pgchaos\": \"0.1.0\",\n"), "{json}");
        assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary());
    }
}
