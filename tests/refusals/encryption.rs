//! TLS that is asked for and cannot be had, and a server that refuses every connection without it.
//!
//! This version of pgchaos speaks no TLS: what is tested is that it says so, and that it never goes on in the clear where
//! TLS was demanded.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;

use crate::hopeless::is_refused;
use crate::support::{Gen, Postgres, wait_until};

#[test]
fn a_server_without_tls() {
    let server = Postgres::shared();
    for mode in ["require", "verify-ca", "verify-full"] {
        let url = format!("{}?sslmode={mode}", server.url());
        let root = server.data_dir().join("PG_VERSION").display().to_string();
        let url = format!("{url}&sslrootcert={root}");
        let endpoint = format!("127.0.0.1:{}", server.port());
        let message =
            format!("{endpoint}: error performing TLS handshake: server does not support TLS");
        is_refused(&[&url], &message, &["sslmode=prefer"]);
    }
}

#[test]
fn a_server_with_tls() {
    let server = Postgres::start();
    speak_tls(&server);
    let url = format!("{}?sslmode=require", server.url());
    let demanded = Gen::start(["--writes", "1", &url]).finish();
    assert_eq!(demanded.code, 4, "{}", demanded.stderr);
    assert_eq!(demanded.event("refused")["fault"]["class"], "tls");
    assert!(demanded.stderr.contains("speaks no TLS yet"), "{}", demanded.stderr);
    assert_eq!(server.psql("SELECT to_regnamespace('pgchaos') IS NULL"), "t");

    let preferred = Gen::start(["--writes", "1", &server.url()]).finish();
    assert_eq!(preferred.code, 0, "in the clear, as the server allows it: {}", preferred.stderr);
}

#[test]
fn a_server_that_lets_nobody_in_without_tls() {
    let server = Postgres::start();
    speak_tls(&server);
    let lines = "local all all trust\nhostssl all all all scram-sha-256\n";
    fs::write(server.data_dir().join("pg_hba.conf"), lines).unwrap();
    server.psql("SELECT pg_reload_conf()");
    let finished = Gen::start([server.url().as_str()]).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    let fault = &finished.event("refused")["fault"];
    assert_eq!([&fault["class"], &fault["sqlstate"]], ["auth", "28000"]);
    assert!(fault["message"].as_str().unwrap().contains("no encryption"), "{fault}");
}

/// With a certificate of its own making.
fn speak_tls(server: &Postgres) {
    let (key, certificate) =
        (server.data_dir().join("server.key"), server.data_dir().join("server.crt"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl, which makes the server's certificate");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let owner = fs::metadata(server.data_dir()).unwrap();
    for file in [&key, &certificate] {
        chown(file, Some(owner.uid()), Some(owner.gid())).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    server.psql("ALTER SYSTEM SET ssl = on");
    server.psql("SELECT pg_reload_conf()");
    let is_on = || server.psql("SHOW ssl") == "on";
    wait_until(std::time::Duration::from_secs(60), "the server speaks TLS", is_on);
}
