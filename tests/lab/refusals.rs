//! What cannot be done is said, with what to do about it, and nothing is touched.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;

use crate::test_lab::TestLab;

#[test]
fn what_is_wrong_is_said_and_nothing_is_started() {
    let lab = TestLab::of_tester();
    let base = lab.base.to_string();
    lab.fail(&["up", "--name", "../x"], 2, &["\"../x\" cannot be a lab's name"]);
    lab.fail(&["up", "--base-port", "65530"], 2, &["base port 65530", "1024 to 65521"]);
    lab.fail(&["up", "--base-port", "many"], 2, &["many"]);
    lab.fail(&["kill"], 2, &["MEMBER"]);
    lab.fail(&["kill", "a b"], 2, &["\"a b\" names no member", "etcd:any"]);
    assert!(lab.succeed(&["list"]).contains("There is no lab: pgchaos lab up makes one"));
    for command in ["list", "restart", "switchover", "psql"] {
        assert!(lab.succeed(&[command, "--help"]).contains("Example: pgchaos lab "), "{command}");
    }
    lab.fail(&["kill", "leader"], 4, &["there is no lab pgchaos", "pgchaos lab up"]);
    lab.fail(&["status", "--name", "x"], 4, &["there is no lab x", "pgchaos lab up --name x"]);
    assert!(lab.succeed(&["down"]).contains("nothing to do"));

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, lab.base + 4)).unwrap();
    let (port, pid) = (lab.base + 4, std::process::id());
    let own = format!("port {port}, which is to be patroni2's, is taken by process {pid}");
    lab.fail(&["up", "--base-port", &base], 4, &[&own, "--base-port"]);
    // Each says the command that was typed, on ports that are free.
    for (typed, again) in [
        (&["lab", "up"][..], "pgchaos lab up --base-port "),
        (&["lab", "up", "--name", "two"], "pgchaos lab up --name two --base-port "),
        (&["demo"], "pgchaos demo --base-port "),
        (
            &["drill", "run", "etcd-quorum", "--on", "lab", "--name", "two"],
            "pgchaos drill run etcd-quorum --name two --base-port ",
        ),
    ] {
        let output = lab.pgchaos(&[typed, &["--base-port", &base]].concat()).output().unwrap();
        let said = crate::test_lab::said(&output);
        assert_eq!(output.status.code(), Some(4), "{typed:?}: {said}");
        let port = crate::test_lab::remedy(&said).0.strip_prefix(again);
        let port: u16 = port.unwrap_or_else(|| panic!("{again:?} in {said}")).parse().unwrap();
        assert!(
            (port..port + 15).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        );
    }
    drop(listener);
    lab.assert_nothing_runs();
}

/// Neither programs nor folders that cannot be used are found out half-way.
#[test]
fn a_missing_program_is_named_with_the_command_that_installs_it() {
    let lab = TestLab::of_tester();
    let nowhere = lab.home().join("nowhere");
    let output = lab.command(&["up"]).env("PATH", &nowhere).output().unwrap();
    let said = crate::test_lab::said(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    for words in ["Patroni, ", "etcd", "not installed", "try: pgchaos lab install-deps"] {
        assert!(said.contains(words), "{words:?} in:\n{said}");
    }
    assert!(!lab.folder().exists());
}

#[test]
fn a_folder_that_the_members_cannot_reach_is_refused() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("not run as root: the members run as the tester, whose folders are open to them");
        return;
    }
    let lab = TestLab::of_tester();
    let closed = lab.home().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut up = lab.command(&["up", "--base-port", &lab.base.to_string()]);
    let output = up.env("XDG_STATE_HOME", &closed).output().unwrap();
    let said = crate::test_lab::said(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains(&closed.display().to_string()) && said.contains("closed to the user"));
    lab.assert_nothing_runs();
}
