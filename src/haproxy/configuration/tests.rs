//! Configurations as they are found, and what is wrong with others.

use std::time::Duration;

use proptest::prelude::*;

use super::{CheckedBackend, ConfigurationError, HaproxyConfiguration};
use crate::model::cluster::proxy_checks::ProxyChecks;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn none(_: &str) -> Option<String> {
    None
}

fn read(text: &str) -> Result<HaproxyConfiguration, ConfigurationError> {
    HaproxyConfiguration::read("haproxy.cfg", text.as_bytes(), &none)
}

#[track_caller]
fn only(text: &str) -> ProxyChecks {
    read(text).unwrap().backend(None, None).unwrap().checks
}

#[track_caller]
fn wrong(text: &str) -> String {
    read(text).and_then(|read| read.backend(None, None)).unwrap_err().to_string()
}

const BY_DEFAULT: ProxyChecks = ProxyChecks {
    inter: Duration::from_secs(2),
    fastinter: Duration::from_secs(2),
    downinter: Duration::from_secs(2),
    rise: 2,
    fall: 3,
    check_timeout: None,
    connect_timeout: None,
    retries: 3,
    redispatch: false,
    shuts_sessions_down: false,
};

#[test]
fn what_is_not_said_is_as_haproxy_has_it() {
    assert_eq!(
        only("listen pg\n  bind *:5000\n  server a 10.0.0.1:5432 check port 8008\n"),
        BY_DEFAULT
    );
    let inter = only("listen pg\n server a 10.0.0.1:5432 check inter 500\n");
    assert_eq!((inter.inter, inter.fastinter, inter.downinter), (ms(500), ms(500), ms(500)));
}

/// As in Patroni's documentation, with what this project's own has beside it.
#[test]
fn a_configuration_is_read() {
    let text = r"
global
    maxconn 100 # not read
defaults
    log global
    mode tcp
    retries 2
    timeout client 30m
    timeout connect 4s
    timeout check 5s
    option redispatch 1
listen stats
    mode http
    bind *:7000
    stats enable
listen batman
    bind *:5000
    option httpchk OPTIONS /primary
    http-check expect status 200
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
    server postgresql_1 127.0.0.1:5432 maxconn 100 check port 8008
    server postgresql_2 127.0.0.1:5433 maxconn 100 check port 8009 fastinter 250ms downinter 1s
listen replicas
    bind *:5001
    option httpchk OPTIONS /replica
    server postgresql_1 127.0.0.1:5432 check inter 10s
";
    let read = read(text).unwrap();
    let checks = ProxyChecks {
        inter: ms(3000),
        // They differ: the slower counts.
        fastinter: ms(3000),
        downinter: ms(3000),
        rise: 2,
        fall: 3,
        check_timeout: Some(ms(5000)),
        connect_timeout: Some(ms(4000)),
        retries: 2,
        redispatch: true,
        shuts_sessions_down: true,
    };
    let found = CheckedBackend { name: "batman".to_owned(), checks };
    assert_eq!(read.backend(None, None), Ok(found.clone()));
    assert_eq!(read.backend(Some("batman"), None), Ok(found.clone()));
    assert_eq!(read.backend(None, Some(5000)), Ok(found));
    let replicas = read.backend(None, Some(5001)).unwrap();
    assert_eq!((replicas.name.as_str(), replicas.checks.inter), ("replicas", ms(10_000)));
    assert!(!replicas.checks.shuts_sessions_down);
    let error = read.backend(Some("nope"), None).unwrap_err().to_string();
    assert_eq!(
        error,
        "haproxy.cfg: there is no backend nope; those with checked servers are: batman, replicas"
    );
    let error = read.backend(Some("stats"), None).unwrap_err().to_string();
    assert!(error.starts_with("haproxy.cfg:12: stats has no server with `check`"), "{error}");
}

#[test]
fn a_frontend_leads_to_its_backend() {
    let text = "
frontend write
  bind 127.0.0.1:5432,[::1]:5432
  default_backend primary
frontend read
  bind :5433
  use_backend replicas if { always_true }
backend primary
  server a a:5432 check inter 1s
backend replicas
  server a a:5432 check inter 7s
";
    let read = read(text).unwrap();
    assert_eq!(read.backend(None, Some(5432)).unwrap().name, "primary");
    assert_eq!(read.backend(None, Some(5433)).unwrap().name, "replicas");
    let error = read.backend(None, Some(1)).unwrap_err().to_string();
    assert_eq!(
        error,
        "haproxy.cfg: port 1 leads to no backend with checked servers; those that there are: primary, replicas"
    );
    let error = read.backend(None, None).unwrap_err().to_string();
    assert!(error.ends_with("asks for the leader: primary, replicas"), "{error}");
}

/// A port that leads to several backends leads to none of the others, whatever these ask for.
#[test]
fn a_port_of_several_backends_leads_to_one_of_them() {
    let text = "
frontend front
  bind :5432
  use_backend a if { always_true }
  default_backend b
backend a
  server a a:1 check
backend b
  server a a:1 check
backend primary
  option httpchk GET /primary
  server a a:1 check
";
    let read = read(text).unwrap();
    let error = read.backend(None, Some(5432)).unwrap_err().to_string();
    assert!(error.contains("several backends"), "{error}");
    assert_eq!(read.backend(None, None).unwrap().name, "primary");
    let text = text.replace("backend a\n", "backend a\n  option httpchk GET /leader\n");
    let read = self::read(&text).unwrap();
    assert_eq!(read.backend(None, Some(5432)).unwrap().name, "a");
}

#[test]
fn a_timeout_of_nothing_is_none() {
    let text = "listen one\n  timeout connect 0\n  timeout check 0\n  server a a:1 check\n";
    let one = read(text).unwrap().backend(Some("one"), None).unwrap().checks;
    assert_eq!((one.connect_timeout, one.check_timeout), (None, None));
}

#[test]
fn what_is_disabled_is_not_there() {
    let text = "
listen one
  server a a:1 check inter 9s disabled
  server b b:1 check inter 1s
listen two
  disabled
  server a a:1 check
defaults
  disabled
listen three
  enabled
  default-server disabled
  server a a:1 check
  server b b:1 check enabled inter 7s
";
    let read = read(text).unwrap();
    assert_eq!(read.backend(Some("one"), None).unwrap().checks.inter, ms(1000));
    assert_eq!(read.backend(Some("three"), None).unwrap().checks.inter, ms(7000));
    let error = read.backend(Some("two"), None).unwrap_err().to_string();
    let words = "is disabled: HAProxy sends nothing there before it is enabled";
    assert_eq!(error, format!("haproxy.cfg:5: two {words}"));
    let all = "listen a\n server a a:1 check disabled\n";
    assert!(wrong(all).contains("all servers with `check` are disabled"), "{}", wrong(all));
}

#[test]
fn defaults_are_those_before_a_section_or_those_it_names() {
    let text = "
defaults slow
  timeout check 9s
  default-server inter 9s
defaults quick from slow
  default-server inter 1s
defaults
  retries 7
listen one from quick
  server a a:1 check
listen two
  server a a:1 check
";
    let read = read(text).unwrap();
    let one = read.backend(Some("one"), None).unwrap().checks;
    assert_eq!((one.inter, one.check_timeout, one.retries), (ms(1000), Some(ms(9000)), 3));
    let two = read.backend(Some("two"), None).unwrap().checks;
    assert_eq!((two.inter, two.check_timeout, two.retries), (ms(2000), None, 7));
    assert_eq!(
        wrong("listen x from nope\n"),
        "haproxy.cfg:1: there is no defaults section nope before it"
    );
}

#[test]
fn times_have_units() {
    for (text, time) in [
        ("250us", Duration::from_micros(250)),
        ("250", ms(250)),
        ("250ms", ms(250)),
        ("3s", ms(3000)),
        ("2m", ms(120_000)),
        ("1h", ms(3_600_000)),
        ("1d", ms(86_400_000)),
    ] {
        assert_eq!(only(&format!("listen a\n server a a:1 check inter {text}\n")).inter, time);
    }
    for text in ["3sec", "s", "-1s", "1.5s", "0", "0s", "25d", "99999999999999999999s", "é"] {
        let words = wrong(&format!("listen a\n server a a:1 check inter {text}\n"));
        assert!(words.starts_with("haproxy.cfg:2: "), "{text}: {words}");
    }
    for text in ["rise 0", "fall x", "fall", "rise 99999999999"] {
        let words = wrong(&format!("listen a\n server a a:1 check {text}\n"));
        assert!(words.starts_with("haproxy.cfg:2: "), "{text}: {words}");
    }
}

#[test]
fn quotes_escapes_and_comments_are_read() {
    let text = "listen 'a # b' # a comment
 server \"a\" a:1 check \\#inter 1s inter \"7s\" # inter 9s
 server inter inter:1 check port 8008 sni rise
";
    let found = read(text).unwrap().backend(None, None).unwrap();
    assert_eq!((found.name.as_str(), found.checks.inter), ("a # b", ms(7000)));
    for text in ["listen 'a", "listen \"a", "listen a\\"] {
        assert!(wrong(text).starts_with("haproxy.cfg:1: "), "{text}");
    }
}

#[test]
fn variables_are_filled_in_where_they_are_set() {
    let variable = |name: &str| match name {
        "CHECK" => Some("inter 500ms fall 2".to_owned()),
        "CONNECT" => Some("1s".to_owned()),
        _ => None,
    };
    let text = r#"defaults
 timeout connect "${CONNECT}"
 timeout check "${NOT_SET-3s}"
 default-server "${CHECK[*]}" rise 1
listen a
 bind "${ALSO_NOT_SET}"
 server a a:1 check "#;
    let read = |text: &str| {
        HaproxyConfiguration::read("x", text.as_bytes(), &variable)
            .and_then(|read| read.backend(None, None))
    };
    let checks = read(text).unwrap().checks;
    assert_eq!((checks.inter, checks.fall, checks.rise), (ms(500), 2, 1));
    assert_eq!((checks.connect_timeout, checks.check_timeout), (Some(ms(1000)), Some(ms(3000))));
    let error = read("listen a\n server \"${MEMBER[*]}\" check\n").unwrap_err();
    let variable = "MEMBER".to_owned();
    assert_eq!(error, ConfigurationError::NotSet { file: "x".to_owned(), line: 2, variable });
    for text in ["listen \"${A\"", "listen \"$\"", "listen \"${A!}\""] {
        assert!(read(text).unwrap_err().to_string().starts_with("x:1: "), "{text}");
    }
}

#[test]
fn what_is_no_configuration_is_said_to_be_none() {
    let read = |bytes: &[u8]| HaproxyConfiguration::read("x", bytes, &none).map(|_| ());
    assert!(matches!(read(b"listen a\0"), Err(ConfigurationError::NoText { .. })));
    assert!(read(b"\xff\xfe").unwrap_err().to_string().ends_with("stands before any section"));
    assert_eq!(only("# caf\u{e9}\nlisten a\n server a a:1 check inter\u{b}3s\n").inter, ms(3000));
    let latin = b"listen a\n # caf\xe9\n server a a:1 check inter 3s\n";
    let latin = HaproxyConfiguration::read("x", latin, &none).unwrap();
    assert_eq!(latin.backend(None, None).unwrap().checks.inter, ms(3000));
    assert_eq!(only("listen a\n server-template s 3 a:1 check inter 5s\n").inter, ms(5000));
    assert!(wrong("").contains("no section has a server with `check`"));
    let outside = wrong("{\"json\": true}");
    assert_eq!(outside, "haproxy.cfg:1: {json: stands before any section");
    // A byte order mark, which HAProxy takes for a part of the first word.
    assert!(wrong("\u{feff}defaults\n").ends_with("defaults stands before any section"));
    assert!(wrong(".if defined(X)\n").contains("conditions"));
    assert!(wrong("listen a\n server a a:1\n").contains("alive or not"));
    let steering = read(b"listen a\n server a a:1 check inter \x1b[31m\n").unwrap_err().to_string();
    assert!(!steering.contains('\x1b'), "{steering:?}");
    let many = "a ".repeat(100_000);
    assert!(wrong(&format!("listen {many}")).contains("more than 1024 words"));
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(
        text in "(listen|defaults|backend|server|default-server| check|inter|\"|\\$\\{|\\}|\\[\\*\\]|\\\\|[ -~é\\n]){0,60}",
    ) {
        let _ = read(&text).map(|read| read.backend(None, Some(5000)));
    }
}
