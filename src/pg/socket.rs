//! The socket to one address of a host.
//!
//! The driver would open it itself, but then a name that does not resolve, a refused connect and
//! a server that hangs up look much the same.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use super::frames::{Frames, Passage};
use super::host_address::HostAddress;
use super::settings::{ConnectSettings, Host};

/// A socket to a server, that remembers what the server said first.
#[derive(Debug)]
pub struct Socket {
    inner: Inner,
    heard: Heard,
    frames: Frames,
}

/// What came first from the other side.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    spoke: Arc<AtomicBool>,
    foreign: Arc<AtomicBool>,
    http: Arc<AtomicBool>,
}

impl Heard {
    /// Whether a byte came.
    #[must_use]
    pub fn something(&self) -> bool {
        self.spoke.load(Ordering::Relaxed)
    }

    /// Whether the first bytes were no message with which a PostgreSQL server begins.
    #[must_use]
    pub fn foreign(&self) -> bool {
        self.foreign.load(Ordering::Relaxed)
    }

    /// Whether the first bytes were those of an HTTP server.
    #[must_use]
    pub fn http(&self) -> bool {
        self.http.load(Ordering::Relaxed)
    }

    fn hear(&self, bytes: &[u8]) {
        if bytes.is_empty() || self.spoke.swap(true, Ordering::Relaxed) {
            return;
        }
        self.foreign.store(!begins_like_postgresql(bytes), Ordering::Relaxed);
        self.http.store(bytes.starts_with(b"HTTP/"), Ordering::Relaxed);
    }
}

/// A server begins with its wish for authentication, an error, or the versions that it speaks; and
/// with a single letter where it was asked for encryption. Only one that cannot fork sends an error
/// without a length.
fn begins_like_postgresql(bytes: &[u8]) -> bool {
    const LONGEST: u32 = 30_000;
    match bytes {
        [b'R' | b'v', length @ ..] => {
            let length = length.first_chunk().map(|length| u32::from_be_bytes(*length));
            length.is_none_or(|length| (4..=LONGEST).contains(&length))
        }
        [b'E', ..] | [b'S' | b'N' | b'G'] => true,
        _ => false,
    }
}

#[derive(Debug)]
enum Inner {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

impl Socket {
    /// Opens a socket to this place.
    ///
    /// # Errors
    /// The system's.
    pub async fn open(settings: &ConnectSettings, place: &HostAddress<'_>) -> io::Result<Self> {
        let inner = match place.address {
            Some(address) => Inner::Tcp(open_tcp(settings, address).await?),
            None => open_unix(place.host).await?,
        };
        Ok(Self { inner, heard: Heard::default(), frames: Frames::default() })
    }

    /// What came first from the server, from now on.
    #[must_use]
    pub fn heard(&self) -> Heard {
        self.heard.clone()
    }

    /// The process id that the server greeted with, if it did.
    #[must_use]
    pub fn greeted_pid(&self) -> Option<i32> {
        self.frames.pid()
    }

    /// Lets so many messages of an answer through, from now on.
    pub fn allow_messages(&mut self, most: u32) {
        self.frames.allow_messages(most);
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
async fn open_unix(host: &Host) -> io::Result<Inner> {
    let path = host.socket_path().unwrap_or_default();
    tokio::net::UnixStream::connect(name_of_socket(path)?).await.map(Inner::Unix)
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
async fn open_unix(_: &Host) -> io::Result<Inner> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            let polled = match &mut self.inner {
                Inner::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
                #[cfg(unix)]
                Inner::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            };
            ready!(polled)?;
            let bytes = buffer.filled().get(before..).unwrap_or_default();
            self.heard.hear(bytes);
            match self.frames.heard(bytes) {
                Ok(Passage::Passed) => return Poll::Ready(Ok(())),
                Ok(Passage::HeldBack) => buffer.set_filled(before),
                Err(excess) => {
                    buffer.set_filled(before);
                    return Poll::Ready(Err(excess.into()));
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_postgresql_begins_as_it_does() {
        let authentication = [&b"R"[..], &8_u32.to_be_bytes(), &[0; 4]].concat();
        let own = [&authentication[..], b"E", b"Ecould not fork\n\0", b"N", b"R"];
        assert!(own.iter().all(|bytes| begins_like_postgresql(bytes)));
        let foreign: [&[u8]; 6] =
            [b"HTTP/1.1 400", b"SSH-2.0-x", b"220 mail", b"RESP-not", b"\0\x01", b"Z\0\0\0\x05I"];
        for bytes in foreign {
            assert!(!begins_like_postgresql(bytes), "{bytes:?}");
        }
    }
}
