//! The lane of the proxy: which servers it sent new sessions to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use maud::html;

use crate::model::foreign::{plain, shortened};
use crate::model::run::lanes::ProxyPageFrom;
use crate::model::run::summary::Summary;
use crate::report::numbers::counted;

use super::super::axis::TimeAxis;
use super::Lane;
use super::servers::{COLOURS, HEIGHT, Stretch, bar, bar_words, end_s};

/// Characters of a backend's name beside the lane.
const NAME_CHARS_MAX: usize = 18;

/// Servers that are named in a stretch; of more their number is said.
const NAMED_MAX: usize = 4;

/// The servers that a backend sent new sessions to, from a time on.
#[derive(Debug, PartialEq)]
struct SendingTo<'a> {
    from: Duration,
    names: BTreeSet<&'a str>,
}

/// Which servers took new sessions, in the backend that the load went through.
pub(in super::super) fn sends_to(summary: &Summary, axis: TimeAxis) -> Option<Lane> {
    let end_s = end_s(summary, axis);
    let (backend, taking) = backend_of_load(summary, end_s)?;
    let times: BTreeSet<Duration> = taking
        .iter()
        .map(|one| one.from)
        .chain(summary.proxy_page.iter().map(|one| one.from))
        .collect();
    let times: Vec<Duration> = times.into_iter().collect();
    let mut colours = Colours::of(summary);
    let mut stretches: Vec<Stretch> = Vec::new();
    for (n, at) in times.iter().enumerate() {
        let until_s = times.get(n + 1).map_or(end_s, Duration::as_secs_f64);
        let page = latest(&summary.proxy_page, |one| one.from <= *at);
        let now = latest(&taking, |one| one.from <= *at);
        let (class, words) = match (page.and_then(unreadable), now) {
            (Some(words), _) => ("none", words.to_owned()),
            (None, Some(now)) => colours.choice(&now.names),
            (None, None) => continue,
        };
        let (from, to) = (axis.x_of(*at), axis.x(until_s));
        match stretches.last_mut() {
            Some(last) if last.words == words => last.to = to,
            _ => {
                let is_dark = COLOURS.contains(&class);
                stretches.push(Stretch { from, to, class, is_dark, words });
            }
        }
    }
    let drawing = html! {
        @for stretch in &stretches { (bar(stretch)) (bar_words(stretch, stretch.to)) }
    };
    let unit = Some(shortened(&plain(backend), NAME_CHARS_MAX));
    Some(Lane { name: "proxy sends to".to_owned(), unit, height: HEIGHT, drawing })
}

/// The last of those in order that have begun.
fn latest<T>(all: &[T], has_begun: impl Fn(&T) -> bool) -> Option<&T> {
    all.partition_point(has_begun).checked_sub(1).and_then(|last| all.get(last))
}

/// What is said while the page could not be read: what the proxy did then is not known.
fn unreadable(page: &ProxyPageFrom) -> Option<&'static str> {
    match (&page.error, page.gone) {
        (None, _) => None,
        (Some(_), true) => Some("HAProxy is gone"),
        (Some(_), false) => Some("not known: its page cannot be read"),
    }
}

/// The colours of servers, the same as in the lane of those that acknowledged.
struct Colours<'a>(BTreeMap<&'a str, &'static str>);

impl<'a> Colours<'a> {
    fn of(summary: &'a Summary) -> Self {
        let mut colours = Self(BTreeMap::new());
        for from in &summary.acknowledging {
            colours.get(&from.server);
        }
        colours
    }

    fn get(&mut self, server: &'a str) -> &'static str {
        let next = COLOURS[self.0.len() % COLOURS.len()];
        self.0.entry(server).or_insert(next)
    }

    /// The class and the words of a choice.
    fn choice(&mut self, names: &BTreeSet<&'a str>) -> (&'static str, String) {
        let mut all = names.iter();
        match (all.next(), all.next()) {
            (None, _) => ("down", "no server".to_owned()),
            (Some(one), None) => (self.get(one), plain(one)),
            _ if names.len() > NAMED_MAX => ("repl", counted(names.len() as u64, "server")),
            _ => {
                let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
                ("repl", names.join(", "))
            }
        }
    }
}

/// The backend that the load went through, with what it sent to: the only one, or the one with the servers that
/// fit those that acknowledged best. `None` where none fits.
fn backend_of_load(summary: &Summary, end_s: f64) -> Option<(&str, Vec<SendingTo<'_>>)> {
    let backends: BTreeSet<&str> = summary.proxy.iter().map(|lane| lane.backend.as_str()).collect();
    let is_only = backends.len() == 1;
    let all = backends.into_iter().map(|backend| {
        let taking = taking(summary, backend);
        let fits_s = fits_s(summary, &taking, end_s);
        (backend, taking, fits_s)
    });
    let (backend, taking, fits_s) = all.max_by(|one, other| one.2.total_cmp(&other.2))?;
    (is_only || fits_s > 0.0).then_some((backend, taking))
}

/// Which servers of a backend took sessions, each until the next.
fn taking<'a>(summary: &'a Summary, backend: &str) -> Vec<SendingTo<'a>> {
    let lanes = summary.proxy.iter().filter(|lane| lane.backend == backend);
    let mut changes: Vec<(Duration, &str, Option<&str>)> = lanes
        .flat_map(|lane| {
            lane.states.iter().map(|state| {
                let name = state.is.takes_sessions().then(|| lane.name());
                (state.from, lane.server.as_str(), name)
            })
        })
        .collect();
    changes.sort_by_key(|(from, _, _)| *from);
    let mut now: BTreeMap<&str, &str> = BTreeMap::new();
    let mut all: Vec<SendingTo<'a>> = Vec::new();
    for (from, server, name) in changes {
        match name {
            Some(name) => now.insert(server, name),
            None => now.remove(server),
        };
        let names: BTreeSet<&str> = now.values().copied().collect();
        match all.last_mut() {
            Some(last) if last.from == from => last.names = names,
            Some(last) if last.names == names => {}
            _ => all.push(SendingTo { from, names }),
        }
    }
    all
}

/// For how long the server that acknowledged was among those that sessions went to, in seconds. Of a
/// backend that sends to several each counts its part: one that sends to all members fits less than
/// one that sends to the primary alone.
fn fits_s(summary: &Summary, taking: &[SendingTo<'_>], end_s: f64) -> f64 {
    let servers = &summary.acknowledging;
    let ends_s = |n: usize| servers.get(n + 1).map_or(end_s, |next| next.from.as_secs_f64());
    let (mut first, mut sum_s) = (0, 0.0);
    for (n, one) in taking.iter().enumerate() {
        let from_s = one.from.as_secs_f64();
        let to_s = taking.get(n + 1).map_or(end_s, |next| next.from.as_secs_f64());
        while first + 1 < servers.len() && ends_s(first) <= from_s {
            first += 1;
        }
        for (k, server) in servers.iter().enumerate().skip(first) {
            let begins_s = server.from.as_secs_f64();
            if begins_s >= to_s {
                break;
            }
            if one.names.contains(server.server.as_str()) {
                let together_s = (to_s.min(ends_s(k)) - from_s.max(begins_s)).max(0.0);
                #[allow(clippy::cast_precision_loss, reason = "at most 64")]
                let servers = one.names.len() as f64;
                sum_s += together_s / servers;
            }
        }
    }
    sum_s
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::proxy::ProxyServerState;
    use crate::model::run::lanes::{AcknowledgingFrom, ProxyLane, ProxyServerFrom};
    use crate::report::fixtures::summary;

    fn lane(backend: &str, server: &str, states: &[(u64, ProxyServerState)]) -> ProxyLane {
        let state = |(from_s, is): &(u64, ProxyServerState)| ProxyServerFrom {
            from: Duration::from_secs(*from_s),
            is: is.clone(),
        };
        ProxyLane {
            backend: backend.to_owned(),
            server: server.to_owned(),
            member: None,
            states: states.iter().map(state).collect(),
        }
    }

    fn ack(from_s: u64, server: &str) -> AcknowledgingFrom {
        let from = Duration::from_secs(from_s);
        AcknowledgingFrom { from, server: server.to_owned(), timeline: None }
    }

    /// The titles of the lane's stretches.
    fn drawn(summary: &Summary) -> Option<(String, Vec<String>)> {
        let lane = sends_to(summary, TimeAxis::until(100.0))?;
        let page = lane.drawing.into_string();
        let titles = page.split("<title>").skip(1).filter_map(|rest| rest.split("</title>").next());
        Some((lane.unit?, titles.map(str::to_owned).collect()))
    }

    /// A failover, as the lab's HAProxy sees it: one pool of the primary, one of the replicas, and for a
    /// while two servers up at once.
    #[test]
    fn the_lane_is_that_of_the_backend_whose_server_acknowledges() {
        use ProxyServerState::{ComingUp, Down, GoingDown, Up};
        let mut summary = summary();
        summary.acknowledging = vec![ack(1, "p1"), ack(50, "p2")];
        summary.proxy = vec![
            lane("primary", "p1", &[(0, Up), (40, GoingDown { failed: 1, fall: 2 }), (60, Down)]),
            lane("primary", "p2", &[(0, Down), (45, ComingUp { passed: 1, rise: 2 }), (48, Up)]),
            lane("replicas", "p1", &[(0, Down), (70, Up)]),
            lane("replicas", "p2", &[(0, Up), (46, Down)]),
            lane("any", "p1", &[(0, Up)]),
            lane("any", "p2", &[(0, Up)]),
        ];
        let stretches = ["p1", "p1, p2", "p2"].map(str::to_owned).to_vec();
        assert_eq!(drawn(&summary), Some(("primary".to_owned(), stretches)));
    }

    #[test]
    fn while_the_page_cannot_be_read_nothing_is_claimed() {
        use ProxyServerState::{Down, Up};
        let mut summary = summary();
        summary.proxy = vec![lane("primary", "p1", &[(0, Up), (60, Down)])];
        let page = |from_s, error: Option<&str>, gone| ProxyPageFrom {
            from: Duration::from_secs(from_s),
            error: error.map(str::to_owned),
            gone,
        };
        let (refused, late) = (Some("refused"), Some("no answer"));
        summary.proxy_page = vec![
            page(0, None, false),
            page(20, refused, true),
            page(30, None, false),
            page(50, late, false),
            page(60, None, false),
        ];
        let stretches =
            ["p1", "HAProxy is gone", "p1", "not known: its page cannot be read", "no server"];
        let stretches = stretches.map(str::to_owned).to_vec();
        assert_eq!(drawn(&summary), Some(("primary".to_owned(), stretches)));
    }

    #[test]
    fn without_a_backend_that_fits_nothing_is_drawn() {
        let mut summary = summary();
        assert_eq!(drawn(&summary), None);
        summary.acknowledging = vec![ack(1, "10.0.0.1:5432")];
        let up = [(0, ProxyServerState::Up)];
        summary.proxy = vec![lane("a", "p1", &up), lane("b", "p1", &up)];
        assert_eq!(drawn(&summary), None, "both, and neither is known to be the load's");
    }
}
