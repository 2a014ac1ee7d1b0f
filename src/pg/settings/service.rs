//! The connection service file: the options of a service.
//!
//! As strict as libpq: no spaces around `=`, no quotes, the first of two equal names wins, a section may not name
//! another service. Looked for in the user's file (`~/.pg_service.conf`, or the one of `servicefile` and
//! `PGSERVICEFILE`), then in the system's (`PGSYSCONFDIR`).

use std::io;
use std::path::{Path, PathBuf};

use super::environment::{Environment, PathKind};
use super::error::{Origin, SettingsError};
use super::keyword;
use crate::tls::files::Files;

/// A line of a service: an option and its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceLine {
    pub(super) keyword: &'static str,
    pub(super) value: String,
    pub(super) number: usize,
}

/// The service's options, each with its origin.
pub(super) fn read(
    service: &str,
    named_file: Option<&str>,
    environment: &Environment,
) -> Result<Vec<(&'static str, String, Origin)>, SettingsError> {
    let files = files(named_file, environment);
    for file in &files {
        // A file that was named must be there; the usual places may be empty.
        if named_file.is_none_or(|named| Path::new(named) != file)
            && environment.look(file) == PathKind::Nothing
        {
            continue;
        }
        let unreadable = |source| SettingsError::ServiceFile { file: file.clone(), source };
        if environment.look(file) == PathKind::SomethingElse {
            return Err(unreadable(io::Error::other("it is not a plain file")));
        }
        let content = environment.read(file).map_err(unreadable)?;
        let content =
            String::from_utf8(content).map_err(|error| unreadable(io::Error::other(error)))?;
        if let Some(lines) = section(&content, service, file)? {
            return Ok(lines.into_iter().map(|line| with_origin(line, service, file)).collect());
        }
    }
    Err(SettingsError::ServiceNotFound { service: service.to_owned(), looked_in: files })
}

fn with_origin(line: ServiceLine, service: &str, file: &Path) -> (&'static str, String, Origin) {
    let origin =
        Origin::Service { name: service.to_owned(), file: file.to_owned(), line: line.number };
    (line.keyword, line.value, origin)
}

fn files(named_file: Option<&str>, environment: &Environment) -> Vec<PathBuf> {
    let of_user = named_file
        .map(PathBuf::from)
        .or_else(|| Some(environment.user_folder()?.join(".pg_service.conf")));
    let of_system = environment.system_folders();
    of_user
        .into_iter()
        .chain(of_system.into_iter().map(|folder| folder.join("pg_service.conf")))
        .collect()
}

/// The lines of one section; `None` when the file has no such section.
pub(super) fn section(
    content: &str,
    service: &str,
    file: &Path,
) -> Result<Option<Vec<ServiceLine>>, SettingsError> {
    let mut found: Option<Vec<ServiceLine>> = None;
    for (number, line) in (1..).zip(content.lines()) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let is_ours = header.strip_prefix(service).is_some_and(|after| after.starts_with(']'));
            found = is_ours.then(Vec::new);
        } else if let Some(lines) = &mut found {
            let line = option(line, number, file)?;
            if lines.iter().all(|before| before.keyword != line.keyword) {
                lines.push(line);
            }
        }
    }
    Ok(found)
}

fn option(line: &str, number: usize, file: &Path) -> Result<ServiceLine, SettingsError> {
    let wrong = |what| SettingsError::ServiceLine { file: file.to_owned(), line: number, what };
    if line.starts_with("ldap://") {
        return Err(wrong("looking a service up in LDAP is not supported"));
    }
    let (name, value) = line
        .split_once('=')
        .ok_or_else(|| wrong("expected name=value, a [section] or a # comment"))?;
    let Some(keyword) = keyword::find(name) else {
        return Err(wrong(match keyword::find(name.trim_end()) {
            Some(_) => "no space is allowed before the \"=\"",
            None => "there is no connection option of this name",
        }));
    };
    if matches!(keyword.name, "service" | "servicefile") {
        return Err(wrong("a service cannot refer to another service"));
    }
    Ok(ServiceLine { keyword: keyword.name, value: value.to_owned(), number })
}
