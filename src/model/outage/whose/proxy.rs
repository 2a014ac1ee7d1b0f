//! Where the proxy sends new sessions at a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::outage::whose::track::Placed;
use crate::model::outage::whose::watched::{PageIs, WatchersView};
use crate::model::outage::{Outage, Side};

/// A proxy that dies is seen so before the load's sessions are.
const SHORTLY: Duration = Duration::from_secs(5);

/// The proxy at a moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ProxyAt<'a> {
    /// No watcher saw it.
    Unknown,
    /// Nothing listened there.
    Gone,
    /// It sends new sessions to these servers.
    Sends(BTreeSet<&'a str>),
}

/// The proxy over the time of an outage, in the backend through which the load goes.
pub(super) struct ProxyView<'a> {
    page: Placed<'a, PageIs>,
    /// It could be read shortly before the outage: a page that is gone while writes are acknowledged is another's.
    was_read: bool,
    servers: Vec<(&'a str, Placed<'a, bool>)>,
}

impl<'a> ProxyView<'a> {
    pub(super) fn new(
        outage: &'a Outage,
        watched: &'a WatchersView,
        (from, to): (Duration, Duration),
    ) -> Self {
        let mut backends: BTreeMap<&str, Vec<(&'a str, Placed<'a, bool>)>> = BTreeMap::new();
        for ((backend, _), server) in &watched.proxied {
            let placed = server.takes_sessions.placed(from, to);
            backends.entry(backend).or_default().push((&server.name, placed));
        }
        let name = |side: &'a Option<Side>| side.as_ref().map(|side| watched.name_of(side));
        let sides = (name(&outage.from), name(&outage.to));
        let servers = chosen(sides, backends.into_values(), (from, to));
        let page = watched.page.placed(from, to);
        let was_read = page.was(from.saturating_sub(SHORTLY), from, |is| *is == PageIs::Read);
        Self { page, was_read, servers: servers.unwrap_or_default() }
    }

    /// When anything of it changed, and how far that can be off.
    pub(super) fn boundaries(&self) -> Vec<(Duration, Duration)> {
        let servers = self.servers.iter().flat_map(|(_, placed)| placed.boundaries());
        self.page.boundaries().chain(servers).collect()
    }

    pub(super) fn at(&self, at: Duration) -> ProxyAt<'a> {
        match self.page.at(at) {
            Some(PageIs::Gone) if self.was_read => return ProxyAt::Gone,
            Some(PageIs::Read) => {}
            Some(PageIs::Gone | PageIs::Unknown) | None => return ProxyAt::Unknown,
        }
        if self.servers.iter().all(|(_, placed)| placed.at(at).is_none()) {
            return ProxyAt::Unknown;
        }
        let takes = self.servers.iter().filter(|(_, placed)| placed.at(at) == Some(&true));
        ProxyAt::Sends(takes.map(|(name, _)| *name).collect())
    }
}

/// The backend through which the load goes: that which sent to the server that acknowledged before the outage, sends to
/// the one after it, and to the fewest others; `None` where that fits none or several. A backend of replicas may send to
/// the new primary for a while, and does not to the old one.
fn chosen<'a>(
    (before, after): (Option<&str>, Option<&str>),
    backends: impl Iterator<Item = Vec<(&'a str, Placed<'a, bool>)>>,
    (from, to): (Duration, Duration),
) -> Option<Vec<(&'a str, Placed<'a, bool>)>> {
    before.or(after)?;
    // A change that came with the outage is placed on its beginning.
    let from = from.saturating_sub(Duration::from_micros(1));
    let takers = |servers: &[(&str, Placed<'a, bool>)], at: Duration| {
        servers.iter().filter(|(_, placed)| placed.at(at) == Some(&true)).count()
    };
    let fits = |servers: &[(&str, Placed<'a, bool>)]| {
        let sends = |name: Option<&str>, at: Duration| {
            let takes = |(one, placed): &(&str, Placed<'a, bool>)| {
                Some(*one) == name && placed.at(at) == Some(&true)
            };
            name.is_none() || servers.iter().any(takes)
        };
        (sends(before, from) && sends(after, to))
            .then(|| (takers(servers, from), takers(servers, to)))
    };
    let mut fitting: Vec<_> =
        backends.filter_map(|servers| Some((fits(&servers)?, servers))).collect();
    fitting.sort_by_key(|(others, _)| *others);
    let alike = fitting.len() > 1 && fitting[0].0 == fitting[1].0;
    fitting.into_iter().next().filter(|_| !alike).map(|(_, servers)| servers)
}
