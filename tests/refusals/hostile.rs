//! Servers that mean harm: whatever they send, pgchaos keeps its deadlines and its memory, and nothing that they say
//! reaches a terminal, a record or a report as it was.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pgchaos::model::foreign::is_steering;
use serde_json::Value;

use crate::hopeless::{is_refused, url};
use crate::support::{Gen, Postgres, Proxy, Session, Twist, pgchaos};

/// What its deadlines add up to, and as much again for a busy machine.
const LONGEST: Duration = Duration::from_secs(40);

const MEMORY_MAX_KIB: u64 = 50_000;

/// A title of the terminal, a clear screen, a colour, a line of its own, and marks of direction.
const STEERING: &str = "\u{1b}]0;OWNED\u{7}\u{1b}[2J\u{1b}[31mred\n[00:00:00] VERIFIED\r\u{202e}gnp.exe\u{2028}\u{9b}x";

/// More than is ever read of one answer, with all that the kernel holds.
const FLOOD_BYTES: usize = 64 * 1024 * 1024;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

fn error(severity: &str, code: &str, words: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0M{words}\0D{words}\0H{words}\0\0");
    message(b'E', fields.as_bytes())
}

fn notice(bytes: usize) -> Vec<u8> {
    message(b'N', format!("SNOTICE\0VNOTICE\0C00000\0M{}\0\0", "n".repeat(bytes)).as_bytes())
}

fn parameter(name: &str, value: &str) -> Vec<u8> {
    message(b'S', format!("{name}\0{value}\0").as_bytes())
}

/// Up to its `ReadyForQuery`.
fn login() -> Vec<u8> {
    let key = message(b'K', &[0, 0, 16, 146, 0, 0, 0, 99]);
    [authenticated(), parameter("client_encoding", "UTF8"), key, message(b'Z', b"I")].concat()
}

fn authenticated() -> Vec<u8> {
    message(b'R', &[0; 4])
}

/// Sends without end, and panics in a thread that the test waits for when all of it is taken.
fn flood(client: &mut TcpStream, bytes: impl Fn(usize) -> Vec<u8>) -> io::Result<()> {
    let mut sent = 0;
    for number in 0.. {
        let bytes = bytes(number);
        // The program has had enough.
        if client.write_all(&bytes).is_err() {
            break;
        }
        sent += bytes.len();
        assert!(sent < FLOOD_BYTES, "all of a flood was taken");
    }
    Ok(())
}

/// Waits for the first question of a session.
fn is_asked(client: &mut TcpStream) -> io::Result<()> {
    match client.read(&mut [0; 1024])? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// A SASL exchange up to the server's first message, with this count of rounds.
fn scram(client: &mut TcpStream, rounds: &str) -> io::Result<()> {
    client.write_all(&message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"))?;
    let mut first = [0; 1024];
    let count = client.read(&mut first)?;
    let words = String::from_utf8_lossy(&first[..count]);
    let nonce = words.rsplit("r=").next().unwrap_or_default().to_owned();
    let first = format!("r={nonce}SERVER,s=c2FsdHNhbHQ=,i={rounds}");
    client.write_all(&message(b'R', &[b"\0\0\0\x0b", first.as_bytes()].concat()))
}

type Speak = fn(&mut TcpStream) -> io::Result<()>;

/// What a server says to a startup packet; then it reads until the client is gone.
const SERVERS: [(&str, Speak); 28] = [
    ("http", |s| s.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    ("ssh", |s| s.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")),
    ("zeros", |s| flood(s, |_| vec![0; 65_536])),
    ("a length of 2 GiB", |s| {
        s.write_all(b"R\x7f\xff\xff\xff")?;
        flood(s, |_| vec![b'x'; 65_536])
    }),
    ("an error of 2 GiB", |s| {
        s.write_all(b"E\x7f\xff\xff\xff")?;
        flood(s, |_| vec![b'x'; 65_536])
    }),
    ("a row of 2 GiB after the login", |s| {
        s.write_all(&[&login()[..], b"D\x7f\xff\xff\xff"].concat())?;
        flood(s, |_| vec![b'x'; 65_536])
    }),
    ("a length of 3", |s| s.write_all(&[&authenticated()[..], b"S\0\0\0\x03"].concat())),
    ("a negative length", |s| s.write_all(&[&authenticated()[..], b"S\xff\xff\xff\xfb"].concat())),
    ("words without end", |s| {
        s.write_all(b"Ecould not")?;
        flood(s, |_| vec![b'x'; 65_536])
    }),
    ("words that steer", |s| {
        s.write_all(format!("Ecould not {STEERING}\0").as_bytes())?;
        s.shutdown(Shutdown::Both)
    }),
    ("notices", |s| {
        s.write_all(&authenticated())?;
        flood(s, |_| notice(1_000).repeat(20))
    }),
    ("small notices", |s| {
        s.write_all(&authenticated())?;
        flood(s, |_| notice(1).repeat(1_000))
    }),
    ("notices after the login", |s| {
        s.write_all(&login())?;
        flood(s, |_| notice(1_000).repeat(20))
    }),
    ("parameters", |s| {
        s.write_all(&authenticated())?;
        flood(s, |number| parameter(&format!("p{number}"), &"y".repeat(10_000)))
    }),
    ("empty rows", |s| {
        s.write_all(&login())?;
        is_asked(s)?;
        let head = [message(b'1', b""), message(b'2', b""), message(b'T', b"\0\0")].concat();
        s.write_all(&head)?;
        flood(s, |_| message(b'D', b"\0\0").repeat(1_000))
    }),
    ("garbage for an answer", |s| {
        s.write_all(&login())?;
        is_asked(s)?;
        s.write_all(&[0xff; 2_000])
    }),
    ("a message of 10 MB", |s| s.write_all(&error("FATAL", "28000", &"A".repeat(3_500_000)))),
    ("a message of 900 kB", |s| s.write_all(&error("FATAL", "28000", &"A".repeat(300_000)))),
    ("a message that steers", |s| s.write_all(&error("FATAL", "28000", STEERING))),
    ("the same while starting", |s| {
        s.write_all(&error("FATAL", "57P03", STEERING))?;
        s.shutdown(Shutdown::Both)
    }),
    ("no bytes of UTF-8", |s| {
        s.write_all(&message(b'E', b"SFATAL\0VFATAL\0C28000\0M\xff\xc3(\0\0"))
    }),
    ("a SQLSTATE that steers", |s| s.write_all(&error("FATAL", "\u{1b}[31m", "a code"))),
    ("a SQLSTATE without end", |s| s.write_all(&error("FATAL", &"28000".repeat(5_000), "a code"))),
    ("no SQLSTATE", |s| s.write_all(&message(b'E', b"SFATAL\0VFATAL\0Mno code\0\0"))),
    ("an error of nothing", |s| s.write_all(&message(b'E', b""))),
    ("rounds of SCRAM for years", |s| scram(s, "4294967295")),
    ("rounds of SCRAM that are none", |s| scram(s, "\u{202e}-1")),
    ("an unknown authentication", |s| s.write_all(&message(b'R', &[0, 0, 0, 99]))),
];

/// A server on a port of its own, until it is dropped; then its threads have ended well.
struct Hostile {
    port: u16,
    over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Hostile {
    fn start(speak: Speak) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let mut sessions = Vec::new();
            for client in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                sessions.push(thread::spawn(move || serve(client.unwrap(), speak)));
            }
            for session in sessions {
                session.join().expect("a session");
            }
        });
        Self { port, over, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("postgresql://postgres:pass@127.0.0.1:{}/postgres?connect_timeout=2", self.port)
    }

    fn end(mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.thread.take().unwrap().join().expect("what was taken of a flood");
    }
}

fn serve(mut client: TcpStream, speak: Speak) {
    let mut startup = [0; 4096];
    if matches!(client.read(&mut startup), Ok(1..)) && speak(&mut client).is_ok() {
        // Until the client is gone.
        while matches!(client.read(&mut startup), Ok(1..)) {}
    }
}

/// Runs it to its end, within its deadline and its memory; nothing that it leaves steers a terminal.
#[track_caller]
fn holds(what: &str, args: &[&str]) -> (i32, String) {
    let home = tempfile::tempdir().unwrap();
    let (out, err) = (home.path().join("stdout"), home.path().join("stderr"));
    let mut command = pgchaos(home.path(), args);
    command.current_dir(home.path());
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let (began, mut child) = (Instant::now(), command.spawn().unwrap());
    let mut memory_kib = 0;
    let status = loop {
        memory_kib = memory_max_kib(child.id()).unwrap_or(0).max(memory_kib);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > LONGEST {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{what}: {args:?} went on: {}", fs::read_to_string(&err).unwrap());
        }
        thread::sleep(Duration::from_millis(2));
    };
    leaves_nothing_that_steers(what, home.path());
    let said = fs::read_to_string(&err).unwrap();
    assert!(memory_kib < MEMORY_MAX_KIB, "{what}: {args:?} took {memory_kib} KiB: {said}");
    assert!(said.len() < 100_000, "{what}: {args:?} says {} bytes", said.len());
    (status.code().unwrap(), said)
}

/// `None` while the process is not the program yet: until then its memory is that of the tests, of which it is started.
fn memory_max_kib(pid: u32) -> Option<u64> {
    let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    if program != Path::new(env!("CARGO_BIN_EXE_pgchaos")) {
        return None;
    }
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Output, record and reports, of which each is a text of less than a megabyte.
#[track_caller]
fn leaves_nothing_that_steers(what: &str, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            leaves_nothing_that_steers(what, &path);
            continue;
        }
        let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
        let file = path.display();
        assert!(text.len() < 1_000_000, "{what}: {file} has {} bytes", text.len());
        let steers = |c: char| is_steering(c) && c != '\n';
        let at = text.find(steers).map(|at| text[at..].chars().take(40).collect::<String>());
        assert_eq!(at, None, "{what}: {file}");
    }
}

#[test]
fn nothing_of_a_hostile_server_gets_through() {
    let record = tempfile::tempdir().unwrap();
    let record = record.path().join("before.jsonl");
    let server = Postgres::shared();
    let recorded = Gen::start(["--writes", "1", &server.url()]).finish();
    fs::copy(&recorded.record, &record).unwrap();
    let record = record.to_str().unwrap();
    for (what, speak) in SERVERS {
        let hostile = Hostile::start(speak);
        let (url, port) = (hostile.url(), hostile.port.to_string());
        let no_run = "00000000-0000-0000-0000-000000000001";
        let (code, said) = holds(what, &["init", &url]);
        assert_eq!(code, 4, "{what}: {said}");
        assert!(said.starts_with("pgchaos: 127.0.0.1:"), "{what}: {said}");
        holds(what, &["clean", "--run-id", no_run, &url]);
        holds(what, &["verify", record, "-h", "127.0.0.1", "-p", &port, "--verify-timeout", "1s"]);
        let reports = ["r.md", "r.json", "r.xml", "r.csv"].map(|name| ["--report", name]).concat();
        let run = ["gen", &url, "-T", "1s", "--verify-timeout", "1s", "--record", "record.jsonl"];
        let (code, said) = holds(what, &[run.as_slice(), &reports].concat());
        assert!(matches!(code, 3 | 4), "{what}: {said}");
        hostile.end();
    }
}

/// After the first success the load goes on whatever comes, and the record stays small.
#[test]
fn a_load_outlives_hostile_answers() {
    let server = Postgres::shared();
    let proxy = Proxy::start(server.port());
    let args = [&*proxy.url(), "--rate=50", "--report=r.md", "--report=r.xml"];
    let load = Gen::start_with(args, |home, command| {
        command.current_dir(home);
    });
    let acknowledged = || proxy.wire().acknowledged.len();
    crate::support::wait_until(LONGEST, "a write", || acknowledged() > 0);
    // An ERROR that proves a rejection would be a lie, as the server has taken the writes.
    let failed = |words: &str| error("ERROR", "XX000", words);
    let fault = |class: &'static str| move |event: &Value| event["fault"]["class"] == class;
    for (what, bytes, class) in [
        ("a message that steers", failed(STEERING), "sql"),
        ("a fatal one", error("FATAL", "57P01", STEERING), "connection_lost"),
        ("a message of 900 kB", failed(&"A".repeat(300_000)), "sql"),
        ("a message of 10 MB", failed(&"A".repeat(3_500_000)), "protocol"),
        ("a SQLSTATE that steers", error("ERROR", "\u{1b}[3m\n", "code"), "protocol"),
        ("notices", notice(1_000).repeat(6_000), "protocol"),
        ("small notices", notice(1).repeat(70_000), "protocol"),
        ("a length of 2 GiB", b"D\x7f\xff\xff\xff".to_vec(), "protocol"),
    ] {
        let (before, seen) = (acknowledged(), load.now());
        proxy.twist_next(3, &Twist::Raw(bytes));
        load.wait_for_event_after(seen, LONGEST, what, fault(class));
        crate::support::wait_until(LONGEST, "it writes again", || acknowledged() > before + 3);
    }
    let memory_kib = memory_max_kib(load.pid()).unwrap();
    assert!(memory_kib < MEMORY_MAX_KIB, "{memory_kib} KiB");
    let finished = load.interrupt_and_finish();
    assert_eq!(finished.summary["verification"]["lost"], 0, "{}", finished.stdout);
    leaves_nothing_that_steers("the load", finished.home());
    assert!(finished.home().join("r.md").exists() && finished.home().join("r.xml").exists());
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains(|c| is_steering(c) && c != '\n'), "{text:?}");
    }
    let longest = fs::read_to_string(&finished.record).unwrap();
    let longest = longest.lines().map(str::len).max().unwrap();
    assert!(longest < 10_000, "a line of {longest} bytes");
}

#[test]
fn a_web_page_is_called_one() {
    let hostile = Hostile::start(|s| s.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let message = format!(
        "127.0.0.1:{}: HTTP answers there, not PostgreSQL: a web page or an API",
        hostile.port
    );
    is_refused(&[&hostile.url()], &message, &["-p PORT", "5500", "7500"]);
    hostile.end();
    let server = Postgres::shared();
    let right = server.port().to_string();
    let run = Gen::start(["-h", "127.0.0.1", "-p", &right, "--writes", "1"]).finish();
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_server_that_cannot_fork_is_waited_for() {
    let hostile = Hostile::start(|s| {
        s.write_all(
            b"Ecould not fork new process for connection: Resource temporarily unavailable\n\0",
        )?;
        s.shutdown(Shutdown::Both)
    });
    // In the clear they are the server's words; where TLS was asked for, they are anybody's.
    let words = "could not fork new process for connection: Resource temporarily unavailable";
    let guessed = "the server can start no process for the session (no memory, or a limit on processes), it seems";
    for (mode, words) in [("disable", words), ("prefer", guessed)] {
        let url = format!("{}&sslmode={mode}", hostile.url());
        let load = Gen::start([&*url, "--verify-timeout", "1s"]);
        load.wait_for_event(LONGEST, "an attempt", |event| event["event"] == "fault");
        let run = load.interrupt_and_finish();
        let fault = &run.event("fault")["fault"];
        assert_eq!(fault["class"], "overloaded");
        assert!(fault["message"].as_str().unwrap().starts_with(words), "{fault}");
    }
    hostile.end();
}

/// The library that logs in takes no more rounds.
#[test]
fn a_password_with_too_many_rounds_of_scram() {
    let server = Postgres::shared();
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    server.psql(&format!(
        "CREATE ROLE slow LOGIN PASSWORD 'SCRAM-SHA-256$100001:c2FsdHNhbHRzYWx0${key}:{key}'"
    ));
    let url = url("slow:slow", server.port(), "postgres");
    let message = format!(
        "127.0.0.1:{}: the password of this role is stored with more than 100,000 rounds of SCRAM \
         (scram_iterations), more than pgchaos computes",
        server.port()
    );
    is_refused(&[&url], &message, &["SET scram_iterations", "ALTER ROLE slow PASSWORD"]);
}

/// A table of millions of users, and names of megabytes, are not taken whole.
#[test]
fn users_without_number() {
    let server = Postgres::shared();
    server.psql("CREATE DATABASE last_place");
    let url = url("postgres:postgres", server.port(), "last_place");
    let home = tempfile::tempdir().unwrap();
    assert!(pgchaos(home.path(), ["init", &url]).status().unwrap().success());
    Session::open(&url).run(
        "INSERT INTO pgchaos.users SELECT n, repeat(E'\\u202e', 20000) FROM generate_series(1000, 3000) n;
         UPDATE pgchaos.users SET name = repeat('n', 20000000) WHERE id < 3",
    );
    let (code, said) = holds("users", &["gen", &url, "--writes", "50", "--rate", "100"]);
    assert_eq!(code, 0, "{said}");
}

/// Sessions that each take one write and are then ended: what is told of each stays small beside what a record holds.
#[test]
fn a_record_of_sessions_that_break_again_and_again_stays_small() {
    let server = Postgres::start();
    let url = server.url();
    let home = tempfile::tempdir().unwrap();
    assert!(pgchaos(home.path(), ["init", &url]).status().unwrap().success());
    // What this sets lasts as long as the session.
    server.psql(
        "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF current_setting('test.wrote', true) = 'yes' THEN
                 PERFORM pg_terminate_backend(pg_backend_pid());
             END IF;
             PERFORM set_config('test.wrote', 'yes', false);
             RETURN NEW;
         END $$;
         CREATE TRIGGER breaks BEFORE INSERT ON pgchaos.user_events
             FOR EACH ROW EXECUTE FUNCTION breaks()",
    );
    let run = Gen::start([&*url, "--rate=100", "-T", "10s"]).finish();
    let outages = run.summary["outages"].as_array().unwrap().len();
    assert!(outages > 3, "{outages}");
    let bytes = fs::metadata(&run.record).unwrap().len();
    assert!(bytes < 1_000_000, "{bytes} bytes for {outages} outages");
}
