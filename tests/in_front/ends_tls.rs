//! Poolers and proxies that end TLS by a certificate of their own. A login cannot be bound to that certificate: what is
//! asked to bind fails closed, with the setting that helps.

use crate::authority::{Authority, GOOD};
use crate::haproxy::{HaProxy, Way, one_file};
use crate::outcome::{
    DIRECT, SOON, connection, goes_on_trying, init_fails, major, refused, says, writes,
};
use crate::pgbouncer::{PgBouncer, demands_tls};
use crate::support::{Gen, Postgres, Stop, free_port, use_certificate};

/// `PgBouncer` offers no binding, whether its own way to the server has TLS or not.
#[test]
fn pgbouncer() {
    let authority = Authority::new("ours");
    let its_own = Authority::new("pooler's");
    for server_side in ["disable", "require"] {
        let server = Postgres::start();
        let (key, certificate) = authority.sign("server", GOOD);
        if server_side == "require" {
            use_certificate(&server, &key, &certificate);
        }
        let (key, certificate) = its_own.sign("pooler", GOOD);
        let tls = demands_tls(&server, &key, &certificate);
        let pooler = PgBouncer::start(&server, &format!("{tls}server_tls_sslmode = {server_side}"));
        let to = |more: &str| connection(pooler.port, more);
        let verified = |authority: &Authority| {
            let root = authority.root().display().to_string();
            to(&format!("sslmode=verify-full sslrootcert={root}"))
        };
        for binding in ["disable", "prefer"] {
            writes(&server, &to(&format!("sslmode=require channel_binding={binding}")));
        }
        // What is tried in the clear first is told there that TLS is needed.
        for mode in ["allow", "prefer"] {
            writes(&server, &to(&format!("sslmode={mode}")));
        }
        writes(&server, &verified(&its_own));
        let said = refused(&server, &verified(&authority)).stderr;
        says(&said, &["signed by no authority in"]);
        let bound = refused(&server, &to("sslmode=require channel_binding=require")).stderr;
        says(
            &bound,
            &["what ends TLS offers no binding", "try: channel_binding=prefer or disable"],
        );
        let clear = refused(&server, &to("sslmode=disable")).stderr;
        says(&clear, &["SSL required (SQLSTATE 08P01)", "try: sslmode=require (PGSSLMODE)"]);
        // As Debian 12 and 13 have it, it must be asked for TLS.
        let direct = refused(&server, &to(DIRECT)).stderr;
        says(&direct, &["must be asked for it", "try: sslnegotiation=postgres"]);
    }
}

/// HAProxy ends TLS that was not asked for, and goes on in the clear: there is no binding, and none is needed.
#[test]
fn haproxy_before_a_server_in_the_clear() {
    let server = Postgres::start();
    let authority = Authority::new("ours");
    let (key, certificate) = authority.sign("proxy", GOOD);
    let pem = one_file(&server, &key, &certificate);
    let nowhere = free_port();
    let haproxy = HaProxy::start(&server, |_| {
        let ends = format!("ssl crt {pem} alpn postgresql");
        vec![
            Way::new(&ends, server.port(), ""),
            Way::new(&format!("ssl crt {pem}"), server.port(), ""),
            Way::new(&ends, nowhere, ""),
            Way::new(&ends, server.port(), "send-proxy"),
        ]
    });
    let root = authority.root().display().to_string();
    let to = |nth, more: &str| connection(haproxy.port(nth), more);
    for more in ["channel_binding=disable", "channel_binding=prefer"] {
        writes(&server, &to(0, &format!("{DIRECT} {more}")));
    }
    writes(
        &server,
        &to(0, &format!("sslmode=verify-full sslrootcert={root} sslnegotiation=direct")),
    );
    let bound = refused(&server, &to(0, &format!("{DIRECT} channel_binding=require"))).stderr;
    says(&bound, &["what ends TLS offers no binding", "try: channel_binding=prefer or disable"]);
    // It awaits TLS, and gets a request for it.
    for wish in ["sslmode=disable", "sslmode=prefer", "sslmode=require"] {
        let (line, _) = goes_on_trying(&server, &to(0, wish));
        says(&line, &["one that ends TLS itself (sslnegotiation=direct)"]);
        says(&init_fails(&to(0, wish)), &["sslmode=require and sslnegotiation=direct"]);
    }
    let said = refused(&server, &to(1, DIRECT)).stderr;
    says(&said, &["no ALPN \"postgresql\"", "try: where a proxy ends TLS: alpn postgresql"]);
    // TLS is the proxy's, and no word is the server's.
    for nth in [2, 3] {
        let (line, fault) = goes_on_trying(&server, &to(nth, DIRECT));
        assert_eq!(fault["class"], "no_backend", "{fault}");
        says(&line, &["NO BACKEND: TLS was agreed on, then closed before PostgreSQL's first word"]);
        says(&line, &["with no live server", "send-proxy"]);
    }
}

/// A run through a proxy that ends TLS; the server behind it goes and comes back.
#[test]
fn a_server_that_is_down_behind_a_proxy_that_ends_tls() {
    let server = Postgres::start();
    let authority = Authority::new("ours");
    let (key, certificate) = authority.sign("proxy", GOOD);
    let pem = one_file(&server, &key, &certificate);
    let haproxy = HaProxy::start(&server, |_| {
        vec![Way::new(&format!("ssl crt {pem} alpn postgresql"), server.port(), "")]
    });
    let to = connection(haproxy.port(0), DIRECT);
    let load = Gen::start(["--log-format", "text", "--rate", "50", &to]);
    load.wait_for_text(SOON, "CONNECTED");
    server.stop(Stop::Fast);
    load.wait_for_text(SOON, "NO BACKEND: accepted, then closed: no live primary? · retrying");
    server.start_again();
    load.wait_for_text(SOON, "RECOVERED");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let errors = finished.summary["errors"].as_object().unwrap();
    assert!(errors.contains_key("no_backend"), "{errors:?}");
}

/// Where HAProxy speaks TLS to the server as well, the server refuses a login that is bound to HAProxy's certificate, and
/// nothing but `channel_binding=disable` leads in. A server before 17 cannot be reached so.
#[test]
fn haproxy_that_speaks_tls_to_the_server() {
    let server = Postgres::start();
    let authority = Authority::new("ours");
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let (key, certificate) = authority.sign("proxy", GOOD);
    let pem = one_file(&server, &key, &certificate);
    let haproxy = HaProxy::start(&server, |_| {
        let ends = format!("ssl crt {pem} alpn postgresql");
        vec![Way::new(&ends, server.port(), "ssl verify none alpn postgresql")]
    });
    let to = |binding: &str| connection(haproxy.port(0), &format!("{DIRECT} {binding}"));
    if major(&server) < 17 {
        let (line, fault) = goes_on_trying(&server, &to(""));
        assert_eq!(fault["class"], "no_backend", "{fault}");
        says(&line, &["that must be asked for it (PostgreSQL before 17)"]);
        return;
    }
    writes(&server, &to("channel_binding=disable"));
    for binding in ["channel_binding=prefer", "channel_binding=require"] {
        let said = refused(&server, &to(binding)).stderr;
        says(&said, &["(SQLSTATE 28000)", "ends TLS: channel_binding=disable (PGCHANNELBINDING)"]);
    }
}
