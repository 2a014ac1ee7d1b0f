//! TLS, what is refused or warned of, and what the driver is told.

use tokio_postgres::Config;
use tokio_postgres::config::SslMode as DriverSslMode;

use super::*;
use crate::tls::settings::IdentityFiles;
use crate::tls::{CertificateCheck, RootCertificate, TlsVersion};

/// How TLS is spoken after this text.
fn tls_settings(text: &str, environment: &Environment) -> TlsSettings {
    let client = quietly(&dsn(text), environment).security.client;
    client.expect("TLS is possible").settings().clone()
}

#[test]
fn modes_and_root_certificates() {
    use CertificateCheck::{Authority, AuthorityAndName};
    let file = |path: &str| Some(RootCertificate::File(path.into()));
    let default = "/home/me/.postgresql/root.crt";
    for (text, sslmode, roots, check) in [
        ("sslmode=allow", SslMode::Allow, file(default), Authority),
        ("sslmode=prefer", SslMode::Prefer, file(default), Authority),
        ("sslmode=require", SslMode::Require, file(default), Authority),
        ("sslmode=require sslrootcert=/ca.pem", SslMode::Require, file("/ca.pem"), Authority),
        ("sslmode=verify-ca", SslMode::VerifyCa, file(default), Authority),
        (
            "sslmode=verify-full sslrootcert=/ca.pem",
            SslMode::VerifyFull,
            file("/ca.pem"),
            AuthorityAndName,
        ),
        ("postgres://?ssl=true", SslMode::Require, file(default), Authority),
    ] {
        let settings = quietly(&dsn(text), &with_files());
        let security = security(sslmode, TlsSettings { roots, check, ..TlsSettings::default() });
        assert_eq!(settings, ConnectSettings { security, ..defaults() }, "{text}");
    }
    let plain = quietly(&dsn("sslmode=disable"), &with_files());
    assert_eq!(plain.security, in_the_clear(SslMode::Disable));
    let unchecked = tls_settings("sslmode=require", &Environment::empty());
    assert_eq!(unchecked.check, CertificateCheck::Nothing);
}

#[test]
fn how_tls_is_spoken() {
    let files = with_files()
        .with_file("/home/me/.postgresql/postgresql.crt", 0o644, CLIENT)
        .with_file("/home/me/.postgresql/postgresql.key", 0o600, CLIENT_KEY);
    let spoken = tls_settings("sslmode=require", &files);
    let identity = IdentityFiles {
        certificate: "/home/me/.postgresql/postgresql.crt".into(),
        key: "/home/me/.postgresql/postgresql.key".into(),
    };
    assert_eq!(spoken.identity, Some(identity));
    assert_eq!(spoken.versions, (TlsVersion::Tls12, TlsVersion::Tls13));
    assert!(spoken.names_host);

    let text = "sslmode=require sslcertmode=disable sslsni=0 ssl_min_protocol_version=tlsv1.3";
    let spoken = tls_settings(text, &files);
    assert_eq!(spoken.identity, None);
    assert_eq!(spoken.versions, (TlsVersion::Tls13, TlsVersion::Tls13));
    assert!(!spoken.names_host);
    for (text, lowest) in
        [("TLSv1", TlsVersion::Tls12), ("TLSv1.1", TlsVersion::Tls12), ("", TlsVersion::Tls12)]
    {
        let spoken = tls_settings(&format!("ssl_min_protocol_version='{text}'"), &files);
        assert_eq!(spoken.versions.0, lowest, "{text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of files")]
fn files_that_cannot_be_used_are_errors_before_any_connect() {
    let files = with_files()
        .with_file("/client.crt", 0o644, CLIENT)
        .with_file("/client.key", 0o600, CLIENT_KEY)
        .with_file("/open.key", 0o640, CLIENT_KEY)
        .with_file("/other.key", 0o600, OTHER_KEY)
        .with_file("/encrypted.key", 0o600, ENCRYPTED_KEY)
        .with_file("/one-line.key", 0o600, CLIENT_KEY.replace('\n', " "))
        .with_file("/lists/README", 0o644, "our lists")
        .with_file("/lists/all.crl", 0o644, "garbage")
        .with_file("/empty.pem", 0o600, "nothing in here\n");
    let key = "is encrypted, and pgchaos asks for no passphrase: write it out with openssl pkey -in KEY -out PLAIN-KEY, \
               and give that with sslkey";
    for (text, expected) in [
        (
            "sslrootcert=/empty.pem",
            "root certificate \"/empty.pem\" has no certificate in PEM form (BEGIN CERTIFICATE)".to_owned(),
        ),
        (
            "sslcert=/client.crt sslkey=/no",
            "the client certificate \"/client.crt\" is there, and its key \"/no\" is not: name it with sslkey (or \
             PGSSLKEY)"
                .to_owned(),
        ),
        (
            "sslcert=/client.crt sslkey=/open.key",
            "private key \"/open.key\" has group or world access; permissions must be u=rw (0600) or less, or \
             u=rw,g=r (0640) or less where root owns it"
                .to_owned(),
        ),
        (
            "sslcert=/client.crt sslkey=/other.key",
            "private key \"/other.key\" is not that of the client certificate \"/client.crt\"".to_owned(),
        ),
        (
            "sslcert=/client.crt sslkey=/encrypted.key sslpassword=wunderwald",
            format!("private key \"/encrypted.key\" {key}"),
        ),
        (
            "sslcert=/client.crt sslkey=/empty.pem",
            "private key \"/empty.pem\" has no key in PEM form (BEGIN PRIVATE KEY): openssl pkey -in KEY -out PEM-KEY \
             writes one"
                .to_owned(),
        ),
        (
            "sslcrl=/no",
            "certificate revocation list \"/no\" cannot be read: entity not found".to_owned(),
        ),
        (
            "sslcrl=/empty.pem",
            "certificate revocation list \"/empty.pem\" has no list in PEM form (BEGIN X509 CRL)".to_owned(),
        ),
        (
            "sslcert=/client.crt sslkey=/one-line.key",
            "private key \"/one-line.key\" is no PEM file that can be read: a BEGIN or END is not on a line of its own, \
             or there is a BEGIN without its END"
                .to_owned(),
        ),
        (
            "sslcrldir=/lists",
            "certificate revocation list \"/lists\" is a folder without a list that is named by the hash of its issuer \
             (HASH.r0): openssl rehash FOLDER names them so"
                .to_owned(),
        ),
        (
            "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            "ssl_min_protocol_version TLSv1.3 is above ssl_max_protocol_version TLSv1.2".to_owned(),
        ),
    ] {
        assert_eq!(failure(&dsn(text), &files), expected, "{text}");
    }
    assert!(
        quietly(&dsn("sslmode=disable sslrootcert=/empty.pem"), &files).security.client.is_none()
    );
}

#[test]
fn verification_without_a_certificate_is_an_error_and_never_left_out() {
    let home = Environment::empty().with_home("/home/me");
    assert_eq!(
        failure(&dsn("sslmode=verify-full"), &home),
        "sslmode=verify-full needs a root certificate, and \"/home/me/.postgresql/root.crt\" does not exist: name one \
         with sslrootcert (or PGSSLROOTCERT), use sslrootcert=system, or choose another sslmode"
    );
    assert_eq!(
        failure(&dsn("sslrootcert=system sslmode=require"), &home),
        "sslrootcert=system trusts every public authority, so that only sslmode=verify-full is safe with it: \
         use sslmode=verify-full, or name a root certificate file"
    );
    let Resolved { settings, warnings, .. } =
        resolve(&dsn("sslmode=require sslrootcert=/no sslcert=/none"), &home).unwrap();
    let security = security(SslMode::Require, TlsSettings::default());
    assert_eq!(settings, ConnectSettings { security, ..defaults() });
    let expected = [
        Warning::RootCertificateMissing("/no".into()),
        Warning::ClientCertificateMissing("/none".into()),
    ];
    assert_eq!(warnings, expected);
    let homeless = Environment::empty().with_file("/client.crt", 0o644, CLIENT);
    assert_eq!(
        failure(&dsn("sslcert=/client.crt"), &homeless),
        "sslcert names a client certificate, and nothing names its key: name it with sslkey (PGSSLKEY), as this user has \
         no home folder with a default one"
    );
    // libpq ignores TLS on a socket of the same machine.
    let socket = quietly(&dsn("host=/tmp sslmode=verify-full"), &home);
    assert_eq!(socket.hosts, [unix("/tmp", 5432)]);
    assert_eq!(socket.security, in_the_clear(SslMode::VerifyFull));
}

#[test]
fn an_empty_mode_is_an_error() {
    let expected = "it must be one of disable, allow, prefer, require, verify-ca, verify-full";
    assert_eq!(
        failure(&Explicit::default(), &variables(&[("PGSSLMODE", "")])),
        format!("invalid sslmode \"\" (from PGSSLMODE): {expected}")
    );
    assert_eq!(
        failure(&dsn("sslmode=''"), &Environment::empty()),
        format!("invalid sslmode \"\" (from the connection string): {expected}")
    );
}

#[test]
fn the_old_variable_for_tls_is_obeyed() {
    let environment = variables(&[("PGREQUIRESSL", "1")]);
    assert_eq!(quietly(&Explicit::default(), &environment).security.sslmode, SslMode::Require);
    assert_eq!(quietly(&dsn("sslmode=disable"), &environment).security.sslmode, SslMode::Disable);
}

#[test]
fn what_would_weaken_security_is_refused() {
    for (text, expected) in [
        (
            "require_auth=scram-sha-256",
            "require_auth (from the connection string) is not supported: pgchaos cannot demand a method of authentication; remove it",
        ),
        (
            "gssencmode=require",
            "gssencmode (from the connection string) is not supported: pgchaos does not encrypt by GSSAPI; use sslmode",
        ),
        (
            "ssl_max_protocol_version=TLSv1.1",
            "invalid ssl_max_protocol_version \"TLSv1.1\" (from the connection string): it must be one of TLSv1.2, TLSv1.3",
        ),
        (
            "sslcertmode=always",
            "invalid sslcertmode \"always\" (from the connection string): it must be one of disable, allow, require",
        ),
        (
            "sslcertmode=require",
            "sslcertmode=require needs a client certificate, and there is none: name one with sslcert and sslkey \
             (PGSSLCERT, PGSSLKEY)",
        ),
        (
            "host=/tmp sslcertmode=require",
            "sslcertmode=require needs TLS, which sslmode=disable and Unix sockets are without",
        ),
        (
            "sslnegotiation=direct",
            "sslnegotiation=direct needs sslmode=require, verify-ca or verify-full",
        ),
        (
            "replication=database",
            "replication (from the connection string) is not supported: a replication connection cannot write; remove it",
        ),
    ] {
        assert_eq!(failure(&dsn(text), &Environment::empty()), expected);
    }
    assert_eq!(
        failure(&Explicit::default(), &variables(&[("PGREQUIREPEER", "postgres")])),
        "requirepeer (from PGREQUIREPEER) is not supported: pgchaos does not check who owns the socket; remove it"
    );
}

#[test]
fn what_is_not_done_is_warned_of_and_what_is_done_anyway_is_not() {
    let fine = "gssencmode=disable sslcompression=0 ssl_min_protocol_version=TLSv1.2 client_encoding=UTF8 sslsni=1 \
        krbsrvname=postgres replication=off sslcertmode=allow";
    assert_eq!(quietly(&dsn(fine), &Environment::empty()), defaults());
    let text = "sslcrl=/crl client_encoding=latin1";
    let warnings = resolve(&dsn(text), &Environment::empty()).unwrap().warnings;
    let words: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let expected = [
        "client_encoding (from the connection string) is ignored: pgchaos always speaks UTF-8",
        "sslcrl (from the connection string) is ignored: without a root certificate (sslrootcert) no certificate is verified",
    ];
    assert_eq!(words, expected);
}

#[test]
fn the_driver_is_told_what_is_said_on_the_connection() {
    let text = "host=h,/tmp user=u dbname=d password=p application_name=a options='-c geqo=off' sslmode=verify-full \
        sslrootcert=/ca.pem channel_binding=require connect_timeout=9";
    let settings = quietly(&dsn(text), &with_files());
    let mut expected = Config::new();
    expected
        .user("u")
        .password("p")
        .dbname("d")
        .application_name("a")
        .options("-c geqo=off")
        .channel_binding(ChannelBinding::Require)
        .ssl_mode(DriverSslMode::Require)
        .ssl_negotiation(SslNegotiation::Direct);
    assert_eq!(settings.to_driver_config(&settings.hosts[0], None, true), expected);
    expected.ssl_mode(DriverSslMode::Disable).ssl_negotiation(SslNegotiation::Postgres);
    assert_eq!(settings.to_driver_config(&settings.hosts[1], None, false), expected);
    let called = settings.called("another".to_owned());
    assert_eq!(called, settings, "a name that was said stays");
}

/// A link that leads to itself: no look at it succeeds, not even root's.
#[cfg(unix)]
#[test]
fn a_default_file_that_cannot_be_looked_at_is_not_missing_where_it_decides() {
    for (name, root, words) in [
        ("root.crt", None, "root certificate \""),
        ("root.crl", Some(ROOT), "certificate revocation list \""),
    ] {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".postgresql");
        std::fs::create_dir(&folder).unwrap();
        if let Some(root) = root {
            std::fs::write(folder.join("root.crt"), root).unwrap();
        }
        std::os::unix::fs::symlink(name, folder.join(name)).unwrap();
        let environment = Environment::empty().with_home(home.path()).with_disk();
        for mode in ["verify-ca", "verify-full"] {
            let explicit = dsn(&format!("sslmode={mode}"));
            let error = resolve(&explicit, &environment).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("cannot be read"), "{error}");
        }
        let explicit = dsn("sslmode=require");
        assert!(resolve(&explicit, &environment).unwrap().settings.security.client.is_some());
    }
}
