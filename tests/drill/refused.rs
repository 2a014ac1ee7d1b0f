//! What is refused before anything is touched, with the line that is wrong.

use std::fs;
use std::process::Output;

use crate::support::pgchaos;

fn run(text: &str, args: &[&str]) -> (i32, String) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mine.toml");
    fs::write(&file, text).unwrap();
    let mut command = pgchaos(home.path(), ["drill", "run"]);
    let Output { status, stdout, stderr } =
        command.arg("mine.toml").args(args).current_dir(home.path()).output().unwrap();
    let left = home.path().join(".local").exists();
    assert!(!left, "nothing is kept of a drill that was refused");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout) + &text(stderr))
}

#[test]
fn a_step_that_names_no_member_is_refused_with_its_line() {
    let text = "title = 'x'\n\n[[step]]\nwait = '1s'\n\n[[step]]\nstop = 'patronni2'\n";
    for on in ["lab", "compose"] {
        let (code, said) = run(text, &["--on", on]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("mine.toml:7:8: \"patronni2\" names no member"), "{said}");
        assert!(said.contains("did you mean \"patroni2\"?"), "{said}");
        assert!(said.contains("\n 7 | stop = 'patronni2'\n   |        ^^^^^^^^^^^"), "{said}");
    }
}

#[test]
fn what_a_backend_cannot_do_is_refused_also_by_a_dry_run() {
    let text = "title = 'x'\n[[step]]\npartition = 'leader'\n";
    let (code, said) = run(text, &["--on", "lab", "--dry-run"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("mine.toml:3:13: the lab is one machine"), "{said}");
    let (code, said) = run(text, &["--on", "compose", "--dry-run"]);
    assert_eq!(code, 0, "{said}");
    let hooks = "title = 'x'\n[[step]]\nkill = 'leader'\n[hooks]\nstop = 'true'\n";
    let (code, said) = run(hooks, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("no hook does that: [hooks] has neither kill.leader nor kill"), "{said}");
}

#[test]
fn a_dry_run_tells_the_plan_in_words_and_touches_nothing() {
    let text = "title = 'the leader goes'\n[[step]]\nkill = 'leader'\nas = 'old'\n\
                expect = { kind = 'failover' }\n[[step]]\nwait = 'recovered'\nwithin = '1m'\n\
                [expect]\nlost = '<= 3'\n";
    let (code, said) = run(text, &["--dry-run"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        said,
        "drill mine on lab: the leader goes\n\
         \x20 load: 4 writers · 50 writes/s\n\
         \x20 the cluster must be whole, and writes must be acknowledged; then\n\
         \x20  1. kill leader, called \"old\" from here on\n\
         \x20     expects kind: failover\n\
         \x20  2. wait until recovered, at most 1m\n\
         \x20     mend: start old; wait until the cluster is whole\n\
         \x20     stop writing, verify every write, and judge:\n\
         \x20     expects lost: at most 3\n\
         \x20     expects verdict: pass\n"
    );
}

#[test]
fn mistakes_are_told_with_what_is_meant() {
    let (code, said) = run("title = 'x'\n[[step]]\nkil = 'leader'\n", &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("did you mean \"kill\"?"), "{said}");
    let (code, said) = run("title = 'x'\n[[step]]\nkill = 'leader'\n", &["--report", "x.pdf"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("use .html, .md, .json or .xml"), "{said}");
    let (code, said) = run("title = 'x'\n[[step]]\nkill = 'leader'\n", &["leader-kil"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("did you mean \"leader-kill\"?"), "{said}");
}
