//! Where the proxy sends new sessions at a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::outage::Outage;
use crate::model::outage::whose::track::Placed;
use crate::model::outage::whose::watched::{PageIs, WatchersView};

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
        let servers = chosen(outage, backends.into_values(), (from, to));
        Self { page: watched.page.placed(from, to), servers: servers.unwrap_or_default() }
    }

    /// When anything of it changed, and how far that can be off.
    pub(super) fn boundaries(&self) -> Vec<(Duration, Duration)> {
        let servers = self.servers.iter().flat_map(|(_, placed)| placed.boundaries());
        self.page.boundaries().chain(servers).collect()
    }

    pub(super) fn at(&self, at: Duration) -> ProxyAt<'a> {
        match self.page.at(at) {
            Some(PageIs::Gone) => return ProxyAt::Gone,
            Some(PageIs::Read) => {}
            Some(PageIs::Unknown) | None => return ProxyAt::Unknown,
        }
        if self.servers.iter().all(|(_, placed)| placed.at(at).is_none()) {
            return ProxyAt::Unknown;
        }
        let takes = self.servers.iter().filter(|(_, placed)| placed.at(at) == Some(&true));
        ProxyAt::Sends(takes.map(|(name, _)| *name).collect())
    }
}

/// The backend through which the load goes: that which sends to the server that acknowledged after the outage, or
/// before it, and to the fewest others; `None` where that fits none or several.
fn chosen<'a>(
    outage: &Outage,
    backends: impl Iterator<Item = Vec<(&'a str, Placed<'a, bool>)>>,
    (from, to): (Duration, Duration),
) -> Option<Vec<(&'a str, Placed<'a, bool>)>> {
    let (server, at) = match (&outage.to, &outage.from) {
        (Some(after), _) => (after, to),
        (None, Some(before)) => (before, from),
        (None, None) => return None,
    };
    let others = |servers: &[(&str, Placed<'a, bool>)]| {
        let takes = |name: &str| {
            servers.iter().any(|(one, placed)| *one == name && placed.at(at) == Some(&true))
        };
        let up = servers.iter().filter(|(_, placed)| placed.at(at) == Some(&true)).count();
        takes(server.name()).then_some(up)
    };
    let mut fitting: Vec<_> =
        backends.filter_map(|servers| Some((others(&servers)?, servers))).collect();
    fitting.sort_by_key(|(up, _)| *up);
    let alike = fitting.len() > 1 && fitting[0].0 == fitting[1].0;
    fitting.into_iter().next().filter(|_| !alike).map(|(_, servers)| servers)
}
