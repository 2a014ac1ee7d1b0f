//! Values as people write them.

use std::time::Duration;

use super::options::Rate;

/// The highest rate: above it a schedule is finer than any clock here.
const HIGHEST_PER_SECOND: f64 = 10_000_000.0;

/// The lowest rate, a write in about three hours.
const LOWEST_PER_SECOND: f64 = 0.0001;

/// The longest duration, so that no sum of times can overflow.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// `500ms`, `3s`, `2m`, `1h 30m`; a unit is needed.
///
/// # Errors
/// Words that say what is wrong.
pub fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration > LONGEST => Err("it must be at most a year".to_owned()),
        Ok(duration) => Ok(duration),
        Err(_) => Err(format!("{text:?} is no duration: write 500ms, 3s, 2m or 1h")),
    }
}

/// The same, but not zero.
///
/// # Errors
/// Words that say what is wrong.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("it must be longer than zero".to_owned()),
        duration => Ok(duration),
    }
}

/// Writes per second, or `max`.
///
/// # Errors
/// Words that say what is wrong.
pub fn rate(text: &str) -> Result<Rate, String> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    match text.parse::<f64>() {
        Ok(per_second) if (LOWEST_PER_SECOND..=HIGHEST_PER_SECOND).contains(&per_second) => {
            Ok(Rate::PerSecond(per_second))
        }
        _ => Err(format!("{text:?} is no rate: write a number above 0, or max")),
    }
}

/// A percentage from 0 to 100.
///
/// # Errors
/// Words that say what is wrong.
pub fn percentage(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(percentage) if (0.0..=100.0).contains(&percentage) => Ok(percentage),
        _ => Err(format!("{text:?} is no percentage: write a number from 0 to 100")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert!(duration("60").unwrap_err().contains("3s"));
        assert!(duration("-1s").is_err());
        assert!(duration("500years").is_err());
        assert!(positive_duration("0s").is_err());
    }

    #[test]
    fn a_rate_is_a_number_above_zero_or_max() {
        assert_eq!(rate("max"), Ok(Rate::Max));
        assert_eq!(rate("0.5"), Ok(Rate::PerSecond(0.5)));
        for wrong in ["0", "-1", "nan", "inf", "1e9", "1e-20", "fast", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_percentage_is_from_0_to_100() {
        assert_eq!(percentage("99.9"), Ok(99.9));
        assert_eq!(percentage("95%"), Ok(95.0));
        assert!(percentage("101").is_err());
    }
}
