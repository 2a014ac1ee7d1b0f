//! Service files and password files.

use super::*;

const SERVICES: &str = "# services\n[one]\nhost=h\nport=15501\nport=1\n  user=svc  \npassword=spw\napplication_name= lead\n\
    [two]\nhost = h\n[three]\nservice=one\n[four]\nhots=x\n[five]\njunk\n[onemore]\nuser=x\n";

fn home() -> Environment {
    Environment::empty().with_home("/home/me")
}

#[test]
fn a_service_says_what_its_section_says() {
    let origin = Origin::Service {
        name: "one".to_owned(),
        file: "/home/me/.pg_service.conf".into(),
        line: 7,
    };
    let expected = ConnectSettings {
        hosts: vec![with_password(tcp("h", 15501), "spw", said(origin))],
        user: "svc".to_owned(),
        application_name: Some(" lead".to_owned()),
        ..defaults()
    };
    let environment = home().with_file("/home/me/.pg_service.conf", 0o644, SERVICES);
    assert_eq!(quietly(&dsn("service=one"), &environment), expected);
    assert_eq!(quietly(&dsn("postgres://?service=one"), &environment), expected);
    let by_variable = environment.with_variable("PGSERVICE", "one");
    assert_eq!(quietly(&Explicit::default(), &by_variable), expected);
}

#[test]
fn service_files_are_looked_for_as_libpq_does() {
    let on_port = |port| ConnectSettings { hosts: vec![tcp("localhost", port)], ..defaults() };
    let environment = home()
        .with_file("/home/me/.pg_service.conf", 0o644, "[mine]\nport=1\n[both]\nport=1")
        .with_file("/etc/postgresql-common/pg_service.conf", 0o644, "[both]\nport=2\n[etc]\nport=2")
        .with_file("/sys/pg_service.conf", 0o644, "[sys]\r\nport=3\r\n")
        .with_file("/given.conf", 0o644, "[mine]\nport=4");
    for (service, variables, port) in [
        ("mine", None, 1),
        ("both", None, 1),
        ("etc", None, 2),
        ("sys", Some(("PGSYSCONFDIR", "/sys")), 3),
        ("mine", Some(("PGSERVICEFILE", "/given.conf")), 4),
        ("etc", Some(("PGSERVICEFILE", "/given.conf")), 2),
    ] {
        let add = |(name, value)| environment.clone().with_variable(name, value);
        let environment = variables.map_or_else(|| environment.clone(), add);
        assert_eq!(
            quietly(&dsn(&format!("service={service}")), &environment),
            on_port(port),
            "{service}"
        );
    }
    assert_eq!(
        failure(
            &dsn("service=x servicefile=/given.conf"),
            &environment.with_variable("PGSYSCONFDIR", "/sys")
        ),
        "definition of service \"x\" not found; looked in /given.conf, /sys/pg_service.conf"
    );
}

#[test]
fn what_is_wrong_in_a_service_file_is_told_with_file_and_line() {
    let environment = home().with_file("/home/me/.pg_service.conf", 0o644, SERVICES);
    for (service, expected) in [
        ("two", "line 10: no space is allowed before the \"=\""),
        ("three", "line 12: a service cannot refer to another service"),
        ("four", "line 14: there is no connection option of this name"),
        ("five", "line 16: expected name=value, a [section] or a # comment"),
    ] {
        let words = failure(&dsn(&format!("service={service}")), &environment);
        assert_eq!(words, format!("service file \"/home/me/.pg_service.conf\", {expected}"));
    }
    let environment = home().with_variable("PGSERVICEFILE", "/nope");
    let words = failure(&dsn("service=one"), &environment);
    assert_eq!(words, "service file \"/nope\" cannot be read: entity not found");
}

#[test]
fn a_wrong_value_of_a_service_is_told_with_its_line() {
    let environment = home().with_file("/home/me/.pg_service.conf", 0o644, "[a]\n\nport=x");
    assert_eq!(
        failure(&dsn("service=a"), &environment),
        "invalid port \"x\" (from service \"a\", /home/me/.pg_service.conf line 3): a port is a whole number from 1 to 65535"
    );
}

#[test]
fn each_host_has_its_own_line_in_the_password_file() {
    let file = "# h:1:d:u:comment\nh:1:d:other:no\nh:1:d:u:of\\:h\\\\1:rest\nh:*:*:*:of-h\n*:3:*:*:of-3\n\
        localhost:*:*:*:of-socket\nh:1:d:u:too-late\n";
    let environment = home().with_file("/home/me/.pgpass", 0o600, file);
    let from_file = || PasswordSource::File("/home/me/.pgpass".into());
    let expected = ConnectSettings {
        hosts: vec![
            with_password(tcp("h", 1), "of:h\\1", from_file()),
            with_password(tcp("h", 2), "of-h", from_file()),
            with_password(tcp("i", 3), "of-3", from_file()),
            with_password(unix("/tmp", 4), "of-socket", from_file()),
            unix("/run/elsewhere", 5),
            tcp("i", 6),
        ],
        user: "u".to_owned(),
        dbname: "d".to_owned(),
        ..defaults()
    };
    let text = "host=h,h,i,/tmp,/run/elsewhere,i port=1,2,3,4,5,6 user=u dbname=d";
    assert_eq!(quietly(&dsn(text), &environment), expected);
}

#[test]
fn lines_of_the_password_file() {
    let lookup = |content: &str| {
        let password =
            super::super::pgpass::lookup(content.as_bytes(), &["h:x".to_owned()], ["1", "d", "u"]);
        password.map(|password| String::from_utf8(password.as_bytes().to_vec()).unwrap())
    };
    for (content, expected) in [
        ("h\\:x:1:d:u:pw", Some("pw")),
        ("*:*:*:*:pw\r\n", Some("pw")),
        ("*:*:*:*:pw\\", Some("pw\\")),
        ("*:*:*:*:p\\ w", Some("p w")),
        ("*:*:*:*:", Some("")),
        ("h:x:1:d:u:pw", None),
        ("h*:1:d:u:pw", None),
        ("\\*:1:d:u:pw", None),
        ("*:1:d:u", None),
        ("#*:*:*:*:pw", None),
        ("*:*:*:*:a\0b", None),
        ("\n\n\\", None),
    ] {
        assert_eq!(lookup(content).as_deref(), expected, "{content:?}");
    }
}

#[test]
fn a_password_that_was_said_beats_the_file_and_an_empty_one_does_not() {
    let environment = home()
        .with_file("/home/me/.pgpass", 0o644, "*:*:*:*:of-file")
        .with_variable("PGPASSWORD", "pw");
    let of_variable =
        with_password(tcp("localhost", 5432), "pw", said(Origin::Variable("PGPASSWORD")));
    assert_eq!(quietly(&Explicit::default(), &environment).hosts, [of_variable]);

    let environment =
        environment.with_file("/p", 0o600, "*:*:*:*:of-file").with_variable("PGPASSFILE", "/p");
    let of_file =
        with_password(tcp("localhost", 5432), "of-file", PasswordSource::File("/p".into()));
    assert_eq!(quietly(&dsn("password=''"), &environment).hosts, [of_file]);
}

#[cfg(unix)]
#[test]
fn a_password_file_that_cannot_be_trusted_is_ignored_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgpass");
    std::fs::write(&file, "*:*:*:*:of-file").unwrap();
    let missing = folder.path().join("missing");
    set_mode(&file, 0o640);
    let warning_of = |path: &std::path::Path| {
        let environment = Environment::empty().with_disk().with_variable("PGPASSFILE", path);
        let resolved = resolve(&Explicit::default(), &environment).unwrap();
        assert_eq!(resolved.settings, defaults());
        resolved.warnings
    };
    assert_eq!(warning_of(&file), [Warning::PasswordFileAccess(file.clone())]);
    assert_eq!(warning_of(folder.path()), [Warning::PasswordFileNotPlain(folder.path().into())]);
    assert_eq!(warning_of(&missing), [Warning::PasswordFileMissing(missing.clone())]);
    assert!(Warning::PasswordFileAccess("/p".into()).to_string().starts_with(
        "password file \"/p\" has group or world access; permissions should be u=rw (0600) or less"
    ));

    set_mode(&file, 0o600);
    let environment = Environment::empty().with_disk().with_variable("PGPASSFILE", &file);
    let expected = with_password(tcp("localhost", 5432), "of-file", PasswordSource::File(file));
    assert_eq!(quietly(&Explicit::default(), &environment).hosts, [expected]);
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
