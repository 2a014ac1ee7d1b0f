//! Reading a TOML table key by key: every error knows its place, and a key that is not known names
//! the one that was probably meant.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ScenarioError, Source};
use crate::model::load::values;

/// How alike two words must be for one to be offered for the other.
const ALIKE: f64 = 0.72;

/// A table of the file.
pub(super) struct Fields<'s> {
    source: &'s Source,
    table: &'s DeTable<'s>,
    span: Range<usize>,
}

/// A value of the file, and its key.
#[derive(Clone)]
pub(super) struct Value<'s> {
    pub(super) key: String,
    source: &'s Source,
    value: &'s Spanned<DeValue<'s>>,
}

impl<'s> Fields<'s> {
    pub(super) fn document(source: &'s Source, table: &'s Spanned<DeTable<'s>>) -> Self {
        Self { source, table: table.get_ref(), span: 0..1 }
    }

    /// Refuses every key that is not one of these.
    pub(super) fn only(&self, place: &str, known: &[&str]) -> Result<(), ScenarioError> {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let message = format!(
                    "{place} has no key {name:?}; {}",
                    instead(name, known.iter().copied())
                );
                return Err(self.source.error(&key.span(), message));
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'s>> {
        let value = self.table.get(key)?;
        Some(Value { key: key.to_owned(), source: self.source, value })
    }

    /// Every key and its value.
    pub(super) fn all(&self) -> impl Iterator<Item = Value<'s>> {
        self.table.iter().map(|(key, value)| Value {
            key: key.get_ref().to_string(),
            source: self.source,
            value,
        })
    }

    pub(super) fn wrong(&self, message: impl Into<String>) -> ScenarioError {
        self.source.error(&self.span, message)
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

impl<'s> Value<'s> {
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }

    pub(super) fn wrong(&self, message: impl Into<String>) -> ScenarioError {
        self.source.error(&self.value.span(), message)
    }

    fn is_not(&self, what: &str) -> ScenarioError {
        self.wrong(format!(
            "{} is {}, and must be {what}",
            self.key,
            self.value.get_ref().type_str()
        ))
    }

    pub(super) fn fields(&self) -> Result<Fields<'s>, ScenarioError> {
        let table = self.value.get_ref().as_table().ok_or_else(|| self.is_not("a table"))?;
        Ok(Fields { source: self.source, table, span: self.value.span() })
    }

    pub(super) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    pub(super) fn text(&self) -> Result<&'s str, ScenarioError> {
        self.value.get_ref().as_str().ok_or_else(|| self.is_not("a string"))
    }

    pub(super) fn flag(&self) -> Result<bool, ScenarioError> {
        self.value.get_ref().as_bool().ok_or_else(|| self.is_not("true or false"))
    }

    pub(super) fn list(&self) -> Result<Vec<Self>, ScenarioError> {
        let list = self.value.get_ref().as_array().ok_or_else(|| self.is_not("a list"))?;
        Ok(list.iter().map(|value| Self { value, ..self.clone() }).collect())
    }

    /// One, or the elements of a list.
    pub(super) fn one_or_more(&self) -> Result<Vec<Self>, ScenarioError> {
        if self.is_list() { self.list() } else { Ok(vec![self.clone()]) }
    }

    /// A whole number, when it is one.
    pub(super) fn as_number(&self) -> Option<u64> {
        let number = self.value.get_ref().as_integer()?;
        u64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    pub(super) fn number(&self) -> Result<u64, ScenarioError> {
        self.as_number().ok_or_else(|| self.is_not("a whole number from 0"))
    }

    pub(super) fn small_number(&self) -> Result<u32, ScenarioError> {
        u32::try_from(self.number()?).map_err(|_| self.wrong(format!("{} is too large", self.key)))
    }

    /// A number as it is written, or a string.
    pub(super) fn written(&self) -> Result<String, ScenarioError> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.as_str().to_owned()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            _ => Err(self.is_not("a number or a string")),
        }
    }

    pub(super) fn duration(&self) -> Result<Duration, ScenarioError> {
        let text = self.text().map_err(|_| self.is_not("a duration as \"3s\""))?;
        values::positive_duration(text).map_err(|words| self.wrong(words))
    }

    /// One of these, by its name.
    pub(super) fn one_of<T: Copy>(
        &self,
        what: &str,
        all: &[(&'static str, T)],
    ) -> Result<T, ScenarioError> {
        let text = self.text()?;
        let found = all.iter().find(|(name, _)| *name == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names = all.iter().map(|(name, _)| *name);
            self.wrong(format!("{text:?} is no {what}; {}", instead(text, names)))
        })
    }
}

/// The one that was probably meant, else all there are.
pub fn instead<'n>(said: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    // A word of the name is likelier meant than another name that looks like it.
    let likeness = |name: &str| {
        let is_a_word = name.split(['_', '-']).any(|word| word == said);
        if is_a_word { 1.0 } else { strsim::jaro_winkler(said, name) }
    };
    let nearest = known.clone().max_by(|one, two| likeness(one).total_cmp(&likeness(two)));
    match nearest {
        Some(name) if likeness(name) >= ALIKE => format!("did you mean {name:?}?"),
        _ => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
    }
}
