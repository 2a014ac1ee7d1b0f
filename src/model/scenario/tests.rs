use super::expect::Number;
use super::step::{Act, Action, TargetName, Until};
use super::*;
use crate::model::cluster::selector::Selector;
use crate::model::load::options::Rate;
use crate::model::outage::kind::Kind;

fn read(text: &str) -> Result<Scenario, String> {
    Scenario::read("test", "test.toml", text).map_err(|error| error.to_string())
}

fn with_steps(steps: &str) -> Result<Scenario, String> {
    read(&format!("title = \"x\"\n{steps}"))
}

#[test]
fn the_schema_is_a_scenario_with_everything_in_it() {
    let scenario = read(SCHEMA).unwrap();
    assert_eq!(scenario.title, "The leader is killed");
    assert_eq!(scenario.on, [On::Lab, On::Compose]);
    assert_eq!(scenario.synchronous, Some(false));
    assert_eq!(scenario.load.rate, Rate::PerSecond(50.0));
    assert_eq!(scenario.steps.len(), 8);
    let Act::Do(kill) = &scenario.steps[1].act else { panic!("{:?}", scenario.steps[1]) };
    assert_eq!((kill.action, kill.alias.as_deref()), (Action::Kill, Some("old")));
    assert_eq!(kill.targets[0].name, TargetName::Selector(Selector::Leader));
    let expect = scenario.steps[1].expect.as_ref().unwrap();
    assert_eq!(expect.kind, [Kind::Failover, Kind::Demotion]);
    assert_eq!(expect.lost.unwrap().to_string(), "at most 100");
    let Act::Do(start) = &scenario.steps[3].act else { panic!() };
    assert_eq!(start.targets[0].name, TargetName::Alias("old".to_owned()));
    assert_eq!(scenario.expect.counted[0].equals, Number::Present);
    assert_eq!(scenario.expect.max_lost(), 0);
}

#[test]
fn the_schema_shows_the_defaults() {
    let bare = with_steps("[[step]]\nkill = \"leader\"").unwrap();
    assert_eq!(read(SCHEMA).unwrap().load, bare.load);
    let Act::Wait(wait) = with_steps("[[step]]\nwait = \"healthy\"").unwrap().steps[0].act.clone()
    else {
        panic!()
    };
    assert_eq!((wait.until, wait.within.as_secs()), (Until::Healthy, 180));
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let error = read("title = \"x\"\n\n[laod]\nrate = 1\n").unwrap_err();
    assert_eq!(
        error,
        "test.toml:3:2: a scenario has no key \"laod\"; did you mean \"load\"?\n   |\n \
         3 | [laod]\n   |  ^^^^"
    );
    let error = with_steps("[load]\nwrite_timeout = \"3s\"\n").unwrap_err();
    assert!(error.contains("did you mean \"write-timeout\"?"), "{error}");
    let error = with_steps("[[step]]\nkil = \"leader\"").unwrap_err();
    assert!(error.contains("did you mean \"kill\"?"), "{error}");
    let error = with_steps("[[step]]\nkill = \"leader\"\nunod = \"x\"").unwrap_err();
    assert!(error.starts_with("test.toml:4:1: a step that does kill has no key"), "{error}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (steps, words) in [
        ("[[step]]\nwait = \"recoverd\"", "3:8: \"recoverd\" cannot be waited for; did you mean"),
        ("[[step]]\nwait = \"3s\"\nwithin = \"9s\"", "4:10: a plain time has no limit"),
        ("[[step]]\nkill = 3", "3:8: kill is integer, and must be a string"),
        ("[[step]]\nkill = \"etcd:x\"", "3:8: \"etcd:x\" names no member"),
        ("[[step]]\nkill = \"leader\"\nstart = \"leader\"", "one step does one thing"),
        ("[[step]]\nstop = [\"etcd1\", \"etcd2\"]\nas = \"both\"", "cannot give them one name"),
        ("[[step]]\nkill = \"everything\"", "only heal can be done to everything"),
        ("[[step]]\nexec = \"\"", "exec is an empty command"),
        (
            "[[step]]\nkill = \"leader\"\nexpect = { kind = \"failure\" }",
            "did you mean \"failover\"?",
        ),
        ("[[step]]\nkill = \"leader\"\nexpect = { lost = -1 }", "lost must be a number as 1, or"),
        (
            "[[step]]\nkill = \"leader\"\nexpect = { errors = [\"lost\"] }",
            "did you mean \"connection_lost\"?",
        ),
        ("[[step]]\nkill = \"leader\"\n[expect]\nlongest-outage = 3", "must be a duration as"),
        ("on = \"hooks\"\n[[step]]\nkill = \"leader\"", "needs [hooks]"),
        ("step = []", "2:8: a scenario without a step breaks nothing"),
        ("[[step]]\nkill = \"leader", "3:15: invalid basic string"),
    ] {
        let error = with_steps(steps).unwrap_err();
        assert!(error.contains(words), "{steps}\n{error}");
    }
}

#[test]
fn hooks_are_looked_up_by_the_nearest_name() {
    let text = "[[step]]\nkill = \"leader\"\n[hooks]\nkill = \"any\"\nheal = \"all\"\n\
                start.leader = [\"pg_ctl\", \"start\"]\n";
    let hooks = with_steps(text).unwrap().hooks.unwrap();
    let command = |action, names: &[&str]| hooks.command(action, names).map(ToString::to_string);
    assert_eq!(command(Action::Kill, &["pg1", "leader"]).as_deref(), Some("any"));
    assert_eq!(command(Action::Start, &["pg1", "leader"]).as_deref(), Some("pg_ctl start"));
    assert_eq!(command(Action::Start, &["replica"]), None);
    assert_eq!(hooks.heal.unwrap().to_string(), "all");
}

/// A password in any place of a drill's file that is wrong somewhere is in no word of the error.
#[test]
fn no_error_shows_a_secret() {
    let secrets = [
        "PGPASSWORD=S3cr3t psql",
        "curl -u admin:S3cr3t http://x",
        "postgresql://u:S3cr3t@h/x",
        "host=x password=S3cr3t",
        "mysql -pS3cr3t",
        "curl -H 'Authorization: Bearer S3cr3t'",
    ];
    let commands = [
        "[hooks]\nkill = ",
        "[hooks]\nstop_leader=",
        "hooks.kill = ",
        "[[step]]\nexec = ",
        "[[step]]\nexec = [\"sh\", ",
        "[[step]]\nundo = ",
        "[hooks]\nkill = [\n\"psql\",\n",
        "[[step]]\nexec = \"\"\"\nset -e\n",
    ];
    let others = [
        "title = ",
        "[load]\nrate = ",
        "[load]\ndsn = ",
        "on = ",
        "[[step]]\nstop = ",
        "[expect]\nlost = ",
        "password = ",
    ];
    let check = |text: String| {
        // What is wrong is the line itself, or what follows on it, or its quote that does not end.
        let error = read(&text).map(|_| ()).unwrap_err();
        assert!(!error.contains("S3cr3t"), "{text}\n{error}");
    };
    for secret in secrets {
        let of_others = others.iter().filter(|_| !secret.starts_with("mysql"));
        for place in commands.iter().chain(of_others) {
            check(format!("{place}{secret:?} junk\n"));
            check(format!("{place}\"{secret}\n"));
            check(format!("{place}{secret}\n"));
            check(format!("{place}{secret:?}\n"));
            check(format!("{place}[{secret:?}, 1]\n"));
            check(format!("title = \"t\"\n{place}{secret:?}\n[[step]]\nwait = \"1s\"\n[nope]\n"));
        }
    }
}

#[test]
fn what_is_no_secret_is_shown() {
    let text = "title = 'x'\n[hooks]\nkil = \"psql -c x\"\n[[step]]\nwait = '1s'\n";
    let error = read(text).map(|_| ()).unwrap_err();
    assert!(error.contains("\"kil\"") && error.contains("kil =…"), "{error}");
    assert!(!error.contains("psql"), "{error}");
}
