//! A command line that is wrong: exit code 2, and clear words. Nothing is connected to, nothing is made.

use crate::support::{Gen, Postgres, pgchaos};

const SECRET: &str = "wunderwald";

/// Says `words`, shows no secret, and leaves no file.
#[track_caller]
fn is_wrong(args: &[&str], words: &[&str]) {
    let finished = Gen::start_with(args.iter().copied(), |_, command| {
        // Given twice, an option is another mistake than the one looked for.
        command.env_remove("PGCHAOS_DURATION");
    })
    .finish();
    let stderr = &finished.stderr;
    assert_eq!(finished.code, 2, "{args:?}: {stderr}");
    for words in words {
        assert!(stderr.contains(words), "{words:?} in:\n{stderr}");
    }
    assert!(!stderr.contains(SECRET), "{args:?} shows a password:\n{stderr}");
    assert_eq!(finished.stdout, "");
    assert_eq!(std::fs::read_dir(finished.home()).unwrap().count(), 0, "a file is left");
}

#[test]
fn values() {
    is_wrong(&["-p", "99999"], &["port \"99999\"", "-p/--port", "1 to 65535"]);
    is_wrong(&["-p", "five"], &["port \"five\""]);
    is_wrong(&["--rate", "fast"], &["\"fast\" is no rate", "above 0, or max"]);
    is_wrong(&["--rate", "0"], &["\"0\" is no rate"]);
    is_wrong(&["--rate=-3"], &["\"-3\" is no rate"]);
    is_wrong(&["--write-timeout", "60"], &["\"60\" is no duration", "3s"]);
    is_wrong(&["--writers", "0"], &["--writers"]);
    is_wrong(&["--connect-timeout", "0s"], &["longer than zero"]);
    is_wrong(&["--min-availability", "101"], &["\"101\" is no percentage", "0 to 100"]);
    is_wrong(
        &["--backoff-min", "1s", "--backoff-max", "100ms"],
        &["--backoff-min 1s is longer than --backoff-max 100ms"],
    );
    for wrong in ["", "zone a", "../zone", "зона", &"n".repeat(64)] {
        is_wrong(&["--name", wrong], &["--name", "1 to 63 letters, digits, - _ or . as in zone-a"]);
        is_wrong(&["--group", wrong], &["--group", "1 to 63 letters"]);
    }
    is_wrong(&["--report", "run.pdf"], &["run.pdf", ".json", ".xml", ".csv"]);
    is_wrong(&["--report", "run"], &["run", ".json"]);
    is_wrong(&["--members", "atuo"], &["--members", "\"atuo\"", "auto", "NAME=DSN"]);
    is_wrong(&["--members", "auto"], &["--members auto", "Patroni", "try: ", "--patroni URL"]);
    is_wrong(&["--members", "a=host=h", "--members", "a=host=i"], &["a is said twice"]);
    is_wrong(&["--members", "a=host=h,i"], &["a member has one host", "try: "]);
    is_wrong(&["--members", "host=h port=1"], &["name is missing", "NAME=DSN"]);
    is_wrong(&["--witness"], &["--members"]);
    is_wrong(&["--max-lag", "5s"], &["--max-lag", "none is read", "try: ", "--read-port PORT"]);
    is_wrong(
        &["target_session_attrs=standby"],
        &["target_session_attrs", "takes no writes", "try: ", "--read-dsn"],
    );
}

#[test]
fn options() {
    is_wrong(&["--nope"], &["unexpected argument '--nope'"]);
    is_wrong(&["--rat", "5"], &["--rate"]);
    is_wrong(&["--generator", "1"], &["unexpected argument '--generator'"]);
    let run = "6f2c1a4e-0b1d-4c3e-9a58-2f3b4c5d6e7f";
    is_wrong(&["--run-id", run], &["unexpected argument '--run-id'"]);
    is_wrong(&["host=x", "foo=bar"], &["unexpected argument"]);
    is_wrong(&["host=x foo=bar"], &["invalid connection option \"foo\""]);
    is_wrong(&["host=x hsot=y"], &["\"hsot\"", "did you mean \"host\"?"]);
}

/// What is nearly right is told with what to type.
#[test]
fn slips() {
    is_wrong(&["-h"], &["-h is the host here, as in psql", "help is --help"]);
    is_wrong(&["-h", "--port", "5500"], &["-h is the host here"]);
    is_wrong(&["localhost:5500"], &["did you mean -h localhost -p 5500?", "named with -d"]);
    is_wrong(&["5500"], &["did you mean -p 5500?"]);
    is_wrong(&["localhost:5500/app"], &["did you mean -h localhost -p 5500 -d app?"]);
    is_wrong(&["-h", "localhost:5500"], &["did you mean -h localhost -p 5500?"]);
    is_wrong(&["-h", "[::1]:5500,b"], &["did you mean -h ::1,b -p 5500,5432?"]);
    is_wrong(&["host=localhost:5500"], &["did you mean host=localhost port=5500?"]);
    let below_zero: [&[&str]; 9] = [
        &["--rate", "-5"],
        &["--max-lost", "-1"],
        &["-n", "-1"],
        &["-c", "-2"],
        &["-T", "-60"],
        &["--max-outage", "-5s"],
        &["--min-availability", "-1"],
        &["--read-every", "-1"],
        &["-p", "-1"],
    ];
    for args in below_zero {
        is_wrong(args, &["invalid ", args[1]]);
        let finished = Gen::start(args.iter().copied()).finish();
        assert!(!finished.stderr.contains("unexpected"), "{args:?}: {}", finished.stderr);
    }
    is_wrong(&["--max-lost", "-1"], &["'-1' for '--max-lost <N>'", "a whole number, 0 or more"]);
    for (letter, words) in [
        (&["-S"][..], "--read-port"),
        (&["-f", "script.sql"], "runs no script"),
        (&["-i"], "pgchaos init"),
        (&["-s", "10"], "-R is the rate"),
        (&["-P", "1"], "progress by itself"),
        (&["-t", "100"], "-n is the number of writes"),
    ] {
        is_wrong(letter, &[letter[0], "a pgbench option", words]);
    }
}

/// pgbench's letters mean what they mean there, and what is told to type is taken.
#[test]
fn letters_of_pgbench() {
    let server = Postgres::shared();
    let port = server.port().to_string();
    let args = ["-h", "localhost", "-p", &port, "-c", "2", "-j", "1", "-T", "5", "-R", "50"];
    let finished = Gen::start_with(args, |_, command| {
        command.env_remove("PGCHAOS_DURATION");
    })
    .finish();
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    let options = &finished.summary["options"];
    assert_eq!((&options["writers"], &options["threads"]), (&2.into(), &1.into()));
    assert_eq!(
        (&options["duration_s"], &options["rate"]["per_second"]),
        (&5.0.into(), &50.0.into())
    );
}

/// Help by each way to ask for it.
#[test]
fn help() {
    let home = tempfile::tempdir().unwrap();
    let page = |args: &[&str]| {
        let output = pgchaos(home.path(), args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for (command, ways) in [
        ("pgchaos", &[&["--help"][..], &["-h"], &["-?"], &["help"]][..]),
        ("pgchaos gen", &[&["gen", "--help"], &["gen", "-?"], &["help", "gen"]]),
        (
            "pgchaos lab up",
            &[
                &["lab", "up", "-h"],
                &["lab", "up", "-?"],
                &["help", "lab", "up"],
                &["lab", "help", "up"],
            ],
        ),
        ("pgchaos drill", &[&["drill", "-h"], &["help", "drill"], &["drill", "help"]]),
        ("pgchaos demo", &[&["demo", "-h"], &["help", "demo"]]),
        ("pgchaos help", &[&["help", "help"]]),
    ] {
        let pages: Vec<String> = ways.iter().map(|way| page(way)).collect();
        assert!(pages[0].contains(&format!("Usage: {command} ")), "{}", pages[0]);
        assert!(pages.iter().all(|page| *page == pages[0]), "{ways:?}");
    }
    let output = pgchaos(home.path(), ["help", "verfy"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("'verfy'") && stderr.contains("'verify'"), "{stderr}");
}

/// The program prints what the library makes.
#[test]
fn completions_and_manual() {
    let home = tempfile::tempdir().unwrap();
    for (args, words) in [
        (&["completions", "bash"][..], "complete -F _pgchaos"),
        (&["completions", "zsh"], "#compdef pgchaos"),
        (&["man", "lab", "up"], ".TH"),
        (&["man"], ".TH"),
    ] {
        let output = pgchaos(home.path(), args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(words), "{args:?}");
    }
    let output = pgchaos(home.path(), ["man", "--dir", "."]).current_dir(home.path()).output();
    assert_eq!(output.unwrap().status.code(), Some(0));
    assert!(home.path().join("pgchaos-gen.1").exists());
    let output = pgchaos(home.path(), ["man", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no command \"nowhere\""));
}

/// Where one of several has to be said, all of them are named.
#[test]
fn what_is_missing_is_named_with_all_that_it_can_be() {
    let home = tempfile::tempdir().unwrap();
    for (args, words) in [
        (&["runs", "prune"][..], &["what to remove", "--keep N", "--older-than D"][..]),
        (&["completions"], &["bash, elvish, fish, powershell, zsh"]),
    ] {
        let output = pgchaos(home.path(), args).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)), "{stderr}");
    }
}

#[test]
fn misspelt_variables() {
    let home = tempfile::tempdir().unwrap();
    let told = |args: &[&str], name: &str, value: &str| {
        let output = pgchaos(home.path(), args).env(name, value).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let words = "PGCHAOS_RAT is no variable of pgchaos's; did you mean PGCHAOS_RATE?";
    let gen_args =
        ["gen", "-p", "1", "--duration", "100ms", "--verify-timeout", "100ms", "--no-record"];
    for args in [&["report"][..], &["verify"], &["drill", "list"], &gen_args] {
        assert!(told(args, "PGCHAOS_RAT", "5").contains(words), "{args:?}");
        // The remedy.
        assert!(!told(args, "PGCHAOS_RATE", "5").contains("is no variable"), "{args:?}");
    }
}

#[test]
fn environment() {
    let home = tempfile::tempdir().unwrap();
    for (name, value, words) in [
        ("PGCHAOS_RATE", "fast", "\"fast\" is no rate"),
        ("PGPORT", "99999", "PGPORT"),
        ("PGSERVICE", "nowhere", "service \"nowhere\" not found"),
        ("PGSSLMODE", "perhaps", "sslmode"),
    ] {
        let output = pgchaos(home.path(), ["gen"]).env(name, value).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
        assert!(stderr.contains(words), "{words:?} in:\n{stderr}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "a file is left");
}

/// Whatever is wrong with it, the password in a connection string is not repeated.
#[test]
fn connection_strings() {
    for dsn in [
        "postgresql://u:wunderwald@h:99999/x",
        "postgresql://u:wunderwald@h/x?foo=bar",
        "postgresql://u:wunderwald@h/x?sslmode=perhaps",
        "postgresql://u:wunder%zzwald@h/x",
        "postgresql://u:wunderwald@[h/x",
        "postgresql://u:wunderwald@a,b:1,c:2:3/x",
        "host=h password=wunderwald port=99999",
        "host=h password=wunderwald foo=bar",
        "host=h password='wunderwald",
        "host=h password=my wunderwald",
        "password=wunderwald connect_timeout=soon",
        "postgresql://u:wunderwald@h/x?target_session_attrs=standby",
    ] {
        is_wrong(&[dsn], &[]);
        is_wrong(&["-d", dsn], &[]);
    }
    let dsn = "postgresql://u:wunderwald@h/x";
    is_wrong(&[dsn, "-d", dsn], &["two connection strings"]);
}

/// A connection string at a place where none belongs.
#[test]
fn connection_strings_out_of_place() {
    for dsn in ["postgresql://u:wunderwald@h/x", "host=h password=wunderwald"] {
        is_wrong(&[dsn, dsn], &["unexpected argument"]);
        is_wrong(&["-h", dsn], &["invalid host"]);
        is_wrong(&["-p", dsn], &["port"]);
        is_wrong(&["--rate", dsn], &["rate"]);
        is_wrong(&["--report", dsn], &["report"]);
        is_wrong(&["--read-port", dsn], &["port"]);
        is_wrong(&["--duration", dsn], &["duration"]);
        is_wrong(&["--group", dsn], &["--group"]);
    }
}

#[test]
fn slips_are_told_by_what_to_type() {
    is_wrong(&["-d", "-5db"], &["'-5db' is taken for an option", "-d-5db"]);
    is_wrong(&["--report", "-1.md"], &["--report=-1.md"]);
    is_wrong(&["-r", "1000000000"], &["the highest is 10000000 writes a second", "or write max"]);
    is_wrong(&["-r", "0.00000001"], &["the lowest is 0.0001"]);
    is_wrong(&["-c", "4", "-w", "5"], &["-c and -w are one option"]);
    is_wrong(&["-h", "[::1]"], &["did you mean -h ::1?"]);
    is_wrong(&["-h", "http://localhost:5500"], &["did you mean -h localhost -p 5500?"]);
    is_wrong(&["localhost"], &["did you mean -h localhost?"]);
    let home = tempfile::tempdir().unwrap();
    let output = pgchaos(home.path(), ["clean"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--run-id UUID") && said.contains("--schema"), "{said}");
}

/// A named pipe is not waited for: what has to be a file is refused at once.
#[test]
fn what_is_no_file() {
    let home = tempfile::tempdir().unwrap();
    for name in ["pipe.md", "pipe.toml", "pipe"] {
        let made = std::process::Command::new("mkfifo").arg(home.path().join(name)).status();
        assert!(made.unwrap().success());
    }
    let service = ["gen", "service=mine", "-T", "1s"];
    for args in [
        &["report", "pipe"][..],
        &["verify", "pipe"],
        &["gen", "-p", "1", "-T", "1s", "--no-record", "--report", "pipe.md"],
        &["drill", "run", "pipe.toml"],
        &service,
    ] {
        let mut command = pgchaos(home.path(), args);
        command.current_dir(home.path()).env("PGSERVICEFILE", "pipe");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(2 | 4)), "{args:?}: {said}");
        assert!(said.contains("not a plain file"), "{args:?}: {said}");
    }
}
