//! The files of `~/.postgresql`, in every state and mode, with psql beside.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::authority::{Authority, GOOD, Made};
use crate::psql::{Got, by_pgchaos_at, by_psql_at};
use crate::support::{Postgres, openssl, use_certificate};

const MODES: [&str; 5] = ["disable", "allow", "prefer", "require", "verify-full"];

/// What a file is filled with.
#[derive(Clone, Copy)]
enum Content {
    Good,
    Empty,
    Garbage,
    Folder,
    /// Good, and readable for everyone.
    Open,
    /// Of another pair.
    Other,
}

struct Case {
    name: &'static str,
    files: &'static [(&'static str, Content)],
    /// What pgchaos says of it in a mode that would speak TLS; empty where it says nothing.
    words: &'static str,
    /// The modes in which pgchaos gets another end than psql.
    unlike: &'static [&'static str],
}

const fn case(
    name: &'static str,
    files: &'static [(&'static str, Content)],
    words: &'static str,
) -> Case {
    Case { name, files, words, unlike: &[] }
}

use Content::{Empty, Folder, Garbage, Good, Open, Other};

const CERTIFICATE: &str = "postgresql.crt";
const KEY: &str = "postgresql.key";
const ROOT: (&str, Content) = ("root.crt", Good);

const CASES: [Case; 18] = [
    case("nothing", &[], ""),
    case("a pair", &[(CERTIFICATE, Good), (KEY, Good), ROOT], ""),
    case("no key", &[(CERTIFICATE, Good)], "and its key \""),
    case("no certificate", &[(KEY, Good)], ""),
    case("garbage, no key", &[(CERTIFICATE, Garbage)], "has no certificate in PEM form"),
    case("garbage", &[(CERTIFICATE, Garbage), (KEY, Good)], "has no certificate in PEM form"),
    case("empty", &[(CERTIFICATE, Empty), (KEY, Good)], "has no certificate in PEM form"),
    case("a folder", &[(CERTIFICATE, Folder), (KEY, Good)], "is not a plain file"),
    case("an open key", &[(CERTIFICATE, Good), (KEY, Open)], "has group or world access"),
    case("a key of garbage", &[(CERTIFICATE, Good), (KEY, Garbage)], "has no key in PEM form"),
    case("a folder as key", &[(CERTIFICATE, Good), (KEY, Folder)], "is not a plain file"),
    case(
        "another's key",
        &[(CERTIFICATE, Good), (KEY, Other)],
        "is not that of the client certificate",
    ),
    case("a root", &[ROOT], ""),
    case("a root of garbage", &[("root.crt", Garbage)], "has no certificate in PEM form"),
    case("an empty root", &[("root.crt", Empty)], "has no certificate in PEM form"),
    case("a folder as root", &[("root.crt", Folder)], "is not a plain file"),
    // psql ignores the list, and says nothing; where certificates are verified pgchaos does not.
    Case {
        name: "a list of garbage",
        files: &[ROOT, ("root.crl", Garbage)],
        words: "has no list in PEM form",
        unlike: &["verify-full"],
    },
    Case {
        name: "a folder as list",
        files: &[ROOT, ("root.crl", Folder)],
        words: "is not a plain file",
        unlike: &["verify-full"],
    },
];

#[test]
fn default_files_as_psql_has_them() {
    let authority = Authority::new("ours");
    let server = Postgres::with_settings(&[("log_connections", "on")]);
    let (key, certificate) = authority.sign("server", GOOD);
    use_certificate(&server, &key, &certificate);
    let client = Made { extensions: "basicConstraints=CA:FALSE", ..GOOD };
    authority.sign("client", client);
    openssl(
        &authority.path(""),
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key",
    );
    let mut wrong = Vec::new();
    for case in &CASES {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".postgresql");
        fs::create_dir(&folder).unwrap();
        for (name, content) in case.files {
            fill(&authority, &folder.join(name), *content);
        }
        for mode in MODES {
            let connection = format!(
                "host=localhost port={} user=postgres password=postgres dbname=postgres sslmode={mode}",
                server.port()
            );
            let (psql, psql_words) = by_psql_at(home.path(), &server, &connection);
            let (ours, words) = by_pgchaos_at(home.path(), &server, &connection);
            let row = format!("{:20} {mode:12} psql {psql:?}, pgchaos {ours:?}", case.name);
            println!("{row}");
            let matters = mode != "disable" && (mode != "verify-full" || has_root(case));
            let is_told = !matters || words.contains(case.words);
            let is_refused = ours == Got::Nothing && matters && !case.words.is_empty();
            let has_way_out = !is_refused || words.contains("mend it, or ");
            if (psql != ours) != case.unlike.contains(&mode) || !is_told || !has_way_out {
                wrong.push(format!("{row}\n  psql: {psql_words}  pgchaos: {words}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_root(case: &Case) -> bool {
    case.files.iter().any(|(name, _)| *name == "root.crt")
}

fn fill(authority: &Authority, file: &Path, content: Content) {
    let source = match file.file_name().unwrap().to_str().unwrap() {
        CERTIFICATE => authority.path("client.crt"),
        KEY if matches!(content, Other) => authority.path("other.key"),
        KEY => authority.path("client.key"),
        _ => authority.root(),
    };
    let mode = match content {
        Folder => return fs::create_dir(file).unwrap(),
        Open => 0o644,
        _ => 0o600,
    };
    let text = match content {
        Garbage => b"no PEM\n".to_vec(),
        Empty => Vec::new(),
        _ => fs::read(source).unwrap(),
    };
    fs::write(file, text).unwrap();
    fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
}
