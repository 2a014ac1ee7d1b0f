//! Which source wins: flags, connection string, service, environment, defaults.

use std::time::Duration;

use super::*;

/// A member's own connection string says where it is; the rest is as the cluster is connected to.
#[test]
fn a_member_is_connected_to_as_its_cluster_is_but_for_where() {
    let cluster = Explicit {
        dsn: Some(
            "postgresql://app:said@proxy:5500/shop?target_session_attrs=read-write&sslmode=disable"
                .to_owned(),
        ),
        ..Explicit::default()
    };
    let member = |dsn: &str| Explicit {
        dsn: Some(dsn.to_owned()),
        of_cluster: Some(Box::new(cluster.clone())),
        ..Explicit::default()
    };
    let environment =
        Environment::empty().with_variable("PGPORT", "6000").with_variable("PGHOST", "elsewhere");
    let settings = |dsn: &str| resolve(&member(dsn), &environment).unwrap().settings;
    let one = settings("host=10.0.0.1");
    assert_eq!(one.display_target(), "10.0.0.1:5432", "neither the proxy's port nor PGPORT");
    assert_eq!((one.user.as_str(), one.dbname.as_str()), ("app", "shop"));
    assert_eq!(one.hosts[0].password.as_bytes(), b"said");
    assert_eq!(one.target_session_attrs, None);
    let other = settings("postgresql://watcher:own@10.0.0.2:5433/postgres");
    assert_eq!(other.display_target(), "10.0.0.2:5433");
    assert_eq!((other.user.as_str(), other.dbname.as_str()), ("watcher", "postgres"));
    assert_eq!(other.hosts[0].password.as_bytes(), b"own");
}

#[test]
fn nothing_said_is_the_bundled_cluster_on_its_usual_port() {
    assert_eq!(quietly(&Explicit::default(), &Environment::empty()), defaults());
    assert_eq!(defaults().display_target(), "localhost:5432");
}

#[test]
fn every_flag_is_heard() {
    let explicit = Explicit {
        dsn: None,
        host: Some("a,b".to_owned()),
        port: Some("5500".to_owned()),
        user: Some("app".to_owned()),
        dbname: Some("shop".to_owned()),
        ..Explicit::default()
    };
    let expected = ConnectSettings {
        hosts: vec![tcp("a", 5500), tcp("b", 5500)],
        user: "app".to_owned(),
        dbname: "shop".to_owned(),
        ..defaults()
    };
    assert_eq!(quietly(&explicit, &Environment::empty()), expected);
    assert_eq!(expected.display_target(), "a:5500,b:5500");
}

#[test]
fn a_user_alone_does_not_change_the_database() {
    let explicit = Explicit { user: Some("app".to_owned()), ..Explicit::default() };
    let expected = ConnectSettings { user: "app".to_owned(), ..defaults() };
    assert_eq!(quietly(&explicit, &Environment::empty()), expected);
}

#[test]
fn every_variable_is_heard() {
    let environment = variables(&[
        ("PGHOST", "db"),
        ("PGHOSTADDR", "10.0.0.7"),
        ("PGPORT", "6432"),
        ("PGUSER", "app"),
        ("PGPASSWORD", "secret"),
        ("PGDATABASE", "host=not-a-connection-string"),
        ("PGSSLMODE", "disable"),
        ("PGAPPNAME", "drill"),
        ("PGCONNECT_TIMEOUT", "7"),
        ("PGOPTIONS", "-c geqo=off"),
        ("PGTARGETSESSIONATTRS", "read-write"),
        ("PGLOADBALANCEHOSTS", "random"),
        ("PGCHANNELBINDING", "disable"),
    ]);
    let expected = ConnectSettings {
        hosts: vec![Host {
            hostaddr: ZonedAddress::parse("10.0.0.7"),
            ..with_password(tcp("db", 6432), "secret", said(Origin::Variable("PGPASSWORD")))
        }],
        user: "app".to_owned(),
        dbname: "host=not-a-connection-string".to_owned(),
        application_name: Some("drill".to_owned()),
        options: Some("-c geqo=off".to_owned()),
        security: in_the_clear(SslMode::Disable),
        connect_timeout: Some(Duration::from_secs(7)),
        target_session_attrs: Some(super::super::TargetSession::ReadWrite),
        load_balance_hosts: LoadBalanceHosts::Random,
        channel_binding: ChannelBinding::Disable,
        ..defaults()
    };
    assert_eq!(quietly(&Explicit::default(), &environment), expected);
}

#[test]
fn each_layer_hides_the_weaker_ones() {
    let environment = variables(&[
        ("PGHOST", "of-variable"),
        ("PGUSER", "of-variable"),
        ("PGAPPNAME", "of-variable"),
        ("PGDATABASE", "of-variable"),
        ("PGOPTIONS", "of-variable"),
        ("PGSERVICE", "shop"),
    ])
    .with_home("/home/me")
    .with_file(
        "/home/me/.pg_service.conf",
        0o644,
        "[shop]\nhost=of-service\nuser=of-service\ndbname=of-service\napplication_name=of-service\n",
    );
    let explicit = Explicit {
        host: Some("of-flag".to_owned()),
        ..dsn("host=of-string user=of-string dbname=of-string")
    };
    let expected = ConnectSettings {
        hosts: vec![tcp("of-flag", 5432)],
        user: "of-string".to_owned(),
        dbname: "of-string".to_owned(),
        application_name: Some("of-service".to_owned()),
        options: Some("of-variable".to_owned()),
        ..defaults()
    };
    assert_eq!(quietly(&explicit, &environment), expected);
}

#[test]
fn an_empty_value_hides_weaker_layers_and_means_the_default() {
    let environment = variables(&[("PGHOST", "db"), ("PGPORT", "6432"), ("PGUSER", "")]);
    assert_eq!(quietly(&dsn("host='' port=''"), &environment), defaults());
}

#[test]
fn an_empty_flag_says_nothing() {
    let explicit =
        Explicit { host: Some(String::new()), dsn: Some(String::new()), ..Explicit::default() };
    let expected = ConnectSettings { hosts: vec![tcp("db", 5432)], ..defaults() };
    assert_eq!(quietly(&explicit, &variables(&[("PGHOST", "db")])), expected);
}

#[test]
fn a_name_or_a_connection_string_may_stand_in_either_place() {
    let given = |dsn: Option<&str>, dbname: Option<&str>| Explicit {
        dsn: dsn.map(str::to_owned),
        dbname: dbname.map(str::to_owned),
        ..Explicit::default()
    };
    let at_b =
        ConnectSettings { hosts: vec![tcp("b", 5432)], dbname: "shop".to_owned(), ..defaults() };
    let environment = Environment::empty();
    for explicit in [
        given(Some("host=b dbname=shop"), None),
        given(None, Some("postgres://b/shop")),
        given(Some("host=b dbname=other"), Some("shop")),
        given(Some("shop"), Some("host=b dbname=other")),
    ] {
        assert_eq!(quietly(&explicit, &environment), at_b);
    }
    assert_eq!(
        failure(&given(Some("host=a"), Some("host=b")), &environment),
        "two connection strings were given, as the argument and with -d/--dbname: give one"
    );
    assert_eq!(
        failure(&given(Some("one"), Some("two")), &environment),
        "two databases were given, \"one\" and \"two\" (-d/--dbname): give one"
    );
}

#[test]
fn a_host_by_flag_is_not_led_astray_by_an_address() {
    let explicit = Explicit { host: Some("db".to_owned()), ..Explicit::default() };
    let Resolved { settings, warnings, .. } =
        resolve(&explicit, &variables(&[("PGHOSTADDR", "10.0.0.7")])).unwrap();
    assert_eq!(settings, ConnectSettings { hosts: vec![tcp("db", 5432)], ..defaults() });
    let words: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["hostaddr (from PGHOSTADDR) is ignored: -h/--host says where to connect"]);
}

#[test]
fn the_fallback_name_is_used_when_no_name_is_said() {
    let text = "fallback_application_name=fallback";
    let named =
        |name: &str| ConnectSettings { application_name: Some(name.to_owned()), ..defaults() };
    assert_eq!(quietly(&dsn(text), &Environment::empty()), named("fallback"));
    assert_eq!(quietly(&dsn(text), &variables(&[("PGAPPNAME", "app")])), named("app"));
}
