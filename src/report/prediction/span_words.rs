//! A best and a worst case in words.

use std::time::Duration;

use super::super::numbers::duration;
use crate::model::prediction::Prediction;
use crate::model::prediction::part::PredictedStep;
use crate::model::span::Span;

/// From here on a time is in minutes.
const IN_SECONDS_MAX: Duration = Duration::from_millis(99_949);

/// A time to the tenth of a second: what is predicted is no finer.
#[must_use]
pub fn time_words(time: Duration) -> String {
    if time.is_zero() {
        return "0 s".to_owned();
    }
    if time <= IN_SECONDS_MAX { format!("{} s", tenths(time)) } else { duration(time.min(LONGEST)) }
}

/// What is longer is no time that an outage can take; its words would overflow a column.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

fn tenths(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// `20.0 to 30.5 s`, `up to 0.5 s`, `2.0 s`, `0.6 s and more`.
#[must_use]
pub fn span_words(span: Span) -> String {
    match (span.from, span.to) {
        (Duration::ZERO, None) => "no worst case".to_owned(),
        (from, None) => format!("{} and more", time_words(from)),
        (from, Some(to)) if time_words(from) == time_words(to) => time_words(to),
        (from, Some(to)) if from < Duration::from_millis(50) => format!("up to {}", time_words(to)),
        (from, Some(to)) if to <= IN_SECONDS_MAX => {
            format!("{} to {}", tenths(from), time_words(to))
        }
        (from, Some(to)) => format!("{} to {}", time_words(from), time_words(to)),
    }
}

/// A whole outage: `23.0 to 37.6 s`, `none`, `until etcd is back, and 0.6 to 3.5 s`.
#[must_use]
pub fn outage_words(prediction: &Prediction) -> String {
    match prediction.unbounded().map(|part| part.step) {
        None if prediction.parts.is_empty() => "none: writes go on".to_owned(),
        None => span_words(prediction.total()),
        Some(step) => {
            let until = match step {
                PredictedStep::EtcdAway => "until etcd is back",
                PredictedStep::Pause => "until it is resumed",
                _ => "until it is back",
            };
            format!("{until}, and {}", span_words(prediction.bounded()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_words() {
        let span = |from, to| span_words(Span::of_ms(from, to));
        assert_eq!(span(20_000, 30_500), "20.0 to 30.5 s");
        assert_eq!(span(0, 500), "up to 0.5 s");
        assert_eq!(span(2000, 2000), "2.0 s");
        assert_eq!(span(90_000, 130_000), "90.0 s to 2 min 10 s");
        assert_eq!(span_words(Span::NONE), "0 s");
        assert_eq!(span_words(Span::UNBOUNDED), "no worst case");
        assert_eq!(span_words(Span { from: Duration::from_secs(1), to: None }), "1.0 s and more");
        assert_eq!(span_words(Span::new(Duration::ZERO, Duration::MAX)), "up to 876000 h 00 min");
    }
}
