//! The password file: lines of `host:port:database:user:password`, the first that matches wins.

use std::path::PathBuf;

use super::environment::{Environment, PathKind};
use super::hosts::HostAndPort;
use super::layers::Layers;
use super::password::Password;
use super::types::Address;
use super::warning::Warning;
use crate::tls::files::Files;

/// libpq's default socket directories, upstream's and Debian's: in them, `localhost` in the file means the socket.
const SOCKET_FOLDERS: [&str; 2] = ["/tmp", "/var/run/postgresql"];

/// A password file that may be used.
pub(super) struct PasswordFile {
    pub(super) path: PathBuf,
    content: Vec<u8>,
}

impl PasswordFile {
    /// Reads the named file, or the user's. A file that others can read is ignored with a warning.
    pub(super) fn open(
        layers: &Layers,
        environment: &Environment,
        warnings: &mut Vec<Warning>,
    ) -> Option<Self> {
        let named = layers.get("passfile").map(|said| PathBuf::from(&said.value));
        let is_named = named.is_some();
        let path = named.or_else(|| Some(environment.user_folder()?.join(file_name())))?;
        match environment.look(&path) {
            PathKind::Nothing => {
                warnings.extend(is_named.then_some(Warning::PasswordFileMissing(path)));
                return None;
            }
            PathKind::SomethingElse => {
                warnings.push(Warning::PasswordFileNotPlain(path));
                return None;
            }
            PathKind::File(Some(mode)) if mode & 0o077 != 0 => {
                warnings.push(Warning::PasswordFileAccess(path));
                return None;
            }
            PathKind::File(_) => {}
        }
        match environment.read(&path) {
            Ok(content) => Some(Self { path, content }),
            Err(error) => {
                warnings.push(Warning::PasswordFileUnreadable(path, error.to_string()));
                None
            }
        }
    }

    /// The password for a host, if a line matches.
    pub(super) fn find(
        &self,
        endpoint: &HostAndPort,
        dbname: &str,
        user: &str,
    ) -> Option<Password> {
        let port = endpoint.port.to_string();
        let names = names_of(&endpoint.address);
        lookup(&self.content, &names, [&port, dbname, user])
    }
}

fn file_name() -> &'static str {
    if cfg!(windows) { "pgpass.conf" } else { ".pgpass" }
}

/// The names by which a line may give the host.
fn names_of(address: &Address) -> Vec<String> {
    match address {
        Address::Tcp(name) => vec![name.clone()],
        Address::Unix(folder) => {
            let folder = folder.display().to_string();
            let is_default = SOCKET_FOLDERS.contains(&folder.as_str());
            let localhost = is_default.then(|| "localhost".to_owned());
            [folder].into_iter().chain(localhost).collect()
        }
    }
}

/// The password of the first line that matches one of the host's names and then port, database and user.
pub(super) fn lookup(content: &[u8], hosts: &[String], fields: [&str; 3]) -> Option<Password> {
    let lines = content.split(|byte| *byte == b'\n');
    lines
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.starts_with(b"#") && !line.contains(&0))
        .find_map(|line| {
            let after_host = hosts.iter().find_map(|host| after_field(line, host))?;
            let password =
                fields.iter().try_fold(after_host, |rest, field| after_field(rest, field))?;
            Some(Password::new(unescape(password)))
        })
}

/// The rest after the first field, if that is `*` or, unescaped, the wanted text.
fn after_field<'a>(line: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut wanted = wanted.bytes();
    let mut rest = line;
    loop {
        let (&byte, after) = rest.split_first()?;
        let (byte, after) = match byte {
            b':' => return wanted.next().is_none().then_some(after),
            b'\\' => after.split_first().map(|(escaped, after)| (*escaped, after))?,
            plain => (plain, after),
        };
        if wanted.next() != Some(byte) {
            return None;
        }
        rest = after;
    }
}

/// The field up to an unescaped `:`, without its backslashes, as libpq reads it.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut bytes = field.iter().copied().peekable();
    let mut text = Vec::with_capacity(field.len());
    while let Some(byte) = bytes.next_if(|byte| *byte != b':') {
        let escaped = if byte == b'\\' { bytes.next() } else { None };
        text.push(escaped.unwrap_or(byte));
    }
    text
}
