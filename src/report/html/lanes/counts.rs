//! Lanes of counts: writes acknowledged, errors by class, writers that are out.

use maud::{Markup, html};

use crate::model::load::options::Rate;
use crate::model::run::summary::Summary;
use crate::model::run::timeline_columns::TimelineColumns;
use crate::report::numbers::{grouped, per_second};

use super::super::axis::{LEFT, LinearAxis, RIGHT, TimeAxis, count_words};
use super::super::picture::place;
use super::super::silence::{outages_s, silent_s};
use super::Lane;

const WRITES_HEIGHT: f64 = 84.0;
const OUT_HEIGHT: f64 = 34.0;
const ERROR_ROW: f64 = 18.0;

/// Classes of errors with a row of their own, the most frequent.
const CLASSES_SHOWN: usize = 6;

/// Steps of a line, at most: finer ones cannot be seen.
const STEPS_MAX: usize = 450;

/// Writes that a step should have, so that a steady rate is drawn as one.
const WRITES_A_STEP: u64 = 20;

/// Steps that a line has at least, where a run has as many buckets.
const STEPS_MIN: usize = 16;

/// Acknowledged writes a second, with the rate that was due.
pub(in super::super) fn writes(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let timeline = &summary.timeline;
    let steps = rates(timeline, &silent_s(summary), axis.end_s());
    if timeline.acknowledged.is_empty() && timeline.due.is_empty() {
        return None;
    }
    let due = match summary.options.load.rate {
        Rate::PerSecond(rate) if rate.is_finite() => Some(rate),
        _ => None,
    };
    let highest = steps.iter().map(|step| step.value).chain(due).fold(0.0, f64::max);
    let scale = LinearAxis::for_values_to(highest, WRITES_HEIGHT);
    let (line, area) = stairs(&steps, axis, scale, WRITES_HEIGHT);
    let due = due.map(|rate| {
        html! {
            @let y = scale.y(rate);
            line class="due" x1=(place(LEFT)) x2=(place(RIGHT)) y1=(place(y)) y2=(place(y)) {}
            text class="end" x=(place(RIGHT)) y=(place(if y < 12.0 { y + 12.0 } else { y - 4.0 })) {
                "due " (per_second(rate))
            }
        }
    });
    let drawing = html! {
        (scale_ticks(scale, WRITES_HEIGHT))
        path class="area" d=(area) {}
        path class="line" d=(line) {}
        @if let Some(due) = due { (due) }
    };
    let unit = Some("acknowledged/s".to_owned());
    Some(Lane { name: "writes".to_owned(), unit, height: WRITES_HEIGHT, drawing })
}

fn scale_ticks(scale: LinearAxis, height: f64) -> Markup {
    html! {
        line class="grid" x1=(place(LEFT)) x2=(place(RIGHT)) y1=(place(height)) y2=(place(height)) {}
        text class="tick" x=(place(LEFT - 6.0)) y=(place(height + 4.0)) { "0" }
        text class="tick" x=(place(LEFT - 6.0)) y="10" { (count_words(scale.top())) }
    }
}

/// A value that holds for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
struct RateStep {
    from_s: f64,
    to_s: f64,
    value: f64,
}

/// How many buckets a step of the line has: enough that writes are a rate, and few enough that the run
/// keeps its shape.
fn buckets_a_step(timeline: &TimelineColumns) -> usize {
    let buckets = timeline.len().max(1);
    let writes = timeline.acknowledged.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let busy = timeline.acknowledged.iter().filter(|count| **count > 0).count().max(1) as u64;
    let for_a_rate = WRITES_A_STEP.div_ceil((writes / busy).max(1));
    let for_a_rate = usize::try_from(for_a_rate).unwrap_or(1);
    for_a_rate.min((buckets / STEPS_MIN).max(1)).max(buckets.div_ceil(STEPS_MAX))
}

/// The rate over time, and 0 where the run had no write for as long as can be seen. Steps begin at
/// multiples of their width and at the ends of such stretches: a bucket that an outage begins in has its
/// writes before it.
fn rates(timeline: &TimelineColumns, silences: &[(f64, f64)], end_s: f64) -> Vec<RateStep> {
    #[allow(clippy::cast_precision_loss, reason = "at most 1,024")]
    let step_s = timeline.width_s * buckets_a_step(timeline) as f64;
    #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
    let seen_s = (end_s / STEPS_MAX as f64).max(1e-3);
    let silent: Vec<(f64, f64)> =
        silences.iter().copied().filter(|(from, to)| to - from >= seen_s).collect();
    let counts = WritesBesideSilence { timeline, silent: &silent, end_s };
    let mut steps = Vec::new();
    let mut from_s = 0.0;
    for (silent_from, silent_to) in silent.iter().copied().chain([(end_s, end_s)]) {
        steps.extend(counts.steps(from_s, silent_from, step_s));
        if silent_to > silent_from {
            steps.push(RateStep { from_s: silent_from, to_s: silent_to, value: 0.0 });
        }
        from_s = silent_to.max(from_s);
    }
    steps
}

/// The writes of a run, and where none were.
struct WritesBesideSilence<'a> {
    timeline: &'a TimelineColumns,
    silent: &'a [(f64, f64)],
    end_s: f64,
}

impl WritesBesideSilence<'_> {
    /// The steps of a stretch in which writes went through.
    fn steps(&self, from_s: f64, to_s: f64, step_s: f64) -> Vec<RateStep> {
        let mut edges = vec![from_s];
        let mut next_s = (from_s / step_s).floor().mul_add(step_s, step_s);
        // A remainder of less than half a step goes with its neighbour.
        while next_s < to_s - step_s / 2.0 && edges.len() <= STEPS_MAX {
            if next_s - from_s > step_s / 2.0 {
                edges.push(next_s);
            }
            next_s += step_s;
        }
        edges.push(to_s);
        let steps = edges.windows(2).map(|edge| {
            let (from_s, to_s) = (edge[0], edge[1]);
            RateStep { from_s, to_s, value: self.between(from_s, to_s) / (to_s - from_s).max(1e-3) }
        });
        // In a sliver between two outages, or at the end, a single write is any rate.
        steps.filter(|step| step.to_s - step.from_s > step_s / 4.0).collect()
    }

    /// How many writes were acknowledged in a stretch: of a bucket that is partly in it as many as of
    /// the time in which that had any.
    #[allow(clippy::cast_precision_loss, reason = "counts in a picture")]
    fn between(&self, from_s: f64, to_s: f64) -> f64 {
        let width_s = self.timeline.width_s;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let first = (from_s / width_s).floor() as usize;
        let buckets = self.timeline.acknowledged.iter().enumerate().skip(first);
        let mut sum = 0.0;
        for (n, count) in buckets {
            let begins = n as f64 * width_s;
            let ends = (begins + width_s).min(self.end_s.max(begins + 1e-6));
            if begins >= to_s {
                break;
            }
            let share =
                self.busy(begins.max(from_s), ends.min(to_s)) / self.busy(begins, ends).max(1e-6);
            sum += *count as f64 * share.clamp(0.0, 1.0);
        }
        sum
    }

    /// The part of a stretch that was not silent, in seconds.
    fn busy(&self, from_s: f64, to_s: f64) -> f64 {
        let first = self.silent.partition_point(|(_, silent_to)| *silent_to <= from_s);
        let silent =
            self.silent.iter().skip(first).take_while(|(silent_from, _)| *silent_from < to_s);
        let silent: f64 = silent
            .map(|(silent_from, silent_to)| silent_to.min(to_s) - silent_from.max(from_s))
            .sum();
        (to_s - from_s - silent).max(0.0)
    }
}

/// A line in stairs, and the area below it.
fn stairs(steps: &[RateStep], axis: TimeAxis, scale: LinearAxis, height: f64) -> (String, String) {
    let mut line = String::new();
    for step in steps {
        let (from, to, y) = (axis.x(step.from_s), axis.x(step.to_s), scale.y(step.value));
        let verb = if line.is_empty() { 'M' } else { 'L' };
        line.push_str(&format!("{verb}{} {}H{}", place(from), place(y), place(to)));
    }
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return (line.clone(), line);
    };
    let (from, to) = (axis.x(first.from_s), axis.x(last.to_s));
    let area = format!("{line}L{} {h}H{}z", place(to), place(from), h = place(height));
    (line, area)
}

/// A row a class, with a stroke where errors were.
pub(in super::super) fn errors(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let timeline = &summary.timeline;
    let mut classes: Vec<_> = timeline
        .errors
        .iter()
        .map(|(class, counts)| {
            (*class, counts, counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count)))
        })
        .collect();
    if classes.is_empty() {
        return None;
    }
    classes.sort_by_key(|(_, _, all)| std::cmp::Reverse(*all));
    let more = classes.len().saturating_sub(CLASSES_SHOWN);
    classes.truncate(CLASSES_SHOWN);
    let drawing = html! {
        @for (row, (class, counts, all)) in classes.iter().enumerate() {
            @let y = row_y(row);
            line class="grid" x1=(place(LEFT)) x2=(place(RIGHT)) y1=(place(y)) y2=(place(y)) {}
            path class="error" d=(strokes(counts, timeline.width_s, axis, y)) {
                title { (class.name()) ": " (grouped(*all)) }
            }
            text x="0" y=(place(y)) { (class.name()) " " (grouped(*all)) }
        }
        @if more > 0 { text x="0" y=(place(row_y(classes.len()))) { "and " (more) " more classes" } }
    };
    #[allow(clippy::cast_precision_loss, reason = "a few rows")]
    let rows = (classes.len() + usize::from(more > 0)) as f64;
    let height = ERROR_ROW.mul_add(rows, 18.0);
    Some(Lane { name: "errors".to_owned(), unit: None, height, drawing })
}

#[allow(clippy::cast_precision_loss, reason = "a few rows")]
fn row_y(row: usize) -> f64 {
    ERROR_ROW.mul_add(row as f64 + 1.0, 14.0)
}

/// A stroke a bucket, the higher the more errors, by the logarithm of their number.
#[allow(clippy::cast_precision_loss, reason = "counts in a picture")]
fn strokes(counts: &[u64], width_s: f64, axis: TimeAxis, y: f64) -> String {
    let most = counts.iter().copied().max().unwrap_or(1) as f64;
    let mut path = String::new();
    for (n, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let x = axis.x((n as f64 + 0.5) * width_s);
        let share = (*count as f64 + 1.0).ln() / (most + 1.0).ln();
        path.push_str(&format!("M{} {}v-{}", place(x), place(y), place(share.mul_add(9.0, 4.0))));
    }
    path
}

/// How many writers were out.
pub(in super::super) fn writers_out(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let timeline = &summary.timeline;
    if timeline.writers_out_max.is_empty() {
        return None;
    }
    let writers = f64::from(summary.options.load.writers.max(1));
    let scale = LinearAxis::for_values_to(writers, OUT_HEIGHT);
    let steps = out_steps(timeline, &outages_s(summary));
    let (_, area) = stairs(&steps, axis, scale, OUT_HEIGHT);
    let drawing = html! {
        (scale_ticks(scale, OUT_HEIGHT))
        path class="out" d=(area) {}
    };
    let unit = Some(format!("of {}", grouped(u64::from(summary.options.load.writers))));
    Some(Lane { name: "writers out".to_owned(), unit, height: OUT_HEIGHT, drawing })
}

/// How many were out, a step a bucket; in one that an outage begins or ends in, from then or until then.
#[allow(clippy::cast_precision_loss, reason = "counts in a picture")]
fn out_steps(timeline: &TimelineColumns, outages: &[(f64, f64)]) -> Vec<RateStep> {
    let mut steps = Vec::new();
    for (n, out) in timeline.writers_out_max.iter().enumerate() {
        let begins = n as f64 * timeline.width_s;
        let ends = begins + timeline.width_s;
        let first = outages.partition_point(|(_, to_s)| *to_s <= begins);
        let beyond = outages.partition_point(|(from_s, _)| *from_s < ends);
        let span = match (outages.get(first), outages.get(beyond.saturating_sub(1))) {
            (Some((from_s, _)), Some((_, to_s))) if first < beyond => {
                (from_s.max(begins), to_s.min(ends))
            }
            _ => (begins, ends),
        };
        let parts = [(begins, span.0, 0), (span.0, span.1, *out), (span.1, ends, 0)];
        let parts = parts.into_iter().filter(|(from_s, to_s, _)| to_s > from_s);
        steps.extend(parts.map(|(from_s, to_s, out)| RateStep { from_s, to_s, value: out as f64 }));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thirty writes a second but in these stretches, in buckets of a tenth of a second.
    fn timeline(silences: &[(f64, f64)]) -> TimelineColumns {
        let is_silent = |at: f64| silences.iter().any(|(from, to)| (*from..*to).contains(&at));
        let count = |n: u32| {
            let at = |k: u32| f64::from(n) / 10.0 + f64::from(k) / 30.0 + 0.01;
            (0..3).filter(|k| !is_silent(at(*k))).count() as u64
        };
        let acknowledged: Vec<u64> = (0..100).map(count).collect();
        TimelineColumns {
            width_s: 0.1,
            due: vec![3; 100],
            acknowledged,
            ..TimelineColumns::default()
        }
    }

    #[test]
    fn a_rate_ends_where_an_outage_begins_and_not_where_its_bucket_ends() {
        let silences = [(2.34, 5.61)];
        let steps = rates(&timeline(&silences), &silences, 10.0);
        let silent: Vec<&RateStep> = steps.iter().filter(|step| step.value < 1.0).collect();
        assert_eq!(silent.len(), 1, "{steps:?}");
        assert_eq!((silent[0].from_s, silent[0].to_s), silences[0]);
        for step in steps.iter().filter(|step| step.value >= 1.0) {
            assert!((25.0..35.0).contains(&step.value), "{step:?}");
        }
        let told: f64 = steps.iter().map(|step| step.value * (step.to_s - step.from_s)).sum();
        let all: u64 = timeline(&silences).acknowledged.iter().sum();
        #[allow(clippy::cast_precision_loss)]
        let all = all as f64;
        assert!((told - all).abs() < 1.0, "no write is drawn twice or not at all: {told} of {all}");
    }

    #[test]
    fn writers_are_out_while_the_outage_lasts() {
        let writers_out_max = vec![0, 4, 4, 4, 0];
        let timeline =
            TimelineColumns { width_s: 1.0, writers_out_max, ..TimelineColumns::default() };
        let steps = out_steps(&timeline, &[(1.25, 3.5)]);
        let out: Vec<(f64, f64)> = steps
            .iter()
            .filter(|step| step.value > 0.0)
            .map(|step| (step.from_s, step.to_s))
            .collect();
        assert_eq!(out, [(1.25, 2.0), (2.0, 3.0), (3.0, 3.5)]);
    }

    #[test]
    fn outages_too_short_to_be_seen_cost_no_steps() {
        let silences: Vec<(f64, f64)> =
            (0..1000).map(|n| f64::from(n) / 100.0).map(|at| (at, at + 0.002)).collect();
        assert!(rates(&timeline(&silences), &silences, 10.0).len() <= STEPS_MAX + 1);
    }
}
