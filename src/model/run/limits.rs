//! Limits of time, over what was measured and over what could not be: an outage that was open when
//! the load ended, and times in which pgchaos itself did not run.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::model::cluster::two_primaries::TwoPrimaries;
use crate::model::load::own_pause::OwnPauses;
use crate::model::outage::Outage;
use crate::model::percent;
use crate::model::run::availability::RateSummary;

/// What a limit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It does not hold. Why.
    Exceeded(String),
    /// Whether it holds was not seen. Why.
    Unseen(String),
}

impl Finding {
    /// The same where pgchaos itself ran out of what `own_limits` names: what it had no room for is
    /// no word about the cluster's time, so that no limit fails by it.
    #[must_use]
    pub fn with_own_limits(self, own_limits: &[String]) -> Self {
        match self {
            Self::Exceeded(why) if !own_limits.is_empty() => {
                Self::Unseen(format!("{why}, but pgchaos itself was out of resources"))
            }
            other => other,
        }
    }
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limited {
    /// The time without any acknowledged write.
    Outage,
    /// The time in which some writers were out.
    Degraded,
}

/// A length of one outage.
struct Length {
    from: Duration,
    to: Duration,
    /// It had not ended when the load did: it is at least so long.
    open: bool,
}

/// The limit of outages: no write for longer than `max`.
#[must_use]
pub fn outages(outages: &[Outage], pauses: &OwnPauses, max: Duration) -> Option<Finding> {
    judge(Limited::Outage, outages, pauses, max)
}

/// The limit of partial outages: some writers out for longer than `max`.
#[must_use]
pub fn degraded(outages: &[Outage], pauses: &OwnPauses, max: Duration) -> Option<Finding> {
    judge(Limited::Degraded, outages, pauses, max)
}

/// The limit of availability: at least `min` percent of what was due, or of the time in a closed
/// loop. `None` also where it is not known.
#[must_use]
pub fn availability(
    rate: &RateSummary,
    closed_loop: bool,
    pauses: &OwnPauses,
    min: f64,
) -> Option<Finding> {
    let pct = rate.availability_pct?;
    let at_least = rate.availability_at_least_pct.unwrap_or(pct);
    let at_most = rate.availability_at_most_pct.unwrap_or(pct);
    let share = percent::beside(pct, min);
    let of = match closed_loop {
        true => "of the time was not without a write in an outage",
        false => "of due writes acknowledged",
    };
    match (at_least < min, at_most < min) {
        (false, _) => None,
        (true, true) => {
            Some(Finding::Exceeded(format!("{share} {of}, at least {min} % asked for")))
        }
        (true, false) => Some(Finding::Unseen(format!(
            "{share} {of}, but pgchaos itself did not run for {:.1} s: whether it is {min} % was not \
             seen",
            pauses.total().as_secs_f64()
        ))),
    }
}

/// The limit of two primaries: a window no longer than `max`, and none at all where that is zero. That they
/// were is proven by each write, whatever pgchaos had no room for; for how long may depend on its own pauses.
#[must_use]
pub fn two_primaries<'a>(
    windows: impl IntoIterator<Item = &'a TwoPrimaries>,
    pauses: &OwnPauses,
    max: Duration,
) -> Option<Finding> {
    let windows: Vec<&TwoPrimaries> = windows.into_iter().collect();
    let bounds = |window: &TwoPrimaries| pauses.bounds(window.from, window.to);
    let longest = |is: &dyn Fn(&TwoPrimaries) -> bool| {
        windows.iter().filter(|window| is(window)).max_by_key(|window| window.length())
    };
    // One that was surely too long goes before a longer one that may have been.
    let longest = longest(&|window| bounds(window).0 > max)
        .or_else(|| longest(&|window| bounds(window).1 > max))
        .or_else(|| longest(&|_| true))?;
    let (old, new) = (longest.old.name(), longest.new.name());
    let (length, allowed) = in_seconds(longest.length(), max);
    // An old leader may take the leadership back, and go on alone.
    let words = match longest.alone().is_none() && !longest.both().is_zero() {
        true => format!("two primaries at the same time for {length} ({old} and {new})"),
        false => format!("two primaries: {old} acknowledged for {length} after {new} had"),
    };
    if max.is_zero() {
        return Some(Finding::Exceeded(format!("{words}, none allowed")));
    }
    let (at_least, at_most) = bounds(longest);
    match (at_least > max, at_most > max) {
        (true, _) => Some(Finding::Exceeded(format!("{words}, at most {allowed} allowed"))),
        (false, true) => Some(Finding::Unseen(format!(
            "{words}, but pgchaos itself did not run for {:.1} s: whether it was at most {allowed} \
             was not seen",
            pauses.total().as_secs_f64()
        ))),
        (false, false) => None,
    }
}

fn judge(
    limited: Limited,
    outages: &[Outage],
    pauses: &OwnPauses,
    max: Duration,
) -> Option<Finding> {
    let lengths = || outages.iter().flat_map(|outage| limited.lengths(outage));
    let exceeded = lengths()
        .filter(|length| pauses.bounds(length.from, length.to).0 > max)
        .max_by_key(Length::so_far);
    if let Some(worst) = exceeded {
        return Some(Finding::Exceeded(limited.exceeded(&worst, max)));
    }
    if let Some(open) = lengths().filter(|length| length.open).max_by_key(Length::so_far) {
        return Some(Finding::Unseen(limited.open(open.so_far(), max)));
    }
    // An outage may have come and gone while pgchaos slept.
    let asleep = pauses.longest().is_some_and(|longest| longest > max);
    let unsure = lengths().any(|length| pauses.bounds(length.from, length.to).1 > max);
    (asleep || unsure).then(|| Finding::Unseen(limited.asleep(pauses, max)))
}

impl Length {
    fn so_far(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

impl Limited {
    fn lengths(self, outage: &Outage) -> Vec<Length> {
        let end = outage.began.saturating_add(outage.degraded);
        match self {
            Self::Degraded => {
                let open = outage.writers_out_at_end > 0;
                vec![Length { from: outage.began, to: end, open }]
            }
            // In a partial outage other writers wrote whenever a write was due.
            Self::Outage if outage.partial => Vec::new(),
            Self::Outage => {
                let to = outage.first_ack.unwrap_or(end);
                let from = to.saturating_sub(outage.duration);
                let closed = Length { from, to, open: false };
                let open = outage.open.map(|open| Length {
                    from: end.saturating_sub(open),
                    to: end,
                    open: true,
                });
                let closed = (outage.open != Some(outage.duration)).then_some(closed);
                closed.into_iter().chain(open).collect()
            }
        }
    }

    fn exceeded(self, length: &Length, max: Duration) -> String {
        let (so_far, max) = in_seconds(length.so_far(), max);
        let open = if length.open { ", and open when the load ended" } else { "" };
        match self {
            Self::Outage => format!("an outage of {so_far}{open}, at most {max} allowed"),
            Self::Degraded => format!("writers out for {so_far}{open}, at most {max} allowed"),
        }
    }

    fn open(self, so_far: Duration, max: Duration) -> String {
        let (so_far, max) = in_seconds(so_far, max);
        let what = match self {
            Self::Outage => "no write for",
            Self::Degraded => "writers out for",
        };
        format!("{what} {so_far} when the load ended: whether it stays within {max} was not seen")
    }

    fn asleep(self, pauses: &OwnPauses, max: Duration) -> String {
        let (longest, max) = in_seconds(pauses.longest().unwrap_or_default(), max);
        let what = match self {
            Self::Outage => "outages stay within",
            Self::Degraded => "writers are out for no more than",
        };
        format!(
            "pgchaos itself did not run for {longest} (stopped, or without a processor): whether \
             {what} {max} was not seen"
        )
    }
}

/// Two times in seconds, with as many digits as it takes to see that they differ, one at least.
#[must_use]
pub fn in_seconds(one: Duration, other: Duration) -> (String, String) {
    let print = |digits: u32| {
        let seconds = |time: Duration| {
            // Half a unit more, as people round.
            let unit = 10_u128.pow(6 - digits);
            let units = (time.as_micros() + unit / 2) / unit;
            let whole = 10_u128.pow(digits);
            let width = digits as usize;
            format!("{}.{:0width$} s", units / whole, units % whole)
        };
        (seconds(one), seconds(other))
    };
    told_apart(1..=6, print)
}

/// The same in milliseconds.
#[must_use]
pub fn in_milliseconds(one: Duration, other: Duration) -> (String, String) {
    let print = |digits: u32| {
        let digits = digits as usize;
        let ms = |time: Duration| format!("{:.digits$} ms", time.as_secs_f64() * 1e3);
        (ms(one), ms(other))
    };
    told_apart(1..=5, print)
}

/// Two times with the fewest digits that tell them apart; with one where none do.
fn told_apart(
    mut digits: RangeInclusive<u32>,
    print: impl Fn(u32) -> (String, String),
) -> (String, String) {
    let differ = |printed: &(String, String)| printed.0 != printed.1;
    digits.find_map(|digits| Some(print(digits)).filter(differ)).unwrap_or_else(|| print(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::cluster::server::Server;
    use crate::model::load::own_pause::OwnPause;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn no_pause() -> OwnPauses {
        OwnPauses::default()
    }

    fn full(began: u64, length: u64) -> Outage {
        Outage {
            began: ms(began),
            duration: ms(length),
            degraded: ms(length),
            first_ack: Some(ms(began + length)),
            ..Outage::default()
        }
    }

    /// All writers are out when the load ends.
    fn open(began: u64, length: u64) -> Outage {
        Outage {
            first_ack: None,
            open: Some(ms(length)),
            writers_out_at_end: 2,
            ..full(began, length)
        }
    }

    fn partial(began: u64, degraded: u64, out_at_end: u64) -> Outage {
        Outage {
            partial: true,
            degraded: ms(degraded),
            duration: ms(65),
            writers_out_at_end: out_at_end,
            ..full(began, 65)
        }
    }

    #[test]
    fn an_outage_that_is_open_fails_over_the_limit_and_is_not_known_under_it() {
        let judged = |outage: Outage| outages(&[outage], &no_pause(), ms(10_000));
        assert_eq!(judged(full(0, 10_000)), None);
        assert_eq!(
            judged(full(0, 10_001)),
            Some(Finding::Exceeded("an outage of 10.001 s, at most 10.000 s allowed".to_owned()))
        );
        assert_eq!(
            judged(open(0, 5_000)),
            Some(Finding::Unseen(
                "no write for 5.0 s when the load ended: whether it stays within 10.0 s was not seen"
                    .to_owned()
            ))
        );
        assert_eq!(
            judged(open(0, 12_000)),
            Some(Finding::Exceeded(
                "an outage of 12.0 s, and open when the load ended, at most 10.0 s allowed"
                    .to_owned()
            ))
        );
    }

    #[test]
    fn a_partial_outage_is_limited_by_how_long_writers_were_out() {
        let (short, long) = (ms(1_000), ms(40_000));
        let one_out = [partial(0, 38_000, 0)];
        assert_eq!(outages(&one_out, &no_pause(), short), None, "others wrote all the time");
        assert_eq!(degraded(&one_out, &no_pause(), long), None);
        let finding = degraded(&one_out, &no_pause(), short);
        let words = "writers out for 38.0 s, at most 1.0 s allowed".to_owned();
        assert_eq!(finding, Some(Finding::Exceeded(words)));
        let still_out = [partial(0, 38_000, 1)];
        assert!(matches!(degraded(&still_out, &no_pause(), long), Some(Finding::Unseen(_))));
        assert!(matches!(degraded(&still_out, &no_pause(), short), Some(Finding::Exceeded(_))));
    }

    #[test]
    fn what_pgchaos_slept_through_proves_nothing() {
        let pauses = |from, length| {
            [OwnPause { from: ms(from), length: ms(length) }].into_iter().collect::<OwnPauses>()
        };
        let judged = |outage: Outage, pauses: &OwnPauses| outages(&[outage], pauses, ms(3_000));
        // An outage of four seconds, of which it may have slept through two.
        let unseen = judged(full(10_000, 4_000), &pauses(11_000, 2_000));
        assert!(matches!(unseen, Some(Finding::Unseen(_))), "{unseen:?}");
        let exceeded = judged(full(10_000, 6_000), &pauses(11_000, 2_000));
        assert!(matches!(exceeded, Some(Finding::Exceeded(_))), "{exceeded:?}");
        // It may have begun while pgchaos slept.
        assert!(judged(full(10_000, 2_000), &pauses(8_500, 1_500)).is_some());
        // Another one may have come and gone.
        assert!(outages(&[], &pauses(50_000, 3_001), ms(3_000)).is_some());
        assert_eq!(outages(&[], &pauses(50_000, 2_900), ms(3_000)), None);
    }

    #[test]
    fn two_primaries_fail_unless_they_are_allowed_for_so_long() {
        let until = |from, to, new_to| TwoPrimaries {
            n: 1,
            old: Server { member: Some("a".to_owned()), ..Server::default() },
            new: Server { member: Some("b".to_owned()), ..Server::default() },
            from: ms(from),
            to: ms(to),
            writes: 3,
            witness_writes: 0,
            which: vec![],
            unlisted: 0,
            new_to: ms(new_to),
            new_writes: 5,
            new_which: vec![],
            new_unlisted: 0,
            over: true,
        };
        let window = |from, to| until(from, to, to + 100);
        let judged = |max| two_primaries(&[window(1_000, 3_500)], &no_pause(), ms(max));
        let words = "two primaries at the same time for 2.5 s (a and b), none allowed".to_owned();
        assert_eq!(judged(0), Some(Finding::Exceeded(words)));
        let words = "two primaries at the same time for 2.5 s (a and b), at most 2.0 s allowed";
        assert_eq!(judged(2_000), Some(Finding::Exceeded(words.to_owned())));
        assert_eq!(judged(2_500), None);
        assert_eq!(two_primaries(&[], &no_pause(), ms(0)), None);
        let taken_back = two_primaries(&[until(1_000, 3_500, 1_200)], &no_pause(), ms(0));
        let words = "two primaries: a acknowledged for 2.5 s after b had, none allowed".to_owned();
        assert_eq!(taken_back, Some(Finding::Exceeded(words)));
        let never_both = two_primaries(&[until(1_000, 2_900, 1_000)], &no_pause(), ms(0));
        let words = "two primaries: a acknowledged for 1.9 s after b had, none allowed".to_owned();
        assert_eq!(never_both, Some(Finding::Exceeded(words)));
        // A longer one, in half of which pgchaos slept, does not hide it.
        let slept = [OwnPause { from: ms(11_000), length: ms(5_000) }].into_iter().collect();
        let both = [window(1_000, 3_500), window(10_000, 16_000)];
        let words = "two primaries at the same time for 2.5 s (a and b), at most 2.0 s allowed";
        assert_eq!(
            two_primaries(&both, &slept, ms(2_000)),
            Some(Finding::Exceeded(words.to_owned()))
        );
        // An instant is a window too.
        assert!(two_primaries(&[window(5, 5)], &no_pause(), ms(0)).is_some());
        let slept = [OwnPause { from: ms(1_200), length: ms(2_000) }].into_iter().collect();
        let unseen = two_primaries(&[window(1_000, 3_500)], &slept, ms(2_000));
        assert!(matches!(unseen, Some(Finding::Unseen(_))), "{unseen:?}");
        assert!(matches!(
            two_primaries(&[window(1_000, 3_500)], &slept, ms(0)),
            Some(Finding::Exceeded(_))
        ));
    }

    /// One outage as it was, and what could be seen of it: cut by the end of the load, with a
    /// stretch in which pgchaos slept.
    #[derive(Debug, Clone)]
    struct Story {
        began: u64,
        length: u64,
        end: u64,
        pause: (u64, u64),
    }

    fn story() -> impl Strategy<Value = Story> {
        (2_000_u64..20_000, 1_u64..20_000, 1_u64..40_000, 0_u64..40_000, 0_u64..5_000).prop_map(
            |(began, length, end, from, pause)| Story {
                began,
                length,
                end: began + end,
                pause: (from, pause),
            },
        )
    }

    impl Story {
        /// What is measured: evidence and acknowledgements in the pause come when it is over.
        fn measured(&self) -> Vec<Outage> {
            let (from, pause) = self.pause;
            let awake =
                |at: u64| if (from..from + pause).contains(&at) { from + pause } else { at };
            let (began, over) = (awake(self.began), awake(self.began + self.length));
            match () {
                () if began >= over || began >= self.end => vec![],
                () if over > self.end => vec![open(began, self.end - began)],
                () => vec![full(began, over - began)],
            }
        }

        fn pauses(&self) -> OwnPauses {
            let (from, length) = self.pause;
            let seen = (length >= 100).then_some(OwnPause { from: ms(from), length: ms(length) });
            seen.into_iter().collect()
        }
    }

    proptest! {
        #[test]
        fn no_limit_passes_or_fails_against_the_truth(story in story(), max in 1_u64..20_000) {
            // A pause that is too short to be noticed makes no truth of its own.
            prop_assume!(story.pause.1 == 0 || story.pause.1 >= 100);
            // What goes on after the end of the load is not part of what was asked.
            let is_over = story.began + story.length <= story.end;
            let truth = story.length > max;
            match outages(&story.measured(), &story.pauses(), ms(max)) {
                // What was slept through altogether counts as far as the load went.
                None if story.measured().is_empty() => {
                    prop_assert!(story.end.min(story.began + story.length) <= story.began + max);
                }
                None => prop_assert!(is_over && !truth, "a false pass"),
                Some(Finding::Exceeded(_)) => prop_assert!(truth, "a false fail"),
                Some(Finding::Unseen(_)) => {
                    prop_assert!(!is_over || !story.pauses().as_slice().is_empty());
                }
            }
        }
    }
}
