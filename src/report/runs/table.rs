//! The list of runs for people: columns where they have room, else each run in words.

use chrono::{DateTime, FixedOffset, Utc};

use super::{ListedRun, ListedState, RunList};
use crate::model::foreign::plain;
use crate::model::outcome::Outcome;
use crate::report::layout::{
    Layout, Tone, columns, fitted, painted, shortened_to_columns, wrapped,
};
use crate::report::numbers::{grouped, seconds};

/// Between two columns.
const GAP: usize = 2;

/// The target is not shortened to fewer columns: each run is told in words instead.
const TARGET_COLUMNS_MIN: usize = 8;

/// What is to be known of a run stands beside it from so many columns on, else under it.
const NOTE_COLUMNS_MIN: usize = 30;

/// What is not known.
const UNKNOWN: &str = "?";

const HEAD: [&str; 7] = ["id", "started", "how long", "target", "outages", "lost", "verdict"];
const TARGET: usize = 3;
const VERDICT: usize = 6;
/// Numbers stand at the right of their columns.
const AT_THE_RIGHT: [bool; 7] = [false, false, true, false, true, true, false];

/// A run as the list shows it.
struct TableRow {
    cells: [String; 7],
    tone: Tone,
    notes: Vec<String>,
}

/// The list, times as the reader's clock shows them.
#[must_use]
pub fn table(list: &RunList, offset: FixedOffset, layout: Layout) -> String {
    let mut rows: Vec<TableRow> = list.runs.iter().map(|run| row(run, offset)).collect();
    let widths = widths(&rows);
    let Some(width) = layout.width else { return in_columns(&rows, widths, None, layout) };
    // The last column stays free: some terminals wrap when it is filled.
    let room = width.saturating_sub(1);
    let over = total(widths).saturating_sub(room);
    if widths[TARGET] < over + TARGET_COLUMNS_MIN.min(widths[TARGET]) {
        return in_words(&rows, width);
    }
    let of_target = widths[TARGET] - over;
    for row in &mut rows {
        let target = shortened_to_columns(&row.cells[TARGET], of_target);
        let whole = std::mem::replace(&mut row.cells[TARGET], target);
        // Hosts and ports tell clusters apart: what is cut stands in full under its run.
        if whole != row.cells[TARGET] {
            row.notes.insert(0, whole);
        }
    }
    let mut widths = widths;
    widths[TARGET] = of_target;
    in_columns(&rows, widths, Some(width), layout)
}

fn widths(rows: &[TableRow]) -> [usize; 7] {
    std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| columns(&row.cells[column]));
        cells.chain([columns(HEAD[column])]).max().unwrap_or(0)
    })
}

fn total(widths: [usize; 7]) -> usize {
    widths.iter().sum::<usize>() + GAP * (widths.len() - 1)
}

fn in_columns(
    rows: &[TableRow],
    widths: [usize; 7],
    width: Option<usize>,
    layout: Layout,
) -> String {
    let beside = width.is_none_or(|width| {
        let room = width.saturating_sub(total(widths) + GAP + 1);
        let notes = rows.iter().map(|row| columns(&row.notes.join(" · ")));
        room >= notes.max().unwrap_or(0).min(NOTE_COLUMNS_MIN)
    });
    let mut text = line(&HEAD.map(str::to_owned), widths, str::to_owned).trim_end().to_owned();
    text.push('\n');
    for row in rows {
        let verdict = |verdict: &str| painted(verdict, row.tone, layout.colour);
        let cells = line(&row.cells, widths, verdict);
        let notes = row.notes.join(" · ");
        if beside {
            let first = format!("{cells}{:GAP$}", "");
            text.push_str(&with_notes(&first, total(widths) + GAP, &notes, width));
        } else {
            text.push_str(cells.trim_end());
            text.push('\n');
            if !notes.is_empty() {
                text.push_str(&fitted(
                    &format!("{:GAP$}{notes}\n", ""),
                    width.map(|width| width - 1),
                ));
            }
        }
    }
    text
}

/// A row with its notes in a last column of their own.
fn with_notes(row: &str, indent: usize, notes: &str, width: Option<usize>) -> String {
    if notes.is_empty() {
        return format!("{}\n", row.trim_end());
    }
    let rows = match width {
        None => vec![notes.to_owned()],
        Some(width) => wrapped(notes, width.saturating_sub(indent + 1).max(1)),
    };
    let mut text = String::new();
    for (number, words) in rows.iter().enumerate() {
        match number {
            0 => text.push_str(&format!("{row}{words}\n")),
            _ => text.push_str(&format!("{:indent$}{words}\n", "")),
        }
    }
    text
}

fn line(cells: &[String; 7], widths: [usize; 7], verdict: impl Fn(&str) -> String) -> String {
    let mut line = String::new();
    for (column, cell) in cells.iter().enumerate() {
        let free = widths[column].saturating_sub(columns(cell));
        let shown = if column == VERDICT { verdict(cell) } else { cell.clone() };
        let gap = if column == 0 { 0 } else { GAP };
        let (before, after) = if AT_THE_RIGHT[column] { (free, 0) } else { (0, free) };
        line.push_str(&format!("{:gap$}{:before$}{shown}{:after$}", "", "", ""));
    }
    line
}

/// Each run as facts in a row, which goes on under itself.
fn in_words(rows: &[TableRow], width: usize) -> String {
    let mut text = String::new();
    for TableRow { cells: [id, started, elapsed, target, outages, lost, verdict], notes, .. } in
        rows
    {
        let count = |count: &str, noun: &str| match count {
            "1" => format!("1 {noun}"),
            _ => format!("{count} {noun}s"),
        };
        let mut facts = vec![
            id.clone(),
            started.clone(),
            elapsed.clone(),
            target.clone(),
            count(outages, "outage"),
            format!("{lost} lost"),
            verdict.clone(),
        ];
        facts.extend(notes.iter().cloned());
        let known = facts.into_iter().filter(|fact| !fact.starts_with(UNKNOWN));
        let line = known.collect::<Vec<_>>().join(" · ");
        text.push_str(&fitted(&format!("{line}\n"), Some(width)));
    }
    text
}

fn row(run: &ListedRun, offset: FixedOffset) -> TableRow {
    let or_unknown = |known: Option<String>| known.unwrap_or_else(|| UNKNOWN.to_owned());
    let is_over = matches!(run.state, ListedState::Ended | ListedState::NotEnded);
    let verdict = match run.gravest() {
        Some(verdict) => verdict.to_string(),
        None if is_over => "unknown".to_owned(),
        None => run.state.words().to_owned(),
    };
    TableRow {
        cells: [
            or_unknown(run.id.clone()),
            or_unknown(run.started_at.map(|time| minute(time, offset))),
            or_unknown(run.elapsed_s.map(seconds)),
            or_unknown(run.target.as_ref().map(|target| plain(&target.endpoints))),
            or_unknown(run.outages.map(grouped)),
            or_unknown(run.lost.map(grouped)),
            verdict,
        ],
        tone: match run.gravest() {
            Some(Outcome::Pass) => Tone::Good,
            Some(Outcome::Fail) => Tone::Bad,
            Some(Outcome::Inconclusive) => Tone::Wary,
            None => Tone::Plain,
        },
        notes: notes(run),
    }
}

/// What is to be known of a run beside the numbers.
fn notes(run: &ListedRun) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    notes.extend(run.part_of.clone());
    let group = run.group.iter().map(|group| format!("group {group}"));
    notes.extend(group.chain(run.name.clone()));
    if run.state == ListedState::NotEnded {
        notes.push("not ended".to_owned());
    }
    if let (Some(verdict), Some(drill)) = (run.verdict, run.drill_verdict)
        && verdict != drill
    {
        notes.push(format!("the drill: {drill}, its writes: {verdict}"));
    }
    notes.extend(run.problem.clone());
    notes.into_iter().map(|note| plain(&note)).collect()
}

/// A time to the minute.
#[must_use]
pub fn minute(time: DateTime<Utc>, offset: FixedOffset) -> String {
    time.with_timezone(&offset).format("%Y-%m-%d %H:%M").to_string()
}

/// A length of a file: `310 B`, `4.2 kB`, `1.3 GB`.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub fn size(bytes: u64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let bytes_f = bytes as f64;
    match units.iter().find(|(unit, _)| bytes_f >= unit * 0.9995) {
        Some((unit, name)) => format!("{:.1} {name}", bytes_f / unit),
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load::target::Target;

    fn run(id: &str, target: &str) -> ListedRun {
        ListedRun {
            run_id: None,
            id: Some(id.to_owned()),
            state: ListedState::Ended,
            started_at: Some("2026-11-27T17:56:48Z".parse().unwrap()),
            elapsed_s: Some(72.04),
            target: Some(Target {
                host: String::new(),
                port: 5432,
                endpoints: target.to_owned(),
                dbname: "app".to_owned(),
                user: "app".to_owned(),
                ..Target::default()
            }),
            group: None,
            name: None,
            part_of: None,
            acknowledged: Some(7_200),
            lost: Some(0),
            outages: Some(2),
            longest_outage_s: Some(3.1),
            verdict: Some(Outcome::Pass),
            drill_verdict: None,
            problem: None,
            path: "/x".to_owned(),
            bytes: 1,
        }
    }

    fn list() -> RunList {
        let drill = ListedRun {
            part_of: Some("drill leader-kill".to_owned()),
            drill_verdict: Some(Outcome::Fail),
            outages: Some(1),
            ..run("0badcafe", "127.0.0.1:5500")
        };
        let killed = ListedRun {
            state: ListedState::NotEnded,
            verdict: None,
            lost: None,
            outages: None,
            name: Some("zone-a".to_owned()),
            problem: Some("its verdict takes all of it: pgchaos report 77aa1a4e".to_owned()),
            ..run("77aa1a4e", "node1:5432,node2:5432,node3:5432")
        };
        let runs = vec![run("6f2c1a4e", "localhost:5500"), drill, killed];
        RunList { format: 1, folder: String::new(), runs }
    }

    fn shown(width: Option<usize>) -> String {
        let layout = Layout { colour: false, width, shorten: false };
        "\n".to_owned() + &table(&list(), FixedOffset::east_opt(3600).unwrap(), layout)
    }

    #[test]
    fn where_the_width_is_not_known_each_run_is_one_line() {
        assert_eq!(
            shown(None),
            "
id        started           how long  target                            outages  lost  verdict
6f2c1a4e  2026-11-27 18:56    72.0 s  localhost:5500                          2     0  pass
0badcafe  2026-11-27 18:56    72.0 s  127.0.0.1:5500                          1     0  fail     \
drill leader-kill · the drill: fail, its writes: pass
77aa1a4e  2026-11-27 18:56    72.0 s  node1:5432,node2:5432,node3:5432        ?     ?  unknown  \
zone-a · not ended · its verdict takes all of it: pgchaos report 77aa1a4e
"
        );
    }

    #[test]
    fn at_80_columns_the_columns_stay_and_notes_go_under_their_run() {
        assert_eq!(
            shown(Some(80)),
            "
id        started           how long  target             outages  lost  verdict
6f2c1a4e  2026-11-27 18:56    72.0 s  localhost:5500           2     0  pass
0badcafe  2026-11-27 18:56    72.0 s  127.0.0.1:5500           1     0  fail
  drill leader-kill · the drill: fail, its writes: pass
77aa1a4e  2026-11-27 18:56    72.0 s  node1:5432,node2…        ?     ?  unknown
  node1:5432,node2:5432,node3:5432 · zone-a · not ended
    its verdict takes all of it: pgchaos report 77aa1a4e
"
        );
    }

    #[test]
    fn at_40_columns_each_run_is_told_in_words() {
        assert_eq!(
            shown(Some(40)),
            "
6f2c1a4e · 2026-11-27 18:56 · 72.0 s
  localhost:5500 · 2 outages · 0 lost
  pass
0badcafe · 2026-11-27 18:56 · 72.0 s
  127.0.0.1:5500 · 1 outage · 0 lost
  fail · drill leader-kill
  the drill: fail, its writes: pass
77aa1a4e · 2026-11-27 18:56 · 72.0 s
  node1:5432,node2:5432,node3:5432
  unknown · zone-a · not ended
  its verdict takes all of it: pgchaos
  report 77aa1a4e
"
        );
    }

    #[test]
    fn no_row_is_wider_than_the_terminal() {
        for width in 24..140 {
            for row in shown(Some(width)).lines() {
                assert!(columns(row) <= width, "{width}: {row}");
            }
        }
    }

    #[test]
    fn sizes_have_a_unit_that_fits() {
        assert_eq!(
            [310, 4_210, 999_960, 120_000_000].map(size),
            ["310 B", "4.2 kB", "1.0 MB", "120.0 MB"]
        );
    }
}
