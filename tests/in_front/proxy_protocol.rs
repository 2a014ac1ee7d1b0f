//! The PROXY protocol of HAProxy, which PostgreSQL, `PgBouncer` and pgchaos do not speak. Between two HAProxy it changes
//! nothing; elsewhere nothing works, and what is said names it.

use crate::haproxy::{HaProxy, Way};
use crate::outcome::{
    DIRECT, WISHES, connection, goes_on_trying, init_fails, major, refused, says, writes,
};
use crate::pgbouncer::PgBouncer;
use crate::support::{Postgres, speak_tls};

const SENDS: [&str; 2] = ["send-proxy", "send-proxy-v2"];

#[test]
fn between_two_haproxy_it_changes_nothing() {
    let server = Postgres::start();
    speak_tls(&server);
    let haproxy = HaProxy::start(&server, |ports| {
        let mut ways = vec![Way::new("accept-proxy", server.port(), "")];
        ways.extend(SENDS.map(|sends| Way::new("", ports[0], sends)));
        ways
    });
    for nth in 1..=SENDS.len() {
        for wish in WISHES.iter().filter(|wish| **wish != DIRECT || major(&server) >= 17) {
            writes(&server, &connection(haproxy.port(nth), wish));
        }
    }
}

/// The server closes the connection without a word, as does HAProxy where it awaits a header. As a proxy without a live
/// server does the same, both are named, and what else may be.
#[test]
fn a_header_that_only_one_side_knows_of() {
    let server = Postgres::start();
    speak_tls(&server);
    let haproxy = HaProxy::start(&server, |_| {
        let mut ways = vec![Way::new("accept-proxy", server.port(), "")];
        ways.extend(SENDS.map(|sends| Way::new("", server.port(), sends)));
        ways
    });
    for nth in 0..=SENDS.len() {
        for wish in WISHES {
            let connection = connection(haproxy.port(nth), wish);
            let (line, fault) = goes_on_trying(&server, &connection);
            assert_eq!(fault["class"], "no_backend", "{connection}: {fault}");
            let message = fault["message"].as_str().unwrap();
            let other = match wish == DIRECT {
                true => "PostgreSQL before 17, ssl = off: sslnegotiation=postgres",
                false => "one that ends TLS itself (sslnegotiation=direct)",
            };
            says(&line, &["NO BACKEND: accepted, then ", message]);
            says(message, &["a proxy with no live server", "(send-proxy, accept-proxy)", other]);
            says(&init_fails(&connection), &["try: a live server", "send-proxy and accept-proxy"]);
        }
    }
}

/// It answers by an error. Before TLS nothing proves where its words come from, and it is not said to be full, nor without a
/// process.
#[test]
fn a_header_that_pgbouncer_does_not_read() {
    let server = Postgres::start();
    let pooler = PgBouncer::start(&server, "");
    let haproxy = HaProxy::start(&server, |_| {
        SENDS.map(|sends| Way::new("", pooler.port, sends)).into_iter().collect()
    });
    for nth in 0..SENDS.len() {
        let to = |wish| connection(haproxy.port(nth), wish);
        let (line, fault) = goes_on_trying(&server, &to("sslmode=disable"));
        says(&line, &["client sent partial pkt in startup phase", "a PROXY header before it"]);
        assert_eq!([&fault["class"], &fault["sqlstate"]], ["connection_lost", "08P01"]);
        says(&init_fails(&to("sslmode=disable")), &["try: ", "the server line without it"]);
        for wish in ["sslmode=prefer", "sslmode=require"] {
            let (line, fault) = goes_on_trying(&server, &to(wish));
            says(&line, &["an error was the answer to the request for TLS: a pooler that is full"]);
            assert_eq!([&fault["class"], &fault["sqlstate"]], ["connection_lost", "08P01"]);
            let message = fault["message"].as_str().unwrap();
            says(message, &["or that does not read a PROXY header (send-proxy)"]);
            assert!(!message.contains("partial pkt"), "{message}");
            says(&init_fails(&to(wish)), &["try: where the pooler is full", "send-proxy"]);
        }
        let said = refused(&server, &to(DIRECT)).stderr;
        says(
            &said,
            &["does not read a PROXY header", "try: sslnegotiation=postgres", "send-proxy"],
        );
    }
}
