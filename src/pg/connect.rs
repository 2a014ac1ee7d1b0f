//! One connect to one address of a host, under one deadline: socket, TLS, authentication, and the
//! first query, which says who answered and whether it takes writes.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_postgres::NoTls;

use super::driver_error;
use super::guards::Dialled;
use super::host_address::HostAddress;
use super::identity::{self, ClockReading, Identity};
use super::lent_socket::LentSocket;
use super::own_limits;
use super::session::{Driver, Session};
use super::settings::{ConnectSettings, Host};
use super::socket::{Heard, Socket};
use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::fault::{Class, Evidence, Fault, Phase};

/// A session, and when its parts were there.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// When TCP was accepted.
    pub accepted: Instant,
    /// When the server had authenticated us.
    pub authenticated: Instant,
    /// The server's clock, if it told it.
    pub clock: Option<ClockReading>,
    /// The deadline of the whole connect, for what is still to be done on the session.
    pub deadline: Instant,
    /// The places that were tried before this one and did not serve, in their order.
    pub passed_over: Vec<NotOpened>,
}

/// Why there is no session.
#[derive(Debug)]
pub struct NotOpened {
    /// The fault.
    pub fault: Fault,
    /// The address that was dialled, if one was.
    pub address: Option<IpAddr>,
    /// How long it took.
    pub took: Duration,
    /// When TCP was accepted, if it was.
    pub accepted: Option<Instant>,
    /// Who answered, when that was a server that takes no writes.
    pub server: Option<Server>,
}

impl NotOpened {
    /// A session that was up since `accepted`, and is of no use.
    #[must_use]
    pub fn on_session(fault: Fault, accepted: Instant) -> Self {
        let took = accepted.elapsed();
        Self { fault, address: None, took, accepted: Some(accepted), server: None }
    }
}

/// What is said where the server asks for a password and there is none to send.
const NO_PASSWORD: &str = "the server asks for a password, and none was given (the default \"postgres\" is only sent \
                           over a Unix socket or to a loopback address)";

/// The same for a host that is named by the record of a run alone.
pub const NOT_FOR_A_RECORD: &str = "the server asks for a password, and only the record names this host: it may come \
                                    from anywhere, so that no password is sent there";

/// What a connect must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A server that takes writes.
    Writable,
    /// Any server that answers.
    Any,
}

/// What was reached so far, for when the deadline cuts a connect off.
#[derive(Debug)]
struct Trace {
    phase: Phase,
    accepted: Option<Instant>,
    /// What the server said first.
    heard: Option<Heard>,
}

/// The places that a host is at, each to be tried by [`open`]; the lookup has a deadline of its own.
///
/// # Errors
/// The fault of class `resolve`, `timeout` or `local`.
pub async fn look_up<'a>(
    host: &'a Host,
    deadline: Duration,
) -> Result<Vec<HostAddress<'a>>, Box<NotOpened>> {
    let began = Instant::now();
    let (evidence, words) = match timeout(deadline, HostAddress::all_of(host)).await {
        Ok(Ok(places)) => return Ok(places),
        Ok(Err(error)) => {
            let (io, own_limit) = (Some(error.kind()), own_limits::of_lookup(&error));
            (Evidence { io, own_limit, ..Evidence::default() }, error.to_string())
        }
        Err(_) => {
            let evidence = Evidence { deadline: true, ..Evidence::default() };
            (evidence, during(Phase::Resolve, deadline))
        }
    };
    let dialled = Dialled::unresolved(host);
    let fault = dialled.fault(&evidence, Phase::Resolve, words);
    let took = began.elapsed();
    Err(Box::new(NotOpened { fault, address: None, took, accepted: None, server: None }))
}

/// Opens a session to one address of a host.
///
/// # Errors
/// The fault with its class and phase. A server that takes no writes is `read_only` when writes
/// are wanted.
pub async fn open(
    settings: &ConnectSettings,
    place: &HostAddress<'_>,
    wanted: Wanted,
    deadline: Duration,
) -> Result<Opened, Box<NotOpened>> {
    let mut trace = Trace { phase: Phase::Connect, accepted: None, heard: None };
    let dialled = Dialled::of(settings, place);
    let began = Instant::now();
    let until = began + deadline;
    let steps = steps(settings, place, &dialled, until, &mut trace);
    let (fault, server) = match tokio::time::timeout_at(until, steps).await {
        Ok(Ok(opened)) if wanted == Wanted::Any || opened.session.server.is_writable() => {
            return Ok(opened);
        }
        Ok(Ok(opened)) => {
            let server = opened.session.server.clone();
            opened.session.close().await;
            (read_only(&dialled, &server), Some(server))
        }
        Ok(Err(fault)) => (fault, None),
        Err(_) => (silent(&dialled, &trace, deadline), None),
    };
    let (address, took) = (place.ip(), began.elapsed());
    Err(Box::new(NotOpened { fault, address, took, accepted: trace.accepted, server }))
}

/// The fault of a connect that its deadline cut off.
fn silent(dialled: &Dialled, trace: &Trace, deadline: Duration) -> Fault {
    let heard = trace.heard.clone().unwrap_or_default();
    let evidence = Evidence { deadline: true, foreign: heard.foreign(), ..Evidence::default() };
    let words = match trace.phase {
        Phase::Authenticate if !heard.something() => {
            let seconds = deadline.as_secs_f64();
            format!("accepted, then {seconds:.1} s of silence (--connect-timeout)")
        }
        Phase::Authenticate if heard.foreign() => "what answers there is not PostgreSQL".to_owned(),
        phase => during(phase, deadline),
    };
    fault(&evidence, trace.phase, dialled, words)
}

fn during(phase: Phase, deadline: Duration) -> String {
    let seconds = deadline.as_secs_f64();
    format!("no answer within {seconds:.1} s during {} (--connect-timeout)", phase.name())
}

async fn steps(
    settings: &ConnectSettings,
    place: &HostAddress<'_>,
    dialled: &Dialled,
    deadline: Instant,
    trace: &mut Trace,
) -> Result<Opened, Fault> {
    let socket = Socket::open(settings, place).await.map_err(|error| {
        let own_limit = match place.address {
            Some(address) => own_limits::of_connect(&error, address),
            None => own_limits::of_socket(&error),
        };
        let evidence = Evidence { io: Some(error.kind()), own_limit, ..Evidence::default() };
        fault(&evidence, Phase::Connect, dialled, error.to_string())
    })?;
    let accepted = Instant::now();
    trace.accepted = Some(accepted);
    trace.phase = Phase::Authenticate;
    let heard = socket.heard();
    trace.heard = Some(heard.clone());
    let socket = LentSocket::new(socket);
    let driver_fault = |error: &tokio_postgres::Error, phase: Phase| {
        let foreign = heard.foreign();
        let evidence = Evidence { foreign, ..driver_error::evidence(error, heard.something()) };
        let words = match () {
            () if heard.http() => ANSWERS_HTTP.to_owned(),
            () if evidence.password_missing && place.host.by_record_alone => {
                NOT_FOR_A_RECORD.to_owned()
            }
            () if evidence.password_missing => NO_PASSWORD.to_owned(),
            () if foreign => "what answers there is not PostgreSQL".to_owned(),
            () => driver_error::words(error),
        };
        fault(&evidence, phase, dialled, words)
    };
    let (client, connection) = settings
        .to_driver_config(place.host, place.ip())
        .connect_raw(socket.clone(), NoTls)
        .await
        .map_err(|error| driver_fault(&error, Phase::Authenticate))?;
    let authenticated = Instant::now();
    trace.phase = Phase::Check;
    let driver = Driver::start(connection, heard.clone());
    let (server, backend) = (Server::default(), ServerProcess::default());
    let mut session = Session::new(client, socket, driver, server, backend, dialled.clone());
    let clock = match identity::ask(&session.client).await {
        Ok(Identity { server, mut backend, clock }) => {
            backend.pooled = session.greeted_pid().is_some_and(|pid| pid != backend.pid);
            (session.server, session.backend) = (server, backend);
            clock
        }
        Err(error) => return Err(session.fault_of(&error, Phase::Check).await),
    };
    let passed_over = Vec::new();
    Ok(Opened { session, accepted, authenticated, clock, deadline, passed_over })
}

/// What listens there is a web page or an API: of HAProxy, Patroni, etcd, …
pub const ANSWERS_HTTP: &str = "HTTP answers there, not PostgreSQL: a web page or an API";

fn read_only(dialled: &Dialled, server: &Server) -> Fault {
    let evidence = Evidence { server_spoke: true, ..Evidence::default() };
    let message = format!(
        "{} takes no writes ({})",
        server.name(),
        if server.in_recovery { "in recovery" } else { "read-only by its settings" }
    );
    let fault = dialled.fault(&evidence, Phase::Check, message);
    Fault { class: Class::ReadOnly, ..fault }
}

fn fault(evidence: &Evidence, phase: Phase, dialled: &Dialled, message: String) -> Fault {
    let message = match evidence.class(phase) {
        Class::NoBackend if evidence.io.is_none() => {
            "accepted, then closed without a word: a proxy with no live server?".to_owned()
        }
        _ => message,
    };
    dialled.fault(evidence, phase, message)
}
