//! The page of a run holds what the summary in JSON holds: its tables are read back and compared, number by number.
//!
//! With `PGCHAOS_PAGES=FOLDER` the pages are left there, for `tests/pages.sh` to look at, and with
//! `PGCHAOS_PAGES_BIG=1` the records of long runs too, to be measured.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(dead_code, unreachable_pub, reason = "samples are shared between test crates")]

#[path = "pages/histories.rs"]
mod histories;
#[path = "pages/numbers.rs"]
mod numbers;
#[path = "pages/pictures.rs"]
mod pictures;
#[path = "support/samples.rs"]
mod samples;
#[path = "pages/tables.rs"]
mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pgchaos::engine::record::file::{RecordWriter, read};
use pgchaos::model::event::Event;
use pgchaos::model::outcome::Outcome;
use pgchaos::model::run::Run;
use pgchaos::model::run::summarize::sum_up;
use pgchaos::model::run::summary::{RecordSummary, Summary};
use pgchaos::model::scenario::drill_report::{DrillReport, DrillRun};
use pgchaos::model::scenario::judging::Judged;
use pgchaos::report::html::{drill_page, html_page};

/// A page that is larger does not open at once.
const BYTES_MAX: usize = 2_000_000;

fn runs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/papers/runs")
}

fn recorded(name: &str) -> Summary {
    let path = runs().join(name);
    let recorded = read(&path, |_| {}).unwrap();
    let mut summary = sum_up(&recorded.run);
    let complete = recorded.complete && !recorded.torn;
    summary.record = Some(RecordSummary { path: name.to_owned(), complete, error: None });
    summary
}

fn folded(events: impl IntoIterator<Item = Event>) -> Summary {
    let mut run = Run::new(histories::header());
    events.into_iter().for_each(|event| run.apply(&event));
    sum_up(&run)
}

/// Leaves a page where it is asked for.
fn kept(name: &str, page: &str) {
    if let Ok(folder) = std::env::var("PGCHAOS_PAGES") {
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(name), page).unwrap();
    }
}

/// The page of a summary, once all that it shows was compared.
fn compared(name: &str, summary: &Summary) -> String {
    let page = html_page(summary);
    kept(&format!("{name}.html"), &page);
    assert!(page.len() < BYTES_MAX, "{name}: {} bytes", page.len());
    numbers::compare(name, &page, summary);
    page
}

#[test]
fn recorded_runs_have_the_numbers_of_their_json() {
    for name in ["failover", "loss", "crash", "drill"] {
        compared(name, &recorded(&format!("{name}.jsonl")));
    }
}

#[test]
fn the_pictures_in_readme_are_the_film_of_a_recorded_run() {
    pictures::compare_with(&html_page(&recorded("drill.jsonl")));
}

#[test]
fn a_number_that_is_another_is_found() {
    let summary = recorded("failover.jsonl");
    let page = html_page(&summary);
    for (cell, other) in [
        ("<td class=\"n\">16</td>", "<td class=\"n\">17</td>"),
        ("<dd class=\"value\">5.2 s</dd>", "<dd class=\"value\">5.3 s</dd>"),
        ("no_backend 11", "no_backend 12"),
        (">+4.6 s</td>", ">+4.5 s</td>"),
        ("<path class=\"band\" d=\"M", "<path class=\"band\" d=\"M1"),
    ] {
        let untrue = page.replace(cell, other);
        assert_ne!(untrue, page, "{cell} is in the page");
        let compare = || numbers::compare("untrue", &untrue, &summary);
        assert!(std::panic::catch_unwind(compare).is_err(), "{cell} was {other}");
    }
}

#[test]
fn a_run_that_failed_and_one_that_is_inconclusive_have_theirs() {
    let mut failed = recorded("loss.jsonl");
    failed.verdict = Outcome::Fail;
    failed.options.thresholds.max_lost = 0;
    failed.options.thresholds.max_outage = Some(Duration::from_secs(3));
    failed.reasons = vec!["207 acknowledged writes were lost, and none may be".to_owned()];
    let page = compared("failed", &failed);
    assert!(page.contains("FAIL</b> · 207 acknowledged writes were lost"));
    let open = folded(histories::with_outages(3, true));
    let page = compared("inconclusive", &open);
    assert!(
        page.contains("INCONCLUSIVE</b> · whether writes were lost was not looked at"),
        "{page}"
    );
}

#[test]
fn five_hundred_outages_are_all_in_the_table() {
    let page = compared("outages-500", &folded(histories::with_outages(500, false)));
    let tables = tables::tables(&page);
    let outages = tables.iter().find(|table| table.caption == "Every outage").unwrap();
    assert_eq!(outages.rows.len(), 500);
}

#[test]
fn ten_thousand_outages_and_a_day_stay_small() {
    let page = compared("outages-10000", &folded(histories::with_outages(10_000, false)));
    assert!(page.contains("and 9500 more, in the JSON report"));
    compared("day", &folded(histories::day(1000, 24 * 3600)));
}

#[test]
fn a_hostile_record_is_text() {
    let page = compared("hostile", &folded(histories::hostile()));
    assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
    assert!(!page.contains(['\u{202e}', '\u{1b}', '\u{7}', '\u{0}']), "{page}");
}

#[test]
fn a_record_that_was_cut_anywhere_makes_a_page() {
    let whole = fs::read(runs().join("loss.jsonl")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.jsonl");
    let header = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for part in 1..=24 {
        fs::write(&path, &whole[..header + (whole.len() - header) * part / 24]).unwrap();
        let summary = sum_up(&read(&path, |_| {}).unwrap().run);
        numbers::compare("cut", &html_page(&summary), &summary);
    }
}

#[test]
fn drills_have_their_verdicts_and_each_run_its_numbers() {
    let run = |repetition, verdict, summary: Summary| DrillRun {
        drill: "async-loss".to_owned(),
        title: "Acknowledged writes are made to disappear, and must be found".to_owned(),
        on: "lab-pgchaos".to_owned(),
        repetition,
        took: Duration::from_millis(22_200),
        verdict,
        problem: None,
        interrupted: false,
        expectations: vec![Judged {
            of: "step 4: kill old (patroni2)".to_owned(),
            what: "kind".to_owned(),
            expected: "failover".to_owned(),
            seen: summary.outages.first().map(|one| one.kind.to_string()).unwrap_or_default(),
            outcome: verdict,
        }],
        summary: Some(summary),
    };
    let summaries = [recorded("loss.jsonl"), recorded("failover.jsonl")];
    let [lost, other] = summaries.clone();
    let runs = vec![run(1, Outcome::Pass, lost), run(2, Outcome::Fail, other)];
    let page = drill_page(&DrillReport::of(runs.clone()));
    kept("drills.html", &page);
    let (list, sections) = page.split_once("<section").unwrap();
    assert!(list.contains("FAIL</b> · 2 runs: 1 passed, 1 failed"), "{list}");
    for (section, summary) in sections.split("<section").zip(&summaries) {
        numbers::compare("a drill", section, summary);
    }
    let one = DrillReport::of(runs.into_iter().take(1).collect());
    let page = drill_page(&one);
    kept("one-drill.html", &page);
    numbers::compare("one drill", &page, &summaries[0]);
}

#[test]
fn records_of_long_runs_are_left_to_be_measured() {
    let Ok(folder) = std::env::var("PGCHAOS_PAGES_BIG") else { return };
    let folder = Path::new(&folder);
    fs::create_dir_all(folder).unwrap();
    let write = |name: &str, events: Vec<Event>| {
        let path = folder.join(name);
        let _ = fs::remove_file(&path);
        let mut record = RecordWriter::create(&path).unwrap();
        for event in std::iter::once(histories::first()).chain(events) {
            record.add(&event).unwrap();
        }
        record.flush().unwrap();
        drop(record);
        assert_eq!(read(&path, |_| {}).unwrap().run.header, histories::header());
    };
    write("day.jsonl", histories::day(1000, 24 * 3600));
    write("outages-10000.jsonl", histories::with_outages(10_000, false));
}
