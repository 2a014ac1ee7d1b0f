//! What is told to do about each failure of TLS: one thing, and that of this failure.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::authority::{Authority, GOOD, Made};
use crate::psql::{Got, by_pgchaos, by_pgchaos_at};
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

/// Where TLS is only preferred, and without it the role is not let in, TLS is what there is to mend.
#[test]
fn what_failed_under_tls_decides_where_nothing_goes_without() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Postgres::start();
    let (key, certificate) = authority.sign("good", GOOD);
    use_certificate(&server, &key, &certificate);
    let lines = "local all all trust\nhostssl all all all scram-sha-256\n";
    fs::write(server.data_dir().join("pg_hba.conf"), lines).unwrap();
    server.restart();
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".postgresql");
    fs::create_dir(&folder).unwrap();
    fs::copy(other.root(), folder.join("root.crt")).unwrap();
    for more in ["", "channel_binding=require"] {
        let connection = format!(
            "host=localhost port={} user=postgres password=postgres dbname=postgres {more}",
            server.port()
        );
        let (ours, words) = by_pgchaos_at(home.path(), &server, &connection);
        assert_eq!(ours, Got::Nothing, "{words}");
        let (told, remedy) = words.split_once("try: ").expect("a remedy");
        assert!(told.contains("signed by no authority in"), "{words}");
        assert!(told.contains("without TLS: "), "{words}");
        assert!(remedy.starts_with("sslrootcert=FILE (PGSSLROOTCERT)"), "{words}");
    }
}

/// One SQLSTATE (28000) has many reasons. What the session was rules some of them out.
#[test]
fn what_a_refused_login_lacks_goes_by_what_the_session_was() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("ssl_max_protocol_version", "TLSv1.2")]);
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let client = Made { subject: "/CN=other", extensions: "basicConstraints=CA:FALSE", ..GOOD };
    let files = |(key, certificate): (std::path::PathBuf, std::path::PathBuf)| {
        format!("sslkey={} sslcert={}", key.display(), certificate.display())
    };
    let other = files(authority.sign("other", client));
    let expired = files(authority.sign("expired", Made { signing: "-days -1", ..client }));
    let (of_tls, of_files, of_name) = ("sslmode=require", "sslcert=FILE", "common name is tester");
    let with_rule = |rule: &str, asks: bool| {
        let root = server.data_dir().join("root.crt");
        fs::copy(authority.root(), &root).unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o644)).unwrap();
        let file = if asks { "root.crt" } else { "" };
        server.psql(&format!("ALTER SYSTEM SET ssl_ca_file = '{file}'"));
        let lines = format!("local all postgres trust\nlocal all all trust\n{rule}\n");
        fs::write(server.data_dir().join("pg_hba.conf"), lines).unwrap();
        server.restart();
    };
    server.psql("CREATE ROLE tester LOGIN SUPERUSER PASSWORD 'right'");
    let told = |host: &str, more: &str| {
        let connection = format!(
            "host={host} port={} user=tester password=wrong dbname=postgres {more}",
            server.port()
        );
        let (ours, words) = by_pgchaos(&server, &connection);
        assert_eq!(ours, Got::Nothing, "{connection}: {words}");
        let (_, remedy) = words.split_once("try: ").unwrap_or_else(|| panic!("no remedy: {words}"));
        (remedy.to_owned(), words.clone())
    };
    let expect = |host: &str, more: &str, has: &[&str], has_not: &[&str]| {
        let (remedy, words) = told(host, more);
        assert!(has.iter().all(|part| remedy.contains(part)), "{more}: {words}");
        assert!(!has_not.iter().any(|part| remedy.contains(part)), "{more}: {words}");
    };
    let pg_hba = "pg_hba.conf that lets tester in";
    with_rule("hostssl all all all cert", true);
    expect("localhost", "sslmode=require", &[pg_hba, of_files], &[of_tls, of_name]);
    expect("localhost", "sslmode=prefer", &[pg_hba, of_files], &[of_tls, of_name]);
    expect("localhost", "sslmode=disable", &[pg_hba, of_tls], &[of_files, of_name]);
    expect(
        "localhost",
        &format!("sslmode=require {other}"),
        &[pg_hba, of_name],
        &[of_tls, of_files],
    );
    with_rule("host all all all scram-sha-256", true);
    expect("localhost", &format!("sslmode=prefer {expired}"), &[of_files], &["the right password"]);
    with_rule("hostssl all all all reject", false);
    expect("localhost", "sslmode=require", &[pg_hba], &[of_tls, of_files, of_name]);
    with_rule("host all all all trust", false);
    let socket = server.socket_dir().display().to_string();
    let (_, words) = told(&socket, "channel_binding=require");
    assert!(words.contains("a Unix socket has no TLS to bind the login to"), "{words}");
    assert!(words.contains("try: channel_binding=prefer"), "{words}");
    assert!(words.contains("instead of the socket's folder"), "{words}");
    let (_, words) = told("localhost", "sslmode=require channel_binding=require");
    assert!(words.contains("or this role logs in without one"), "{words}");
}
