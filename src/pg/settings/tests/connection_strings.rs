//! Both forms of the connection string, hosts and ports, and what is wrong with them.

use std::time::Duration;

use super::*;

fn hosts(text: &str) -> Vec<Host> {
    quietly(&dsn(text), &Environment::empty()).hosts
}

fn wrong(text: &str) -> String {
    failure(&dsn(text), &Environment::empty())
}

#[test]
fn both_forms_say_the_same() {
    let expected = ConnectSettings {
        hosts: vec![with_password(tcp("h", 5501), "p w/d", said(Origin::ConnectionString))],
        user: "me@home".to_owned(),
        dbname: "my db".to_owned(),
        application_name: Some("a&b".to_owned()),
        connect_timeout: Some(Duration::from_secs(3)),
        keepalive: Keepalive {
            enabled: Some(true),
            idle: Some(Duration::from_secs(5)),
            interval: Some(Duration::from_secs(2)),
            count: Some(3),
        },
        tcp_user_timeout: Some(Duration::from_millis(1500)),
        ..defaults()
    };
    let rest = "connect_timeout=3 keepalives=1 keepalives_idle=5 keepalives_interval=2 keepalives_count=3 tcp_user_timeout=1500";
    let key_value = format!(
        "host=h port=5501 user=me@home dbname='my db' password=p\\ w/d application_name=a&b {rest}"
    );
    let uri = format!(
        "postgresql://me%40home:p%20w%2Fd@h:5501/my%20db?application_name=a%26b&{}",
        rest.replace(' ', "&")
    );
    assert_eq!(quietly(&dsn(&key_value), &Environment::empty()), expected);
    assert_eq!(quietly(&dsn(&uri), &Environment::empty()), expected);
}

#[test]
fn hosts_ports_and_sockets() {
    let address = |name: &str, hostaddr: &str| Host {
        hostaddr: ZonedAddress::parse(hostaddr),
        ..tcp(name, 5432)
    };
    for (text, expected) in [
        ("host=a,b port=1,2", vec![tcp("a", 1), tcp("b", 2)]),
        ("host=a,b port=7", vec![tcp("a", 7), tcp("b", 7)]),
        ("host=a,,b port=1,,3", vec![tcp("a", 1), tcp("localhost", 5432), tcp("b", 3)]),
        ("host=::1 port=' +5433 '", vec![tcp("::1", 5433)]),
        ("host=/run/pg,@abstract", vec![unix("/run/pg", 5432), unix("@abstract", 5432)]),
        ("hostaddr=10.0.0.1", vec![address("10.0.0.1", "10.0.0.1")]),
        ("host=n,m hostaddr=10.0.0.1,", vec![address("n", "10.0.0.1"), tcp("m", 5432)]),
        ("host=/n hostaddr=10.0.0.1", vec![address("/n", "10.0.0.1")]),
        ("hostaddr=fe80::1%lo", vec![address("fe80::1%lo", "fe80::1%lo")]),
        ("host=n hostaddr=fe80::1%3", vec![address("n", "fe80::1%3")]),
        ("host=fe80::1%lo", vec![tcp("fe80::1%lo", 5432)]),
        ("postgres://[fe80::1%25lo]:3", vec![tcp("fe80::1%lo", 3)]),
        ("postgres://%40abstract:2", vec![unix("@abstract", 2)]),
        ("postgres://", vec![tcp("localhost", 5432)]),
        ("postgres://a,b:2,[::1]:3/d", vec![tcp("a", 5432), tcp("b", 2), tcp("::1", 3)]),
        ("postgres://%2Frun%2Fpg:2", vec![unix("/run/pg", 2)]),
        ("postgres:///d?host=/run/pg&port=2&", vec![unix("/run/pg", 2)]),
        ("postgres://a:1/d?port=2&host=b", vec![tcp("b", 2)]),
    ] {
        assert_eq!(hosts(text), expected, "{text}");
    }
    let target = quietly(&dsn("host=a,::1,/run/pg"), &Environment::empty()).display_target();
    assert_eq!(target, "a:5432,[::1]:5432,/run/pg:5432");
}

#[test]
fn a_socket_has_the_servers_name_for_it() {
    assert_eq!(unix("/run/pg", 5433).socket_path(), Some("/run/pg/.s.PGSQL.5433".into()));
    assert_eq!(tcp("a", 5433).socket_path(), None);
}

#[test]
fn of_what_is_said_twice_the_last_counts_and_a_time_of_zero_is_none() {
    let settings = quietly(&dsn("user=a connect_timeout=0 user=b"), &Environment::empty());
    assert_eq!(settings, ConnectSettings { user: "b".to_owned(), ..defaults() });
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of values")]
fn values_that_cannot_be() {
    for (text, expected) in [
        (
            "port=5500x",
            "invalid port \"5500x\" (from the connection string): a port is a whole number from 1 to 65535",
        ),
        (
            "port=0",
            "invalid port \"0\" (from the connection string): a port is a whole number from 1 to 65535",
        ),
        (
            "port=70000",
            "invalid port \"70000\" (from the connection string): a port is a whole number from 1 to 65535",
        ),
        (
            "host=a,b port=1,2,3",
            "3 port values (from the connection string) for 2 hosts (from the connection string): give one for all, or as many as hosts, separated by commas",
        ),
        (
            "port=1,2",
            "2 port values (from the connection string) for the one default host: give one for all, or as many as hosts, separated by commas",
        ),
        (
            "host=a hostaddr=::1,::2",
            "2 hostaddr values (from the connection string) for 1 host (from the connection string): give as many as hosts, separated by commas",
        ),
        (
            "hostaddr=db",
            "invalid hostaddr \"db\" (from the connection string): it must be IP addresses; names belong in host",
        ),
        (
            "connect_timeout=3s",
            "invalid connect_timeout \"3s\" (from the connection string): it must be a whole number",
        ),
        (
            "target_session_attrs=master",
            "invalid target_session_attrs \"master\" (from the connection string): it must be one of any, read-write, read-only, primary, standby, prefer-standby",
        ),
        (
            "hots=x",
            "invalid connection option \"hots\" in the connection string; did you mean \"host\"?",
        ),
        (
            "username=x",
            "invalid connection option \"username\" in the connection string; did you mean \"user\"?",
        ),
        (
            "postgres://h?ssl_mode=x",
            "invalid connection option \"ssl_mode\" in the connection string; did you mean \"sslmode\"?",
        ),
        ("colour=x", "invalid connection option \"colour\" in the connection string"),
        (
            "user=a\0b",
            "user (from the connection string) contains a NUL byte, which PostgreSQL cannot take",
        ),
    ] {
        assert_eq!(wrong(text), expected);
    }
    let explicit = Explicit { port: Some("55oo".to_owned()), ..Explicit::default() };
    assert_eq!(
        failure(&explicit, &Environment::empty()),
        "invalid port \"55oo\" (from -p/--port): a port is a whole number from 1 to 65535"
    );
}

#[test]
fn strings_that_cannot_be_read() {
    for (text, expected) in [
        (
            "host=a foo",
            "the word at character 8 has no \"=\" after it (a value with spaces needs quotes: 'two words')",
        ),
        (
            "user='x",
            "the quoted value that begins at character 6 has no closing ' (inside, write \\' and \\\\)",
        ),
        (
            "port= user=a",
            "at character 7 a value is due, and another option begins (an empty value is '')",
        ),
        ("postgres://[::1", "an IPv6 address in the URI is written in brackets, like [::1]"),
        ("postgres://[]", "an IPv6 address in the URI is written in brackets, like [::1]"),
        (
            "postgres://[::1]x",
            "after an IPv6 address in brackets come \":\", \",\", \"/\" or the end",
        ),
        (
            "postgres://h?x",
            "parameter 1 after the \"?\" is not of the form name=value (inside a value, write = as %3D and & as %26)",
        ),
        (
            "postgres://h?user=a&port=b=c",
            "parameter 2 after the \"?\" is not of the form name=value (inside a value, write = as %3D and & as %26)",
        ),
        (
            "postgres://h/%zz",
            "the database has a \"%\" without two hexadecimal digits after it (a plain % is written %25)",
        ),
        (
            "postgres://h%0",
            "the host has a \"%\" without two hexadecimal digits after it (a plain % is written %25)",
        ),
        ("postgres://h%00", "the host has %00 in it, which PostgreSQL cannot take"),
        ("postgres://%ff@h", "the user is not valid UTF-8 once its %XX are decoded"),
        ("jdbc:postgresql://h/d", "it must begin with postgresql:// or postgres://"),
        ("POSTGRES://h/d?user=a", "it must begin with postgresql:// or postgres://"),
        (
            "me:pw@h/d",
            "it looks like a URI without its beginning: write postgresql://user@host:port/database",
        ),
    ] {
        assert_eq!(
            wrong(text),
            format!("the connection string cannot be read: {expected}"),
            "{text}"
        );
    }
}
