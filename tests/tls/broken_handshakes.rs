//! What answers as a server that speaks TLS, and breaks it: the words are no more than what was seen.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::authority::{Authority, GOOD};
use crate::support::pgchaos;

/// A server that takes TLS, and answers the handshake with these bytes. Its port; it ends with the test's process.
fn answering(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut read) = (client.unwrap(), [0; 4096]);
            let asked = client.read(&mut read).is_ok() && client.write_all(b"S").is_ok();
            if asked && client.read(&mut read).is_ok() && client.write_all(bytes).is_ok() {
                while matches!(client.read(&mut read), Ok(1..)) {}
            }
        }
    });
    port
}

/// Neither certificate nor garbage is told of that was not there.
#[test]
fn words_by_what_was_seen() {
    let authority = Authority::new("ours");
    let (key, certificate) = authority.sign("client", GOOD);
    let home = tempfile::tempdir().unwrap();
    let cases: [(&[u8], &str); 5] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there speaks no TLS"),
        // A ServerHello that ends after its version.
        (
            b"\x16\x03\x03\0\x06\x02\0\0\x02\x03\x03",
            "what answers there breaks the protocol of TLS (",
        ),
        // Alerts, of which none can be about a certificate that was not asked for.
        (
            b"\x15\x03\x03\0\x02\x02\x30",
            "the server ended TLS (UnknownCA), and has asked for no client certificate",
        ),
        (
            b"\x15\x03\x03\0\x02\x02\x2a",
            "the server ended TLS (BadCertificate), and has asked for no client certificate",
        ),
        (b"\x15\x03\x03\0\x02\x02\x50", "the server ended TLS (InternalError)"),
    ];
    for (bytes, expected) in cases {
        let connection = format!(
            "host=127.0.0.1 port={} user=postgres password=postgres dbname=postgres sslmode=require sslcert={} sslkey={}",
            answering(bytes),
            certificate.display(),
            key.display()
        );
        let output = pgchaos(home.path(), ["init", &connection]).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(words.contains(expected), "{expected}: {words}");
    }
}

/// An error that begins in place of the answer to the request for TLS, and never ends: half of one, or one that claims to be
/// huge, or of less than no length.
#[test]
fn an_answer_that_never_ends_is_no_silence() {
    let home = tempfile::tempdir().unwrap();
    let claims: [&[u8]; 3] =
        [b"E\0\0\0\x40SFATAL\0", b"E\x10\0\0\0SFATAL\0", b"E\xff\xff\xff\xfeSFATAL\0"];
    for claim in claims {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (mut client, mut read) = (client.unwrap(), [0; 4096]);
                if client.read(&mut read).is_ok() && client.write_all(claim).is_ok() {
                    while matches!(client.read(&mut read), Ok(1..)) {}
                }
            }
        });
        let connection =
            format!("host=127.0.0.1 port={port} user=postgres sslmode=require connect_timeout=2");
        let output = pgchaos(home.path(), ["init", &connection]).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        let expected = "no answer within 2.0 s during the TLS handshake (connect_timeout)";
        assert!(words.contains(expected), "{words}");
    }
}
