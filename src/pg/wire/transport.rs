//! The way of a session's bytes to one address of a host: TCP, with TLS or without, or a Unix socket.
//!
//! The driver could open it itself, but then a name that does not resolve, a refused connect and a
//! server that hangs up look much the same. It could speak TLS too, but a session of the load goes on
//! with the socket alone: TLS is below both, and all above reads and writes plain text.
//!
//! A write that TLS has taken may still be in its buffer: it goes out with a flush.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use super::first_bytes::FirstBytes;
use super::handshake_stream::HandshakeStream;
use super::host_address::HostAddress;
use crate::pg::settings::{ConnectSettings, Host, socket_path_too_long};
use crate::tls::{CurrentTls, RequestOutcome, TlsClientStream, channel_binding};

/// An open connection, in plain text to all that reads from it.
#[derive(Debug)]
pub enum Transport {
    /// By TCP.
    Tcp(TcpStream),
    /// By TCP, secured by TLS.
    Tls(Box<TlsClientStream<HandshakeStream>>),
    /// By a Unix socket of this machine.
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

impl Transport {
    /// Connects to this place. Waits without a deadline: the caller has one.
    ///
    /// # Errors
    /// The system's.
    pub async fn open(settings: &ConnectSettings, place: &HostAddress<'_>) -> io::Result<Self> {
        match place.address {
            Some(address) => open_tcp(settings, address).await.map(Self::Tcp),
            None => open_unix(place.host).await,
        }
    }

    /// Secures a connection by TCP with the server that is known by this name; any other stays as it is.
    /// What comes first is noted. Waits without a deadline: the caller has one.
    ///
    /// # Errors
    /// As [`CurrentTls::handshake`] has them.
    pub(in crate::pg) async fn secure(
        self,
        tls: CurrentTls<'_>,
        host: &str,
        first_bytes: &FirstBytes,
    ) -> io::Result<Self> {
        let Self::Tcp(stream) = self else { return Ok(self) };
        let stream = HandshakeStream::new(stream, first_bytes.clone());
        Ok(Self::Tls(Box::new(tls.handshake(host, stream).await?)))
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// What a login over this connection can be bound to, if anything: see [`channel_binding`].
    #[must_use]
    pub fn server_end_point(&self) -> Option<Vec<u8>> {
        let Self::Tls(stream) = self else { return None };
        stream.server_certificate().map(channel_binding::server_end_point)
    }

    /// Whether the server has asked for a client certificate, and whether it got one.
    pub(in crate::pg) fn certificate_request(&self) -> RequestOutcome {
        match self {
            Self::Tls(stream) => stream.certificate_request(),
            _ => RequestOutcome::NotAsked,
        }
    }

    /// The protocol that the handshake agreed on (ALPN), if any.
    pub(in crate::pg) fn agreed_protocol(&self) -> Option<&[u8]> {
        let Self::Tls(stream) = self else { return None };
        stream.agreed_protocol()
    }

    /// What has come and was not read yet, as far as it fits: it stays to be read. Nothing is waited for.
    pub(in crate::pg) fn peek_unread<'a>(&self, buffer: &'a mut [u8]) -> &'a [u8] {
        let Self::Tcp(stream) = self else { return &[] };
        let come = stream.peek(buffer).now_or_never().and_then(Result::ok).unwrap_or(0);
        buffer.get(..come).unwrap_or_default()
    }
}

async fn open_tcp(settings: &ConnectSettings, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Before the connect, as libpq does: what limits silence limits that of a connect, too.
    keep_alive(settings, &socket)?;
    let stream = socket.connect(address).await.map_err(|error| connect_error(error, address))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The system calls a link-local address without its zone an invalid argument.
fn connect_error(error: io::Error, address: SocketAddr) -> io::Error {
    match address {
        SocketAddr::V6(v6)
            if error.kind() == io::ErrorKind::InvalidInput && v6.ip().is_unicast_link_local() =>
        {
            let words = format!("a link-local address needs its interface, as in {}%eth0", v6.ip());
            io::Error::new(error.kind(), words)
        }
        _ => error,
    }
}

fn keep_alive(settings: &ConnectSettings, socket: &TcpSocket) -> io::Result<()> {
    let said = &settings.keepalive;
    let socket = socket2::SockRef::from(socket);
    if said.enabled == Some(false) {
        return socket.set_keepalive(false);
    }
    let mut keepalive = socket2::TcpKeepalive::new();
    if let Some(idle) = said.idle {
        keepalive = keepalive.with_time(idle);
    }
    if let Some(interval) = said.interval {
        keepalive = keepalive.with_interval(interval);
    }
    #[cfg(unix)]
    if let Some(count) = said.count {
        keepalive = keepalive.with_retries(count);
    }
    #[cfg(target_os = "linux")]
    if let Some(timeout) = settings.tcp_user_timeout {
        socket.set_tcp_user_timeout(Some(timeout))?;
    }
    socket.set_tcp_keepalive(&keepalive)
}

#[cfg(unix)]
async fn open_unix(host: &Host) -> io::Result<Transport> {
    let path = host.socket_path().unwrap_or_default();
    if let Some(words) = socket_path_too_long(&path) {
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, words));
    }
    tokio::net::UnixStream::connect(name_of_socket(path)?).await.map(Transport::Unix)
}

/// As libpq has it: a name that begins with `@` is in Linux's abstract namespace, where no file is.
#[cfg(unix)]
fn name_of_socket(path: PathBuf) -> io::Result<PathBuf> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"@") else { return Ok(path) };
    if cfg!(not(target_os = "linux")) {
        let words = "only Linux has abstract sockets (a host that begins with @)";
        return Err(io::Error::new(io::ErrorKind::Unsupported, words));
    }
    Ok(std::ffi::OsString::from_vec([b"\0", name].concat()).into())
}

#[cfg(not(unix))]
async fn open_unix(_: &Host) -> io::Result<Transport> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
}

impl AsyncRead for Transport {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => match Pin::new(stream).poll_read(context, buffer) {
                // A server that is killed says no goodbye of TLS's: the end of the bytes is what it is
                // without TLS, too.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(()))
                }
                read => read,
            },
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    #[inline]
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
