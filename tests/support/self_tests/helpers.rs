//! Waiting and ports.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use crate::support::{free_port, wait_until};

#[test]
fn waits_no_longer_than_needed() {
    let begin = Instant::now();
    let mut looks = 0;
    wait_until(Duration::from_secs(60), "the third look", || {
        looks += 1;
        looks == 3
    });
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
#[should_panic(expected = "not within 20ms: the moon is green")]
fn names_what_it_waited_for() {
    wait_until(Duration::from_millis(20), "the moon is green", || false);
}

#[test]
fn ports_are_free_and_nobody_elses() {
    let ports: HashSet<u16> = (0..50).map(|_| free_port()).collect();
    assert_eq!(ports.len(), 50, "each is given once");
    for port in ports {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("free");
    }
}
