//! A command of a scenario: a line for the shell, or a program and its arguments.

use std::fmt;

use super::concealed::concealed;
use super::error::ScenarioError;
use super::fields::Value;

/// A command, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Program(Vec<String>),
}

/// As it is shown and recorded: without its passwords.
impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(&concealed(line.trim())),
            Self::Program(words) => f.write_str(&concealed(&words.join(" "))),
        }
    }
}

/// Reads a line for the shell, or a list of a program and its arguments.
pub(super) fn read(value: &Value<'_>) -> Result<CommandLine, ScenarioError> {
    if !value.is_list() {
        return match value.text()?.trim() {
            "" => Err(value.wrong(format!("{} is an empty command", value.key))),
            line => Ok(CommandLine::Shell(line.to_owned())),
        };
    }
    let words: Vec<String> = value
        .list()?
        .iter()
        .map(|word| word.text().map(str::to_owned))
        .collect::<Result<_, _>>()?;
    if words.is_empty() {
        return Err(value.wrong(format!("{} is an empty command", value.key)));
    }
    Ok(CommandLine::Program(words))
}
