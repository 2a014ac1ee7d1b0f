//! Blocks of `console`: commands as they are typed, and what they print.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::pages::top;

/// Stands for any number of lines.
const LEFT_OUT: &str = "…";

/// The block with what its commands print now; where that is what is shown, the block as it is.
pub(crate) fn made_anew(shown: &[&str]) -> Vec<String> {
    let mut anew = Vec::new();
    let mut lines = shown.iter().peekable();
    while let Some(first) = lines.next() {
        let command = first.strip_prefix("$ ");
        let mut command = command.unwrap_or_else(|| panic!("no command: {first}")).to_owned();
        anew.push((*first).to_owned());
        while command.ends_with('\\') {
            let more = lines.next().unwrap_or_else(|| panic!("{command} goes on nowhere"));
            anew.push((*more).to_owned());
            command = format!("{}{more}", command.trim_end_matches('\\'));
        }
        let mut before = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            before.push(*line);
        }
        anew.extend(as_shown(&before, output(&command)));
    }
    anew
}

/// What is shown, where it is what is printed but for what is left out; else all that is printed.
pub(crate) fn as_shown(shown: &[&str], printed: Vec<String>) -> Vec<String> {
    let is_it = fits(shown, &printed.iter().map(String::as_str).collect::<Vec<_>>());
    if is_it { shown.iter().map(|line| (*line).to_owned()).collect() } else { printed }
}

fn fits(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line.trim() == LEFT_OUT => {
            (0..=printed.len()).any(|left_out| fits(rest, &printed[left_out..]))
        }
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, others)| first == line && fits(rest, others))
        }
    }
}

/// What a shell prints for this command, in a folder of its own with the recorded runs, and nothing of the tester's
/// environment. A command that fails without saying its exit code is a mistake of the page.
fn output(command: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for run in fs::read_dir(top().join("tests/papers/runs")).unwrap() {
        let run = run.unwrap();
        fs::copy(run.path(), folder.path().join(run.file_name())).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_pgchaos"));
    let path = std::env::var("PATH").unwrap_or_default();
    let done = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .env("HOME", folder.path())
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8(done.stdout).unwrap();
    let says_how_it_ends = command.contains("echo \"exit $?\"");
    assert!(
        done.status.success() || says_how_it_ends,
        "{command}: {}; add `; echo \"exit $?\"`\n{printed}",
        done.status
    );
    printed.lines().map(str::to_owned).collect()
}

#[test]
fn lines_are_left_out_where_it_says_so() {
    let printed = ["one", "two", "three"];
    assert!(fits(&["one", "two", "three"], &printed));
    assert!(fits(&["one", "…", "three"], &printed));
    assert!(fits(&["…", "three", "…"], &printed));
    assert!(!fits(&["one", "…", "two"], &printed));
    assert!(!fits(&["one", "two"], &printed));
}
