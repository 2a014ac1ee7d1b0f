//! Pages that a small server gives: HAProxy's, and what else can answer there.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::model::cluster::proxy::ProxyServer;

/// A page that answers each connection so, with what a request said before.
async fn served<F, A>(answer: F) -> String
where
    F: Fn(TcpStream, String) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            tokio::spawn(answer(stream, request));
        }
    });
    address
}

async fn says(text: impl Into<Vec<u8>>) -> String {
    let text = text.into();
    served(move |mut stream, _| {
        let text = text.clone();
        async move {
            // A client that has read enough may be gone.
            let _ = stream.write_all(&text).await;
        }
    })
    .await
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

async fn look_within(url: &str, deadline: Duration) -> Result<Vec<ProxyServer>, HaproxyError> {
    HaproxyPage::new(HaproxyUrl::read(url)?, deadline, None)?.servers().await
}

async fn look(url: &str) -> Result<Vec<ProxyServer>, HaproxyError> {
    look_within(url, Duration::from_secs(30)).await
}

const TABLE: &str = "# pxname,svname,status,\nprimary,patroni1,UP,\n";

#[tokio::test]
async fn the_table_is_asked_for_at_its_path_and_by_its_user() {
    let address = served(|mut stream, request| async move {
        let is_right = request.starts_with("GET /haproxy?stats;csv HTTP/1.1\r\n")
            && request.contains("\r\nauthorization: Basic YWRtaW46UzNjcjN0\r\n");
        let answer = match (is_right, request.contains("authorization")) {
            (true, _) => http("200 OK", TABLE),
            (false, _) => http("401 Unauthorized", "<html>401"),
        };
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let servers = look(&format!("admin:S3cr3t@{address}/haproxy?stats")).await.unwrap();
    assert_eq!(servers[0].server, "patroni1");
    let error = look(&format!("{address}/haproxy?stats")).await.unwrap_err();
    assert_eq!(error, HaproxyError::NoLogin);
    let words = "it asks for a user and a password (stats auth): give them in the URL, as \
                 http://user:password@host:7000";
    assert_eq!(error.to_string(), words);
    let error = look(&format!("admin:S3cret@{address}/haproxy?stats")).await.unwrap_err();
    assert_eq!(error, HaproxyError::WrongLogin);
    assert!(!error.is_gone());
}

#[tokio::test]
async fn what_is_not_its_table_is_called_so() {
    for (answer, words) in [
        (http("200 OK", "<!DOCTYPE html>\n<html>"), "answered with a web page, not with CSV"),
        (http("200 OK", " \n<html>"), "answered with a web page, not with CSV"),
        (http("200 OK", ""), "answered with nothing"),
        (http("200 OK", "{\"status\":\"ok\"}"), "answered with \"{\"status\":\"ok\"}\""),
        (http("200 OK", "a,b\n1,2\n"), "answered with \"a,b 1,2\""),
        (http("200 OK", "pxname,svname,status\nx,y,UP\n"), "answered with \"pxname,svname"),
        (http("200 OK", "# pxname,svname\nx,y\n"), "a table without a column status"),
        (http("200 OK", "# pxname,svname,status\nx,y\n"), "a table that is cut off"),
        (http("200 OK", "# pxname,svname,status\nx,y,FINE\n"), "the unknown state \"FINE\""),
        (http("200 OK", "\u{1b}[2J\u{202e}hello"), "answered with \"\\u{1b}[2J\\u{202e}hello\""),
        (http("503 Service Unavailable", "<html>503"), "answered 503, which its page never does"),
        (http("403 Forbidden", ""), "answered 403, which its page never does"),
        ("HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n".to_owned(), "answered 302"),
    ] {
        let error = look(&says(answer.as_str()).await).await.unwrap_err();
        let told = error.to_string();
        assert!(told.contains(words), "{answer}: {told}");
        assert!(!told.contains(['\u{1b}', '\u{202e}', '\n']), "{told:?}");
        assert!(!error.is_gone() && !error.is_silence(), "{answer}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_or_no_http_are_told_and_survived() {
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{}", "é\u{7}".repeat(2_000));
    let told = look(&says(long).await).await.unwrap_err().to_string();
    assert!(told.chars().count() < 200, "{told}");
    let no_text = [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n".as_slice(), &[0xff, 0, 0xfe, 9]];
    assert!(look(&says(no_text.concat()).await).await.is_err());
    for other in ["SSH-2.0-OpenSSH_9.2p1\r\n", "220 mail ESMTP\r\n"] {
        let error = look(&says(other).await).await.unwrap_err();
        assert!(!error.is_gone(), "{other}: it answers: {error:?}");
    }
}

#[tokio::test]
async fn nothing_there_is_told_apart_from_silence_and_from_a_broken_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let error = look_within(&address, Duration::from_millis(300)).await.unwrap_err();
    assert!(error.is_silence() && !error.is_gone(), "{error:?}");
    assert_eq!(error.to_string(), "no answer within 0.3 s");
    drop(listener);
    let error = look(&address).await.unwrap_err();
    assert_eq!(error, HaproxyError::Refused);
    assert!(error.is_gone());
    for halfway in ["", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n# pxname,svname,status\n"] {
        let error = look(&says(halfway).await).await.unwrap_err();
        assert!(error.is_gone(), "{halfway}: {error:?}");
    }
    let error = look("http://haproxy.invalid:7000").await.unwrap_err();
    assert!(!error.is_gone() && !error.is_silence(), "a name says nothing of HAProxy: {error:?}");
}

#[tokio::test]
async fn a_page_that_never_ends_is_cut_off_by_its_bound_or_by_the_deadline() {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n# pxname,svname,status\n";
    let endless = served(move |mut stream, _| async move {
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all("b,s,UP\n".repeat(4_096).as_bytes()).await.is_ok() {}
    });
    let error = look(&endless.await).await.unwrap_err();
    assert_eq!(error.to_string(), "answered with more than 1024 KiB: that is not HAProxy's page");
    let dripping = served(move |mut stream, _| async move {
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(b"b").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let error = look_within(&dripping.await, Duration::from_millis(500)).await.unwrap_err();
    assert!(error.is_silence(), "{error:?}");
}

/// HAProxy answers in chunks.
#[tokio::test]
async fn an_answer_in_chunks_is_put_together() {
    let (one, two) = TABLE.split_at(30);
    let chunk = |part: &str| format!("{:x}\r\n{part}\r\n", part.len());
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let address = says(format!("{head}{}{}0\r\n\r\n", chunk(one), chunk(two))).await;
    assert_eq!(look(&address).await.unwrap().len(), 1);
}
