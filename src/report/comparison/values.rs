//! Values of measures and their differences, with as many digits as tell what is said of them.

use std::time::Duration;

use crate::model::comparison::measure::Measure;
use crate::model::run::limits;
use crate::report::numbers::{milliseconds, per_second, percent, seconds};

/// A value of a measure.
#[must_use]
pub fn value(measure: Measure, value: f64) -> String {
    match measure {
        Measure::LongestOutageS | Measure::WithoutWriteS => seconds(value),
        Measure::AvailabilityPct | Measure::LossPct => percent(value),
        Measure::LatencyP99Ms => milliseconds(value),
        Measure::AcknowledgedPerS => per_second(value),
    }
}

/// Two values of which one is said to be lower: with more digits where they would read the same.
#[must_use]
pub fn apart(measure: Measure, one: f64, other: f64) -> (String, String) {
    let printed = (value(measure, one), value(measure, other));
    if printed.0 != printed.1 {
        return printed;
    }
    let time =
        |value: f64, unit: f64| Duration::try_from_secs_f64(value * unit).unwrap_or_default();
    match measure {
        Measure::LongestOutageS | Measure::WithoutWriteS => {
            limits::in_seconds(time(one, 1.0), time(other, 1.0))
        }
        Measure::LatencyP99Ms => limits::in_milliseconds(time(one, 1e-3), time(other, 1e-3)),
        Measure::AvailabilityPct | Measure::LossPct => with_digits(one, other, " %"),
        Measure::AcknowledgedPerS => with_digits(one, other, "/s"),
    }
}

fn with_digits(one: f64, other: f64, unit: &str) -> (String, String) {
    let print = |value: f64, digits: usize| format!("{value:.digits$}{unit}");
    let mut pairs = (1..=6).map(|digits| (print(one, digits), print(other, digits)));
    let differ = |pair: &(String, String)| pair.0 != pair.1;
    pairs.find(differ).unwrap_or_else(|| (print(one, 1), print(other, 1)))
}

/// How great a difference is, without its direction.
#[must_use]
pub fn distance(measure: Measure, difference: f64) -> String {
    let difference = difference.abs();
    match measure {
        // Points of two shares, which are no share themselves.
        Measure::AvailabilityPct | Measure::LossPct if difference < 0.1 => {
            format!("{} points", (difference * 1e3).round() / 1e3)
        }
        Measure::AvailabilityPct | Measure::LossPct => format!("{difference:.1} points"),
        _ => value(measure, difference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_apart_reads_apart() {
        let told = |measure, one, other| apart(measure, one, other);
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(told(Measure::LongestOutageS, 3.0, 5.0), pair("3.0 s", "5.0 s"));
        assert_eq!(told(Measure::LongestOutageS, 5.004, 5.011), pair("5.00 s", "5.01 s"));
        assert_eq!(told(Measure::LatencyP99Ms, 16.2, 16.4), pair("16.2 ms", "16.4 ms"));
        assert_eq!(told(Measure::AvailabilityPct, 95.01, 95.04), pair("95.01 %", "95.04 %"));
        assert_eq!(told(Measure::AcknowledgedPerS, 0.81, 0.84), pair("0.81/s", "0.84/s"));
        assert_eq!(told(Measure::AcknowledgedPerS, 75.2, 75.4), pair("75.2/s", "75.4/s"));
        assert_eq!(told(Measure::AcknowledgedPerS, 75.0, 75.0), pair("75.0/s", "75.0/s"));
    }
}
