//! An outage's parts with their owners: as one bar on the outage's own axis, and as a table.

use std::time::Duration;

use maud::{Markup, html};

use crate::model::foreign::plain;
use crate::model::outage::Outage;
use crate::model::outage::whose::{OutagePart, Owner, WhoseSeconds};
use crate::report::numbers::duration;
use crate::report::whose_words;

use super::axis::TimeAxis;
use super::picture::{place, width_of};
use super::table::{CellsOf, HtmlTable};

const HEAD: [(&str, CellsOf); 5] = [
    ("what was in the way", CellsOf::Texts),
    ("whose", CellsOf::Texts),
    ("from", CellsOf::Numbers),
    ("seconds", CellsOf::Numbers),
    ("expected by the settings", CellsOf::Numbers),
];

/// The parts of an outage as a bar; nothing where they were not told.
pub(super) fn whose_bar(outage: &Outage, axis: TimeAxis) -> Markup {
    let Some(whose) = told(outage) else { return html! {} };
    html! {
        svg viewBox="0 0 1040 34" role="img"
            aria-label="Whose seconds the outage was; the table below has them, too." {
            text class="lane" x="0" y="20" { "whose" }
            @for part in &whose.parts { (bar(part, axis)) }
        }
    }
}

/// The same as a table.
pub(super) fn whose_table(outage: &Outage) -> Markup {
    told(outage).map_or_else(|| html! {}, table)
}

fn told(outage: &Outage) -> Option<&WhoseSeconds> {
    outage.whose.as_ref().filter(|whose| !whose.parts.is_empty())
}

fn bar(part: &OutagePart, axis: TimeAxis) -> Markup {
    let (from, to) = (axis.x_of(part.from), axis.x_of(part.from.saturating_add(part.lasted)));
    // A line of the background between two parts, where there is room for one.
    let width = (to - from - 1.0).max(0.8);
    let (class, is_dark) = class(&part.owners);
    let words = whose_words::part(part);
    let title = format!("{} {words}", duration(part.lasted));
    let short = whose_words::owners(&part.owners);
    let fitting = [title.as_str(), words.as_str(), short.as_str()];
    let fitting = fitting.into_iter().find(|text| width_of(text) + 10.0 < to - from);
    html! {
        rect class=(class) x=(place(from)) y="4" width=(place(width)) height="24" {
            title { (title) }
        }
        @if let Some(words) = fitting {
            text class=(if is_dark { "on-dark" } else { "on-light" }) x=(place(from + 6.0)) y="20" { (words) }
        }
    }
}

/// The colour of an owner; one for several.
fn class(owners: &[Owner]) -> (&'static str, bool) {
    match owners {
        [Owner::Patroni] => ("s0", true),
        [Owner::Postgresql] => ("s1", true),
        [Owner::Etcd] => ("start", false),
        [Owner::Proxy] => ("s3", true),
        [Owner::Network] => ("repl", false),
        [Owner::Client] => ("s2", true),
        _ => ("down", false),
    }
}

fn table(whose: &WhoseSeconds) -> Markup {
    let rows = whose.parts.iter().map(|part| {
        vec![
            whose_words::name(part).to_owned(),
            whose_words::owners(&part.owners),
            format!("+{}", duration(part.from)),
            seconds(part),
            whose_words::expected(part).unwrap_or_default(),
        ]
    });
    let table = HtmlTable {
        caption: "Whose seconds: the parts add up to the time without a write",
        head: &HEAD,
        rows: rows.collect(),
        more: 0,
    };
    html! {
        (table.markup())
        @if !whose.shorter.is_empty() {
            p { "What would make such an outage shorter, by the settings in force:" }
            ul {
                @for by in &whose.shorter {
                    li { (plain(&whose_words::shorter(by))) "; risk: " (plain(&by.risk)) }
                }
            }
        }
    }
}

/// How long, and how far that can be off where looks were some time apart.
fn seconds(part: &OutagePart) -> String {
    match part.within {
        Duration::ZERO => duration(part.lasted),
        within => format!("{} ± {}", duration(part.lasted), duration(within)),
    }
}
