//! A server that is asked by HTTP.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hyper::header::{ACCEPT, HOST};
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode};
use tokio::net::{TcpStream, lookup_host};

use super::exchange::{NoAnswer, exchange};
use super::failure::HttpFailure;
use crate::tls::TlsClient;

/// A server that is asked by HTTP, or by HTTPS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpEndpoint {
    /// `host:port`, an IPv6 address in brackets.
    host_and_port: String,
    deadline: Duration,
    /// For `https`.
    tls: Option<TlsClient>,
}

/// What came back.
#[derive(Debug)]
pub struct HttpAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Vec<u8>,
}

impl HttpEndpoint {
    /// The server at `host:port` (an IPv6 address in brackets), by TLS where there is a client for
    /// it. No exchange takes longer than `deadline`, connecting and reading included.
    #[must_use]
    pub fn new(host_and_port: &str, deadline: Duration, tls: Option<TlsClient>) -> Self {
        Self { host_and_port: host_and_port.to_owned(), deadline, tls }
    }

    /// `host:port`, an IPv6 address in brackets.
    #[must_use]
    pub fn host_and_port(&self) -> &str {
        &self.host_and_port
    }

    /// By what `https` is spoken; `None` for `http`.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsClient> {
        self.tls.as_ref()
    }

    /// The beginning of a request to it.
    #[must_use]
    pub fn request(&self, method: Method, path: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host_and_port)
            .header(ACCEPT, "*/*")
    }

    /// Sends a request with this body, and takes the answer with a body of `body_max` bytes at most.
    ///
    /// # Errors
    /// When no whole answer comes within the deadline.
    pub async fn ask(
        &self,
        request: Builder,
        body: String,
        body_max: usize,
    ) -> Result<HttpAnswer, HttpFailure> {
        let asked = async {
            let request = request.body(body)?;
            // A new connection for each call: a kept one would hide that the port is closed now. No
            // proxy and no redirect: each server is asked at its own address.
            let stream = self.connect().await?;
            match &self.tls {
                None => exchange(stream, request, body_max).await,
                Some(tls) => {
                    let stream = tls.handshake(self.host(), stream).await?;
                    exchange(stream, request, body_max).await
                }
            }
        };
        match tokio::time::timeout(self.deadline, asked).await {
            Ok(Ok((status, body))) => Ok(HttpAnswer { status, body }),
            Ok(Err(NoAnswer::TooLarge)) => Err(HttpFailure::TooLarge { bytes_max: body_max }),
            Ok(Err(NoAnswer::Failed(error))) => Err(HttpFailure::of(&*error)),
            Err(_) => Err(HttpFailure::TimedOut { after: self.deadline }),
        }
    }

    /// The name or address that its certificate is to be for.
    fn host(&self) -> &str {
        let host = self.host_and_port.rsplit_once(':').map_or("", |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Connects to the addresses of the name one after another, each with its share of the
    /// deadline, so that a silent one leaves time for the others.
    async fn connect(&self) -> io::Result<TcpStream> {
        let addresses: Vec<SocketAddr> = lookup_host(&self.host_and_port).await?.collect();
        let share = self.deadline / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
        for address in addresses {
            match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }
}
