//! Lanes of servers: which one acknowledged, when two did, and what each member was.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::model::cluster::member_states::MemberState;
use crate::model::foreign::{plain, shortened};
use crate::model::run::lanes::MemberLane;
use crate::model::run::summary::Summary;
use crate::report::words;

use super::super::axis::TimeAxis;
use super::super::picture::{boxes, place, width_of};
use super::super::silence::silent;
use super::super::table::SHOWN_MAX;
use super::Lane;

pub(super) const HEIGHT: f64 = 18.0;

/// What is free between two stretches.
const BETWEEN: f64 = 1.0;

/// Colours of servers; a further one begins anew.
pub(super) const COLOURS: [&str; 4] = ["s0", "s1", "s2", "s3"];

/// Members with a lane; the others are in the table.
pub(in super::super) const MEMBERS_SHOWN: usize = 24;

/// Characters of a name beside a lane.
const NAME_CHARS_MAX: usize = 18;

/// A stretch of a lane.
pub(super) struct Stretch {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) class: &'static str,
    /// White on this class can be read.
    pub(super) is_dark: bool,
    pub(super) words: String,
}

/// Which server acknowledged writes, with nothing where none did.
pub(in super::super) fn acknowledging(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let servers = &summary.acknowledging;
    if servers.is_empty() {
        return None;
    }
    let mut colours: BTreeMap<&str, &'static str> = BTreeMap::new();
    let mut stretches = Vec::new();
    for (n, from) in servers.iter().enumerate() {
        let until = servers.get(n + 1).map_or(end_s(summary, axis), |next| next.from.as_secs_f64());
        let next = COLOURS[colours.len() % COLOURS.len()];
        let class = *colours.entry(from.server.as_str()).or_insert(next);
        let words = on_timeline(&from.server, from.timeline);
        let (from, to) = (axis.x_of(from.from), axis.x(until));
        stretches.push(Stretch { from, to, class, is_dark: true, words });
    }
    let mut gaps_from: Vec<f64> = silent(summary, axis).map(|(from, _)| from).collect();
    gaps_from.sort_by(f64::total_cmp);
    let first_gap = |stretch: &Stretch| {
        let first = gaps_from.partition_point(|x| *x <= stretch.from + 1.0);
        gaps_from.get(first).copied()
    };
    let drawing = html! {
        @for stretch in &stretches { (bar(stretch)) }
        path class="none" d=(boxes(silent(summary, axis), 1.0, 21.0)) {}
        @for stretch in &stretches {
            (bar_words(stretch, first_gap(stretch).unwrap_or(stretch.to).min(stretch.to)))
        }
    };
    Some(Lane { name: "writes to".to_owned(), unit: None, height: HEIGHT, drawing })
}

/// When two servers acknowledged at the same time; and for how long the older one went on alone.
pub(in super::super) fn two_primaries(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let stretch = |(from, to), class, words| Stretch {
        from: axis.x_of(from),
        to: axis.x_of(to),
        class,
        is_dark: false,
        words,
    };
    let windows: Vec<Stretch> = summary
        .two_primaries
        .iter()
        .take(SHOWN_MAX)
        .flat_map(|seen| {
            let (old, new) = (plain(&seen.old.name()), plain(&seen.new.name()));
            let both_to = seen.from.saturating_add(seen.both());
            let both = stretch((seen.from, both_to), "down", format!("{old} and {new}"));
            let alone = stretch((both_to, seen.to), "repl", format!("{old} alone"));
            let goes_on = both_to < seen.to;
            let together = both_to > seen.from || !goes_on;
            [Some(both).filter(|_| together), Some(alone).filter(|_| goes_on)]
        })
        .flatten()
        .collect();
    if windows.is_empty() {
        return None;
    }
    let drawing = html! {
        @for window in &windows { (bar(window)) (bar_words(window, window.to)) }
    };
    Some(Lane { name: "two primaries".to_owned(), unit: None, height: HEIGHT, drawing })
}

/// Until when these lanes are known: changes after a cut are left out.
pub(super) fn end_s(summary: &Summary, axis: TimeAxis) -> f64 {
    summary.lanes_until_s.unwrap_or(axis.end_s())
}

/// A lane a member, by what its own Patroni API said.
pub(in super::super) fn members(summary: &Summary, axis: TimeAxis) -> Vec<Lane> {
    let end_s = end_s(summary, axis);
    let lane = |member: &MemberLane| {
        let mut stretches = Vec::new();
        for (n, from) in member.states.iter().enumerate() {
            let to_s = member.states.get(n + 1).map_or(end_s, |next| next.from.as_secs_f64());
            let (class, is_dark, words) = state(&from.is);
            let (from, to) = (axis.x_of(from.from), axis.x(to_s));
            stretches.push(Stretch { from, to, class, is_dark, words });
        }
        let drawing = html! {
            @for stretch in &stretches { (bar(stretch)) (bar_words(stretch, stretch.to)) }
        };
        let name = shortened(&plain(&member.member), NAME_CHARS_MAX);
        Lane { name, unit: None, height: HEIGHT, drawing }
    };
    summary.members.iter().take(MEMBERS_SHOWN).map(lane).collect()
}

fn state(is: &MemberState) -> (&'static str, bool, String) {
    let (class, is_dark) = match is {
        MemberState::Primary { .. } => ("prim", true),
        MemberState::Replica { .. } => ("repl", false),
        MemberState::NotRunning { .. } => ("start", false),
        MemberState::Gone | MemberState::Silent => ("down", false),
    };
    let (words, timeline) = words::member_state(is);
    let words = words.trim_start_matches("is ").trim_start_matches("the ").trim_start_matches("a ");
    (class, is_dark, on_timeline(words, timeline))
}

fn on_timeline(name: &str, timeline: Option<u32>) -> String {
    let timeline = timeline.map(|timeline| format!(" · timeline {timeline}")).unwrap_or_default();
    format!("{}{timeline}", plain(name))
}

pub(super) fn bar(stretch: &Stretch) -> Markup {
    // A line of the background between two stretches of one colour.
    let width = (stretch.to - stretch.from - BETWEEN).max(0.8);
    html! {
        rect class=(stretch.class) x=(place(stretch.from)) y="2" width=(place(width)) height="18" {
            title { (stretch.words) }
        }
    }
}

/// The words of a stretch, where they have room up to `to`: all of them, or those before a colon or a
/// timeline.
pub(super) fn bar_words(stretch: &Stretch, to: f64) -> Markup {
    let before = |mark| stretch.words.split(mark).next().unwrap_or_default();
    let fits = |words: &&str| width_of(words) + 10.0 < to - stretch.from;
    let words = [stretch.words.as_str(), before(": "), before(" · ")].into_iter().find(fits);
    html! {
        @if let Some(words) = words {
            text class=(if stretch.is_dark { "on-dark" } else { "on-light" })
                x=(place(stretch.from + 6.0)) y="15" { (words) }
        }
    }
}
