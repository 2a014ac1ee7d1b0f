//! The events of a record and the JSON summary: every field with its type and its description, from the model's types.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use syn::{Attribute, Fields, GenericArgument, ItemEnum, PathArguments, Type, Variant};

use super::options::escaped;
use super::source::{Definition, Types, description, is_derived, serde, snake_case};

/// Each event, then each type that their fields have.
pub(crate) fn events() -> String {
    let mut writer = Writer::new();
    let types = Rc::clone(&writer.types);
    let events = types.tagged_by("event");
    for variant in &events.variants {
        writer.heading(&format!("`{}`", snake_case(&variant.ident.to_string())), &variant.attrs);
        let rows = writer.rows_of_variant(variant);
        writer.table(&rows);
    }
    writer.text.push_str("\n## Types\n");
    writer.types_that_are_used();
    writer.text
}

/// The summary, then each type that its fields have.
pub(crate) fn summary() -> String {
    of_struct("Summary", &["DrillReport"])
}

/// The comparison of several runs, then each type that its fields have.
pub(crate) fn comparison() -> String {
    of_struct("Comparison", &[])
}

/// The fields of a struct, then each type that they have, and these.
fn of_struct(name: &str, more: &[&str]) -> String {
    let mut writer = Writer::new();
    let types = Rc::clone(&writer.types);
    let Some(Definition::Struct(root)) = types.get(name) else { panic!("no {name}") };
    let rows = writer.rows(&root.fields);
    writer.table(&rows);
    writer.text.push_str("\n## Types\n");
    writer.named.extend(more.iter().map(|name| (*name).to_owned()));
    writer.types_that_are_used();
    writer.text
}

/// A field: its name, its type, and what it is.
type Row = [String; 3];

struct Writer {
    types: Rc<Types>,
    text: String,
    /// Types that are named and not described yet.
    named: VecDeque<String>,
    described: BTreeSet<String>,
}

impl Writer {
    fn new() -> Self {
        Self {
            types: Rc::new(Types::of_the_model()),
            text: String::new(),
            named: VecDeque::new(),
            described: BTreeSet::new(),
        }
    }

    fn heading(&mut self, name: &str, attrs: &[Attribute]) {
        let words = description(attrs);
        self.text.push_str(&format!("\n### {name}\n\n{}\n", escaped(&words)));
    }

    fn table(&mut self, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        self.text.push_str("\n| field | type | |\n|---|---|---|\n");
        for [name, kind, words] in rows {
            self.text.push_str(&format!("| `{name}` | {kind} | {words} |\n"));
        }
    }

    /// Describes what is named, and what that names, in the order of the alphabet.
    fn types_that_are_used(&mut self) {
        let mut sections = BTreeMap::new();
        while let Some(name) = self.named.pop_front() {
            if !self.described.insert(name.clone()) {
                continue;
            }
            let before = std::mem::take(&mut self.text);
            self.describe(&name);
            sections.insert(name, std::mem::replace(&mut self.text, before));
        }
        self.text.extend(sections.into_values());
    }

    fn describe(&mut self, name: &str) {
        let types = Rc::clone(&self.types);
        match types.get(name).expect("it was found when it was named") {
            Definition::Struct(item) => {
                self.heading(&format!("Type `{name}`"), &item.attrs);
                if is_derived(&item.attrs) {
                    let rows = self.rows(&item.fields);
                    self.table(&rows);
                }
            }
            Definition::Enum(item) => {
                self.heading(&format!("Type `{name}`"), &item.attrs);
                if is_derived(&item.attrs) {
                    self.values(item);
                }
            }
            Definition::Alias(_) => unreachable!("an alias is followed"),
        }
    }

    /// The values of an enum, as JSON has them.
    fn values(&mut self, item: &ItemEnum) {
        let said = serde(&item.attrs);
        self.text.push_str("\n| value | |\n|---|---|\n");
        for variant in &item.variants {
            let own = serde(&variant.attrs).get("rename").cloned();
            let name = own.unwrap_or_else(|| match said.get("rename_all").map(String::as_str) {
                Some("snake_case") => snake_case(&variant.ident.to_string()),
                Some("kebab-case") => snake_case(&variant.ident.to_string()).replace('_', "-"),
                Some("lowercase") => variant.ident.to_string().to_lowercase(),
                Some(other) => panic!("{other}: say here how it writes names"),
                None => variant.ident.to_string(),
            });
            let rows = self.rows_of_variant(variant);
            let content = match (&variant.fields, said.get("content")) {
                (Fields::Unnamed(fields), _) if rows.is_empty() => {
                    Some(self.name_of(&fields.unnamed[0].ty))
                }
                _ => None,
            };
            let value = match (said.get("tag"), content) {
                (Some(tag), _) => format!("`\"{tag}\": \"{name}\"`"),
                (None, Some(content)) => format!("`\"{name}\":` {content}"),
                (None, None) => format!("`\"{name}\"`"),
            };
            let mut words = escaped(&description(&variant.attrs));
            for [field, kind, about] in rows {
                words.push_str(&format!("<br>`{field}`: {kind}. {about}"));
            }
            self.text.push_str(&format!("| {value} | {words} |\n"));
        }
    }

    /// The fields that a variant has beside its name: its own, or those of the one struct in it.
    fn rows_of_variant(&mut self, variant: &Variant) -> Vec<Row> {
        match &variant.fields {
            Fields::Unnamed(fields) => {
                let within = named(unboxed(&fields.unnamed[0].ty));
                self.rows_of_type(&within).unwrap_or_default()
            }
            fields => self.rows(fields),
        }
    }

    /// The fields of the struct of this name.
    fn rows_of_type(&mut self, name: &str) -> Option<Vec<Row>> {
        let types = Rc::clone(&self.types);
        match types.get(name) {
            Some(Definition::Struct(item)) if is_derived(&item.attrs) => {
                Some(self.rows(&item.fields))
            }
            _ => None,
        }
    }

    fn rows(&mut self, fields: &Fields) -> Vec<Row> {
        let mut rows = Vec::new();
        for field in fields {
            let said = serde(&field.attrs);
            if said.contains_key("flatten") {
                let name = named(unboxed(&field.ty));
                match self.rows_of_type(&name) {
                    Some(more) => rows.extend(more),
                    None => {
                        let words = escaped(&description(&field.attrs));
                        let kind = self.name_of(&field.ty);
                        rows.push(["…".to_owned(), kind, words]);
                    }
                }
                continue;
            }
            let ident = field.ident.as_ref().map_or_else(|| "0".to_owned(), ToString::to_string);
            let name = said.get("rename").cloned().unwrap_or(ident);
            let mut kind = match said.get("with").map(String::as_str) {
                Some("seconds") => "seconds".to_owned(),
                Some("seconds::option") => "seconds, or null".to_owned(),
                Some("seconds::pair") => "two times in seconds, or null".to_owned(),
                Some("by_writer") => "`[[writer, [[first, last], …]], …]`".to_owned(),
                Some(other) => panic!("{other}: say here what it writes"),
                None => self.name_of(&field.ty),
            };
            if said.contains_key("skip_serializing_if") {
                kind = format!("{}; may be missing", kind.trim_end_matches(", or null"));
            }
            rows.push([name, kind, escaped(&description(&field.attrs))]);
        }
        rows
    }

    /// A type as JSON has it.
    fn name_of(&mut self, kind: &Type) -> String {
        if let Type::Tuple(tuple) = kind {
            let parts: Vec<String> = tuple.elems.iter().map(|part| self.name_of(part)).collect();
            return format!("\\[{}\\]", parts.join(", "));
        }
        let name = named(kind);
        let mut within = arguments(kind).into_iter();
        let mut next = |writer: &mut Self| {
            let kind = within.next().unwrap_or_else(|| panic!("{name} of what?"));
            writer.name_of(kind)
        };
        match name.as_str() {
            "String" | "IpAddr" | "PathBuf" => "text".to_owned(),
            "Uuid" => "UUID".to_owned(),
            "bool" => "true or false".to_owned(),
            "u8" | "u16" | "u32" | "u64" | "usize" | "i16" | "i32" | "i64" => "integer".to_owned(),
            "f64" => "number".to_owned(),
            "DateTime" => "time (RFC 3339)".to_owned(),
            "Box" => next(self),
            "Option" => format!("{}, or null", next(self)),
            "Vec" | "BTreeSet" => format!("list of {}", next(self)),
            "BTreeMap" => {
                let (key, value) = (next(self), next(self));
                format!("object: {key} → {value}")
            }
            _ => self.link(&name),
        }
    }

    fn link(&mut self, name: &str) -> String {
        let types = Rc::clone(&self.types);
        match types.get(name) {
            Some(Definition::Alias(alias)) => self.name_of(&alias.ty),
            Some(_) => {
                self.named.push_back(name.to_owned());
                format!("[{name}](#type-{})", name.to_lowercase())
            }
            None => panic!("{name}: say here what it is in JSON"),
        }
    }
}

/// The last word of a type's path.
fn named(kind: &Type) -> String {
    match kind {
        Type::Path(path) => path.path.segments.last().unwrap().ident.to_string(),
        _ => panic!("a type that no record has"),
    }
}

fn arguments(kind: &Type) -> Vec<&Type> {
    let Type::Path(path) = kind else { return Vec::new() };
    match &path.path.segments.last().unwrap().arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(kind) => Some(kind),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn unboxed(kind: &Type) -> &Type {
    match named(kind).as_str() {
        "Box" => arguments(kind).remove(0),
        _ => kind,
    }
}
