//! Drills on a lab that cannot end well, and a lab that is whole, or clean, after each.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Finished, Gen};
use crate::test_lab::TestLab;

const SOON: Duration = Duration::from_secs(120);

/// A drill on this lab, as its owner would run it.
pub(crate) fn drill(lab: &TestLab, args: &[&str]) -> Gen {
    let state = lab.home().join("state");
    let base = lab.base.to_string();
    let all = args.iter().copied().chain(["--base-port", &base]).map(str::to_owned);
    Gen::start_drill(all.collect::<Vec<_>>(), |_, command| {
        command.env("HOME", lab.home()).env("XDG_STATE_HOME", &state);
    })
}

pub(crate) fn only_run(finished: &Finished) -> &Value {
    match finished.summary["drills"].as_array().map(Vec::as_slice) {
        Some([run]) => run,
        _ => panic!("one run\n{}\n{}", finished.stdout, finished.stderr),
    }
}

fn file(lab: &TestLab, text: &str) -> String {
    let path = lab.home().join("mine.toml");
    fs::write(&path, format!("title = 'x'\n{text}")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn journals(lab: &TestLab) -> usize {
    fs::read_dir(lab.home().join("state/pgchaos/drills")).map_or(0, Iterator::count)
}

#[test]
fn a_lab_is_whole_or_clean_after_drills_that_cannot_end_well() {
    let lab = TestLab::of_tester();
    lab.up();
    an_expectation_that_cannot_hold(&lab);
    ctrl_c_in_the_middle(&lab);
    killed_and_mended_by_the_next(&lab);
    killed_and_cleaned_up_by_down(&lab);
}

fn an_expectation_that_cannot_hold(lab: &TestLab) {
    let text = "[[step]]\nstop = 'replica'\nexpect = { outages = 7 }\n\
                [[step]]\nwait = 'recovered'\nwithin = '2s'\n\
                [[step]]\nstop = 'haproxy'\nexpect = { outages = 1 }\n";
    let finished = drill(lab, &[&file(lab, text)]).finish();
    assert_eq!(finished.code, 1, "{}\n{}", finished.stdout, finished.stderr);
    let judged = only_run(&finished)["expectations"].as_array().unwrap();
    let told: Vec<_> = judged
        .iter()
        .map(|one| (one["what"].as_str().unwrap(), one["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("outages", "fail"),
            ("wait", "fail"),
            ("what follows it", "inconclusive"),
            ("verdict", "pass")
        ]
    );
    assert_eq!(judged[1]["seen"], "writes never stopped");
    lab.wait_converged();
    assert_eq!(journals(lab), 0);
}

fn ctrl_c_in_the_middle(lab: &TestLab) {
    // A leader that is stopped in good order loses no write: the verdict is of the interruption alone.
    let text = "[[step]]\nstop = 'leader'\n[[step]]\nstop = 'etcd:any'\n[[step]]\nwait = '1h'\n";
    let drill = drill(lab, &[&file(lab, text)]);
    drill.wait_for_event(SOON, "both steps", |event| {
        event["event"] == "injection_ended" && event["step"] == 2
    });
    let finished = drill.interrupt_and_finish();
    assert_eq!(finished.code, 3, "{}\n{}", finished.stdout, finished.stderr);
    let run = only_run(&finished);
    assert!(run["expectations"].to_string().contains("stopped by Ctrl-C"), "{run:#}");
    assert_eq!(run["summary"]["verification"]["state"], "complete");
    lab.wait_converged();
    for member in ["etcd1", "etcd2", "etcd3", "haproxy"] {
        assert_eq!(lab.status(member)[1], "running", "{member}");
    }
    assert_eq!(journals(lab), 0);
}

/// Kills pgchaos when something is broken.
fn kill_in_the_middle(lab: &TestLab) {
    let text = "[[step]]\npause = 'replica'\n[[step]]\nkill = 'leader'\n[[step]]\nwait = '1h'\n";
    let drill = drill(lab, &[&file(lab, text)]);
    drill.wait_for_event(SOON, "both steps", |event| {
        event["event"] == "injection_ended" && event["step"] == 2
    });
    drill.signal(Signal::SIGKILL);
    assert_eq!(drill.finish().code, 128 + 9);
    assert_eq!(journals(lab), 1);
}

fn killed_and_mended_by_the_next(lab: &TestLab) {
    kill_in_the_middle(lab);
    let finished = drill(lab, &["replica-stop"]).finish();
    assert_eq!(finished.code, 0, "{}\n{}", finished.stdout, finished.stderr);
    assert!(finished.stderr.contains("an earlier drill was killed"), "{}", finished.stderr);
    lab.wait_converged();
    assert_eq!(journals(lab), 0);
}

fn killed_and_cleaned_up_by_down(lab: &TestLab) {
    kill_in_the_middle(lab);
    lab.succeed(&["down", "--wipe"]);
    lab.assert_nothing_runs();
    assert!(Path::new(&lab.folder()).exists(), "its logs are kept");
}
