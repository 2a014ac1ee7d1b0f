//! The file, section by section.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::ConfigurationError;
use super::server_settings::{ServerSettings, time};
use super::words::{Word, words};
use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::foreign;

/// HAProxy's own defaults (its manual: "inter", "rise", "fall", "retries").
const INTER: Duration = Duration::from_secs(2);
const RISE: u32 = 2;
const FALL: u32 = 3;
const RETRIES: u32 = 3;

/// A `listen`, `frontend` or `backend` section.
#[derive(Debug, Clone)]
pub(super) struct ProxySection {
    pub(super) name: String,
    pub(super) line: usize,
    /// The ports of its `bind` lines.
    pub(super) ports: Vec<u16>,
    /// The backends that it sends to.
    pub(super) uses: Vec<String>,
    /// What its checks ask for.
    pub(super) check_path: Option<String>,
    /// How its servers are checked; `None` where none is.
    pub(super) checks: Option<ProxyChecks>,
    /// It has checks, and is not started, or no server of it is sent to before it is enabled.
    pub(super) is_disabled: bool,
}

/// What a section says, or has from its `defaults`.
#[derive(Debug, Clone, Default)]
struct SectionSettings {
    of_servers: ServerSettings,
    connect_timeout: Option<Duration>,
    check_timeout: Option<Duration>,
    retries: Option<u32>,
    redispatch: bool,
    check_path: Option<String>,
    /// It is not started.
    is_disabled: bool,
}

/// A section while it is read.
struct OpenSection {
    kind: SectionKind,
    name: String,
    line: usize,
    settings: SectionSettings,
    ports: Vec<u16>,
    uses: Vec<String>,
    servers: Vec<ServerSettings>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SectionKind {
    Defaults,
    Proxy,
    /// One that says nothing of servers.
    Other,
}

/// Words that begin a section that is passed over.
const OTHER_SECTIONS: [&str; 15] = [
    "acme",
    "cache",
    "crt-store",
    "fcgi-app",
    "global",
    "http-errors",
    "log-forward",
    "log-profile",
    "mailers",
    "peers",
    "program",
    "resolvers",
    "ring",
    "traces",
    "userlist",
];

/// Reads all sections of `text`.
///
/// # Errors
/// What is wrong, with file and line.
pub(super) fn read_sections(
    file: &str,
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<ProxySection>, ConfigurationError> {
    let mut reader = SectionReader::default();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |what: String| {
            let what = foreign::said(&what);
            ConfigurationError::Line { file: file.to_owned(), line: number, what }
        };
        if line.trim_start().starts_with('.') {
            let what = "conditions (.if) are not read: give the configuration without them";
            return Err(wrong(what.to_owned()));
        }
        let words = words(line, variable).map_err(wrong)?;
        reader.take(number, &words).map_err(|refused| match refused {
            RefusedLine::Wrong(what) => wrong(what),
            RefusedLine::NotSet(variable) => ConfigurationError::NotSet {
                file: file.to_owned(),
                line: number,
                variable: foreign::name(&variable),
            },
        })?;
    }
    reader.end_section();
    Ok(reader.sections)
}

/// Why a line is not taken.
enum RefusedLine {
    Wrong(String),
    NotSet(String),
}

impl From<String> for RefusedLine {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

#[derive(Default)]
struct SectionReader {
    sections: Vec<ProxySection>,
    /// The last `defaults`, which stand for the sections after it.
    defaults: SectionSettings,
    named_defaults: BTreeMap<String, SectionSettings>,
    open: Option<OpenSection>,
}

impl SectionReader {
    fn take(&mut self, line: usize, words: &[Word]) -> Result<(), RefusedLine> {
        let Some((first, rest)) = words.split_first() else { return Ok(()) };
        let kind = match first.text.as_str() {
            "defaults" => SectionKind::Defaults,
            "listen" | "frontend" | "backend" => SectionKind::Proxy,
            word if OTHER_SECTIONS.contains(&word) => SectionKind::Other,
            word => {
                let open = self
                    .open
                    .as_mut()
                    .ok_or_else(|| format!("{} stands before any section", foreign::name(word)))?;
                return open.take(word, rest);
            }
        };
        self.end_section();
        let name = rest.first().map(|word| word.text.clone()).unwrap_or_default();
        let from = rest.iter().position(|word| word.text == "from");
        let from = from.and_then(|at| rest.get(at + 1)).map(|word| word.text.as_str());
        let settings = match (kind, from) {
            (SectionKind::Other, _) => SectionSettings::default(),
            (_, Some(from)) => self.named_defaults.get(from).cloned().ok_or_else(|| {
                RefusedLine::Wrong(format!("there is no defaults section {from} before it"))
            })?,
            (SectionKind::Defaults, None) => SectionSettings::default(),
            (SectionKind::Proxy, None) => self.defaults.clone(),
        };
        self.open = Some(OpenSection {
            kind,
            name,
            line,
            settings,
            ports: Vec::new(),
            uses: Vec::new(),
            servers: Vec::new(),
        });
        Ok(())
    }

    fn end_section(&mut self) {
        let Some(open) = self.open.take() else { return };
        match open.kind {
            SectionKind::Other => {}
            SectionKind::Defaults => {
                self.named_defaults.insert(open.name, open.settings.clone());
                self.defaults = open.settings;
            }
            SectionKind::Proxy => {
                let checks = open.checks().filter(|_| !open.settings.is_disabled);
                let has_checks = open.servers.iter().any(|server| server.is_checked == Some(true));
                let servers_are = || open.servers.iter().all(|server| server.is_disabled);
                let is_disabled = has_checks && (open.settings.is_disabled || servers_are());
                self.sections.push(ProxySection {
                    name: open.name,
                    line: open.line,
                    ports: open.ports,
                    uses: open.uses,
                    check_path: open.settings.check_path,
                    checks,
                    is_disabled,
                });
            }
        }
    }
}

impl OpenSection {
    fn take(&mut self, keyword: &str, rest: &[Word]) -> Result<(), RefusedLine> {
        if self.kind == SectionKind::Other {
            return Ok(());
        }
        let word = |at: usize| rest.get(at).map(|word| word.text.as_str());
        match (keyword, word(0), word(1)) {
            ("default-server", ..) => self.settings.of_servers.take(set(rest)?)?,
            ("server" | "server-template", ..) => {
                let mut server = self.settings.of_servers;
                // Its name and its address come first; of a template its prefix, their number and their address.
                let first = if keyword == "server" { 2 } else { 3 };
                server.take(set(rest)?.get(first..).unwrap_or_default())?;
                self.servers.push(server);
            }
            ("timeout", Some("connect" | "check"), None) => {
                return Err(RefusedLine::Wrong("timeout has no value".to_owned()));
            }
            ("timeout", Some("connect"), Some(value)) => {
                set(rest)?;
                self.settings.connect_timeout = limit(time(value)?);
            }
            ("timeout", Some("check"), Some(value)) => {
                set(rest)?;
                self.settings.check_timeout = limit(time(value)?);
            }
            ("retries", value, _) => {
                set(rest)?;
                let number = value.and_then(|value| value.parse().ok());
                let number = number.ok_or_else(|| "retries has no number".to_owned())?;
                self.settings.retries = Some(number);
            }
            ("disabled", ..) => self.settings.is_disabled = true,
            ("enabled", ..) => self.settings.is_disabled = false,
            ("option", Some("redispatch"), _) => self.settings.redispatch = true,
            ("no", Some("option"), Some("redispatch")) => self.settings.redispatch = false,
            ("option", Some("httpchk"), _) => {
                self.settings.check_path =
                    rest.iter().skip(1).find_map(path).or_else(|| Some("/".into()));
            }
            ("http-check", Some("send"), _) => {
                let uri = rest.iter().position(|word| word.text == "uri");
                let uri = uri.and_then(|at| rest.get(at + 1)).and_then(path);
                self.settings.check_path = uri.or_else(|| self.settings.check_path.take());
            }
            ("bind", Some(addresses), _) => self.ports.extend(ports(addresses)),
            ("default_backend" | "use_backend", Some(backend), _) => {
                self.uses.push(backend.to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    /// How its servers are checked: where they differ, the slowest of each setting.
    fn checks(&self) -> Option<ProxyChecks> {
        let settings = &self.settings;
        let of_server = |server: &ServerSettings| {
            let inter = server.inter.unwrap_or(INTER);
            ProxyChecks {
                inter,
                fastinter: server.fastinter.unwrap_or(inter),
                downinter: server.downinter.unwrap_or(inter),
                rise: server.rise.unwrap_or(RISE),
                fall: server.fall.unwrap_or(FALL),
                check_timeout: settings.check_timeout,
                connect_timeout: settings.connect_timeout,
                retries: settings.retries.unwrap_or(RETRIES),
                redispatch: settings.redispatch,
                shuts_sessions_down: server.shuts_sessions_down == Some(true),
            }
        };
        let checked = self.servers.iter().filter(|server| server.is_watched());
        checked.map(of_server).reduce(|one, other| ProxyChecks {
            inter: one.inter.max(other.inter),
            fastinter: one.fastinter.max(other.fastinter),
            downinter: one.downinter.max(other.downinter),
            rise: one.rise.max(other.rise),
            fall: one.fall.max(other.fall),
            shuts_sessions_down: one.shuts_sessions_down && other.shuts_sessions_down,
            ..one
        })
    }
}

/// The words, where every variable in them is set.
fn set(words: &[Word]) -> Result<&[Word], RefusedLine> {
    match words.iter().find_map(|word| word.unset.clone()) {
        Some(variable) => Err(RefusedLine::NotSet(variable)),
        None => Ok(words),
    }
}

/// A word that is a path.
fn path(word: &Word) -> Option<String> {
    word.text.starts_with('/').then(|| word.text.clone())
}

/// The ports of `bind` addresses: `*:5000`, `:5000,127.0.0.1:5001`. A range counts by its first port.
fn ports(addresses: &str) -> Vec<u16> {
    let port = |address: &str| {
        let port = address.rsplit_once(':')?.1;
        port.split('-').next().unwrap_or(port).parse().ok()
    };
    addresses.split(',').filter_map(port).collect()
}

/// A timeout; 0 is none.
fn limit(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}
