//! The page: a run, or drills with their runs, as one HTML file, to look at and to send.
//!
//! It loads nothing from elsewhere and runs no script. Its order: the verdict with its reasons, the
//! numbers that have limits, the film of the run, each outage, the account of the writes, and what it
//! was run with. Behind each picture are tables of what it shows. maud escapes all text; what others
//! said passes [`plain`] first.

mod account;
mod again;
mod axis;
pub mod comparison;
mod drills;
mod environment;
mod film;
mod film_table;
mod heading;
mod headline;
mod lanes;
mod outages;
mod picture;
mod run;
mod silence;
mod table;
#[cfg(test)]
mod tests;
mod whose;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::model::foreign::plain;
use crate::model::run::summary::Summary;
use crate::model::scenario::drill_report::DrillReport;

use heading::Level;

/// The summary as a page.
#[must_use]
pub fn html_page(summary: &Summary) -> String {
    let title = format!("pgchaos: {}", plain(&headline::sentence(summary)));
    let actions = html! {
        @if !summary.injections.is_empty() {
            h2 { "What the drill did" }
            (film_table::injections(summary))
        }
    };
    let body = html! {
        (headline::headline(summary))
        (run::run(summary, Level::Section, &actions))
    };
    document(&title, &body)
}

/// What was drilled as a page: each expectation, what was done, and every run.
#[must_use]
pub fn drill_page(report: &DrillReport) -> String {
    let (title, body) = drills::drills(report);
    document(&title, &body)
}

fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { main { (body) } }
        }
    };
    let mut page = page.into_string();
    page.push('\n');
    page
}
