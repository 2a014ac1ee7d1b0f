//! A connection string at every place where a value can be: nothing that pgchaos says, writes or starts has its password.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use pgchaos::cli::command;

use crate::support::{Gen, pgchaos};

/// Nothing else is called so. No sign in it is escaped anywhere.
const SECRET: &str = "Wunderwald7x3";

/// How many at once: each is a process that mostly reads its command line.
const AT_ONCE: usize = 4;

/// A port of loopback where nothing is.
const NOWHERE: &str = "127.0.0.1:9";

/// What people paste.
fn pasted() -> Vec<String> {
    vec![
        format!("postgresql://u:{SECRET}@{NOWHERE}/db"),
        format!("postgres://u@{NOWHERE}/db?password={SECRET}"),
        format!("host=127.0.0.1 port=9 user=u password={SECRET}"),
        format!("postgresql://{NOWHERE}/db?password=a&{SECRET}=b"),
        format!("u:{SECRET}@{NOWHERE}/db"),
        format!("host=127.0.0.1 port=9 password='two, {SECRET}'"),
        format!("jdbc:postgresql://{NOWHERE}/db?user=u&password={SECRET}"),
        format!("host=127.0.0.1 port=9 password='{SECRET}"),
        format!("postgresql://u:my,{SECRET}@{NOWHERE}/db"),
        format!("password={SECRET} host=127.0.0.1 port=9 {SECRET}=x"),
    ]
}

/// One run: its arguments, variables, and files of its home.
#[derive(Debug, Clone, Default)]
struct Placement {
    args: Vec<String>,
    variables: Vec<(String, String)>,
    files: Vec<(&'static str, String)>,
}

impl Placement {
    fn of(args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self { args, ..Self::default() }
    }

    fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }
}

/// The commands, as they can be said without anything being done; the options of each are tried.
const COMMANDS: [&[&str]; 18] = [
    &["gen"],
    &["verify"],
    &["report"],
    &["runs"],
    &["runs", "show"],
    &["runs", "prune", "--keep", "9"],
    &["init"],
    &["clean", "--schema"],
    &["demo"],
    &["lab", "status"],
    &["lab", "logs"],
    &["lab", "stop"],
    &["drill", "list"],
    &["completions"],
    &["man"],
    &["help"],
    &["drill", "show"],
    &["drill", "run", "no-such-drill"],
];

/// In every option of every command, in each way to say it; and where no option is.
fn on_the_command_line(texts: &[String]) -> Vec<Placement> {
    let mut placements = Vec::new();
    let mut texts = texts.iter().cycle();
    for path in COMMANDS {
        let mut command = command();
        command.build();
        for name in path.iter().filter(|word| !word.starts_with('-')) {
            command = command.find_subcommand(name).cloned().unwrap_or(command);
        }
        let plain = || Placement::of(path);
        for option in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            if let Some(long) = option.get_long() {
                let mut text = || texts.next().unwrap();
                placements.push(plain().arg(format!("--{long}")).arg(text()));
                placements.push(plain().arg(format!("--{long}={}", text())));
                let variable = format!("PGCHAOS_{}", long.to_uppercase().replace('-', "_"));
                placements.push(plain().variable(&variable, text()));
            }
            if let Some(short) = option.get_short() {
                let mut text = || texts.next().unwrap();
                placements.push(plain().arg(format!("-{short}")).arg(text()));
                placements.push(plain().arg(format!("-{short}{}", text())));
                placements.push(plain().arg(format!("-{short}={}", text())));
            }
        }
        for text in pasted() {
            placements.push(plain().arg(&text));
            placements.push(plain().arg("--").arg(&text).arg(&text));
            // Its quotes forgotten.
            let words = text.split(' ');
            placements.push(words.fold(plain(), Placement::arg));
        }
        for flag in ["--nope=", "--help=", "-V", "--version="] {
            placements.push(plain().arg(format!("{flag}{}", texts.next().unwrap())));
        }
    }
    placements.push(Placement::of(&[]).arg(texts.next().unwrap()));
    placements
}

/// libpq's options, by variable where there is one.
const OPTIONS: [(&str, &str); 30] = [
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("client_encoding", "PGCLIENTENCODING"),
    ("options", "PGOPTIONS"),
    ("application_name", "PGAPPNAME"),
    ("keepalives", ""),
    ("keepalives_idle", ""),
    ("tcp_user_timeout", ""),
    ("replication", ""),
    ("gssencmode", "PGGSSENCMODE"),
    ("sslmode", "PGSSLMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslpassword", ""),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcrl", "PGSSLCRL"),
    ("requirepeer", "PGREQUIREPEER"),
    ("service", "PGSERVICE"),
    ("servicefile", "PGSERVICEFILE"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("oauth_client_secret", ""),
];

/// In every option of a connection: in both forms of connection string, by variable, and in a service's file.
fn in_the_connection(texts: &[String]) -> Vec<Placement> {
    let encode =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let mut texts = texts.iter().cycle();
    let mut placements = Vec::new();
    for (option, variable) in OPTIONS {
        let mut text = || texts.next().unwrap();
        let init = || Placement::of(&["init"]);
        let uri = format!("postgresql://{NOWHERE}/?{option}={}", encode(text()));
        placements.push(init().arg(uri));
        let quoted = text().replace('\\', "\\\\").replace('\'', "\\'");
        placements.push(init().arg(format!("host=127.0.0.1 port=9 {option}='{quoted}'")));
        // What follows a password may be the rest of it.
        placements.push(init().arg(format!("{option}=x password=a {SECRET}=b")));
        let rest = format!("postgresql://{NOWHERE}/?password=a&{option}=x&{SECRET}=b");
        placements.push(init().arg(rest));
        if !variable.is_empty() {
            placements.push(init().variable(variable, text()));
        }
        let mut of_service = init().variable("PGSERVICE", "mine");
        let lines = format!("[mine]\nhost=127.0.0.1\nport=9\n{option}={}\n{SECRET}=x\n", text());
        of_service.files.push((".pg_service.conf", lines));
        placements.push(of_service);
    }
    for variable in ["PGSYSCONFDIR", "PGREQUIRESSL", "PGTZ", "PGCHAOS_DSN", "PGCHAOS_RAT"] {
        placements.push(Placement::of(&["init"]).variable(variable, texts.next().unwrap()));
    }
    for mode in [0o600, 0o644] {
        let mut by_file = Placement::of(&["init", "-h", "127.0.0.1", "-p", "9"]);
        let name = if mode == 0o600 { ".pgpass" } else { ".pgpass-for-all" };
        by_file.files.push((name, format!("*:*:*:*:{SECRET}\n")));
        by_file.variables.push(("PGPASSFILE".to_owned(), format!("HOME/{name}")));
        placements.push(by_file);
    }
    placements
}

/// Runs it, in a home that is its working folder too, and says what has the secret.
fn told_by(placement: &Placement) -> Vec<String> {
    let home = tempfile::Builder::new().prefix("pgchaos-placed-").tempdir().unwrap();
    for (name, text) in &placement.files {
        let mode = if name.ends_with("all") { 0o644 } else { 0o600 };
        fs::write(home.path().join(name), text).unwrap();
        fs::set_permissions(home.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut command = pgchaos(home.path(), &placement.args);
    command.current_dir(home.path()).env("XDG_STATE_HOME", home.path().join("state"));
    // A load with a connection that is fine waits for its server until then.
    if placement.args[..].first().is_some_and(|command| command == "gen") {
        command.env("PGCHAOS_DURATION", "100ms").env("PGCHAOS_VERIFY_TIMEOUT", "100ms");
        command.env("PGCHAOS_REPORT", "r.md,r.json,r.xml,r.csv");
    }
    if placement.args[..].first().is_some_and(|command| command == "verify") {
        command.env("PGCHAOS_VERIFY_TIMEOUT", "100ms");
    }
    for (name, value) in &placement.variables {
        command.env(name, value.replace("HOME", &home.path().display().to_string()));
    }
    let Output { stdout, stderr, .. } = command.output().unwrap();
    let mut told = Vec::new();
    for (what, text) in [("stdout", stdout), ("stderr", stderr)] {
        let text = String::from_utf8_lossy(&text).into_owned();
        if text.contains(SECRET) {
            told.push(format!("{what}: {text}"));
        }
    }
    let given: Vec<PathBuf> =
        placement.files.iter().map(|(name, _)| home.path().join(name)).collect();
    files_with_secret(home.path(), &given, &mut told);
    told
}

fn files_with_secret(folder: &Path, given: &[PathBuf], told: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if given.contains(&path) {
            continue;
        }
        if path.display().to_string().contains(SECRET) {
            told.push(format!("a file's name: {}", path.display()));
        }
        if path.is_dir() {
            files_with_secret(&path, given, told);
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(SECRET) {
            told.push(format!("the file {}", path.display()));
        }
    }
}

#[test]
fn no_output_shows_the_secret_wherever_it_is_put() {
    let texts = pasted();
    let mut placements = on_the_command_line(&texts);
    placements.extend(in_the_connection(&texts));
    assert!(placements.len() >= 300, "{} placements", placements.len());
    let next = AtomicUsize::new(0);
    let told: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    let mut told = Vec::new();
                    while let Some(placement) = placements.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let of_this = told_by(placement);
                        told.extend(of_this.iter().map(|told| format!("{placement:?}\n  {told}")));
                    }
                    told
                })
            })
            .collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    assert!(
        told.is_empty(),
        "{} of {} tell it:\n{}",
        told.len(),
        placements.len(),
        told.join("\n")
    );
}

/// What pgchaos starts for its record has no part of the connection in its command line.
#[test]
fn no_process_that_it_starts_shows_the_secret() {
    let load = Gen::start([pasted()[0].as_str()]);
    let mut titles = Vec::new();
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while titles.is_empty() {
        assert!(std::time::Instant::now() < end, "the process that writes the record");
        thread::sleep(Duration::from_millis(20));
        titles = titles_of_children(load.pid());
        titles.retain(|title| title.contains("write-record"));
    }
    assert!(titles.iter().all(|title| !title.contains(SECRET)), "{titles:?}");
    let finished = load.interrupt_and_finish();
    assert!(!finished.stderr.contains(SECRET) && !finished.stdout.contains(SECRET));
}

fn titles_of_children(of: u32) -> Vec<String> {
    let mut titles = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        if status.lines().any(|line| line.split_whitespace().eq(["PPid:", &of.to_string()])) {
            let title = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            titles.push(String::from_utf8_lossy(&title).replace('\0', " "));
        }
    }
    titles
}
