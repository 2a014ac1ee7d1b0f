//! What the server knows the client by: a certificate, a password bound to the server's certificate, or neither.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::authority::{Authority, GOOD, Made};
use crate::psql::{Got, by_pgchaos, by_psql};
use crate::support::{Postgres, use_certificate};

const CLIENT: Made =
    Made { subject: "/CN=postgres", extensions: "basicConstraints=CA:FALSE", ..GOOD };

/// Each way of logging in with each wish for channel binding.
#[test]
fn logins_as_psql_has_them() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let (client_key, client_certificate) = authority.sign("client", CLIENT);
    let stranger = Authority::new("theirs");
    let (stranger_key, stranger_certificate) = stranger.sign("client", CLIENT);
    let root = server.data_dir().join("root.crt");
    fs::copy(authority.root(), &root).unwrap();
    fs::set_permissions(&root, Permissions::from_mode(0o644)).unwrap();
    server.psql("ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
    server.psql(
        "SET password_encryption = 'md5'; CREATE ROLE old LOGIN SUPERUSER PASSWORD 'postgres'",
    );
    let with = |key: &std::path::Path, certificate: &std::path::Path| {
        format!("sslkey={} sslcert={}", key.display(), certificate.display())
    };
    let (known, unknown) =
        (with(&client_key, &client_certificate), with(&stranger_key, &stranger_certificate));
    for rule in ["scram-sha-256", "md5", "trust", "cert", "scram-sha-256 clientcert=verify-ca"] {
        let lines = format!("local all all trust\nhostssl all all all {rule}\n");
        fs::write(server.data_dir().join("pg_hba.conf"), lines).unwrap();
        server.restart();
        for (user, binding, client) in [
            ("postgres", "disable", ""),
            ("postgres", "prefer", ""),
            ("postgres", "require", ""),
            ("old", "prefer", ""),
            ("old", "require", ""),
            ("postgres", "prefer", known.as_str()),
            ("postgres", "prefer", unknown.as_str()),
        ] {
            let connection = format!(
                "host=localhost port={} user={user} password=postgres dbname=postgres sslmode=verify-full \
                 sslrootcert={} channel_binding={binding} {client}",
                server.port(),
                authority.root().display()
            );
            let (psql, psql_words) = by_psql(&server, &connection);
            let (ours, words) = by_pgchaos(&server, &connection);
            println!("{rule:35} {user:8} {binding:8} psql {psql:?}, pgchaos {ours:?}");
            assert_eq!(ours, psql, "{rule}: {connection}\npsql: {psql_words}pgchaos: {words}");
            if client == unknown && ours == Got::Nothing {
                assert!(words.contains("refuses the client certificate"), "{words}");
            }
        }
    }
}

/// `sslcertmode=require` as libpq has it since 16; psql 15 does not know it.
#[test]
fn a_session_without_the_clients_certificate_is_none_where_one_is_required() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let (client_key, client_certificate) = authority.sign("client", CLIENT);
    let connection = |sslmode: &str, mode: &str| {
        format!(
            "host=localhost port={} user=postgres password=postgres dbname=postgres sslmode={sslmode} sslcertmode={mode} \
             sslcert={} sslkey={}",
            server.port(),
            client_certificate.display(),
            client_key.display()
        )
    };
    let expect = |sslmode: &str, mode: &str, expected: Got, said: &str| {
        let (ours, words) = by_pgchaos(&server, &connection(sslmode, mode));
        assert_eq!(ours, expected, "{sslmode} {mode}: {words}");
        assert!(words.contains(said), "{sslmode} {mode}: {words}");
    };
    let not_asked = "the server asks for no client certificate";
    expect("require", "allow", Got::Tls, "");
    expect("require", "require", Got::Nothing, not_asked);
    expect("prefer", "require", Got::Nothing, not_asked);
    let root = server.data_dir().join("root.crt");
    fs::copy(authority.root(), &root).unwrap();
    fs::set_permissions(&root, Permissions::from_mode(0o644)).unwrap();
    server.psql("ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
    server.restart();
    expect("require", "require", Got::Tls, "");
    expect("allow", "require", Got::Tls, "");
    server.psql("ALTER SYSTEM SET ssl = off");
    server.restart();
    expect("prefer", "require", Got::Nothing, "without TLS no server asks");
    expect("prefer", "disable", Got::Clear, "");
}

/// A key that others may read, as psql has it; and nothing that is said has a secret in it.
#[test]
fn keys_that_others_may_read() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let (key, certificate) = authority.sign("client", CLIENT);
    let is_root = nix::unistd::geteuid().is_root();
    authority.openssl("pkey -in client.key -aes256 -passout pass:wunderwald -out encrypted.key");
    let connection = |key: &std::path::Path| {
        format!(
            "host=localhost port={} user=postgres password=postgres dbname=postgres sslmode=require \
             sslcert={} sslkey={} sslpassword=wunderwald",
            server.port(),
            certificate.display(),
            key.display()
        )
    };
    for (mode, is_taken) in
        [(0o600, true), (0o400, true), (0o640, is_root), (0o644, false), (0o660, false)]
    {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let ours = by_pgchaos(&server, &connection(&key));
        assert_eq!(ours.0 == Got::Tls, is_taken, "{mode:o}: {}", ours.1);
        assert!(is_taken || ours.1.contains("has group or world access"), "{}", ours.1);
    }
    let (ours, words) = by_pgchaos(&server, &connection(&authority.path("encrypted.key")));
    assert_eq!(ours, Got::Nothing, "{words}");
    assert!(words.contains("is encrypted, and pgchaos asks for no passphrase"), "{words}");
    assert!(!words.contains("wunderwald"), "{words}");
}

/// TLS is preferred, and a session over it ends for the client's certificate, not for lack of TLS: psql gives up then, too.
#[test]
fn a_refused_certificate_does_not_lead_out_of_tls() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let root = server.data_dir().join("root.crt");
    fs::copy(authority.root(), &root).unwrap();
    fs::set_permissions(&root, Permissions::from_mode(0o644)).unwrap();
    server.psql("ALTER SYSTEM SET ssl_ca_file = 'root.crt'");
    server.restart();
    let (good_key, good) = authority.sign("client", CLIENT);
    let (old_key, old) = authority.sign("old", Made { signing: "-days -1", ..CLIENT });
    authority.openssl("pkey -in client.key -outform DER -out client.der");
    authority.sign("large", Made { key: "ec:P-521", ..CLIENT });
    let der = authority.path("client.der");
    fs::set_permissions(&der, Permissions::from_mode(0o600)).unwrap();
    let large = (authority.path("large.key"), authority.path("large.crt"));
    for (key, certificate, more, is_as_psql, expected) in [
        (&good_key, &good, "sslsni=2", true, ""),
        (&good_key, &good, "sslsni=", true, ""),
        (&der, &good, "", true, ""),
        (&old_key, &old, "", true, "the server refuses the client certificate: it has expired"),
        (&large.0, &large.1, "", false, "not P-521 or Ed448"),
    ] {
        let connection = format!(
            "host=localhost port={} user=postgres password=postgres dbname=postgres sslmode=prefer sslkey={} sslcert={} \
             {more}",
            server.port(),
            key.display(),
            certificate.display()
        );
        let (psql, psql_words) = by_psql(&server, &connection);
        let (ours, words) = by_pgchaos(&server, &connection);
        assert_eq!(ours == psql, is_as_psql, "{connection}\npsql: {psql_words}pgchaos: {words}");
        assert_eq!(ours == Got::Tls, expected.is_empty(), "{words}");
        assert!(words.contains(expected), "{words}");
    }
}
