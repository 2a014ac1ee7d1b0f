//! Opening the socket to one host, step by step, so that each failure has its phase.
//!
//! The driver would do this itself, but then a name that does not resolve, a refused connect and
//! a server that hangs up look much the same.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::settings::{Address, ConnectSettings, Host};
use crate::model::fault::Phase;

/// A socket to a server, that remembers whether the server ever said a word.
#[derive(Debug)]
pub struct Socket {
    inner: Inner,
    spoke: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Inner {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

/// Why a socket could not be opened, and while doing what.
#[derive(Debug)]
pub struct NotOpened {
    /// Looking up the name, or connecting.
    pub phase: Phase,
    /// The cause.
    pub error: io::Error,
}

impl Socket {
    /// Opens a socket to `host`. `phase` is kept up to date, for when a deadline cuts this off.
    ///
    /// # Errors
    /// The last address's error, when the name has several and none accepts; one that says more
    /// than "refused" is preferred.
    pub async fn open(
        settings: &ConnectSettings,
        host: &Host,
        phase: &mut Phase,
    ) -> Result<Self, NotOpened> {
        let inner = match (&host.address, host.hostaddr) {
            (Address::Unix(_), _) => {
                *phase = Phase::Connect;
                open_unix(host).await?
            }
            (_, Some(address)) => {
                *phase = Phase::Connect;
                open_tcp(settings, [(address, host.port).into()].into_iter()).await?
            }
            (Address::Tcp(name), None) => {
                *phase = Phase::Resolve;
                let addresses = tokio::net::lookup_host((name.as_str(), host.port))
                    .await
                    .map_err(|error| NotOpened { phase: Phase::Resolve, error })?
                    .collect::<Vec<_>>();
                if addresses.is_empty() {
                    let error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                    return Err(NotOpened { phase: Phase::Resolve, error });
                }
                *phase = Phase::Connect;
                open_tcp(settings, addresses.into_iter()).await?
            }
        };
        Ok(Self { inner, spoke: Arc::new(AtomicBool::new(false)) })
    }

    /// Becomes true with the first byte from the server.
    #[must_use]
    pub fn spoke(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.spoke)
    }
}

async fn open_tcp(
    settings: &ConnectSettings,
    addresses: impl Iterator<Item = std::net::SocketAddr>,
) -> Result<Inner, NotOpened> {
    let mut worst: Option<io::Error> = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream
                    .set_nodelay(true)
                    .and_then(|()| keep_alive(settings, &stream))
                    .map_err(|error| NotOpened { phase: Phase::Connect, error })?;
                return Ok(Inner::Tcp(stream));
            }
            Err(error) => {
                let says_more = error.kind() != io::ErrorKind::ConnectionRefused;
                if worst.is_none() || says_more {
                    worst = Some(error);
                }
            }
        }
    }
    let error = worst.unwrap_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable));
    Err(NotOpened { phase: Phase::Connect, error })
}

fn keep_alive(settings: &ConnectSettings, stream: &TcpStream) -> io::Result<()> {
    let said = &settings.keepalive;
    let socket = socket2::SockRef::from(stream);
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
async fn open_unix(host: &Host) -> Result<Inner, NotOpened> {
    let path = host.socket_path().unwrap_or_default();
    tokio::net::UnixStream::connect(path)
        .await
        .map(Inner::Unix)
        .map_err(|error| NotOpened { phase: Phase::Connect, error })
}

#[cfg(not(unix))]
async fn open_unix(_: &Host) -> Result<Inner, NotOpened> {
    let error = io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets");
    Err(NotOpened { phase: Phase::Connect, error })
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = match &mut self.inner {
            Inner::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            #[cfg(unix)]
            Inner::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        if buffer.filled().len() > before {
            self.spoke.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            #[cfg(unix)]
            Inner::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Tcp(stream) => Pin::new(stream).poll_flush(context),
            #[cfg(unix)]
            Inner::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(unix)]
            Inner::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
