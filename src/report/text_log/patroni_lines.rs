//! What Patroni's API says: the leader, and which members do not answer.

use crate::model::cluster::leader_key::LeaderKey;
use crate::model::cluster::leadership::LeaderSeen;
use crate::model::cluster::member_states::MemberChange;
use crate::model::cluster::software::{MemberSoftware, PatroniSettings};
use crate::model::event::ApiReached;
use crate::report::layout::{Line, Tone};
use crate::report::words;

/// The leader, or that there is none.
pub(super) fn leader(seen: &LeaderSeen) -> Line {
    let line = |tone| Line::new(tone, "PATRONI");
    match (&seen.from, &seen.to) {
        (None, None) => line(Tone::Wary).rest(": nobody leads"),
        (Some(from), None) if seen.all_asked => {
            line(Tone::Wary).rest(format!(": leader {from} → nobody"))
        }
        (Some(from), None) => line(Tone::Wary)
            .rest(format!(": {from} leads no more"))
            .part("another may: not every member is watched"),
        (from, Some(to)) => {
            let what = match from {
                Some(from) if from != to => format!(": leader {from} → {to}"),
                Some(_) => format!(": {to} leads anew"),
                None => format!(": {to} leads"),
            };
            let timeline = match seen.timeline {
                Some(timeline) => format!("timeline {timeline}"),
                None => "not promoted yet".to_owned(),
            };
            line(Tone::Plain).rest(what).part(timeline)
        }
    }
}

/// Whether the leader's key is free.
pub(super) fn leader_key(key: LeaderKey) -> Line {
    let is = if key.free { "is free" } else { "is held" };
    Line::new(Tone::Plain, "PATRONI").rest(format!(": the leader's key {is}"))
}

/// What a member is now.
pub(super) fn member(seen: &MemberChange) -> Line {
    let (is, timeline) = words::member_state(&seen.is);
    let timeline = timeline.map(|timeline| format!("timeline {timeline}"));
    Line::new(Tone::Plain, "PATRONI").rest(format!(": {} {is}", seen.member)).part_if(timeline)
}

/// What a member runs.
pub(super) fn software(runs: &MemberSoftware) -> Line {
    let postgresql =
        runs.postgresql.map(|version| format!("PostgreSQL {}", words::postgresql_version(version)));
    Line::new(Tone::Plain, "PATRONI")
        .rest(format!(": {} runs Patroni {}", runs.member, runs.patroni))
        .part_if(postgresql)
}

/// The cluster's settings.
pub(super) fn settings(settings: &PatroniSettings) -> Line {
    let line = Line::new(Tone::Plain, "PATRONI");
    let settings = words::patroni_settings(settings);
    let mut words = settings.into_iter().map(|(name, value)| format!("{name} {value}"));
    let line = line.rest(format!(": {}", words.next().unwrap_or_default()));
    words.fold(line, Line::part)
}

/// A member that cannot be asked, or can be again.
pub(super) fn api(reached: &ApiReached) -> Line {
    let name = reached.member.as_deref().unwrap_or("a member");
    let line = |tone, what: &str| Line::new(tone, "PATRONI").rest(format!(": {name} {what}"));
    match &reached.error {
        Some(error) if reached.watched => {
            line(Tone::Wary, "does not answer").message(error.clone()).part(reached.url.clone())
        }
        Some(error) => {
            line(Tone::Plain, "is not watched").message(error.clone()).part(reached.url.clone())
        }
        None => line(Tone::Plain, "answers again"),
    }
}
