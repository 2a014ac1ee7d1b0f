//! Whether a connect speaks TLS: the ways in which it is tried, one after another, and how a socket is
//! secured.

use std::io;

use tokio_postgres::config::SslNegotiation;

use super::connect_progress::{ConnectProgress, Securing};
use crate::model::connect_cause::ConnectCause;
use crate::model::fault::{Class, Evidence, Fault, Severity};
use crate::model::own_limit::OwnLimit;
use crate::model::tls_cause::TlsCause;
use crate::pg::failure::{SessionFailure, own_limits};
use crate::pg::settings::{Address, Host, Security, SslMode};
use crate::pg::wire::early_error::EarlyError;
use crate::pg::wire::first_bytes::FirstBytes;
use crate::pg::wire::ssl_request::{self, Answer};
use crate::pg::wire::transport::Transport;
use crate::tls::settings::POSTGRESQL;
use crate::tls::{TlsClient, handshake_error};

/// The words where the beginning of TLS was answered by an error in the clear. A server that knows no such
/// beginning closes the connection instead.
const TLS_NOT_ASKED_FOR: &str = "an error in the clear was the answer to TLS: a pooler that must be asked for it \
                                     (sslnegotiation=postgres), or one that does not read a PROXY header (send-proxy) \
                                     before it";

/// One way to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    /// No TLS.
    Plain,
    /// TLS where the server offers it.
    Offered,
    /// TLS or nothing.
    Demanded,
}

impl Encryption {
    /// The ways of a mode, in libpq's order: the second is for where the first is refused. A Unix socket
    /// has no TLS, and where nothing here speaks it, it is not asked for.
    pub(super) fn ways(security: &Security, host: &Host) -> &'static [Self] {
        if matches!(host.address, Address::Unix(_)) {
            return &[Self::Plain];
        }
        match security.sslmode {
            SslMode::Disable => &[Self::Plain],
            // Without TLS no server asks for a certificate.
            _ if demands_request(security) => &[Self::Demanded],
            SslMode::Allow | SslMode::Prefer if security.client.is_none() => &[Self::Plain],
            SslMode::Allow => &[Self::Plain, Self::Offered],
            SslMode::Prefer => &[Self::Offered, Self::Plain],
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Self::Demanded],
        }
    }

    /// Whether another way may fare better than this one did: TLS failed, or the server lets the role in,
    /// if at all, in another way (`pg_hba.conf`; a pooler says so with 08P01).
    ///
    /// libpq tries again after any error of the server. One that starts, or has no room, says the same
    /// again, and an outage would be measured longer by it.
    pub(super) fn another_may_work(
        self,
        fault: &Fault,
        is_secured: bool,
        is_securing: bool,
    ) -> bool {
        let is_refused = fault.class == Class::Auth && fault.sqlstate.is_some();
        let by_pooler = fault.sqlstate.as_deref() == Some("08P01");
        match self {
            Self::Demanded => false,
            Self::Plain => is_refused || by_pooler,
            // An error with a SQLSTATE is a pooler's, which says the same again.
            Self::Offered if is_securing => {
                let is_of_tls = matches!(fault.class, Class::Tls | Class::ConnectionLost)
                    || fault.own_limit == Some(OwnLimit::TlsFiles);
                is_of_tls && fault.sqlstate.is_none()
            }
            // As in libpq: what fails after the handshake, as a client certificate that a server of TLS 1.3 refuses, is no
            // reason to go without TLS.
            Self::Offered => is_refused && is_secured,
        }
    }
}

/// Secures a connection as far as this way wants it.
///
/// # Errors
/// Of class `tls` where TLS is what failed; else what the connection or the other side did.
pub(super) async fn secure(
    mut transport: Transport,
    way: Encryption,
    security: &Security,
    host: &Host,
    progress: &mut ConnectProgress,
) -> Result<Transport, SessionFailure> {
    progress.securing = Securing::Begun;
    let demands_request = demands_request(security);
    let client = match (&security.client, way) {
        (_, Encryption::Plain) if demands_request => return Err(no_request_in_the_clear()),
        (Some(client), Encryption::Offered | Encryption::Demanded) => client,
        (_, Encryption::Plain) | (None, Encryption::Offered) => return Ok(transport),
        (None, Encryption::Demanded) => {
            return Err(failure_of_tls(
                TlsCause::NoClient,
                "TLS is demanded, and nothing here speaks it",
            ));
        }
    };
    if security.negotiation == SslNegotiation::Direct {
        let secured = handshake(transport, client, host, progress).await?;
        // As in libpq: a server of another protocol must not be talked into PostgreSQL's.
        return match secured.agreed_protocol() {
            Some(POSTGRESQL) => Ok(secured),
            _ => {
                Err(failure_of_tls(TlsCause::NotForPostgresql, handshake_error::NOT_FOR_POSTGRESQL))
            }
        };
    }
    let first_bytes = &progress.first_bytes;
    let answer = ssl_request::ask(&mut transport, first_bytes).await;
    match answer.map_err(|error| of_io(&error, first_bytes))? {
        Answer::Tls => {
            first_bytes.answered();
            handshake(transport, client, host, progress).await
        }
        Answer::Plain if demands_request => Err(no_request_in_the_clear()),
        Answer::Plain if way == Encryption::Offered => {
            first_bytes.answered();
            Ok(transport)
        }
        other => Err(of_answer(&other, security.sslmode, first_bytes)),
    }
}

async fn handshake(
    transport: Transport,
    client: &TlsClient,
    host: &Host,
    progress: &mut ConnectProgress,
) -> Result<Transport, SessionFailure> {
    let name = match &host.address {
        Address::Tcp(name) => name,
        Address::Unix(_) => return Ok(transport),
    };
    progress.securing = Securing::ReadingFiles;
    let tls = client.by_current_files().await;
    progress.securing = Securing::Begun;
    let first_bytes = &progress.first_bytes;
    let secured = match tls {
        Ok(tls) => transport.secure(tls, name, first_bytes).await,
        Err(error) => Err(error),
    };
    secured.map_err(|error| of_io(&error, first_bytes))
}

/// Whether a session in which no client certificate was sent is none (`sslcertmode=require`).
fn demands_request(security: &Security) -> bool {
    security.client.as_ref().is_some_and(|client| client.settings().demands_request)
}

/// As in libpq, whose `sslcertmode=require` holds for sessions without TLS, too.
fn no_request_in_the_clear() -> SessionFailure {
    let cause = TlsCause::CertificateNotRequested;
    failure_of_tls(
        cause,
        "sslcertmode=require, and without TLS no server asks for a client certificate",
    )
}

fn failure_of_tls(cause: TlsCause, words: &str) -> SessionFailure {
    let evidence = Evidence { tls: Some(cause), server_spoke: true, ..Evidence::default() };
    SessionFailure::new(evidence, words)
}

/// An answer after which there is no session.
fn of_answer(answer: &Answer, mode: SslMode, first_bytes: &FirstBytes) -> SessionFailure {
    let none = Evidence::default();
    let (evidence, words) = match answer {
        Answer::Ended => (none, "closed without a word".to_owned()),
        Answer::Error(error) => return of_early_error(error),
        Answer::Foreign(bytes) => {
            first_bytes.read(bytes);
            (Evidence { foreign: true, server_spoke: true, ..none }, String::new())
        }
        Answer::TlsWithMore => (
            Evidence { tls: Some(TlsCause::OtherProtocol), server_spoke: true, ..none },
            "something in the clear came behind the server's answer to the request for TLS: a program on the way may \
             have put it there"
                .to_owned(),
        ),
        Answer::Tls | Answer::Plain => (
            Evidence { tls: Some(TlsCause::NotOffered), server_spoke: true, ..none },
            format!("the server does not offer TLS, which sslmode={mode} demands"),
        ),
    };
    SessionFailure::new(evidence, words)
}

/// An error that was the answer to the request for TLS.
fn of_early_error(error: &EarlyError) -> SessionFailure {
    let evidence = Evidence { server_spoke: true, ..Evidence::default() };
    let cause = ConnectCause::TlsRequestRefused;
    match error {
        // Before TLS a server sends an error only when it cannot start a process for the session.
        EarlyError::NoProcess => SessionFailure::new(
            Evidence { no_process: true, ..evidence },
            "the server can start no process for the session (no memory, or a limit on processes), it seems: an error \
             was its answer to the request for TLS \
             (nothing proves yet that its words are its own, so that they are not shown)",
        ),
        EarlyError::Other(sqlstate) => SessionFailure::new(
            Evidence {
                sqlstate: sqlstate.clone().map(|sqlstate| (sqlstate, Severity::Fatal)),
                connect_cause: Some(cause),
                ..evidence
            },
            // The cause has its own.
            String::new(),
        ),
    }
}

/// An error in the clear that was the answer to a handshake which nothing had asked for.
fn of_error_in_clear(error: &EarlyError) -> SessionFailure {
    match error {
        EarlyError::Other(Some(sqlstate)) if has_no_room(sqlstate) => of_early_error(error),
        EarlyError::NoProcess => of_early_error(error),
        EarlyError::Other(_) => failure_of_tls(TlsCause::NotAskedFor, TLS_NOT_ASKED_FOR),
    }
}

/// Whether a pooler that may understand such a handshake is full, or starts.
fn has_no_room(sqlstate: &str) -> bool {
    sqlstate.starts_with("53") || sqlstate.starts_with("57")
}

/// An error of the connection, or of TLS inside of it.
fn of_io(error: &io::Error, first_bytes: &FirstBytes) -> SessionFailure {
    if let Some(error) = first_bytes.in_clear() {
        return of_error_in_clear(error);
    }
    let evidence = Evidence {
        server_spoke: first_bytes.came(),
        foreign: first_bytes.foreign(),
        ..Evidence::default()
    };
    if let Some(tls) = handshake_error::of_tls(error) {
        // What its own files lack is this machine's, and no fault of the server's TLS.
        let own_limit = tls.system_error().as_ref().and_then(own_limits::of_socket);
        let own_file = (tls.cause() == TlsCause::OwnFile).then_some(OwnLimit::TlsFiles);
        let own_limit = own_limit.or(own_file);
        let cause = own_limit.is_none().then(|| tls.cause());
        let evidence = Evidence { tls: cause, own_limit, server_spoke: true, ..evidence };
        return SessionFailure::new(evidence, tls.to_string());
    }
    let own_limit = own_limits::of_socket(error);
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let words = "the server closed the connection during the TLS handshake";
        return SessionFailure::new(evidence, words);
    }
    let evidence = Evidence { io: Some(error.kind()), own_limit, ..evidence };
    SessionFailure::new(evidence, format!("{error}, during the TLS handshake"))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::model::fault::Phase;
    use crate::pg::settings::{Environment, Explicit, resolve};
    use crate::tls::client::unread;

    /// That this machine cannot read a file says nothing of the server.
    #[test]
    fn a_file_that_cannot_be_read_is_a_limit_of_this_machine() {
        const EMFILE: i32 = 24;
        const EIO: i32 = 5;
        for (errno, own_limit) in [(EMFILE, OwnLimit::Descriptors), (EIO, OwnLimit::TlsFiles)] {
            let failure = of_io(&unread(errno), &FirstBytes::default());
            assert_eq!(failure.evidence().class(Phase::Authenticate), Class::Local, "{errno}");
            assert_eq!(failure.evidence().own_limit, Some(own_limit), "{errno}");
        }
    }

    /// Settings were read for Unix sockets, so that nothing speaks TLS, and are used for a host that Patroni named.
    #[tokio::test]
    async fn where_tls_is_demanded_and_nothing_speaks_it_no_byte_goes_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for mode in ["require", "verify-ca", "verify-full", "prefer"] {
            let dsn = Some(format!("host=/tmp sslmode={mode}"));
            let explicit = Explicit { dsn, ..Explicit::default() };
            let mut settings = resolve(&explicit, &Environment::empty()).unwrap().settings;
            settings.hosts[0].address = Address::Tcp("member".to_owned());
            let (host, security) = (&settings.hosts[0], &settings.security);
            let [way] = Encryption::ways(security, host) else { panic!("{mode}: one way") };
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            let mut progress = ConnectProgress::none();
            let transport = Transport::Tcp(stream);
            let secured = secure(transport, *way, security, host, &mut progress).await;
            if mode == "prefer" {
                assert!(!secured.unwrap().is_secured());
                continue;
            }
            let (evidence, words) = secured.unwrap_err().into_parts();
            assert_eq!(evidence.class(Phase::Authenticate), Class::Tls, "{mode}");
            assert_eq!(words, "TLS is demanded, and nothing here speaks it", "{mode}");
            assert_eq!(server.read(&mut [0]).await.unwrap(), 0, "{mode}: nothing was sent");
        }
    }
}
