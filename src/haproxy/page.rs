//! One look at HAProxy's page.

use std::time::Duration;

use hyper::header::AUTHORIZATION;
use hyper::{Method, StatusCode};

use super::error::HaproxyError;
use super::table::servers;
use super::url::HaproxyUrl;
use crate::http::HttpEndpoint;
use crate::model::cluster::proxy::ProxyServer;
use crate::tls::TlsClient;

/// The table of a thousand servers has some hundred KiB.
const BYTES_MAX: usize = 1024 * 1024;

/// The page of one HAProxy. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HaproxyPage {
    url: HaproxyUrl,
    endpoint: HttpEndpoint,
}

impl HaproxyPage {
    /// The page at `url`, by `tls` where that is `https`. No look takes longer than `deadline`,
    /// connecting and reading included.
    ///
    /// # Errors
    /// When it is `https` and there is no `tls`.
    pub fn new(
        url: HaproxyUrl,
        deadline: Duration,
        tls: Option<TlsClient>,
    ) -> Result<Self, HaproxyError> {
        let tls = tls.filter(|_| url.is_https());
        if url.is_https() && tls.is_none() {
            return Err(HaproxyError::NoTls);
        }
        let endpoint = HttpEndpoint::new(url.host_and_port(), deadline, tls);
        Ok(Self { url, endpoint })
    }

    /// Where it is. Shown, it is without secrets.
    #[must_use]
    pub fn url(&self) -> &HaproxyUrl {
        &self.url
    }

    /// Every server of every backend, in the page's order.
    ///
    /// # Errors
    /// When no table of HAProxy's comes within the deadline.
    pub async fn servers(&self) -> Result<Vec<ProxyServer>, HaproxyError> {
        let mut request = self.endpoint.request(Method::GET, self.url.path());
        if let Some(login) = self.url.login() {
            request = request.header(AUTHORIZATION, login);
        }
        let answer = self.endpoint.ask(request, String::new(), BYTES_MAX).await?;
        match answer.status {
            StatusCode::OK => servers(&answer.body),
            StatusCode::UNAUTHORIZED if self.url.login().is_some() => Err(HaproxyError::WrongLogin),
            StatusCode::UNAUTHORIZED => Err(HaproxyError::NoLogin),
            other => Err(HaproxyError::Status { status: other.as_u16() }),
        }
    }
}
