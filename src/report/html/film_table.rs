//! The counts of the film as a table, for a screen reader.

use maud::{Markup, html};

use crate::model::run::summary::Summary;
use crate::model::run::timeline_columns::TimelineColumns;
use crate::report::numbers::{grouped, milliseconds, seconds};

use super::table::{CellsOf, HtmlTable};

/// Rows of the table: buckets are put together until they fit.
const ROWS_MAX: usize = 60;

const HEAD: [(&str, CellsOf); 7] = [
    ("from", CellsOf::Numbers),
    ("due", CellsOf::Numbers),
    ("acknowledged", CellsOf::Numbers),
    ("in doubt", CellsOf::Numbers),
    ("longest latency", CellsOf::Numbers),
    ("writers out", CellsOf::Numbers),
    ("errors", CellsOf::Texts),
];

pub(super) fn film_table(summary: &Summary) -> Markup {
    let timeline = &summary.timeline;
    let each = timeline.len().div_ceil(ROWS_MAX).max(1);
    let rows = (0..timeline.len()).step_by(each).map(|from| row(timeline, from, each)).collect();
    let table = HtmlTable { caption: "The run over time", head: &HEAD, rows, more: 0 };
    html! { details { summary { "Its counts as a table" } (table.markup()) } }
}

fn row(timeline: &TimelineColumns, from: usize, each: usize) -> Vec<String> {
    fn of<T>(column: &[T], from: usize, each: usize) -> &[T] {
        let end = column.len().min(from.saturating_add(each));
        column.get(from..end).unwrap_or_default()
    }
    let sum = |column: &[u64]| {
        grouped(of(column, from, each).iter().fold(0_u64, |sum, count| sum.saturating_add(*count)))
    };
    let longest = of(&timeline.latency_ms.max, from, each).iter().flatten().copied();
    let longest = longest.reduce(f64::max).map(milliseconds).unwrap_or_default();
    let out = of(&timeline.writers_out_max, from, each).iter().max().copied().unwrap_or(0);
    let errors = timeline.errors.iter().filter_map(|(class, column)| {
        let count =
            of(column, from, each).iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        (count > 0).then(|| format!("{class} {}", grouped(count)))
    });
    #[allow(clippy::cast_precision_loss, reason = "at most 1,024")]
    let at_s = from as f64 * timeline.width_s;
    vec![
        seconds(at_s),
        sum(&timeline.due),
        sum(&timeline.acknowledged),
        sum(&timeline.in_doubt),
        longest,
        grouped(out),
        errors.collect::<Vec<_>>().join(", "),
    ]
}
