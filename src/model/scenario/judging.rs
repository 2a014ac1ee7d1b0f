//! What was expected of a drill against what was seen: every expectation is judged, one by one.
//!
//! What holds is a pass, what does not a failure, and what could not be seen (a step that was not
//! reached, losses that were not counted) is inconclusive, never a pass.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::fault::Class;
use crate::model::load::options::Rate;
use crate::model::load::own_pause::OwnPauses;
use crate::model::outage::Outage;
use crate::model::outage::injection::Injection;
use crate::model::outage::kind::Kind;
use crate::model::outcome::Outcome;
use crate::model::percent;
use crate::model::run::limits::{self, Finding};
use crate::model::run::summary::{Summary, VerificationState};
use crate::model::scenario::Scenario;
use crate::model::scenario::expect::{Counted, Expect, Number};
use crate::model::scenario::step::Step;

/// One expectation, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Of what: `run`, or `step 2: kill leader (patroni2)`.
    pub of: String,
    /// What was looked at: `outages`, `lost`, …
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// What that comes to.
    pub outcome: Outcome,
}

/// How far the drill came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Played {
    /// The steps that were reached, as a number.
    pub reached: u32,
    /// The wait that did not come true: its step, what was waited for, and what was the case.
    pub waited_in_vain: Option<(u32, String, String)>,
    /// Why it ended early, when it was no wait.
    pub cut_short: Option<String>,
    /// What each command of `counted` printed, in their order, or why it printed no number.
    pub counted: Vec<Result<u64, String>>,
}

/// What is looked at for one expectation: the whole run, or one step.
struct Scope<'a> {
    of: String,
    outages: Vec<&'a Outage>,
    errors: Vec<Class>,
    lost: Option<u64>,
    own_pauses: &'a OwnPauses,
    /// What pgchaos itself ran out of.
    own_limits: &'a [String],
}

/// Judges a drill, in the order of its steps and then of the run.
#[must_use]
pub fn judge(scenario: &Scenario, summary: &Summary, played: &Played) -> Vec<Judged> {
    let mut judged = Vec::new();
    let counted = summary.verification.state == VerificationState::Complete;
    let own_pauses = &summary.own_pauses.iter().copied().collect();
    for step in &scenario.steps {
        let of = step_name(step, &summary.injections);
        if let Some((number, what, seen)) = &played.waited_in_vain
            && *number == step.number
        {
            let outcome = Outcome::Fail;
            let (what, expected, seen) = ("wait".to_owned(), what.clone(), seen.clone());
            judged.push(Judged { of: of.clone(), what, expected, seen, outcome });
        }
        let Some(expect) = &step.expect else { continue };
        if step.number > played.reached {
            judged.push(unseen(of, "what follows it", "as the drill says", "not reached"));
            continue;
        }
        let caused = |outage: &&Outage| {
            outage.fault.as_ref().is_some_and(|cause| cause.what.step == step.number)
        };
        let outages: Vec<&Outage> = summary.outages.iter().filter(caused).collect();
        let lost = counted.then(|| outages.iter().map(|outage| outage.lost).sum());
        let errors = errors_of(step.number, &summary.injections);
        let own_limits = &summary.own_limits;
        let scope = Scope { of, outages, errors, lost, own_pauses, own_limits };
        of_scope(&scope, expect, &mut judged);
    }
    if let Some(why) = &played.cut_short {
        judged.push(unseen("run".to_owned(), "all steps", "played to the end", why));
    }
    of_run(scenario, summary, played, own_pauses, &mut judged);
    if played.cut_short.is_some() {
        // The steps left were never seen, and the mending affects the results so far: at best
        // inconclusive.
        judged.iter_mut().filter(|judged| !is_broken_for_good(judged)).for_each(|judged| {
            judged.outcome = judged.outcome.min(Outcome::Inconclusive);
        });
    }
    judged
}

/// Whether a drill that went on could not have mended it: a wait in vain, more writes lost than
/// may be, an account that a command contradicts, or a run that failed by its own measures.
fn is_broken_for_good(judged: &Judged) -> bool {
    let is_upper_bound = judged.expected == "none" || judged.expected.starts_with("at most");
    match judged.what.as_str() {
        "wait" | "verdict" => true,
        "lost" => is_upper_bound,
        what => what.ends_with("counted by a command"),
    }
}

/// The gravest of what was judged.
#[must_use]
pub fn outcome(judged: &[Judged]) -> Outcome {
    judged.iter().map(|judged| judged.outcome).max().unwrap_or(Outcome::Pass)
}

fn step_name(step: &Step, injections: &[Injection]) -> String {
    let of_step = injections.iter().filter(|injection| injection.what.step == step.number);
    let targets: Vec<String> =
        of_step.clone().map(|injection| injection.what.target_words()).collect();
    match of_step.clone().next() {
        Some(injection) => {
            format!("step {}: {} {}", step.number, injection.what.action, targets.join(", "))
        }
        None => format!("step {}", step.number),
    }
}

fn errors_of(step: u32, injections: &[Injection]) -> Vec<Class> {
    let mut errors = Vec::new();
    for injection in injections.iter().filter(|injection| injection.what.step == step) {
        for class in &injection.errors {
            if !errors.contains(class) {
                errors.push(*class);
            }
        }
    }
    errors
}

fn of_run(
    scenario: &Scenario,
    summary: &Summary,
    played: &Played,
    own_pauses: &OwnPauses,
    judged: &mut Vec<Judged>,
) {
    let expect = &scenario.expect;
    let found = &summary.verification;
    let counted = found.state == VerificationState::Complete;
    let scope = Scope {
        of: "run".to_owned(),
        outages: summary.outages.iter().collect(),
        errors: summary.errors.iter().filter(|(_, count)| **count > 0).map(|(c, _)| *c).collect(),
        lost: counted.then_some(found.counts.lost),
        own_pauses,
        own_limits: &summary.own_limits,
    };
    of_scope(&scope, expect, judged);
    if let Some(least) = expect.min_availability_pct {
        let closed_loop = summary.options.load.rate == Rate::Max;
        let found = limits::availability(&summary.rate, closed_loop, own_pauses, least);
        let seen = summary.rate.availability_pct;
        let outcome = match found.map(|finding| finding.with_own_limits(scope.own_limits)) {
            _ if seen.is_none() => Outcome::Inconclusive,
            None => Outcome::Pass,
            Some(Finding::Unseen(_)) => Outcome::Inconclusive,
            Some(Finding::Exceeded(_)) => Outcome::Fail,
        };
        let seen = seen.map_or("no write was due".to_owned(), |seen| percent::beside(seen, least));
        judged.push(scope.judged("availability", format!("at least {least} %"), seen, outcome));
    }
    for (number, result) in expect.counted.iter().zip(&played.counted) {
        judged.push(of_counted(&scope, number, result, counted, summary));
    }
    let expected = expect.verdict.unwrap_or(Outcome::Pass);
    let outcome = match (summary.verdict == expected, summary.verdict) {
        (true, _) => Outcome::Pass,
        (false, Outcome::Inconclusive) => Outcome::Inconclusive,
        (false, _) => Outcome::Fail,
    };
    let seen = match summary.reasons.is_empty() {
        true => summary.verdict.to_string(),
        false => format!("{}: {}", summary.verdict, summary.reasons.join("; ")),
    };
    judged.push(scope.judged("verdict", expected.to_string(), seen, outcome));
}

fn of_counted(
    scope: &Scope<'_>,
    number: &Counted,
    result: &Result<u64, String>,
    verified: bool,
    summary: &Summary,
) -> Judged {
    let (name, ours) = match number.equals {
        Number::Present => ("rows there", summary.verification.counts.present),
        Number::Lost => ("lost writes", summary.verification.counts.lost),
    };
    let what = format!("{name}, counted by a command");
    let (seen, outcome) = match result {
        _ if !verified => ("not verified".to_owned(), Outcome::Inconclusive),
        Ok(counted) => (counted.to_string(), passed(*counted == ours)),
        Err(why) => (why.clone(), Outcome::Inconclusive),
    };
    scope.judged(&what, format!("{ours}, as pgchaos says"), seen, outcome)
}

fn of_scope(scope: &Scope<'_>, expect: &Expect, judged: &mut Vec<Judged>) {
    let outages = &scope.outages;
    let count = outages.len() as u64;
    if let Some(expected) = expect.outages {
        let seen = if count == 0 { "none".to_owned() } else { count.to_string() };
        judged.push(scope.held("outages", expected.to_string(), seen, expected.holds(count)));
    }
    let longest = outages.iter().max_by_key(|outage| outage.length());
    if !expect.kind.is_empty() {
        let seen = longest.map_or("no outage".to_owned(), |outage| outage.kind.to_string());
        let holds = longest.is_some_and(|outage| expect.kind.contains(&outage.kind));
        judged.push(scope.held("kind", one_of(&expect.kind, Kind::name), seen, holds));
    }
    if let Some(kinds) = &expect.kinds {
        let expected: Vec<String> = kinds.iter().map(|kinds| one_of(kinds, Kind::name)).collect();
        let seen: Vec<&str> = outages.iter().map(|outage| outage.kind.name()).collect();
        let holds = kinds.len() == outages.len()
            && kinds.iter().zip(outages).all(|(kinds, outage)| kinds.contains(&outage.kind));
        judged.push(scope.held("kinds", listed(&expected), listed(&seen), holds));
    }
    if let Some(most) = expect.longest {
        let expected = format!("at most {}", humantime::format_duration(most));
        let (seen, outcome) = of_longest(scope, most);
        judged.push(scope.judged("longest outage", expected, seen, outcome));
    }
    of_errors(scope, expect, judged);
    if let Some(expected) = expect.lost {
        let (seen, outcome) = match scope.lost {
            Some(lost) => (lost.to_string(), passed(expected.holds(lost))),
            None => ("not verified".to_owned(), Outcome::Inconclusive),
        };
        judged.push(scope.judged("lost", expected.to_string(), seen, outcome));
    }
}

/// An outage that was open at the end of the load is at least as long as it was, and what happened
/// while pgchaos itself did not run was not seen.
fn of_longest(scope: &Scope<'_>, most: Duration) -> (String, Outcome) {
    let all: Vec<Outage> = scope.outages.iter().copied().cloned().collect();
    let found = limits::outages(&all, scope.own_pauses, most);
    match found.map(|finding| finding.with_own_limits(scope.own_limits)) {
        Some(Finding::Exceeded(why)) => (why, Outcome::Fail),
        Some(Finding::Unseen(why)) => (why, Outcome::Inconclusive),
        None => {
            let longest = all.iter().filter(|outage| !outage.partial).map(Outage::length).max();
            let (seen, _) = limits::in_seconds(longest.unwrap_or_default(), most);
            (seen, Outcome::Pass)
        }
    }
}

fn of_errors(scope: &Scope<'_>, expect: &Expect, judged: &mut Vec<Judged>) {
    let names: Vec<&str> = scope.errors.iter().map(|class| class.name()).collect();
    let seen = || listed(&names);
    let mut add = |expected: String, holds: bool| {
        judged.push(scope.held("errors", expected, seen(), holds));
    };
    for classes in &expect.errors {
        let holds = classes.iter().any(|class| scope.errors.contains(class));
        add(one_of(classes, Class::name), holds);
    }
    if !expect.errors_in_order.is_empty() {
        let wanted = &expect.errors_in_order;
        let order: Vec<Class> =
            scope.errors.iter().filter(|class| wanted.contains(class)).copied().collect();
        let words: Vec<&str> = wanted.iter().map(|class| class.name()).collect();
        add(words.join(", then "), order == *wanted);
    }
    if !expect.no_errors.is_empty() {
        let holds = !expect.no_errors.iter().any(|class| scope.errors.contains(class));
        add(format!("no {}", one_of(&expect.no_errors, Class::name)), holds);
    }
}

impl Scope<'_> {
    fn held(&self, what: &str, expected: String, seen: String, holds: bool) -> Judged {
        self.judged(what, expected, seen, passed(holds))
    }

    fn judged(&self, what: &str, expected: String, seen: String, outcome: Outcome) -> Judged {
        Judged { of: self.of.clone(), what: what.to_owned(), expected, seen, outcome }
    }
}

fn unseen(of: String, what: &str, expected: &str, seen: &str) -> Judged {
    let (what, expected, seen) = (what.to_owned(), expected.to_owned(), seen.to_owned());
    Judged { of, what, expected, seen, outcome: Outcome::Inconclusive }
}

fn passed(holds: bool) -> Outcome {
    if holds { Outcome::Pass } else { Outcome::Fail }
}

fn one_of<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> String {
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    names.join(" or ")
}

fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
