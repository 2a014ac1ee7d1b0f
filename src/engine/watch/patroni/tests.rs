//! Small servers that answer as Patroni does, on loopback.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::engine::clock::Clock;
use crate::engine::watch::patroni::DEADLINE;
use crate::model::cluster::leadership::LookAnswer;

/// A member's API, and what its `/cluster` says.
struct Fake {
    url: String,
    cluster: Arc<Mutex<String>>,
}

impl Fake {
    /// A member that calls itself so, of the cluster with this system identifier.
    async fn start(name: Option<&str>, identifier: &str) -> Self {
        let patroni = match name {
            Some(name) => serde_json::json!({ "version": "4.0.7", "name": name }),
            None => serde_json::json!({ "version": "3.0.2" }),
        };
        let status = serde_json::json!({
            "state": "running", "role": "replica", "patroni": patroni,
            "database_system_identifier": identifier,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cluster = Arc::new(Mutex::new(r#"{"members":[]}"#.to_owned()));
        let (status, said) = (status.to_string(), Arc::clone(&cluster));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let is_cluster = request[..length].starts_with(b"GET /cluster ");
                let body = if is_cluster { said.lock().unwrap().clone() } else { status.clone() };
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all((head + &body).as_bytes()).await;
            }
        });
        Self { url, cluster }
    }

    /// From now on `/cluster` names these.
    fn names(&self, members: &[(&str, &Self)]) {
        let member = |(name, api): &(&str, &Self)| {
            let (state, api_url) = ("running", format!("{}/patroni", api.url));
            serde_json::json!({ "name": name, "role": "replica", "state": state, "api_url": api_url })
        };
        let members: Vec<_> = members.iter().map(member).collect();
        *self.cluster.lock().unwrap() = serde_json::json!({ "members": members }).to_string();
    }
}

/// A watch over one API, asked for its members round by round.
struct Rounds {
    watcher: PatroniWatcher,
    looks: mpsc::Sender<Looked>,
    _others: (PatroniWatch, mpsc::Receiver<Signal>, mpsc::Receiver<Looked>),
}

impl Rounds {
    fn of(given: &Fake) -> Self {
        let (recorder, signals) = mpsc::channel(64);
        let apis = vec![PatroniApi::new(&given.url, DEADLINE).unwrap()];
        let (watcher, watch) = watcher(apis, Teller::new(Clock::start(), recorder));
        let (looks, looked) = mpsc::channel(LOOKS_WAITING);
        Self { watcher, looks, _others: (watch, signals, looked) }
    }

    /// The members that are watched after another round, and where.
    async fn next(&mut self) -> Vec<(String, String)> {
        let found = find(self.watcher.question()).await;
        self.watcher.found(found, &self.looks).await;
        let members = self.watcher.members.iter();
        members.map(|(key, member)| (key.clone(), member.api.url().to_owned())).collect()
    }
}

fn at(name: &str, api: &Fake) -> (String, String) {
    (name.to_owned(), api.url.clone())
}

#[tokio::test]
async fn a_foreign_cluster_is_refused_in_later_rounds_too() {
    let (one, foreign) = (Fake::start(Some("one"), "7").await, Fake::start(None, "8").await);
    let own = Fake::start(None, "7").await;
    one.names(&[("one", &one)]);
    let mut rounds = Rounds::of(&one);
    assert_eq!(rounds.next().await, [at("one", &one)]);
    one.names(&[("one", &one), ("two", &foreign)]);
    assert_eq!(rounds.next().await, [at("one", &one)]);
    one.names(&[("one", &one), ("two", &own)]);
    assert_eq!(rounds.next().await, [at("one", &one), at("two", &own)]);
}

#[tokio::test]
async fn a_member_is_looked_at_where_it_has_moved_to() {
    let (one, two) = (Fake::start(Some("one"), "7").await, Fake::start(Some("two"), "7").await);
    one.names(&[("one", &one), ("two", &two)]);
    let mut rounds = Rounds::of(&one);
    assert_eq!(rounds.next().await, [at("one", &one), at("two", &two)]);

    let moved = Fake::start(Some("two"), "7").await;
    one.names(&[("one", &one), ("two", &moved)]);
    assert_eq!(rounds.next().await, [at("one", &one), at("two", &moved)]);

    let another = Fake::start(Some("three"), "7").await;
    one.names(&[("one", &one), ("two", &another)]);
    assert_eq!(rounds.next().await, [at("one", &one), at("two", &moved)], "it is not two");
}

/// From outside of Docker a member is given by another URL than `/cluster` has for it.
#[tokio::test]
async fn a_member_stays_where_it_was_given_until_it_moves() {
    let (one, inside) = (Fake::start(Some("one"), "7").await, Fake::start(Some("one"), "7").await);
    one.names(&[("one", &inside)]);
    let mut rounds = Rounds::of(&one);
    for _ in 0..2 {
        assert_eq!(rounds.next().await, [at("one", &one)]);
    }
    let moved = Fake::start(Some("one"), "7").await;
    one.names(&[("one", &moved)]);
    assert_eq!(rounds.next().await, [at("one", &moved)]);
}

#[tokio::test]
async fn one_member_does_not_speak_for_another() {
    let two = Fake::start(Some("two"), "7").await;
    let look = async |name: &str| {
        let (looks, mut looked) = mpsc::channel(1);
        let looker = Looker {
            key: name.to_owned(),
            name: Some(name.to_owned()),
            api: PatroniApi::new(&two.url, DEADLINE).unwrap(),
            clock: Clock::start(),
            looks,
            told: false,
        };
        let looking = tokio::spawn(looker.run());
        let look = looked.recv().await.unwrap().look;
        looking.abort();
        look.answer
    };
    assert!(matches!(look("two").await, LookAnswer::Status(_)));
    assert_eq!(look("one").await, LookAnswer::Silent);
}

/// A `/cluster` of thousands, and others at each look: few are asked, told and remembered.
#[tokio::test]
async fn thousands_of_members_are_neither_asked_nor_told_nor_remembered() {
    let one = Fake::start(Some("one"), "7").await;
    let (recorder, mut signals) = mpsc::channel(4096);
    let apis = vec![PatroniApi::new(&one.url, Duration::from_secs(60)).unwrap()];
    let (mut watcher, _watch) = watcher(apis, Teller::new(Clock::start(), recorder));
    let (looks, _looked) = mpsc::channel(LOOKS_WAITING);
    for round in 0..5 {
        let own = serde_json::json!({
            "name": "one", "role": "replica", "state": "running", "api_url": one.url,
        });
        // Port 1 refuses connects. The own member is the last one.
        let others = (0..4_999).map(|n| {
            let name = format!("member{n}of{round}");
            let url = format!("http://127.0.0.1:1/{name}");
            serde_json::json!({ "name": name, "role": "replica", "state": "running", "api_url": url })
        });
        let members: Vec<_> = others.chain([own]).collect();
        *one.cluster.lock().unwrap() = serde_json::json!({ "members": members }).to_string();
        let found = find(watcher.question()).await;
        let members = found.members.as_ref().map(Vec::len);
        assert_eq!((members, found.left_out), (Some(MEMBERS_MAX), 5_000 - MEMBERS_MAX));
        assert!(found.missed.len() <= MEMBERS_MAX && found.urls.len() <= MEMBERS_MAX);
        watcher.found(found, &looks).await;
        assert!(watcher.members.contains_key("one") && watcher.told.len() <= MEMBERS_MAX);
    }
    let (mut told, mut more) = (0, Vec::new());
    while let Ok(signal) = signals.try_recv() {
        match signal {
            Signal::Fact(_, What::PatroniApi(_)) => told += 1,
            Signal::Fact(_, What::Warning { message: words }) => more.push(words),
            _ => {}
        }
    }
    assert!((1..=MEMBERS_MAX).contains(&told), "{told}");
    assert_eq!(more, ["Patroni names more than 64 members: and 4936 more, which are not asked"]);
}
