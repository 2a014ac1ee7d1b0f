//! The checks find what they look for, in houses that are literals.

use std::collections::BTreeMap;

use super::comments::{comment, is_about_persons};
use super::floors::{begins_with, upward};
use super::imports::{Imports, circles, joined};
use super::sources::Sources;

fn imports(files: &[(&str, &str)]) -> Imports {
    Imports::of(&sources(files))
}

fn sources(files: &[(&str, &str)]) -> Sources {
    let texts: BTreeMap<String, String> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Sources::of(&texts)
}

/// `from -> to: names` of each import.
fn lines(files: &[(&str, &str)]) -> Vec<String> {
    let imports = imports(files);
    let edges = imports.edges().iter().flat_map(|(from, all)| {
        all.iter().map(move |(to, names)| format!("{from} -> {to}: {}", joined(names)))
    });
    edges.collect()
}

#[test]
fn every_way_to_name_another_file_is_seen() {
    let written = [
        "use crate::b::Thing;",
        "use super::b::Thing;",
        "use crate::{b::{self, Thing}};",
        "use crate::b as other; fn f(_: other::Thing) {}",
        "fn f() -> crate::b::Thing { todo!() }",
        "fn f() { let _ = super::b::Thing; }",
        "fn f() { use crate::b::Thing; }",
        "fn f() { println!(\"{}\", crate::b::Thing); }",
        "impl From<crate::b::Thing> for u8 {}",
        "fn f<T: Into<crate::b::Thing>>() {}",
        "struct A { #[serde(rename = \"crate\", with = \"crate::b::Thing\")] a: u8 }",
        "mod inner { use super::super::b::Thing; }",
    ];
    for a in written {
        let found =
            lines(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", "pub struct Thing;")]);
        assert_eq!(found, ["a.rs -> b.rs: Thing"], "{a}");
    }
}

#[test]
fn what_is_for_tests_only_is_left_out() {
    let a = "#[cfg(test)] use crate::b::Thing; #[cfg(all(test, unix))] mod tests; \
             #[cfg(test)] mod more { use crate::b::Thing; } struct A; impl A { #[cfg(test)] fn f(_: crate::b::Thing) {} }";
    assert_eq!(
        lines(&[("lib.rs", "mod a; mod b;"), ("a.rs", a), ("b.rs", "pub struct Thing;")]),
        [""; 0]
    );
}

#[test]
fn a_name_leads_through_re_exports_to_its_home() {
    let house = [
        ("lib.rs", "mod a; mod room;"),
        ("a.rs", "use crate::room::{Near, Far}; fn f() { crate::room::far::deep::g() }"),
        ("room/mod.rs", "mod near; pub mod far; pub use near::Near; pub use far::*;"),
        ("room/near.rs", "pub struct Near;"),
        ("room/far/mod.rs", "pub mod deep; pub use self::deep::Deep as Far;"),
        ("room/far/deep.rs", "pub struct Deep; pub fn g() {}"),
    ];
    assert_eq!(lines(&house), ["a.rs -> room/far/deep.rs: Deep, g", "a.rs -> room/near.rs: Near"]);
}

#[test]
fn a_parent_that_only_hands_out_is_no_circle_and_one_that_uses_is() {
    let child = ("room/child.rs", "use super::sibling::Shared; pub struct Child(Shared);");
    let sibling = ("room/sibling.rs", "pub struct Shared;");
    let hands_out =
        ("room/mod.rs", "mod child; mod sibling; pub use child::Child; pub use sibling::Shared;");
    assert_eq!(circles(&imports(&[("lib.rs", "mod room;"), hands_out, child, sibling])), [""; 0]);

    let borrows = (
        "room/mod.rs",
        "mod child; mod sibling; use sibling::Shared; pub use child::Child; fn f(_: Child) {}",
    );
    let through = ("room/child.rs", "use super::Shared; pub struct Child(Shared);");
    assert_eq!(
        circles(&imports(&[("lib.rs", "mod room;"), borrows, through, sibling])),
        [
            "  a circle of 2 files:\n    room/child.rs -> room/mod.rs: Shared\n    room/mod.rs -> room/child.rs: Child"
        ]
    );
}

#[test]
fn a_macro_of_a_parent_is_an_import_of_the_child() {
    let house = [
        ("lib.rs", "mod room;"),
        ("room/mod.rs", "macro_rules! tell { () => {} } mod child; fn f() { child::g() }"),
        ("room/child.rs", "pub fn g() { tell!(); }"),
    ];
    assert_eq!(
        lines(&house),
        ["room/child.rs -> room/mod.rs: tell!", "room/mod.rs -> room/child.rs: g"]
    );
}

#[test]
fn arrows_go_down_and_not_beside() {
    let rows: &[&[&str]] = &[&["main"], &["top"], &["left", "right"], &["base/upper"], &["base"]];
    let house = [
        ("main.rs", "use pgchaos::top::Top; mod helper { use crate::f; } fn f() {}"),
        ("lib.rs", "pub mod top; mod left; mod right; mod base; mod attic;"),
        ("top.rs", "use crate::left::Left; pub struct Top;"),
        ("left/mod.rs", "use crate::right::Right; use crate::base::single::One; pub struct Left;"),
        ("right.rs", "use crate::base::upper::Two; pub struct Right;"),
        ("base/mod.rs", "pub mod single; pub mod upper; pub use upper::Two;"),
        ("base/single.rs", "use super::Two; pub struct One;"),
        ("base/upper.rs", "pub struct Two;"),
        ("attic.rs", ""),
    ];
    assert_eq!(
        upward(&imports(&house), rows),
        [
            "  attic.rs: no room of the table",
            "  base -> base/upper: base/single.rs -> base/upper.rs: Two",
            "  left -> right: left/mod.rs -> right.rs: Right",
        ]
    );
}

#[test]
fn names_of_other_crates_have_their_imports_put_in() {
    let a = "use std::time::{self, Instant}; fn f() { Instant::now(); time::SystemTime::now(); tokio::spawn(g); }";
    let imports = imports(&[("lib.rs", "mod a;"), ("a.rs", a)]);
    let found: Vec<&str> = imports.outside().map(|(_, path)| path).collect();
    for path in ["std::time::Instant::now", "std::time::SystemTime::now", "tokio::spawn"] {
        assert!(found.contains(&path), "{path}: {found:?}");
    }
    assert!(begins_with("std::time::Instant::now", "std::time::Instant"));
    assert!(!begins_with("tokio_util::sync", "tokio"));
}

#[test]
fn types_are_those_of_items_alone() {
    let a = "struct S; enum E {} trait T { type Error; } type A = u8; impl T for S { type Error = u8; } \
             #[cfg(test)] struct Fixture; fn f() { struct Local; }";
    let sources = sources(&[("lib.rs", "mod a;"), ("a.rs", a)]);
    assert_eq!(
        sources.types().map(|(_, name)| name).collect::<Vec<_>>(),
        ["S", "E", "T", "A", "Local"]
    );
}

#[test]
fn a_comment_is_told_from_a_string() {
    assert_eq!(comment("let a = 1; // Whose it is."), Some("// Whose it is."));
    assert_eq!(comment("    /// Nobody listens."), Some("/// Nobody listens."));
    assert_eq!(comment("let url = \"http://who\";"), None);
    assert_eq!(comment("let word = \"a\"; // and \"b\""), Some("// and \"b\""));
    assert!(is_about_persons("// Whose it is."));
    assert!(is_about_persons("/// ask nobody"));
    assert!(!is_about_persons("// the whole"));
}
