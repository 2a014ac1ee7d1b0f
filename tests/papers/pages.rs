//! The pages: where they are, and what of them is made by the program.

use std::fs;
use std::path::{Path, PathBuf};

use super::{console, fields, links, options, replay, source};

/// What to type when a page is stale.
const REMEDY: &str = "PGCHAOS_PAPERS=write cargo test --test papers";

/// README stays one that is read to its end.
const README_LINES_MAX: usize = 220;

/// A page of the documentation.
pub(crate) struct Page {
    /// From the top of the repository.
    pub(crate) path: PathBuf,
    /// What stands in it.
    pub(crate) text: String,
}

/// The top of the repository.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README, the changelog, CONTRIBUTING and everything in docs/.
pub(crate) fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].iter().map(PathBuf::from).collect();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(top().join(&folder)).expect("docs/ is there") {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let read = |path: PathBuf| Page { text: fs::read_to_string(top().join(&path)).unwrap(), path };
    paths.into_iter().map(read).collect()
}

/// One page, by its path.
pub(crate) fn page(path: &str) -> Page {
    let is_it = |page: &Page| page.path == Path::new(path);
    pages().into_iter().find(is_it).unwrap_or_else(|| panic!("{path} is missing"))
}

/// The page as it should be: generated parts, the outputs of commands and replayed logs are made anew; the rest stays.
fn made_anew(page: &Page) -> String {
    let mut text = String::new();
    let mut lines = page.text.lines();
    let mut replayed = None;
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        if let Some(name) = directive(line, "generated: ") {
            let end = format!("<!-- end of {name} -->");
            assert!(
                lines.by_ref().any(|line| line == end),
                "{}: {end} is missing",
                page.path.display()
            );
            text.push_str(&format!("\n{}\n{end}\n", generated(name).trim()));
        } else if let Some(file) = directive(line, "replay: ") {
            replayed = Some(file.to_owned());
        } else if let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) {
            let shown: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let anew = match (info, replayed.take()) {
                ("console", _) => console::made_anew(&shown),
                (_, Some(file)) => replay::made_anew(&shown, &file),
                _ => shown.iter().map(|line| (*line).to_owned()).collect(),
            };
            text.extend(anew.iter().flat_map(|line| [line.as_str(), "\n"]));
            text.push_str("```\n");
        }
    }
    for (old, new) in links::moved(page) {
        text = text.replace(&format!("`{old}`"), &format!("`{new}`"));
    }
    text
}

fn directive<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix("<!-- ")?.strip_prefix(name)?.strip_suffix(" -->")
}

fn generated(name: &str) -> String {
    match name {
        "options" => options::options(),
        "events" => fields::events(),
        "summary" => fields::summary(),
        "comparison" => fields::comparison(),
        "rooms" => source::rooms(),
        _ => panic!("nothing makes a part that is called {name}"),
    }
}

/// The first line that differs, as it is and as it should be.
fn difference(is: &str, should: &str) -> String {
    let (mut is, mut should) = (is.lines(), should.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (is.next(), should.next()) {
            (Some(one), Some(other)) if one == other => {}
            (one, other) => {
                let shown = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
                return format!(
                    "line {number}\n  is:     {}\n  should: {}",
                    shown(one),
                    shown(other)
                );
            }
        }
    }
}

#[test]
fn every_page_says_what_the_program_says() {
    let write = std::env::var_os("PGCHAOS_PAPERS").is_some_and(|value| value == "write");
    let mut stale = Vec::new();
    for page in pages() {
        let anew = made_anew(&page);
        if anew == page.text {
            continue;
        }
        if write {
            fs::write(top().join(&page.path), &anew).unwrap();
        } else {
            stale.push(format!("{}: {}", page.path.display(), difference(&page.text, &anew)));
        }
    }
    assert!(
        stale.is_empty(),
        "{}\nThe program says something else. To write what it says into the pages:\n  {REMEDY}",
        stale.join("\n")
    );
}

#[test]
fn readme_is_short() {
    let lines = page("README.md").text.lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines: what is long goes to docs/");
}
