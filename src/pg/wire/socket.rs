//! The socket of a session: a transport, with limits on what the server can send through it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::first_bytes::FirstBytes;
use super::frames::{Frames, Passage};
use super::transport::Transport;

/// A socket to a server. It remembers what came first, and ends where the server sends too much.
#[derive(Debug)]
pub struct Socket {
    transport: Transport,
    first_bytes: FirstBytes,
    frames: Frames,
}

impl Socket {
    /// A socket on this transport, which notes there what comes first.
    pub(in crate::pg) fn new(transport: Transport, first_bytes: FirstBytes) -> Self {
        Self { transport, first_bytes, frames: Frames::default() }
    }

    /// Ends the session where the server asks for a password in a way that would show it.
    #[must_use]
    pub(in crate::pg) fn without_bare_password(mut self) -> Self {
        self.frames.refuse_bare_password();
        self
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

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            ready!(Pin::new(&mut self.transport).poll_read(context, buffer))?;
            let bytes = buffer.filled().get(before..).unwrap_or_default();
            self.first_bytes.read(bytes);
            match self.frames.read(bytes) {
                Ok(Passage::Passed) => return Poll::Ready(Ok(())),
                Ok(Passage::HeldBack) => buffer.set_filled(before),
                Err(error) => {
                    buffer.set_filled(before);
                    return Poll::Ready(Err(error.into()));
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
        Pin::new(&mut self.transport).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(context)
    }
}
