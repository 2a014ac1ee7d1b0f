//! A real loss: the primary goes with writes that its asynchronous standby never got.

use std::collections::BTreeSet;

use crate::looks::{
    SOON, assert_complete, by_writer, in_doubt, lost_writes, run_id, tokens, wait_for_answers,
    wait_for_check, wait_for_outage,
};
use crate::support::{Gen, Postgres, Proxy, wait_until};

#[test]
fn writes_that_an_asynchronous_standby_never_got_are_lost_in_the_failover() {
    let primary = Postgres::start();
    let standby = primary.standby();
    let proxy = Proxy::start(primary.port());
    let url = proxy.url();
    let load = Gen::start([&*url, "--rate=200", "--writers=2", "--stall-after=20s"]);
    let run = run_id(&load);
    wait_for_answers(&load, &[1, 2], 50);
    let there = format!("SELECT count(*) >= 80 FROM pgchaos.user_events WHERE run_id = '{run}'");
    wait_until(SOON, "the standby has some of it", || {
        standby.try_psql(&there).as_deref() == Ok("t")
    });

    // From here on the standby gets nothing more.
    standby.psql("ALTER SYSTEM SET primary_conninfo = ''");
    standby.psql("SELECT pg_reload_conf()");
    wait_until(SOON, "nobody streams", || {
        primary.psql("SELECT count(*) FROM pg_stat_replication") == "0"
    });
    // More than the 32 ids that a sequence logs ahead, so that ids come back.
    let answered = |writer: i64| {
        let highest = format!(
            "SELECT max(seq) FROM pgchaos.user_events WHERE run_id = '{run}' AND writer = {writer}"
        );
        primary.psql(&highest).parse::<i64>().unwrap()
    };
    let more = [answered(1) + 60, answered(2) + 60];
    wait_for_answers(&load, &[1], more[0]);
    wait_for_answers(&load, &[2], more[1]);
    proxy.refuse();
    load.wait_for_event(SOON, "the outage", |event| event["event"] == "outage_began");
    proxy.retarget(standby.port());
    standby.promote();
    proxy.pass();

    let outage = wait_for_outage(&load, 1);
    assert_eq!(outage["kind"], "failover", "{outage:#}");
    assert_eq!((&outage["from"]["timeline"], &outage["to"]["timeline"]), (&1.into(), &2.into()));
    let found = wait_for_check(&load, 1);
    let finished = load.interrupt_and_finish();

    // The old primary still has them: an independent count.
    let before = tokens(&primary, &run);
    let after = tokens(&standby, &run);
    let doubtful = in_doubt(&finished.events);
    let lost: BTreeSet<_> = &(&before - &after) - &doubtful;
    println!("lost {}, in doubt {}", lost.len(), doubtful.len());
    assert!(lost.len() >= 100, "{}", lost.len());
    assert_eq!(by_writer(&found["missing"]), lost, "told at once");
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert_complete(&finished.summary);
    assert_eq!(finished.summary["verification"]["lost"], lost.len());
    assert_eq!(lost_writes(&finished.summary), lost);
    assert_eq!(finished.summary["outages"][0]["lost"], lost.len());
    assert_eq!(finished.summary["outages"][0]["kind"], "failover");
    let backwards = finished.summary["history_backwards"].as_array().unwrap();
    let id = backwards.iter().find(|entry| entry["what"] == "id");
    let id = id.unwrap_or_else(|| panic!("no id went back: {backwards:?}"));
    let number = |name: &str| id[name].as_str().unwrap().parse::<i64>().unwrap();
    assert!(number("to") <= number("from"), "{id}");
    assert!(!finished.events_named("history_backwards").is_empty());
    assert!(finished.events_named("id_gap").is_empty(), "it is no mere gap");
}
