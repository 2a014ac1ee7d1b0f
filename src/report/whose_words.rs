//! An outage's parts and their owners in words: the same in log, summary, Markdown and page.

use crate::model::outage::whose::{OutagePart, Owner, PartName, WhoseSeconds};

use super::numbers::duration;

/// An owner, as a noun.
#[must_use]
pub fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::Client => "the client",
        Owner::Patroni => "Patroni",
        Owner::Postgresql => "PostgreSQL",
        Owner::Etcd => "etcd",
        Owner::Proxy => "the proxy",
        Owner::Network => "the network",
    }
}

/// Several owners, of which one it was: `Patroni, PostgreSQL or etcd`.
#[must_use]
pub fn owners(several: &[Owner]) -> String {
    let names: Vec<&str> = several.iter().copied().map(owner).collect();
    match names.split_last() {
        None => "unknown".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

/// What was in the way in a part, in a few words that follow its length.
#[must_use]
pub fn part(part: &OutagePart) -> String {
    let words = match part.part {
        PartName::Lock => "Patroni waited for the lock to expire",
        PartName::Handover => "the old leader shut down and handed over",
        PartName::Store => "Patroni without its store",
        PartName::Election => "election",
        PartName::Promotion => "promotion",
        PartName::Restart => "Patroni had not restarted the server",
        PartName::Recovery => "the server started and recovered",
        PartName::Silence => "no answer",
        PartName::Refusal => "the server refused",
        PartName::Ended => "the server ended sessions",
        PartName::Cluster => "no member took writes",
        PartName::ProxyChecks => "the proxy's checks",
        PartName::ProxyHold => "the proxy held connects to a dead server",
        PartName::ProxyGone => "no proxy",
        PartName::Noticing => "the client had not noticed",
        PartName::Reconnect => "the client's backoff",
        PartName::Way => "attempts failed on the way",
        PartName::Unsplit => return owners(&part.owners),
    };
    match part.owners.len() {
        0 | 1 => words.to_owned(),
        _ => format!("{words} ({})", owners(&part.owners)),
    }
}

/// The parts one after another, those that are seen in the length as it is printed.
pub fn parts(whose: &WhoseSeconds) -> impl Iterator<Item = String> + '_ {
    let nothing = duration(std::time::Duration::ZERO);
    whose.parts.iter().filter_map(move |one| {
        let length = duration(one.lasted);
        (length != nothing).then(|| format!("{length} {}", part(one)))
    })
}
