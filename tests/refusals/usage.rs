//! A command line that is wrong: exit code 2, and clear words. Nothing is connected to, nothing is made.

use crate::support::{Gen, pgchaos};

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
    is_wrong(&["--duration", "60"], &["\"60\" is no duration", "3s"]);
    is_wrong(&["--writers", "0"], &["--writers"]);
    is_wrong(&["--connect-timeout", "0s"], &["longer than zero"]);
    is_wrong(&["--min-availability", "101"], &["\"101\" is no percentage", "0 to 100"]);
    is_wrong(
        &["--backoff-min", "1s", "--backoff-max", "100ms"],
        &["--backoff-min 1s is longer than --backoff-max 100ms"],
    );
    is_wrong(&["--report", "run.pdf"], &["run.pdf", ".json", ".xml", ".csv"]);
    is_wrong(&["--report", "run"], &["run", ".json"]);
    is_wrong(
        &["target_session_attrs=standby"],
        &["target_session_attrs", "takes no writes", "try: ", "--read-dsn"],
    );
}

#[test]
fn options() {
    is_wrong(&["--nope"], &["unexpected argument '--nope'"]);
    is_wrong(&["--rat", "5"], &["--rate"]);
    is_wrong(&["host=x", "foo=bar"], &["unexpected argument"]);
    is_wrong(&["host=x foo=bar"], &["invalid connection option \"foo\""]);
    is_wrong(&["host=x hsot=y"], &["\"hsot\"", "did you mean \"host\"?"]);
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
        is_wrong(&["--run-id", dsn], &["run-id"]);
    }
}
