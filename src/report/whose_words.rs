//! An outage's parts and their owners in words: the same in log, summary, Markdown and page.

use std::time::Duration;

use crate::model::outage::whose::{OutagePart, Owner, PartName, ShorterBy, WhoseSeconds};

use super::numbers::duration;

/// Where the ends of a part are known less exactly, as after a pause of pgchaos itself, that is said.
const INEXACT: Duration = Duration::from_millis(500);

/// All that makes the cluster: which of them it was was not seen, nor whether what fails it over is Patroni.
const CLUSTER: [Owner; 3] = [Owner::Patroni, Owner::Postgresql, Owner::Etcd];

/// Owners as nouns, of which it was one: `Patroni or its store`, `the client, the cluster or the proxy`.
#[must_use]
pub fn owners(several: &[Owner]) -> String {
    let is_cluster = CLUSTER.iter().all(|one| several.contains(one));
    let name = |owner: &Owner| match owner {
        Owner::Client => Some("the client"),
        Owner::Patroni if is_cluster => Some("the cluster"),
        Owner::Postgresql | Owner::Etcd if is_cluster => None,
        Owner::Patroni => Some("Patroni"),
        Owner::Postgresql => Some("PostgreSQL"),
        // Patroni's API does not tell which store it has.
        Owner::Etcd if several.contains(&Owner::Patroni) => Some("its store"),
        Owner::Etcd => Some("Patroni's store"),
        Owner::Proxy => Some("the proxy"),
        Owner::Network => Some("the network"),
    };
    let names: Vec<&str> = several.iter().filter_map(name).collect();
    match names.split_last() {
        None => "unknown".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}

/// What was in the way in a part, by itself.
#[must_use]
pub fn name(part: &OutagePart) -> &'static str {
    match part.part {
        PartName::Lock => "Patroni waited for the lock to expire",
        PartName::Handover => match part.owners[..] {
            [Owner::Postgresql] => "the old leader's PostgreSQL shut down",
            [Owner::Patroni] => "the old leader's Patroni handed over",
            _ => "the old leader shut down and handed over",
        },
        PartName::Store => "Patroni without its store",
        PartName::Election => "election",
        PartName::Paused => "Patroni is paused, and elects no leader",
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
        PartName::Reconnect => "the client's backoff and connect",
        PartName::Way => "attempts failed on the way",
        PartName::Unsplit => "not split: no watcher saw it",
    }
}

/// The same, with those that it may have been where that is not one, in a few words that follow its length.
#[must_use]
pub fn part(part: &OutagePart) -> String {
    match (part.part, part.owners.len()) {
        (PartName::Unsplit, _) => owners(&part.owners),
        // Its name has both that it may be.
        (PartName::Store, _) | (_, 0 | 1) => name(part).to_owned(),
        _ => format!("{} ({})", name(part), owners(&part.owners)),
    }
}

/// How long a part was expected to be, where the settings say so: `20 to 30.5 s`.
#[must_use]
pub fn expected(part: &OutagePart) -> Option<String> {
    let span = part.expected?;
    let to = span.to?;
    let number = |time: Duration| {
        let text = format!("{:.1}", time.as_secs_f64());
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    };
    let (from, to) = (number(span.from), number(to));
    Some(match from == "0" {
        true => format!("up to {to} s"),
        false if from == to => format!("about {to} s"),
        false => format!("{from} to {to} s"),
    })
}

/// A change that would make such an outage shorter: `fastinter 250ms` (in haproxy.cfg) would save about 4.1 s.
#[must_use]
pub fn shorter(by: &ShorterBy) -> String {
    let saves =
        by.saves.map_or_else(|| "all of it".to_owned(), |time| format!("about {}", duration(time)));
    format!("{} ({}) would save {saves}", by.change, by.place)
}

/// The parts one after another, those that are seen in the length as it is printed; what was expected stands beside
/// those that are long enough.
pub fn parts(whose: &WhoseSeconds, long: Duration) -> impl Iterator<Item = String> + '_ {
    let nothing = duration(Duration::ZERO);
    whose.parts.iter().filter_map(move |one| {
        let length = duration(one.lasted);
        let expected = expected(one).filter(|_| one.lasted >= long);
        let expected = expected.map(|expected| format!(" ({expected} expected)"));
        let off = match one.within >= INEXACT {
            true => format!(" ± {}", duration(one.within)),
            false => String::new(),
        };
        (length != nothing)
            .then(|| format!("{length}{off} {}{}", part(one), expected.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_that_make_the_cluster_are_named_as_one() {
        use Owner::{Client, Etcd, Network, Patroni, Postgresql, Proxy};
        let cases: [(&[Owner], &str); 6] = [
            (&[Patroni, Postgresql, Etcd], "the cluster"),
            (&[Client, Patroni, Postgresql, Etcd, Proxy], "the client, the cluster or the proxy"),
            (&[Patroni, Postgresql, Etcd, Proxy, Network], "the cluster, the proxy or the network"),
            (&[Patroni, Etcd], "Patroni or its store"),
            (&[Patroni, Postgresql], "Patroni or PostgreSQL"),
            (&[Etcd], "Patroni's store"),
        ];
        for (several, words) in cases {
            assert_eq!(owners(several), words);
        }
    }
}
