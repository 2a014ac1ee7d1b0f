//! A small HTTP server that says what the test wants.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use pgchaos::patroni::PatroniApi;

pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// Answers every request with the same bytes, as long as the test's process lives. Its URL.
pub(crate) fn server(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    served(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        // A client that has read enough may be gone.
        let _ = stream.write_all(&answer);
        // Closed with something of the request unread, the answer could be lost.
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

pub(crate) fn served(mut answer: impl FnMut(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(&mut answer));
    url
}

pub(crate) fn http(status: &str, content_type: &str, body: &str) -> String {
    let head = format!("HTTP/1.0 {status}\r\nContent-Type: {content_type}\r\n\r\n");
    head + body
}

pub(crate) fn json(status: &str, body: &str) -> PatroniApi {
    api(&server(http(status, "application/json", body)))
}

pub(crate) fn api(url: &str) -> PatroniApi {
    PatroniApi::new(url, DEADLINE).unwrap()
}

/// A Patroni that answers with these bodies; `/primary` with 200 where it is said to lead.
pub(crate) fn patroni(leads: bool, status: &'static str, cluster: &'static str) -> String {
    served(move |mut stream| {
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap_or(0);
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        let (code, body) = match request.split(' ').nth(1) {
            Some("/cluster") => ("200 OK", cluster),
            Some("/primary") if !leads => ("503 Service Unavailable", status),
            _ => ("200 OK", status),
        };
        let _ = stream.write_all(http(code, "application/json", body).as_bytes());
    })
}
