//! Axes: from seconds, rates and latencies to places in a picture, and where the ticks stand.

use std::time::Duration;

use crate::report::numbers;

/// The left and right edge of every lane, in units of the picture.
pub(super) const LEFT: f64 = 150.0;
pub(super) const RIGHT: f64 = 1024.0;

/// How many ticks a time axis has, at most.
const TIME_TICKS_MAX: f64 = 10.0;

/// Steps of a time axis in seconds: what people count in.
const TIME_STEPS: [f64; 22] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0,
    1_800.0, 3_600.0, 7_200.0, 14_400.0, 43_200.0, 86_400.0,
];

/// Time from left to right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TimeAxis {
    from_s: f64,
    to_s: f64,
    /// Where what is drawn ends: several runs on axes of one length end at different times.
    drawn_to_s: f64,
}

impl TimeAxis {
    /// From the start to a time after it; at least a hundredth of a second.
    pub(super) fn until(to_s: f64) -> Self {
        let to_s = if to_s.is_finite() { to_s.max(0.01) } else { 0.01 };
        Self { from_s: 0.0, to_s, drawn_to_s: to_s }
    }

    /// The same axis for a run that ends before it does.
    pub(super) fn drawn_until(self, end_s: f64) -> Self {
        Self { drawn_to_s: self.to_s.min(end_s.max(0.0)), ..self }
    }

    /// When what is drawn ends.
    pub(super) fn end_s(self) -> f64 {
        self.drawn_to_s
    }

    /// The place of a time; one outside stands at the edge.
    pub(super) fn x(self, at_s: f64) -> f64 {
        let share = ((at_s - self.from_s) / (self.to_s - self.from_s)).clamp(0.0, 1.0);
        LEFT + share * (RIGHT - LEFT)
    }

    pub(super) fn x_of(self, at: Duration) -> f64 {
        self.x(at.as_secs_f64())
    }

    /// The ticks, each with its words.
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        let span = self.to_s - self.from_s;
        let days = || (span / TIME_TICKS_MAX / 86_400.0).ceil() * 86_400.0;
        let fits = |step: &f64| span / step <= TIME_TICKS_MAX;
        let step = TIME_STEPS.into_iter().find(fits).unwrap_or_else(days);
        let mut ticks = Vec::new();
        let mut at = self.from_s;
        while at <= self.to_s && ticks.len() < 12 {
            ticks.push((self.x(at), time_words(at, step)));
            at += step;
        }
        ticks
    }
}

/// A time since the start in the unit of its axis: `0 s`, `90 s`, `4 min`, `2 h`, `3 d`.
fn time_words(at_s: f64, step_s: f64) -> String {
    let whole = |unit: f64, name: &str| format!("{} {name}", shortest(at_s / unit));
    match step_s {
        ..60.0 => whole(1.0, "s"),
        ..3_600.0 => whole(60.0, "min"),
        ..86_400.0 => whole(3_600.0, "h"),
        _ => whole(86_400.0, "d"),
    }
}

/// Without a tail of zeros.
fn shortest(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Counts or rates from below to above, from 0 to a round number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LinearAxis {
    top: f64,
    height: f64,
}

impl LinearAxis {
    /// An axis that has room for this value.
    pub(super) fn for_values_to(highest: f64, height: f64) -> Self {
        let highest = if highest.is_finite() { highest.max(1.0) } else { 1.0 };
        let decade = 10_f64.powf(highest.log10().floor());
        let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
        let top = steps.into_iter().map(|step| step * decade).find(|top| *top >= highest);
        Self { top: top.unwrap_or(highest), height }
    }

    pub(super) fn top(self) -> f64 {
        self.top
    }

    /// The place below the lane's upper edge.
    pub(super) fn y(self, value: f64) -> f64 {
        self.height - (value / self.top).clamp(0.0, 1.0) * self.height
    }
}

/// Latencies from below to above, each decade as high as the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LogAxis {
    /// The powers of ten at both ends, of milliseconds.
    bottom: i32,
    top: i32,
    height: f64,
}

impl LogAxis {
    /// An axis in whole decades that has room for these milliseconds.
    pub(super) fn for_values_in(lowest_ms: f64, highest_ms: f64, height: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "clamped to what an hour needs")]
        let power = |ms: f64| ms.max(1e-3).log10().clamp(-3.0, 7.0);
        #[allow(clippy::cast_possible_truncation, reason = "clamped above")]
        let (bottom, top) = (power(lowest_ms).floor() as i32, power(highest_ms).ceil() as i32);
        Self { bottom, top: top.max(bottom + 1), height }
    }

    pub(super) fn y(self, ms: f64) -> f64 {
        let (bottom, top) = (f64::from(self.bottom), f64::from(self.top));
        let share = (ms.max(1e-3).log10() - bottom) / (top - bottom);
        self.height - share.clamp(0.0, 1.0) * self.height
    }

    /// A tick a decade, every other one where they would stand too close.
    pub(super) fn ticks(self) -> Vec<(f64, String)> {
        let decades = usize::try_from(self.top - self.bottom).unwrap_or(1);
        let each = if decades > 4 { 2 } else { 1 };
        (self.bottom..=self.top)
            .step_by(each)
            .map(|power| {
                let ms = 10_f64.powi(power);
                (self.y(ms), latency_words(ms))
            })
            .collect()
    }
}

/// A round latency: `10 µs`, `1 ms`, `10 s`.
fn latency_words(ms: f64) -> String {
    match ms {
        ..0.5 => format!("{:.0} µs", ms * 1e3),
        ..500.0 => format!("{ms:.0} ms"),
        _ => format!("{:.0} s", ms / 1e3),
    }
}

/// A count or rate beside its tick: `50`, `1.5`, `12 000`.
pub(super) fn count_words(value: f64) -> String {
    if value.fract().abs() > 1e-9 && value < 100.0 {
        return shortest(value);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    numbers::grouped(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(axis: TimeAxis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, words)| words).collect()
    }

    #[test]
    fn ticks_of_time_are_what_people_count_in() {
        assert_eq!(
            words(TimeAxis::until(4.2)),
            ["0 s", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s", "3.5 s", "4 s"]
        );
        assert_eq!(words(TimeAxis::until(95.0)).last().unwrap(), "90 s");
        assert_eq!(
            words(TimeAxis::until(3_000.0)),
            [
                "0 min", "5 min", "10 min", "15 min", "20 min", "25 min", "30 min", "35 min",
                "40 min", "45 min", "50 min"
            ]
        );
        assert_eq!(
            words(TimeAxis::until(86_400.0)),
            ["0 h", "4 h", "8 h", "12 h", "16 h", "20 h", "24 h"]
        );
    }

    #[test]
    fn a_time_that_no_run_has_draws_few_ticks_too() {
        for end_s in [0.0, -3.0, f64::NAN, f64::INFINITY, 1e10, f64::MAX] {
            let ticks = TimeAxis::until(end_s).ticks();
            assert!((1..=12).contains(&ticks.len()), "{end_s}: {ticks:?}");
            assert!(ticks.iter().all(|(x, _)| (LEFT..=RIGHT).contains(x)), "{end_s}: {ticks:?}");
        }
    }

    #[test]
    fn values_have_room_and_a_round_top() {
        let tops =
            [0.0, 1.0, 42.0, 50.0, 51.0, 9_700.0].map(|v| LinearAxis::for_values_to(v, 80.0).top());
        assert_eq!(tops, [1.0, 1.0, 50.0, 50.0, 60.0, 10_000.0]);
        assert_eq!(LinearAxis::for_values_to(50.0, 80.0).y(25.0), 40.0);
    }

    #[test]
    fn latencies_stand_in_decades() {
        let axis = LogAxis::for_values_in(0.4, 1_200.0, 90.0);
        let ticks: Vec<String> = axis.ticks().into_iter().map(|(_, words)| words).collect();
        assert_eq!(ticks, ["100 µs", "10 ms", "1 s"]);
        assert_eq!((axis.y(0.1), axis.y(10_000.0)), (90.0, 0.0));
    }
}
