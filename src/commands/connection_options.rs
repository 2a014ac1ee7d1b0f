//! The options that lead another command to the same server: every remedy that names a command has
//! them.

use crate::pg::settings::{Address, ConnectSettings, Environment, Explicit, Host, resolve};
use crate::report::words::shell_word;

/// Host, port, role and database as they are typed. A remedy without them is about another server.
#[derive(Debug, Clone)]
pub struct ConnectionOptions {
    /// The role.
    pub role: String,
    /// The database.
    pub dbname: String,
    hosts: String,
    ports: String,
    /// What a command of pgchaos connects to without options, where that is known.
    default: Option<Words>,
}

/// What follows `-h`, `-p`, `-U` and `-d`.
type Words = [(&'static str, String); 4];

impl ConnectionOptions {
    /// Where these settings lead.
    #[must_use]
    pub fn of(settings: &ConnectSettings) -> Self {
        let default = resolve(&Explicit::default(), &Environment::of_process());
        let default = default.ok().map(|default| Self::alone(&default.settings).words());
        Self { default, ..Self::alone(settings) }
    }

    fn alone(settings: &ConnectSettings) -> Self {
        let each = |word: fn(&Host) -> String| {
            let words: Vec<String> = settings.hosts.iter().map(word).collect();
            words.join(",")
        };
        Self {
            role: settings.user.clone(),
            dbname: settings.dbname.clone(),
            hosts: each(host),
            ports: each(|host| host.port.to_string()),
            default: None,
        }
    }

    /// For a command of pgchaos: the options that differ from its defaults, each after a space.
    #[must_use]
    pub fn for_pgchaos(&self) -> String {
        typed(&self.unlike_default())
    }

    /// The same without the role, for a command that another role has to run.
    #[must_use]
    pub fn for_pgchaos_as_other(&self) -> String {
        typed(self.unlike_default().iter().filter(|(option, _)| *option != "-U"))
    }

    fn unlike_default(&self) -> Vec<(&'static str, String)> {
        let default = self.default.as_ref();
        let differs = |word: &(&'static str, String)| default.is_none_or(|all| !all.contains(word));
        self.words().into_iter().filter(differs).collect()
    }

    /// For psql, which has other defaults: all options.
    #[must_use]
    pub fn for_psql(&self) -> String {
        typed(&self.words())
    }

    /// For createdb, which takes the database's name as its argument: all options but `-d`.
    #[must_use]
    pub fn for_createdb(&self) -> String {
        typed(&self.words()[..3])
    }

    /// The port, where there is one host of this machine.
    #[must_use]
    pub fn port_of_this_machine(&self) -> Option<u16> {
        let is_here = matches!(self.hosts.as_str(), "localhost" | "127.0.0.1" | "::1");
        self.ports.parse().ok().filter(|_| is_here)
    }

    /// Host and port alone, for a command that knows the rest.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        typed(&self.words()[..2])
    }

    fn words(&self) -> Words {
        [
            ("-h", self.hosts.clone()),
            ("-p", self.ports.clone()),
            ("-U", self.role.clone()),
            ("-d", self.dbname.clone()),
        ]
    }
}

fn host(host: &Host) -> String {
    match (&host.address, &host.hostaddr) {
        (_, Some(address)) => address.to_string(),
        (Address::Tcp(name), None) => name.clone(),
        (Address::Unix(folder), None) => folder.display().to_string(),
    }
}

fn typed<'a>(words: impl IntoIterator<Item = &'a (&'static str, String)>) -> String {
    words.into_iter().map(|(option, word)| format!(" {option} {}", shell_word(word))).collect()
}
