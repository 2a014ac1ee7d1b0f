//! No input makes a parser panic; what is quoted is read as it was; where the driver can read it, it reads the same.

use proptest::prelude::*;
use tokio_postgres::Config;
use tokio_postgres::config::Host as DriverHost;

use super::super::{dsn as dsn_module, pgpass, service};
use super::*;

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn percent_encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Text made of the signs that mean something, and others.
fn crafted() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("postgres://".to_owned()),
        Just("host=".to_owned()),
        Just("port=".to_owned()),
        Just("password=".to_owned()),
        "[a-z0-9 :/@?&=%,'\\\\\\[\\]*#\n]{0,6}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_connection_string_panics(text in crafted()) {
        let _ = resolve(&dsn(&text), &Environment::empty());
        let _ = resolve(&dsn(&format!("postgres://{text}")), &Environment::empty());
        let flags = Explicit {
            dsn: None,
            host: Some(text.clone()),
            port: Some(text.clone()),
            user: Some(text.clone()),
            dbname: Some(text),
            ..Explicit::default()
        };
        let _ = resolve(&flags, &Environment::empty());
    }

    #[test]
    fn no_file_panics(text in crafted(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = service::section(&format!("[a]\n{text}"), "a", "/f".as_ref());
        let _ = pgpass::lookup(&bytes, std::slice::from_ref(&text), [&text, "d", "u"]);
    }

    #[test]
    fn key_value_quoting_round_trips(values in prop::collection::vec(any::<String>(), 0..6)) {
        let text: Vec<String> = values.iter().map(|value| format!("user = {} ", quoted(value))).collect();
        let pairs = dsn_module::pairs(&text.concat()).unwrap();
        let read: Vec<String> = pairs.into_iter().map(|pair| pair.value).collect();
        prop_assert_eq!(read, values);
    }

    #[test]
    fn both_forms_and_the_password_file_carry_any_value(value in "[^\0]{1,20}") {
        let key_value = format!("user={0} dbname={0} password={0}", quoted(&value));
        let encoded = percent_encoded(&value);
        let uri = format!("postgres://{encoded}:{encoded}@/{encoded}");
        let host = with_password(tcp("localhost", 5432), &value, said(Origin::ConnectionString));
        let expected = ConnectSettings { hosts: vec![host], user: value.clone(), dbname: value.clone(), ..defaults() };
        prop_assert_eq!(quietly(&dsn(&key_value), &Environment::empty()), expected.clone());
        prop_assert_eq!(quietly(&dsn(&uri), &Environment::empty()), expected);
    }

    #[test]
    fn the_password_file_carries_any_value(value in "[^\0\r\n]{1,20}") {
        let escaped = value.replace('\\', "\\\\").replace(':', "\\:");
        // A comment's sign and a lone star have a meaning of their own at the beginning.
        prop_assume!(!value.starts_with('#') && value != "*");
        let content = format!("{escaped}:1:{escaped}:{escaped}:{escaped}\n");
        let found = pgpass::lookup(content.as_bytes(), std::slice::from_ref(&value), ["1", &value, &value]);
        prop_assert_eq!(found, Some(Password::new(value)));
    }

    #[test]
    fn the_driver_reads_the_same(
        names in prop::collection::vec("[a-z]{1,5}", 1..4),
        port in 1..u16::MAX,
        user in "[a-z@:/ ]{1,5}",
    ) {
        let hosts = names.join(",");
        let ported: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        let key_value = format!("host={hosts} port={port} user={}", quoted(&user));
        let uri = format!("postgres://{}@{}/d", percent_encoded(&user), ported.join(","));
        for text in [key_value, uri] {
            let driver: Config = text.parse().unwrap();
            let settings = quietly(&dsn(&text), &Environment::empty());
            let read: Vec<Host> = driver.get_hosts().iter().map(|host| match host {
                DriverHost::Tcp(name) => tcp(name, port),
                DriverHost::Unix(folder) => unix(&folder.display().to_string(), port),
            }).collect();
            prop_assert_eq!(settings.hosts, read);
            prop_assert_eq!(Some(settings.user.as_str()), driver.get_user());
        }
    }
}
