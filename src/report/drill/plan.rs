//! What a drill will do, in words, before it does it.

use crate::model::scenario::expect::{Expect, Number};
use crate::model::scenario::step::{Act, Step};
use crate::model::scenario::{Scenario, Through};
use crate::report::words;

/// The whole plan: load, steps, healing, what must be seen.
#[must_use]
pub fn plan(scenario: &Scenario, on: &str) -> String {
    let mut lines = vec![format!("drill {} on {on}: {}", scenario.name, scenario.title)];
    let through = match scenario.through {
        Through::Proxy => "",
        Through::Members => " · to the members themselves where they can be reached",
    };
    lines.push(format!("  load: {}{through}", words::load(&scenario.load)));
    if let Some(synchronous) = scenario.synchronous {
        let word = if synchronous { "synchronous" } else { "asynchronous" };
        lines.push(format!("  the cluster must replicate {word}ly"));
    }
    lines.push("  the cluster must be whole, and writes must be acknowledged; then".to_owned());
    for step in &scenario.steps {
        lines.push(format!("  {:>2}. {}", step.number, act(step)));
        if let Some(expect) = &step.expect {
            lines.extend(expected(expect).iter().map(|words| format!("      expects {words}")));
        }
    }
    lines.push(format!("      {}", healing(scenario)));
    lines.push("      stop writing, verify every write, and judge:".to_owned());
    lines.extend(expected(&scenario.expect).iter().map(|words| format!("      expects {words}")));
    if scenario.expect.verdict.is_none() {
        lines.push("      expects verdict: pass".to_owned());
    }
    lines.join("\n") + "\n"
}

fn act(step: &Step) -> String {
    match &step.act {
        Act::Wait(wait) => wait.to_string(),
        Act::Exec(exec) => {
            let limit = humantime::format_duration(exec.within);
            format!("run, at most {limit}: {}", exec.command)
        }
        Act::Do(deed) => {
            let targets: Vec<String> =
                deed.targets.iter().map(|target| target.name.to_string()).collect();
            let alias = deed.alias.as_ref().map(|alias| format!(", called {alias:?} from here on"));
            let to = deed.to.as_ref().map(|to| format!(", to {}", to.name));
            let (alias, to) = (alias.unwrap_or_default(), to.unwrap_or_default());
            format!("{} {}{to}{alias}", deed.action, targets.join(", "))
        }
    }
}

/// What is still broken after the last step, as far as the names tell.
fn healing(scenario: &Scenario) -> String {
    let mut broken: Vec<(String, &'static str)> = Vec::new();
    for step in &scenario.steps {
        let Act::Do(deed) = &step.act else { continue };
        for target in &deed.targets {
            let name = target.name.to_string();
            match deed.action.undone_by() {
                Some(undo) => {
                    let called = deed.alias.clone().unwrap_or(name);
                    broken.push((called, undo.name()));
                }
                None if name == "everything" => broken.clear(),
                None if deed.action.mends() => broken.retain(|(called, _)| *called != name),
                None => {}
            }
        }
    }
    let undo: Vec<String> = broken.iter().map(|(name, undo)| format!("{undo} {name}")).collect();
    match undo.is_empty() {
        true => "wait until the cluster is whole".to_owned(),
        false => format!("mend: {}; wait until the cluster is whole", undo.join(", ")),
    }
}

fn expected(expect: &Expect) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{name}: {value}")));
    };
    let or = |names: Vec<&str>| names.join(" or ");
    add("outages", expect.outages.map(|count| count.to_string()));
    let kinds = |kinds: &[crate::model::outage::kind::Kind]| {
        or(kinds.iter().map(|kind| kind.name()).collect())
    };
    add("kind", (!expect.kind.is_empty()).then(|| kinds(&expect.kind)));
    add(
        "kinds",
        expect
            .kinds
            .as_ref()
            .map(|each| each.iter().map(|each| kinds(each)).collect::<Vec<_>>().join(", ")),
    );
    let longest = |longest| format!("at most {}", humantime::format_duration(longest));
    add("longest outage", expect.longest.map(longest));
    let classes = |classes: &[crate::model::fault::Class]| {
        or(classes.iter().map(|class| class.name()).collect())
    };
    for each in &expect.errors {
        add("errors", Some(classes(each)));
    }
    let order: Vec<&str> = expect.errors_in_order.iter().map(|class| class.name()).collect();
    add("errors", (!order.is_empty()).then(|| order.join(", then ")));
    let never = !expect.no_errors.is_empty();
    add("errors", never.then(|| format!("no {}", classes(&expect.no_errors))));
    add("lost", expect.lost.map(|count| count.to_string()));
    add("availability", expect.min_availability_pct.map(|least| format!("at least {least} %")));
    for counted in &expect.counted {
        let number = match counted.equals {
            Number::Present => "the rows that are there",
            Number::Lost => "the lost writes",
        };
        add("count", Some(format!("{number}, by: {}", counted.command)));
    }
    add("verdict", expect.verdict.map(|verdict| verdict.to_string()));
    words
}
