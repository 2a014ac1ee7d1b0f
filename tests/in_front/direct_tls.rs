//! What is begun by TLS without a request: what is heard of a handshake counts, and is no word of PostgreSQL's.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use crate::outcome::{DIRECT, connection, goes_on_trying, major, refused, says, writes};
use crate::support::{Postgres, speak_tls};

/// A server that reads what comes first, says this, and then closes or stays silent. It lives as long as the test's
/// process; its port.
fn that_says(words: &'static [u8], then_closes: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            thread::spawn(move || answer(client.unwrap(), words, then_closes));
        }
    });
    port
}

/// A client that turns away ends it.
fn answer(mut client: TcpStream, words: &[u8], then_closes: bool) {
    let mut come = [0; 4096];
    if !client.read(&mut come).is_ok_and(|count| count > 0) || client.write_all(words).is_err() {
        return;
    }
    if then_closes {
        // Nothing is left unread, or the end would be a reset.
        let _ = client.shutdown(Shutdown::Write);
    }
    let _ = std::io::copy(&mut client, &mut std::io::sink());
}

/// The beginning of a server's hello, less than it announces.
const PART_OF_A_HELLO: &[u8] = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03";

#[test]
fn a_server_that_knows_it_and_one_that_does_not() {
    let server = Postgres::start();
    let to = connection(server.port(), DIRECT);
    for has_tls in [false, true] {
        if has_tls {
            speak_tls(&server);
        }
        if has_tls && major(&server) >= 17 {
            writes(&server, &to);
            continue;
        }
        let (line, fault) = goes_on_trying(&server, &to);
        assert_eq!(fault["class"], "no_backend", "{fault}");
        says(&line, &["must be asked for TLS or has none (PostgreSQL before 17, ssl = off"]);
        assert!(!line.contains("no live primary?"), "{line}");
    }
}

#[test]
fn a_handshake_that_breaks_off() {
    let server = Postgres::shared();
    let port = that_says(PART_OF_A_HELLO, true);
    let (line, fault) = goes_on_trying(&server, &connection(port, DIRECT));
    assert_eq!(fault["class"], "connection_lost", "{fault}");
    says(&line, &["the server closed the connection during the TLS handshake"]);
    let port = that_says(PART_OF_A_HELLO, false);
    let (_, fault) =
        goes_on_trying(&server, &connection(port, &format!("{DIRECT} connect_timeout=2")));
    assert_eq!(fault["class"], "timeout", "{fault}");
    let words = "no answer within 2.0 s during the TLS handshake (connect_timeout)";
    assert_eq!(fault["message"], words);
    let port = that_says(b"", false);
    let (_, fault) =
        goes_on_trying(&server, &connection(port, &format!("{DIRECT} connect_timeout=2")));
    assert_eq!(fault["message"], "accepted, then 2.0 s of silence (connect_timeout)");
}

#[test]
fn answers_in_the_clear() {
    let server = Postgres::shared();
    let said = |words| refused(&server, &connection(that_says(words, true), DIRECT)).stderr;
    says(&said(b"HTTP/1.1 400 Bad Request\r\n\r\n"), &["HTTP answers there, not PostgreSQL"]);
    says(&said(b"SSH-2.0-x\r\n"), &["what answers there is not PostgreSQL"]);
    // It may have a process again, and a pooler room.
    let full = b"E\0\0\0\x1cSFATAL\0C53300\0Mno more\0\0";
    for words in [&b"Ecould not fork new process for connection\n\0"[..], full] {
        let (_, fault) = goes_on_trying(&server, &connection(that_says(words, true), DIRECT));
        assert_eq!(fault["class"], "overloaded", "{fault}");
    }
}
