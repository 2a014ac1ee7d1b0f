//! How many ask a member at a time.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use futures_util::future::join_all;
use pgchaos::patroni::{PatroniApi, PatroniError};

use crate::server::{DEADLINE, api, http, served};

/// A member that takes a moment for each answer; how many asked it at once at most.
fn member() -> (String, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let told = Arc::clone(&most);
    let url = served(move |mut stream| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let now = Arc::clone(&now);
        thread::spawn(move || {
            let _ = stream.read(&mut [0; 4096]);
            thread::sleep(Duration::from_millis(100));
            now.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(http("200 OK", "application/json", "{}").as_bytes());
        });
    });
    (url, told)
}

#[tokio::test]
async fn a_member_has_two_connections_at_most() {
    let (url, most) = member();
    let watch = api(&url).for_looks();
    let verification = PatroniApi::new(&url, DEADLINE).unwrap();
    let found = watch.other_member(&format!("{url}/patroni"), DEADLINE).unwrap();
    let drill = found.with_deadline(DEADLINE * 2).unwrap();
    let all = [&watch, &watch, &verification, &found, &drill];
    let answers = join_all(all.map(PatroniApi::config)).await;
    for answer in answers {
        answer.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

/// The wait for a turn is part of the deadline: a mute member holds no question up for longer.
#[tokio::test]
async fn a_question_that_gets_no_turn_is_done_by_its_deadline() {
    let mut held = Vec::new();
    let url = served(move |stream| held.push(stream));
    let slow = api(&url);
    let quick = PatroniApi::new(&url, Duration::from_millis(200)).unwrap();
    let asked = tokio::time::Instant::now();
    let of_slow = [slow.clone(), slow].map(|api| tokio::spawn(async move { api.config().await }));
    tokio::task::yield_now().await;
    let after = Duration::from_millis(200);
    let late = PatroniError::TimedOut { url: format!("{url}/config"), after };
    assert_eq!(quick.config().await.unwrap_err(), late);
    assert!(asked.elapsed() < DEADLINE, "{:?}", asked.elapsed());
    // The looks have their own turn: this one was asked, and waits for the answer.
    let look = quick.for_looks().config().await.unwrap_err();
    assert_eq!(look, late);
    for one in of_slow {
        one.abort();
    }
}
