//! Server certificates of every kind, in every mode, with psql beside.

use crate::authority::{Authority, GOOD, Made};
use crate::psql::{Got, by_pgchaos, by_psql};
use crate::support::{Postgres, use_certificate};

/// Modes, each with the root certificate or without.
const MODES: [(&str, bool); 7] = [
    ("disable", false),
    ("allow", false),
    ("prefer", false),
    ("require", false),
    ("require", true),
    ("verify-ca", true),
    ("verify-full", true),
];

/// One server certificate.
struct Case {
    name: &'static str,
    made: Made,
    /// What pgchaos says where it refuses it with `verify-full`; empty where it takes it.
    words: &'static str,
    /// Modes with the root certificate in which psql gets in and pgchaos does not, or otherwise than psql.
    unlike: &'static [(&'static str, bool)],
}

const EVERY_TLS: &[(&str, bool)] = &[
    ("prefer", false),
    ("require", false),
    ("require", true),
    ("verify-ca", true),
    ("verify-full", true),
];
const EVERY_CHECK: &[(&str, bool)] =
    &[("require", true), ("verify-ca", true), ("verify-full", true)];

const CASES: [Case; 13] = [
    Case { name: "good", made: GOOD, words: "", unlike: &[] },
    Case {
        name: "common-name-only",
        made: Made { subject: "/CN=localhost", extensions: "basicConstraints=CA:FALSE", ..GOOD },
        words: "",
        unlike: &[],
    },
    Case {
        name: "other-name",
        made: Made { extensions: "subjectAltName=DNS:db.example.test,DNS:*.example.org", ..GOOD },
        words: "the server's certificate is for db.example.test, *.example.org, and not for localhost",
        unlike: &[],
    },
    Case {
        name: "common-name-beside-another",
        made: Made {
            subject: "/CN=localhost",
            extensions: "subjectAltName=DNS:other.test",
            ..GOOD
        },
        words: "is for other.test, and not for localhost: it is issued by CN=pgchaos-test-authority, valid from",
        unlike: &[],
    },
    Case {
        name: "address-only",
        made: Made { extensions: "subjectAltName=IP:127.0.0.1", ..GOOD },
        words: "is for 127.0.0.1, and not for localhost",
        unlike: &[],
    },
    Case {
        name: "expired",
        made: Made { signing: "-days -1", ..GOOD },
        words: "the server's certificate has expired, or this machine's clock is wrong",
        unlike: &[],
    },
    Case {
        name: "for-clients",
        made: Made {
            extensions: "subjectAltName=DNS:localhost\nextendedKeyUsage=clientAuth",
            ..GOOD
        },
        words: "the server's certificate is not one for servers (its extended key usage)",
        unlike: &[],
    },
    Case {
        name: "version-1",
        made: Made { subject: "/CN=localhost", extensions: "", ..GOOD },
        words: "X.509 version 1, which is not verified",
        // webpki reads version 3 alone; the manual's recipe without -extfile makes version 1.
        unlike: EVERY_CHECK,
    },
    Case { name: "rsa", made: Made { key: "RSA:2048", ..GOOD }, words: "", unlike: &[] },
    Case { name: "p-384", made: Made { key: "ec:P-384", ..GOOD }, words: "", unlike: &[] },
    Case { name: "ed25519", made: Made { key: "ED25519", ..GOOD }, words: "", unlike: &[] },
    Case {
        name: "p-521",
        made: Made { key: "ec:P-521", ..GOOD },
        words: "the server found nothing in common with pgchaos",
        // ring has no P-521.
        unlike: EVERY_TLS,
    },
    Case {
        name: "rsa-pss",
        made: Made { key: "RSA-PSS:2048", ..GOOD },
        words: "the server found nothing in common with pgchaos",
        // ring has no keys for RSA-PSS alone.
        unlike: EVERY_TLS,
    },
];

/// At least 60 combinations, of which some must be unlike, with the reason beside them.
#[test]
fn as_psql_has_it() {
    let authority = Authority::new("pgchaos-test-authority");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in &CASES {
        let (key, certificate) = authority.sign(case.name, case.made);
        use_certificate(&server, &key, &certificate);
        for (mode, with_root) in MODES {
            let connection = connection(&server, &authority, mode, with_root);
            let (psql, psql_words) = by_psql(&server, &connection);
            let (ours, words) = by_pgchaos(&server, &connection);
            count += 1;
            let row = format!(
                "{:27} {mode:12} root {with_root:5}  psql {psql:?}, pgchaos {ours:?}",
                case.name
            );
            println!("{row}");
            let is_unlike = case.unlike.contains(&(mode, with_root));
            if (psql != ours) != is_unlike {
                wrong.push(format!("{row}\n  psql: {psql_words}  pgchaos: {words}"));
            }
            let is_refused = mode == "verify-full" && ours == Got::Nothing;
            if mode == "verify-full"
                && (case.words.is_empty() == is_refused || !words.contains(case.words))
            {
                wrong.push(format!("{row}: other words than \"{}\":\n  {words}", case.words));
            }
        }
    }
    assert!(count >= 60, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn connection(server: &Postgres, authority: &Authority, mode: &str, with_root: bool) -> String {
    let root = if with_root { authority.root().display().to_string() } else { "/none".to_owned() };
    format!(
        "host=localhost port={} user=postgres password=postgres dbname=postgres sslmode={mode} sslrootcert={root}",
        server.port()
    )
}

/// Authorities: another one, none in between, the server's own certificate as root, and lists of what was revoked.
#[test]
fn who_signed_it_and_whether_it_still_holds() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    // As a lab's is, once the lab was made anew; with a key of the same kind, and of another one.
    let namesake = Authority::new("ours");
    namesake
        .openssl("req -x509 -newkey rsa:2048 -nodes -subj /CN=ours -keyout rsa.key -out rsa.crt");
    let (key, certificate) = authority.sign("good", GOOD);
    let revoked = authority.revocation_list(Some(&certificate));
    let none_revoked = authority.revocation_list(None);
    let another = "signed by another authority of this name than the one in";
    other.openssl(
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 9 -keyout self.key -out self.crt",
    );
    let verify = |root: &std::path::Path, more: &str| {
        format!("{} {more}", connection(&server, &authority, "verify-full", true))
            .replace(&authority.root().display().to_string(), &root.display().to_string())
    };
    let list = |path: &std::path::Path| format!("sslcrl={}", path.display());
    let cases = [
        (verify(&other.root(), ""), "signed by no authority in"),
        (verify(&namesake.root(), ""), another),
        (verify(&namesake.root(), ""), "try: sslrootcert=FILE (PGSSLROOTCERT)"),
        (verify(&namesake.path("rsa.crt"), ""), another),
        (
            verify(&authority.root(), &list(&namesake.revocation_list(None))),
            "the list is signed by another authority of this name",
        ),
        (verify(&authority.root(), &list(&none_revoked)), ""),
        (verify(&authority.root(), &list(&revoked)), "the server's certificate was revoked"),
        (
            verify(&authority.root(), &list(&other.revocation_list(None))),
            "no list is of its authority",
        ),
    ];
    use_certificate(&server, &key, &certificate);
    compare(&server, &cases);
    use_certificate(&server, &other.path("self.key"), &other.path("self.crt"));
    let of_itself = other.revocation_list(None);
    let cases = [
        (verify(&other.path("self.crt"), ""), ""),
        (verify(&other.path("self.crt"), &list(&of_itself)), "cannot be checked"),
        (verify(&authority.root(), ""), "uses an authority's certificate (CA:TRUE) as its own"),
    ];
    compare(&server, &cases);
}

/// An authority in between, `middle`, a `leaf` of its, and the root as it was when it was valid, and in OpenSSL's own form.
fn make_a_chain(authority: &Authority) {
    let middle = Made {
        subject: "/CN=middle",
        extensions: "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign",
        ..GOOD
    };
    authority.sign("middle", middle);
    std::fs::write(authority.path("leaf.ext"), "subjectAltName=DNS:localhost").unwrap();
    for arguments in [
        "req -new -newkey rsa:2048 -nodes -keyout leaf.key -subj /CN=localhost -out leaf.csr",
        "x509 -req -in leaf.csr -CA middle.crt -CAkey middle.key -CAcreateserial -extfile leaf.ext -days 9 -out leaf.crt",
        "x509 -in ca.crt -signkey ca.key -days -1 -out expired.crt",
        "x509 -in ca.crt -trustout -out trusted.crt",
    ] {
        authority.openssl(arguments);
    }
}

/// What ends a chain: a certificate that has signed itself, and holds today. What else is in the file may stand between.
#[test]
fn what_a_chain_ends_in() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    make_a_chain(&authority);
    let read = |name: &str| std::fs::read_to_string(authority.path(name)).unwrap();
    let with_root = |content: String| {
        let root = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(root.path(), content).unwrap();
        let verified = connection(&server, &authority, "verify-full", true);
        let connection = verified
            .replace(&authority.root().display().to_string(), &root.path().display().to_string());
        (root, connection)
    };
    let (good_key, good) = authority.sign("good", GOOD);
    let (ca, between, expired) = (read("ca.crt"), read("middle.crt"), read("expired.crt"));
    let other = std::fs::read_to_string(Authority::new("theirs").root()).unwrap();
    let no_root = "has no certificate that has signed itself";
    let old = "that signed the server's certificate has expired or is not valid yet";
    let as_of_old = ca.replace("CERTIFICATE-----", "X509 CERTIFICATE-----");
    let cases = [
        (&good_key, &good, ca.clone(), ""),
        (&good_key, &good, expired.clone(), old),
        (&good_key, &good, format!("{expired}{other}"), old),
        (&good_key, &good, format!("{expired}{ca}"), ""),
        (&good_key, &good, read("good.crt"), no_root),
        (&good_key, &good, as_of_old, ""),
        (&good_key, &good, format!("# a comment\n{ca}"), ""),
        (&authority.path("leaf.key"), &authority.path("leaf.crt"), between.clone(), no_root),
        (&authority.path("leaf.key"), &authority.path("leaf.crt"), format!("{between}{ca}"), ""),
        (
            &authority.path("leaf.key"),
            &authority.path("leaf.crt"),
            ca.clone(),
            "by no authority in",
        ),
    ];
    let mut used = None;
    for (key, certificate, content, expected) in cases {
        if used.replace(certificate.clone()).as_ref() != Some(certificate) {
            use_certificate(&server, key, certificate);
        }
        let (_root, connection) = with_root(content);
        compare(&server, &[(connection, expected)]);
    }
    use_certificate(&server, &good_key, &good);
    let (_root, connection) = with_root(read("trusted.crt"));
    let (ours, words) = by_pgchaos(&server, &connection);
    assert_eq!(ours, Got::Nothing);
    assert!(words.contains("openssl x509 -in FILE -out PLAIN-FILE"), "{words}");
    let (_root, connection) = with_root(format!("\u{feff}{ca}"));
    let (ours, words) = by_pgchaos(&server, &connection);
    println!("a byte order mark: psql {:?}", by_psql(&server, &connection));
    assert_eq!(ours, Got::Tls, "{words}");
}

/// A folder of lists, in which OpenSSL looks for names made of a hash, and for no others.
#[test]
fn a_folder_of_revocation_lists() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let (key, certificate) = authority.sign("good", GOOD);
    use_certificate(&server, &key, &certificate);
    let none = authority.revocation_list(None);
    let verified = connection(&server, &authority, "verify-full", true);
    let folder = |name: &str, list: &std::path::Path, is_hashed: bool| {
        let folder = authority.path(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::copy(list, folder.join("list.crl")).unwrap();
        if is_hashed {
            authority.openssl(&format!("rehash {name}"));
        }
        for other in ["README", ".gitkeep", "garbage.crl", "0123abcd.r0.old", "notes.r0"] {
            std::fs::write(folder.join(other), "no list").unwrap();
        }
        format!("{verified} sslcrldir={}", folder.display())
    };
    let cases = [
        (folder("hashed", &none, true), ""),
        (folder("by-another-name", &none, false), "openssl rehash FOLDER names them so"),
        (
            folder("of-revoked", &authority.revocation_list(Some(&certificate)), true),
            "the server's certificate was revoked",
        ),
    ];
    compare(&server, &cases);
}

#[track_caller]
fn compare(server: &Postgres, cases: &[(String, &str)]) {
    for (connection, expected) in cases {
        let (psql, psql_words) = by_psql(server, connection);
        let (ours, words) = by_pgchaos(server, connection);
        assert_eq!(ours, psql, "{connection}\npsql: {psql_words}pgchaos: {words}");
        let is_refused = ours == Got::Nothing;
        assert_eq!(is_refused, !expected.is_empty(), "{connection}: {words}");
        assert!(words.contains(expected), "{connection}: {words}");
    }
}

/// An address as host: the common name counts where no alternative is an address.
#[test]
fn an_address_and_a_common_name() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    for (name, extensions, expected) in [
        ("name-beside", "subjectAltName=DNS:other.test", ""),
        ("address-beside", "subjectAltName=IP:127.0.0.2", "and not for 127.0.0.1"),
        ("alone", "basicConstraints=CA:FALSE", ""),
        ("as-a-name", "subjectAltName=DNS:127.0.0.1", ""),
    ] {
        let made = Made { subject: "/CN=127.0.0.1", extensions, ..GOOD };
        let (key, certificate) = authority.sign(name, made);
        use_certificate(&server, &key, &certificate);
        let verified = connection(&server, &authority, "verify-full", true);
        compare(&server, &[(verified.replace("localhost", "127.0.0.1"), expected)]);
    }
}

/// Without a name in `host` psql does not verify; pgchaos holds the certificate against the address.
#[test]
fn an_address_without_a_name() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    for (name, extensions, expected) in [
        ("for-it", "subjectAltName=IP:127.0.0.1", Got::Tls),
        ("for-another", "subjectAltName=IP:127.0.0.2,DNS:localhost", Got::Nothing),
    ] {
        let (key, certificate) = authority.sign(name, Made { extensions, ..GOOD });
        use_certificate(&server, &key, &certificate);
        let verified = connection(&server, &authority, "verify-full", true);
        let alone = verified.replace("host=localhost", "hostaddr=127.0.0.1");
        let (psql, psql_words) = by_psql(&server, &alone);
        assert_eq!(psql, Got::Nothing, "{psql_words}");
        assert!(psql_words.contains("host name must be specified"), "{psql_words}");
        let (ours, words) = by_pgchaos(&server, &alone);
        assert_eq!(ours, expected, "{words}");
        assert!(ours == Got::Tls || words.contains("and not for 127.0.0.1"), "{words}");
        let with_name = verified.replace("host=localhost", "host=localhost hostaddr=127.0.0.1");
        assert_eq!(by_pgchaos(&server, &with_name).0, by_psql(&server, &with_name).0);
    }
}

/// A host that is a name of the certificate, and one that is none; versions and SNI.
#[test]
fn names_versions_and_directness() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[
        ("log_connections", "on"),
        ("ssl_max_protocol_version", "TLSv1.2"),
    ]);
    let made = Made { extensions: "subjectAltName=DNS:*.example.test,IP:127.0.0.1", ..GOOD };
    let (key, certificate) = authority.sign("wild", made);
    use_certificate(&server, &key, &certificate);
    let verified = |host: &str, more: &str| {
        let connection = connection(&server, &authority, "verify-full", true);
        format!("{} {more}", connection.replace("host=localhost", host))
    };
    let named = |name: &str| verified(&format!("host={name} hostaddr=127.0.0.1"), "");
    compare(
        &server,
        &[
            (named("a.example.test"), ""),
            (named("A.EXAMPLE.TEST"), ""),
            (named("a.b.example.test"), "and not for a.b.example.test"),
            (named("example.test"), "and not for example.test"),
            (verified("host=127.0.0.1", ""), ""),
            (verified("host=127.0.0.1", "ssl_max_protocol_version=TLSv1.2 sslsni=0"), ""),
            (
                verified("host=127.0.0.1", "ssl_min_protocol_version=TLSv1.3"),
                "none of the versions of TLS that are allowed here",
            ),
        ],
    );
}
