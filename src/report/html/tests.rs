//! The page of a literal summary, and of a hostile one.

use std::time::Duration;

use super::axis::TimeAxis;
use super::picture::place;
use super::{drill_page, html_page};
use crate::model::cluster::member_states::MemberState;
use crate::model::cluster::proxy::ProxyServerState;
use crate::model::cluster::software::PatroniSettings;
use crate::model::outcome::Outcome;
use crate::model::run::lanes::{
    AcknowledgingFrom, MemberFrom, MemberLane, ProxyLane, ProxyPageFrom, ProxyServerFrom,
};
use crate::model::run::software::{ServerSoftware, SettingsFrom};
use crate::model::run::summary::Summary;
use crate::model::run::timeline_columns::{LatencyColumns, TimelineColumns};
use crate::model::scenario::drill_report::{DrillReport, DrillRun};
use crate::model::scenario::judging::Judged;
use crate::report::fixtures::summary;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The story with a timeline, servers and members.
fn with_film() -> Summary {
    let mut summary = summary();
    let is_out = |n: u64| (81..149).contains(&n);
    summary.timeline = TimelineColumns {
        width_s: 1.0,
        due: (0..210).map(|_| 1).collect(),
        acknowledged: (0..210).map(|n| u64::from(!is_out(n))).collect(),
        latency_ms: LatencyColumns {
            p50: (0..210).map(|n| (!is_out(n)).then_some(2.1)).collect(),
            p99: (0..210).map(|n| (!is_out(n)).then_some(12.0)).collect(),
            max: (0..210).map(|n| (!is_out(n)).then_some(40.0)).collect(),
        },
        writers_out_max: (0..210).map(|n| u64::from(is_out(n))).collect(),
        ..TimelineColumns::default()
    };
    summary.acknowledging = vec![
        AcknowledgingFrom { from: ms(900), server: "patroni2".to_owned(), timeline: Some(1) },
        AcknowledgingFrom { from: ms(148_550), server: "patroni3".to_owned(), timeline: Some(2) },
    ];
    summary.members = vec![MemberLane {
        member: "patroni2".to_owned(),
        states: vec![
            MemberFrom { from: ms(100), is: MemberState::Primary { timeline: Some(1) } },
            MemberFrom { from: ms(82_000), is: MemberState::Gone },
        ],
    }];
    summary
}

#[test]
fn the_page_says_what_the_summary_has() {
    let page = html_page(&with_film());
    for words in [
        "<title>pgchaos: pass: no acknowledged write was lost, one outage of 67.1 s</title>",
        "<b class=\"pass\">PASS</b> · no acknowledged write was lost, one outage of 67.1 s",
        "failover patroni2 → patroni3",
        "patroni2 · timeline 1",
        "gone: its API refuses connections, or breaks them off",
        "outage 1 · failover · 67.1 s",
        "Every acknowledged write is there.",
        "Patroni has a new leader +45.0 s",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("http"), "nothing is loaded");
}

/// What does not fit on a phone says that it scrolls, by the style alone; on paper nothing scrolls.
#[test]
fn what_scrolls_sideways_says_so_where_it_is_narrow() {
    let page = html_page(&with_film());
    assert!(page.contains(
        "<div class=\"scroll wide\" tabindex=\"0\" role=\"group\" aria-label=\"Every outage\""
    ));
    assert!(page.contains("<div class=\"drawn scroll\""), "{page}");
    let style = include_str!("style.css");
    let words: Vec<&str> =
        style.lines().filter(|line| line.contains("scroll sideways →")).collect();
    // Where a browser cannot tell that something scrolls, the width of the window does.
    let (told, guessed): (Vec<&str>, Vec<&str>) =
        words.iter().partition(|line| line.starts_with("@keyframes overflows"));
    assert_eq!((told.len(), guessed.len()), (1, 3), "{style}");
    assert!(
        guessed.iter().all(|line| line.starts_with("@media screen and (max-width:")),
        "{style}"
    );
}

#[test]
fn losses_that_are_allowed_are_said_to_be() {
    let mut summary = with_film();
    summary.verification.counts.lost = 207;
    summary.options.thresholds.max_lost = u64::MAX;
    let page = html_page(&summary);
    assert!(page.contains("PASS, as allowed</b> · 207 acknowledged writes were lost"), "{page}");
    assert!(!page.contains("limit 18 446"), "{page}");
}

/// "5.0 s, limit 5 s" under a FAIL reads as a mistake.
#[test]
fn a_number_that_is_over_its_limit_does_not_read_as_the_limit() {
    let mut summary = with_film();
    let limits = &mut summary.options.thresholds;
    limits.max_outage = Some(ms(67_051));
    limits.max_p99 = Some(Duration::from_micros(12_190));
    limits.min_availability_pct = Some(67.47);
    let page = html_page(&summary);
    for (value, limit) in
        [("67.050 s", "67.051 s"), ("12.20 ms", "12.19 ms"), ("67.4 %", "67.47 %")]
    {
        let cells =
            format!("<dd class=\"value\">{value}</dd><dd class=\"limit\">limit {limit}</dd>");
        assert!(page.contains(&cells), "{cells}: {page}");
    }
    summary.options.thresholds.max_outage = Some(ms(5_000));
    let page = html_page(&summary);
    assert!(page.contains("67.1 s</dd><dd class=\"limit\">limit 5 s</dd>"), "{page}");
}

/// In grey, as printed, and for an eye that tells no colours apart. tests/pages.sh measures the contrast in Chromium.
#[test]
fn lines_and_states_of_the_film_differ_by_more_than_their_colour() {
    let style = include_str!("style.css");
    let rule = |name: &str| {
        let (_, rest) = style.split_once(&format!(".{name}{{")).unwrap();
        rest.split_once('}').unwrap().0
    };
    let dashes = |name: &str| rule(name).split_once("stroke-dasharray:").map(|(_, dashes)| dashes);
    assert!(dashes("max").is_some() && dashes("p50").is_some() && dashes("line").is_none());
    assert_ne!(dashes("max"), dashes("p50"));
    assert_ne!(dashes("down"), dashes("start"));
    assert_ne!(rule("down").split(';').next(), rule("repl").split(';').next());
}

/// A drill expects things of its own: that a run has no limits is not that nothing is asked of it.
#[test]
fn the_page_of_a_drills_run_says_that_the_drill_judges() {
    let mut summary = with_film();
    assert!(html_page(&summary).contains("no limit set"), "a run by itself");
    summary.part_of = Some("drill leader-kill".to_owned());
    summary.drill_verdict = Some(Outcome::Fail);
    let page = html_page(&summary);
    assert!(!page.contains("no limit set"), "{page}");
    assert!(page.contains("<dd class=\"limit\">the drill judges</dd>"), "{page}");
    let words = "The load of drill leader-kill, which judges by what it expects: fail.";
    assert!(page.contains(words), "{page}");
    summary.part_of = Some("demo".to_owned());
    assert!(html_page(&summary).contains("The load of the demo's drill, which"), "{page}");
}

#[test]
fn the_cluster_has_its_versions_and_settings() {
    let mut summary = with_film();
    summary.servers = vec![ServerSoftware {
        server: "patroni2".to_owned(),
        postgresql: Some(150_004),
        patroni: Some("3.0.2".to_owned()),
    }];
    let settings = PatroniSettings {
        ttl_s: 30,
        loop_wait_s: 10,
        retry_timeout_s: 10,
        maximum_lag_on_failover_bytes: 1_048_576,
        synchronous_mode: false,
        synchronous_mode_strict: false,
        pause: false,
        failsafe_mode: None,
        primary_start_timeout_s: None,
    };
    let later = PatroniSettings { synchronous_mode: true, ..settings };
    summary.patroni_settings = vec![
        SettingsFrom { from: ms(30), settings },
        SettingsFrom { from: ms(65_000), settings: later },
    ];
    let page = html_page(&summary);
    for cells in [
        "<td>patroni2</td><td>15.4</td><td>3.0.2</td>",
        "<td>ttl</td><td>30 s</td>",
        "<td>maximum_lag_on_failover</td><td>1 048 576 bytes</td>",
        "<td>synchronous_mode</td><td>off, on from 65.0 s on</td>",
    ] {
        assert!(page.contains(cells), "{cells}: {page}");
    }
}

#[test]
fn markup_in_names_is_text() {
    let mut summary = with_film();
    let evil = "<script>alert(1)</script>\u{202e}\u{1b}[2J\"'&";
    summary.name = Some(evil.to_owned());
    summary.target.endpoints = evil.to_owned();
    summary.target.dbname = evil.to_owned();
    summary.reasons = vec![evil.to_owned()];
    summary.acknowledging[0].server = evil.to_owned();
    summary.members[0].member = evil.to_owned();
    summary.members[0].states[0].is = MemberState::NotRunning { word: evil.to_owned() };
    summary.proxy = vec![ProxyLane {
        backend: evil.to_owned(),
        server: evil.to_owned(),
        member: None,
        states: vec![ProxyServerFrom {
            from: ms(100),
            is: ProxyServerState::OutOfService { word: evil.to_owned() },
        }],
    }];
    summary.proxy_page =
        vec![ProxyPageFrom { from: ms(100), error: Some(evil.to_owned()), gone: false }];
    summary.haproxy = Some(evil.to_owned());
    summary.verification.server = Some(evil.to_owned());
    let page = html_page(&summary);
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains(['\u{202e}', '\u{1b}']), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
}

#[test]
fn numbers_out_of_range_make_a_page_too() {
    let mut summary = with_film();
    summary.elapsed_s = f64::INFINITY;
    summary.timeline.width_s = f64::MAX;
    summary.timeline.acknowledged = vec![u64::MAX; 3];
    summary.timeline.latency_ms.max = vec![Some(f64::MAX), Some(-1.0), None];
    summary.outages[0].began = Duration::MAX;
    summary.outages[0].degraded = Duration::MAX;
    let page = html_page(&summary);
    assert!(page.len() < 100_000, "{}", page.len());
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn ten_thousand_outages_stay_a_small_page() {
    let mut summary = with_film();
    let one = summary.outages[0].clone();
    summary.outages = (1..=10_000)
        .map(|n| {
            let mut outage = one.clone();
            (outage.n, outage.began) = (n, ms(u64::from(n) * 20));
            outage.duration = ms(10);
            outage
        })
        .collect();
    let page = html_page(&summary);
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(page.contains("and 9500 more, in the JSON report"), "what is left out is counted");
}

/// Several writers: the first went out at 81.5 s, the last one at 100 s, and all wrote at 170 s.
fn with_late_silence() -> Summary {
    let mut summary = with_film();
    let outage = &mut summary.outages[0];
    outage.last_ack = Some(ms(100_000));
    outage.duration = ms(48_550);
    outage.degraded = ms(88_500);
    summary
}

#[test]
fn the_band_is_where_no_write_was_and_paler_where_some_writers_were_out() {
    let summary = with_late_silence();
    let page = html_page(&summary);
    let path = |class: &str| {
        let (_, after) = page.split_once(&format!("<path class=\"{class}\" d=\"")).unwrap();
        after.split_once('"').unwrap().0
    };
    let axis = TimeAxis::until(209.5);
    let at = |s: f64| format!("M{} ", place(axis.x(s)));
    assert!(path("band").starts_with(&at(100.0)), "{}", path("band"));
    assert_eq!(path("band").matches('M').count(), 1);
    let paler = path("some-out");
    assert!(paler.starts_with(&at(81.5)) && paler.contains(&at(148.55)), "{paler}");
    let gap = path("none");
    assert!(gap.starts_with(&at(100.0)), "{gap}");
}

#[test]
fn the_zoom_has_no_write_where_none_was() {
    let page = html_page(&with_late_silence());
    let (_, zoom) = page.split_once("class=\"zoom\"").unwrap();
    let axis = TimeAxis::until(88.5 * 1.02);
    let x = place(axis.x(18.5));
    assert!(zoom.contains(&format!("<rect class=\"out\" x=\"{x}\" ")), "{zoom}");
}

#[test]
fn a_record_that_was_not_closed_may_lack_lost_writes() {
    let mut summary = with_film();
    summary.writes.unaccounted = None;
    let page = html_page(&summary);
    assert!(page.contains("pass: every write that the record has as acknowledged is there, one"));
    assert!(page.contains("0 of those in the record"), "{page}");
    assert!(!page.contains("no acknowledged write was lost"), "{page}");
}

#[test]
fn partial_and_open_outages_are_told_as_such() {
    let mut summary = with_film();
    let mut partial = summary.outages[0].clone();
    (partial.n, partial.partial, partial.degraded) = (2, true, ms(6_100));
    summary.outages.push(partial);
    let page = html_page(&summary);
    assert!(page.contains("lost, one outage of 67.1 s, one partial outage of 6.1 s<"), "{page}");
    let mut open = summary.outages[0].clone();
    (open.n, open.duration, open.open) = (3, ms(1_000), Some(ms(1_000)));
    summary.outages.push(open);
    let words =
        "2 outages, the longest 67.1 s, one of them not over when the run ended, one partial";
    assert!(html_page(&summary).contains(words));
    summary.outages.truncate(2);
    summary.outages.remove(0);
    assert!(html_page(&summary).contains("partial outage 2 · failover · 6.1 s"));
}

#[test]
fn an_outage_with_writers_out_at_the_end_is_not_open_for_all() {
    let mut summary = with_film();
    summary.options.load.writers = 4;
    summary.outages[0].writers_out_at_end = 1;
    let page = html_page(&summary);
    assert!(!page.contains("not over"), "{page}");
    let words = "67.1 s without a write, and 1 of 4 writers out until the run ended";
    assert!(page.contains(words), "{page}");
}

#[test]
fn lanes_end_where_they_were_cut() {
    let mut summary = with_film();
    summary.lanes_until_s = Some(160.0);
    summary.lanes_left_out = 12;
    let page = html_page(&summary);
    assert!(
        page.contains(
            "Servers and members are drawn until 2 min 40 s after the start: the 12 changes after it"
        ),
        "{page}"
    );
    let axis = TimeAxis::until(209.5);
    let width = place(axis.x(160.0) - axis.x(148.55) - 1.0);
    assert!(page.contains(&format!("width=\"{width}\" height=\"18\"")), "{page}");
}

#[test]
fn one_lost_write_is_lost() {
    let mut summary = with_film();
    summary.verification.counts.lost = 1;
    assert!(html_page(&summary).contains("1 acknowledged write is lost."));
}

fn drill_run(verdict: Outcome, repetition: u32) -> DrillRun {
    let judged = Judged {
        of: "step 1: kill leader (patroni2)".to_owned(),
        what: "kind".to_owned(),
        expected: "failover".to_owned(),
        seen: "<b>connection</b>".to_owned(),
        outcome: verdict,
    };
    DrillRun {
        drill: "leader-kill".to_owned(),
        title: "The leader's machine is gone at once".to_owned(),
        on: "lab-x".to_owned(),
        repetition,
        took: ms(28_400),
        verdict,
        problem: None,
        interrupted: false,
        expectations: vec![judged],
        summary: Some(with_film()),
    }
}

#[test]
fn a_drill_has_its_verdict_its_expectations_and_its_run() {
    let page = drill_page(&DrillReport::of(vec![drill_run(Outcome::Fail, 1)]));
    for words in [
        "<title>pgchaos drill leader-kill: fail</title>",
        "<h1><b class=\"fail\">FAIL</b> · leader-kill: no acknowledged write was lost, one outage of 67.1 s</h1>",
        "<td><b class=\"fail\">NO</b></td><td>step 1: kill leader (patroni2)</td><td>kind</td>\
         <td>failover</td><td>&lt;b&gt;connection&lt;/b&gt;</td>",
        "The run by itself: <b class=\"pass\">pass</b>.",
        "outage 1 · failover · 67.1 s",
        "Drill <code>leader-kill</code>, on lab-x.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn the_page_of_a_drill_has_the_command_that_repeats_it() {
    let mut run = drill_run(Outcome::Pass, 1);
    let summary = run.summary.as_mut().unwrap();
    summary.part_of = Some("drill leader-kill".to_owned());
    summary.options.thresholds.max_lost = u64::MAX;
    let page = drill_page(&DrillReport::of(vec![run]));
    let command = "Again: <code>pgchaos drill run leader-kill --on lab --name x</code>";
    assert!(page.contains(command), "{page}");
    assert!(page.contains("Its load alone: <code>pgchaos gen "), "{page}");
    assert!(!page.contains("--max-lost"), "{page}");
}

#[test]
fn several_drills_have_a_list_that_leads_to_each() {
    let runs = vec![drill_run(Outcome::Pass, 1), drill_run(Outcome::Inconclusive, 2)];
    let page = drill_page(&DrillReport::of(runs));
    for words in [
        "INCONCLUSIVE</b> · 2 runs: 1 passed, 1 inconclusive",
        "<a href=\"#run-2\">leader-kill, run 2</a>",
        "<section class=\"drill\" id=\"run-2\">",
        "<td>leader-kill</td><td class=\"n\">1</td><td class=\"n\">2 of 2</td><td class=\"n\">67.1 s</td>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn many_runs_have_a_line_each_and_the_gravest_a_section() {
    let of = |n| drill_run(if n == 777 { Outcome::Fail } else { Outcome::Pass }, n);
    let page = drill_page(&DrillReport::of((1..=1000).map(of).collect()));
    assert!(page.contains("<section class=\"drill\" id=\"run-777\">"));
    assert_eq!(page.matches("<section").count(), 32);
    assert!(page.contains("the gravest 32; the other 968 are in the JSON report"));
    assert!(page.len() < 2_000_000, "{}", page.len());
}

#[test]
fn a_drill_that_could_not_run_says_why() {
    let mut run = drill_run(Outcome::Inconclusive, 1);
    run.summary = None;
    run.expectations.clear();
    run.problem = Some("pgchaos: the lab <x> is asynchronous\n  try: another".to_owned());
    let page = drill_page(&DrillReport::of(vec![run]));
    assert!(page.contains("COULD NOT RUN</b> · leader-kill</h1>"), "{page}");
    assert!(page.contains("the lab &lt;x&gt; is asynchronous</p>"), "{page}");
}
