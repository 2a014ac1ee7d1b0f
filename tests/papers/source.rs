//! The program's own text: its types with the names that serde gives them, and the words that are written down for them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Expr, ExprLit, Item, ItemEnum, ItemStruct, ItemType, Lit, Meta};

use super::options::escaped;
use super::pages::top;

/// A type that is written in the model.
pub(crate) enum Definition {
    Struct(ItemStruct),
    Enum(ItemEnum),
    Alias(ItemType),
}

impl Definition {
    fn attrs(&self) -> &[Attribute] {
        match self {
            Self::Struct(item) => &item.attrs,
            Self::Enum(item) => &item.attrs,
            Self::Alias(item) => &item.attrs,
        }
    }
}

/// The types of the model, by name.
pub(crate) struct Types(BTreeMap<String, Vec<Definition>>);

impl Types {
    /// Those of every file in `src/model`.
    pub(crate) fn of_the_model() -> Self {
        let mut types = BTreeMap::<String, Vec<Definition>>::new();
        for path in files("src/model") {
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap());
            let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for item in file.items {
                let (name, definition) = match item {
                    Item::Struct(item) => (item.ident.to_string(), Definition::Struct(item)),
                    Item::Enum(item) => (item.ident.to_string(), Definition::Enum(item)),
                    Item::Type(item) => (item.ident.to_string(), Definition::Alias(item)),
                    _ => continue,
                };
                types.entry(name).or_default().push(definition);
            }
        }
        Self(types)
    }

    /// The one of this name, if the model has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Definition> {
        let found = self.0.get(name)?;
        let is_written = |definition: &&Definition| is_derived(definition.attrs());
        let written: Vec<&Definition> = found.iter().filter(is_written).collect();
        match (found.as_slice(), written.as_slice()) {
            ([one], _) => Some(one),
            (_, [one]) => Some(*one),
            _ => panic!("{name} is the name of several types in src/model"),
        }
    }

    /// The enum with variants that are told apart by a field of this name.
    pub(crate) fn tagged_by(&self, tag: &str) -> &ItemEnum {
        let enums = self.0.values().flatten().filter_map(|definition| match definition {
            Definition::Enum(item) => Some(item),
            _ => None,
        });
        let is_it = |item: &&ItemEnum| serde(&item.attrs).get("tag").is_some_and(|of| of == tag);
        enums.into_iter().find(is_it).expect("the enum of events")
    }
}

/// All Rust files below a folder, without tests of their own.
fn files(folder: &str) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![top().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !path.ends_with(Path::new("tests.rs"))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The text of all files below a folder.
pub(crate) fn text_of(folder: &str) -> String {
    files(folder).iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// The folders of the program with the first sentence of each, which its own module says.
pub(crate) fn rooms() -> String {
    let mut rooms = Vec::new();
    let mut folders = vec![top().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let modules = [path.join("mod.rs"), path.with_extension("rs")];
            let is_room = path.is_dir() && !path.ends_with("tests");
            if let Some(module) = modules.iter().find(|file| is_room && file.exists()) {
                rooms.push((path.clone(), first_sentence(&fs::read_to_string(module).unwrap())));
                folders.push(path);
            }
        }
    }
    rooms.sort();
    let shown = |path: &Path| path.strip_prefix(top()).unwrap().display().to_string();
    let rows = rooms.iter().map(|(path, words)| format!("| `{}` | {words} |\n", shown(path)));
    format!("| room | |\n|---|---|\n{}", rows.collect::<String>())
}

/// The first sentence of a file's own description, without links into the program's text.
fn first_sentence(file: &str) -> String {
    let lines = file.lines().map_while(|line| line.strip_prefix("//!"));
    let paragraph = lines.map(str::trim).take_while(|line| !line.is_empty()).collect::<Vec<_>>();
    let paragraph = escaped(&without_links(&paragraph.join(" ")));
    match paragraph.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => paragraph,
    }
}

/// What is said to serde in these attributes, such as `rename` and its name; an empty text where it is a word alone.
pub(crate) fn serde(attrs: &[Attribute]) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        attr.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().unwrap().to_string();
            let value = match meta.value() {
                Ok(value) => value.parse::<syn::LitStr>()?.value(),
                Err(_) => String::new(),
            };
            said.insert(name, value);
            Ok(())
        })
        .unwrap();
    }
    said
}

/// Whether serde's own code writes it: not so where the model writes it by itself, in words that its description gives.
pub(crate) fn is_derived(attrs: &[Attribute]) -> bool {
    let derives = attrs.iter().filter(|attr| attr.path().is_ident("derive"));
    let of_serde = derives.filter_map(|attr| match &attr.meta {
        Meta::List(list) => Some(list.tokens.to_string()),
        _ => None,
    });
    let said = serde(attrs);
    of_serde.collect::<String>().contains("Serialize")
        && !["into", "try_from", "from"].iter().any(|word| said.contains_key(*word))
}

/// The description that stands above an item, on one line, without links into the program's text.
pub(crate) fn description(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    without_links(&text).replace("`None`", "null")
}

/// ``[`Name`](path)`` and ``[`Name`]`` are `Name`, in backquotes.
fn without_links(text: &str) -> String {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        plain.push_str(&format!("{before}`{name}`"));
        let path = after.strip_prefix('(').and_then(|path| path.split_once(')'));
        rest = path.map_or(after, |(_, after)| after);
    }
    plain + rest
}

/// `OutageBegan` as serde's `snake_case` has it.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[test]
fn links_are_left_out() {
    assert_eq!(without_links("a [`B`](super::B) and [`C::d`], [1]"), "a `B` and `C::d`, [1]");
    assert_eq!(snake_case("OutageBegan"), "outage_began");
}
