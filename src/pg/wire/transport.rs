//! The way of a session's bytes to one address of a host: TCP, or a Unix socket.
//!
//! The driver could open it itself, but then a name that does not resolve, a refused connect and a
//! server that hangs up look much the same.
//!
//! TLS is one more variant here: all above reads and writes plain text.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use super::host_address::HostAddress;
use crate::pg::settings::{ConnectSettings, Host};

/// An open connection, in plain text to all that reads from it.
#[derive(Debug)]
pub enum Transport {
    /// By TCP.
    Tcp(TcpStream),
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
}

async fn open_tcp(settings: &ConnectSettings, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Before the connect, as libpq does: what limits silence limits that of a connect, too.
    keep_alive(settings, &socket)?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
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
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
