//! Numbers for people: no more digits than a reader takes in at a glance.

use std::time::Duration;

pub use crate::model::percent::percent;

/// A count with its thousands apart: `48 213`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count and its noun, which takes an s unless there is one: `1 write`, `2 writes`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A duration: `3 ms`, `0.9 s`, `67.1 s`, `2 min 03 s`, `1 h 02 min`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let ms = (duration.as_micros() + 500) / 1000;
    let tenths = (ms + 50) / 100;
    let seconds = (tenths + 5) / 10;
    let minutes = (seconds + 30) / 60;
    match (ms, tenths, seconds) {
        (0, ..) => "0 s".to_owned(),
        (..100, ..) => format!("{ms} ms"),
        (_, ..1000, _) => format!("{}.{} s", tenths / 10, tenths % 10),
        (.., ..3600) => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// A limit that a user set, without a decimal that is 0: `5 s`, `0.5 s`.
#[must_use]
pub fn whole(limit: Duration) -> String {
    let text = duration(limit);
    text.strip_suffix(".0 s").map_or(text.clone(), |seconds| format!("{seconds} s"))
}

/// Seconds as a float, as the summary has them; a value that is no duration counts as none.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A latency: `0.42 ms`, `1.9 ms`, `120 ms`, `12.3 s`.
#[must_use]
pub fn milliseconds(ms: f64) -> String {
    match ms {
        ..0.995 => format!("{ms:.2} ms"),
        ..9.95 => format!("{ms:.1} ms"),
        ..9999.5 => format!("{ms:.0} ms"),
        _ => seconds(ms / 1e3),
    }
}

/// A rate per second: `0.6/s`, `1/s`, `48 213/s`.
#[must_use]
pub fn per_second(rate: f64) -> String {
    if rate < 9.95 {
        let text = format!("{rate:.1}");
        return format!("{}/s", text.strip_suffix(".0").unwrap_or(&text));
    }
    format!("{}/s", grouped(rounded(rate)))
}

/// Rounds to a count; what is no count is 0.
// Float to integer casts saturate, which is what a number for people needs.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(
            [0, 7, 999, 1000, 48_213, 1_000_000].map(grouped),
            ["0", "7", "999", "1 000", "48 213", "1 000 000"]
        );
        assert_eq!(counted(1, "write"), "1 write");
        assert_eq!(counted(2000, "write"), "2 000 writes");
    }

    #[test]
    fn durations_have_the_digits_that_matter() {
        let texts =
            [0, 3, 99, 100, 900, 2000, 67_060, 99_949, 99_960, 123_000, 3_599_960, 3_720_000]
                .map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(
            texts,
            [
                "0 s",
                "3 ms",
                "99 ms",
                "0.1 s",
                "0.9 s",
                "2.0 s",
                "67.1 s",
                "99.9 s",
                "1 min 40 s",
                "2 min 03 s",
                "1 h 00 min",
                "1 h 02 min"
            ]
        );
        assert_eq!(whole(Duration::from_secs(5)), "5 s");
        assert_eq!(whole(Duration::from_millis(500)), "0.5 s");
    }

    #[test]
    fn latencies_rates_and_shares() {
        assert_eq!(
            [0.421, 0.999, 1.94, 9.96, 120.4, 12_345.0].map(milliseconds),
            ["0.42 ms", "1.0 ms", "1.9 ms", "10 ms", "120 ms", "12.3 s"]
        );
        assert_eq!([0.62, 1.0, 48_212.7].map(per_second), ["0.6/s", "1/s", "48 213/s"]);
    }
}
