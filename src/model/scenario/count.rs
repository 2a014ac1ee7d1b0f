//! How many are expected: a number, or a range.

use std::fmt;

use super::error::ScenarioError;
use super::fields::Value;

/// From `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// At least.
    pub min: u64,
    /// At most; `None` is any number.
    pub max: Option<u64>,
}

impl Count {
    /// Exactly so many.
    #[must_use]
    pub fn exactly(number: u64) -> Self {
        Self { min: number, max: Some(number) }
    }

    /// Whether so many are as expected.
    #[must_use]
    pub fn holds(&self, seen: u64) -> bool {
        seen >= self.min && self.max.is_none_or(|max| seen <= max)
    }

    pub(super) fn read(value: &Value<'_>) -> Result<Self, ScenarioError> {
        if let Some(number) = value.as_number() {
            return Ok(Self::exactly(number));
        }
        let wrong = || {
            let words = "must be a number as 1, or a range as \">= 1\", \"<= 3\" or \"1..3\"";
            value.wrong(format!("{} {words}", value.key))
        };
        let text = value.text().map_err(|_| wrong())?;
        Self::parse(text).ok_or_else(wrong)
    }

    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        if let Some(min) = text.trim().strip_prefix(">=") {
            return Some(Self { min: number(min)?, max: None });
        }
        if let Some(max) = text.trim().strip_prefix("<=") {
            return Some(Self { min: 0, max: Some(number(max)?) });
        }
        let Some((min, max)) = text.split_once("..") else {
            return number(text).map(Self::exactly);
        };
        let max = if max.trim().is_empty() { None } else { Some(number(max)?) };
        let count = Self { min: number(min)?, max };
        count.max.is_none_or(|max| max >= count.min).then_some(count)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (0, Some(0)) => f.write_str("none"),
            (min, Some(max)) if min == max => write!(f, "exactly {min}"),
            (0, None) => f.write_str("any number"),
            (min, None) => write!(f, "at least {min}"),
            (0, Some(max)) => write!(f, "at most {max}"),
            (min, Some(max)) => write!(f, "{min} to {max}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_numbers_or_ranges() {
        for (text, words) in [
            ("0", "none"),
            ("2", "exactly 2"),
            (">= 1", "at least 1"),
            ("<=3", "at most 3"),
            ("1..3", "1 to 3"),
            ("1 ..", "at least 1"),
        ] {
            assert_eq!(Count::parse(text).unwrap().to_string(), words, "{text}");
        }
        for wrong in ["", "-1", "3..1", ">= x", "some"] {
            assert_eq!(Count::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn both_ends_belong_to_it() {
        let count = Count::parse("1..3").unwrap();
        assert_eq!([0, 1, 3, 4].map(|seen| count.holds(seen)), [false, true, true, false]);
    }
}
