//! The lanes of a run's film: which server acknowledged, what each member was, and what each server was
//! for the proxy, over time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::cluster::member_states::MemberState;
use crate::model::cluster::proxy::{ProxyChange, ProxyServerState};
use crate::model::event::{Event, What};
use crate::model::seconds;

/// Changes that are kept, over all lanes: more cannot be drawn.
const CHANGES_MAX: usize = 4_096;

/// From when on a server acknowledged writes: until another one did, but for the outages between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgingFrom {
    /// Its first acknowledged write, since the start of the run.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// Its name or address.
    pub server: String,
    /// Its timeline.
    pub timeline: Option<u32>,
}

/// What a member was over time, by its own Patroni API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLane {
    /// Its name, or the URL of its API where it tells none.
    pub member: String,
    /// What it was, each until the next, the last one until the end of the run.
    pub states: Vec<MemberFrom>,
}

/// From when on a member was something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFrom {
    /// When its API said so first, since the start of the run.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// What it was.
    #[serde(flatten)]
    pub is: MemberState,
}

/// What a server was over time, for the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyLane {
    /// The proxy's backend.
    pub backend: String,
    /// The server in it, as the proxy names it.
    pub server: String,
    /// The member that it is, where that is known.
    pub member: Option<String>,
    /// What it was, each until the next, the last one until the end of the run.
    pub states: Vec<ProxyServerFrom>,
}

impl ProxyLane {
    /// The member, else the server as the proxy names it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.member.as_deref().unwrap_or(&self.server)
    }
}

/// From when on a server was something for the proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyServerFrom {
    /// When the proxy's page said so first, since the start of the run.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// What it was.
    #[serde(flatten)]
    pub is: ProxyServerState,
}

/// From when on the proxy's page could be read, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyPageFrom {
    /// When a look found it so first, since the start of the run.
    #[serde(rename = "from_s", with = "seconds")]
    pub from: Duration,
    /// Why it could not be read; `None` when it could.
    pub error: Option<String>,
    /// Whether nothing listened there: its port refused, or broke the connection off.
    pub gone: bool,
}

/// The lanes, folded from a run's events.
#[derive(Debug, Default)]
pub struct Lanes {
    acknowledging: Vec<AcknowledgingFrom>,
    members: BTreeMap<String, Vec<MemberFrom>>,
    /// By backend and server.
    proxy: BTreeMap<(String, String), ProxyLane>,
    proxy_page: Vec<ProxyPageFrom>,
    changes: usize,
    /// When the first change was left out.
    cut: Option<Duration>,
}

impl Lanes {
    /// Takes an event in.
    pub fn apply(&mut self, event: &Event) {
        match &event.what {
            What::Acknowledging { server } if self.has_room(event.at) => {
                self.acknowledging.push(AcknowledgingFrom {
                    from: event.at,
                    server: server.name(),
                    timeline: server.timeline,
                });
            }
            What::MemberChanged(seen) if self.has_room(event.at) => {
                let from = MemberFrom { from: event.at, is: seen.is.clone() };
                self.members.entry(seen.member.clone()).or_default().push(from);
            }
            What::ProxyChanged(seen) if self.has_room(event.at) => {
                self.proxy_changed(event.at, seen);
            }
            What::ProxyPage(page) if self.has_room(event.at) => {
                let (from, gone) = (event.at, page.gone);
                self.proxy_page.push(ProxyPageFrom { from, error: page.error.clone(), gone });
            }
            _ => {}
        }
    }

    fn proxy_changed(&mut self, from: Duration, seen: &ProxyChange) {
        let (backend, server) = (seen.backend.clone(), seen.server.clone());
        let lane = self
            .proxy
            .entry((backend.clone(), server.clone()))
            .or_insert_with(|| ProxyLane { backend, server, member: None, states: Vec::new() });
        // It may be known later only which member it is.
        if seen.member.is_some() {
            lane.member.clone_from(&seen.member);
        }
        lane.states.push(ProxyServerFrom { from, is: seen.is.clone() });
    }

    fn has_room(&mut self, at: Duration) -> bool {
        self.changes += 1;
        let has_room = self.changes <= CHANGES_MAX;
        if !has_room {
            self.cut.get_or_insert(at);
        }
        has_room
    }

    /// The servers that acknowledged, in the order of their first writes.
    #[must_use]
    pub fn acknowledging(&self) -> &[AcknowledgingFrom] {
        &self.acknowledging
    }

    /// The members, by name.
    #[must_use]
    pub fn members(&self) -> Vec<MemberLane> {
        let lane = |(member, states): (&String, &Vec<MemberFrom>)| MemberLane {
            member: member.clone(),
            states: states.clone(),
        };
        self.members.iter().map(lane).collect()
    }

    /// The proxy's servers, by backend and name.
    #[must_use]
    pub fn proxy(&self) -> Vec<ProxyLane> {
        self.proxy.values().cloned().collect()
    }

    /// Whether the proxy's page could be read, over time.
    #[must_use]
    pub fn proxy_page(&self) -> &[ProxyPageFrom] {
        &self.proxy_page
    }

    /// How many changes are left out, as there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.changes.saturating_sub(CHANGES_MAX) as u64
    }

    /// From when on changes are left out, as there were too many.
    #[must_use]
    pub fn cut(&self) -> Option<Duration> {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cluster::member_states::MemberChange;
    use crate::model::cluster::proxy::ProxyPage;
    use crate::model::cluster::server::Server;

    fn seen(at_ms: u64, member: &str, is: MemberState) -> Event {
        let seen = MemberChange { member: member.to_owned(), not_before: None, is };
        Event { at: Duration::from_millis(at_ms), what: What::MemberChanged(seen) }
    }

    #[test]
    fn each_member_has_its_states_and_servers_their_first_writes() {
        let server =
            Server { member: Some("patroni1".to_owned()), timeline: Some(1), ..Server::default() };
        let at = Duration::from_millis(250);
        let mut lanes = Lanes::default();
        for event in [
            seen(100, "patroni2", MemberState::Replica { timeline: Some(1) }),
            seen(120, "patroni1", MemberState::Primary { timeline: Some(1) }),
            Event { at, what: What::Acknowledging { server } },
            seen(9_000, "patroni1", MemberState::Gone),
        ] {
            lanes.apply(&event);
        }
        let names: Vec<String> = lanes.members().into_iter().map(|lane| lane.member).collect();
        assert_eq!(names, ["patroni1", "patroni2"]);
        let of_first: Vec<u128> =
            lanes.members()[0].states.iter().map(|state| state.from.as_millis()).collect();
        assert_eq!(of_first, [120, 9_000]);
        assert_eq!(
            serde_json::to_string(lanes.acknowledging()).unwrap(),
            r#"[{"from_s":0.25,"server":"patroni1","timeline":1}]"#
        );
    }

    #[test]
    fn each_server_of_the_proxy_has_its_states() {
        let change = |member: Option<&str>, is| ProxyChange {
            backend: "primary".to_owned(),
            server: "pg1".to_owned(),
            member: member.map(str::to_owned),
            not_before: None,
            is,
            check: None,
        };
        let page = |error: Option<&str>| ProxyPage {
            url: "http://h:7000/;csv".to_owned(),
            not_before: None,
            error: error.map(str::to_owned),
            gone: error.is_some(),
        };
        let mut lanes = Lanes::default();
        for (at_ms, what) in [
            (100, What::ProxyPage(page(None))),
            (100, What::ProxyChanged(change(None, ProxyServerState::Up))),
            (900, What::ProxyPage(page(Some("connection refused")))),
            (
                2_000,
                What::ProxyChanged(change(
                    Some("patroni1"),
                    ProxyServerState::GoingDown { failed: 1, fall: 2 },
                )),
            ),
        ] {
            lanes.apply(&Event { at: Duration::from_millis(at_ms), what });
        }
        assert_eq!(
            serde_json::to_string(&lanes.proxy()).unwrap(),
            r#"[{"backend":"primary","server":"pg1","member":"patroni1","states":[{"from_s":0.1,"state":"up"},{"from_s":2.0,"state":"going_down","failed":1,"fall":2}]}]"#
        );
        assert_eq!(
            serde_json::to_string(lanes.proxy_page()).unwrap(),
            r#"[{"from_s":0.1,"error":null,"gone":false},{"from_s":0.9,"error":"connection refused","gone":true}]"#
        );
    }

    #[test]
    fn more_changes_than_can_be_drawn_are_left_out_and_said() {
        let mut lanes = Lanes::default();
        for n in 0..10_000 {
            let timeline = u32::try_from(n).ok();
            lanes.apply(&seen(n, "patroni1", MemberState::Primary { timeline }));
        }
        assert_eq!(lanes.members()[0].states.len(), CHANGES_MAX);
        assert_eq!(lanes.cut(), Some(Duration::from_millis(CHANGES_MAX as u64)));
        assert_eq!(lanes.left_out(), 10_000 - CHANGES_MAX as u64);
    }
}
