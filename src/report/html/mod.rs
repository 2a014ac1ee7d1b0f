//! The page: a run as one HTML file, to look at and to send.
//!
//! It loads nothing from elsewhere and runs no script. Its order: the verdict with its reasons, the
//! numbers that have limits, the film of the run, each outage, the account of the writes, and what it
//! was run with. Behind each picture is a table of its counts or steps. maud escapes all text; what others said
//! passes [`plain`] first.

mod account;
mod again;
mod axis;
pub mod comparison;
mod film;
mod film_table;
mod headline;
mod lanes;
mod outages;
mod picture;
mod table;
#[cfg(test)]
mod tests;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::model::foreign::plain;
use crate::model::run::summary::Summary;

/// The summary as a page.
#[must_use]
pub fn html_page(summary: &Summary) -> String {
    let body = html! {
        main {
            (headline::headline(summary))
            @if let Some(film) = film::film(summary, film::end_s(summary)) {
                h2 { "The run" }
                (film)
                (film_table::film_table(summary))
            }
            (outages::outages(summary))
            (account::account(summary))
        }
    };
    let title = format!("pgchaos: {}", plain(&headline::sentence(summary)));
    let mut page = document(&title, &body).into_string();
    page.push('\n');
    page
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { (body) }
        }
    }
}
