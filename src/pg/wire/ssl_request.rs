//! Whether a server offers TLS: `SSLRequest`, and its answer of one byte.
//!
//! No more than the one byte is read of an answer that a session follows, so that nothing that was sent in the clear is ever taken for what
//! comes under TLS.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::early_error::{EARLY_ERROR_BYTES, EarlyError, is_whole};
use super::first_bytes::FirstBytes;
use super::transport::Transport;

/// How many bytes tell HTTP from others.
const FOREIGN_BYTES: usize = 5;

/// What a server answers.
#[derive(Debug)]
pub(in crate::pg) enum Answer {
    /// It speaks TLS, from the next byte on.
    Tls,
    /// It does not, and the session goes on in the clear.
    Plain,
    /// It speaks TLS, and more in the clear is behind its answer: a program on the way may have added it.
    TlsWithMore,
    /// An error.
    Error(EarlyError),
    /// No PostgreSQL: what it said, as far as it tells HTTP from others.
    Foreign(Vec<u8>),
    /// It closed the connection without a byte.
    Ended,
}

/// Asks, and waits for the answer without a deadline: the caller has one.
///
/// # Errors
/// The system's.
pub(in crate::pg) async fn ask(
    transport: &mut Transport,
    first_bytes: &FirstBytes,
) -> io::Result<Answer> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    transport.write_all(&request).await?;
    transport.flush().await?;
    let mut answer = [0];
    if transport.read(&mut answer).await? == 0 {
        return Ok(Answer::Ended);
    }
    if &answer == b"E" {
        first_bytes.heard();
        return error(transport).await.map(Answer::Error);
    }
    let mut rest = [0; FOREIGN_BYTES - 1];
    let rest = transport.peek_unread(&mut rest);
    Ok(match &answer {
        b"S" if rest.is_empty() => Answer::Tls,
        b"S" => Answer::TlsWithMore,
        b"N" => Answer::Plain,
        other => Answer::Foreign([other, rest].concat()),
    })
}

/// Reads the rest of an error, which may come in pieces: no session follows it.
async fn error(transport: &mut Transport) -> io::Result<EarlyError> {
    let mut told = vec![b'E'];
    let mut piece = [0; EARLY_ERROR_BYTES];
    while told.len() < EARLY_ERROR_BYTES && !is_whole(&told) {
        match transport.read(&mut piece).await {
            Ok(0) => break,
            Ok(read) => told.extend_from_slice(piece.get(..read).unwrap_or_default()),
            // A reset behind an error takes nothing back of what has come.
            Err(_) if told.len() > 1 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(EarlyError::of(&told))
}
