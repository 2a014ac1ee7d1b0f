//! One HTTP exchange on a connection of its own, bounded below HTTP.
//!
//! An HTTP client skips heads of 1xx and reads chunks for as long as bytes come; a bound on the body
//! counts neither. So all bytes of the connection are counted here, and the connection lives in the
//! call: dropping the call at its deadline closes the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Body;
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{Request, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read of an answer at most, its heads and the sizes of its chunks included.
const CONNECTION_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Read at once. After each read other tasks may run.
const AT_ONCE: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// More than an answer can be.
    TooLarge,
    /// The connection or the HTTP on it failed.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for NoAnswer {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Sends the request to the server at the other end of `stream`, and takes its answer with a body
/// of `body_max` bytes at most.
pub(super) async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send>(
    stream: S,
    request: Request<String>,
    body_max: usize,
) -> Result<(StatusCode, Vec<u8>), NoAnswer> {
    let bounded = BoundedConnection { stream, left: CONNECTION_BYTES_MAX, rests: false };
    let (mut sender, connection) = http1::handshake(bounded).await?;
    let asked = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
        {
            if let Ok(data) = frame?.into_data() {
                if bytes.len() + data.len() > body_max {
                    return Err(NoAnswer::TooLarge);
                }
                bytes.extend_from_slice(&data);
            }
        }
        Ok((status, bytes))
    };
    let mut connection = std::pin::pin!(connection);
    let mut asked = std::pin::pin!(asked);
    let ended = tokio::select! {
        biased;
        answer = &mut asked => return answer.map_err(sorted),
        ended = &mut connection => ended,
    };
    // The answer may have come with the end of the connection. Otherwise the end of the connection
    // tells more than the request, which only knows that it was cancelled.
    match (asked.await, ended) {
        (Ok(answer), _) => Ok(answer),
        (Err(NoAnswer::TooLarge), _) => Err(NoAnswer::TooLarge),
        (Err(_), Err(error)) => Err(sorted(error.into())),
        (Err(error), Ok(())) => Err(sorted(error)),
    }
}

/// Finds the bound on the connection's bytes among the causes of the client's error.
fn sorted(error: NoAnswer) -> NoAnswer {
    let NoAnswer::Failed(error) = error else { return error };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(one) = cause {
        let io = one.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::FileTooLarge) {
            return NoAnswer::TooLarge;
        }
        cause = one.source();
    }
    NoAnswer::Failed(error)
}

/// A connection of which at most `left` bytes are read.
struct BoundedConnection<S> {
    stream: S,
    left: usize,
    /// It has just read: other tasks run before the next read.
    rests: bool,
}

impl<S: AsyncRead + Unpin> Read for BoundedConnection<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.rests) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let mut bytes = [0; AT_ONCE];
        let most = AT_ONCE.min(this.left).min(into.remaining());
        let mut read = ReadBuf::new(&mut bytes[..most]);
        let polled = Pin::new(&mut this.stream).poll_read(cx, &mut read);
        if let Poll::Ready(Ok(())) = polled {
            let filled = read.filled();
            this.left -= filled.len();
            this.rests = !filled.is_empty();
            into.put_slice(filled);
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> Write for BoundedConnection<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
