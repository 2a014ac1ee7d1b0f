//! What the proxy reads off the wire, and what it makes of answers.

use std::collections::BTreeSet;

use tokio::time::timeout;
use tokio_postgres::Error;
use uuid::Uuid;

use crate::client::{SOON, Session, connect};
use crate::support::{Postgres, Proxy, Token, Twist, wait_until};

const RUN: Uuid = Uuid::from_u128(7);

async fn table(name: &str, server: &Postgres, proxy: &Proxy) -> Session {
    let columns = "run uuid, writer int, seq bigint CHECK (seq < 100), user_id int, event text";
    server.psql(&format!("CREATE TABLE {name} ({columns})"));
    connect(&proxy.url()).await
}

async fn insert(session: &Session, table: &str, seq: i64) -> Result<(), Error> {
    let sql = format!("INSERT INTO {table} VALUES ($1, $2, $3, $4, $5) RETURNING seq");
    let done = async { session.client.query(&sql, &[&RUN, &1, &seq, &1, &"login"]).await };
    timeout(SOON, done).await.expect("an end").map(drop)
}

fn tokens(seqs: &[i64]) -> BTreeSet<Token> {
    seqs.iter().map(|seq| Token { run: RUN, writer: 1, seq: *seq }).collect()
}

#[tokio::test]
async fn a_write_is_acknowledged_or_rejected_by_the_proof_that_went_out() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = table("wire", &server, &proxy).await;
    insert(&session, "wire", 1).await.unwrap();
    insert(&session, "wire", 100).await.expect_err("the constraint");
    for (seq, twist) in [
        (2, Twist::Status(b'T')),
        (3, Twist::Tag("INSERT 0 0".to_owned())),
        (4, Twist::Error("58030".to_owned())),
        (5, Twist::Error("23514".to_owned())),
    ] {
        proxy.twist_next(1, &twist);
        let said = insert(&session, "wire", seq).await;
        assert_eq!(said.is_err(), seq >= 4, "{twist:?}");
    }
    insert(&session, "wire", 6).await.unwrap();
    // The proxy notes an answer once it is out: the client may be faster.
    wait_until(SOON, "the last answer is noted", || proxy.wire().acknowledged.len() == 2);
    let wire = proxy.wire();
    assert_eq!(wire.sent, tokens(&[1, 2, 3, 4, 5, 6, 100]));
    assert_eq!((wire.acknowledged, wire.rejected), (tokens(&[1, 6]), tokens(&[5, 100])));
    assert_eq!(wire.warned, tokens(&[]));
    assert_eq!(server.psql("SELECT count(*) FROM wire"), "6", "the server committed them");
}

#[tokio::test]
async fn a_write_that_the_proxy_answers_itself_is_in_no_table() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = table("swallowed", &server, &proxy).await;
    insert(&session, "swallowed", 1).await.unwrap();
    // The driver prepares its statement again each time, but only the write itself is swallowed.
    proxy.twist_next(1, &Twist::Swallow);
    insert(&session, "swallowed", 2).await.unwrap();
    insert(&session, "swallowed", 3).await.unwrap();
    wait_until(SOON, "the last answer is noted", || proxy.wire().acknowledged.len() == 3);
    assert_eq!(proxy.wire().acknowledged, tokens(&[1, 2, 3]));
    assert_eq!(server.psql("SELECT string_agg(seq::text, ' ') FROM swallowed"), "1 3");
}

#[tokio::test]
async fn an_answer_that_is_held_proves_nothing() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = table("held", &server, &proxy).await;
    insert(&session, "held", 1).await.unwrap();
    let armed = proxy.cut_after_next_insert();
    insert(&session, "held", 2).await.expect_err("cut");
    armed.wait(SOON);
    let wire = proxy.wire();
    assert_eq!((wire.sent, wire.acknowledged), (tokens(&[1, 2]), tokens(&[1])));
}

#[tokio::test]
async fn a_session_that_is_abandoned_ends_for_the_client_and_not_for_the_server() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&format!("{}?application_name=abandoned", proxy.url())).await;
    session.one().await;
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'abandoned'";
    proxy.abandon();
    session.end().await;
    assert_eq!(server.psql(idle), "1");
    drop(proxy);
    wait_until(SOON, "it ends with the proxy", || server.psql(idle) == "0");
}
