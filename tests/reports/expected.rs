//! Each format as it was when it was last looked at: a difference is to be seen before it is shipped.

use std::fs;
use std::path::{Path, PathBuf};

use pgchaos::model::run::summary::Summary;
use pgchaos::report::export::Format;
use uuid::Uuid;

use super::samples::{FORMATS, better, compared, recorded, set};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports/expected")
}

/// Compares with what is expected of these, or writes it.
fn assert_expected(reports: &[(String, Format, String)]) {
    let write = std::env::var_os("PGCHAOS_PAPERS").is_some_and(|value| value == "write");
    let mut changed = Vec::new();
    for (name, format, report) in reports {
        let ending = match format {
            Format::Text => "txt",
            Format::Html => "html",
            Format::Markdown => "md",
            Format::Json => "json",
            Format::Junit => "xml",
            Format::Csv => "csv",
        };
        let report = if *format == Format::Html { readable(report) } else { report.clone() };
        let file = folder().join(format!("{name}.{ending}"));
        if write {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&file, &report).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if expected != report {
            let differs = expected.lines().zip(report.lines()).find(|(one, other)| one != other);
            changed.push(format!("{}: {differs:?}", file.display()));
        }
    }
    assert!(
        changed.is_empty(),
        "{}\nTo write what they are now: PGCHAOS_PAPERS=write cargo test --test reports",
        changed.join("\n")
    );
}

/// A page without its style, one element a line, and of its films after the first no more than that they are there.
fn readable(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let mut films = body.split("<div class=\"film scroll\"");
    let mut text = format!("{head}{}", films.next().unwrap());
    for (n, film) in films.enumerate() {
        let (drawn, after) = film.split_once("</svg></div>").unwrap();
        let drawn = if n == 0 { drawn } else { ">(another film)" };
        text.push_str(&format!("<div class=\"film scroll\"{drawn}</svg></div>{after}"));
    }
    text.replace("><", ">\n<")
}

#[test]
fn a_run_in_every_format() {
    let runs = ["failover", "loss", "crash"];
    let of = |name: &str, format: Format| {
        let summary = recorded(&format!("{name}.jsonl"));
        (name.to_owned(), format, format.render(&summary).unwrap())
    };
    let all: Vec<_> = runs.iter().flat_map(|name| FORMATS.map(|format| of(name, format))).collect();
    assert_expected(&all);
}

/// Runs that are made here have ids of their own each time.
fn with_fixed_ids(runs: &mut [Summary], from: u128) {
    for (n, run) in (0..).zip(runs) {
        run.run_id = Uuid::from_u128(from + n);
    }
}

#[test]
fn a_comparison_in_every_format() {
    let three = ["failover.jsonl", "loss.jsonl", "crash.jsonl"].map(recorded);
    let (mut a, mut b) = better();
    with_fixed_ids(&mut a, 0xa0);
    with_fixed_ids(&mut b, 0xb0);
    let (mut few_a, mut few_b) = (set("x", &[3.0, 4.0]), set("y", &[3.5, 9.0]));
    with_fixed_ids(&mut few_a, 0xc0);
    with_fixed_ids(&mut few_b, 0xd0);
    let mut all = Vec::new();
    for format in FORMATS {
        all.push(("side-by-side".to_owned(), format, compared(format, &three, &[])));
        all.push(("better".to_owned(), format, compared(format, &a, &b)));
        all.push(("too-few".to_owned(), format, compared(format, &few_a, &few_b)));
    }
    assert_expected(&all);
}
