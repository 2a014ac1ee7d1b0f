//! Where a command went, in words that take the next one there too.

use crate::pg::settings::{Address, ConnectSettings, Environment, Explicit, Host, resolve};
use crate::report::words::shell_word;

/// A place as it is typed. A remedy that leaves it out is about another server.
#[derive(Debug, Clone)]
pub struct Place {
    /// The role.
    pub role: String,
    /// The database.
    pub dbname: String,
    hosts: String,
    ports: String,
    /// What a command of pgchaos without a word about the place would mean, if it means one.
    unsaid: Option<Words>,
}

/// What follows `-h`, `-p`, `-U` and `-d`.
type Words = [(&'static str, String); 4];

impl Place {
    /// Where these settings lead.
    #[must_use]
    pub fn of(settings: &ConnectSettings) -> Self {
        let unsaid = resolve(&Explicit::default(), &Environment::of_process());
        let mut place = Self::alone(settings);
        place.unsaid = unsaid.ok().map(|unsaid| Self::alone(&unsaid.settings).words());
        place
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
            unsaid: None,
        }
    }

    /// For a command of pgchaos: what differs from what it would mean without it, each after a
    /// space.
    #[must_use]
    pub fn options(&self) -> String {
        typed(&self.said())
    }

    /// The same for what another role has to do, which is then named by `-U`.
    #[must_use]
    pub fn options_of_others(&self) -> String {
        typed(self.said().iter().filter(|(option, _)| *option != "-U"))
    }

    fn said(&self) -> Vec<(&'static str, String)> {
        let unsaid = self.unsaid.as_ref();
        let differs = |word: &(&'static str, String)| unsaid.is_none_or(|all| !all.contains(word));
        self.words().into_iter().filter(differs).collect()
    }

    /// For psql, which has other defaults: all of it.
    #[must_use]
    pub fn psql_options(&self) -> String {
        typed(&self.words())
    }

    /// For createdb, which takes the database's name by itself: all but that.
    #[must_use]
    pub fn server_options(&self) -> String {
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
    pub fn host_options(&self) -> String {
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
    match (&host.address, host.hostaddr) {
        (_, Some(address)) => address.to_string(),
        (Address::Tcp(name), None) => name.clone(),
        (Address::Unix(folder), None) => folder.display().to_string(),
    }
}

fn typed<'a>(words: impl IntoIterator<Item = &'a (&'static str, String)>) -> String {
    words.into_iter().map(|(option, word)| format!(" {option} {}", shell_word(word))).collect()
}
