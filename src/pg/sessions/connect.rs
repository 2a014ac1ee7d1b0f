//! One connect to one address of a host, under one deadline: socket, TLS, authentication, and the
//! first query, which tells the server and whether it takes writes.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_postgres::config::SslNegotiation;

use super::closed_early::{self, SentFirst};
use super::connect_cause;
use super::connect_progress::{ConnectProgress, Securing};
use super::driver_error;
use super::driver_task::DriverTask;
use super::encryption::{self, Encryption};
use super::identity::{self, ClockReading, Identity};
use super::secured_below::SecuredBelow;
use super::session::Session;
use crate::model::cluster::server::Server;
use crate::model::cluster::server::ServerProcess;
use crate::model::connect_cause::ConnectCause;
use crate::model::fault::{Class, Evidence, Fault, Phase, PoolerRefusal};
use crate::model::own_limit::OwnLimit;
use crate::model::tls_cause::TlsCause;
use crate::pg::failure::{SessionFailure, own_limits};
use crate::pg::settings::{ConnectSettings, Host, SslMode};
use crate::pg::wire::endpoint::Endpoint;
use crate::pg::wire::host_address::HostAddress;
use crate::pg::wire::reclaimable_socket::ReclaimableSocket;
use crate::pg::wire::socket::Socket;
use crate::pg::wire::transport::Transport;
use crate::tls::RequestOutcome;

/// A session, and the times of its opening.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// When TCP was accepted.
    pub accepted: Instant,
    /// When the server had authenticated the role.
    pub authenticated: Instant,
    /// The server's clock, if the server told it.
    pub clock: Option<ClockReading>,
    /// The deadline of the whole connect, also for the load's preparation on the session.
    pub deadline: Instant,
    /// The places that failed before this one, in the order tried.
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
    /// The server that answered, when it takes no writes.
    pub server: Option<Server>,
    /// The same place served without TLS then: TLS was preferred and failed, or the login over it.
    pub served_without_tls: bool,
}

impl NotOpened {
    fn of(
        fault: Fault,
        address: Option<IpAddr>,
        took: Duration,
        accepted: Option<Instant>,
    ) -> Self {
        Self { fault, address, took, accepted, server: None, served_without_tls: false }
    }

    /// The failure of a session that was accepted at this time, and cannot be used.
    #[must_use]
    pub fn on_session(fault: Fault, accepted: Instant) -> Self {
        let took = accepted.elapsed();
        Self::of(fault, None, took, Some(accepted))
    }
}

/// Shorter passwords are words that messages have anyway.
const PASSWORD_BYTES_TELLING: usize = 6;

/// What has set this deadline: the option, or the setting of the connection, which other commands than `gen` have alone.
fn name_of(settings: &ConnectSettings, deadline: Duration) -> &'static str {
    if settings.connect_timeout == Some(deadline) { "connect_timeout" } else { "--connect-timeout" }
}

const NOT_POSTGRESQL: &str = "what answers there is not PostgreSQL";

/// What a connect must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A server that takes writes.
    Writable,
    /// Any server that answers.
    Any,
    /// A server that takes no writes.
    ReadOnly,
    /// A server that is not in recovery.
    Primary,
    /// A server in recovery.
    Standby,
}

impl Wanted {
    fn is(self, server: &Server) -> bool {
        match self {
            Self::Writable => server.is_writable(),
            Self::Any => true,
            Self::ReadOnly => !server.is_writable(),
            Self::Primary => !server.in_recovery,
            Self::Standby => server.in_recovery,
        }
    }
}

/// All places of a host, each to be tried by [`open`]. The lookup has a deadline of its own.
///
/// # Errors
/// The fault of class `resolve`, `unreachable`, `timeout` or `local`.
pub async fn look_up<'a>(
    host: &'a Host,
    deadline: Duration,
) -> Result<Vec<HostAddress<'a>>, Box<NotOpened>> {
    let began = Instant::now();
    let (failure, phase) = match timeout(deadline, HostAddress::all_of(host)).await {
        Ok(Ok(places)) => return Ok(places),
        Ok(Err(error)) => {
            let (io, own_limit) = (Some(error.kind()), own_limits::of_lookup(&error));
            let evidence = Evidence { io, own_limit, ..Evidence::default() };
            // An address with a zone that is not here is no name that has no address.
            let is_nowhere = error.kind() == io::ErrorKind::AddrNotAvailable;
            let phase = if is_nowhere { Phase::Connect } else { Phase::Resolve };
            (SessionFailure::new(evidence, error.to_string()), phase)
        }
        Err(_) => {
            let evidence = Evidence { deadline: true, ..Evidence::default() };
            let words = no_answer_during(Phase::Resolve.name(), deadline, "connect timeout");
            (SessionFailure::new(evidence, words), Phase::Resolve)
        }
    };
    let fault = Endpoint::unresolved(host).fault(failure, phase);
    let took = began.elapsed();
    Err(Box::new(NotOpened::of(fault, None, took, None)))
}

/// Opens a session to one address of a host.
///
/// # Errors
/// The fault with its class and phase. A server that takes no writes is `read_only` when writes
/// are wanted, and `wrong_role` is one that is otherwise not the one wanted.
pub async fn open(
    settings: &ConnectSettings,
    place: &HostAddress<'_>,
    wanted: Wanted,
    deadline: Duration,
) -> Result<Opened, Box<NotOpened>> {
    let mut connect = Connect {
        settings,
        place,
        endpoint: Endpoint::of(settings, place),
        progress: ConnectProgress::none(),
        failed_way: None,
    };
    let began = Instant::now();
    let until = began + deadline;
    let (fault, server) =
        match tokio::time::timeout_at(until, connect.first_way_that_works(until)).await {
            Ok(Ok(opened)) if wanted.is(&opened.session.server) => {
                return Ok(opened);
            }
            Ok(Ok(opened)) => {
                let server = opened.session.server.clone();
                opened.session.close().await;
                (connect.is_not(wanted, &server), Some(server))
            }
            Ok(Err(fault)) => (fault, None),
            Err(_) => (connect.cut_off(deadline), None),
        };
    let fault = match &connect.failed_way {
        Some((way, failed)) => fault_of_both(*way, &failed.fault, fault),
        None => fault,
    };
    Err(Box::new(connect.not_opened(fault, began, server)))
}

/// One connect to one address.
struct Connect<'a> {
    settings: &'a ConnectSettings,
    place: &'a HostAddress<'a>,
    endpoint: Endpoint,
    progress: ConnectProgress,
    /// The way that was tried before the present one.
    failed_way: Option<(Encryption, NotOpened)>,
}

impl Connect<'_> {
    /// A session in the first way, with TLS or without, that leads to one.
    ///
    /// Where TLS was preferred, that the session goes without it is told with the session, and why: TLS failed, or the
    /// login over it. A program in the middle can bring about either.
    async fn first_way_that_works(&mut self, deadline: Instant) -> Result<Opened, Fault> {
        let ways = Encryption::ways(&self.settings.security, self.place.host);
        for (nth, way) in ways.iter().enumerate() {
            let began = Instant::now();
            self.progress = ConnectProgress::none();
            let fault = match self.session(*way, deadline).await {
                Ok(mut opened) => {
                    let failed = self.failed_way.take().filter(|_| *way == Encryption::Plain);
                    opened.passed_over.extend(
                        failed.map(|(_, failed)| NotOpened { served_without_tls: true, ..failed }),
                    );
                    return Ok(opened);
                }
                Err(fault) => fault,
            };
            let is_last = nth + 1 == ways.len();
            if is_last
                || !way.another_may_work(
                    &fault,
                    self.progress.is_secured(),
                    self.progress.is_securing(),
                )
            {
                return Err(fault);
            }
            self.failed_way = Some((*way, self.not_opened(fault, began, None)));
        }
        unreachable!("there is a way, and the last one returns")
    }

    /// Socket, TLS, authentication and the first query, in the order of their phases.
    async fn session(&mut self, way: Encryption, deadline: Instant) -> Result<Opened, Fault> {
        let transport = self.transport().await?;
        let accepted = Instant::now();
        self.progress.accepted = Some(accepted);
        self.progress.phase = Phase::Authenticate;
        let transport = self.secure(transport, way).await?;
        let (is_secured, server_end_point) = (transport.is_secured(), transport.server_end_point());
        let first_bytes = self.progress.first_bytes.clone();
        let mut socket = Socket::new(transport, first_bytes.clone());
        if self.withholds_bare_password(is_secured) {
            socket = socket.without_bare_password();
        }
        let socket = ReclaimableSocket::new(socket);
        let (client, connection) = self
            .settings
            .to_driver_config(self.place.host, self.place.ip(), is_secured)
            .connect_raw(socket.clone(), SecuredBelow { server_end_point })
            .await
            .map_err(|error| self.not_authenticated(&error))?;
        let authenticated = Instant::now();
        self.progress.phase = Phase::Check;
        let driver = DriverTask::start(connection, first_bytes);
        let (server, backend) = (Server::default(), ServerProcess::default());
        let endpoint = self.endpoint.clone();
        let mut session = Session::new(client, socket, driver, server, backend, endpoint);
        let clock = match identity::ask(&session.client).await {
            Ok(Identity { server, mut backend, clock }) => {
                backend.pooled = session.greeted_pid().is_some_and(|pid| pid != backend.pid);
                (session.server, session.backend) = (server, backend);
                clock
            }
            Err(error) => return Err(session.fault(&error, Phase::Check).await),
        };
        let passed_over = Vec::new();
        Ok(Opened { session, accepted, authenticated, clock, deadline, passed_over })
    }

    /// Whether the password goes to this host only by SCRAM, which does not show it.
    fn withholds_bare_password(&self, is_secured: bool) -> bool {
        let is_here = self.place.ip().is_none_or(|ip| ip.to_canonical().is_loopback());
        let is_verified =
            matches!(self.settings.security.sslmode, SslMode::VerifyCa | SslMode::VerifyFull);
        self.place.host.by_patroni_alone && !is_here && !(is_secured && is_verified)
    }

    async fn transport(&self) -> Result<Transport, Fault> {
        Transport::open(self.settings, self.place).await.map_err(|error| {
            let own_limit = match self.place.address {
                Some(address) => own_limits::of_connect(&error, address),
                None => own_limits::of_socket(&error),
            };
            let evidence = Evidence { io: Some(error.kind()), own_limit, ..Evidence::default() };
            self.fault(evidence, Phase::Connect, error.to_string())
        })
    }

    async fn secure(&mut self, transport: Transport, way: Encryption) -> Result<Transport, Fault> {
        let (security, host) = (&self.settings.security, self.place.host);
        let secured = encryption::secure(transport, way, security, host, &mut self.progress).await;
        let transport = secured.map_err(|failure| {
            let (evidence, words) = failure.into_parts();
            self.fault(evidence, Phase::Authenticate, words)
        })?;
        self.progress.certificate_request = transport.certificate_request();
        self.progress.securing = match transport.is_secured() {
            true => Securing::Secured,
            false => Securing::InClear,
        };
        Ok(transport)
    }

    fn not_opened(&self, fault: Fault, began: Instant, server: Option<Server>) -> NotOpened {
        let (address, took) = (self.place.ip(), began.elapsed());
        NotOpened { server, ..NotOpened::of(fault, address, took, self.progress.accepted) }
    }

    /// The fault of the driver's error before the server has authenticated the role.
    fn not_authenticated(&self, error: &tokio_postgres::Error) -> Fault {
        let first_bytes = &self.progress.first_bytes;
        let (evidence, words) = driver_error::failure(error, first_bytes.spoke()).into_parts();
        let connect_cause = match evidence.connect_cause {
            Some(ConnectCause::PasswordMissing) if self.place.host.by_record_alone => {
                Some(ConnectCause::PasswordWithheld)
            }
            Some(ConnectCause::NoBinding) if self.place.ip().is_none() => {
                Some(ConnectCause::NoTlsOnSocket)
            }
            Some(ConnectCause::NoBinding) if !self.progress.is_secured() => {
                Some(ConnectCause::NoTlsToBind)
            }
            None => self.refused_over_tls(&evidence),
            cause => cause,
        };
        let evidence = Evidence { foreign: first_bytes.foreign(), connect_cause, ..evidence };
        self.fault(evidence, Phase::Authenticate, self.without_password(words))
    }

    /// A server that asked for the password in clear text may say it again. Names that are their own password, and
    /// short words, stay: hiding them would make every message a riddle, and tell as much.
    fn without_password(&self, words: String) -> String {
        let password = self.place.host.password_at(self.place.ip());
        let text = password.and_then(|password| std::str::from_utf8(password.as_bytes()).ok());
        let is_a_name = |text: &str| text == self.settings.user || text == self.settings.dbname;
        match text.filter(|text| text.len() >= PASSWORD_BYTES_TELLING && !is_a_name(text)) {
            Some(text) => words.replace(text, "(the password, not shown)"),
            None => words,
        }
    }

    /// Which login over TLS was refused. What is missing depends on it, and not on the server's words, which may be
    /// translated.
    fn refused_over_tls(&self, evidence: &Evidence) -> Option<ConnectCause> {
        let (sqlstate, _) = evidence.sqlstate.as_ref()?;
        let is_refused = sqlstate == "28000" && self.progress.is_secured();
        is_refused.then_some(match self.progress.certificate_request {
            RequestOutcome::NotAsked => ConnectCause::RefusedOverTls,
            RequestOutcome::NoneSent => ConnectCause::RefusedWithoutCertificate,
            RequestOutcome::Sent => ConnectCause::RefusedWithCertificate,
        })
    }

    /// The fault of a connect that its deadline cut off.
    fn cut_off(&self, deadline: Duration) -> Fault {
        let ConnectProgress { phase, first_bytes, securing, .. } = &self.progress;
        // The server has nothing to do with it.
        let own_limit = (*securing == Securing::ReadingFiles).then_some(OwnLimit::TimeForFiles);
        let evidence = Evidence {
            deadline: true,
            foreign: first_bytes.foreign(),
            own_limit,
            ..Evidence::default()
        };
        // The way before this one has taken its part of the deadline.
        let (waited, guard) = match &self.failed_way {
            None => (deadline, name_of(self.settings, deadline).to_owned()),
            Some((_, failed)) => {
                let guard = format!("the rest of {}", name_of(self.settings, deadline));
                (deadline.saturating_sub(failed.took), guard)
            }
        };
        let words = match phase {
            Phase::Authenticate if !first_bytes.came() => {
                let seconds = waited.as_secs_f64();
                format!("accepted, then {seconds:.1} s of silence ({guard})")
            }
            Phase::Authenticate if self.progress.is_securing() => {
                no_answer_during("the TLS handshake", waited, &guard)
            }
            phase => no_answer_during(phase.name(), waited, &guard),
        };
        self.fault(evidence, *phase, words)
    }

    /// The fault of a server that is not the one that is wanted.
    fn is_not(&self, wanted: Wanted, server: &Server) -> Fault {
        let (class, what) = match wanted {
            Wanted::Writable if server.in_recovery => {
                (Class::ReadOnly, "takes no writes (in recovery)")
            }
            Wanted::Writable => (Class::ReadOnly, "takes no writes (read-only by its settings)"),
            Wanted::ReadOnly | Wanted::Any => {
                (Class::WrongRole, "takes writes (target_session_attrs=read-only)")
            }
            Wanted::Primary => (Class::WrongRole, "is in recovery (target_session_attrs=primary)"),
            Wanted::Standby => {
                (Class::WrongRole, "is not in recovery (target_session_attrs=standby)")
            }
        };
        let words = format!("{} {what}", server.name());
        let fault = self.endpoint.fault(SessionFailure::after_first_word(&words), Phase::Check);
        Fault { class, ..fault }
    }

    /// What was sent so far, where the server must understand TLS without being asked, or not.
    fn sent_first(&self) -> SentFirst {
        let is_direct = self.settings.security.negotiation == SslNegotiation::Direct;
        match (is_direct, self.progress.is_securing(), self.progress.is_secured()) {
            (true, true, _) => SentFirst::BeginOfTls,
            (true, false, true) => SentFirst::UnderTls,
            _ => SentFirst::InClear,
        }
    }

    /// The fault of this evidence. What its cause or the first bytes tell goes before these words.
    fn fault(&self, mut evidence: Evidence, phase: Phase, words: String) -> Fault {
        if self.progress.first_bytes.http() {
            evidence.connect_cause = Some(ConnectCause::Http);
        }
        let words = match evidence.connect_cause.and_then(connect_cause::words) {
            Some(of_cause) => of_cause.to_owned(),
            None if evidence.foreign => NOT_POSTGRESQL.to_owned(),
            None => words,
        };
        let ended_early = match evidence.class(phase) {
            Class::NoBackend if phase == Phase::Authenticate => {
                closed_early::words(evidence.io, self.sent_first())
            }
            _ => None,
        };
        let words = ended_early.unwrap_or(words);
        self.endpoint.fault(SessionFailure::new(evidence, words), phase)
    }
}

/// The fault of the second way, with that of the first beside it where it says something else.
///
/// What failed under TLS is what is wrong, be it TLS itself or the password, where without TLS the role is not let in
/// at all.
fn fault_of_both(first_way: Encryption, first: &Fault, second: Fault) -> Fault {
    if first.message == second.message {
        return second;
    }
    let (now, before) = match first_way {
        Encryption::Plain => ("with TLS", "without"),
        Encryption::Offered | Encryption::Demanded => ("without TLS", "with it"),
    };
    let message = format!("{now}: {}; {before}: {}", second.message, first.message);
    let is_wrong_password = first.sqlstate.as_deref() == Some("28P01");
    // A client certificate that is refused stands before any password.
    let first_decides = (is_wrong_password && second.class == Class::Auth)
        || (first.class == Class::Tls && wants_tls(&second))
        || (first.tls_cause == Some(TlsCause::ClientCertificate) && second.class == Class::Auth)
        || (is_refused_over_tls(first) && second.sqlstate.as_deref() == Some("28000"));
    let decides = if first_decides { first.clone() } else { second };
    Fault { message, ..decides }
}

fn is_refused_over_tls(fault: &Fault) -> bool {
    matches!(
        fault.connect_cause,
        Some(
            ConnectCause::RefusedOverTls
                | ConnectCause::RefusedWithoutCertificate
                | ConnectCause::RefusedWithCertificate
        )
    )
}

/// Whether the login was refused, it seems, for being without TLS.
fn wants_tls(fault: &Fault) -> bool {
    fault.sqlstate.as_deref() == Some("28000")
        || fault.connect_cause == Some(ConnectCause::NoTlsToBind)
        || fault.pooler_refusal() == Some(PoolerRefusal::NoTls)
}

fn no_answer_during(step: &str, waited: Duration, guard: &str) -> String {
    let seconds = waited.as_secs_f64();
    format!("no answer within {seconds:.1} s during {step} ({guard})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::settings::{Environment, Explicit, resolve};

    async fn cut_off(progress: ConnectProgress, first_way_ms: Option<u64>) -> Fault {
        let dsn = Some("host=127.0.0.1 port=1".to_owned());
        let explicit = Explicit { dsn, ..Explicit::default() };
        let settings = resolve(&explicit, &Environment::empty()).unwrap().settings;
        let places = look_up(&settings.hosts[0], Duration::from_secs(60)).await.unwrap();
        let [place] = &places[..] else { panic!("one place") };
        let endpoint = Endpoint::of(&settings, place);
        let failed_way = first_way_ms.map(|ms| {
            let fault = endpoint.fault(SessionFailure::closed_by_server(), Phase::Authenticate);
            (Encryption::Offered, NotOpened::of(fault, None, Duration::from_millis(ms), None))
        });
        let settings = &settings;
        Connect { settings, place, endpoint, progress, failed_way }.cut_off(Duration::from_secs(3))
    }

    /// Nothing is known of the server then: it is no timeout of its.
    #[tokio::test]
    async fn a_connect_that_waits_for_its_own_files_is_cut_off_as_a_limit_of_this_machine() {
        let mut progress = ConnectProgress::none();
        progress.phase = Phase::Authenticate;
        progress.first_bytes.answered();
        progress.securing = Securing::ReadingFiles;
        let fault = cut_off(progress, None).await;
        assert_eq!((fault.class, fault.own_limit), (Class::Local, Some(OwnLimit::TimeForFiles)));
        assert_eq!(fault.message, "pgchaos itself ran out of time to read its own TLS files");
    }

    #[tokio::test]
    async fn a_second_way_has_waited_for_what_the_first_one_left() {
        for (first_way_ms, words) in [
            (None, "accepted, then 3.0 s of silence (--connect-timeout)"),
            (Some(1_900), "accepted, then 1.1 s of silence (the rest of --connect-timeout)"),
        ] {
            let mut progress = ConnectProgress::none();
            progress.phase = Phase::Authenticate;
            assert_eq!(cut_off(progress, first_way_ms).await.message, words);
        }
    }
}
