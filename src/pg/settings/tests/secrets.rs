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
    let config = resolved.settings.to_driver_config(&resolved.settings.hosts[0]);
    assert!(!format!("{config:?}").contains(SECRET));
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
