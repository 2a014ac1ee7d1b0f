//! What a comparison claims, and what it does not.

use std::time::Duration;

use chrono::{Offset, Utc};
use pgchaos::model::comparison::Comparison;
use pgchaos::model::comparison::measure::Measure;
use pgchaos::model::comparison::verdict_on_sets::{Conclusion, FoundDifference};
use pgchaos::model::load::options::Rate;
use pgchaos::model::load::own_pause::OwnPause;
use pgchaos::model::outcome::Outcome;
use pgchaos::model::run::summary::{Summary, VerificationState};
use pgchaos::report::comparison::text::comparison_text;
use pgchaos::report::comparison::words::headline;
use pgchaos::report::export::Format;
use pgchaos::report::summary_text::SummaryTextOptions;
use proptest::prelude::*;
use uuid::Uuid;

use super::samples::{better, compared, lose, recorded, set, with_outage};

fn conclusion(a: &[Summary], b: &[Summary]) -> Conclusion {
    Comparison::of(a, b).conclusion.unwrap()
}

fn found(comparison: &Comparison, measure: Measure) -> FoundDifference {
    comparison.measure(measure).unwrap().difference.as_ref().unwrap().found
}

/// The medians, and the 6th from either end of the 36 differences, which Python sorted: the critical value of six and
/// six runs is 5.
#[test]
fn shorter_outages_are_said_to_be_with_medians_and_an_interval() {
    let (a, b) = better();
    let comparison = Comparison::of(&a, &b);
    assert_eq!(comparison.conclusion, Some(Conclusion::Better));
    assert_eq!(
        headline(&comparison).sentences[0],
        "Outages are shorter: 12.4 s instead of 30.8 s (longest of each run, median of 6 and 6 runs; \
         between 16.2 s and 22.2 s shorter, 95 %)."
    );
    assert_eq!(found(&comparison, Measure::LongestOutageS), FoundDifference::Lower);
    assert_eq!(found(&comparison, Measure::AvailabilityPct), FoundDifference::Higher);
    assert_eq!(
        found(&comparison, Measure::LossPct),
        FoundDifference::NotShown,
        "2 of 6 may be chance"
    );
    assert_eq!(found(&comparison, Measure::LatencyP99Ms), FoundDifference::Same);
    assert_eq!(conclusion(&b, &a), Conclusion::Worse);
}

#[test]
fn equal_sets_are_not_told_apart() {
    let lengths = [3.0, 4.1, 2.7, 5.5, 3.3, 4.4];
    let comparison = Comparison::of(&set("a", &lengths), &set("b", &lengths));
    assert_eq!(comparison.conclusion, Some(Conclusion::NotShown));
    let words = headline(&comparison);
    assert_eq!(words.word, "NO DIFFERENCE SHOWN");
    assert_eq!(
        words.sentences,
        [
            "In 6 and 6 runs no difference is more than chance.",
            "Were there one, outages of A would be between 1.4 s shorter and 1.4 s longer (95 %)."
        ]
    );
    let none = Comparison::of(&set("a", &[0.0; 6]), &set("b", &[0.0; 6]));
    assert_eq!(none.measures_tested, 0, "where nothing differs nothing is tested");
    assert_eq!(none.conclusion, Some(Conclusion::NotShown));
}

#[test]
fn few_runs_tell_nothing_however_far_apart_they_are() {
    let (short, long) = (set("a", &[1.0, 1.1, 1.2, 1.3]), set("b", &[90.0, 91.0, 92.0, 93.0]));
    let comparison = Comparison::of(&short, &long);
    assert_eq!(comparison.conclusion, Some(Conclusion::TooFew));
    // 4 measures differ: 2 in 70 ways is more than one in eighty, 2 in 252 is less.
    assert_eq!((comparison.measures_tested, comparison.runs_needed), (4, Some(5)));
    assert_eq!(conclusion(&short[..1], &long[..1]), Conclusion::TooFew);
    let enough = [1.0, 1.1, 1.2, 1.3, 1.4];
    assert_eq!(conclusion(&set("a", &enough), &set("b", &[9.0; 5])), Conclusion::Better);
}

#[test]
fn an_outage_that_was_open_may_have_been_the_longest() {
    let lengths = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5];
    let mut a = set("a", &lengths);
    let b = set("b", &[9.0, 9.1, 9.2, 9.3, 9.4, 9.5]);
    assert_eq!(conclusion(&a, &b), Conclusion::Better);
    for run in &mut a[..3] {
        let outage = &mut run.outages[0];
        (outage.open, outage.first_ack) = (Some(outage.duration), None);
    }
    let comparison = Comparison::of(&a, &b);
    assert_eq!(found(&comparison, Measure::LongestOutageS), FoundDifference::NotShown);
    assert!(comparison.reservations[0].starts_with("a1, a2, a3: an outage was not over"));
    // Long ones that were open are no shorter than they were.
    assert_eq!(
        found(&Comparison::of(&b, &set("c", &lengths)), Measure::LongestOutageS),
        FoundDifference::Higher
    );
    let mut open = b;
    for run in &mut open {
        let outage = &mut run.outages[0];
        (outage.open, outage.first_ack) = (Some(outage.duration), None);
    }
    let comparison = Comparison::of(&open, &set("c", &lengths));
    assert_eq!(found(&comparison, Measure::LongestOutageS), FoundDifference::Higher);
    let text = compared(Format::Text, &open, &set("c", &lengths));
    assert!(text.contains("at least 7.7 s longer"), "{text}");
}

/// A killed run, or one whose disk failed: what came after the last line is not known.
#[test]
fn a_run_that_was_cut_may_have_had_longer_outages() {
    let mut a = set("a", &[1.0, 1.1, 0.0, 1.3, 1.4, 1.5]);
    let b = set("b", &[9.0, 9.1, 9.2, 9.3, 9.4, 9.5]);
    assert_eq!(conclusion(&a, &b), Conclusion::Better);
    for run in &mut a[..3] {
        run.writes.unaccounted = None;
    }
    a[2].outages.clear();
    let comparison = Comparison::of(&a, &b);
    for measure in [Measure::LongestOutageS, Measure::WithoutWriteS] {
        assert_eq!(found(&comparison, measure), FoundDifference::NotShown);
    }
    let text = compared(Format::Text, &a, &b);
    for cell in ["≥ 1.0 s", "none seen"] {
        assert!(text.contains(cell), "{text}");
    }
    let side_by_side = compared(Format::Text, &a, &[]);
    assert!(side_by_side.contains("none seen in a3 to 1.5 s in a6"), "{side_by_side}");
    assert!(!side_by_side.contains("a2 · outage 0.1 s longer"), "{side_by_side}");
    // A record that lacks its end, of a run that was closed.
    let mut a = set("a", &[1.0, 1.1, 1.2, 1.3, 1.4, 1.5]);
    for run in &mut a[..3] {
        run.record.as_mut().unwrap().complete = false;
    }
    assert_eq!(found(&Comparison::of(&a, &b), Measure::LongestOutageS), FoundDifference::NotShown);
}

/// Half a run may have been the better half.
#[test]
fn what_a_cut_record_has_is_not_taken_for_the_whole_run() {
    let mut runs = set("r", &[1.0, 2.0, 3.0]);
    runs[1].writes.unaccounted = None;
    (runs[1].rate.availability_pct, runs[1].latency_ms.p99) = (Some(100.0), Some(1.0));
    let comparison = Comparison::of(&runs, &[]);
    for measure in [Measure::AvailabilityPct, Measure::LatencyP99Ms, Measure::AcknowledgedPerS] {
        let a = &comparison.measure(measure).unwrap().a;
        assert_eq!((a.known, a.bounded), (2, 1), "{measure:?}");
    }
    let text = compared(Format::Text, &runs, &[]);
    for words in
        ["available     96.6 % (95 % to 98.3 %), 1 run left out", "100 % cut", "1.0 ms cut"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("r2 · not compared: its record was cut"), "{text}");
    // Nor is anything claimed by it.
    let (mut a, b) = better();
    assert_eq!(found(&Comparison::of(&a, &b), Measure::AvailabilityPct), FoundDifference::Higher);
    for run in &mut a[..3] {
        run.writes.unaccounted = None;
    }
    let found = found(&Comparison::of(&a, &b), Measure::AvailabilityPct);
    assert_eq!(found, FoundDifference::NotShown);
}

/// There is no outage before the first write, and no time without one.
#[test]
fn of_a_run_that_never_wrote_no_outage_is_known() {
    let mut never = with_outage("never.jsonl", 1.0);
    never.outages.clear();
    (never.writes.acknowledged, never.rate.acknowledged_per_s) = (0, 0.0);
    let runs = [never, with_outage("wrote.jsonl", 2.0)];
    let json: serde_json::Value =
        serde_json::from_str(&compared(Format::Json, &runs, &[])).unwrap();
    assert!(json["runs"][0]["longest_outage_s"].is_null(), "{json}");
    assert!(json["runs"][0]["without_write_s"].is_null(), "{json}");
    assert_eq!(json["measures"][0]["a"]["known"], 1);
    let text = compared(Format::Text, &runs, &[]);
    assert!(text.contains("not known in never, 2.0 s in wrote"), "{text}");
    assert!(!text.contains("none in never"), "{text}");
}

/// Most of many runs have no outage: of those that have one, few say nothing.
#[test]
fn one_outage_among_many_runs_is_no_difference() {
    let mut few = vec![0.0; 5];
    few[0] = 4.0;
    let comparison = Comparison::of(&set("a", &few), &set("b", &[0.0; 60]));
    assert_eq!(comparison.conclusion, Some(Conclusion::NotShown));
    assert_eq!(found(&comparison, Measure::LongestOutageS), FoundDifference::NotShown);
}

#[test]
fn of_large_sets_the_report_says_that_ways_are_drawn() {
    let lengths = |more: f64| -> Vec<f64> { (0..60).map(|n| f64::from(n) * 0.1 + more).collect() };
    let (a, b) = (set("a", &lengths(1.0)), set("b", &lengths(9.0)));
    let report = compared(Format::Markdown, &a, &b);
    assert!(
        report.contains("over 20\u{202f}000 of all ways")
            || report.contains("over 20 000 of all ways"),
        "{report}"
    );
    assert_eq!(conclusion(&a, &b), Conclusion::Better);
    let report = compared(Format::Markdown, &a[..10], &b[..10]);
    assert!(report.contains("exact test, of losses Fisher's)"), "{report}");
}

#[test]
fn losses_are_counted_by_runs_and_unverified_runs_may_be_either() {
    let mut a = set("a", &[2.0; 8]);
    let mut b = set("b", &[2.0; 8]);
    for run in &mut b {
        lose(run, 2);
    }
    let comparison = Comparison::of(&a, &b);
    assert_eq!(found(&comparison, Measure::LossPct), FoundDifference::Lower);
    let sentence = "Fewer runs lose writes: 0 of 8 runs (0 % to 36.9 %) instead of 8 of 8 runs \
                    (63.1 % to 100 %), 95 %.";
    assert_eq!(headline(&comparison).sentences, [sentence]);
    for run in &mut a[..5] {
        run.verification.state = VerificationState::Incomplete;
    }
    let comparison = Comparison::of(&a, &b);
    assert_eq!(found(&comparison, Measure::LossPct), FoundDifference::NotShown);
    let losses = &comparison.measure(Measure::LossPct).unwrap().a;
    assert_eq!((losses.known, losses.bounded, losses.with_loss), (3, 5, Some(0)));
}

/// Two runs of six that lose writes may be chance, and are what is to be known first.
#[test]
fn a_set_that_alone_lost_writes_is_told_before_the_conclusion() {
    let (a, b) = better();
    let sentence = "4 acknowledged writes are lost in 2 of 6 runs of B, none in 6 runs of A.";
    let told = |a: &[Summary], b: &[Summary]| {
        let losses = headline(&Comparison::of(a, b)).losses.unwrap();
        (losses.word, losses.sentence)
    };
    assert_eq!(told(&a, &b), ("ONLY B LOST WRITES".to_owned(), sentence.to_owned()));
    let text = compared(Format::Text, &a, &b);
    let (_, rest) = text.split_once('\n').unwrap();
    assert!(rest.starts_with("ONLY B LOST WRITES · 4 acknowledged writes are lost"), "{text}");
    assert!(text.contains("\nA IS BETTER · Outages are shorter"), "{text}");
    let markdown = compared(Format::Markdown, &b, &a);
    assert!(markdown.starts_with("# pgchaos: ❌ only A lost writes\n"), "{markdown}");
    assert!(markdown.contains("**❌ A is worse**"), "{markdown}");
    let page = compared(Format::Html, &a, &b);
    assert!(page.contains("<h1><b class=\"pass\">ONLY B LOST WRITES</b> · 4 ack"), "{page}");
    assert!(page.contains("<title>pgchaos: only B lost writes: 4 acknowledged"), "{page}");
    // What was not verified may be lost, too.
    let mut unverified = a.clone();
    unverified[0].verification.state = VerificationState::Incomplete;
    let sentence = "4 acknowledged writes are lost in 2 of 6 runs of B, none is known of A (not \
                    verified: 1 of 6 runs).";
    assert_eq!(told(&unverified, &b), ("B LOST WRITES".to_owned(), sentence.to_owned()));
    let few = set("x", &[1.0, 2.0]);
    assert_eq!(headline(&Comparison::of(&a, &few)).losses, None);
    assert_eq!(headline(&Comparison::of(&b, &b)).losses, None);
}

#[test]
fn runs_side_by_side_begin_with_those_that_lost_writes() {
    let three = ["failover.jsonl", "loss.jsonl", "crash.jsonl"].map(recorded);
    let first = |runs: &[Summary]| headline(&Comparison::of(runs, &[])).sentences[0].clone();
    assert_eq!(
        first(&three),
        "Acknowledged writes lost: none in failover, 207 in loss, not known in crash."
    );
    let (_, b) = better();
    assert_eq!(first(&b), "Acknowledged writes lost: in 2 of 6 runs, the most 3 in old2.");
    assert!(first(&b[2..4]).starts_with("Longest outages: "), "none is lost");
}

#[test]
fn what_pgchaos_slept_through_may_have_been_an_outage() {
    let mut a = set("a", &[1.0, 1.1, 1.2, 1.3, 1.4, 1.5]);
    let b = set("b", &[9.0, 9.1, 9.2, 9.3, 9.4, 9.5]);
    for run in &mut a {
        let (from, length) = (Duration::from_secs(40), Duration::from_secs(10));
        run.own_pauses = vec![OwnPause { from, length }];
    }
    let comparison = Comparison::of(&a, &b);
    assert_eq!(found(&comparison, Measure::LongestOutageS), FoundDifference::NotShown);
    assert!(
        comparison.reservations[0]
            .starts_with("a1 10.0 s, a2 10.0 s, a3 10.0 s and 3 more: pgchaos itself")
    );
}

#[test]
fn what_makes_it_unfair_is_told() {
    let (mut a, mut b) = better();
    for run in &mut a {
        run.options.load.rate = Rate::PerSecond(50.0);
        run.options.load.write_timeout = Duration::from_millis(1500);
        run.injections.clear();
    }
    b[0].options.load.writers = 8;
    for run in &mut b {
        run.elapsed_s = 20.0;
    }
    b[1].verdict = Outcome::Inconclusive;
    b[1].reasons = vec!["the verification is not complete: no answer".to_owned()];
    b[2].record.as_mut().unwrap().complete = false;
    let comparison = Comparison::of(&a, &b);
    assert_eq!(
        comparison.unalike,
        [
            "rate: 50/s in A, 1/s in B",
            "writers: 1 in A, 8 or 1 in B",
            "write timeout: 1500 ms in A, 5 s in B",
            "time that they wrote: 60.0 s in A, 20.0 s in B",
        ]
    );
    assert_eq!(
        comparison.reservations,
        [
            "old2: inconclusive, the verification is not complete: no answer",
            "old3: the record is incomplete"
        ]
    );
    for format in [Format::Text, Format::Markdown, Format::Html, Format::Json] {
        let report = compared(format, &a, &b);
        assert!(report.contains("50/s in A, 1/s in B"), "{report}");
    }
    let words = headline(&comparison);
    assert_eq!(words.word, "A IS BETTER, UNDER OTHER CONDITIONS");
    assert!(words.sentences.last().unwrap().starts_with("The runs are not alike: rate, writers, "));
}

/// What ends after a while is longer where more happens to it; what is ended by hand is not.
#[test]
fn runs_that_were_ended_at_other_times_are_not_alike() {
    let (mut a, mut b) = better();
    for run in a.iter_mut().chain(&mut b) {
        (run.options.load.duration, run.options.load.writes) = (None, None);
        run.injections.clear();
    }
    assert!(Comparison::of(&a, &b).same_conditions);
    for run in &mut b {
        run.elapsed_s = 20.0;
    }
    let comparison = Comparison::of(&a, &b);
    assert!(!comparison.same_conditions);
    assert_eq!(headline(&comparison).word, "A IS BETTER, UNDER OTHER CONDITIONS");
    for run in a.iter_mut().chain(&mut b) {
        run.options.load.writes = Some(15);
    }
    assert!(Comparison::of(&a, &b).same_conditions, "each ended after as many writes");
}

#[test]
fn of_more_outages_than_are_drawn_the_longest_are() {
    let mut many = with_outage("many.jsonl", 47.3);
    let longest = many.outages[0].clone();
    for n in 0..1_200_u32 {
        let mut outage = longest.clone();
        let length = Duration::from_millis(u64::from(10 + n));
        (outage.duration, outage.without_ack) = (length, length);
        outage.first_ack = Some(outage.began + length);
        many.outages.push(outage);
    }
    let page = compared(Format::Html, &[many, with_outage("one.jsonl", 2.0)], &[]);
    let (_, dots) = page.split_once("class=\"dots").unwrap();
    let (dots, below) = dots.split_once("</svg>").unwrap();
    assert_eq!(dots.matches("<circle").count(), 1_001);
    assert!(dots.contains("<title>47.3 s, "), "the longest of its run");
    assert!(!dots.contains("<title>10 ms, "), "the shortest of its run");
    assert!(below.contains("201 shorter ones are not drawn."));
}

#[test]
fn the_verdict_is_that_of_the_runs_and_not_of_those_they_are_measured_by() {
    let (a, mut b) = better();
    b[0].verdict = Outcome::Fail;
    assert_eq!(Comparison::of(&a, &b).verdict, Outcome::Pass);
    assert_eq!(Comparison::of(&b, &a).verdict, Outcome::Fail);
    let three = ["failover.jsonl", "loss.jsonl", "crash.jsonl"].map(recorded);
    assert_eq!(Comparison::of(&three, &[]).verdict, Outcome::Inconclusive);
}

#[test]
fn records_of_one_name_are_told_apart_by_their_folders() {
    let runs = ["x/run.jsonl", "y/run.jsonl", "y/other.jsonl"].map(|path| with_outage(path, 1.0));
    let labels: Vec<String> =
        Comparison::of(&runs, &[]).runs.into_iter().map(|run| run.label).collect();
    assert_eq!(labels, ["x/run.jsonl", "y/run.jsonl", "other"]);
}

/// `pgchaos runs` has the same id before each of them.
#[test]
fn records_of_the_state_folder_are_called_by_their_ids_and_names() {
    let id = |id: u128| Uuid::from_u128(id << 96);
    let mut runs = [
        with_outage("/state/runs/20261127T182817Z-89159c62.jsonl", 1.0),
        with_outage("/state/runs/20261127T182842Z-414dbdd4-zone-a.jsonl", 2.0),
        with_outage("/home/20261127T182842Z-mine.jsonl", 3.0),
    ];
    (runs[0].run_id, runs[1].run_id) = (id(0x8915_9c62), id(0x414d_bdd4));
    runs[1].name = Some("zone-a".to_owned());
    let labels: Vec<String> =
        Comparison::of(&runs, &[]).runs.into_iter().map(|run| run.label).collect();
    assert_eq!(labels, ["89159c62", "414dbdd4 zone-a", "20261127T182842Z-mine"]);
    let wide = SummaryTextOptions { width: Some(120), offset: Utc.fix(), colour: false };
    let text = comparison_text(&Comparison::of(&runs, &[]), &wide);
    let started = runs[0].started_at.format("%Y-%m-%d %H:%M").to_string();
    assert!(text.contains(&format!("89159c62               {started}  pass")), "{text}");
    assert!(!compared(Format::Text, &runs, &[]).contains(&started), "80 columns have no room");
}

/// The text promises to say nothing of chance there: an interval of a share does.
#[test]
fn side_by_side_there_is_no_interval_of_chance() {
    let (_, b) = better();
    for format in [Format::Text, Format::Markdown, Format::Html] {
        let report = compared(format, &b, &[]);
        assert!(report.contains("2 of 6 runs") && !report.contains("2 of 6 runs ("), "{report}");
        assert!(report.contains("Nothing is said of chance."), "{report}");
    }
}

#[test]
fn what_is_claimed_to_differ_reads_as_different() {
    let near = |name: &str, from: f64| {
        let lengths: Vec<f64> = (0..6).map(|n| from + f64::from(n) * 0.001).collect();
        set(name, &lengths)
    };
    let comparison = Comparison::of(&near("a", 5.0), &near("b", 5.02));
    assert_eq!(
        headline(&comparison).sentences[0],
        "Outages are shorter: 5.00 s instead of 5.02 s (longest of each run, median of 6 and 6 runs; \
         between 17 ms and 23 ms shorter, 95 %)."
    );
    let text = compared(Format::Text, &near("a", 5.0), &near("b", 5.02));
    assert!(text.contains("A 5.00 s") && text.contains("B 5.02 s"), "{text}");
}

#[test]
fn of_one_set_each_setting_says_which_run_has_it() {
    let mut runs = set("r", &[1.0, 2.0, 3.0, 4.0, 5.0]);
    runs[1].options.load.rate = Rate::PerSecond(50.0);
    assert_eq!(Comparison::of(&runs, &[]).unalike, ["rate: 1/s in 4 runs · 50/s in r2"]);
    let unalike = Comparison::of(&runs[..3], &[]).unalike;
    assert_eq!(unalike, ["rate: 1/s in r1, r3 · 50/s in r2"]);
}

#[test]
fn the_json_is_read_back_as_it_was() {
    let (a, b) = better();
    let comparison = Comparison::of(&a, &b);
    let json = compared(Format::Json, &a, &b);
    assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), comparison);
}

#[test]
fn no_row_of_text_is_wider_than_80_columns() {
    let (a, b) = better();
    let three = ["failover.jsonl", "loss.jsonl", "crash.jsonl"].map(recorded);
    let long = "a-record-with-a-name-of-its-own-that-is-longer-than-its-column-in-the-table.jsonl";
    let long = [with_outage(long, 700.0), with_outage("short.jsonl", 1.0)];
    for text in [
        compared(Format::Text, &a, &b),
        compared(Format::Text, &three, &[]),
        compared(Format::Text, &long, &[]),
        compared(Format::Text, &long, &a),
    ] {
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}\n{text}");
        }
    }
}

/// A run by what is measured of it.
fn run(n: usize, outage: u8, p99: u8, lost: bool) -> Summary {
    let mut run = with_outage(&format!("{n}.jsonl"), f64::from(outage));
    run.latency_ms.p99 = Some(f64::from(p99));
    lose(&mut run, u64::from(lost));
    run
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// The rule: of equal settings at most one comparison in twenty claims anything. All ways to deal the same ten
    /// runs out to two sets are looked at, so that this is exact.
    #[test]
    fn of_equal_sets_few_comparisons_claim_anything(
        runs in prop::collection::vec((0..9_u8, 1..200_u8, any::<bool>()), 10),
    ) {
        let runs: Vec<Summary> =
            runs.into_iter().enumerate().map(|(n, (o, p, l))| run(n, o, p, l)).collect();
        let (mut claimed, mut ways) = (0_u32, 0_u32);
        for mask in (0_u32..1024).filter(|mask| mask.count_ones() == 5) {
            let side = |of_a: bool| -> Vec<Summary> {
                let is_in = |n: &usize| (mask & (1 << n) != 0) == of_a;
                (0..10).filter(is_in).map(|n| runs[n].clone()).collect()
            };
            let is_claim = |one| !matches!(one, Conclusion::NotShown | Conclusion::TooFew);
            ways += 1;
            claimed += u32::from(is_claim(conclusion(&side(true), &side(false))));
        }
        prop_assert!(f64::from(claimed) <= 0.05 * f64::from(ways), "{} of {}", claimed, ways);
    }
}
