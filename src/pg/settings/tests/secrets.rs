//! A password is shown nowhere, also when what carries it is wrong.

use super::*;

const SECRET: &str = "hunter2";

#[test]
fn debug_and_display_show_no_password() {
    let explicit =
        Explicit { dbname: Some("postgres://u:hunter2@h/d".to_owned()), ..dsn("password=hunter2") };
    assert!(!format!("{explicit:?}").contains(SECRET));
    let environment = variables(&[("PGPASSWORD", SECRET), ("PGCHAOS_DSN", "password=hunter2")]);
    assert!(!format!("{environment:?}").contains(SECRET));
    let resolved = resolve(&Explicit::default(), &environment).unwrap();
    assert_eq!(resolved.settings.hosts[0].password, Password::new(SECRET));
    assert!(!format!("{resolved:?}").contains(SECRET));
    assert!(!format!("{resolved:#?}").contains(SECRET));
    let password = Password::new(SECRET);
    assert_eq!(format!("{password} {password:?}"), "*** Password(***)");
    let config = resolved.settings.to_driver_config(&resolved.settings.hosts[0], None, false);
    assert!(!format!("{config:?}").contains(SECRET));
}

/// As the value of an option that takes no connection string; libpq would send it as a name.
#[test]
fn a_connection_string_out_of_place_is_refused() {
    let texts = ["postgresql://u:hunter2@h/d", "host=h password=hunter2", "u:hunter2@h"];
    for variable in [
        "PGHOST",
        "PGPORT",
        "PGDATABASE",
        "PGUSER",
        "PGPASSFILE",
        "PGSERVICE",
        "PGSERVICEFILE",
        "PGSSLMODE",
        "PGSSLROOTCERT",
        "PGCONNECT_TIMEOUT",
        "PGTARGETSESSIONATTRS",
    ] {
        for text in texts {
            let words = failure(&Explicit::default(), &variables(&[(variable, text)]));
            assert!(!words.contains(SECRET), "{variable}={text}: {words}");
            assert!(words.contains(variable), "{variable}={text}: {words}");
        }
    }
    for text in &texts[..2] {
        let words = failure(&Explicit::default(), &variables(&[("PGAPPNAME", text)]));
        assert!(!words.contains(SECRET) && words.contains("PGAPPNAME"), "{text}: {words}");
    }
    for text in [
        "dbname=postgres://u:hunter2@h/d",
        "dbname='host=h password=hunter2'",
        "postgres://h/postgres:%2F%2Fu:hunter2%40h",
    ] {
        let words = failure(&dsn(text), &Environment::empty());
        assert!(words.starts_with("invalid dbname \"***\""), "{text}: {words}");
    }
    let words = failure(&Explicit::default(), &variables(&[("PGDATABASE", texts[0])]));
    let expected = "invalid dbname \"***\" (from PGDATABASE): it is a connection string, or a part of one that may \
                    hold a password: give a connection string with -d/--dbname";
    assert_eq!(words, expected);
    // The remedy.
    let settings = quietly(
        &Explicit { dbname: Some(texts[0].to_owned()), ..Explicit::default() },
        &Environment::empty(),
    );
    assert_eq!((settings.dbname.as_str(), settings.user.as_str()), ("d", "u"));
    // A password may be anything, and so may a setting of the server's.
    for password in texts {
        let fine = variables(&[("PGPASSWORD", password), ("PGOPTIONS", "-c my.password=x")]);
        assert_eq!(quietly(&dsn(""), &fine).hosts[0].password, Password::new(password));
    }
}

#[test]
fn the_default_password_stays_on_this_machine() {
    let sent = |text: &str, at: Option<&str>| {
        let host = quietly(&dsn(text), &Environment::empty()).hosts.remove(0);
        host.password_at(at.map(|ip| ip.parse().unwrap())).cloned()
    };
    let default = Some(Password::new("postgres"));
    for here in [None, Some("127.0.0.1"), Some("127.8.8.8"), Some("::1"), Some("::ffff:127.0.0.1")]
    {
        assert_eq!(sent("host=h", here), default, "{here:?}");
    }
    for there in ["10.0.0.3", "192.168.32.5", "0.0.0.0", "::", "fe80::1", "::ffff:10.0.0.3"] {
        assert_eq!(sent("host=localhost", Some(there)), None, "{there}");
        assert_eq!(sent("password=postgres", Some(there)), default, "{there}: it was said");
    }
    for (text, by_name) in [
        ("host=localhost", true),
        ("host=127.0.0.1", true),
        ("host=/tmp", true),
        ("host=@x", true),
        ("host=localhost hostaddr=10.0.0.3", false),
        ("host=db hostaddr=127.0.0.1", true),
        ("host=db", false),
        ("host=10.0.0.3", false),
    ] {
        let host = quietly(&dsn(text), &Environment::empty()).hosts.remove(0);
        assert_eq!(host.password_by_name().is_some(), by_name, "{text}");
    }
}

#[test]
fn no_password_leaves_this_machine_for_a_host_that_a_record_alone_names() {
    let said = Password::new("hunter2");
    for text in ["host=h password=hunter2", "host=h hostaddr=10.0.0.3 password=hunter2"] {
        let settings = quietly(&dsn(text), &Environment::empty());
        let there = Some("10.0.0.3".parse().unwrap());
        assert_eq!(settings.hosts[0].password_at(there), Some(&said), "the user names it");
        let host = settings.by_record_alone().hosts.remove(0);
        assert_eq!(host.password_at(there), None, "{text}");
        assert_eq!(host.password_by_name(), None, "{text}");
        let here = [None, Some("127.0.0.1".parse().unwrap()), Some("::1".parse().unwrap())];
        for here in here {
            assert_eq!(host.password_at(here), Some(&said), "{text}: {here:?}");
        }
    }
}

#[test]
fn no_error_shows_a_password_that_was_written_wrong() {
    for text in [
        "password=two hunter2",
        "password=two hunter2=x",
        "password='hunter2",
        "password=hunter2 port=x",
        "host=h port= password=hunter2",
        "host=u:hunter2@h",
        "port=u:hunter2@h",
        "hunter2@h:5432/d",
        "postgre://u:hunter2@h/d",
        "postgre://u:hunter2@h/d?sslmode=require",
        "postgres://u:hunter2/x@h/d",
        "postgres://u:x/hunter2@h/d",
        "postgres://u:1/hunter2@h/d",
        "postgres://u:x@hunter2@h/d",
        "postgres://u:x@y/hunter2@h/d",
        "postgres://u:x@y?hunter2@h/d",
        "postgres://u:x@y?hunter2=z@h/d",
        "postgres://u:hunter2%@h/d",
        "postgres://u:hunter2@h:port/d",
        "postgres://u:hunter2@h/d?what=ever",
        "postgres://u:hunter2@h/d?sslmode=never",
        "postgres://u:hunter2",
        "postgres://u:hunter2/d",
        "postgres://h/d?password=a&hunter2=b",
        "postgres://h/d?password=a&sslmode=disable&hunter2=b",
        "postgres://h/d?PassWord=a&hunter2=b",
        "password=a host=h hunter2=b",
        "host=h user=postgres://u:hunter2@h/d",
        "service=postgres://u:hunter2@h/d",
        "host=h passfile=postgres://u:hunter2@h/d",
        "application_name=postgres://u:hunter2@h/d",
        "options=postgres://u:hunter2@h/d",
    ] {
        let error = resolve(&dsn(text), &Environment::empty()).unwrap_err();
        let words = failure(&dsn(text), &Environment::empty());
        assert!(!words.contains(SECRET), "{text}: {words}");
        assert!(!format!("{error:?}").contains(SECRET), "{text}: {error:?}");
        let by_flag = Explicit {
            dbname: Some(text.to_owned()),
            dsn: Some("other".to_owned()),
            ..Explicit::default()
        };
        assert!(!failure(&by_flag, &Environment::empty()).contains(SECRET), "{text}");
    }
}
