//! A cluster that is not Patroni's: a primary and its standby, broken and mended by commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Finished, Gen, Postgres, pgchaos};

const SOON: Duration = Duration::from_secs(60);

/// A pair, and the hooks that every drill on it has.
struct Pair {
    primary: Postgres,
    standby: Postgres,
    folder: tempfile::TempDir,
}

impl Pair {
    fn start() -> Self {
        let primary = Postgres::start();
        let standby = primary.standby();
        Self { primary, standby, folder: tempfile::tempdir().unwrap() }
    }

    /// A file that a hook makes, to say that it ran.
    fn mark(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a drill's file is, with these steps, expectations, and hooks beside the usual ones.
    fn drill(&self, rest: &str, hooks: &str) -> PathBuf {
        let stop = self.primary.shell_line("pg_ctl", "stop -m fast -w");
        let (marks, path) = (self.folder.path().display(), self.mark("pair.toml"));
        let text = format!(
            "title = 'a pair'\n{rest}\n\
             [hooks]\n\
             leader = 'echo pg1'\n\
             kill.leader = '''{stop} && echo $PGCHAOS_ACTION $PGCHAOS_TARGET $PGCHAOS_MEMBER > {marks}/killed'''\n\
             heal = 'touch {marks}/healed'\n\
             healthy = '''PGTARGETSESSIONATTRS=read-write psql -XAtqc 'select 1' >/dev/null'''\n\
             {hooks}"
        );
        fs::write(&path, text).unwrap();
        path
    }

    fn promote(&self) -> String {
        self.standby.shell_line("pg_ctl", "promote -w")
    }

    fn start_drill(&self, file: &Path) -> Gen {
        Gen::start_drill([file.to_str().unwrap(), "-d", &self.dsn()], |_, _| {})
    }

    fn dsn(&self) -> String {
        format!(
            "postgresql://postgres:postgres@127.0.0.1:{},127.0.0.1:{}/postgres",
            self.primary.port(),
            self.standby.port()
        )
    }
}

fn only_run(finished: &Finished) -> &Value {
    let runs = finished.summary["drills"].as_array();
    match runs.map(Vec::as_slice) {
        Some([run]) => run,
        _ => panic!("one run\n{}\n{}", finished.summary, finished.stderr),
    }
}

#[test]
fn a_pair_that_is_not_patronis_fails_over_by_a_hook() {
    let pair = Pair::start();
    // Errors belong to the last step before them: the refusals have time to come before the promotion.
    let rest = format!(
        "[[step]]\n\
         kill = 'leader'\n\
         expect = {{ outages = 1, kind = 'failover', errors = ['connection_lost', 'refused'] }}\n\
         [[step]]\n\
         wait = 'outage'\n\
         [[step]]\n\
         wait = '2s'\n\
         [[step]]\n\
         exec = '''{}'''\n\
         [[step]]\n\
         wait = 'recovered'\n\
         [[step]]\n\
         wait = '50 writes'\n\
         [expect]\n\
         lost = 0\n\
         [[expect.counted]]\n\
         exec = '''PGTARGETSESSIONATTRS=read-write psql -XAtqc \"select count(*) from pgchaos.user_events where run_id = '$PGCHAOS_RUN_ID'\"'''\n\
         equals = 'present'\n",
        pair.promote()
    );
    let finished = pair.start_drill(&pair.drill(&rest, "")).finish();
    assert_eq!(finished.code, 0, "{}\n{}", finished.stdout, finished.stderr);
    let run = only_run(&finished);
    assert_eq!(run["verdict"], "pass");
    let judged: Vec<_> = run["expectations"].as_array().unwrap().iter().collect();
    let whats: Vec<_> = judged.iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(
        whats,
        [
            "outages",
            "kind",
            "errors",
            "errors",
            "lost",
            "rows there, counted by a command",
            "verdict"
        ]
    );
    assert!(judged.iter().all(|one| one["outcome"] == "pass"), "{judged:#?}");
    assert_eq!(judged[0]["of"], "step 1: kill leader (pg1)");

    // The fault's own time is in the record and in the summary.
    let outage = &run["summary"]["outages"][0];
    assert_eq!(
        (&outage["fault"]["action"], &outage["fault"]["member"]),
        (&"kill".into(), &"pg1".into())
    );
    let at = finished.event("injected")["at_s"].as_f64().unwrap();
    assert_eq!(outage["fault"]["at_s"].as_f64(), Some(at));
    let after = outage["fault"]["evidence_after_s"].as_f64().unwrap();
    assert!((outage["began_s"].as_f64().unwrap() - at - after).abs() < 1e-5 || after == 0.0);

    // The hooks were told which member they hit, and the healing ran.
    assert_eq!(fs::read_to_string(pair.mark("killed")).unwrap().trim(), "kill leader pg1");
    assert!(pair.mark("healed").exists());
    assert_eq!(pair.standby.psql("select pg_is_in_recovery()"), "f");
}

#[test]
fn a_hook_that_fails_ends_the_drill_with_its_words_and_all_is_mended() {
    let pair = Pair::start();
    let rest = "[[step]]\npause = 'leader'\n[[step]]\nkill = 'replica'\n";
    let hooks = format!(
        "pause.leader = 'touch {0}/paused'\n\
         resume = 'touch {0}/resumed'\n\
         kill.replica = 'echo the cloud says no >&2; exit 7'\n",
        pair.folder.path().display()
    );
    let finished = pair.start_drill(&pair.drill(rest, &hooks)).finish();
    assert_eq!(finished.code, 4, "{}\n{}", finished.stdout, finished.stderr);
    let problem = only_run(&finished)["problem"].as_str().unwrap();
    assert!(problem.contains("step 2 (kill replica) failed"), "{problem}");
    assert!(
        problem.contains("exit status: 7") && problem.contains("the cloud says no"),
        "{problem}"
    );
    for mark in ["paused", "resumed", "healed"] {
        assert!(pair.mark(mark).exists(), "{mark}");
    }
    // The load was verified all the same.
    assert_eq!(only_run(&finished)["summary"]["verification"]["state"], "complete");
}

#[test]
fn a_healing_that_fails_says_what_to_do_by_hand() {
    let pair = Pair::start();
    let rest = "[[step]]\npause = 'leader'\n";
    let hooks = "pause = 'true'\nresume = 'echo no such instance; exit 1'\n";
    let finished = pair.start_drill(&pair.drill(rest, hooks)).finish();
    assert_eq!(finished.code, 4, "{}\n{}", finished.stdout, finished.stderr);
    let problem = only_run(&finished)["problem"].as_str().unwrap();
    assert!(problem.contains("STILL BROKEN: resume pg1"), "{problem}");
    assert!(problem.contains("no such instance"), "{problem}");
    assert!(problem.contains("by hand: echo no such instance; exit 1"), "{problem}");

    // What is broken stays known to the next drill on this cluster, also to another one.
    let next = |hooks: &str| {
        let file = pair.mark("another.toml");
        let text = fs::read_to_string(pair.drill("[[step]]\nwait = '1 writes'\n", hooks)).unwrap();
        fs::write(&file, text.replace("heal = ", "switchover = ")).unwrap();
        let home = finished.home().to_owned();
        Gen::start_drill([file.to_str().unwrap(), "-d", &pair.dsn()], |_, command| {
            command.env("HOME", home);
        })
        .finish()
    };
    let unable = next("");
    assert_eq!(unable.code, 4, "{}\n{}", unable.stdout, unable.stderr);
    let problem = only_run(&unable)["problem"].as_str().unwrap();
    assert!(problem.contains("STILL BROKEN: resume pg1: the drill another has no"), "{problem}");
    let able = next("resume = 'true'\n");
    assert_eq!(able.code, 0, "{}\n{}", able.stdout, able.stderr);
    assert!(able.stderr.contains("mending: resume pg1"), "{}", able.stderr);
}

#[test]
fn ctrl_c_in_a_step_mends_verifies_and_reports() {
    let pair = Pair::start();
    let rest = "[[step]]\npause = 'leader'\n[[step]]\nwait = '1h'\n[[step]]\nkill = 'leader'\n\
                expect = { outages = 1 }\n";
    let hooks =
        format!("pause = 'true'\nresume = 'touch {}/resumed'\n", pair.folder.path().display());
    let drill = pair.start_drill(&pair.drill(rest, &hooks));
    drill.wait_for_event(SOON, "the step", |event| event["event"] == "injection_ended");
    let finished = drill.interrupt_and_finish();
    assert_eq!(finished.code, 3, "{}\n{}", finished.stdout, finished.stderr);
    let run = only_run(&finished);
    assert_eq!((&run["verdict"], &run["problem"]), (&"inconclusive".into(), &Value::Null));
    let judged = run["expectations"].to_string();
    assert!(judged.contains("stopped by Ctrl-C") && judged.contains("not reached"), "{judged}");
    assert_eq!(run["summary"]["verification"]["state"], "complete");
    assert!(pair.mark("resumed").exists() && !pair.mark("killed").exists());
}

#[test]
fn what_a_killed_pgchaos_left_broken_the_next_drill_mends() {
    let pair = Pair::start();
    let rest = "[[step]]\npause = 'leader'\n[[step]]\nwait = '1h'\n";
    let hooks = format!(
        "pause = 'true'\nresume = 'echo $PGCHAOS_MEMBER >> {}/resumed'\n",
        pair.folder.path().display()
    );
    let file = pair.drill(rest, &hooks);
    let drill = pair.start_drill(&file);
    drill.wait_for_event(SOON, "the step", |event| event["event"] == "injection_ended");
    drill.signal(Signal::SIGKILL);
    let killed = drill.finish();
    assert_eq!(killed.code, 128 + 9);
    assert!(!pair.mark("resumed").exists());

    let rest = "[[step]]\nwait = '10 writes'\n";
    pair.drill(rest, &hooks);
    let home = killed.home().to_owned();
    let next = Gen::start_drill([file.to_str().unwrap(), "-d", &pair.dsn()], |_, command| {
        command.env("HOME", home);
    });
    let finished = next.finish();
    assert_eq!(finished.code, 0, "{}\n{}", finished.stdout, finished.stderr);
    assert!(finished.stderr.contains("an earlier drill was killed"), "{}", finished.stderr);
    assert_eq!(fs::read_to_string(pair.mark("resumed")).unwrap().trim(), "pg1");
}

#[test]
fn ctrl_c_twice_mends_and_leaves_the_verification_out() {
    let pair = Pair::start();
    let rest = "[[step]]\npause = 'leader'\n[[step]]\nwait = '1h'\n";
    let hooks = format!(
        "pause = 'true'\nresume = 'sleep 2; touch {}/resumed'\n",
        pair.folder.path().display()
    );
    let drill = pair.start_drill(&pair.drill(rest, &hooks));
    drill.wait_for_event(SOON, "the step", |event| event["event"] == "injection_ended");
    // Two of one kind could be taken for one.
    drill.signal(Signal::SIGINT);
    drill.signal(Signal::SIGTERM);
    let finished = drill.finish();
    assert_eq!(finished.code, 130, "{}\n{}", finished.stdout, finished.stderr);
    assert!(pair.mark("resumed").exists() && pair.mark("healed").exists());
    assert_eq!(only_run(&finished)["summary"]["verification"]["state"], "skipped");
}

#[test]
fn repeated_drills_tell_how_their_outages_spread_and_write_reports() {
    let pair = Pair::start();
    let end_sessions = "PGTARGETSESSIONATTRS=read-write psql -XAtqc \"select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'pgchaos:%'\"";
    let rest = format!(
        "[[step]]\nexec = '''{end_sessions}'''\nexpect = {{ outages = '>= 1' }}\n\
         [[step]]\nwait = 'recovered'\n"
    );
    let file = pair.drill(&rest, "");
    let home = tempfile::tempdir().unwrap();
    let mut command = pgchaos(home.path(), ["drill", "run", "--repeat", "2", "--no-record", "-q"]);
    command.arg(file).args(["-d", &pair.dsn(), "--report", "d.xml,d.md,d.json"]);
    let output = command.current_dir(home.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{told}");
    let table: Vec<_> = said.lines().rev().take(3).collect();
    assert_eq!(table[0].split_whitespace().collect::<Vec<_>>(), ["all", "pass"]);
    assert!(table[1].contains("outage 1      min ") && table[1].contains(" median "), "{said}");
    assert!(table[2].starts_with("pair  pass          2 runs "), "{said}");
    assert!(table[2].ends_with("lost none"), "{said}");
    let read = |name: &str| fs::read_to_string(home.path().join(name)).unwrap();
    assert_eq!(read("d.xml").matches("<testcase ").count(), 4);
    assert!(read("d.xml").contains("<testsuite name=\"drill pair run 2 on hooks-pair\""));
    assert!(read("d.md").starts_with("# Drills: pass\n"), "{}", read("d.md"));
    let json: Value = serde_json::from_str(&read("d.json")).unwrap();
    assert_eq!(json["drills"].as_array().unwrap().len(), 2);
    assert_eq!((&json["format"], &json["verdict"]), (&1.into(), &"pass".into()));
}

#[test]
fn a_switchover_hook_is_told_to_which_member_and_a_role_is_asked_for() {
    let pair = Pair::start();
    let rest = "[cluster]\nsynchronous = false\n\
                [[step]]\nstop = 'replica'\nas = 'other'\n\
                [[step]]\nswitchover = 'leader'\nto = 'other'\n";
    let hooks = format!(
        "replica = 'echo pg2'\n\
         start = 'true'\n\
         synchronous = '''psql -XAtqc \"select current_setting('synchronous_standby_names') <> '' \"'''\n\
         stop = 'echo $PGCHAOS_MEMBER > {0}/stopped'\n\
         switchover = 'echo $PGCHAOS_MEMBER to $PGCHAOS_TO by $PGTARGETSESSIONATTRS > {0}/handed'\n",
        pair.folder.path().display()
    );
    let finished = pair.start_drill(&pair.drill(rest, &hooks)).finish();
    assert_eq!(finished.code, 0, "{}\n{}", finished.stdout, finished.stderr);
    assert_eq!(fs::read_to_string(pair.mark("stopped")).unwrap().trim(), "pg2");
    let handed = fs::read_to_string(pair.mark("handed")).unwrap();
    assert_eq!(handed.trim(), "pg1 to pg2 by read-write");
}

#[test]
fn a_drill_for_synchronous_clusters_is_refused_where_that_is_not_so_or_not_known() {
    let pair = Pair::start();
    let rest = "[cluster]\nsynchronous = true\n[[step]]\nwait = '1 writes'\n";
    let file = pair.drill(rest, "");
    let unknown =
        pgchaos(pair.folder.path(), ["drill", "run", file.to_str().unwrap(), "-d", &pair.dsn()])
            .output()
            .unwrap();
    let stderr = String::from_utf8_lossy(&unknown.stderr);
    assert_eq!(unknown.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("[hooks] needs synchronous"), "{stderr}");
    for (hook, words) in [
        ("echo f", "needs a cluster that is synchronous, and this one is asynchronous"),
        ("echo perhaps", "printed neither t nor f"),
        ("echo no monitor >&2; exit 3", "no monitor"),
    ] {
        let file = pair.drill(rest, &format!("synchronous = '{hook}'\n"));
        let refused = pair.start_drill(&file).finish();
        assert_eq!(refused.code, 4, "{}\n{}", refused.stdout, refused.stderr);
        let problem = only_run(&refused)["problem"].as_str().unwrap();
        assert!(problem.contains(words), "{hook}: {problem}");
        assert!(!pair.mark("healed").exists(), "{hook}: nothing is begun");
    }
}
