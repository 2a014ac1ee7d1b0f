//! `pgchaos predict` beside a Patroni that says what the test wants, and by settings that are typed.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::server::{http, served, server};
use crate::support::pgchaos;

/// A Patroni of this version with this configuration.
fn patroni(version: &'static str, config: &'static str) -> String {
    served(move |mut stream| {
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap_or(0);
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        let status = format!(
            r#"{{"state":"running","role":"replica","timeline":1,"patroni":{{"version":"{version}","scope":"a"}}}}"#
        );
        let body = match request.split(' ').nth(1) {
            Some("/config") => config,
            _ => &status,
        };
        let _ = stream.write_all(http("200 OK", "application/json", body).as_bytes());
    })
}

fn predict(home: &Path, args: &[&str]) -> Output {
    pgchaos(home, ["predict"].iter().chain(args)).current_dir(home).output().unwrap()
}

#[track_caller]
fn printed(args: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let output = predict(home.path(), args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.is_empty(), "{args:?}: {stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let is_text = !args.contains(&"--json");
    for line in stdout.lines().filter(|_| is_text) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    stdout
}

#[track_caller]
fn refused(home: &Path, args: &[&str], code: i32, words: &[&str]) {
    let output = predict(home, args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    for words in words {
        assert!(stderr.contains(words), "{words:?} in:\n{stderr}");
    }
    assert!(output.stdout.is_empty());
}

#[test]
fn the_settings_in_force_are_those_of_patronis_version() {
    let config = r#"{"ttl":5,"loop_wait":1,"retry_timeout":2,"failsafe_mode":true}"#;
    let old = printed(&["--patroni", &patroni("3.0.2", config)]);
    assert!(
        old.starts_with("Patroni   3.0.2 · ttl 5 s, loop_wait 1 s, retry_timeout 2 s"),
        "{old}"
    );
    assert!(old.contains("failsafe_mode") && !old.contains("not the 5 s"), "{old}");
    assert!(old.contains("etcd-quorum     none: writes go on"), "{old}");
    let new = printed(&["--patroni", &patroni("4.1.5", config)]);
    assert!(new.contains("ttl is 20 s, not the 5 s that it was told: this Patroni takes"), "{new}");
    // What is typed stands in place of what is told.
    let what_if = printed(&["--patroni", &patroni("4.1.5", config), "--ttl", "30"]);
    assert!(what_if.contains("ttl 30 s, loop_wait 1 s, retry_timeout 3 s"), "{what_if}");
    // One that does not answer is passed over.
    let both = format!("http://127.0.0.1:1,{}", patroni("3.0.2", config));
    assert_eq!(printed(&["--patroni", &both]), old);
}

#[test]
fn json_has_every_fault_with_parts_that_add_up() {
    let typed = ["--ttl", "30", "--loop-wait", "10", "--retry-timeout", "10"];
    let json = printed(&[&typed[..], &["--json", "--patroni-version", "3.0.2"]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["format"], &json["haproxy"]), (&Value::from(1), &Value::Null));
    assert_eq!(json["patroni"]["ttl_s"], 30);
    let faults = json["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 7);
    let killed = &faults[0];
    assert_eq!(killed["fault"], "leader-kill");
    let sum = |bound: &str| {
        let parts = killed["parts"].as_array().unwrap().iter();
        Duration::from_secs_f64(parts.map(|part| part[bound].as_f64().unwrap()).sum())
    };
    for bound in ["from_s", "to_s"] {
        let whole = Duration::from_secs_f64(killed["outage"][bound].as_f64().unwrap());
        assert_eq!(sum(bound).as_millis(), whole.as_millis());
    }
    assert_eq!(faults[4]["outage"]["to_s"], Value::Null);
    assert!(faults[4]["not_known"].as_array().unwrap().contains(&"proxy_checks".into()));
    assert!(json["advice"].as_array().unwrap().iter().any(|advice| {
        advice["change"] == "ttl: 20, loop_wait: 5, retry_timeout: 5"
            && advice["saves"][0]["saved"]["worst_s"] == 10.0
    }));
}

#[test]
fn what_is_missing_is_said_with_what_to_give() {
    let home = tempfile::tempdir().unwrap();
    refused(home.path(), &[], 2, &["how Patroni is set is not said", "--patroni URL", "--lab"]);
    refused(home.path(), &["--ttl", "30s"], 2, &["a whole number"]);
    refused(home.path(), &["--ttl", "30", "--patroni-version", "x"], 2, &["3.0.2"]);
    refused(home.path(), &["--ttl", "30", "--fault", "x"], 2, &["leader-kill, leader-stop"]);
    refused(home.path(), &["--ttl", "30", "--haproxy-backend", "x"], 2, &["--haproxy-config"]);
    let nobody = ["--patroni", "127.0.0.1:1"];
    refused(home.path(), &nobody, 4, &["connection refused", "a member that runs"]);
    let web = server(http("200 OK", "text/html", "<html>"));
    refused(home.path(), &["--patroni", &web], 4, &["that is no Patroni API"]);
    refused(home.path(), &["--lab", "nope"], 4, &["there is no lab nope", "lab up"]);
}

#[test]
fn the_proxys_configuration_is_read_or_refused() {
    let home = tempfile::tempdir().unwrap();
    let with = |name: &str| ["--ttl", "30", "--haproxy-config", name].map(str::to_owned);
    let file = |name: &str, text: &[u8]| fs::write(home.path().join(name), text).unwrap();
    let said = |name: &str, code, words: &[&str]| {
        let args = with(name);
        refused(home.path(), &args.each_ref().map(String::as_str), code, words);
    };
    said("missing.cfg", 4, &["missing.cfg cannot be read"]);
    fs::create_dir(home.path().join("folder")).unwrap();
    said("folder", 4, &["folder is no file"]);
    file("binary.cfg", b"listen a\0");
    said("binary.cfg", 4, &["binary.cfg: it is no text"]);
    file("wrong.cfg", b"listen a\n server a a:1 check inter 3sec\n");
    said("wrong.cfg", 4, &["wrong.cfg:2: 3sec is no time"]);
    file("huge.cfg", &vec![b'#'; 5 * 1024 * 1024]);
    said("huge.cfg", 4, &["huge.cfg is longer than 4 MiB"]);
    let two = b"listen a\n server a a:1 check\nlisten b\n server a a:1 check inter 7s\n";
    file("two.cfg", two);
    said("two.cfg", 4, &["several backends", "a, b", "--haproxy-backend NAME"]);
    let output = predict(
        home.path(),
        &["--ttl", "30", "--haproxy-config", "two.cfg", "--haproxy-backend", "b"],
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("HAProxy   b in two.cfg · inter 7 s, fastinter 7 s"), "{stdout}");
}
