//! The traps for one write: cut before the server has it, or after it is committed.

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::client::{SOON, Session, connect};
use crate::support::{Postgres, Proxy};

/// A table as the design's, and a session through the proxy.
async fn table(name: &str, server: &Postgres, proxy: &Proxy) -> Session {
    let columns = "run int, writer int, seq int, user_id int, event text";
    server.psql(&format!("CREATE TABLE {name} ({columns})"));
    connect(&proxy.url()).await
}

async fn insert(
    session: &Session,
    table: &str,
    seq: i32,
    event: &str,
) -> Result<u64, tokio_postgres::Error> {
    let sql = format!("INSERT INTO {table} VALUES ($1, $2, $3, $4, $5)");
    let done = async { session.client.execute(&sql, &[&1, &1, &seq, &1, &event]).await };
    timeout(SOON, done).await.expect("an end")
}

fn rows(server: &Postgres, table: &str) -> String {
    server.psql(&format!("SELECT string_agg(seq::text, ' ' ORDER BY seq) FROM {table}"))
}

#[tokio::test]
async fn after_the_write_is_committed_its_answer_never_comes() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = table("cut_after", &server, &proxy).await;
    let bystander = connect(&proxy.url()).await;
    insert(&session, "cut_after", 1, "login").await.expect("not armed yet");
    let armed = proxy.cut_after_next_insert();
    let four = session.client.query("SELECT $1::int, $2::int, $3::int, $4::int", &[&1, &2, &3, &4]);
    four.await.expect("a read is no write");
    insert(&session, "cut_after", 2, "logout").await.expect_err("no answer");
    armed.wait(SOON);
    assert_eq!(session.end().await, None, "by a FIN");
    assert_eq!(rows(&server, "cut_after"), "1 2");
    insert(&bystander, "cut_after", 3, "click").await.expect("it was for one write");
}

#[tokio::test]
async fn before_the_write_reaches_the_server() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = table("cut_before", &server, &proxy).await;
    let bystander = connect(&proxy.url()).await;
    insert(&session, "cut_before", 1, "login").await.expect("not armed yet");
    let armed = proxy.cut_before_next_insert();
    insert(&session, "cut_before", 2, "logout").await.expect_err("no answer");
    armed.wait(SOON);
    assert_eq!(session.end().await, None, "by a FIN");
    insert(&bystander, "cut_before", 3, "click").await.expect("it was for one write");
    assert_eq!(rows(&server, "cut_before"), "1 3");
    let left = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO cut_before %'";
    crate::support::wait_until(SOON, "the server's side is cut too", || server.psql(left) == "1");
}

#[tokio::test]
async fn a_write_in_many_pieces_is_found() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = table("cut_long", &server, &proxy).await;
    let long = "x".repeat(1_000_000);
    insert(&session, "cut_long", 1, &long).await.expect("not armed yet");
    let armed = proxy.cut_after_next_insert();
    insert(&session, "cut_long", 2, &long).await.expect_err("no answer");
    armed.wait(SOON);
    assert_eq!(rows(&server, "cut_long"), "1 2");
    assert_eq!(server.psql("SELECT min(length(event)) FROM cut_long"), "1000000");
}

#[tokio::test]
async fn of_pipelined_writes_the_first_is_committed_and_the_rest_never_sent() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = table("cut_pipeline", &server, &proxy).await;
    let sql = "INSERT INTO cut_pipeline VALUES ($1, $2, $3, $4, $5)";
    let statement = session.client.prepare(sql).await.unwrap();
    let all_of = |seqs: [i32; 3]| {
        let statement = &statement;
        let client = &session.client;
        join_all(seqs.map(|seq| async move {
            client.execute(statement, &[&1, &1, &seq, &1, &"click"]).await
        }))
    };
    let acknowledged = all_of([1, 2, 3]).await;
    assert!(acknowledged.iter().all(Result::is_ok));
    let armed = proxy.cut_after_next_insert();
    let cut = timeout(SOON, all_of([4, 5, 6])).await.expect("an end");
    assert!(cut.iter().all(Result::is_err));
    armed.wait(SOON);
    assert_eq!(rows(&server, "cut_pipeline"), "1 2 3 4");
}
