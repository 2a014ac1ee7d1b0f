//! Comments that speak of persons where the subject is a server, a writer or a file.

use std::io;
use std::path::Path;

const PERSONS: [&str; 6] = ["who", "whom", "whoever", "whose", "nobody", "somebody"];

/// Each such line of a folder's Rust files, as `file:line: comment`.
pub(crate) fn comments_about_persons(root: &Path, folder: &str) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(root.join(folder))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(comments_about_persons(root, &name)?);
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(entry.path())?;
            let lines =
                text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, comment(line)?)));
            found.extend(
                lines
                    .filter(|(_, comment)| is_about_persons(comment))
                    .map(|(at, words)| format!("  {name}:{at}: {words}")),
            );
        }
    }
    Ok(found)
}

/// The comment of a line, at its end or all of it; two slashes inside a string are none.
pub(crate) fn comment(line: &str) -> Option<&str> {
    line.match_indices("//")
        .map(|(at, _)| at)
        .find(|at| {
            line[..*at].matches('"').count().is_multiple_of(2) && !line[..*at].ends_with(':')
        })
        .map(|at| &line[at..])
}

pub(crate) fn is_about_persons(comment: &str) -> bool {
    comment
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .any(|word| PERSONS.contains(&word.to_lowercase().as_str()))
}
