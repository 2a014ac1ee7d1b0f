use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn gap(from: u64, to: u64) -> GapNews {
    GapNews::Over(AckGap { from: ms(from), to: ms(to) })
}

/// What was acknowledged, as due and when; what the writer waits for; and until when it has told.
type ToldBatch<'a> = (&'a [(u64, u64)], Option<u64>, u64);

/// One writer that is asked for what it has to say after each of its batches.
fn batches(batches: &[ToldBatch<'_>]) -> Vec<GapNews> {
    let mut gaps = AckGaps::default();
    let mut said = Vec::new();
    for (acknowledged, waits_from, until) in batches {
        let acknowledged = acknowledged.iter().map(|(due, at)| (ms(*due), ms(*at)));
        gaps.told(1, acknowledged, waits_from.map(ms), ms(*until));
        said.extend(gaps.said(ms(*until)));
    }
    said.extend(gaps.end(ms(100_000)));
    said
}

#[test]
fn a_slow_schedule_without_a_failure_has_no_stretch() {
    let said = batches(&[
        (&[(0, 3)], Some(1000), 3),
        (&[(1000, 1099)], Some(2000), 1099),
        (&[], Some(2000), 1900),
        (&[(2000, 2002)], None, 2002),
    ]);
    assert_eq!(said, []);
}

#[test]
fn a_stretch_is_from_a_due_write_to_its_acknowledgement() {
    let said = batches(&[(&[(0, 3)], Some(1000), 3), (&[(1000, 1100)], None, 1100)]);
    assert_eq!(said, [gap(1000, 1100)]);
}

#[test]
fn in_a_closed_loop_each_slow_answer_is_one() {
    let said = batches(&[(&[(0, 120), (120, 219), (219, 319)], Some(319), 319), (&[], None, 340)]);
    assert_eq!(said, [gap(0, 120), gap(219, 319)]);
}

#[test]
fn a_write_that_is_acknowledged_meanwhile_ends_a_stretch_for_all() {
    let mut gaps = AckGaps::default();
    gaps.told(1, [], Some(ms(0)), ms(150));
    gaps.told(2, [(ms(90), ms(90))], Some(ms(500)), ms(100));
    assert_eq!(gaps.said(ms(150)), [], "writer 2 has told until its next write is due");
    gaps.told(1, [(ms(0), ms(230))], None, ms(230));
    assert_eq!(gaps.said(ms(231)), [gap(90, 230)]);
}

#[test]
fn an_outage_is_one_stretch_through_failures_and_skipped_writes() {
    let mut gaps = AckGaps::default();
    gaps.told(1, [(ms(0), ms(5))], Some(ms(100)), ms(5));
    gaps.not_acknowledged(1, ms(40));
    gaps.told(1, [], Some(ms(100)), ms(40));
    for at in [50, 130, 400] {
        gaps.not_acknowledged(1, ms(at));
    }
    assert_eq!(gaps.said(ms(450)), []);
    gaps.not_acknowledged(1, ms(900));
    assert_eq!(gaps.said(ms(950)), [GapNews::GoesOn(ms(100))]);
    gaps.not_acknowledged(1, ms(1210));
    assert_eq!(gaps.said(ms(1250)), [], "once");
    gaps.told(1, [(ms(1200), ms(1300))], Some(ms(1400)), ms(1300));
    assert_eq!(gaps.said(ms(1350)), [gap(100, 1300)]);
}

#[test]
fn a_writer_without_a_session_waits_until_the_end_of_the_load() {
    let mut gaps = AckGaps::default();
    gaps.told(1, [(ms(0), ms(5))], Some(ms(100)), ms(5));
    gaps.not_acknowledged(1, ms(200));
    gaps.told(1, [], None, ms(3200));
    assert_eq!(gaps.end(ms(3200)), [gap(100, 3200)]);
}

#[test]
fn a_write_that_is_not_waited_for_counts_until_the_end() {
    let mut gaps = AckGaps::default();
    gaps.told(1, [(ms(0), ms(5))], Some(ms(5)), ms(6));
    assert_eq!(gaps.end(ms(905)), [gap(5, 905)]);
}

#[test]
fn a_silent_writer_costs_no_memory_without_end() {
    let mut gaps = AckGaps::default();
    gaps.told(1, [], Some(ms(0)), ms(1));
    let mut said = 0;
    for n in 1..=20_000 {
        let (due, at) = (ms(n * 300), ms(n * 300 + 150));
        gaps.told(2, [(due, at)], Some(ms((n + 1) * 300)), at);
        // Rejected, so that no acknowledgement joins them.
        gaps.not_acknowledged(3, at);
        gaps.told(3, [], Some(due + ms(200)), due + ms(201));
        said += gaps.said(at).len();
        assert!(gaps.acks.len() <= SPANS_MAX && gaps.waits.len() <= SPANS_MAX);
    }
    said += gaps.end(ms(20_001 * 300)).len();
    assert!(said > 19_000, "{said}");
}

/// A write: when it was due, when its outcome came, and whether it was acknowledged.
#[derive(Debug, Clone, Copy)]
struct Write {
    due: u64,
    outcome: u64,
    acknowledged: bool,
}

/// A writer's writes in their order. Some come due before the one before is answered.
fn writes() -> impl Strategy<Value = Vec<Write>> {
    let one = (0..250_u64, 1..260_u64, prop::bool::weighted(0.7), 0..60_u64);
    prop::collection::vec(one, 0..25).prop_map(|parts| {
        let (mut due, mut outcome) = (0, 0);
        let mut writes = Vec::new();
        for (pause, took, acknowledged, earlier) in parts {
            due = (outcome + pause).saturating_sub(earlier).max(due);
            outcome = outcome.max(due) + took;
            writes.push(Write { due, outcome, acknowledged });
        }
        writes
    })
}

/// Millisecond by millisecond: where some write waited, and where one was acknowledged.
fn reference(writers: &[Vec<Write>]) -> Vec<GapNews> {
    let all = || writers.iter().flatten();
    let end = all().map(|write| write.outcome).max().unwrap_or(0);
    let acknowledged: BTreeSet<u64> =
        all().filter(|write| write.acknowledged).map(|write| write.outcome).collect();
    let mut said = Vec::new();
    let mut from = 0;
    for now in 0..=end {
        let waits = all().any(|write| (write.due..write.outcome).contains(&now));
        if acknowledged.contains(&now) || !waits {
            if now - from >= 100 {
                said.push(gap(from, now));
            }
            from = if waits { now } else { now + 1 };
        }
    }
    said
}

/// What a writer tells of a write, in one batch with those before it if `batched`.
fn tell(gaps: &mut AckGaps, writer: i32, told: &[Write], next: Option<&Write>) {
    let Some(last) = told.last() else { return };
    let next = next.map(|next| ms(next.due));
    let acknowledged = told.iter().filter(|write| write.acknowledged);
    let acknowledged: Vec<_> =
        acknowledged.map(|write| (ms(write.due), ms(write.outcome))).collect();
    if !last.acknowledged {
        // It tells what it has, and then what failed.
        let oldest = Some(ms(last.due));
        gaps.told(writer, acknowledged, oldest, ms(last.outcome));
        gaps.not_acknowledged(writer, ms(last.outcome));
        gaps.told(writer, [], next, ms(last.outcome));
    } else {
        gaps.told(writer, acknowledged, next, ms(last.outcome));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn however_it_is_told_the_stretches_are_those_of_the_reference(
        writers in prop::collection::vec(writes(), 1..4),
        choices in prop::collection::vec((any::<u8>(), 1..4_usize, any::<bool>()), 200),
    ) {
        let mut gaps = AckGaps::default();
        let mut said = Vec::new();
        for (writer, writes) in (1..).zip(&writers) {
            // Every writer is known before anything is said.
            gaps.told(writer, [], writes.first().map(|write| ms(write.due)), ms(0));
        }
        let mut next = vec![0; writers.len()];
        for (choice, batch, ask) in choices {
            let left: Vec<usize> =
                (0..writers.len()).filter(|index| next[*index] < writers[*index].len()).collect();
            if left.is_empty() {
                break;
            }
            let index = left[usize::from(choice) % left.len()];
            let writes = &writers[index];
            // A batch ends with the first write that failed.
            let rest = &writes[next[index]..];
            let failed = rest.iter().position(|write| !write.acknowledged).map_or(rest.len(), |at| at + 1);
            let told = &rest[..batch.min(failed)];
            next[index] += told.len();
            let writer = i32::try_from(index).unwrap() + 1;
            tell(&mut gaps, writer, told, writes.get(next[index]));
            if ask {
                said.extend(gaps.said(Duration::MAX));
            }
        }
        let all_told = writers.iter().zip(&next).all(|(writes, next)| *next == writes.len());
        prop_assert!(all_told);
        let end = writers.iter().flatten().map(|write| write.outcome).max().unwrap_or(0);
        said.extend(gaps.end(ms(end)));
        let went_on: Vec<Duration> = said
            .iter()
            .filter_map(|said| match said { GapNews::GoesOn(from) => Some(*from), GapNews::Over(_) => None })
            .collect();
        let over: Vec<GapNews> =
            said.into_iter().filter(|said| matches!(said, GapNews::Over(_))).collect();
        prop_assert_eq!(&over, &reference(&writers));
        for from in went_on {
            let long = |said: &GapNews| matches!(said, GapNews::Over(gap) if gap.from == from
                && gap.to >= from + TOLD_OPEN_AFTER);
            prop_assert!(over.iter().any(long), "{from:?} went on, and has no end");
        }
    }
}
