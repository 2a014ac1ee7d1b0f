//! The proxy's modes, seen from a client.

use std::error::Error as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::client::{A_WHILE, SOON, bare, connect, read_all, try_connect};
use crate::support::{Postgres, Proxy, free_port, wait_until};

fn io_kind(error: &tokio_postgres::Error) -> Option<ErrorKind> {
    let cause = error.source()?.downcast_ref::<std::io::Error>()?;
    Some(cause.kind())
}

async fn connect_error(proxy: &Proxy) -> tokio_postgres::Error {
    try_connect(&proxy.url()).await.err().expect("an error")
}

#[tokio::test]
async fn passes_and_counts() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let begin = Instant::now();
    let first = connect(&proxy.url()).await;
    let second = connect(&proxy.url()).await;
    assert_eq!((first.one().await, second.one().await), (1, 1));
    assert_eq!(proxy.connections_accepted(), 2);
    let times = proxy.accept_times();
    assert!(times.len() == 2 && begin <= times[0] && times[0] <= times[1]);
    assert_eq!(proxy.open_connections(), 2);
    first.leave().await;
    wait_until(SOON, "the end of a client is noticed", || proxy.open_connections() == 1);
}

#[test]
fn passes_the_question_for_encryption() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let mut client = bare(proxy.port()).unwrap();
    client.write_all(b"\0\0\0\x08\x04\xd2\x16\x2f").unwrap();
    let mut no = [0];
    client.read_exact(&mut no).unwrap();
    assert_eq!(&no, b"N", "this server has no certificate");
    client.write_all(b"\0\0\0\x17\0\x03\0\0user\0postgres\0\0").unwrap();
    let mut answer = [0; 5];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer[0], b'R', "asked to authenticate");
}

#[tokio::test]
async fn refuses_and_cuts_until_it_passes_again() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&proxy.url()).await;
    let before = Instant::now();
    let at = proxy.refuse();
    assert!(before <= at && at <= Instant::now());
    session.end().await;
    assert_eq!(io_kind(&connect_error(&proxy).await), Some(ErrorKind::ConnectionRefused));
    proxy.pass();
    assert_eq!(connect(&proxy.url()).await.one().await, 1);
}

#[tokio::test]
async fn stops_listening_and_keeps_who_is_there() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&proxy.url()).await;
    proxy.stop_listening();
    assert_eq!(io_kind(&connect_error(&proxy).await), Some(ErrorKind::ConnectionRefused));
    assert_eq!(session.one().await, 1);
    proxy.pass();
    assert_eq!(connect(&proxy.url()).await.one().await, 1);
    assert_eq!(session.one().await, 1);
}

/// A child that was forked and is not its program yet holds a copy of every socket of this process. Tests start servers
/// all the time.
#[test]
fn refuses_also_while_children_are_started() {
    let proxy = Proxy::start(free_port());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    Command::new("true").status().unwrap();
                }
            });
        }
        let errors: Vec<_> = (0..200)
            .map(|_| {
                proxy.pass();
                proxy.stop_listening();
                bare(proxy.port()).err().map(|error| error.kind())
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(errors, [Some(ErrorKind::ConnectionRefused); 200]);
    });
}

#[test]
fn cuts_by_an_end_of_file_also_with_bytes_on_the_way() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    proxy.silence();
    let mut client = bare(proxy.port()).unwrap();
    client.write_all(&[0; 100_000]).unwrap();
    wait_until(SOON, "it is accepted", || proxy.open_connections() == 1);
    proxy.cut();
    assert_eq!(proxy.open_connections(), 0);
    assert_eq!(read_all(&client).unwrap(), b"");
}

#[tokio::test]
async fn cuts_once_and_lets_new_ones_pass() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&proxy.url()).await;
    proxy.cut();
    assert_eq!(session.end().await, None);
    assert_eq!(connect(&proxy.url()).await.one().await, 1);
}

#[tokio::test]
async fn resets_once_and_lets_new_ones_pass() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let client = bare(proxy.port()).unwrap();
    wait_until(SOON, "it is accepted", || proxy.open_connections() == 1);
    proxy.reset();
    assert_eq!(read_all(&client).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(connect(&proxy.url()).await.one().await, 1);
}

#[tokio::test]
async fn closes_on_accept_without_a_byte() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&proxy.url()).await;
    proxy.close_on_accept();
    assert_eq!(read_all(&bare(proxy.port()).unwrap()).unwrap(), b"");
    assert!(connect_error(&proxy).await.is_closed());
    assert_eq!(session.one().await, 1, "who is there stays");
    assert_eq!(proxy.connections_accepted(), 3);
}

#[tokio::test]
async fn closes_without_a_byte_when_the_server_is_down() {
    let proxy = Proxy::start(free_port());
    assert!(connect_error(&proxy).await.is_closed());
}

#[tokio::test]
async fn is_silent_and_loses_nothing() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let (session, url) = (connect(&proxy.url()).await, proxy.url());
    proxy.silence();
    let mut answer = Box::pin(session.one());
    let mut newcomer = Box::pin(connect(&url));
    assert!(timeout(A_WHILE, &mut answer).await.is_err(), "no answer");
    assert!(timeout(A_WHILE, &mut newcomer).await.is_err(), "no greeting");
    assert_eq!(proxy.connections_accepted(), 2, "but accepted");
    proxy.pass();
    assert_eq!(answer.await, 1);
    assert_eq!(newcomer.await.one().await, 1);
}

#[tokio::test]
async fn is_silent_towards_the_server_too() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&proxy.url()).await;
    session.client.batch_execute("CREATE TABLE unheard (id int)").await.unwrap();
    proxy.silence();
    let insert = session.client.batch_execute("INSERT INTO unheard VALUES (1)");
    assert!(timeout(A_WHILE, insert).await.is_err(), "no answer");
    assert_eq!(server.psql("SELECT count(*) FROM unheard"), "0");
}

#[tokio::test]
async fn holds_answers_to_what_the_server_has_done() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&proxy.url()).await;
    session.client.batch_execute("CREATE TABLE unanswered (id int)").await.unwrap();
    proxy.hold_answers();
    let mut insert = Box::pin(session.client.batch_execute("INSERT INTO unanswered VALUES (1)"));
    assert!(timeout(A_WHILE, &mut insert).await.is_err(), "no answer");
    wait_until(SOON, "the row is there", || server.psql("SELECT count(*) FROM unanswered") == "1");
    proxy.pass();
    insert.await.expect("the answer was held, not lost");
}

#[tokio::test]
async fn answers_garbage() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    proxy.garbage_on_accept();
    assert!(read_all(&bare(proxy.port()).unwrap()).unwrap().starts_with(b"HTTP/1.1 400"));
    let error = connect_error(&proxy).await;
    assert!(!error.is_closed() && error.code().is_none(), "{error:?}");
}

#[tokio::test]
async fn rejects_new_ones_with_an_error_of_the_tests_choice() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&proxy.url()).await;
    proxy.reject_new_with("53300", "sorry, too many clients already");
    let error = connect_error(&proxy).await;
    let cause = error.as_db_error().expect("an error of the server");
    assert_eq!((cause.code().code(), cause.severity()), ("53300", "FATAL"));
    assert_eq!(cause.message(), "sorry, too many clients already");
    assert_eq!(session.one().await, 1, "who is there stays");
}

#[tokio::test]
async fn sends_new_ones_to_another_server() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let session = connect(&proxy.url()).await;
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).unwrap();
    proxy.retarget(other.local_addr().unwrap().port());
    let mut client = bare(proxy.port()).unwrap();
    client.write_all(b"\0\0\0\x08\x04\xd2\x16\x2f").unwrap();
    let (mut moved, _) = other.accept().unwrap();
    moved.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut heard = [0; 8];
    moved.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"\0\0\0\x08\x04\xd2\x16\x2f");
    assert_eq!(session.one().await, 1, "who is there stays");
}
