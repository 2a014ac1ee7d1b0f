//! What stands in front of PostgreSQL elsewhere, as Debian packages it, with psql beside: HAProxy that speaks the PROXY
//! protocol to servers that do not; HAProxy and `PgBouncer` that end TLS; and what is begun by TLS without a request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

#[path = "tls/authority.rs"]
#[allow(dead_code, reason = "of the certificates, a part is used here")]
mod authority;
#[path = "in_front/direct_tls.rs"]
mod direct_tls;
#[path = "in_front/ends_tls.rs"]
mod ends_tls;
#[path = "in_front/haproxy.rs"]
mod haproxy;
#[path = "in_front/outcome.rs"]
mod outcome;
#[path = "in_front/pgbouncer.rs"]
mod pgbouncer;
#[path = "in_front/proxy_protocol.rs"]
mod proxy_protocol;
#[path = "in_front/statistics_page.rs"]
mod statistics_page;
