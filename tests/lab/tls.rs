//! A lab with TLS: its servers and Patroni's API take it alone, by certificates of the lab's own.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pgchaos::tls::IdentityFiles;
use pgchaos::tls::files::Disk;
use pgchaos::tls::{CertificateCheck, RootCertificate, TlsClient, TlsSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::test_lab::TestLab;

#[test]
fn a_lab_with_tls_takes_nothing_else() {
    let lab = TestLab::of_tester();
    let base = lab.base.to_string();
    let said = lab.succeed(&["up", "--tls", "--profile", "quick", "--base-port", &base]);
    assert!(said.contains("· TLS ·") && said.contains("sslmode=verify-full"), "{said}");

    let ask = |port: u16, keywords: &str, sql: &str| psql(&lab, lab.base + port, keywords, sql);
    let authority = lab.folder().join("tls/ca.crt");
    let verified = format!("sslmode=verify-full sslrootcert={}", authority.display());
    let secured = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    for port in [0, 1, 6, 7, 8] {
        assert_eq!(ask(port, &verified, secured), Ok("t".to_owned()), "port {port}");
        let refused = ask(port, "sslmode=disable", secured).unwrap_err();
        assert!(refused.contains("no encryption"), "port {port}: {refused}");
    }
    let replicas = "SELECT ssl FROM pg_stat_replication JOIN pg_stat_ssl USING (pid)";
    assert_eq!(ask(0, &verified, replicas), Ok("t\nt".to_owned()));
    let own = lab.succeed(&[
        "psql",
        "--",
        "-AtXc",
        "SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    ]);
    assert_eq!(own.trim(), "/CN=pgchaos");

    only_known_clients_ask_patroni(&lab, &authority);
    keys_are_for_their_user_alone(&lab.folder());
    a_shell_that_reads_env_gets_in(&lab);
    // The API is asked, for its status and to do something.
    let old = lab.leader().expect("a leader");
    assert!(lab.succeed(&["switchover"]).contains(&format!("{old} handed over")));
    lab.fail(&["up", "--tls=false"], 4, &["runs with other settings", "TLS on"]);

    lab.succeed(&["down", "--wipe"]);
    lab.assert_nothing_left();
}

/// What a statement gives, or what psql says of it.
fn psql(lab: &TestLab, port: u16, keywords: &str, sql: &str) -> Result<String, String> {
    let target = format!("host=127.0.0.1 port={port} user=postgres connect_timeout=5 {keywords}");
    let mut psql = Command::new("psql");
    psql.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", lab.home());
    let output =
        psql.env("PGPASSWORD", "postgres").args(["-AtXqc", sql, &target]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn only_known_clients_ask_patroni(lab: &TestLab, authority: &Path) {
    let tls = lab.folder().join("tls");
    let known = IdentityFiles { certificate: tls.join("client.crt"), key: tls.join("client.key") };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for port in lab.base + 3..lab.base + 6 {
        let ask = |identity| runtime.block_on(api_answer(port, authority, identity));
        let answer = ask(Some(known.clone())).unwrap();
        assert!(answer.contains("database_system_identifier"), "{answer}");
        // The refusal comes with the first bytes that are read (TLS 1.3), or in their place.
        let answer = ask(None);
        assert!(answer.as_ref().map_or(true, String::is_empty), "{answer:?}");
        let plain = runtime.block_on(async {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
            request(&mut stream).await
        });
        assert!(plain.as_ref().map_or(true, String::is_empty), "{plain:?}");
    }
}

async fn api_answer(
    port: u16,
    authority: &Path,
    identity: Option<IdentityFiles>,
) -> io::Result<String> {
    let settings = TlsSettings {
        check: CertificateCheck::AuthorityAndName,
        roots: Some(RootCertificate::File(authority.to_owned())),
        identity,
        ..TlsSettings::default()
    };
    let client = TlsClient::new(settings, &Disk).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    request(&mut client.handshake("127.0.0.1", stream).await?).await
}

async fn request(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) -> io::Result<String> {
    stream.write_all(b"GET /patroni HTTP/1.0\r\n\r\n").await?;
    stream.flush().await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Every key, and not the authority's.
fn keys_are_for_their_user_alone(lab: &Path) {
    let mut keys: Vec<PathBuf> = Vec::new();
    for folder in ["tls", "patroni1", "patroni2", "patroni3", "haproxy"] {
        let folder = lab.join(folder);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() || !fs::read_to_string(&path).unwrap().contains("PRIVATE KEY") {
                continue;
            }
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
            keys.push(path.strip_prefix(lab).unwrap().to_owned());
        }
    }
    keys.sort();
    let members = ["haproxy/member.key", "patroni1/member.key", "patroni2/member.key"];
    let expected = members.into_iter().chain(["patroni3/member.key", "tls/client.key"]);
    assert!(keys.iter().map(PathBuf::as_path).eq(expected.map(Path::new)), "{keys:?}");
}

/// psql and the load by the variables.
fn a_shell_that_reads_env_gets_in(lab: &TestLab) {
    let typed = "eval \"$(\"$0\" lab env)\"
        psql -AtXc \"SELECT 'in by ' || current_setting('ssl')\"
        exec \"$0\" gen -n 80 --rate 20 --no-record --log-format json";
    let program = lab.pgchaos(&[]).get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.args(["-c", typed]).arg(program).env_clear();
    shell.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", lab.home());
    let output = shell.env("XDG_STATE_HOME", lab.home().join("state")).output().unwrap();
    let said = crate::test_lab::said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("in by on"), "{said}");
    // By https, with the lab's certificates.
    let leader = said.lines().find(|line| line.contains("\"event\":\"leader\"")).unwrap_or(&said);
    assert!(
        leader.contains("\"to\":\"patroni") && leader.contains("\"all_asked\":true"),
        "{leader}"
    );
}
