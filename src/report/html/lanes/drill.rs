//! The lane of a drill: what it did to the cluster, and when.

use maud::{Markup, html};

use crate::model::run::summary::Summary;
use crate::report::words;

use super::super::axis::{LEFT, RIGHT, TimeAxis};
use super::super::picture::{bold_width_of, place};
use super::super::table::SHOWN_MAX;
use super::Lane;

const ROW: f64 = 17.0;

/// Rows of words below the marks: what finds room in none has its words in the table alone.
const ROWS: usize = 4;

/// What stands between two words of a row, at least.
const BETWEEN: f64 = 10.0;

/// An action of the drill: where its mark stands, and its words.
struct ActionMark {
    x: f64,
    words: String,
    place: Option<WordsPlace>,
}

/// Where the words of a mark stand.
#[derive(Debug, Clone, Copy, PartialEq)]
enum WordsPlace {
    /// To the right of it.
    Beside,
    /// In a row below it, with a line that leads there.
    Below(usize, WordsSide),
}

/// To which side of that line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordsSide {
    Right,
    Left,
}

/// A mark where each action began, with its words.
pub(in super::super) fn injections(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let injections = &summary.injections;
    if injections.is_empty() {
        return None;
    }
    let acts = injections.iter().take(SHOWN_MAX).map(|injection| {
        let (x, words) = (axis.x_of(injection.at), words::injection(injection));
        ActionMark { x, words, place: None }
    });
    let acts = placed(acts.collect());
    let rows = acts.iter().map(|act| match act.place {
        Some(WordsPlace::Below(row, _)) => row + 2,
        _ => 1,
    });
    #[allow(clippy::cast_precision_loss, reason = "a few rows")]
    let height = rows.max().unwrap_or(1) as f64 * ROW;
    // Words last: a line that leads to others ends behind them.
    let drawing = html! {
        @for act in &acts { (mark(act)) }
        @for act in &acts { (act_words(act)) }
    };
    Some(Lane { name: "drill".to_owned(), unit: None, height, drawing })
}

/// Finds each mark's words a place: beside it, if that covers no other mark, else in the first row that
/// is free there.
fn placed(mut acts: Vec<ActionMark>) -> Vec<ActionMark> {
    let mut taken: Vec<(usize, f64, f64)> = Vec::new();
    for n in 0..acts.len() {
        let next = acts.get(n + 1).map_or(RIGHT + 16.0 + BETWEEN, |next| next.x);
        let before = n.checked_sub(1).map(|before| acts[before].x);
        let act = &mut acts[n];
        let width = bold_width_of(&act.words);
        // Behind a mark of the same moment it would not be seen which one the words are for.
        let stands_alone = before.is_none_or(|before| act.x - before > BETWEEN);
        if stands_alone && act.x + width + 9.0 + BETWEEN <= next {
            act.place = Some(WordsPlace::Beside);
            continue;
        }
        let spans = [
            (WordsSide::Right, act.x - 4.0, act.x + width),
            (WordsSide::Left, act.x - width, act.x + 4.0),
        ];
        let in_picture =
            |(_, from, to): &(WordsSide, f64, f64)| *from >= LEFT - 4.0 && *to <= RIGHT + 16.0;
        let free = (0..ROWS).find_map(|row| {
            let is_free = |(_, from, to): &(WordsSide, f64, f64)| {
                taken.iter().all(|(at, taken_from, taken_to)| {
                    *at != row || *to + BETWEEN < *taken_from || *from > *taken_to + BETWEEN
                })
            };
            let span = spans.iter().copied().filter(in_picture).find(is_free)?;
            Some((row, span))
        });
        if let Some((row, (side, from, to))) = free {
            taken.push((row, from, to));
            act.place = Some(WordsPlace::Below(row, side));
        }
    }
    acts
}

fn mark(act: &ActionMark) -> Markup {
    let x = place(act.x);
    html! {
        @if let Some(WordsPlace::Below(row, _)) = act.place {
            path class="lead" d=(format!("M{x} 12V{}", place(row_y(row) - 10.0))) {}
        }
        path class="mark" d=(format!("M{x} 3l5 9h-10z")) { title { (act.words) } }
    }
}

fn act_words(act: &ActionMark) -> Markup {
    html! {
        @match act.place {
            Some(WordsPlace::Beside) => text class="strong" x=(place(act.x + 9.0)) y="12" { (act.words) },
            Some(WordsPlace::Below(row, side)) => {
                @let is_left = side == WordsSide::Left;
                text class=(if is_left { "strong end" } else { "strong" })
                    x=(place(if is_left { act.x + 4.0 } else { act.x - 4.0 })) y=(place(row_y(row))) {
                    (act.words)
                }
            }
            None => {}
        }
    }
}

/// The base line of a row of words below the marks.
#[allow(clippy::cast_precision_loss, reason = "a few rows")]
fn row_y(row: usize) -> f64 {
    ROW.mul_add(row as f64 + 1.0, 12.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(xs: &[f64]) -> Vec<Option<WordsPlace>> {
        let act = |x: &f64| ActionMark { x: *x, words: "stop etcd2".to_owned(), place: None };
        placed(xs.iter().map(act).collect()).into_iter().map(|act| act.place).collect()
    }

    #[test]
    fn words_stand_beside_their_mark_or_below_it_and_never_on_each_other() {
        use WordsPlace::{Below, Beside};
        use WordsSide::{Left, Right};
        assert_eq!(places(&[200.0, 400.0]), [Some(Beside); 2]);
        assert_eq!(
            places(&[200.0, 230.0, 231.0, 1020.0]),
            [
                Some(Below(0, Right)),
                Some(Below(1, Right)),
                Some(Below(2, Right)),
                Some(Below(0, Left)),
            ]
        );
    }
}
