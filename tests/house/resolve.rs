//! Where a path leads: through imports and re-exports to the module that defines what it names.

use super::sources::{Binding, ModulePath, Sources};

/// More re-exports of re-exports than this are a circle of them.
const HOPS_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// An item of ours, or a whole module.
    Inside { module: ModulePath, item: Option<String> },
    /// Another crate, a local name, a type parameter: the path with its imports put in.
    Outside(Vec<String>),
}

pub(crate) struct Resolved {
    pub(crate) target: Target,
    /// Modules with a private `use` that the path passes, in its own way from outside.
    pub(crate) borrowed: Vec<ModulePath>,
}

/// What this path means where it stands.
pub(crate) fn resolve(sources: &Sources, from: &ModulePath, path: &[String]) -> Resolved {
    let mut borrowed = Vec::new();
    let target = lexical(sources, from, path, &mut borrowed, 0);
    Resolved { target, borrowed }
}

fn lexical(
    sources: &Sources,
    from: &ModulePath,
    path: &[String],
    borrowed: &mut Vec<ModulePath>,
    hops: usize,
) -> Target {
    let outside = || Target::Outside(path.to_vec());
    let Some(first) = path.first() else { return outside() };
    let mut at = from.clone();
    let mut rest = path;
    match first.as_str() {
        "crate" => {
            at.truncate(usize::from(is_program(from)));
            rest = &path[1..];
        }
        "pgchaos" => {
            at.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                at.pop();
                rest = &rest[1..];
            }
        }
        _ => return walk(sources, from, from, path, borrowed, hops).unwrap_or_else(outside),
    }
    walk(sources, from, &at, rest, borrowed, hops)
        .unwrap_or_else(|| Target::Inside { module: at, item: rest.first().cloned() })
}

/// From a module on; none when the first name is none of it.
fn walk(
    sources: &Sources,
    from: &ModulePath,
    at: &ModulePath,
    path: &[String],
    borrowed: &mut Vec<ModulePath>,
    hops: usize,
) -> Option<Target> {
    let Some((first, rest)) = path.split_first() else {
        return Some(Target::Inside { module: at.clone(), item: None });
    };
    let module = sources.modules.get(at)?;
    if first == "*" {
        return Some(Target::Inside { module: at.clone(), item: Some("*".to_owned()) });
    }
    if hops > HOPS_MAX {
        return None;
    }
    let bindings = module.names.get(first).map_or(&[][..], Vec::as_slice);
    let child = bindings.contains(&Binding::Child).then(|| {
        let mut child = at.clone();
        child.push(first.clone());
        child
    });
    if let (Some(child), false) = (&child, rest.is_empty()) {
        let found = walk(sources, from, child, rest, borrowed, hops);
        return found.or_else(|| {
            Some(Target::Inside { module: child.clone(), item: rest.first().cloned() })
        });
    }
    if bindings.contains(&Binding::Item) {
        return Some(Target::Inside { module: at.clone(), item: Some(first.clone()) });
    }
    let import = bindings.iter().find_map(|binding| match binding {
        // `use rand;` binds what it names.
        Binding::Import { path, public } if path.first() != Some(first) || path.len() > 1 => {
            Some((path, *public))
        }
        _ => None,
    });
    if let Some((import, public)) = import {
        if !public && at != from {
            borrowed.push(at.clone());
        }
        let whole: Vec<String> = import.iter().chain(rest).cloned().collect();
        // A name of another crate may be bound here by this very import.
        if import.first() == Some(first) {
            return Some(Target::Outside(whole));
        }
        return Some(lexical(sources, at, &whole, borrowed, hops + 1));
    }
    if let Some(child) = child {
        return Some(Target::Inside { module: child, item: None });
    }
    module.globs.iter().find_map(|glob| {
        let Target::Inside { module: behind, item: None } =
            lexical(sources, at, glob, &mut Vec::new(), hops + 1)
        else {
            return None;
        };
        if behind == *at { None } else { walk(sources, at, &behind, path, borrowed, hops + 1) }
    })
}

pub(crate) fn is_program(module: &ModulePath) -> bool {
    module.first().is_some_and(|first| first == "main")
}
