//! A host, or an address of a name, that accepts and says nothing: it costs its deadline, and keeps no other from being tried.

#![cfg(target_os = "linux")]

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};

use crate::beside_psql::{init, psql};
use crate::servers::At::{Primary, Standby};
use crate::servers::Servers;
use crate::support::{Postgres, skip};

/// What a mute host costs, and longer than one that serves takes on any machine.
const ACCOUNT: &str = "user=postgres password=postgres dbname=postgres connect_timeout=10";

/// The kernel accepts for it, and nothing answers.
fn mute(address: &str) -> TcpListener {
    TcpListener::bind(address).unwrap()
}

#[test]
fn as_a_host_of_several() {
    let servers = Servers::start();
    let (first, second) = (mute("127.0.0.1:0"), mute("127.0.0.1:0"));
    let [first, second] = [&first, &second].map(|mute| mute.local_addr().unwrap().port());
    let (primary, standby) = (servers.port(Primary), servers.port(Standby));
    let of = |ports: &str| format!("host=127.0.0.1,127.0.0.1,127.0.0.1 port={ports} {ACCOUNT}");
    // All of them beside each other, as most of it is waiting.
    let words = thread::scope(|scope| {
        for ports in [format!("{first},{second},{primary}"), format!("{standby},{first},{primary}")]
        {
            let connection = format!("{} target_session_attrs=read-write", of(&ports));
            let (by_psql, by_pgchaos) = (connection.clone(), connection);
            let server = &servers.primary;
            scope.spawn(move || assert_eq!(psql(server, &by_psql), Ok(primary), "{by_psql}"));
            scope.spawn(move || assert_eq!(init(&by_pgchaos), Ok(primary), "{by_pgchaos}"));
        }
        init(&of(&format!("{first},{standby},{second}"))).unwrap_err()
    });
    let silence = "accepted, then 10.0 s of silence (connect_timeout)";
    let expected = format!(
        "pgchaos: none of 3 places serves:\n\
         \x20 127.0.0.1:{first}: {silence}\n\
         \x20 127.0.0.1:{standby}: 127.0.0.1:{standby} takes no writes (in recovery)\n\
         \x20 127.0.0.1:{second}: {silence}\n"
    );
    assert_eq!(words, expected);
}

/// From here on this thread, and what it starts, finds the name `twins.test` at both loopback addresses. `false`, told,
/// where that may not be.
fn twins(folder: &Path) -> bool {
    if let Err(error) = unshare(CloneFlags::CLONE_NEWNS) {
        skip(&format!("no names of its own, which takes root: {error}"));
        return false;
    }
    let file = folder.join("hosts");
    std::fs::write(&file, "::1 twins.test\n127.0.0.1 twins.test localhost\n").unwrap();
    let line = format!("mount --make-rprivate / && mount --bind {} /etc/hosts", file.display());
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    true
}

#[test]
fn as_the_first_address_of_a_name() {
    let folder = tempfile::tempdir().unwrap();
    if !twins(folder.path()) {
        return;
    }
    let server = Postgres::start();
    let port = server.port();
    let Ok(_mute) = TcpListener::bind(format!("[::1]:{port}")) else {
        skip("no IPv6 here");
        return;
    };
    let connection = format!("host=twins.test port={port} {ACCOUNT}");
    assert_eq!(psql(&server, &connection), Ok(port));
    assert_eq!(init(&connection), Ok(port));
    server.stop(crate::support::Stop::Fast);
    let words = init(&connection).unwrap_err();
    // Of loopback addresses where nothing is, the others tell more.
    let expected = format!(
        "pgchaos: twins.test:{port} (::1): accepted, then 10.0 s of silence (connect_timeout)\n"
    );
    assert_eq!(words, expected);
}
