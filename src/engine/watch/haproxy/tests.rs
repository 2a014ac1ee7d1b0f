//! Literal looks, and a whole watch over a small server that answers as HAProxy does.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::engine::clock::Clock;
use crate::haproxy::HaproxyUrl;
use crate::http::HttpFailure;

/// What is told of these looks, as `error gone not_before`, each by when its look was asked.
fn told(looks: &[(u64, Option<HaproxyError>)]) -> Vec<String> {
    let mut told = PageTold::default();
    let words = |(asked_ms, error): &(u64, Option<HaproxyError>)| {
        let page = told.look(Duration::from_millis(*asked_ms), error.as_ref())?;
        let before = page.not_before.map(|before| before.as_millis());
        let error = page.error.map(|error| error.split(':').next().unwrap().to_owned());
        Some(format!("{asked_ms}: {error:?} {} {before:?}", page.gone))
    };
    looks.iter().filter_map(words).collect()
}

fn silence() -> Option<HaproxyError> {
    Some(HaproxyError::NoAnswer(HttpFailure::TimedOut { after: DEADLINE }))
}

#[test]
fn a_proxy_that_is_killed_and_comes_back_is_told_with_what_was_seen_before() {
    let gone = || Some(HaproxyError::Refused);
    let looks = [(0, None), (100, None), (200, gone()), (300, gone()), (400, None), (500, None)];
    assert_eq!(
        told(&looks),
        [
            "0: None false None",
            "200: Some(\"connection refused\") true Some(100)",
            "400: None false Some(300)",
        ]
    );
}

#[test]
fn one_late_answer_is_no_news_and_silence_is() {
    let looks = [(0, None), (100, silence()), (1_100, None), (1_200, silence())];
    assert_eq!(told(&looks), ["0: None false None"]);
    let looks = [(0, None), (100, None), (200, silence()), (1_200, silence()), (2_200, silence())];
    let words = "1200: Some(\"no answer within 1 s\") false Some(100)";
    assert_eq!(told(&looks), ["0: None false None", words]);
    // Frozen before the run, and refused later: another reason is told once it lasts.
    let gone = || Some(HaproxyError::Refused);
    let mut looks = vec![(0, silence()), (1_000, silence())];
    looks.extend((20..25).map(|n| (n * 100, gone())));
    assert_eq!(
        told(&looks),
        [
            "1000: Some(\"no answer within 1 s\") false None",
            "2200: Some(\"connection refused\") true Some(1000)",
        ]
    );
}

const HEAD: &str = "# pxname,svname,status,check_status,type,\n";

/// What was told until `enough` says so of it, each fact in a few words.
async fn watched(
    table: Arc<Mutex<String>>,
    mut change: impl FnMut(&[String]) -> bool,
) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let body = table.lock().unwrap().clone();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes()).await;
        }
    });
    let (recorder, mut signals) = mpsc::channel(64);
    let url = HaproxyUrl::read(&address).unwrap();
    let page = HaproxyPage::new(url, DEADLINE, None).unwrap();
    let stop = CancellationToken::new();
    let watcher = ProxyWatcher::new(page, Teller::new(Clock::start(), recorder));
    let watching = tokio::spawn(watcher.run(None, stop.clone()));
    let mut told = Vec::new();
    while let Ok(Some(signal)) = tokio::time::timeout(Duration::from_secs(30), signals.recv()).await
    {
        told.push(match signal {
            Signal::ProxyChanged { change, .. } => {
                format!("{} {:?} {}", change.server, change.is, change.not_before.is_some())
            }
            Signal::Fact(_, What::ProxyPage(page)) => {
                assert_eq!(page.url, format!("http://{address}/;csv"));
                format!("page {:?}", page.error)
            }
            Signal::Fact(_, What::Warning { message }) => message,
            other => panic!("{other:?}"),
        });
        if change(&told) {
            break;
        }
    }
    stop.cancel();
    watching.await.unwrap();
    told
}

#[tokio::test]
async fn changes_are_told_and_nothing_else_and_it_ends_when_it_is_told_to() {
    let table =
        Arc::new(Mutex::new(format!("{HEAD}primary,p1,UP,L7OK,2,\nprimary,BACKEND,UP,,1,\n")));
    let changed = Arc::clone(&table);
    let told = watched(table, move |told| {
        let next = match told.len() {
            2 => format!("{HEAD}primary,p1,UP 1/2,* L4CON,2,\n"),
            3 => "<html>".to_owned(),
            4 => format!("{HEAD}primary,p1,DOWN,L4CON,2,\n"),
            _ => return told.len() == 6,
        };
        *changed.lock().unwrap() = next;
        false
    })
    .await;
    assert!(told[3].starts_with("page Some(\"answered with a web page"), "{told:?}");
    assert_eq!(
        [&told[..3], &told[4..]].concat(),
        [
            "page None",
            "p1 Up false",
            "p1 GoingDown { failed: 1, fall: 2 } true",
            "page None",
            "p1 Down true",
        ]
    );
}

#[tokio::test]
async fn more_servers_than_are_told_of_are_said_once() {
    let rows: String = (0..70).map(|n| format!("b,s{n},UP,L7OK,2,\n")).collect();
    let table = Arc::new(Mutex::new(format!("{HEAD}{rows}")));
    let changed = Arc::clone(&table);
    let told = watched(table, move |told| {
        if told.len() == 66 {
            let now = changed.lock().unwrap().replace("s0,UP", "s0,DOWN");
            *changed.lock().unwrap() = now;
        }
        told.len() == 67
    })
    .await;
    assert!(told[65].contains("more than 64 servers: 6 more"), "{told:?}");
    assert_eq!(told[66], "s0 Down true");
}
