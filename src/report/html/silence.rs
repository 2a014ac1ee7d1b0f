//! Stretches without any write, on the time axis of a picture.

use crate::model::outage::Outage;
use crate::model::run::summary::Summary;

use super::axis::TimeAxis;

/// A stretch that is narrower cannot be seen.
const WIDTH_MIN: f64 = 0.8;

/// The stretches without any write: where each begins and ends.
pub(super) fn silent(summary: &Summary, axis: TimeAxis) -> impl Iterator<Item = (f64, f64)> {
    summary.outages.iter().flat_map(move |outage| silent_in(outage, axis))
}

/// The same in seconds since the start, in their order; those that overlap are one.
pub(super) fn silent_s(summary: &Summary) -> Vec<(f64, f64)> {
    let silent = summary.outages.iter().flat_map(Outage::silent);
    in_order(silent.map(|span| (span.from.as_secs_f64(), span.to.as_secs_f64())))
}

/// From the beginning of each outage to its end, in seconds, likewise.
pub(super) fn outages_s(summary: &Summary) -> Vec<(f64, f64)> {
    let span = |outage: &Outage| (outage.began.as_secs_f64(), outage.ended().as_secs_f64());
    in_order(summary.outages.iter().map(span))
}

fn in_order(spans: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut spans: Vec<(f64, f64)> = spans.collect();
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    spans.dedup_by(|next, before| {
        let overlaps = next.0 <= before.1;
        if overlaps {
            before.1 = before.1.max(next.1);
        }
        overlaps
    });
    spans
}

/// Those of one outage.
pub(super) fn silent_in(outage: &Outage, axis: TimeAxis) -> impl Iterator<Item = (f64, f64)> {
    outage.silent().map(move |span| {
        let from = axis.x_of(span.from);
        (from, axis.x_of(span.to).max(from + WIDTH_MIN))
    })
}

/// The stretches of an outage in which others wrote: from its beginning to its end, but for those
/// without any write.
pub(super) fn partly_out(outage: &Outage, axis: TimeAxis) -> Vec<(f64, f64)> {
    let began = axis.x_of(outage.began);
    let ended = axis.x_of(outage.ended()).max(began + WIDTH_MIN);
    let mut from = began;
    let mut spans = Vec::new();
    for (silent_from, silent_to) in silent_in(outage, axis) {
        spans.push((from, silent_from));
        from = silent_to;
    }
    spans.push((from, ended));
    // What is shorter than this lies between two evidences of the same moment.
    spans.retain(|(from, to)| to - from >= 0.1);
    spans
}
