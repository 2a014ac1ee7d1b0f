//! Reports as others read them: CSV by csv, JUnit by quick-junit, Markdown by pulldown-cmark; whatever names are in them.

use std::io::Cursor;

use pgchaos::model::outcome::Outcome;
use pgchaos::model::run::summary::Summary;
use pgchaos::report::export::Format;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use quick_junit::Report;

use super::junit_structure::assert_junit;
use super::samples::{HOSTILE, better, compared, hostile, recorded, set};

/// Runs as they are, and with hostile names, alone and compared, in one format.
fn all(format: Format) -> Vec<String> {
    let single = |run: &Summary| format.render(run).unwrap();
    let mut reports: Vec<String> =
        ["failover.jsonl", "loss.jsonl", "crash.jsonl"].map(|name| single(&recorded(name))).into();
    let (a, b) = better();
    reports.push(compared(format, &a, &b));
    reports.push(compared(format, &a, &[]));
    for words in HOSTILE {
        let runs = [hostile(words), hostile(words)];
        reports.push(single(&runs[0]));
        reports.push(compared(format, &runs, &set(words, &[1.0, 2.0])));
        reports.push(compared(format, &runs, &[]));
    }
    reports
}

#[test]
fn csv_has_a_field_for_every_column_and_no_formula() {
    for report in all(Format::Csv) {
        let mut reader = csv::Reader::from_reader(Cursor::new(&report));
        let columns = reader.headers().unwrap().len();
        for row in reader.records() {
            let row = row.unwrap();
            assert_eq!(row.len(), columns, "{report}");
            for field in &row {
                assert!(!field.starts_with(['=', '+', '@']), "{field}");
                assert!(!field.contains(['\n', '\u{1b}', '\u{202e}', '\0']), "{field:?}");
            }
        }
    }
}

#[test]
fn csv_of_several_runs_has_a_row_a_run_with_its_numbers() {
    let (a, b) = better();
    let report = compared(Format::Csv, &a, &b);
    let mut reader = csv::Reader::from_reader(Cursor::new(&report));
    let head = reader.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 12);
    let of = |row: usize, name: &str| rows[row][column(name)].to_owned();
    assert_eq!((of(0, "set"), of(11, "set")), ("A".to_owned(), "B".to_owned()));
    assert_eq!(of(6, "longest_outage_s").parse::<f64>().unwrap(), 31.4);
    assert_eq!((of(6, "lost"), of(7, "lost")), ("0".to_owned(), "3".to_owned()));
    assert_eq!(of(0, "run_id"), a[0].run_id.to_string());
}

/// quick-junit wants a zone in timestamps, where the schemas have none.
fn without_timestamps(report: &str) -> String {
    let mut parts = report.split(" timestamp=\"");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('"').unwrap().1)
}

#[test]
fn junit_has_the_structure_that_ci_servers_read() {
    for report in all(Format::Junit) {
        assert_junit(&report);
        let report = without_timestamps(&report);
        let read = Report::deserialize_from_str(&report).unwrap();
        assert_eq!(read.to_string().unwrap(), report, "it is written as it is read");
    }
}

#[test]
fn junit_of_several_runs_has_a_suite_a_run() {
    let (a, _) = better();
    let read = Report::deserialize_from_str(&without_timestamps(&compared(Format::Junit, &a, &[])))
        .unwrap();
    assert_eq!(read.test_suites.len(), 6);
    assert!(read.test_suites[0].name.as_str().contains(&a[0].run_id.to_string()));
}

/// What CI makes of the file is what the exit code says: those measured by do not count.
#[test]
fn junit_of_two_sets_has_those_of_a_and_fails_by_none_of_b() {
    let (a, mut b) = better();
    b[0].verdict = Outcome::Fail;
    let junit = compared(Format::Junit, &a, &b);
    assert!(!junit.contains("<failure") && junit.contains("failures=\"0\""), "{junit}");
    let read = Report::deserialize_from_str(&without_timestamps(&junit)).unwrap();
    let names: Vec<String> = read.test_suites.iter().map(|suite| suite.name.to_string()).collect();
    let expected: Vec<String> = a.iter().map(|run| format!("pgchaos A · {}", run.run_id)).collect();
    assert_eq!(names, expected);
}

#[test]
fn markdown_has_whole_tables_and_nothing_of_the_names_in_it() {
    for report in all(Format::Markdown) {
        let (mut columns, mut cells, mut tables) = (0, 0, 0);
        for event in Parser::new_ext(&report, Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS) {
            match event {
                Event::Html(html) | Event::InlineHtml(html) => panic!("{html} in {report}"),
                Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_)) => {
                    panic!("a link or a block of code in {report}")
                }
                Event::TaskListMarker(_) | Event::Rule => panic!("more than text in {report}"),
                Event::Start(Tag::Table(alignments)) => {
                    columns = alignments.len();
                    tables += 1;
                }
                Event::Start(Tag::TableRow | Tag::TableHead) => cells = 0,
                Event::Start(Tag::TableCell) => cells += 1,
                Event::End(TagEnd::TableRow | TagEnd::TableHead) => assert_eq!(cells, columns),
                _ => {}
            }
        }
        let rows = report.lines().filter(|line| line.starts_with('|')).count();
        assert!(tables > 0 && rows > 2 * tables, "{report}");
        // Every row that begins like one of a table is one: a broken one would be a paragraph.
        let texts = Parser::new(&report).filter(|event| matches!(event, Event::Html(_)));
        assert_eq!(texts.count(), 0);
    }
}

#[test]
fn a_page_runs_and_loads_nothing() {
    for page in all(Format::Html) {
        for tag in ["<script", "<img", "<link", "<iframe", "<object", "url(", "@import"] {
            let (head, rest) = page.split_once("<style>").unwrap();
            let (style, body) = rest.split_once("</style>").unwrap();
            assert!(![head, style, body].iter().any(|part| part.contains(tag)), "{tag}");
        }
        assert!(!page.contains(['\u{1b}', '\u{202e}', '\0']), "{page}");
    }
}

#[test]
fn text_and_json_hold_nothing_that_a_terminal_obeys() {
    for report in all(Format::Text).into_iter().chain(all(Format::Json)) {
        assert!(!report.contains(['\u{1b}', '\u{202e}', '\0', '\r']), "{report}");
    }
}
