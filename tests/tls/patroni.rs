//! Patroni's API by https: one that is not trusted, or does not trust this client, has not said that no member leads.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::authority::{Authority, GOOD, Made};
use crate::support::{Gen, Postgres, pgchaos};

const DEADLINE: Duration = Duration::from_secs(60);

/// A member's API on loopback, with one certificate at a time. Its process does not lead.
struct Api {
    runtime: Runtime,
    port: u16,
    serving: Option<JoinHandle<()>>,
}

impl Api {
    fn start((key, certificate): (&Path, &Path), clients: Option<&Path>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut api = Self { runtime, port: 0, serving: None };
        api.serve((key, certificate), clients);
        api
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    fn serve(&mut self, (key, certificate): (&Path, &Path), clients: Option<&Path>) {
        let read = |path: &Path| CertificateDer::from_pem_slice(&fs::read(path).unwrap()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(read(authority)).unwrap();
                builder.with_client_cert_verifier(
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .unwrap(),
                )
            }
        };
        let key = PrivateKeyDer::from_pem_slice(&fs::read(key).unwrap()).unwrap();
        let config = builder.with_single_cert(vec![read(certificate)], key).unwrap();
        let listener = self.runtime.block_on(TcpListener::bind(("127.0.0.1", self.port))).unwrap();
        self.port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        self.serving = Some(self.runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(answer(acceptor.clone(), client));
            }
        }));
    }

    /// From now on connects are refused.
    fn stop(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.abort();
        let _ = self.runtime.block_on(serving);
    }
}

async fn answer(acceptor: TlsAcceptor, client: TcpStream) {
    let Ok(mut stream) = acceptor.accept(client).await else { return };
    let mut request = [0; 4096];
    let length = stream.read(&mut request).await.unwrap_or(0);
    let (status, body) = match request[..length].starts_with(b"GET /cluster ") {
        true => ("200 OK", r#"{"members":[]}"#),
        false => (
            "503 Service Unavailable",
            r#"{"state":"running","role":"replica","timeline":1,"patroni":{"version":"4.0.7","name":"patroni1"}}"#,
        ),
    };
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}");
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn load(postgres: &Postgres, api: &Api, settings: &str) -> Gen {
    let (port, url) = (postgres.port(), api.url());
    let connection = format!(
        "host=localhost port={port} user=postgres password=postgres dbname=postgres sslmode=prefer {settings}"
    );
    let verify = ["--verify-timeout", "3s"];
    Gen::start([&*connection, "-r", "10", "--patroni", &*url, verify[0], verify[1]])
}

fn told_error(load: &Gen, part: &str) {
    load.wait_for_event(DEADLINE, "a write", |event| event["event"] == "written");
    load.wait_for_event(DEADLINE, part, |event| {
        event["event"] == "patroni_api"
            && event["error"].as_str().is_some_and(|error| error.contains(part))
    });
}

#[test]
fn an_api_that_is_not_trusted_has_not_said_that_none_leads() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let postgres = Postgres::start();
    let good = authority.sign("good", GOOD);
    let expired = authority.sign("expired", Made { signing: "-days -1", ..GOOD });
    let named = authority.sign("named", Made { extensions: "subjectAltName=DNS:db", ..GOOD });
    let (ours, theirs) = (authority.root(), other.root());
    for ((key, certificate), root, reason, next) in [
        (&good, &theirs, "signed by no authority in", "PGSSLROOTCERT"),
        (&expired, &ours, "the server's certificate has expired", "is valid today"),
        (&named, &ours, "is for db, and not for localhost", "--patroni"),
    ] {
        let api = Api::start((key, certificate), None);
        let load = load(&postgres, &api, &format!("sslrootcert={}", root.display()));
        told_error(&load, reason);
        let finished = load.interrupt_and_finish();
        assert_eq!(finished.code, 3, "{}", finished.stderr);
        let verdict = finished.summary["reasons"][0].as_str().unwrap();
        let asked = format!("Patroni could not be asked which member leads: {}: ", api.url());
        assert!(verdict.contains(&asked) && verdict.contains(reason), "{verdict}");
        assert!(!verdict.contains("names no leader"), "{verdict}");

        let home = tempfile::tempdir().unwrap();
        let mut verify = pgchaos(home.path(), ["verify", "--verify-timeout", "3s"]);
        verify.arg(&finished.record).env("PGSSLROOTCERT", root);
        let output = verify.output().unwrap();
        let page = String::from_utf8_lossy(&output.stdout).into_owned();
        let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(reason), "{page}");
        let (_, said) = words.split_once(" next ").expect("a next step");
        assert!(said.contains(next) && said.contains("verify --no-patroni"), "{page}");
        assert!(!words.contains("when the cluster is back"), "{page}");
    }
}

/// Its last word would else be that Patroni does not run there.
#[test]
fn a_reason_that_has_become_another_one_is_told() {
    let authority = Authority::new("ours");
    let postgres = Postgres::start();
    let good = authority.sign("good", GOOD);
    let expired = authority.sign("expired", Made { signing: "-days -1", ..GOOD });
    let mut api = Api::start((&good.0, &good.1), None);
    let load = load(&postgres, &api, &format!("sslrootcert={}", authority.root().display()));
    load.wait_for_event(DEADLINE, "the member", |event| event["event"] == "member_changed");
    api.stop();
    told_error(&load, "connection refused");
    api.serve((&expired.0, &expired.1), None);
    told_error(&load, "the server's certificate has expired");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.events_named("patroni_api").len(), 2, "{}", finished.stderr);
}

/// TLS 1.3 has the refusal of a client's certificate come after the handshake, as the client sees it.
#[test]
fn a_client_certificate_that_the_api_refuses_was_asked_for_and_sent() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let postgres = Postgres::start();
    let good = authority.sign("good", GOOD);
    let client = Made { subject: "/CN=postgres", extensions: "basicConstraints=CA:FALSE", ..GOOD };
    let stale = other.sign("stale", client);
    let expired = authority.sign("expired", Made { signing: "-days -1", ..client });
    let refused = "the server refuses the client certificate";
    for (identity, reason) in [
        (Some(&stale), "it does not know the authority that signed it"),
        (Some(&expired), "it has expired"),
        (None, "the server demands a client certificate"),
    ] {
        let api = Api::start((&good.0, &good.1), Some(&authority.root()));
        let mut settings = format!("sslrootcert={}", authority.root().display());
        if let Some((key, certificate)) = identity {
            settings += &format!(" sslkey={} sslcert={}", key.display(), certificate.display());
        }
        let load = load(&postgres, &api, &settings);
        told_error(&load, reason);
        let finished = load.interrupt_and_finish();
        let verdict = finished.summary["reasons"][0].as_str().unwrap();
        assert!(verdict.contains(reason), "{verdict}");
        assert!(identity.is_none() || verdict.contains(refused), "{verdict}");
        let note = &finished.summary["verification"]["notes"][0];
        assert_eq!(note["cause"], "client_certificate", "{note}");
    }
}
