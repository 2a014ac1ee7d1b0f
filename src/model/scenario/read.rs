//! From text to a scenario, with what must fit together checked.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use toml::de::DeTable;

use super::command_line;
use super::concealed::concealed;
use super::definition::{On, Scenario};
use super::error::{ScenarioError, Source};
use super::expect::Expect;
use super::fields::{Fields, Value, instead};
use super::hooks::Hooks;
use super::load::{load, through};
use super::step::{Act, Action, Deed, Exec, Step, StepTarget, TargetName, Until, Wait};
use crate::model::cluster::selector::Selector;
use crate::model::foreign;
use crate::model::load::values;

/// How long a command may take when its step does not say.
const EXEC_LIMIT: Duration = Duration::from_secs(60);

const KEYS: [&str; 8] =
    ["title", "description", "on", "cluster", "load", "step", "expect", "hooks"];

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`], with the line.
    pub fn read(name: &str, file: &str, text: &str) -> Result<Self, ScenarioError> {
        scenario(name, &Source { file: file.to_owned(), text: text.to_owned() })
    }
}

fn scenario(name: &str, source: &Source) -> Result<Scenario, ScenarioError> {
    let document = DeTable::parse(&source.text).map_err(|error| {
        // The parser's own words, on one line.
        let words = error.message().lines().collect::<Vec<_>>().join(", ");
        source.error(&error.span().unwrap_or(0..0), words)
    })?;
    let fields = Fields::document(source, &document);
    fields.only("a scenario", &KEYS)?;
    let table = |key: &str| fields.get(key).map(|value| value.fields()).transpose();
    let text = |key: &str| fields.get(key).map(|value| value.text()).transpose();
    let title =
        text("title")?.ok_or_else(|| fields.wrong("a scenario needs a title, in one line"))?;
    let said_load = table("load")?;
    let through = through(said_load.as_ref())?;
    let load = load(said_load.as_ref())?;
    let steps = fields.get("step").ok_or_else(|| fields.wrong("a scenario needs [[step]]s"))?;
    let hooks = fields.get("hooks").map(|value| Hooks::read(&value)).transpose()?;
    let expect = fields.get("expect").map(|value| Expect::of_run(&value)).transpose()?;
    let (synchronous, synchronous_span) = synchronous(table("cluster")?)?;
    let scenario = Scenario {
        name: name.to_owned(),
        title: concealed(&foreign::plain(title)),
        description: text("description")?.unwrap_or_default().trim().to_owned(),
        on: on(&fields, hooks.is_some())?,
        synchronous,
        synchronous_span,
        load,
        through,
        steps: self::steps(&steps)?,
        expect: expect.unwrap_or_default(),
        hooks,
        source: source.clone(),
    };
    if scenario.on.contains(&On::Hooks) && scenario.hooks.is_none() {
        return Err(fields.wrong("on = \"hooks\" needs [hooks]: the commands that break and mend"));
    }
    Ok(scenario)
}

fn on(fields: &Fields<'_>, has_hooks: bool) -> Result<Vec<On>, ScenarioError> {
    let Some(value) = fields.get("on") else {
        return Ok(if has_hooks { vec![On::Hooks] } else { vec![On::Lab, On::Compose] });
    };
    let on: Vec<On> = value
        .one_or_more()?
        .iter()
        .map(|value| value.one_of("backend", &On::ALL))
        .collect::<Result<_, _>>()?;
    if on.is_empty() { Err(value.wrong("on names no backend")) } else { Ok(on) }
}

/// What the cluster must be, and where that is said.
fn synchronous(cluster: Option<Fields<'_>>) -> Result<(Option<bool>, Range<usize>), ScenarioError> {
    let Some(cluster) = cluster else { return Ok((None, 0..0)) };
    cluster.only("[cluster]", &["synchronous"])?;
    match cluster.get("synchronous") {
        Some(value) => Ok((Some(value.flag()?), value.span())),
        None => Ok((None, 0..0)),
    }
}

fn steps(value: &Value<'_>) -> Result<Vec<Step>, ScenarioError> {
    let list = value.list()?;
    if list.is_empty() {
        return Err(value.wrong("a scenario without a step breaks nothing"));
    }
    let mut aliases = BTreeSet::new();
    let mut steps = Vec::new();
    for (number, value) in (1..).zip(&list) {
        let step = step(number, &value.fields()?, &aliases)?;
        if let Act::Do(Deed { alias: Some(alias), .. }) = &step.act {
            aliases.insert(alias.clone());
        }
        steps.push(step);
    }
    Ok(steps)
}

fn step(
    number: u32,
    fields: &Fields<'_>,
    aliases: &BTreeSet<String>,
) -> Result<Step, ScenarioError> {
    let verbs: Vec<&str> =
        Action::ALL.iter().map(|(name, _)| *name).chain(["exec", "wait"]).collect();
    let mut said = verbs.iter().filter_map(|verb| fields.get(verb));
    let Some(verb) = said.next() else {
        let known = ["as", "to", "within", "undo", "expect"];
        let all: Vec<&str> = verbs.iter().copied().chain(known).collect();
        fields.only("a step", &all)?;
        return Err(fields.wrong(format!("a step does one of: {}", verbs.join(", "))));
    };
    if let Some(second) = said.next() {
        let words =
            format!("one step does one thing, and here are {} and {}", verb.key, second.key);
        return Err(second.wrong(words));
    }
    let expect = fields.get("expect").map(|value| Expect::of_step(&value)).transpose()?;
    let act = match verb.key.as_str() {
        "wait" => {
            fields.only("a step that waits", &["wait", "within"])?;
            Act::Wait(wait(&verb, fields)?)
        }
        "exec" => {
            fields.only("a step with a command", &["exec", "within", "undo", "expect"])?;
            let within = fields.get("within").map(|value| value.duration()).transpose()?;
            Act::Exec(Exec {
                command: command_line::read(&verb)?,
                within: within.unwrap_or(EXEC_LIMIT),
                undo: fields.get("undo").map(|value| command_line::read(&value)).transpose()?,
            })
        }
        _ => Act::Do(deed(&verb, fields, aliases)?),
    };
    Ok(Step { number, span: fields.span(), act, expect })
}

fn deed(
    verb: &Value<'_>,
    fields: &Fields<'_>,
    aliases: &BTreeSet<String>,
) -> Result<Deed, ScenarioError> {
    let action = verb_action(verb)?;
    let mut keys = vec![action.name(), "as", "expect"];
    if action == Action::Switchover {
        keys.push("to");
    }
    fields.only(&format!("a step that does {action}"), &keys)?;
    let targets: Vec<StepTarget> = verb
        .one_or_more()?
        .iter()
        .map(|value| target(value, action, aliases))
        .collect::<Result<_, _>>()?;
    if targets.is_empty() {
        return Err(verb.wrong(format!("{action} names nobody")));
    }
    let alias = fields.get("as").map(|value| alias(&value, &targets)).transpose()?;
    let to = fields.get("to").map(|value| target(&value, action, aliases)).transpose()?;
    Ok(Deed { action, targets, alias, to })
}

fn verb_action(verb: &Value<'_>) -> Result<Action, ScenarioError> {
    let found = Action::ALL.iter().find(|(name, _)| *name == verb.key);
    found.map(|(_, action)| *action).ok_or_else(|| verb.wrong("this is no action"))
}

fn target(
    value: &Value<'_>,
    action: Action,
    aliases: &BTreeSet<String>,
) -> Result<StepTarget, ScenarioError> {
    let text = value.text()?;
    let name = if aliases.contains(text) {
        TargetName::Alias(text.to_owned())
    } else if text == "everything" {
        if action != Action::Heal {
            return Err(value.wrong("only heal can be done to everything"));
        }
        TargetName::Everything
    } else {
        TargetName::Selector(
            text.parse::<Selector>().map_err(|error| value.wrong(error.to_string()))?,
        )
    };
    Ok(StepTarget { span: value.span(), name })
}

fn alias(value: &Value<'_>, targets: &[StepTarget]) -> Result<String, ScenarioError> {
    let text = value.text()?;
    if targets.len() > 1 {
        return Err(value.wrong("a step that hits several members cannot give them one name"));
    }
    match text.parse::<Selector>() {
        Ok(Selector::Member(name)) if name != "everything" => Ok(name),
        _ => Err(value.wrong(format!("{text:?} is no new name: take letters, as in \"old\""))),
    }
}

fn wait(verb: &Value<'_>, fields: &Fields<'_>) -> Result<Wait, ScenarioError> {
    let text = verb.text()?.trim();
    let within = fields.get("within");
    let limit = within.as_ref().map(Value::duration).transpose()?;
    let word = Until::WORDS.iter().find(|(word, _)| *word == text).map(|(_, until)| *until);
    let writes = text.strip_suffix("writes").map(str::trim).and_then(|number| number.parse().ok());
    if let Some(until) = word.or(writes.map(Until::Writes)) {
        return Ok(Wait { until, within: limit.unwrap_or(until.default_limit()) });
    }
    let Ok(time) = values::positive_duration(text) else {
        let words = Until::WORDS.iter().map(|(word, _)| *word);
        return Err(verb.wrong(format!(
            "{text:?} cannot be waited for; {}; or a time as \"3s\", or \"100 writes\"",
            instead(text, words)
        )));
    };
    match within {
        Some(within) => Err(within.wrong("a plain time has no limit of its own")),
        None => Ok(Wait { until: Until::Time, within: time }),
    }
}
