//! A stream that TLS secures: plain text to all that reads from it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::certificate_request::{CertificateRequest, RequestOutcome};
use super::handshake_error::{TlsFailure, TlsPhase, of_tls};

/// The client's end of it, once the handshake is done.
#[derive(Debug)]
pub struct TlsClientStream<S> {
    stream: TlsStream<S>,
    /// A server that speaks TLS 1.3 refuses a client's certificate after the handshake.
    request: CertificateRequest,
}

impl<S> TlsClientStream<S> {
    pub(super) fn new(stream: TlsStream<S>, request: CertificateRequest) -> Self {
        Self { stream, request }
    }

    /// The certificate that the server has proven to have, in DER.
    #[must_use]
    pub fn server_certificate(&self) -> Option<&[u8]> {
        let (_, session) = self.stream.get_ref();
        session.peer_certificates()?.first().map(AsRef::as_ref)
    }

    /// Whether the server has asked for a client certificate, and whether it got one.
    #[must_use]
    pub fn certificate_request(&self) -> RequestOutcome {
        self.request.outcome()
    }

    /// The protocol that the handshake agreed on (ALPN), if any.
    #[must_use]
    pub fn agreed_protocol(&self) -> Option<&[u8]> {
        self.stream.get_ref().1.alpn_protocol()
    }

    /// The same error, with what its words depend on where it is one of TLS.
    fn told(&self, error: io::Error) -> io::Error {
        match of_tls(&error) {
            Some(found) => {
                TlsFailure::new(found.reason(), self.request.outcome(), TlsPhase::Session)
                    .into_io(error.kind())
            }
            None => error,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsClientStream<S> {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        read.map_err(|error| self.told(error))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsClientStream<S> {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        written.map_err(|error| self.told(error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        flushed.map_err(|error| self.told(error))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut_down = Pin::new(&mut self.stream).poll_shutdown(context);
        shut_down.map_err(|error| self.told(error))
    }
}
