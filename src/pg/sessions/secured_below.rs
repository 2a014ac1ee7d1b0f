//! What the driver is told of a socket that speaks TLS already.
//!
//! The driver binds a login to the server's certificate (SCRAM-SHA-256-PLUS) only where it has begun TLS
//! by itself. So it is given a beginning that does nothing, and the hash of the certificate.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Begins TLS on a socket that has it.
#[derive(Debug, Clone, Default)]
pub(super) struct SecuredBelow {
    /// What a login can be bound to: `tls-server-end-point`.
    pub(super) server_end_point: Option<Vec<u8>>,
}

/// The socket, as a stream whose TLS the driver has begun.
#[derive(Debug)]
pub(super) struct SecuredStream<S> {
    inner: S,
    server_end_point: Option<Vec<u8>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsConnect<S> for SecuredBelow {
    type Stream = SecuredStream<S>;
    type Error = Infallible;
    type Future = Ready<Result<SecuredStream<S>, Infallible>>;

    fn connect(self, inner: S) -> Self::Future {
        ready(Ok(SecuredStream { inner, server_end_point: self.server_end_point }))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for SecuredStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.server_end_point {
            Some(hash) => ChannelBinding::tls_server_end_point(hash.clone()),
            None => ChannelBinding::none(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SecuredStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for SecuredStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
