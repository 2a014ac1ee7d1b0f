//! The ids that are left for the load's writes.

use super::flaws::{Caution, Flaw};

/// The sequence of the ids, as far as the role may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// The sequence, with its schema, quoted where it must be.
    pub sequence: String,
    /// Its last value; `None` where the role has no right to see it.
    pub last: Option<i64>,
    /// Its highest value.
    pub max: i64,
    /// Its increment.
    pub step: i64,
    /// It starts again at its end.
    pub cycles: bool,
}

/// With fewer ids left there is a warning: at ten thousand writes a second these last for some hours.
const FEW_IDS: i64 = 100_000_000;

impl Ids {
    /// How many are left in a column of this type, after `last`.
    #[must_use]
    pub fn left(&self, of_type: &str, last: i64) -> i64 {
        if self.cycles || self.step <= 0 {
            return i64::MAX;
        }
        self.max.min(highest(of_type)).saturating_sub(last).max(0) / self.step
    }

    /// What makes room for more.
    #[must_use]
    pub fn mended_by(&self, of_type: &str) -> String {
        let column = match of_type {
            "bigint" => "",
            _ => "ALTER TABLE pgchaos.user_events ALTER COLUMN id TYPE bigint; ",
        };
        format!("{column}ALTER SEQUENCE {} AS bigint NO MAXVALUE;", self.sequence)
    }

    /// The flaw that no id is left, if none is.
    #[must_use]
    pub fn flaw(&self, of_type: &str, last: i64) -> Option<Flaw> {
        let none_left = self.left(of_type, last) == 0;
        none_left.then(|| Flaw::NoIdLeft { mended_by: self.mended_by(of_type) })
    }

    /// The warning that few ids are left, or that the type of the column holds few.
    #[must_use]
    pub fn caution(&self, of_type: &str, last: i64) -> Option<Caution> {
        let left = self.left(of_type, last);
        let is_few = left < FEW_IDS || of_type != "bigint";
        let at_most = self.last.is_none();
        is_few.then(|| Caution::FewIds { left, at_most, mended_by: self.mended_by(of_type) })
    }
}

fn highest(of_type: &str) -> i64 {
    match of_type {
        "smallint" => i64::from(i16::MAX),
        "integer" => i64::from(i32::MAX),
        _ => i64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_left_are_those_of_the_column_and_of_the_sequence() {
        let ids = |max| Ids { sequence: "s".into(), last: None, max, step: 1, cycles: false };
        assert_eq!(ids(i64::MAX).left("integer", 2_147_483_640), 7);
        assert_eq!(ids(100).left("bigint", 90), 10);
        assert_eq!(ids(100).left("bigint", 190), 0);
        assert_eq!(ids(i64::MAX).caution("bigint", 0), None);
        let few = ids(100).caution("bigint", 90).unwrap().to_string();
        assert!(few.starts_with("at most 10 ids"), "{few}");
        assert!(few.ends_with("22003). ALTER SEQUENCE s AS bigint NO MAXVALUE;"), "{few}");
    }
}
