//! The stream below TLS, which notes what comes first: a handshake's bytes never come to what is above.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::first_bytes::FirstBytes;

/// A TCP connection on which TLS is spoken.
#[derive(Debug)]
pub struct HandshakeStream {
    stream: TcpStream,
    /// `None` once something came: a session that is up pays no more than a look at it.
    first_bytes: Option<FirstBytes>,
}

impl HandshakeStream {
    /// This connection, which notes there what comes first.
    pub(super) fn new(stream: TcpStream, first_bytes: FirstBytes) -> Self {
        Self { stream, first_bytes: Some(first_bytes) }
    }
}

impl AsyncRead for HandshakeStream {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if self.first_bytes.is_some() && buffer.filled().len() > before {
            let came = self.first_bytes.take();
            if let (Some(noted), Some(bytes)) = (came, buffer.filled().get(before..)) {
                noted.read_below_tls(bytes);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for HandshakeStream {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
