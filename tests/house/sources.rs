//! The modules of the library and the program, each with the names that it binds and the paths that it mentions.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::mentions::{Mention, Reader};

/// A module's path from the root of its crate. The program's begin with `main`, as its root is `main.rs`.
pub(crate) type ModulePath = Vec<String>;

/// What a name is in a module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Binding {
    /// An item of its own.
    Item,
    /// A module below it.
    Child,
    /// A `use`; public means that others are offered it, too.
    Import { path: Vec<String>, public: bool },
}

#[derive(Debug, Default)]
pub(crate) struct Module {
    /// The file that it stands in, from `src/`.
    pub(crate) file: String,
    /// Several for one name: a function and a module may share it.
    pub(crate) names: BTreeMap<String, Vec<Binding>>,
    /// `use path::*`.
    pub(crate) globs: Vec<Vec<String>>,
    /// `macro_rules!`, which modules below can use by the bare name.
    pub(crate) macros: Vec<String>,
    pub(crate) mentions: Vec<Mention>,
}

#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) modules: BTreeMap<ModulePath, Module>,
    /// Types by file, associated ones not among them.
    types: Vec<(String, String)>,
}

impl Sources {
    /// All that `lib.rs` and `main.rs` declare, in this folder.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut texts = BTreeMap::new();
        collect(folder, folder, &mut texts)?;
        Ok(Self::of(&texts))
    }

    /// The same from texts by name of file.
    pub(crate) fn of(texts: &BTreeMap<String, String>) -> Self {
        let mut sources = Self::default();
        for (file, root) in [("lib.rs", Vec::new()), ("main.rs", vec!["main".to_owned()])] {
            if texts.contains_key(file) {
                sources.file(texts, file, root);
            }
        }
        sources
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        let files: std::collections::BTreeSet<&str> =
            self.modules.values().map(|module| module.file.as_str()).collect();
        files.into_iter()
    }

    /// File and name of each struct, enum, union, trait and alias.
    pub(crate) fn types(&self) -> impl Iterator<Item = (&str, &str)> {
        self.types.iter().map(|(file, name)| (file.as_str(), name.as_str()))
    }

    fn file(&mut self, texts: &BTreeMap<String, String>, file: &str, path: ModulePath) {
        let parsed =
            syn::parse_file(&texts[file]).unwrap_or_else(|error| panic!("src/{file}: {error}"));
        let reader = Reader::read(file, path, &parsed);
        self.types.extend(reader.types.into_iter().map(|name| (file.to_owned(), name)));
        self.modules.extend(reader.modules);
        for declared in reader.declared {
            let (folder, name) = (folder_of(file), declared.last().expect("a module has a name"));
            // Modules in braces between are folders, too: none of ours declares a file.
            let candidates = [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")];
            let child = candidates.iter().find(|candidate| texts.contains_key(*candidate));
            let child = child.unwrap_or_else(|| {
                panic!("src/{file} declares {name}: neither of {candidates:?} is there")
            });
            self.file(texts, child, declared);
        }
    }
}

/// Where the files of a file's modules are, with a slash at its end.
fn folder_of(file: &str) -> String {
    let (folder, name) = file.rsplit_once('/').map_or(("", file), |(folder, name)| (folder, name));
    let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder,
        _ => format!("{folder}{}/", name.trim_end_matches(".rs")),
    }
}

fn collect(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, texts)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name =
                path.strip_prefix(root).expect("it is below").to_string_lossy().replace('\\', "/");
            texts.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
