//! Links between the pages, and from them to files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::pages::{Page, pages, top};

/// The lines of a page outside code.
fn prose(page: &Page) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    page.text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(page: &Page) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in prose(page) {
        let words = line.trim_start_matches('#');
        if words.len() == line.len() || !words.starts_with(' ') {
            continue;
        }
        let kept = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
        let anchor: String = words.trim().to_lowercase().chars().filter(kept).collect();
        let anchor = anchor.replace(' ', "-");
        let again = (1..).map(|number| format!("{anchor}-{number}"));
        let free = [anchor.clone()].into_iter().chain(again).find(|name| !anchors.contains(name));
        anchors.extend(free);
    }
    anchors
}

/// Where the links of a page lead to.
fn links(page: &Page) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(page) {
        let in_prose = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        let parts = in_prose.split("](").skip(1);
        links.extend(parts.filter_map(|part| Some(part.split_once(')')?.0.to_owned())));
    }
    links
}

/// A path without `..`.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        if part.as_os_str() == ".." {
            straight.pop();
        } else {
            straight.push(part);
        }
    }
    straight
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut dead = Vec::new();
    for page in &pages {
        for link in links(page).iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = match path {
                "" => page.path.clone(),
                path => straight(&page.path.parent().unwrap().join(path)),
            };
            let to = pages.iter().find(|page| page.path == path);
            let leads = match to {
                Some(to) => anchor.is_empty() || anchors(to).contains(anchor),
                None => anchor.is_empty() && top().join(&path).exists(),
            };
            if !leads {
                dead.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "these links lead nowhere:\n{}", dead.join("\n"));
}

#[test]
fn every_page_of_docs_is_in_its_index() {
    let pages = pages();
    let index = pages.iter().find(|page| page.path == Path::new("docs/README.md")).unwrap();
    let listed: BTreeSet<PathBuf> =
        links(index).iter().map(|link| straight(&Path::new("docs").join(link))).collect();
    for page in pages.iter().filter(|page| page.path.starts_with("docs")) {
        let is_listed = page.path == index.path || listed.contains(&page.path);
        assert!(is_listed, "docs/README.md does not name {}", page.path.display());
    }
}

/// Files and folders that a page names in backquotes.
fn named_files(page: &Page) -> Vec<&str> {
    let is_ours = |name: &&str| {
        let folders = ["src/", "tests/", "benches/", "cluster/", "seeds/", "docs/", ".ci/"];
        folders.iter().any(|folder| name.starts_with(folder)) && !name.contains(['*', ' ', '…'])
    };
    let text = prose(page).flat_map(|line| {
        // What is yet to be written is named as new.
        let words = line.split('`').collect::<Vec<_>>();
        let is_new = |at: usize| words.get(at + 1).is_some_and(|after| after.starts_with(" (new)"));
        let quoted = (1..words.len()).step_by(2).filter(|at| !is_new(*at));
        quoted.map(|at| words[at]).collect::<Vec<_>>()
    });
    text.filter(is_ours).collect()
}

/// The files of these folders, from the top of the repository.
fn all_files() -> Vec<String> {
    let (mut files, mut folders) =
        (Vec::new(), ["src", "tests", "benches"].map(PathBuf::from).to_vec());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(top().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                files.push(path.display().to_string());
            }
        }
    }
    files
}

/// Files that a page names and that are elsewhere now, with where they are: known by their name, or by words that
/// became folders.
pub(crate) fn moved(page: &Page) -> Vec<(String, String)> {
    let files = all_files();
    let name_of = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let as_words =
        |path: &str| path.trim_end_matches("/mod.rs").trim_end_matches(".rs").replace('/', "_");
    let mut moved = Vec::new();
    for old in named_files(page).into_iter().filter(|old| !top().join(old).exists()) {
        let words: Vec<&String> =
            files.iter().filter(|file| as_words(file) == as_words(old)).collect();
        let named: Vec<&String> = files
            .iter()
            .filter(|file| name_of(file) == name_of(old) && name_of(old) != "mod.rs")
            .collect();
        if let ([new], _) | (_, [new]) = (words.as_slice(), named.as_slice()) {
            moved.push((old.to_owned(), (*new).clone()));
        }
    }
    moved
}

#[test]
fn every_file_that_is_named_is_there() {
    let mut missing = Vec::new();
    for page in pages().iter().filter(|page| page.path != Path::new("CHANGELOG.md")) {
        for name in named_files(page).iter().filter(|name| !name.contains("NAME")) {
            if !top().join(name).exists() {
                missing.push(format!("{}: {name}", page.path.display()));
            }
        }
    }
    assert!(missing.is_empty(), "these files are named and not there:\n{}", missing.join("\n"));
}
