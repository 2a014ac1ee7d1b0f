//! The lane of a drill: what it did to the cluster, and when.

use maud::html;

use crate::model::run::summary::Summary;
use crate::report::words;

use super::super::axis::{RIGHT, TimeAxis};
use super::super::picture::{place, width_of};
use super::super::table::SHOWN_MAX;
use super::Lane;

const ROW: f64 = 17.0;

/// Rows of words: what finds room in none has its words in the table alone.
const ROWS: usize = 3;

/// A mark where each action began, with its words.
pub(in super::super) fn injections(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let injections = &summary.injections;
    if injections.is_empty() {
        return None;
    }
    let mut free_from = [0.0_f64; ROWS];
    let mut placed = Vec::new();
    for injection in injections.iter().take(SHOWN_MAX) {
        let (x, words) = (axis.x_of(injection.at), words::injection(injection));
        let width = width_of(&words) + 20.0;
        let fits = |row: &usize| free_from[*row] <= x && x + width <= RIGHT + 16.0;
        let row = (0..ROWS).find(fits);
        if let Some(row) = row {
            free_from[row] = x + width;
        }
        placed.push((x, row, words));
    }
    let rows = placed.iter().filter_map(|(_, row, _)| *row).max().unwrap_or(0) + 1;
    let drawing = html! {
        @for (x, row, words) in &placed {
            @let y = row_y(row.unwrap_or(0));
            path class="mark" d=(format!("M{} {}l5 9h-10z", place(*x), place(y))) { title { (words) } }
            @if row.is_some() { text class="strong" x=(place(x + 9.0)) y=(place(y + 9.0)) { (words) } }
        }
    };
    #[allow(clippy::cast_precision_loss, reason = "a few rows")]
    let height = rows as f64 * ROW;
    Some(Lane { name: "drill".to_owned(), unit: None, height, drawing })
}

#[allow(clippy::cast_precision_loss, reason = "a few rows")]
fn row_y(row: usize) -> f64 {
    ROW.mul_add(row as f64, 3.0)
}
