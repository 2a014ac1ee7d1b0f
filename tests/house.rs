//! The house as it is drawn in `src/lib.rs`: what imports what between the files of `src/`, read by a parser of Rust.
//!
//! `cargo test --test house -- --nocapture` prints the whole listing, and `cargo test --test house` says what breaks a
//! rule. Left out is what is compiled for tests only. An import is a path that leads to another file, through
//! re-exports to the file that defines the item. What the compiler infers, as the type behind a method call, is none.

#![allow(clippy::expect_used, clippy::panic, reason = "tests, and what they share")]

#[path = "house/comments.rs"]
mod comments;
#[path = "house/floors.rs"]
mod floors;
#[path = "house/imports.rs"]
mod imports;
#[path = "house/mentions.rs"]
mod mentions;
#[path = "house/resolve.rs"]
mod resolve;
#[path = "house/self_tests.rs"]
mod self_tests;
#[path = "house/sources.rs"]
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use comments::comments_about_persons;
use floors::{IMPURE, ROWS, begins_with, listing, upward};
use imports::{Imports, circles};
use sources::Sources;

static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
    Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("src is read")
});
static IMPORTS: LazyLock<Imports> = LazyLock::new(|| Imports::of(&SOURCES));

/// Comment lines about persons that are left in the whole project.
const COMMENTS_ABOUT_PERSONS_MAX: usize = 19;

#[test]
fn listing_of_what_imports_what() {
    println!("{}", listing(&IMPORTS, ROWS));
    assert!(SOURCES.files().count() > 100, "only {} files were found", SOURCES.files().count());
}

#[test]
fn no_circle_between_files() {
    let found = circles(&IMPORTS);
    assert!(found.is_empty(), "{} circles between files:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_arrow_up_between_floors() {
    let found = upward(&IMPORTS, ROWS);
    assert!(found.is_empty(), "{} arrows that do not go down:\n{}", found.len(), found.join("\n"));
}

#[test]
fn model_is_pure() {
    let found: Vec<String> = IMPORTS
        .outside()
        .filter(|(file, _)| file.starts_with("model/") || *file == "model.rs")
        .filter(|(_, path)| IMPURE.iter().any(|impure| begins_with(path, impure)))
        .map(|(file, path)| format!("  {file}: {path}"))
        .collect();
    assert!(
        found.is_empty(),
        "model has a clock, input or randomness of its own:\n{}",
        found.join("\n")
    );
}

#[test]
fn no_type_name_twice() {
    let mut homes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, name) in SOURCES.types() {
        homes.entry(name).or_default().insert(file);
    }
    let found: Vec<String> = homes
        .iter()
        .filter(|(_, files)| files.len() > 1)
        .map(|(name, files)| {
            format!("  {name}: {}", files.iter().copied().collect::<Vec<_>>().join(", "))
        })
        .collect();
    assert!(found.is_empty(), "{} names of several types:\n{}", found.len(), found.join("\n"));
}

#[test]
fn few_comments_about_persons() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found: Vec<String> = ["src", "tests", "benches"]
        .into_iter()
        .flat_map(|folder| comments_about_persons(root, folder).expect("the folder is read"))
        .collect();
    assert!(
        found.len() <= COMMENTS_ABOUT_PERSONS_MAX,
        "{} comment lines with who, whom, whose, whoever, nobody or somebody, {COMMENTS_ABOUT_PERSONS_MAX} at most:\n{}",
        found.len(),
        found.join("\n")
    );
}
