//! The parts of an outage, from what the watchers and the client saw.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::outage::Outage;
use crate::model::outage::kind::Kind;
use crate::model::outage::stall_cause::StallCause;
use crate::model::outage::whose::cluster::{ClusterAt, ClusterView, silence};
use crate::model::outage::whose::owner::Owner;
use crate::model::outage::whose::part::{OutagePart, PartName, WhoseSeconds};
use crate::model::outage::whose::proxy::{ProxyAt, ProxyView};
use crate::model::outage::whose::watched::WatchersView;

/// Changes closer than this to one another are one moment, seen by several watchers.
const ONE_MOMENT: Duration = Duration::from_millis(5);

/// A promotion that takes longer waited for something.
const PROMOTED_SOON: Duration = Duration::from_secs(1);

/// A connect takes less, unless it is held.
const HELD_MIN: Duration = Duration::from_millis(200);

/// Changes in an outage that are looked at, the last ones.
const MOMENTS_MAX: usize = 1_024;

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
    // Flapping servers may change thousands of times: the last changes tell what ended the outage.
    let cut = edges.len().saturating_sub(MOMENTS_MAX);
    edges.drain(..cut);
    let mut moments: Vec<(Duration, Duration)> = vec![(span.from, Duration::ZERO)];
    moments.extend(edges);
    let views = Views { outage, client, cluster, proxy, is_direct };
    let free = views.free_since(&moments, span.to);
    let mut parts: Vec<OutagePart> = Vec::new();
    for (n, (at, within)) in moments.iter().enumerate() {
        let (end, _) = moments.get(n + 1).copied().unwrap_or((span.to, Duration::ZERO));
        let (part, owners) = match n == 0 && cut > 0 {
            true => (PartName::Unsplit, views.all_that_may_be(*at)),
            false => views.in_the_way(*at, free),
        };
        let lasted = end.saturating_sub(*at);
        match parts.last_mut() {
            Some(last) if last.part == part && last.owners == owners => last.lasted += lasted,
            // Several watchers see one change a moment after another. And attempts that failed so shortly after a change
            // say that it came later than the middle between two looks.
            Some(last)
                if (end < span.to && lasted < ONE_MOMENT)
                    || (part == PartName::Way && lasted <= *within * 2) =>
            {
                last.lasted += lasted;
                last.within = last.within.max(*within);
            }
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
    for part in &mut parts {
        // Patroni has the lock before it promotes, and may have something to do first.
        if part.part == PartName::Promotion && part.lasted > PROMOTED_SOON {
            part.owners = vec![Owner::Patroni, Owner::Postgresql];
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
    /// Whether any did.
    has_failed: bool,
    /// The connect that then brought the session, where it was held on its way: from when it was accepted until the
    /// server answered.
    held: Option<(Duration, Duration)>,
}

impl ClientView {
    fn new(outage: &Outage, (from, to): (Duration, Duration)) -> Self {
        let since = |after: Option<Duration>| after.map(|after| outage.began.saturating_add(after));
        let noticed = since(outage.phases.first_error).unwrap_or(to).clamp(from, to);
        let tried = since(outage.writable_after.map(|(tried, _)| tried));
        // Without an acknowledgement every attempt failed.
        let tried = tried.unwrap_or(to).clamp(from, to);
        let failed = since(outage.phases.last_error).unwrap_or(tried).clamp(tried, to);
        let has_failed = outage.phases.last_error.is_some();
        let connect = since(outage.phases.writable_accepted).zip(since(outage.phases.writable));
        let held = connect.map(|(accepted, answered)| {
            let answered = answered.clamp(failed, to);
            (accepted.clamp(failed, answered), answered)
        });
        let held = held.filter(|(accepted, answered)| *answered - *accepted >= HELD_MIN);
        Self { noticed, tried, failed, has_failed, held }
    }

    fn boundaries(&self) -> impl Iterator<Item = (Duration, Duration)> {
        let held = self.held.map(|(accepted, answered)| [accepted, answered]);
        let all =
            [self.noticed, self.tried, self.failed].into_iter().chain(held.into_iter().flatten());
        all.map(|at| (at, Duration::ZERO))
    }

    /// Whether the connect that brought the session was on its way.
    fn is_held(&self, at: Duration) -> bool {
        self.held.is_some_and(|(accepted, answered)| (accepted..answered).contains(&at))
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
        // Without a proxy on the way its page tells nothing.
        let proxy = if self.is_direct { ProxyAt::Unknown } else { self.proxy.at(at) };
        let members = match self.cluster.at(at) {
            ClusterAt::TakesNone(part, owners) => {
                return (part, self.without_proxy_if_direct(&owners));
            }
            ClusterAt::Unknown => return self.in_an_unseen_cluster(at, &proxy),
            ClusterAt::TakesWrites(members) => members,
        };
        if proxy == ProxyAt::Gone {
            return (PartName::ProxyGone, vec![Owner::Proxy]);
        }
        if let Some(by_kind) = self.by_kind(at) {
            return by_kind;
        }
        if self.is_waiting_in_the_server(at, &members) {
            return (PartName::Silence, vec![Owner::Postgresql]);
        }
        match proxy {
            // A proxy that asks for the leader rightly sends no session to a server that only goes on.
            ProxyAt::Sends(servers)
                if servers.is_disjoint(&members)
                    && self.cluster.are_without_leader(&members, at) =>
            {
                match self.cluster.has_next_writer(&members) {
                    // It took the leadership already, and its Patroni has not said so, or the proxy not asked.
                    true => (PartName::ProxyChecks, vec![Owner::Patroni, Owner::Proxy]),
                    false => self.cluster.without_writes(at),
                }
            }
            ProxyAt::Sends(servers) if servers.is_disjoint(&members) => {
                (PartName::ProxyChecks, vec![Owner::Proxy])
            }
            ProxyAt::Sends(servers) => self.on_a_free_way(at, free, !servers.is_subset(&members)),
            _ if self.is_direct => self.on_a_free_way(at, free, false),
            _ if self.cluster.are_without_leader(&members, at) => {
                (PartName::Way, vec![Owner::Patroni, Owner::Proxy, Owner::Network])
            }
            _ => self.behind_an_unseen_proxy(at),
        }
    }

    /// No watcher saw whether a member takes writes.
    fn in_an_unseen_cluster(&self, at: Duration, proxy: &ProxyAt<'_>) -> (PartName, Vec<Owner>) {
        let ClientView { failed, has_failed, .. } = self.client;
        match proxy {
            // Where the cluster fails over, a proxy may go down with it, and another one come.
            ProxyAt::Gone if self.outage.kind == Kind::Connection => {
                (PartName::ProxyGone, vec![Owner::Proxy])
            }
            ProxyAt::Sends(servers) if !servers.is_empty() && has_failed && at >= failed => {
                (PartName::Unsplit, vec![Owner::Client, Owner::Postgresql])
            }
            _ => (PartName::Unsplit, self.all_that_may_be(at)),
        }
    }

    /// Whether a write waited in the server that it was sent to, before that one was gone: for a standby, or a lock.
    fn is_waiting_in_the_server(&self, at: Duration, members: &BTreeSet<&str>) -> bool {
        let cause = self.outage.stall_cause.as_ref();
        at < self.client.noticed
            && cause.is_some_and(StallCause::is_of_the_server)
            && self.cluster.has_writer_before(members)
    }

    /// A server that takes writes, and did not take these.
    fn by_kind(&self, at: Duration) -> Option<(PartName, Vec<Owner>)> {
        let ClientView { failed, has_failed, .. } = self.client;
        let one = |part| Some((part, vec![Owner::Postgresql]));
        match self.outage.kind {
            Kind::ReadOnly | Kind::Overloaded | Kind::Denied if at < failed => {
                one(PartName::Refusal)
            }
            Kind::Terminated if at < failed => one(PartName::Ended),
            Kind::Stall if at < failed || !has_failed => match &self.outage.stall_cause {
                Some(cause) if cause.is_of_the_server() => one(PartName::Silence),
                // The server has answered, or has no process for it any more: it is lost on the way.
                Some(_) => Some((
                    PartName::Silence,
                    self.without_proxy_if_direct(&[Owner::Proxy, Owner::Network]),
                )),
                None => Some(self.silence()),
            },
            _ => None,
        }
    }

    /// A member takes writes, and the proxy sends there, or there is none.
    fn on_a_free_way(
        &self,
        at: Duration,
        free: Option<Duration>,
        also_others: bool,
    ) -> (PartName, Vec<Owner>) {
        let ClientView { noticed, tried, failed, .. } = self.client;
        let one = |part, owner| (part, vec![owner]);
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
            if at >= tried && free.is_some_and(|free| tried < free) {
                // The attempt hung: at a server that gave no answer, until the client's own deadline.
                return match self.is_direct {
                    true => (PartName::Way, vec![Owner::Client, Owner::Postgresql, Owner::Network]),
                    false => one(PartName::ProxyHold, Owner::Proxy),
                };
            }
            return (PartName::Way, self.without_proxy_if_direct(&[Owner::Proxy, Owner::Network]));
        }
        match (self.client.is_held(at), self.is_direct) {
            (false, _) => one(PartName::Reconnect, Owner::Client),
            (true, false) => one(PartName::ProxyHold, Owner::Proxy),
            (true, true) => (PartName::Way, vec![Owner::Postgresql, Owner::Network]),
        }
    }

    /// The server before gave no answer, or none came through.
    fn silence(&self) -> (PartName, Vec<Owner>) {
        let (part, owners) = silence();
        (part, self.without_proxy_if_direct(&owners))
    }

    /// A member takes writes, and where a proxy sends was not seen.
    fn behind_an_unseen_proxy(&self, at: Duration) -> (PartName, Vec<Owner>) {
        let ClientView { noticed, tried, .. } = self.client;
        if at < noticed || (at >= tried && !self.client.is_held(at)) {
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
        if not_tried || (at >= tried && !self.client.is_held(at)) {
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

    /// Since when the way has been free until the end: a member takes writes and the proxy sends to it, where there is one.
    fn free_since(&self, moments: &[(Duration, Duration)], to: Duration) -> Option<Duration> {
        let is_free = |at: Duration| match (self.cluster.at(at), self.proxy.at(at)) {
            (ClusterAt::TakesWrites(_), _) if self.is_direct => true,
            (ClusterAt::TakesWrites(members), ProxyAt::Sends(servers)) => {
                !servers.is_disjoint(&members)
            }
            _ => false,
        };
        let free = moments.iter().rev().take_while(|(at, _)| is_free(*at)).last();
        free.map(|(at, _)| *at).filter(|at| *at < to)
    }
}
