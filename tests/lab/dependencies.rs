//! `install-deps`: nothing to do, a question that is asked, and nothing left behind by an installation that fails.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::test_lab::{TestLab, said};

const POLICY: &str = "/usr/sbin/policy-rc.d";
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/pgchaos-install.conf";

#[test]
fn with_everything_there_it_changes_nothing() {
    let lab = TestLab::of_tester();
    for args in [&["install-deps"][..], &["install-deps", "--yes"]] {
        assert!(lab.succeed(args).contains("nothing to do"));
    }
}

/// A folder for the PATH with little in it but an apt-get that writes down what it sees, and fails.
fn path_without_programs(lab: &TestLab) -> (PathBuf, PathBuf) {
    let (folder, seen) = (lab.home().join("bin"), lab.home().join("seen"));
    fs::create_dir(&folder).unwrap();
    for program in ["sh", "rm", "grep", "mkdir", "chmod", "dirname", "cat", "mktemp", "tail"] {
        let real = ["/usr/bin", "/bin"].map(|at| Path::new(at).join(program));
        symlink(real.iter().find(|real| real.exists()).unwrap(), folder.join(program)).unwrap();
    }
    let apt = format!(
        "#!/bin/sh\necho \"$@\" >>{seen}\ncase \"$*\" in *install*) cat {POLICY} {NO_CLUSTER} >>{seen}; exit 9;; esac\n",
        seen = seen.display()
    );
    fs::write(folder.join("apt-get"), apt).unwrap();
    fs::set_permissions(folder.join("apt-get"), fs::Permissions::from_mode(0o755)).unwrap();
    (folder, seen)
}

#[test]
fn it_asks_first_and_leaves_nothing_behind_when_it_fails() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("not run as root: sudo would ask for a password");
        return;
    }
    let lab = TestLab::of_tester();
    let (path, seen) = path_without_programs(&lab);
    let output = lab.command(&["install-deps"]).env("PATH", &path).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("install-deps --yes"), "{}", said(&output));
    assert!(!seen.exists(), "nothing was run");

    let before = fs::read(POLICY).ok();
    let output = lab.command(&["install-deps", "--yes"]).env("PATH", &path).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(said(&output).contains("could not be installed"), "{}", said(&output));
    let seen = fs::read_to_string(seen).unwrap();
    for words in
        ["install", "patroni", "etcd-server", "python3-etcd", "create_main_cluster = false"]
    {
        assert!(seen.contains(words), "{words:?} in what apt-get saw:\n{seen}");
    }
    assert!(before.is_some() || seen.contains("exit 101"), "no service is started:\n{seen}");
    assert_eq!(fs::read(POLICY).ok(), before, "the policy is as it was");
    assert!(!Path::new(NO_CLUSTER).exists());
}

#[test]
fn on_another_system_it_says_what_to_install() {
    let lab = TestLab::of_tester();
    let nowhere = lab.home().join("nowhere");
    let output = lab.command(&["install-deps", "--yes"]).env("PATH", &nowhere).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    for words in ["no apt-get", "Patroni with its support for etcd", "docker compose"] {
        assert!(said(&output).contains(words), "{words:?} in:\n{}", said(&output));
    }
}
