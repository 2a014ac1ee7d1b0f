//! A program in the middle, which ends TLS with a certificate of its own and speaks TLS to the server.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use pgchaos::tls::files::Disk;
use pgchaos::tls::settings::POSTGRESQL;
use pgchaos::tls::{TlsClient, TlsSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::authority::{Authority, GOOD};
use crate::psql::{Got, by_pgchaos, by_psql};
use crate::support::{Gen, Postgres, use_certificate};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];

/// Its port. It lives as long as the test's process.
fn man_in_the_middle(upstream: u16, key: &Path, certificate: &Path) -> u16 {
    let chain = CertificateDer::from_pem_slice(&fs::read(certificate).unwrap()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&fs::read(key).unwrap()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(between(client, acceptor.clone(), upstream));
            }
        });
    });
    port
}

/// One session. A client that turns away ends it; one that wants no TLS has none.
async fn between(mut client: TcpStream, acceptor: TlsAcceptor, upstream: u16) {
    let mut request = [0; 8];
    client.read_exact(&mut request).await.unwrap();
    if request != SSL_REQUEST {
        let mut server = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
        server.write_all(&request).await.unwrap();
        let _ = copy_bidirectional(&mut client, &mut server).await;
        return;
    }
    client.write_all(b"S").await.unwrap();
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).await.unwrap();
    server.write_all(&SSL_REQUEST).await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), b'S');
    let settings = TlsSettings { protocol: Some(POSTGRESQL), ..TlsSettings::default() };
    let tls = TlsClient::new(settings, &Disk).unwrap();
    let mut server = tls.handshake("localhost", server).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[test]
fn binding_and_verification_keep_it_out() {
    let (authority, its_own) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    // Two certificates: a usual one, and one that its Ed25519 authority has signed, for which no digest is defined.
    let (its_key, its_certificate) = its_own.sign("middle", GOOD);
    its_own.openssl(
        "req -x509 -newkey ed25519 -nodes -subj /CN=localhost -days 9 -keyout ed.key -out ed.crt",
    );
    let usual = man_in_the_middle(server.port(), &its_key, &its_certificate);
    let undefined =
        man_in_the_middle(server.port(), &its_own.path("ed.key"), &its_own.path("ed.crt"));
    let connection = format!(
        "host=localhost port={undefined} user=postgres password=postgres dbname=postgres sslmode=require"
    );
    assert_eq!(by_psql(&server, &connection).0, Got::Nothing);
    let (ours, words) = by_pgchaos(&server, &connection);
    assert_eq!(ours, Got::Nothing, "{words}");
    let port = usual;
    let by = |port: u16, more: &str| {
        format!("host=localhost port={port} user=postgres password=postgres dbname=postgres {more}")
    };
    let verified = format!("sslmode=verify-full sslrootcert={}", authority.root().display());
    for (more, expected, words) in [
        ("sslmode=require channel_binding=require", Got::Nothing, "28000"),
        ("sslmode=require channel_binding=prefer", Got::Nothing, "channel_binding=disable"),
        ("sslmode=require channel_binding=disable", Got::Tls, ""),
        (verified.as_str(), Got::Nothing, "signed by no authority in"),
    ] {
        let connection = by(port, more);
        let (psql, psql_words) = by_psql(&server, &connection);
        let (ours, our_words) = by_pgchaos(&server, &connection);
        assert_eq!(
            (psql, ours),
            (expected, expected),
            "{more}\npsql: {psql_words}pgchaos: {our_words}"
        );
        assert!(our_words.contains(words), "{more}: {our_words}");
        // With the server itself all of them pass.
        let (ours, our_words) = by_pgchaos(&server, &by(server.port(), more));
        assert_eq!(ours, Got::Tls, "{more}: {our_words}");
    }
}

/// Where TLS is only preferred, what is in the middle gets the session in the clear, from psql too. It is told each time.
#[test]
fn a_session_that_it_drives_out_of_tls_is_told() {
    let (authority, its_own) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let (its_key, its_certificate) = its_own.sign("middle", GOOD);
    for (port, class, reason) in [
        // SCRAM notices it, so that the login is refused.
        (
            man_in_the_middle(server.port(), &its_key, &its_certificate),
            "auth",
            "SCRAM channel binding check failed",
        ),
        (
            closes_in_place_of_tls(server.port()),
            "connection_lost",
            "the server closed the connection during the TLS handshake",
        ),
    ] {
        let connection = format!(
            "host=localhost hostaddr=127.0.0.1 port={port} user=postgres password=postgres dbname=postgres sslmode=prefer"
        );
        assert_eq!(by_psql(&server, &connection).0, Got::Clear, "{class}");
        let finished =
            Gen::start(["--writes=1", "--log-format=text", connection.as_str()]).finish();
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        let loud = class.to_uppercase().replace('_', " ");
        let line = finished.stderr.lines().find(|line| line.contains("PASSED OVER"));
        let line = line.unwrap_or_else(|| panic!("{}", finished.stderr));
        let begin = format!("PASSED OVER localhost:{port} (127.0.0.1): {reason} · {loud}");
        assert!(line.contains(&begin) && line.ends_with(" · it serves without TLS"), "{line}");
        let events = finished.recorded();
        let event = events.iter().find(|event| event["event"] == "passed_over").unwrap();
        assert_eq!(event["fault"]["class"], class);
        assert_eq!(event["served_without_tls"], true);
        assert_eq!(finished.summary["passed_over"][0]["served_without_tls"], true);
    }
}

/// The port of what says that it has TLS, and closes; without TLS it leads to the server.
fn closes_in_place_of_tls(upstream: u16) -> u16 {
    use std::io::{Read, Write, copy};
    use std::net::{Shutdown, TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut begin = [0; 8];
            if client.read_exact(&mut begin).is_err() {
                continue;
            }
            if begin == SSL_REQUEST {
                client.write_all(b"S").unwrap();
                continue;
            }
            let mut server = TcpStream::connect(("127.0.0.1", upstream)).unwrap();
            server.write_all(&begin).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            thread::spawn(move || {
                let _ = copy(&mut server, &mut client);
                let _ = client.shutdown(Shutdown::Write);
            });
        }
    });
    port
}
