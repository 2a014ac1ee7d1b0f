//! What imports what between files, and the circles in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::mentions::{Manner, Mention};
use super::resolve::{Target, resolve};
use super::sources::{ModulePath, Sources};

/// By importing file and imported file, the names.
pub(crate) type Edges = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

#[derive(Debug, Default)]
pub(crate) struct Imports {
    edges: Edges,
    outside: BTreeSet<(String, String)>,
}

impl Imports {
    pub(crate) fn of(sources: &Sources) -> Self {
        let mut imports = Self::default();
        for (path, module) in &sources.modules {
            imports.edges.entry(module.file.clone()).or_default();
            for mention in &module.mentions {
                imports.add(sources, path, mention);
            }
        }
        imports
    }

    pub(crate) fn edges(&self) -> &Edges {
        &self.edges
    }

    /// File and full path of each name of another crate.
    pub(crate) fn outside(&self) -> impl Iterator<Item = (&str, &str)> {
        self.outside.iter().map(|(file, path)| (file.as_str(), path.as_str()))
    }

    fn add(&mut self, sources: &Sources, from: &ModulePath, mention: &Mention) {
        let here = &sources.modules[from].file;
        let resolved = resolve(sources, from, &mention.path);
        for borrowed in &resolved.borrowed {
            let name = mention.path.last().cloned().unwrap_or_default();
            self.edge(here, &sources.modules[borrowed].file, &name);
        }
        match resolved.target {
            Target::Inside { module, item } => {
                // A parent that hands out what its children define.
                let handed_out =
                    mention.manner == Manner::Use { public: true } && module.starts_with(from);
                // A module alone is the beginning of paths, which are mentions of their own.
                let name = match (item, mention.manner) {
                    (Some(item), _) => item,
                    (None, Manner::Attribute) => module.last().cloned().unwrap_or_default(),
                    (None, _) => return,
                };
                if !handed_out {
                    self.edge(here, &sources.modules[&module].file, &name);
                }
            }
            Target::Outside(path) => match (mention.manner, path.as_slice()) {
                (Manner::Macro, [name]) => {
                    if let Some(home) = home_of_macro(sources, from, name) {
                        self.edge(here, home, &format!("{name}!"));
                    }
                }
                (Manner::Attribute, _) | (_, [_]) => {}
                _ => {
                    self.outside.insert((here.clone(), path.join("::")));
                }
            },
        }
    }

    fn edge(&mut self, from: &str, to: &str, name: &str) {
        if from != to {
            self.edges
                .entry(from.to_owned())
                .or_default()
                .entry(to.to_owned())
                .or_default()
                .insert(name.to_owned());
        }
    }
}

/// A macro that is used by its bare name is of a module above.
fn home_of_macro<'s>(sources: &'s Sources, from: &ModulePath, name: &str) -> Option<&'s str> {
    (0..=from.len())
        .rev()
        .filter_map(|length| sources.modules.get(&from[..length]))
        .find(|module| module.macros.iter().any(|known| known == name))
        .map(|module| module.file.as_str())
}

/// Each circle in words: the files that reach each other, and the imports between them.
pub(crate) fn circles(imports: &Imports) -> Vec<String> {
    let edges = imports.edges();
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        edges.keys().map(|file| (file.as_str(), reachable(edges, file))).collect();
    let mut told = BTreeSet::new();
    let mut words = Vec::new();
    for (file, beyond) in &reached {
        if told.contains(file) || !beyond.contains(file) {
            continue;
        }
        let members: BTreeSet<&str> = beyond
            .iter()
            .copied()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(file)))
            .collect();
        told.extend(members.iter().copied());
        words.push(circle_in_words(edges, &members));
    }
    words
}

fn circle_in_words(edges: &Edges, members: &BTreeSet<&str>) -> String {
    let mut lines = vec![format!("  a circle of {} files:", members.len())];
    for from in members {
        for (to, names) in edges[*from].iter().filter(|(to, _)| members.contains(to.as_str())) {
            lines.push(format!("    {from} -> {to}: {}", joined(names)));
        }
    }
    lines.join("\n")
}

pub(crate) fn joined(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn reachable<'e>(edges: &'e Edges, from: &str) -> BTreeSet<&'e str> {
    let mut found = BTreeSet::new();
    let mut queue = VecDeque::from([from]);
    while let Some(file) = queue.pop_front() {
        for next in edges.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(next.as_str()) {
                queue.push_back(next);
            }
        }
    }
    found
}
