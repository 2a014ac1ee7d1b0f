//! What Ant's and Jenkins's readers of JUnit ask for: which elements stand in which, in which order, with which
//! attributes, and that the counts are those of the cases. Written down from the format, as its schemas are.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element: its name, the attributes that it must and may have, what stands in it in that order.
struct Rule {
    name: &'static str,
    must: &'static [&'static str],
    may: &'static [&'static str],
    within: &'static [&'static str],
}

const RULES: [Rule; 7] = [
    Rule {
        name: "testsuites",
        must: &["tests", "failures", "errors"],
        may: &["name", "time", "skipped"],
        within: &["testsuite"],
    },
    Rule {
        name: "testsuite",
        must: &["name", "tests", "failures", "errors"],
        may: &["time", "timestamp", "skipped"],
        within: &["testcase"],
    },
    Rule {
        name: "testcase",
        must: &["name", "classname", "time"],
        may: &[],
        within: &["skipped", "error", "failure", "system-out"],
    },
    Rule { name: "skipped", must: &[], may: &["message"], within: &[] },
    Rule { name: "error", must: &["message"], may: &["type"], within: &[] },
    Rule { name: "failure", must: &["message"], may: &["type"], within: &[] },
    Rule { name: "system-out", must: &[], may: &[], within: &[] },
];

/// An element that is open.
struct Open {
    rule: &'static Rule,
    attributes: BTreeMap<String, String>,
    /// Where in the order of its elements the last one was.
    last: usize,
    /// Of the elements below, how many of each name.
    counts: BTreeMap<String, u64>,
}

pub(crate) fn assert_junit(xml: &str) {
    let mut reader = Reader::from_str(xml);
    let mut open: Vec<Open> = Vec::new();
    let mut roots = 0;
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {xml}")) {
            Event::Start(start) => {
                let one = opened(&start, open.last_mut(), xml);
                open.push(one);
            }
            Event::Empty(start) => {
                let one = opened(&start, open.last_mut(), xml);
                closed(one, open.last_mut(), xml);
            }
            Event::End(_) => {
                let one = open.pop().unwrap();
                roots += usize::from(open.is_empty());
                closed(one, open.last_mut(), xml);
            }
            Event::Text(text) => {
                let is_space = text.iter().all(u8::is_ascii_whitespace);
                let holds_text = open.last().is_some_and(|one| one.rule.within.is_empty());
                assert!(is_space || holds_text, "text outside of elements: {xml}");
            }
            Event::GeneralRef(_) | Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("{other:?} in {xml}"),
        }
    }
    assert_eq!(roots, 1, "{xml}");
}

fn opened(start: &BytesStart<'_>, parent: Option<&mut Open>, xml: &str) -> Open {
    let name = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
    let rule = RULES.iter().find(|rule| rule.name == name);
    let rule = rule.unwrap_or_else(|| panic!("<{name}> in {xml}"));
    match parent {
        Some(parent) => {
            let at = parent.rule.within.iter().position(|within| *within == name);
            let at = at.unwrap_or_else(|| panic!("<{name}> in <{}>: {xml}", parent.rule.name));
            assert!(at >= parent.last, "<{name}> stands too late: {xml}");
            parent.last = at;
        }
        None => assert_eq!(name, "testsuites", "{xml}"),
    }
    let attribute = |one: quick_xml::events::attributes::Attribute<'_>| {
        let key = String::from_utf8(one.key.as_ref().to_vec()).unwrap();
        (key, String::from_utf8(one.value.to_vec()).unwrap())
    };
    let attributes: BTreeMap<String, String> =
        start.attributes().map(|one| attribute(one.unwrap())).collect();
    for name in rule.must {
        assert!(attributes.contains_key(*name), "<{}> without {name}: {xml}", rule.name);
    }
    for (name, value) in &attributes {
        let is_known = rule.must.contains(&name.as_str()) || rule.may.contains(&name.as_str());
        assert!(is_known, "<{} {name}>: {xml}", rule.name);
        assert_value(name, value);
    }
    Open { rule, attributes, last: 0, counts: BTreeMap::new() }
}

fn assert_value(name: &str, value: &str) {
    match name {
        "tests" | "failures" | "errors" | "skipped" => drop(value.parse::<u64>().unwrap()),
        "time" => assert!(value.parse::<f64>().unwrap() >= 0.0 && !value.contains('e'), "{value}"),
        // ISO 8601 without a zone and without parts of a second.
        "timestamp" => {
            chrono::NaiveDateTime::parse_from_str(value, "%Y-%m-%dT%H:%M:%S").unwrap();
            assert_eq!(value.len(), "2026-11-27T18:00:00".len());
        }
        "name" | "classname" => assert!(!value.is_empty()),
        _ => {}
    }
}

/// Compares the counts of what is closed with what was in it, and counts it where it was.
fn closed(one: Open, parent: Option<&mut Open>, xml: &str) {
    for (attribute, element) in [
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        let counts = matches!(one.rule.name, "testsuites" | "testsuite");
        if let Some(said) = one.attributes.get(attribute).filter(|_| counts) {
            let there = one.counts.get(element).copied().unwrap_or(0);
            assert_eq!(
                said.parse::<u64>().unwrap(),
                there,
                "{attribute} of {}: {xml}",
                one.rule.name
            );
        }
    }
    let outcomes = ["failure", "error", "skipped"].iter().filter_map(|name| one.counts.get(*name));
    assert!(one.rule.name != "testcase" || outcomes.sum::<u64>() <= 1, "{xml}");
    if let Some(parent) = parent {
        *parent.counts.entry(one.rule.name.to_owned()).or_default() += 1;
        for (name, count) in one.counts {
            *parent.counts.entry(name).or_default() += count;
        }
    }
}
