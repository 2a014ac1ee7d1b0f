//! What is told to do about each failure of TLS: one thing, and that of this failure.

use std::path::Path;

use crate::authority::{Authority, GOOD, Made};
use crate::psql::{Got, by_pgchaos};
use crate::support::{Postgres, use_certificate};

#[test]
fn one_remedy_for_each_failure() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Postgres::with_settings(&[
        ("log_connections", "on"),
        ("ssl_max_protocol_version", "TLSv1.2"),
    ]);
    let connection = |mode: &str, root: &Path, more: &str| {
        format!(
            "host=localhost port={} user=postgres password=postgres dbname=postgres sslmode={mode} sslrootcert={} {more}",
            server.port(),
            root.display()
        )
    };
    let verified = |more: &str| connection("verify-full", &authority.root(), more);
    let told = |connection: &str| {
        let (ours, words) = by_pgchaos(&server, connection);
        assert_eq!(ours, Got::Nothing, "{connection}: {words}");
        let (_, remedy) = words.split_once("try: ").unwrap_or_else(|| panic!("no remedy: {words}"));
        remedy.trim().to_owned()
    };
    let not_offered = told(&verified(""));
    assert!(not_offered.starts_with("ssl = on in the server's postgresql.conf"), "{not_offered}");

    let (key, certificate) = authority.sign("good", GOOD);
    use_certificate(&server, &key, &certificate);
    let revoked = format!("sslcrl={}", authority.revocation_list(Some(&certificate)).display());
    let foreign_list = format!("sslcrl={}", other.revocation_list(None).display());
    let untrusted = connection("verify-full", &other.root(), "");
    let mut remedies = vec![
        (told(&untrusted), "sslrootcert=FILE (PGSSLROOTCERT), with"),
        (
            told(&verified("").replace("host=localhost", "host=other.test hostaddr=127.0.0.1")),
            "host=NAME, a name that",
        ),
        (told(&verified(&revoked)), "a new certificate on the server"),
        (told(&verified(&foreign_list)), "sslcrl=FILE (PGSSLCRL), with the list"),
        (told(&verified("ssl_min_protocol_version=TLSv1.3")), "on the server a key of RSA"),
    ];
    for (name, made, remedy) in [
        (
            "expired",
            Made { signing: "-days -1", ..GOOD },
            "a certificate on the server that is valid today",
        ),
        (
            "for-clients",
            Made {
                extensions: "subjectAltName=DNS:localhost\nextendedKeyUsage=clientAuth",
                ..GOOD
            },
            "a certificate on the server that is of X.509 version 3",
        ),
    ] {
        let (key, certificate) = authority.sign(name, made);
        use_certificate(&server, &key, &certificate);
        remedies.push((told(&verified("")), remedy));
    }
    for (told, expected) in remedies {
        assert!(told.starts_with(expected), "not \"{expected}\": {told}");
        assert!(!told.contains("sslmode"), "it gives up what was asked for: {told}");
    }
}
