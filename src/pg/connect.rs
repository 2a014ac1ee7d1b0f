//! One connect to one host, under one deadline: lookup, socket, TLS, authentication, and the
//! first query, which says who answered and whether it takes writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::NoTls;

use super::driver_error;
use super::identity;
use super::lent_socket::LentSocket;
use super::session::{Driver, Session};
use super::settings::{ConnectSettings, Host};
use super::socket::Socket;
use crate::model::event::Backend;
use crate::model::fault::{Class, Evidence, Fault, Phase};
use crate::model::server::Server;

/// A session, and when its parts were there.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// When TCP was accepted.
    pub accepted: Instant,
    /// When the server had authenticated us.
    pub authenticated: Instant,
    /// The deadline of the whole connect, for what is still to be done on the session.
    pub deadline: Instant,
}

/// Why there is no session.
#[derive(Debug)]
pub struct NotOpened {
    /// The fault.
    pub fault: Fault,
    /// When TCP was accepted, if it was.
    pub accepted: Option<Instant>,
    /// Who answered, when that was a server that takes no writes.
    pub server: Option<Server>,
}

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
    /// Whether the server said a word.
    spoke: Option<Arc<AtomicBool>>,
}

/// Opens a session to one host.
///
/// # Errors
/// The fault with its class and phase. A server that takes no writes is `read_only` when writes
/// are wanted.
pub async fn open(
    settings: &ConnectSettings,
    host: &Host,
    wanted: Wanted,
    deadline: Duration,
) -> Result<Opened, Box<NotOpened>> {
    let mut trace = Trace { phase: Phase::Resolve, accepted: None, spoke: None };
    let until = Instant::now() + deadline;
    let result = tokio::time::timeout_at(until, steps(settings, host, until, &mut trace)).await;
    let (fault, server) = match result {
        Ok(Ok(opened)) if wanted == Wanted::Any || opened.session.server.is_writable() => {
            return Ok(opened);
        }
        Ok(Ok(opened)) => {
            let server = opened.session.server.clone();
            opened.session.close().await;
            (read_only(host, &server), Some(server))
        }
        Ok(Err(fault)) => (fault, None),
        Err(_) => {
            let evidence = Evidence { deadline: true, ..Evidence::default() };
            let silent = !trace.spoke.as_ref().is_some_and(|spoke| spoke.load(Ordering::Relaxed));
            let seconds = deadline.as_secs_f64();
            let words = match trace.phase {
                Phase::Authenticate if silent => {
                    format!("accepted, then {seconds:.1} s of silence (dead server?)")
                }
                phase => format!("no answer within {seconds:.1} s during {}", phase.name()),
            };
            (fault(&evidence, trace.phase, host, words), None)
        }
    };
    Err(Box::new(NotOpened { fault, accepted: trace.accepted, server }))
}

async fn steps(
    settings: &ConnectSettings,
    host: &Host,
    deadline: Instant,
    trace: &mut Trace,
) -> Result<Opened, Fault> {
    let socket = Socket::open(settings, host, &mut trace.phase).await.map_err(|not_opened| {
        let evidence = Evidence { io: Some(not_opened.error.kind()), ..Evidence::default() };
        fault(&evidence, not_opened.phase, host, not_opened.error.to_string())
    })?;
    let accepted = Instant::now();
    trace.accepted = Some(accepted);
    trace.phase = Phase::Authenticate;
    let spoke = socket.spoke();
    trace.spoke = Some(Arc::clone(&spoke));
    let socket = LentSocket::new(socket);
    let driver_fault = |error: &tokio_postgres::Error, phase: Phase| {
        let evidence = driver_error::evidence(error, spoke.load(Ordering::Relaxed));
        fault(&evidence, phase, host, driver_error::words(error))
    };
    let (client, connection) = settings
        .to_driver_config(host)
        .connect_raw(socket.clone(), NoTls)
        .await
        .map_err(|error| driver_fault(&error, Phase::Authenticate))?;
    let authenticated = Instant::now();
    trace.phase = Phase::Check;
    let driver = Driver::start(connection, spoke.clone());
    let unknown = Backend { pid: 0, start: None };
    let endpoint = host.to_string();
    let mut session = Session::new(client, socket, driver, Server::default(), unknown, endpoint);
    match identity::ask(&session.client).await {
        Ok((server, backend)) => (session.server, session.backend) = (server, backend),
        Err(error) => return Err(session.fault_of(&error, Phase::Check).await),
    }
    Ok(Opened { session, accepted, authenticated, deadline })
}

fn read_only(host: &Host, server: &Server) -> Fault {
    Fault {
        class: Class::ReadOnly,
        phase: Phase::Check,
        sqlstate: None,
        endpoint: host.to_string(),
        message: format!(
            "{} takes no writes ({})",
            server.name(),
            if server.in_recovery { "in recovery" } else { "read-only by its settings" }
        ),
    }
}

fn fault(evidence: &Evidence, phase: Phase, host: &Host, message: String) -> Fault {
    let class = evidence.class(phase);
    let message = match class {
        Class::NoBackend if evidence.io.is_none() => {
            "accepted, then closed without a word: a proxy with no live server?".to_owned()
        }
        _ => message,
    };
    Fault::of(evidence, phase, host.to_string(), message)
}
