//! A run: its film, its outages, its account, and what it was run with.

use maud::{Markup, html};

use crate::model::run::summary::Summary;

use super::account::account;
use super::environment::environment;
use super::film;
use super::film_table::film_tables;
use super::heading::Level;
use super::headline::keys;
use super::outages::outages;

/// Everything of a run but its verdict, each part with a heading of this level; `below_film` stands where it
/// says. `drilled_on` is the cluster of the drill, where that is known.
pub(super) fn run(
    summary: &Summary,
    level: Level,
    below_film: &Markup,
    drilled_on: Option<&str>,
) -> Markup {
    html! {
        (keys(summary))
        @if let Some(film) = film::film(summary, film::end_s(summary)) {
            (level.titled("The run"))
            (film)
            (film_tables(summary))
        }
        (below_film)
        (level.titled("Outages"))
        (outages(summary))
        (level.titled("What became of the writes"))
        (account(summary))
        (level.titled("What it was run with"))
        (environment(summary, drilled_on))
    }
}
