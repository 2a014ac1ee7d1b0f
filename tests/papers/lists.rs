//! Tables that people wrote, of lists that the program has: each entry is there, and none is that the program has not.

use std::collections::BTreeSet;
use std::fs;

use pgchaos::cli::exit::Exit;
use pgchaos::model::event::Event;
use pgchaos::model::fault::Class;
use pgchaos::model::outage::kind::Kind;
use pgchaos::model::scenario::Scenario;
use serde_json::json;
use toml::{Table, Value};

use super::pages::{page, pages, top};
use super::replay::log;
use super::source::text_of;

/// The rows of the tables below a heading of a page: its cells, without the lines of the head.
fn rows(path: &str, heading: &str) -> Vec<Vec<String>> {
    let text = page(path).text;
    let mut lines = text.lines().skip_while(|line| *line != heading);
    assert!(lines.next().is_some(), "{path} has no heading {heading:?}");
    let below: Vec<&str> = lines.take_while(|line| !line.starts_with("## ")).collect();
    let is_rule = |line: &str| line.starts_with("|---");
    let of_tables = below.iter().enumerate().filter(|(at, line)| {
        let is_head = below.get(at + 1).is_some_and(|next| is_rule(next));
        line.starts_with('|') && !is_rule(line) && !is_head
    });
    let cells =
        |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    of_tables.map(|(_, row)| cells(row)).collect()
}

/// What stands in backquotes in a cell.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_table_of_classes_has_each_with_its_word_in_the_log() {
    let mut named = BTreeSet::new();
    for row in rows("docs/reading-the-log.md", "## The failed attempts by their names") {
        let (words, names) = (quoted(&row[0]), quoted(&row[1]));
        assert_eq!(words.len(), names.len(), "{row:?}");
        for (word, name) in words.into_iter().zip(names) {
            let told = told(name);
            assert!(told.contains(&format!("] {word}")), "{name} is {word}? {told}");
            named.insert(name.to_owned());
        }
    }
    let classes: BTreeSet<String> = Class::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(named, classes);
}

/// The log's line about a failed connect of this class.
fn told(class: &str) -> String {
    let header = include_str!("runs/failover.jsonl").lines().next().unwrap();
    let failure = json!({
        "at_s": 1.0, "event": "fault", "writer": 1,
        "fault": {"class": class, "phase": "check", "endpoint": "db:5432", "message": "no"},
    });
    let events: Vec<Event> = [header, &failure.to_string()]
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    log(&events).pop().unwrap()
}

#[test]
fn the_table_of_kinds_has_each() {
    let rows = rows("docs/reading-the-log.md", "## What an outage was");
    let named: BTreeSet<String> =
        rows.iter().flat_map(|row| quoted(&row[0])).map(str::to_owned).collect();
    let kinds: BTreeSet<String> = Kind::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(named, kinds);
}

#[test]
fn the_table_of_exit_codes_has_each() {
    // A new one does not compile until it is here.
    let next = |exit: Exit| match exit {
        Exit::Pass => Some(Exit::Fail),
        Exit::Fail => Some(Exit::Usage),
        Exit::Usage => Some(Exit::Inconclusive),
        Exit::Inconclusive => Some(Exit::CouldNotRun),
        Exit::CouldNotRun => Some(Exit::StoppedNow),
        Exit::StoppedNow => None,
    };
    let codes = std::iter::successors(Some(Exit::Pass), |exit| next(*exit));
    let codes: Vec<String> = codes.map(|exit| exit.code().to_string()).collect();
    let named: Vec<String> =
        rows("docs/exit-codes.md", "# Exit codes").iter().map(|row| row[0].clone()).collect();
    assert_eq!(named, codes);
}

#[test]
fn the_words_of_the_log_in_the_table_are_in_the_programs_text() {
    let plain = |text: &str| text.to_lowercase().replace('_', " ");
    let log = plain(&text_of("src/report"));
    for row in rows("docs/reading-the-log.md", "## Line by line") {
        let shown = quoted(&row[0])[0];
        let is_of_a_word = |letter: &char| letter.is_uppercase() || " !>×→-".contains(*letter);
        let word: String = shown.chars().take_while(is_of_a_word).collect();
        let word = word.split('×').next().unwrap().trim_end();
        // What a drill does has its own words.
        let word = word.strip_prefix(">>> ").map_or(word, |_| ">>>");
        assert!(log.contains(&plain(word)), "the log never says {word:?}");
    }
}

#[test]
fn every_drill_that_is_shown_can_be_read() {
    let mut read = 0;
    for page in pages() {
        for block in page.text.split("```toml\n").skip(1) {
            let drill = block.split("```").next().unwrap();
            if drill.contains("[[step]]") {
                let scenario = Scenario::read("shown", "shown.toml", drill);
                scenario.unwrap_or_else(|error| panic!("{}: {error}", page.path.display()));
                read += 1;
            }
        }
    }
    assert!(read > 0);
}

/// The crates of Cargo.toml in the tables of this name, on every platform.
fn dependencies(kind: &str) -> Vec<String> {
    let text = fs::read_to_string(top().join("Cargo.toml")).unwrap();
    let manifest: Table = text.parse().unwrap();
    let of_platforms = manifest.get("target").and_then(Value::as_table);
    let of_platforms = of_platforms.into_iter().flat_map(Table::values);
    let tables = of_platforms.filter_map(|platform| platform.get(kind)).chain(manifest.get(kind));
    let names: BTreeSet<String> =
        tables.flat_map(|table| table.as_table().unwrap().keys().cloned()).collect();
    names.into_iter().collect()
}

/// The crates that have a reason in these rows.
fn reasoned(rows: &[Vec<String>]) -> Vec<String> {
    let named = rows.iter().map(|row| {
        assert!(row[1].split_whitespace().count() > 1, "{row:?} gives no reason");
        quoted(&row[0]).join(" ")
    });
    named.collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let mut of_program = rows("CONTRIBUTING.md", "## Dependencies");
    let of_tests = rows("CONTRIBUTING.md", "### Of the tests and benchmarks alone");
    of_program.truncate(of_program.len() - of_tests.len());
    assert_eq!(reasoned(&of_program), dependencies("dependencies"));
    assert_eq!(reasoned(&of_tests), dependencies("dev-dependencies"));
}
