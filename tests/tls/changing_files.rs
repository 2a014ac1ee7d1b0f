//! Files that change while settings are in use: each connect goes by what they are then, as each of psql's does.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pgchaos::model::fault::Class;
use pgchaos::model::own_limit::OwnLimit;
use pgchaos::pg::sessions::connect::{Wanted, look_up, open};
use pgchaos::pg::settings::{ConnectSettings, Environment, Explicit, resolve};

use crate::authority::{Authority, GOOD, Made};
use crate::psql::{Got, by_psql};
use crate::support::{Postgres, use_certificate};

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn connects_go_by_the_files_as_they_are() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Postgres::start();
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let client = Made { extensions: "basicConstraints=CA:FALSE", ..GOOD };
    let (client_key, client_certificate) = authority.sign("client", client);
    let (next_key, next_certificate) = authority.sign("next", client);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let (root, list, pair) = (file("root"), file("list"), (file("certificate"), file("key")));
    put(&authority.root(), &root);
    put(&authority.revocation_list(None), &list);
    put(&client_certificate, &pair.0);
    put(&client_key, &pair.1);
    let connection = format!(
        "host=localhost port={} user=postgres password=postgres dbname=postgres sslmode=verify-full sslrootcert={} \
         sslcrl={} sslcert={} sslkey={}",
        server.port(),
        root.display(),
        list.display(),
        pair.0.display(),
        pair.1.display()
    );
    let explicit = Explicit { dsn: Some(connection.clone()), ..Explicit::default() };
    let settings = resolve(&explicit, &Environment::empty().with_disk()).unwrap().settings;
    let expect = async |expected: &str| {
        let (psql, words) = by_psql(&server, &connection);
        assert_eq!(psql == Got::Tls, expected.is_empty(), "psql: {words}");
        match connect(&settings).await {
            Ok(()) => assert_eq!(expected, "", "psql: {words}"),
            Err(said) => assert!(!expected.is_empty() && said.contains(expected), "{said}"),
        }
    };
    expect("").await;
    put(&other.root(), &root);
    expect("signed by no authority in").await;
    fs::write(&root, "no PEM\n").unwrap();
    expect("has no certificate in PEM form").await;
    fs::remove_file(&root).unwrap();
    expect("cannot be read").await;
    put(&authority.root(), &root);
    expect("").await;
    put(&authority.revocation_list(Some(&certificate)), &list);
    expect("the server's certificate was revoked").await;
    put(&authority.revocation_list(None), &list);
    expect("").await;
    fs::set_permissions(&pair.1, Permissions::from_mode(0o644)).unwrap();
    expect("has group or world access").await;
    put(&next_key, &pair.1);
    expect("is not that of the client certificate").await;
    put(&next_certificate, &pair.0);
    expect("").await;
}

async fn connect(settings: &ConnectSettings) -> Result<(), String> {
    let places = look_up(&settings.hosts[0], DEADLINE).await.unwrap();
    match open(settings, &places[0], Wanted::Writable, DEADLINE).await {
        Ok(opened) => {
            opened.session.close().await;
            Ok(())
        }
        Err(failed) => {
            // Files of this machine say nothing of the server.
            let is_own = failed.fault.own_limit == Some(OwnLimit::TlsFiles);
            let class = if is_own { Class::Local } else { Class::Tls };
            assert_eq!(failed.fault.class, class, "{}", failed.fault.message);
            Err(failed.fault.message)
        }
    }
}

/// Under another name first, as programs that renew certificates do it.
fn put(from: &Path, to: &PathBuf) {
    let new = to.with_extension("new");
    fs::copy(from, &new).unwrap();
    fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
    fs::rename(&new, to).unwrap();
}
