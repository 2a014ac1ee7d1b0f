//! The parts of an outage, from what the watchers and the client saw.

use std::time::Duration;

use crate::model::outage::Outage;
use crate::model::outage::kind::Kind;
use crate::model::outage::whose::cluster::{ClusterAt, ClusterView};
use crate::model::outage::whose::owner::Owner;
use crate::model::outage::whose::part::{OutagePart, PartName, WhoseSeconds};
use crate::model::outage::whose::proxy::{ProxyAt, ProxyView};
use crate::model::outage::whose::watched::WatchersView;

/// Changes closer than this to one another are one moment, seen by several watchers.
const ONE_MOMENT: Duration = Duration::from_millis(5);

/// Splits an outage by what was seen. `is_direct`: nothing stands between the client and the servers. `None` for a
/// partial outage, in which others wrote, and for one without any time.
#[must_use]
pub fn split(outage: &Outage, watched: &WatchersView, is_direct: bool) -> Option<WhoseSeconds> {
    let span = outage.silent().next().filter(|span| span.to > span.from)?;
    let time = (span.from, span.to);
    let client = ClientView::new(outage, time);
    let cluster = ClusterView::new(outage, watched, time);
    let proxy = ProxyView::new(outage, watched, time);
    let mut edges: Vec<(Duration, Duration)> = Vec::new();
    edges.extend(cluster.boundaries());
    edges.extend(proxy.boundaries());
    edges.extend(client.boundaries());
    edges.retain(|(at, _)| span.from < *at && *at < span.to);
    edges.sort();
    let mut moments: Vec<(Duration, Duration)> = vec![(span.from, Duration::ZERO)];
    moments.extend(edges);
    let views = Views { outage, client, cluster, proxy, is_direct };
    let free = views.free_since(&moments, span.to);
    let mut parts: Vec<OutagePart> = Vec::new();
    for (n, (at, within)) in moments.iter().enumerate() {
        let (end, _) = moments.get(n + 1).copied().unwrap_or((span.to, Duration::ZERO));
        let (part, owners) = views.in_the_way(*at, free);
        let lasted = end.saturating_sub(*at);
        match parts.last_mut() {
            Some(last) if last.part == part && last.owners == owners => last.lasted += lasted,
            // Several watchers see one change a moment after another.
            Some(last) if end < span.to && lasted < ONE_MOMENT => last.lasted += lasted,
            // Attempts that failed so shortly after a change say that it came later than the middle between two looks.
            Some(last) if part == PartName::Way && lasted <= *within * 2 => last.lasted += lasted,
            _ if lasted.is_zero() => {}
            _ => {
                if let Some(last) = parts.last_mut() {
                    last.within = last.within.max(*within);
                }
                let from = at.saturating_sub(outage.began);
                let within = *within;
                parts.push(OutagePart { part, owners, from, lasted, within, expected: None });
            }
        }
    }
    Some(WhoseSeconds { parts, shorter: Vec::new() })
}

/// What the client itself lived through.
struct ClientView {
    /// Its first error, after which it tries again: the end of the outage without any.
    noticed: Duration,
    /// The last attempt that failed: when it was started and when it failed.
    tried: Duration,
    failed: Duration,
}

impl ClientView {
    fn new(outage: &Outage, (from, to): (Duration, Duration)) -> Self {
        let since = |after: Option<Duration>| after.map(|after| outage.began.saturating_add(after));
        let noticed = since(outage.phases.first_error).unwrap_or(to).clamp(from, to);
        let tried = since(outage.writable_after.map(|(tried, _)| tried));
        // Without an acknowledgement every attempt failed.
        let tried = tried.unwrap_or(to).clamp(from, to);
        let failed = since(outage.phases.last_error).unwrap_or(tried).clamp(tried, to);
        Self { noticed, tried, failed }
    }

    fn boundaries(&self) -> [(Duration, Duration); 3] {
        [self.noticed, self.tried, self.failed].map(|at| (at, Duration::ZERO))
    }
}

struct Views<'a> {
    outage: &'a Outage,
    client: ClientView,
    cluster: ClusterView<'a>,
    proxy: ProxyView<'a>,
    is_direct: bool,
}

impl Views<'_> {
    /// What is in the way at a moment. `free`: since when the way to a member that takes writes was free.
    fn in_the_way(&self, at: Duration, free: Option<Duration>) -> (PartName, Vec<Owner>) {
        let proxy = self.proxy.at(at);
        match (self.cluster.at(at), &proxy) {
            (ClusterAt::TakesNone(part, owners), _) => (part, owners),
            (_, ProxyAt::Gone) => (PartName::ProxyGone, vec![Owner::Proxy]),
            (ClusterAt::TakesWrites(members), ProxyAt::Sends(servers)) => {
                if servers.is_disjoint(&members) {
                    return (PartName::ProxyChecks, vec![Owner::Proxy]);
                }
                let also_others = !servers.is_subset(&members);
                self.on_a_free_way(at, free, also_others)
            }
            (ClusterAt::TakesWrites(_), ProxyAt::Unknown) if self.is_direct => {
                self.on_a_free_way(at, free, false)
            }
            (ClusterAt::TakesWrites(_), ProxyAt::Unknown) => self.behind_an_unseen_proxy(at),
            (ClusterAt::Unknown, ProxyAt::Sends(servers)) if !servers.is_empty() => {
                match at >= self.client.tried {
                    true => (PartName::Unsplit, vec![Owner::Client, Owner::Postgresql]),
                    false => (PartName::Unsplit, self.all_that_may_be(at)),
                }
            }
            (ClusterAt::Unknown, _) => (PartName::Unsplit, self.all_that_may_be(at)),
        }
    }

    /// A member takes writes, and the proxy sends there, or there is none.
    fn on_a_free_way(
        &self,
        at: Duration,
        free: Option<Duration>,
        also_others: bool,
    ) -> (PartName, Vec<Owner>) {
        let ClientView { noticed, tried, failed } = self.client;
        let one = |part, owner| (part, vec![owner]);
        match self.outage.kind {
            Kind::ReadOnly | Kind::Overloaded | Kind::Denied if at < failed => {
                return one(PartName::Refusal, Owner::Postgresql);
            }
            Kind::Terminated if at < failed => return one(PartName::Ended, Owner::Postgresql),
            Kind::Stall if at < failed || failed == tried => {
                return match self.outage.stall_cause {
                    Some(_) => one(PartName::Silence, Owner::Postgresql),
                    None => self.silence(),
                };
            }
            _ => {}
        }
        if at < noticed {
            return match self.is_another_server() {
                true => one(PartName::Noticing, Owner::Client),
                false => self.silence(),
            };
        }
        if at < failed {
            if also_others && at < tried {
                return one(PartName::ProxyChecks, Owner::Proxy);
            }
            if at >= tried && free.is_some_and(|free| tried < free) && !self.is_direct {
                return one(PartName::ProxyHold, Owner::Proxy);
            }
            return (PartName::Way, self.without_proxy_if_direct(&[Owner::Proxy, Owner::Network]));
        }
        one(PartName::Reconnect, Owner::Client)
    }

    /// The server before gave no answer, or none came through.
    fn silence(&self) -> (PartName, Vec<Owner>) {
        let owners = [Owner::Postgresql, Owner::Proxy, Owner::Network];
        (PartName::Silence, self.without_proxy_if_direct(&owners))
    }

    /// A member takes writes, and where a proxy sends was not seen.
    fn behind_an_unseen_proxy(&self, at: Duration) -> (PartName, Vec<Owner>) {
        let ClientView { noticed, tried, .. } = self.client;
        if at < noticed || at >= tried {
            return (PartName::Unsplit, vec![Owner::Client, Owner::Proxy, Owner::Network]);
        }
        (PartName::Way, vec![Owner::Proxy, Owner::Network])
    }

    /// All that may have been in the way where no watcher saw the cluster, by the outage's kind. The client is not,
    /// while attempts fail that it starts later.
    fn all_that_may_be(&self, at: Duration) -> Vec<Owner> {
        let ClientView { noticed, tried, .. } = self.client;
        let mut owners: Vec<Owner> = match self.outage.kind {
            Kind::Failover | Kind::Switchover | Kind::Demotion => {
                vec![Owner::Patroni, Owner::Postgresql, Owner::Etcd, Owner::Proxy]
            }
            Kind::Restart => vec![Owner::Patroni, Owner::Postgresql, Owner::Proxy],
            Kind::Connection => vec![Owner::Proxy, Owner::Network],
            Kind::Stall => vec![Owner::Postgresql, Owner::Proxy, Owner::Network],
            Kind::Terminated | Kind::ReadOnly | Kind::Overloaded | Kind::Denied => {
                vec![Owner::Postgresql]
            }
            Kind::Unknown => {
                let all = Owner::ALL.into_iter();
                all.filter(|owner| *owner != Owner::Client).collect()
            }
        };
        owners = self.without_proxy_if_direct(&owners);
        let not_tried = at < noticed && self.outage.kind != Kind::Stall;
        if not_tried || at >= tried {
            owners.insert(0, Owner::Client);
        }
        owners
    }

    fn without_proxy_if_direct(&self, owners: &[Owner]) -> Vec<Owner> {
        let is_there = |owner: &Owner| *owner != Owner::Proxy || !self.is_direct;
        owners.iter().copied().filter(is_there).collect()
    }

    fn is_another_server(&self) -> bool {
        let (before, after) = (self.outage.from.as_ref(), self.outage.to.as_ref());
        before.zip(after).is_some_and(|(before, after)| before.name() != after.name())
    }

    /// Since when the way has been free until the end: a member takes writes and the proxy sends to it.
    fn free_since(&self, moments: &[(Duration, Duration)], to: Duration) -> Option<Duration> {
        let is_free = |at: Duration| match (self.cluster.at(at), self.proxy.at(at)) {
            (ClusterAt::TakesWrites(members), ProxyAt::Sends(servers)) => {
                !servers.is_disjoint(&members)
            }
            _ => false,
        };
        let free = moments.iter().rev().take_while(|(at, _)| is_free(*at)).last();
        free.map(|(at, _)| *at).filter(|at| *at < to)
    }
}
