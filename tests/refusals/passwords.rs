//! A password is in nothing that pgchaos says or writes, wherever it came from and whether it is right or wrong.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::{Finished, Gen, Postgres, pgchaos, skip};

/// Nothing else is called so.
const SECRET: &str = "Sesam-7f3a_oeffne-dich";

/// How the password is given.
#[derive(Debug, Clone, Copy)]
enum Way {
    Dsn,
    KeyValue,
    Variable,
    Passfile,
    Service,
}

const WAYS: [Way; 5] = [Way::Dsn, Way::KeyValue, Way::Variable, Way::Passfile, Way::Service];
const FORMATS: [&str; 2] = ["text", "json"];
const REPORTS: [&str; 4] = ["r.md", "r.json", "r.xml", "r.csv"];

/// A run as `role`, with every output there is.
fn run(role: &str, port: u16, way: Way, format: &str) -> Finished {
    let args = match way {
        Way::Dsn => vec![format!("postgresql://{role}:{SECRET}@127.0.0.1:{port}/postgres")],
        Way::KeyValue => {
            vec![format!("host=127.0.0.1 port={port} user={role} password='{SECRET}'")]
        }
        Way::Variable | Way::Passfile => {
            vec![format!("postgresql://{role}@127.0.0.1:{port}/postgres")]
        }
        Way::Service => vec!["service=mine".to_owned()],
    };
    let args = args.iter().map(String::as_str).chain(["--writes", "3", "--rate", "50", "-vv"]);
    Gen::start_with(args, |home, command| {
        command.env("PGCHAOS_LOG_FORMAT", format).env("PGCHAOS_SUMMARY", format);
        let reports = REPORTS.map(|name| home.join(name).display().to_string());
        command.env("PGCHAOS_REPORT", reports.join(",")).env("RUST_LOG", "trace");
        match way {
            Way::Dsn | Way::KeyValue => {}
            Way::Variable => {
                command.env("PGPASSWORD", SECRET);
            }
            Way::Passfile => secret_file(home, ".pgpass", &format!("*:*:*:*:{SECRET}\n")),
            Way::Service => {
                let lines =
                    ["[mine]", "host=127.0.0.1", &format!("port={port}"), &format!("user={role}")];
                let lines = format!("{}\npassword={SECRET}\n", lines.join("\n"));
                secret_file(home, ".pg_service.conf", &lines);
            }
        }
    })
    .finish()
}

fn secret_file(home: &Path, name: &str, text: &str) {
    fs::write(home.join(name), text).unwrap();
    fs::set_permissions(home.join(name), Permissions::from_mode(0o600)).unwrap();
}

#[track_caller]
fn shows_no_secret(finished: &Finished, files: usize, what: &str) {
    assert!(!finished.stdout.contains(SECRET), "{what}: the summary");
    assert!(!finished.stderr.contains(SECRET), "{what}: the log\n{}", finished.stderr);
    let written = fs::read_dir(finished.home()).unwrap().map(|entry| entry.unwrap().path());
    let ours: Vec<_> = written
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .collect();
    assert_eq!(ours.len(), files, "{what}: {ours:?}");
    for path in ours {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.is_empty() && !text.contains(SECRET), "{what}: {}", path.display());
    }
}

#[test]
fn that_is_right() {
    let server = Postgres::start();
    server.psql(&format!("CREATE ROLE owner LOGIN SUPERUSER PASSWORD '{SECRET}'"));
    for way in WAYS {
        for format in FORMATS {
            let finished = run("owner", server.port(), way, format);
            assert_eq!(finished.code, 0, "{way:?}: {}", finished.stderr);
            shows_no_secret(&finished, REPORTS.len() + 1, &format!("{way:?} {format}"));
        }
    }
}

#[test]
fn that_is_wrong() {
    let server = Postgres::shared();
    for way in WAYS {
        for format in FORMATS {
            let finished = run("postgres", server.port(), way, format);
            assert_eq!(finished.code, 4, "{way:?}: {}", finished.stderr);
            assert!(finished.stderr.contains("28P01"), "{way:?}: {}", finished.stderr);
            shows_no_secret(&finished, 0, &format!("{way:?} {format}"));
        }
    }
}

/// The password of HAProxy's page: it goes there, and nowhere else, wherever it was given.
#[test]
fn that_is_of_the_proxys_page() {
    let server = Postgres::shared();
    let (page, asked) = asks_for_a_password();
    for format in FORMATS {
        for by_variable in [false, true] {
            for url in [
                format!("http://admin:{SECRET}@{page}/haproxy?stats"),
                format!("admin:{SECRET}@{page}"),
            ] {
                let url_args = ["--haproxy".to_owned(), url.clone()];
                let url_args = if by_variable { &[][..] } else { &url_args[..] };
                let load = [
                    server.url(),
                    "--rate=50".to_owned(),
                    "--writes=20".to_owned(),
                    "-vv".to_owned(),
                ];
                let finished = Gen::start_with(url_args.iter().chain(&load), |home, command| {
                    let reports = REPORTS.map(|name| home.join(name).display().to_string());
                    command.env("PGCHAOS_LOG_FORMAT", format).env("PGCHAOS_SUMMARY", format);
                    command.env("PGCHAOS_REPORT", reports.join(",")).env("RUST_LOG", "trace");
                    if by_variable {
                        command.env("PGCHAOS_HAPROXY", &url);
                    }
                })
                .finish();
                assert_eq!(finished.code, 0, "{}", finished.stderr);
                let words = "does not take this user and password";
                assert!(finished.stderr.contains(words), "{}", finished.stderr);
                shows_no_secret(&finished, REPORTS.len() + 1, &format!("{url} {format}"));
            }
        }
    }
    let login = "authorization: Basic YWRtaW46U2VzYW0tN2YzYV9vZWZmbmUtZGljaA==";
    assert!(asked.lock().unwrap().contains(login), "it is asked with the password");
    for wrong in
        [format!("ftp://u:{SECRET}@h"), format!("u:{SECRET}@h:port"), format!("u:1/{SECRET}@h")]
    {
        for said in
            [vec![format!("--haproxy={wrong}")], vec!["--haproxy".to_owned(), wrong.clone()]]
        {
            let finished = Gen::start(said).finish();
            assert_eq!(finished.code, 2, "{}", finished.stderr);
            shows_no_secret(&finished, 0, &wrong);
        }
        let refused = Gen::start_with(["--help"], |_, command| {
            command.env("PGCHAOS_HAPROXY", &wrong);
        });
        shows_no_secret(&refused.finish(), 0, "its help");
    }
}

/// A page that takes no password, and all that was said to it.
fn asks_for_a_password() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut said) = (client.unwrap(), [0; 4096]);
            let length = client.read(&mut said).unwrap_or_default();
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&said[..length]));
            let _ = client.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (address, asked)
}

/// The list of processes has the command line of each, which every user of the machine can read: a connection string's
/// password is taken out of it at once, and what pgchaos starts has it in no file that it inherits.
#[cfg(target_os = "linux")]
#[test]
fn that_is_not_in_the_list_of_processes() {
    let server = Postgres::start();
    server.psql(&format!("CREATE ROLE owner LOGIN SUPERUSER PASSWORD '{SECRET}'"));
    let port = server.port();
    let ways = [
        vec![format!("postgresql://owner:{SECRET}@127.0.0.1:{port}/postgres")],
        vec![format!("host=127.0.0.1 port={port} user=owner password='{SECRET}'")],
        vec!["-d".to_owned(), format!("postgresql://owner:{SECRET}@127.0.0.1:{port}/postgres")],
        vec![format!("--dbname=postgresql://owner:{SECRET}@127.0.0.1:{port}/postgres")],
        vec![format!("postgresql://owner@127.0.0.1:{port}/postgres")],
    ];
    for way in ways {
        let load = Gen::start_with(way.iter(), |_, command: &mut Command| {
            if !way.iter().any(|said| said.contains(SECRET)) {
                command.env("PGPASSWORD", SECRET);
            }
        });
        let soon = std::time::Duration::from_secs(60);
        load.wait_for_event(soon, "a write", |event| event["event"] == "written");
        let processes = own_processes(load.pid());
        assert!(processes.len() > 1, "the record has a process of its own");
        for pid in processes {
            for file in ["cmdline", "comm"] {
                let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                assert!(!text.contains(SECRET), "{way:?}: {file}: {text}");
                assert!(text.starts_with("pgchaos") || file == "cmdline", "{text}");
            }
            let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            for to in open.filter_map(|entry| fs::read_link(entry.path()).ok()) {
                assert!(!to.to_string_lossy().contains("memfd"), "{way:?}: {pid} has {to:?}");
            }
        }
        let activity = server.psql("SELECT string_agg(a::text, ' ') FROM pg_stat_activity a");
        assert!(activity.contains("pgchaos") && !activity.contains(SECRET), "{activity}");
        assert_eq!(load.interrupt_and_finish().code, 0);
    }
}

/// A process and those that it has started.
#[cfg(target_os = "linux")]
fn own_processes(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let below =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let below: Vec<String> = below.collect();
    let below =
        below.iter().flat_map(|text| text.split_whitespace()).map(|pid| pid.parse().unwrap());
    [pid].into_iter().chain(below).collect()
}

/// An abstract socket, as libpq has it: a host that begins with `@`. The default password goes there.
#[cfg(target_os = "linux")]
#[test]
fn that_goes_through_an_abstract_socket() {
    let server = Postgres::start();
    let (folder, port) = (server.socket_dir().display(), server.port().to_string());
    let name = format!("@pgchaos-test-{port}");
    server.psql(&format!("ALTER SYSTEM SET unix_socket_directories = '{folder}', '{name}'"));
    server.psql("CREATE ROLE owner LOGIN SUPERUSER PASSWORD 'postgres'");
    let rules = server.data_dir().join("pg_hba.conf");
    let others = fs::read_to_string(&rules).unwrap();
    fs::write(rules, format!("local all owner scram-sha-256\n{others}")).unwrap();
    server.restart();
    let load = ["-U", "owner", "-n", "3", "-r", "50"];
    let by_flags = Gen::start(["-h", &name, "-p", &port].into_iter().chain(load)).finish();
    assert_eq!(by_flags.code, 0, "{}", by_flags.stderr);
    assert_eq!(by_flags.summary["target"]["host"], name);
    let uri = format!("postgresql://%40{}:{port}/postgres", &name[1..]);
    let by_uri = Gen::start([uri.as_str()].into_iter().chain(load)).finish();
    assert_eq!(by_uri.code, 0, "{}", by_uri.stderr);
}

/// A server at an address that is not loopback, which asks for the password in clear text: what is sent to it.
#[cfg(target_os = "linux")]
fn asked_elsewhere<T>(command: impl FnOnce(u16) -> T) -> Option<(Vec<u8>, T)> {
    use std::io::{Read, Write};

    // The thread's alone, and so that of what it starts.
    if let Err(error) = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET) {
        skip(&format!("no network of its own: {error}"));
        return None;
    }
    let line = "ip link set lo up && ip address add 10.9.9.9/32 dev lo";
    assert!(Command::new("sh").args(["-c", line]).status().unwrap().success());
    let listener = TcpListener::bind("10.9.9.9:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&sent);
    // It lasts as long as the tests' process; its port is in no other network.
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (mut socket, mut said) = (socket.unwrap(), [0; 1024]);
            let mut greeting = socket.read(&mut said).unwrap();
            if said[..greeting].ends_with(&SSL_REQUEST) {
                socket.write_all(b"N").unwrap();
                greeting = socket.read(&mut said).unwrap();
            }
            assert_ne!(greeting, 0, "the greeting");
            socket.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).unwrap();
            let answered = socket.read(&mut said).unwrap_or_default();
            kept.lock().unwrap().extend_from_slice(&said[..answered]);
            let refusal = b"SFATAL\0C28P01\0Mno\0\0";
            let length = u32::try_from(refusal.len() + 4).unwrap().to_be_bytes();
            let _ = socket.write_all(&[&b"E"[..], &length, refusal].concat());
        }
    });
    let finished = command(port);
    let sent = sent.lock().unwrap().clone();
    Some((sent, finished))
}

/// In a network of its own, which a thread of its own is in.
#[cfg(target_os = "linux")]
fn apart<T: Send>(command: impl FnOnce(u16) -> T + Send) -> Option<(Vec<u8>, T)> {
    thread::scope(|scope| scope.spawn(|| asked_elsewhere(command)).join().unwrap())
}

/// What asks whether TLS is spoken there.
#[cfg(target_os = "linux")]
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];

/// The default password is for this machine alone; the remedy is one that sends another.
#[cfg(target_os = "linux")]
#[test]
fn that_is_the_default_is_not_sent_to_another_machine() {
    let run = |password: Option<&'static str>| {
        move |port| {
            let target = format!("host=10.9.9.9 port={port} sslmode=disable");
            Gen::start_with([target.as_str()], |_, command| {
                if let Some(password) = password {
                    command.env("PGPASSWORD", password);
                }
            })
            .finish()
        }
    };
    let Some((sent, finished)) = apart(run(None)) else { return };
    assert_eq!(String::from_utf8_lossy(&sent), "", "nothing is sent");
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    for words in
        ["asks for a password, and none was given", "loopback", "try: PGPASSWORD=", ".pgpass"]
    {
        assert!(finished.stderr.contains(words), "{words:?} in:\n{}", finished.stderr);
    }
    let (sent, finished) = apart(run(Some(SECRET))).unwrap();
    assert!(String::from_utf8_lossy(&sent).contains(SECRET), "the remedy sends the password");
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    shows_no_secret(&finished, 0, "refused elsewhere");
}

/// A record may come from anywhere: no password goes to another machine that it alone names. The remedy names it.
#[cfg(target_os = "linux")]
#[test]
fn that_a_record_asks_for_is_not_sent_to_another_machine() {
    let server = Postgres::shared();
    let own = ["-h", "127.0.0.1", "-p", &server.port().to_string(), "-n", "3", "-r", "50"];
    let run = Gen::start(own).finish();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let honest = fs::read_to_string(&run.record).unwrap();
    let home = run.home();
    let verify_in = |folder: &Path, port: u16, named: bool| {
        let here = format!("127.0.0.1:{}", server.port());
        let (header, events) = honest.split_once('\n').unwrap();
        let header = header
            .replace(&here, &format!("10.9.9.9:{port}"))
            .replace("\"host\":\"127.0.0.1\"", "\"host\":\"10.9.9.9\"");
        assert!(header.contains(&format!("\"endpoints\":\"10.9.9.9:{port}\"")), "{header}");
        fs::create_dir_all(folder).unwrap();
        let record = folder.join("from-anywhere.jsonl");
        fs::write(&record, format!("{header}\n{events}")).unwrap();
        let mut command = pgchaos(home, ["verify", record.to_str().unwrap()]);
        if named {
            command.args(["-h", "10.9.9.9", "-p", &port.to_string()]);
        }
        command.args(["--verify-timeout", "1s"]).env("PGPASSWORD", SECRET).output().unwrap()
    };
    let verify = |port: u16, named: bool| verify_in(home, port, named);
    let words =
        |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let asked = apart(|port| (port, verify(port, false)));
    let Some((sent, (port, output))) = asked else { return };
    assert_eq!(String::from_utf8_lossy(&sent), "", "nothing is sent");
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    let said = words(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["only the record names this host", &format!("verify RECORD -h 10.9.9.9 -p {port}")]
    {
        assert!(said.contains(part), "{part:?} in:\n{said}");
    }
    let (sent, output) = apart(|port| verify(port, true)).unwrap();
    assert!(String::from_utf8_lossy(&sent).contains(SECRET), "the remedy sends the password");
    assert!(!words(&output).contains(SECRET));
    // A record that pgchaos has kept for this user names what this user has named.
    let kept = home.join(".local/state/pgchaos/runs");
    let (sent, _) = apart(|port| verify_in(&kept, port, false)).unwrap();
    assert!(String::from_utf8_lossy(&sent).contains(SECRET), "one's own records are trusted");
}

/// The port of a server that asks for the password in clear text, and tells what it got.
fn repeats_the_password() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut begin = [0; 1024];
            let _ = client.read(&mut begin).unwrap();
            client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).unwrap();
            let mut answer = [0; 1024];
            let Ok(count @ 6..) = client.read(&mut answer) else { continue };
            let password = String::from_utf8_lossy(&answer[5..count - 1]).into_owned();
            let fields = format!("SFATAL\0VFATAL\0C28P01\0Mno \"{password}\"\0Dnot {password}\0\0");
            let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
            let _ = client.write_all(&[&b"E"[..], &length, fields.as_bytes()].concat());
        }
    });
    port
}

#[test]
fn a_server_that_repeats_it_is_not_repeated() {
    let port = repeats_the_password();
    let url = format!("postgresql://app:{SECRET}@127.0.0.1:{port}/postgres?sslmode=disable");
    let finished = Gen::start(["--log-format", "text", url.as_str()]).finish();
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    assert!(!finished.stderr.contains(SECRET), "{}", finished.stderr);
    assert!(finished.stderr.contains("no \"(the password, not shown)\""), "{}", finished.stderr);
}
