//! What a proxy says of the servers that it sends to: HAProxy's page, look by look.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::foreign;
use crate::model::seconds;

/// What a proxy says of one server, at the first look and at every change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyChange {
    /// The proxy's backend (`pxname`).
    #[serde(deserialize_with = "foreign::read_name")]
    pub backend: String,
    /// The server in it (`svname`), as the proxy names it.
    #[serde(deserialize_with = "foreign::read_name")]
    pub server: String,
    /// The member that this is, where it is known: by the server's address, or by its name.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub member: Option<String>,
    /// When the last look was asked that saw it otherwise: the change came after that. `None` at the first look.
    #[serde(rename = "not_before_s", default, with = "seconds::option")]
    pub not_before: Option<Duration>,
    /// What it is.
    #[serde(flatten)]
    pub is: ProxyServerState,
    /// The result of its last check, in HAProxy's word: `L7OK`, `L4CON`, `L7STS/503`.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_name",
        skip_serializing_if = "Option::is_none"
    )]
    pub check: Option<String>,
}

impl ProxyChange {
    /// The member, else the server as the proxy names it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.member.as_deref().unwrap_or(&self.server)
    }
}

/// What a server can be for a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProxyServerState {
    /// New sessions go there.
    Up,
    /// New sessions go there still, and checks have begun to fail: `failed` of `fall`.
    GoingDown {
        /// Checks that failed in a row.
        failed: u32,
        /// As many take it down.
        fall: u32,
    },
    /// No session goes there.
    Down,
    /// No session goes there yet, and checks have begun to succeed: `passed` of `rise`.
    ComingUp {
        /// Checks that succeeded in a row.
        passed: u32,
        /// As many take it up.
        rise: u32,
    },
    /// It takes no new sessions, as it was set so: `MAINT`, `DRAIN`, `NOLB`, in HAProxy's word; `weight 0`; a `backup` while
    /// others take them.
    OutOfService {
        /// The word.
        #[serde(deserialize_with = "foreign::read_name")]
        word: String,
    },
    /// Sessions go there unchecked: no check is set, or the first one is not done.
    Unchecked,
}

impl ProxyServerState {
    /// Whether new sessions go there.
    #[must_use]
    pub fn takes_sessions(&self) -> bool {
        matches!(self, Self::Up | Self::GoingDown { .. } | Self::Unchecked)
    }
}

/// Whether the proxy's page can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyPage {
    /// Its URL, without secrets.
    #[serde(deserialize_with = "foreign::read_message")]
    pub url: String,
    /// When the last look was asked that saw it otherwise; `None` at the first look.
    #[serde(rename = "not_before_s", default, with = "seconds::option")]
    pub not_before: Option<Duration>,
    /// Why it cannot be read; `None` when it can, again.
    #[serde(
        default,
        deserialize_with = "foreign::read_some_message",
        skip_serializing_if = "Option::is_none"
    )]
    pub error: Option<String>,
    /// Whether nothing listens there: the connect was refused, or the connection broke. Silence is not that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
}

/// Servers of which is told, over all backends: a foreign page must not fill memory and record.
pub const SERVERS_MAX: usize = 64;

/// A server as one look at the page finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyServer {
    /// The proxy's backend.
    pub backend: String,
    /// The server in it, as the proxy names it.
    pub server: String,
    /// What it is.
    pub is: ProxyServerState,
    /// The result of its last check.
    pub check: Option<String>,
    /// Its address and port, where the page tells them.
    pub address: Option<String>,
}

/// What each server was at the last looks, and what is news of the next.
#[derive(Debug, Default)]
pub struct ProxyStates {
    servers: BTreeMap<(String, String), SeenServer>,
    /// When the last look was asked.
    asked: Option<Duration>,
}

/// A server that was told.
#[derive(Debug)]
struct SeenServer {
    is: ProxyServerState,
    address: Option<String>,
    /// When the last look was asked that saw it so.
    asked: Duration,
}

/// What there is to tell of a server after a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyNews {
    /// What it is. Its member is not known here.
    pub change: ProxyChange,
    /// Its address and port, where the page tells them.
    pub address: Option<String>,
}

impl ProxyStates {
    /// Takes in a look that was asked then. What is new, and how many servers are left out, as there
    /// are more than [`SERVERS_MAX`].
    ///
    /// A server that is on the page no more takes no sessions: it is down. Of several rows for one
    /// server the first counts.
    pub fn look(&mut self, asked: Duration, page: &[ProxyServer]) -> (Vec<ProxyNews>, usize) {
        let before = self.asked.replace(asked);
        let mut rows: BTreeMap<(&str, &str), &ProxyServer> = BTreeMap::new();
        for row in page {
            rows.entry((&row.backend, &row.server)).or_insert(row);
        }
        let mut news = Vec::new();
        for (key, seen) in &mut self.servers {
            let row = rows.get(&(key.0.as_str(), key.1.as_str())).copied();
            let is = row.map_or(ProxyServerState::Down, |row| row.is.clone());
            if let Some(row) = row {
                seen.address.clone_from(&row.address);
            }
            let not_before = std::mem::replace(&mut seen.asked, asked);
            if seen.is == is {
                continue;
            }
            seen.is = is.clone();
            let check = row.and_then(|row| row.check.clone());
            news.push(ProxyNews::new(key, Some(not_before), is, check, seen.address.clone()));
        }
        // In the page's order, so that the same ones are left out at every look.
        let mut left_out = 0;
        for row in page {
            let key = (row.backend.clone(), row.server.clone());
            let first = rows.get(&(row.backend.as_str(), row.server.as_str()));
            let is_first = first.is_some_and(|first| std::ptr::eq(*first, row));
            if !is_first || self.servers.contains_key(&key) {
                continue;
            }
            if self.servers.len() >= SERVERS_MAX {
                left_out += 1;
                continue;
            }
            let (is, address) = (row.is.clone(), row.address.clone());
            news.push(ProxyNews::new(&key, before, is.clone(), row.check.clone(), address.clone()));
            self.servers.insert(key, SeenServer { is, address, asked });
        }
        (news, left_out)
    }
}

impl ProxyNews {
    fn new(
        (backend, server): &(String, String),
        not_before: Option<Duration>,
        is: ProxyServerState,
        check: Option<String>,
        address: Option<String>,
    ) -> Self {
        let (backend, server) = (backend.clone(), server.clone());
        let change = ProxyChange { backend, server, member: None, not_before, is, check };
        Self { change, address }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(backend: &str, server: &str, is: ProxyServerState) -> ProxyServer {
        let (backend, server) = (backend.to_owned(), server.to_owned());
        ProxyServer { backend, server, is, check: Some("L7OK".to_owned()), address: None }
    }

    /// What is new of a look, as `server state not_before`.
    fn news(states: &mut ProxyStates, asked_ms: u64, page: &[ProxyServer]) -> Vec<String> {
        let (news, left_out) = states.look(Duration::from_millis(asked_ms), page);
        assert_eq!(left_out, 0);
        let words = |one: &ProxyNews| {
            let before = one.change.not_before.map(|before| before.as_millis());
            format!("{} {:?} {before:?}", one.change.server, one.change.is)
        };
        news.iter().map(words).collect()
    }

    #[test]
    fn a_change_is_told_once_with_the_look_that_saw_it_otherwise() {
        use ProxyServerState::{Down, GoingDown, Up};
        let mut states = ProxyStates::default();
        let page = |first, second| [row("primary", "p1", first), row("primary", "p2", second)];
        assert_eq!(news(&mut states, 100, &page(Up, Down)), ["p1 Up None", "p2 Down None"]);
        assert_eq!(news(&mut states, 200, &page(Up, Down)), [""; 0]);
        let going = GoingDown { failed: 1, fall: 2 };
        let told = news(&mut states, 300, &page(going.clone(), Down));
        assert_eq!(told, ["p1 GoingDown { failed: 1, fall: 2 } Some(200)"]);
        assert_eq!(news(&mut states, 400, &page(going, Down)), [""; 0]);
        // Between these two the page could not be read.
        let told = news(&mut states, 3_000, &page(Down, Up));
        assert_eq!(told, ["p1 Down Some(400)", "p2 Up Some(400)"]);
    }

    #[test]
    fn a_server_comes_and_goes_with_the_configuration() {
        use ProxyServerState::{Down, Up};
        let mut states = ProxyStates::default();
        let p1 = || row("primary", "p1", Up);
        assert_eq!(news(&mut states, 100, &[p1()]), ["p1 Up None"]);
        let both = [row("primary", "p2", Up), p1()];
        assert_eq!(news(&mut states, 200, &both), ["p2 Up Some(100)"]);
        assert_eq!(news(&mut states, 300, &both[..1]), ["p1 Down Some(200)"]);
        assert_eq!(news(&mut states, 400, &both), ["p1 Up Some(300)"]);
        assert_eq!(news(&mut states, 500, &[row("primary", "p1", Down)]).len(), 2);
        assert_eq!(news(&mut states, 600, &[]), [""; 0]);
    }

    #[test]
    fn a_page_of_thousands_costs_no_more_than_what_is_told_of() {
        let mut states = ProxyStates::default();
        let page: Vec<ProxyServer> =
            (0..3_000).map(|n| row("b", &format!("s{n}"), ProxyServerState::Up)).collect();
        for _ in 0..2 {
            states.look(Duration::ZERO, &page);
        }
        let (news, left_out) = states.look(Duration::from_secs(1), &page);
        assert_eq!((news.len(), left_out, states.servers.len()), (0, 3_000 - 64, SERVERS_MAX));
        // The same name with two states is no change at every look.
        let twice = [row("b", "s1", ProxyServerState::Down), row("b", "s1", ProxyServerState::Up)];
        states.look(Duration::from_secs(2), &twice);
        assert_eq!(states.look(Duration::from_secs(3), &twice).0, []);
    }

    #[test]
    fn a_line_of_a_record_is_flat() {
        let change = ProxyNews::new(
            &("primary".to_owned(), "p1".to_owned()),
            Some(Duration::from_millis(1_500)),
            ProxyServerState::GoingDown { failed: 1, fall: 3 },
            Some("L4CON".to_owned()),
            None,
        );
        let line = serde_json::to_string(&change.change).unwrap();
        assert_eq!(
            line,
            r#"{"backend":"primary","server":"p1","not_before_s":1.5,"state":"going_down","failed":1,"fall":3,"check":"L4CON"}"#
        );
        assert_eq!(serde_json::from_str::<ProxyChange>(&line).unwrap(), change.change);
    }
}
