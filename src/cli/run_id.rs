//! A run's id on the command line: whole, or its first characters.

use uuid::Uuid;

/// So many characters of an id are asked for: fewer would name another run tomorrow.
pub const CHARS_MIN: usize = 4;

/// A run's id, as it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaidRunId {
    /// The whole id.
    Whole(Uuid),
    /// Its first characters, without hyphens and in lower case.
    Beginning(String),
}

/// Reads the id of a run, or its first characters.
///
/// # Errors
/// Words that say what is wrong.
pub fn run_id(text: &str) -> Result<SaidRunId, String> {
    if let Ok(id) = Uuid::parse_str(text) {
        return Ok(SaidRunId::Whole(id));
    }
    match beginning(text) {
        Some(beginning) if beginning.len() >= CHARS_MIN => Ok(SaidRunId::Beginning(beginning)),
        _ => Err(format!("write a run's id, or its first characters, {CHARS_MIN} at least")),
    }
}

/// What may be the first characters of an id, of any number, without hyphens and in lower case.
#[must_use]
pub fn beginning(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|character| *character != '-').collect();
    let is_beginning = (1..=32).contains(&digits.len())
        && digits.chars().all(|character| character.is_ascii_hexdigit());
    is_beginning.then(|| digits.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_said_whole_or_by_its_beginning() {
        let whole = "6F2C1A4E-0b1d-4c3e-9a58-2f3b4c5d6e7f";
        assert_eq!(run_id(whole), Ok(SaidRunId::Whole(whole.parse().unwrap())));
        let beginning = |text: &str| Ok(SaidRunId::Beginning(text.to_owned()));
        assert_eq!(run_id("6F2C"), beginning("6f2c"));
        assert_eq!(run_id("6f2c1a4e-0b"), beginning("6f2c1a4e0b"));
        for wrong in ["6f2", "", "run1", "6f2c.jsonl", &"a".repeat(33)] {
            assert!(run_id(wrong).unwrap_err().contains("4 at least"), "{wrong}");
        }
    }
}
