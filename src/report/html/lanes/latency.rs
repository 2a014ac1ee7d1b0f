//! The lane of latencies: median, 99th percentile and the longest, on a scale of decades.

use maud::html;

use crate::model::run::summary::Summary;
use crate::report::numbers::whole;

use super::super::axis::{LEFT, LogAxis, RIGHT, TimeAxis};
use super::super::picture::place;
use super::super::silence::silent_s;
use super::Lane;

const HEIGHT: f64 = 92.0;

/// Which line is which, beside the lane.
const KEY: [(&str, &str); 3] = [("line max", "max"), ("line", "p99"), ("line p50", "p50")];
const KEY_ROW: f64 = 15.0;

/// Latencies by the time of their acknowledgement. Lines end where a stretch without
/// any write lies between two values.
pub(in super::super) fn latency(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let columns = &summary.timeline.latency_ms;
    let values = || columns.p50.iter().chain(&columns.max).flatten().copied();
    let lowest = values().fold(f64::INFINITY, f64::min);
    let limit = summary.options.thresholds.max_p99;
    let limit_ms = limit.map(|limit| limit.as_secs_f64() * 1e3);
    let highest = values().chain(limit_ms).fold(0.0, f64::max);
    if !lowest.is_finite() {
        return None;
    }
    let scale = LogAxis::for_values_in(lowest, highest, HEIGHT);
    let outages = silent_s(summary);
    let line =
        |values: &[Option<f64>]| line(values, summary.timeline.width_s, &outages, axis, scale);
    let drawing = html! {
        @for (y, words) in scale.ticks() {
            line class="grid" x1=(place(LEFT)) x2=(place(RIGHT)) y1=(place(y)) y2=(place(y)) {}
            text class="tick" x=(place(LEFT - 6.0)) y=(place(y + 4.0)) { (words) }
        }
        @for (n, (class, words)) in KEY.into_iter().enumerate() {
            @let y = KEY_ROW.mul_add(f64::from(u8::try_from(n).unwrap_or(0)), 31.0);
            path class=(class) d=(format!("M0 {}h18", place(y - 4.0))) {}
            text x="24" y=(place(y)) { (words) }
        }
        path class="line max" d=(line(&columns.max)) { title { "longest" } }
        path class="line" d=(line(&columns.p99)) { title { "99th percentile" } }
        path class="line p50" d=(line(&columns.p50)) { title { "median" } }
        @if let (Some(limit), Some(ms)) = (limit, limit_ms) {
            @let y = scale.y(ms);
            line class="limit-line" x1=(place(LEFT)) x2=(place(RIGHT)) y1=(place(y)) y2=(place(y)) {}
            text class="bad end" x=(place(RIGHT)) y=(place(if y < 12.0 { y + 12.0 } else { y - 4.0 })) {
                "limit of p99 " (whole(limit))
            }
        }
    };
    Some(Lane { name: "latency".to_owned(), unit: None, height: HEIGHT, drawing })
}

#[allow(clippy::cast_precision_loss, reason = "at most 1,024")]
fn line(
    values: &[Option<f64>],
    width_s: f64,
    outages: &[(f64, f64)],
    axis: TimeAxis,
    scale: LogAxis,
) -> String {
    let mut path = String::new();
    let mut before: Option<f64> = None;
    for (n, ms) in values.iter().enumerate().filter_map(|(n, ms)| Some((n, (*ms)?))) {
        let at_s = (n as f64 + 0.5) * width_s;
        // Outages are in order: the first one that ends after the value before is the one to look at.
        let is_cut = before.is_some_and(|before_s| {
            let first = outages.partition_point(|(_, to_s)| *to_s <= before_s);
            outages.get(first).is_some_and(|(from_s, _)| *from_s < at_s)
        });
        let (x, y) = (place(axis.x(at_s)), place(scale.y(ms)));
        match before {
            Some(_) if !is_cut => path.push_str(&format!("L{x} {y}")),
            // A value that stands alone is a dot as wide as the line.
            _ => path.push_str(&format!("M{x} {y}h1")),
        }
        before = Some(at_s);
    }
    path
}
