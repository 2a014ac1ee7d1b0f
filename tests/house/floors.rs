//! The floors of the house, and the arrows between its rooms.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Imports, joined};

/// The rooms from the top to the ground. A room imports from the rows below its own; rooms of one row do not import
/// each other. A room is a folder or a file of `src/`; the longest name that fits a file is its room, so that `model`
/// is what stands in no room of it. Rooms that are not there yet have their places.
pub(crate) const ROWS: &[&[&str]] = &[
    &["main"],
    &["commands"],
    &["cli"],
    &["drill"],
    &["engine"],
    &["pg", "lab", "report"],
    &["patroni", "haproxy"],
    &["http"],
    &["tls"],
    &["model/scenario", "model/comparison"],
    &["model/run"],
    &["model/event", "model/prediction"],
    &["model/outage", "model/load"],
    &["model/cluster", "model/ledger", "model/statistics"],
    &["model"],
];

/// What the pure floor is without: threads, clocks, files, the environment, sockets, processes, global randomness.
pub(crate) const IMPURE: &[&str] = &[
    "tokio",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::fs",
    "std::env",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os::unix::net",
    "std::process",
    "std::thread",
    "rand::rng",
    "rand::rngs::SysRng",
    "rand::rngs::ThreadRng",
    "rand::make_rng",
    "rand::random",
    "rand::random_bool",
    "rand::random_iter",
    "rand::random_range",
    "rand::random_ratio",
    "uuid::Uuid::new_v4",
    "uuid::Uuid::now_v7",
    "chrono::Local",
    "chrono::Utc::now",
];

/// Whether a path is this one, or begins with it.
pub(crate) fn begins_with(path: &str, beginning: &str) -> bool {
    path.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The row and the room of a file; none for `lib.rs`, which declares the floors, and for what has no place.
fn place<'r>(rows: &[&[&'r str]], file: &str) -> Option<(usize, &'r str)> {
    let name = file.trim_end_matches(".rs").trim_end_matches("/mod");
    let fits = |room: &str| {
        name.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    rows.iter()
        .enumerate()
        .flat_map(|(row, rooms)| rooms.iter().map(move |room| (row, *room)))
        .filter(|(_, room)| fits(room))
        .max_by_key(|(_, room)| room.len())
}

/// Each import that does not go down, in words, and each file that has no place.
pub(crate) fn upward(imports: &Imports, rows: &[&[&str]]) -> Vec<String> {
    let mut words = Vec::new();
    for (from, all) in imports.edges() {
        if from == "lib.rs" {
            continue;
        }
        let Some((row, room)) = place(rows, from) else {
            words.push(format!("  {from}: no room of the table"));
            continue;
        };
        for (to, names) in all {
            match place(rows, to) {
                Some((below, other)) if other == room || below > row => {}
                Some((_, other)) => {
                    words.push(format!("  {room} -> {other}: {from} -> {to}: {}", joined(names)));
                }
                None => words.push(format!("  {room} -> ?: {from} -> {to}: {}", joined(names))),
            }
        }
    }
    words
}

/// Room by room from the top, then file by file.
pub(crate) fn listing(imports: &Imports, rows: &[&[&str]]) -> String {
    let room_of =
        |file: &str| place(rows, file).map_or(file.to_owned(), |(_, room)| room.to_owned());
    let mut files: BTreeMap<String, usize> = BTreeMap::new();
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, all) in imports.edges() {
        let room = room_of(from);
        *files.entry(room.clone()).or_default() += 1;
        let others = rooms.entry(room.clone()).or_default();
        others.extend(all.keys().map(|to| room_of(to)).filter(|other| *other != room));
    }
    let mut lines = vec!["Rooms, from the top:".to_owned()];
    for room in rows.iter().copied().flatten().filter(|room| rooms.contains_key(**room)) {
        let below: Vec<&str> = rows
            .iter()
            .copied()
            .flatten()
            .copied()
            .filter(|other| rooms[*room].contains(*other))
            .collect();
        lines.push(format!("  {room} ({} files) -> {}", files[*room], below.join(", ")));
    }
    lines.push("Files:".to_owned());
    for (from, all) in imports.edges() {
        lines.push(format!("  {from}"));
        lines.extend(all.iter().map(|(to, names)| format!("    -> {to}: {}", joined(names))));
    }
    lines.join("\n")
}
