//! TLS, what is refused or warned of, and what the driver is told.

use tokio_postgres::Config;
use tokio_postgres::config::SslMode as DriverSslMode;

use super::super::{CertificateCheck, RootCertificate};
use super::*;

fn with_root() -> Environment {
    Environment::empty()
        .with_home("/home/me")
        .with_file("/home/me/.postgresql/root.crt", 0o644, "")
        .with_file("/ca.pem", 0o644, "")
}

#[test]
fn modes_and_root_certificates() {
    use CertificateCheck::{Authority, AuthorityAndName, Nothing};
    let file = |path: &str| Some(RootCertificate::File(path.into()));
    let default = "/home/me/.postgresql/root.crt";
    for (text, sslmode, sslrootcert, check) in [
        ("sslmode=disable", SslMode::Disable, None, Nothing),
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
        (
            "sslrootcert=system",
            SslMode::VerifyFull,
            Some(RootCertificate::System),
            AuthorityAndName,
        ),
        ("postgres://?ssl=true", SslMode::Require, file(default), Authority),
    ] {
        let settings = quietly(&dsn(text), &with_root());
        assert_eq!(settings.certificate_check(), check, "{text}");
        assert_eq!(settings, ConnectSettings { sslmode, sslrootcert, ..defaults() }, "{text}");
    }
    let plain = quietly(&dsn("sslmode=require"), &Environment::empty());
    assert_eq!(plain.certificate_check(), Nothing);
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
    let Resolved { settings, warnings } =
        resolve(&dsn("sslmode=require sslrootcert=/no"), &home).unwrap();
    assert_eq!(settings, ConnectSettings { sslmode: SslMode::Require, ..defaults() });
    assert_eq!(warnings, [Warning::RootCertificateMissing("/no".into())]);
    // libpq ignores TLS on a socket of the same machine.
    let socket = quietly(&dsn("host=/tmp sslmode=verify-full"), &home);
    assert_eq!(socket.hosts, [unix("/tmp", 5432)]);
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
    assert_eq!(quietly(&Explicit::default(), &environment).sslmode, SslMode::Require);
    assert_eq!(quietly(&dsn("sslmode=disable"), &environment).sslmode, SslMode::Disable);
}

#[test]
fn what_would_weaken_security_is_refused() {
    for (text, expected) in [
        (
            "require_auth=scram-sha-256",
            "require_auth (from the connection string) is not supported: pgchaos cannot demand a method of authentication; remove it",
        ),
        (
            "sslcrl=/crl",
            "sslcrl (from the connection string) is not supported: pgchaos does not check certificate revocation lists; remove it",
        ),
        (
            "gssencmode=require",
            "gssencmode (from the connection string) is not supported: pgchaos does not encrypt by GSSAPI; use sslmode",
        ),
        (
            "ssl_min_protocol_version=TLSv1.3",
            "ssl_min_protocol_version (from the connection string) is not supported: pgchaos takes TLS 1.2 and 1.3, and cannot demand more",
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
    let text = "sslcert=/c sslmode=allow client_encoding=latin1";
    let warnings = resolve(&dsn(text), &Environment::empty()).unwrap().warnings;
    let words: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let expected = [
        "client_encoding (from the connection string) is ignored: pgchaos always speaks UTF-8",
        "sslcert (from the connection string) is ignored: pgchaos sends no client certificate",
        "sslmode=allow (from the connection string) is ignored: pgchaos does as with sslmode=prefer: TLS when the server offers it",
    ];
    assert_eq!(words, expected);
}

#[test]
fn the_driver_is_told_what_is_said_on_the_connection() {
    let text = "host=h,/tmp user=u dbname=d password=p application_name=a options='-c geqo=off' sslmode=verify-full \
        sslrootcert=/ca.pem channel_binding=require connect_timeout=9";
    let settings = quietly(&dsn(text), &with_root());
    let mut expected = Config::new();
    expected
        .user("u")
        .password("p")
        .dbname("d")
        .application_name("a")
        .options("-c geqo=off")
        .ssl_mode(DriverSslMode::Require)
        .channel_binding(ChannelBinding::Require);
    assert_eq!(settings.to_driver_config(&settings.hosts[0], None), expected);
    expected.ssl_mode(DriverSslMode::Disable);
    assert_eq!(settings.to_driver_config(&settings.hosts[1], None), expected);
    let called = settings.called("another".to_owned());
    assert_eq!(called, settings, "a name that was said stays");
}
