//! What the film shows as tables, for a screen reader and for exact numbers.

use maud::{Markup, html};

use crate::model::foreign::plain;
use crate::model::run::summary::Summary;
use crate::model::run::timeline_columns::TimelineColumns;
use crate::report::numbers::{duration, grouped, milliseconds, seconds};
use crate::report::words;

use super::table::{CellsOf, HtmlTable, SHOWN_MAX};

/// Rows of the table: buckets are put together until they fit.
const ROWS_MAX: usize = 60;

const HEAD: [(&str, CellsOf); 9] = [
    ("from", CellsOf::Numbers),
    ("due", CellsOf::Numbers),
    ("acknowledged", CellsOf::Numbers),
    ("in doubt", CellsOf::Numbers),
    ("p50, at most", CellsOf::Numbers),
    ("p99, at most", CellsOf::Numbers),
    ("longest latency", CellsOf::Numbers),
    ("writers out", CellsOf::Numbers),
    ("errors", CellsOf::Texts),
];

pub(super) fn film_tables(summary: &Summary) -> Markup {
    html! {
        details { summary { "Its counts as a table" } (counts(&summary.timeline)) }
        @if !summary.acknowledging.is_empty() || !summary.members.is_empty() {
            details {
                summary { "Servers and members as tables" }
                (acknowledging(summary))
                (members(summary))
            }
        }
        @if !summary.proxy.is_empty() || !summary.proxy_page.is_empty() {
            details {
                summary { "What the proxy says as tables" }
                (proxy(summary))
                (proxy_page(summary))
            }
        }
    }
}

fn counts(timeline: &TimelineColumns) -> Markup {
    let each = timeline.len().div_ceil(ROWS_MAX).max(1);
    let rows = (0..timeline.len()).step_by(each).map(|from| row(timeline, from, each)).collect();
    HtmlTable { caption: "The run over time", head: &HEAD, rows, more: 0 }.markup()
}

fn acknowledging(summary: &Summary) -> Markup {
    let head = [
        ("from", CellsOf::Numbers),
        ("acknowledges writes", CellsOf::Texts),
        ("timeline", CellsOf::Numbers),
    ];
    let rows = summary.acknowledging.iter().take(SHOWN_MAX).map(|one| {
        let timeline = one.timeline.map(|timeline| timeline.to_string());
        vec![duration(one.from), plain(&one.server), timeline.unwrap_or_default()]
    });
    let more = summary.acknowledging.len().saturating_sub(SHOWN_MAX);
    let caption = "Which server acknowledged writes";
    HtmlTable { caption, head: &head, rows: rows.collect(), more }.markup()
}

fn members(summary: &Summary) -> Markup {
    if summary.members.is_empty() {
        return html! {};
    }
    let head = [
        ("member", CellsOf::Texts),
        ("from", CellsOf::Numbers),
        ("what it is", CellsOf::Texts),
        ("timeline", CellsOf::Numbers),
    ];
    let states: usize = summary.members.iter().map(|lane| lane.states.len()).sum();
    let rows = summary.members.iter().flat_map(|lane| {
        lane.states.iter().map(|from| {
            let (is, timeline) = words::member_state(&from.is);
            let timeline = timeline.map(|timeline| timeline.to_string());
            vec![plain(&lane.member), duration(from.from), plain(&is), timeline.unwrap_or_default()]
        })
    });
    let more = states.saturating_sub(SHOWN_MAX);
    let rows = rows.take(SHOWN_MAX).collect();
    HtmlTable { caption: "What each member was, by its Patroni", head: &head, rows, more }.markup()
}

fn proxy(summary: &Summary) -> Markup {
    if summary.proxy.is_empty() {
        return html! {};
    }
    let head = [
        ("backend", CellsOf::Texts),
        ("server", CellsOf::Texts),
        ("from", CellsOf::Numbers),
        ("what it is for the proxy", CellsOf::Texts),
    ];
    let states: usize = summary.proxy.iter().map(|lane| lane.states.len()).sum();
    let rows = summary.proxy.iter().flat_map(|lane| {
        lane.states.iter().map(|from| {
            let is = plain(&words::proxy_server_state(&from.is));
            vec![plain(&lane.backend), plain(lane.name()), duration(from.from), is]
        })
    });
    let rows = rows.take(SHOWN_MAX).collect();
    let more = states.saturating_sub(SHOWN_MAX);
    let caption = "What each server was for the proxy, by its page";
    HtmlTable { caption, head: &head, rows, more }.markup()
}

fn proxy_page(summary: &Summary) -> Markup {
    if summary.proxy_page.is_empty() {
        return html! {};
    }
    let head = [("from", CellsOf::Numbers), ("the proxy's page", CellsOf::Texts)];
    let rows = summary.proxy_page.iter().take(SHOWN_MAX).map(|one| {
        let is = one.error.as_ref().map_or_else(
            || "can be read".to_owned(),
            |error| format!("cannot be read: {}", plain(error)),
        );
        vec![duration(one.from), is]
    });
    let more = summary.proxy_page.len().saturating_sub(SHOWN_MAX);
    let caption = "Whether the proxy's page could be read";
    HtmlTable { caption, head: &head, rows: rows.collect(), more }.markup()
}

/// What a drill did, as a table.
pub(super) fn injections(summary: &Summary) -> Markup {
    if summary.injections.is_empty() {
        return html! {};
    }
    let head = [
        ("at", CellsOf::Numbers),
        ("the drill did", CellsOf::Texts),
        ("took", CellsOf::Numbers),
        ("errors that followed", CellsOf::Texts),
    ];
    let rows = summary.injections.iter().take(SHOWN_MAX).map(|one| {
        let errors: Vec<&str> = one.errors.iter().map(|class| class.name()).collect();
        vec![
            duration(one.at),
            words::injection(one),
            one.took.map(duration).unwrap_or_default(),
            errors.join(", "),
        ]
    });
    let more = summary.injections.len().saturating_sub(SHOWN_MAX);
    HtmlTable {
        caption: "Each action, by the time since the start",
        head: &head,
        rows: rows.collect(),
        more,
    }
    .markup()
}

fn row(timeline: &TimelineColumns, from: usize, each: usize) -> Vec<String> {
    fn of<T>(column: &[T], from: usize, each: usize) -> &[T] {
        let end = column.len().min(from.saturating_add(each));
        column.get(from..end).unwrap_or_default()
    }
    let sum = |column: &[u64]| {
        grouped(of(column, from, each).iter().fold(0_u64, |sum, count| sum.saturating_add(*count)))
    };
    // Percentiles cannot be put together: of several buckets the highest is told.
    let most = |column: &[Option<f64>]| {
        let values = of(column, from, each).iter().flatten().copied();
        values.reduce(f64::max).map(milliseconds).unwrap_or_default()
    };
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
        most(&timeline.latency_ms.p50),
        most(&timeline.latency_ms.p99),
        most(&timeline.latency_ms.max),
        grouped(out),
        errors.collect::<Vec<_>>().join(", "),
    ]
}
