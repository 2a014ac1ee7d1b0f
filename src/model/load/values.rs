//! Values as people write them.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::load::options::Rate;

/// The highest rate: above it a schedule is finer than any clock here.
const HIGHEST_PER_SECOND: f64 = 10_000_000.0;

/// The lowest rate, a write in about three hours.
const LOWEST_PER_SECOND: f64 = 0.0001;

/// The longest duration, so that no sum of times can overflow.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// The longest name, in characters.
const NAME_MAX: usize = 63;

/// A name for a run or a group of runs: 1 to 63 letters, digits, `-`, `_` and `.`, as in `zone-a`.
/// It is safe in a file's name, in a table and in a shell.
///
/// # Errors
/// Words that say what is wrong.
pub fn name(text: &str) -> Result<String, String> {
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if (1..=NAME_MAX).contains(&text.len()) && text.chars().all(is_allowed) {
        return Ok(text.to_owned());
    }
    Err(format!("write 1 to {NAME_MAX} letters, digits, - _ or . as in zone-a"))
}

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

/// The same, not zero; as pgbench has it, a number without a unit is seconds.
///
/// # Errors
/// Words that say what is wrong.
pub fn seconds_or_duration(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>().map(Duration::try_from_secs_f64) {
        Ok(Ok(Duration::ZERO)) => Err("it must be longer than zero".to_owned()),
        Ok(Ok(seconds)) if seconds <= LONGEST => Ok(seconds),
        Ok(Ok(_)) => Err("it must be at most a year".to_owned()),
        Ok(Err(_)) => Err("it must be longer than zero, and at most a year".to_owned()),
        Err(_) => positive_duration(text),
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

/// A whole number of this range, which the type must hold.
pub fn whole_number<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let (min, max) = (range.start(), range.end());
            if *max >= u64::from(u32::MAX) {
                format!("write a whole number, {min} or more")
            } else {
                format!("write a whole number from {min} to {max}")
            }
        })
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
        Ok(per_second) if per_second > HIGHEST_PER_SECOND => Err(format!(
            "{text:?} is no rate: the highest is {HIGHEST_PER_SECOND} writes a second; or write max"
        )),
        Ok(per_second) if per_second > 0.0 => {
            Err(format!("{text:?} is no rate: the lowest is {LOWEST_PER_SECOND} writes a second"))
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
    fn a_duration_may_be_a_number_of_seconds_as_in_pgbench() {
        assert_eq!(seconds_or_duration("60"), Ok(Duration::from_secs(60)));
        assert_eq!(seconds_or_duration("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds_or_duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["0", "-5", "nan", "inf", "1e99", "99999999", "-1s", "x", ""] {
            assert!(seconds_or_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_whole_number_is_of_its_range() {
        let writers = whole_number::<u32>(1..=100_000);
        assert_eq!(writers("8"), Ok(8));
        for wrong in ["0", "-1", "1.5", "100001", "many", ""] {
            assert_eq!(writers(wrong).unwrap_err(), "write a whole number from 1 to 100000");
        }
        let lost = whole_number::<u64>(0..=u64::MAX);
        assert_eq!(lost("0"), Ok(0));
        assert_eq!(lost("-1").unwrap_err(), "write a whole number, 0 or more");
        assert!(whole_number::<u32>(0..=u64::from(u32::MAX))("4294967296").is_err());
    }

    #[test]
    fn a_name_is_short_and_safe_in_a_path() {
        for right in ["zone-a", "a", "7", "multi_host.2", &"n".repeat(63)] {
            assert_eq!(name(right), Ok(right.to_owned()));
        }
        for wrong in ["", " ", "zone a", "a/b", "зона", "a\n", "a\0", "$(id)", &"n".repeat(64)]
        {
            assert!(name(wrong).unwrap_err().contains("zone-a"), "{wrong}");
        }
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
