//! A socket that the driver uses until it is taken back.
//!
//! The driver opens a session and runs its first query; a session of the load then goes on with the
//! socket by itself. The driver returns no socket, so it gets only a handle to it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;

/// A handle to a socket that can be taken back. Clones are handles to the same socket.
#[derive(Debug, Clone)]
pub struct ReclaimableSocket(Arc<Mutex<Option<Socket>>>);

impl ReclaimableSocket {
    /// A handle to this socket.
    #[must_use]
    pub fn new(socket: Socket) -> Self {
        Self(Arc::new(Mutex::new(Some(socket))))
    }

    /// Takes the socket back; `None` if that was done before. Every handle that is left fails with
    /// [`io::ErrorKind::NotConnected`].
    #[must_use]
    pub fn take(&self) -> Option<Socket> {
        self.lock().take()
    }

    /// The process id that the server greeted with, if it did.
    #[must_use]
    pub fn greeted_pid(&self) -> Option<i32> {
        self.lock().as_ref().and_then(Socket::greeted_pid)
    }

    /// Lets so many messages of an answer through, from now on.
    pub fn allow_messages(&self, most: u32) {
        if let Some(socket) = self.lock().as_mut() {
            socket.allow_messages(most);
        }
    }

    /// Held for one call that does not wait; a poisoned lock has no broken state.
    fn lock(&self) -> MutexGuard<'_, Option<Socket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        action: impl FnOnce(Pin<&mut Socket>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match self.lock().as_mut() {
            Some(socket) => action(Pin::new(socket)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for ReclaimableSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|socket| socket.poll_read(context, buffer))
    }
}

impl AsyncWrite for ReclaimableSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|socket| socket.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|socket| socket.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|socket| socket.poll_shutdown(context))
    }
}
