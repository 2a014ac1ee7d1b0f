//! One connect attempt: through every address of every host in turn, until one serves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rand::seq::SliceRandom;
use tokio_postgres::config::LoadBalanceHosts;
use uuid::Uuid;

use crate::model::fault::Class;
use crate::pg::sessions::application_name::{Purpose, application_name};
use crate::pg::sessions::connect::{NotOpened, Opened, Wanted, look_up, open};
use crate::pg::settings::{ConnectSettings, Host, TargetSession};
use crate::pg::wire::host_address::HostAddress;

/// Hears of a session that goes without TLS where TLS was preferred: of what failed, at which place.
type HearsOfPlaintext = dyn Fn(&NotOpened) + Send + Sync;

/// Connects to the target.
#[derive(Clone)]
pub struct Dialer {
    settings: Arc<ConnectSettings>,
    /// Deadline of the whole connect to each address of each host, as in libpq; and of the lookup of
    /// each name.
    connect_timeout: Duration,
    wanted: Wanted,
    /// What serves too, where nothing that is wanted is found.
    or_else: Option<Wanted>,
    /// Where sessions that go without TLS are told, if their caller does not tell them itself.
    plaintext: Option<Arc<HearsOfPlaintext>>,
}

/// The settings alone: passwords are hidden in them.
impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Dialer {
    /// Connects with these settings, to a server that takes writes.
    #[must_use]
    pub fn new(settings: Arc<ConnectSettings>, connect_timeout: Duration) -> Self {
        Self { settings, connect_timeout, wanted: Wanted::Writable, or_else: None, plaintext: None }
    }

    /// Its sessions are called by this run and purpose, unless the user said another name.
    #[must_use]
    pub fn for_purpose(&self, run_id: Uuid, purpose: Purpose) -> Self {
        let settings = self.settings.called(application_name(run_id, purpose));
        Self { settings: Arc::new(settings), ..self.clone() }
    }

    /// Every session that goes without TLS where TLS was preferred is told there, with what failed: TLS, or the login
    /// over it.
    #[must_use]
    pub fn telling_of_plaintext(self, hears: impl Fn(&NotOpened) + Send + Sync + 'static) -> Self {
        Self { plaintext: Some(Arc::new(hears)), ..self }
    }

    /// Connects to any server that answers.
    #[must_use]
    pub fn any_server(self) -> Self {
        Self { wanted: Wanted::Any, or_else: None, ..self }
    }

    /// Connects to a server as `target_session_attrs` asks for it, by libpq's rules; without it to any.
    #[must_use]
    pub fn server_asked_for(self) -> Self {
        let (wanted, or_else) = match self.settings.target_session_attrs {
            None | Some(TargetSession::Any) => (Wanted::Any, None),
            Some(TargetSession::ReadWrite) => (Wanted::Writable, None),
            Some(TargetSession::ReadOnly) => (Wanted::ReadOnly, None),
            Some(TargetSession::Primary) => (Wanted::Primary, None),
            Some(TargetSession::Standby) => (Wanted::Standby, None),
            Some(TargetSession::PreferStandby) => (Wanted::Standby, Some(Wanted::Any)),
        };
        Self { wanted, or_else, ..self }
    }

    /// Deadline of the whole connect to each address.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// A dialer for each address that the hosts have, whatever answers there: behind one name may
    /// be several servers. A name that has none keeps its place, and its failure.
    pub async fn each_address(&self) -> Vec<Self> {
        let addresses = join_all(self.settings.hosts.iter().map(|host| async move {
            let places = look_up(host, self.connect_timeout).await.unwrap_or_default();
            places.iter().map(HostAddress::alone).collect::<Vec<_>>()
        }))
        .await;
        let mut dialers: Vec<Self> = Vec::new();
        for (host, addresses) in self.settings.hosts.iter().zip(addresses) {
            let hosts = if addresses.is_empty() { vec![host.clone()] } else { addresses };
            dialers.extend(hosts.into_iter().map(|host| self.to_host(host)));
        }
        dialers
    }

    /// Whether there is one endpoint: one host with one address. All loopback addresses of a name
    /// are one, as `localhost` has two.
    #[must_use]
    pub fn is_one_endpoint(addresses: &[Self]) -> bool {
        let hosts = || addresses.iter().flat_map(|one| &one.settings.hosts);
        let is_same = |host: &Host, first: &Host| {
            host.address == first.address
                && host.port == first.port
                && host.address_said().is_some_and(|address| address.ip.is_loopback())
        };
        let Some(first) = hosts().next() else { return true };
        hosts().skip(1).all(|host| is_same(host, first))
    }

    fn to_host(&self, host: Host) -> Self {
        let mut settings = ConnectSettings::clone(&self.settings);
        settings.hosts = vec![host];
        Self { settings: Arc::new(settings), ..self.clone() }.any_server()
    }

    /// Tries every address of every host, in the order given, or in a random one when the settings
    /// say so; all of them once more where another kind of server serves too. Each has the whole
    /// deadline: one that accepts and says nothing, or that is not wanted, keeps no other from being
    /// tried.
    ///
    /// # Errors
    /// Each failure, in the order tried. A place that fails is no error as long as another one
    /// serves.
    pub async fn dial(&self) -> Result<Opened, Vec<NotOpened>> {
        let first = self.dial_all(self.wanted).await;
        let dialled = match (first, self.or_else) {
            // What failed then fails again, or serves.
            (Err(_), Some(wanted)) => self.dial_all(wanted).await,
            (first, _) => first,
        };
        if let (Ok(opened), Some(hears)) = (&dialled, &self.plaintext) {
            let failures = opened.passed_over.iter().filter(|failed| failed.served_without_tls);
            failures.for_each(|failed| hears(failed));
        }
        dialled
    }

    async fn dial_all(&self, wanted: Wanted) -> Result<Opened, Vec<NotOpened>> {
        let random = self.settings.load_balance_hosts == LoadBalanceHosts::Random;
        let mut hosts: Vec<_> = self.settings.hosts.iter().collect();
        if random {
            hosts.shuffle(&mut rand::rng());
        }
        let mut failures = Vec::new();
        for host in hosts {
            match self.dial_host(host, wanted, random).await {
                Ok(mut opened) => {
                    failures.append(&mut opened.passed_over);
                    opened.passed_over = failures;
                    return Ok(opened);
                }
                Err(of_host) => failures.extend(of_host),
            }
        }
        Err(failures)
    }

    async fn dial_host(
        &self,
        host: &Host,
        wanted: Wanted,
        random: bool,
    ) -> Result<Opened, Vec<NotOpened>> {
        let mut places = match look_up(host, self.connect_timeout).await {
            Ok(places) => places,
            Err(failure) => return Err(vec![*failure]),
        };
        if random {
            places.shuffle(&mut rand::rng());
        }
        let mut failures = Vec::new();
        for place in &places {
            match open(&self.settings, place, wanted, self.connect_timeout).await {
                Ok(mut opened) => {
                    let by_loopback = place.ip().is_some_and(|ip| ip.is_loopback());
                    failures.retain(|failure| !(by_loopback && is_empty_loopback(failure)));
                    failures.append(&mut opened.passed_over);
                    opened.passed_over = failures;
                    return Ok(opened);
                }
                Err(failure) => failures.push(*failure),
            }
        }
        Err(as_one_host(host, failures))
    }
}

/// Whether it is a loopback address where nothing is.
fn is_empty_loopback(failure: &NotOpened) -> bool {
    let nothing = matches!(failure.fault.class, Class::Refused | Class::Unreachable);
    nothing && failure.address.is_some_and(|ip| ip.is_loopback())
}

/// The failures of one host. All loopback addresses of a name are one place, and where nothing is on
/// one of them the others tell more.
fn as_one_host(host: &Host, mut failures: Vec<NotOpened>) -> Vec<NotOpened> {
    let empty = failures.iter().filter(|failure| is_empty_loopback(failure)).count();
    if empty == 0 || failures.len() == 1 {
        return failures;
    }
    if empty == failures.len() {
        failures.drain(..empty - 1);
        for failure in &mut failures {
            failure.fault.endpoint = host.to_string();
        }
    } else {
        let on_loopback = |failure: &NotOpened| failure.address.is_some_and(|ip| ip.is_loopback());
        let others = failures.iter().any(|one| on_loopback(one) && !is_empty_loopback(one));
        failures.retain(|failure| !(others && is_empty_loopback(failure)));
    }
    failures
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::model::fault::{Fault, Phase};
    use crate::pg::settings::{Environment, Explicit, resolve};

    fn host(dsn: &str) -> Host {
        let explicit = Explicit { dsn: Some(dsn.to_owned()), ..Explicit::default() };
        resolve(&explicit, &Environment::empty()).unwrap().settings.hosts.remove(0)
    }

    fn failure(host: &Host, address: &str, class: Class) -> NotOpened {
        let fault = Fault {
            class,
            phase: Phase::Connect,
            sqlstate: None,
            endpoint: format!("{host} ({address})"),
            message: String::new(),
            own_limit: None,
            postmaster_died: false,
            connect_cause: None,
            tls_cause: None,
        };
        let address: IpAddr = address.parse().unwrap();
        let took = Duration::ZERO;
        NotOpened {
            fault,
            address: Some(address),
            took,
            accepted: None,
            server: None,
            served_without_tls: false,
        }
    }

    /// What is told of a name with addresses that fail so.
    fn told(name: &str, failures: &[(&str, Class)]) -> Vec<(String, Class)> {
        let host = host(&format!("host={name} port=5500"));
        let failures = failures.iter().map(|(address, class)| failure(&host, address, *class));
        let told = as_one_host(&host, failures.collect());
        told.into_iter().map(|failure| (failure.fault.endpoint, failure.fault.class)).collect()
    }

    #[test]
    fn loopback_addresses_where_nothing_is_are_one_place() {
        let of = |endpoint: &str, class| vec![(endpoint.to_owned(), class)];
        assert_eq!(
            told("localhost", &[("::1", Class::Refused), ("127.0.0.1", Class::Refused)]),
            of("localhost:5500", Class::Refused)
        );
        // No IPv6 here: that says nothing beside what 127.0.0.1 says.
        assert_eq!(
            told("localhost", &[("::1", Class::Unreachable), ("127.0.0.1", Class::NoBackend)]),
            of("localhost:5500 (127.0.0.1)", Class::NoBackend)
        );
        assert_eq!(
            told("localhost", &[("::1", Class::Timeout), ("127.0.0.1", Class::Refused)]),
            of("localhost:5500 (::1)", Class::Timeout)
        );
        assert_eq!(
            told("localhost", &[("127.0.0.1", Class::Refused)]),
            of("localhost:5500 (127.0.0.1)", Class::Refused)
        );
    }

    #[test]
    fn other_addresses_of_a_name_are_places_of_their_own() {
        let both = [("10.0.0.3", Class::Refused), ("10.0.0.4", Class::Refused)];
        let endpoints: Vec<String> = told("db", &both).into_iter().map(|(at, _)| at).collect();
        assert_eq!(endpoints, ["db:5500 (10.0.0.3)", "db:5500 (10.0.0.4)"]);
        let mixed = [("127.0.0.1", Class::Refused), ("10.0.0.4", Class::Timeout)];
        assert_eq!(told("db", &mixed).len(), 2, "loopback is another place than 10.0.0.4");
    }

    #[tokio::test]
    async fn each_address_of_a_name_is_dialled_by_itself() {
        let dialer = |dsn: &str| {
            let explicit = Explicit { dsn: Some(dsn.to_owned()), ..Explicit::default() };
            let settings = resolve(&explicit, &Environment::empty()).unwrap().settings;
            Dialer::new(Arc::new(settings), Duration::from_secs(5))
        };
        let places = |dialers: &[Dialer]| -> Vec<String> {
            dialers.iter().map(|dialer| dialer.settings.display_target()).collect()
        };
        let numbers = dialer("host=10.0.0.3,/tmp,no-such-name.invalid hostaddr=,, port=5500");
        let numbers = numbers.each_address().await;
        let expected = ["10.0.0.3:5500", "/tmp:5500", "no-such-name.invalid:5500"];
        assert_eq!(places(&numbers), expected, "a name without an address keeps its place");
        assert!(!Dialer::is_one_endpoint(&numbers));
        // However many addresses it has here.
        assert!(Dialer::is_one_endpoint(&dialer("host=localhost").each_address().await));
    }
}
