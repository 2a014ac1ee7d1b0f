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
use crate::support::{Postgres, use_certificate};

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

/// One session. A client that turns away ends it.
async fn between(mut client: TcpStream, acceptor: TlsAcceptor, upstream: u16) {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
    let mut request = [0; 8];
    client.read_exact(&mut request).await.unwrap();
    if request != SSL_REQUEST {
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
