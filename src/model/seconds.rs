//! Durations as JSON numbers of seconds, to the microsecond.
//!
//! For `#[serde(with = "seconds")]`; [`option`] does the same for values that may be missing.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// A duration in seconds, rounded to the microsecond, which is finer than any clock here is true.
#[must_use]
pub fn of(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

/// A measured duration in whole microseconds: what is reckoned with it while the run goes on is what
/// its record gives later, to the last digit.
#[must_use]
pub fn whole(duration: Duration) -> Duration {
    duration - Duration::from_nanos(u64::from(duration.subsec_nanos() % 1_000))
}

/// Writes a duration as seconds.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(of(*duration))
}

/// Reads a duration from seconds.
///
/// # Errors
/// When the number is negative, not finite or longer than centuries.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    checked(f64::deserialize(deserializer)?)
}

/// Longer than anything here takes, by centuries: with such times one can reckon.
const SECONDS_MAX: f64 = 1e10;

fn checked<E: Error>(seconds: f64) -> Result<Duration, E> {
    let no_time = |why: String| E::custom(format!("{seconds} is no time in seconds: {why}"));
    if seconds > SECONDS_MAX {
        return Err(no_time("it is longer than centuries".to_owned()));
    }
    let time = Duration::try_from_secs_f64(seconds).map_err(|error| no_time(error.to_string()))?;
    // Beyond 48 days the nearest f64 is some nanoseconds off.
    Ok(whole(time + Duration::from_nanos(500)))
}

/// The same for values that may be missing, written as `null`.
pub mod option {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes a duration as seconds, or null.
    ///
    /// # Errors
    /// Those of the serializer.
    // The signature is serde's.
    #[allow(clippy::ref_option)]
    pub fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_f64(super::of(*duration)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a duration from seconds, or null.
    ///
    /// # Errors
    /// When the number is negative, not finite or longer than centuries.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(deserializer)?.map(super::checked).transpose()
    }
}

/// The same for two times, written as an array of two, or as `null`.
pub mod pair {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes two durations as seconds, or null.
    ///
    /// # Errors
    /// Those of the serializer.
    // The signature is serde's.
    #[allow(clippy::ref_option)]
    pub fn serialize<S: Serializer>(
        pair: &Option<(Duration, Duration)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        pair.map(|(from, to)| [super::of(from), super::of(to)]).serialize(serializer)
    }

    /// Reads two durations from seconds, or null.
    ///
    /// # Errors
    /// When a number is negative, not finite or longer than centuries.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<(Duration, Duration)>, D::Error> {
        let pair = Option::<[f64; 2]>::deserialize(deserializer)?;
        pair.map(|[from, to]| Ok((super::checked(from)?, super::checked(to)?))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Example {
        #[serde(with = "super")]
        took: Duration,
        offset_s: f64,
    }

    proptest! {
        #[test]
        fn a_line_of_the_record_reads_back_to_the_last_digit(
            nanoseconds in 0..3_000 * 86_400 * 1_000_000_000u64,
            offset_s in -1e6..1e6f64,
        ) {
            let line = Example { took: whole(Duration::from_nanos(nanoseconds)), offset_s };
            let text = serde_json::to_string(&line).unwrap();
            prop_assert_eq!(serde_json::from_str::<Example>(&text).unwrap(), line);
        }
    }
}
