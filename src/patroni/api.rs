//! One member's API, one call at a time.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::CONTENT_TYPE;
use hyper::{Method, StatusCode};
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::config;
use super::error::PatroniError;
use super::shapes::{Cluster, HistoryEntry, MemberStatus};
use super::turns::{AskedFor, turns};
use crate::http::{HttpEndpoint, HttpFailure, concealed};
use crate::model::cluster::software::PatroniSettings;
use crate::model::foreign::{plain, said, shortened};
use crate::tls::TlsClient;

/// A large cluster's `/history` has some hundred KiB.
const BYTES_MAX: usize = 1024 * 1024;

/// How much of a foreign answer is shown.
const SHOWN_CHARS_MAX: usize = 80;

/// The API of one member. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PatroniApi {
    /// `http://host:port` or with `https`, without a slash at its end.
    url: String,
    endpoint: HttpEndpoint,
    /// Each call has one of them.
    turns: Arc<Semaphore>,
    /// Of a call, with the wait for its turn.
    deadline: Duration,
}

/// The status of an answer, and its body.
struct ApiResponse {
    url: String,
    status: StatusCode,
    body: Vec<u8>,
}

impl PatroniApi {
    /// The API at `url`: `host:port`, `http://host:port`, with or without a slash at its end, and
    /// an `api_url` as `/cluster` gives it. No call takes longer than `deadline`, connecting and
    /// reading included. One API is asked one question at a time by this process, beside the looks of a
    /// watch ([`Self::for_looks`]): further calls wait for their turn, within their deadline.
    ///
    /// # Errors
    ///
    /// When `url` is no URL of an API, or `https`.
    pub fn new(url: &str, deadline: Duration) -> Result<Self, PatroniError> {
        Self::secured(url, deadline, None)
    }

    /// The same, where `https` is spoken by `tls`.
    ///
    /// # Errors
    ///
    /// When `url` is no URL of an API, or `https` and there is no `tls`.
    pub fn secured(
        url: &str,
        deadline: Duration,
        tls: Option<TlsClient>,
    ) -> Result<Self, PatroniError> {
        let url = base_of(url)?;
        let (scheme, host_and_port) = url.split_once("://").unwrap_or(("http", &url));
        let tls = tls.filter(|_| scheme == "https");
        if scheme == "https" && tls.is_none() {
            return Err(PatroniError::NoTls { url });
        }
        let turns = turns(host_and_port, AskedFor::Questions);
        let endpoint = HttpEndpoint::new(host_and_port, deadline, tls);
        Ok(Self { endpoint, turns, deadline, url })
    }

    /// The same API for the looks of a watch, which wait for no other question.
    #[must_use]
    pub fn for_looks(&self) -> Self {
        Self { turns: turns(self.host_and_port(), AskedFor::Looks), ..self.clone() }
    }

    /// Another member of the same cluster, at the URL that `/cluster` gives: by the same TLS, where this one
    /// speaks it; then never by less.
    ///
    /// # Errors
    ///
    /// As [`Self::secured`], and when this one is asked by `https` and the other would not be.
    pub fn other_member(&self, url: &str, deadline: Duration) -> Result<Self, PatroniError> {
        let other = Self::secured(url, deadline, self.endpoint.tls().cloned())?;
        if self.is_secured() && !other.is_secured() {
            return Err(PatroniError::NotSecured { url: other.url });
        }
        Ok(other)
    }

    /// The one of these by which other members are asked ([`Self::other_member`]): one with `https` has
    /// the certificates that the others need.
    #[must_use]
    pub fn to_others<'a>(apis: impl IntoIterator<Item = &'a Self>) -> Option<&'a Self> {
        apis.into_iter().max_by_key(|api| api.is_secured())
    }

    /// Whether it is asked by `https`.
    fn is_secured(&self) -> bool {
        self.endpoint.tls().is_some()
    }

    /// `host:port`, an IPv6 address in brackets.
    #[must_use]
    pub fn host_and_port(&self) -> &str {
        self.endpoint.host_and_port()
    }

    /// The same API with another deadline: a switchover's answer takes longer than a look.
    ///
    /// # Errors
    ///
    /// When the client cannot be built.
    pub fn with_deadline(&self, deadline: Duration) -> Result<Self, PatroniError> {
        Self::secured(&self.url, deadline, self.endpoint.tls().cloned())
    }

    /// `http://host:port`, or with `https`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The member about itself, if it holds the leader's key; `None` if it does not.
    ///
    /// # Errors
    ///
    /// When no answer of Patroni's comes within the deadline.
    pub async fn primary(&self) -> Result<Option<MemberStatus>, PatroniError> {
        let (leads, status) = self.look().await?;
        Ok(leads.then_some(status))
    }

    /// Whether the member holds the leader's key, and what it says about itself: `GET /primary`.
    ///
    /// # Errors
    ///
    /// When no answer of Patroni's comes within the deadline.
    pub async fn look(&self) -> Result<(bool, MemberStatus), PatroniError> {
        let answer = self.call(Method::GET, "/primary", None).await?;
        let status: MemberStatus = answer.object()?;
        match answer.status {
            StatusCode::OK => Ok((true, status)),
            StatusCode::SERVICE_UNAVAILABLE => Ok((false, status)),
            _ => Err(answer.foreign("which /primary never does".to_owned())),
        }
    }

    /// The member about itself, whatever it is.
    ///
    /// # Errors
    ///
    /// When no answer of Patroni's comes within the deadline.
    pub async fn member(&self) -> Result<MemberStatus, PatroniError> {
        // The status is that of a health check: 503 on one that is not well, with the same body.
        self.call(Method::GET, "/patroni", None).await?.object()
    }

    /// All members, as the cluster's store knows them.
    ///
    /// # Errors
    ///
    /// When no answer of Patroni's comes within the deadline.
    pub async fn cluster(&self) -> Result<Cluster, PatroniError> {
        self.call(Method::GET, "/cluster", None).await?.successful()?.object()
    }

    /// How each timeline ended, oldest first.
    ///
    /// # Errors
    ///
    /// When no answer of Patroni's comes within the deadline.
    pub async fn history(&self) -> Result<Vec<HistoryEntry>, PatroniError> {
        self.call(Method::GET, "/history", None).await?.successful()?.json()
    }

    /// The cluster's dynamic configuration.
    ///
    /// # Errors
    ///
    /// When no answer of Patroni's comes within the deadline.
    pub async fn config(&self) -> Result<PatroniSettings, PatroniError> {
        let answer = self.call(Method::GET, "/config", None).await?.successful()?;
        let told: serde_json::Map<String, serde_json::Value> = answer.object()?;
        config::settings(told)
            .map_err(|what| PatroniError::Setting { url: answer.url.clone(), what })
    }

    /// Changes the cluster's dynamic configuration: what `change` names, and nothing else.
    ///
    /// # Errors
    ///
    /// When Patroni says no, or no answer of Patroni's comes within the deadline.
    pub async fn change_config(&self, change: &serde_json::Value) -> Result<(), PatroniError> {
        let answer = self.call(Method::PATCH, "/config", Some(change.clone())).await?;
        answer.successful().map(|_| ())
    }

    /// Asks that `leader` hands over, to `candidate` if one is named. Patroni answers when it is
    /// done, or has failed: see [`Self::with_deadline`].
    ///
    /// # Errors
    ///
    /// When Patroni says no ([`PatroniError::Said`], with its words), or no answer of Patroni's
    /// comes within the deadline; then it may still happen.
    pub async fn switchover(
        &self,
        leader: &str,
        candidate: Option<&str>,
    ) -> Result<(), PatroniError> {
        let mut request = json!({ "leader": leader });
        if let Some(candidate) = candidate {
            request["candidate"] = candidate.into();
        }
        let answer = self.call(Method::POST, "/switchover", Some(request)).await?;
        answer.successful().map(|_| ())
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        request: Option<serde_json::Value>,
    ) -> Result<ApiResponse, PatroniError> {
        let url = format!("{}{path}", self.url);
        let mut call = self.endpoint.request(method, path);
        if request.is_some() {
            call = call.header(CONTENT_TYPE, "application/json");
        }
        let body = request.map(|json| json.to_string()).unwrap_or_default();
        let asked = async {
            // It is never closed.
            let _turn = self.turns.acquire().await;
            self.endpoint.ask(call, body, BYTES_MAX).await
        };
        let late = |_| HttpFailure::TimedOut { after: self.deadline };
        match timeout(self.deadline, asked).await.map_err(late).flatten() {
            Ok(answer) => Ok(ApiResponse { status: answer.status, url, body: answer.body }),
            Err(failure) => Err(PatroniError::of_http(&url, failure)),
        }
    }
}

impl ApiResponse {
    /// An object, and no list of its values.
    fn object<T: DeserializeOwned>(&self) -> Result<T, PatroniError> {
        match self.body.trim_ascii_start().starts_with(b"[") {
            true => Err(self.foreign("in JSON of another shape (a list)".to_owned())),
            false => self.json(),
        }
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, PatroniError> {
        if matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(self.said());
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let text = self.text();
            self.foreign(match text.as_str() {
                "" => "with an empty body".to_owned(),
                _ if error.is_data() => {
                    format!("in JSON of another shape ({})", said(&error.to_string()))
                }
                _ => format!("no JSON: \"{text}\""),
            })
        })
    }

    fn successful(self) -> Result<Self, PatroniError> {
        if self.status.is_success() { Ok(self) } else { Err(self.said()) }
    }

    fn said(&self) -> PatroniError {
        let (url, status) = (self.url.clone(), self.status.as_u16());
        let words = match self.text() {
            empty if empty.is_empty() => "nothing more".to_owned(),
            text => text,
        };
        PatroniError::Said { url, status, words }
    }

    fn foreign(&self, what: String) -> PatroniError {
        PatroniError::NotPatroni { url: self.url.clone(), status: self.status.as_u16(), what }
    }

    /// The body on one line, cut short, with nothing in it that a terminal could obey.
    fn text(&self) -> String {
        // Each character of an answer has four bytes at most.
        let begin = &self.body[..self.body.len().min(SHOWN_CHARS_MAX * 16)];
        shortened(&plain(&String::from_utf8_lossy(begin)), SHOWN_CHARS_MAX)
    }
}

/// `http://host:port` of what was given, or `https://host:port`.
///
/// # Errors
/// When it is no URL of an API.
pub fn base_of(text: &str) -> Result<String, PatroniError> {
    let no_url =
        |reason: &str| PatroniError::NoUrl { text: concealed(text), reason: reason.to_owned() };
    let text_trimmed = text.trim();
    let full = if text_trimmed.contains("://") {
        text_trimmed.to_owned()
    } else {
        format!("http://{text_trimmed}")
    };
    let url = Url::parse(&full).map_err(|error| no_url(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" => {}
        other => return Err(no_url(&format!("{other}:// is not http://"))),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(no_url("with a name or password in it, which is not supported"));
    }
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(no_url("without a host"));
    };
    // What /cluster gives as api_url ends with /patroni.
    if !matches!(url.path(), "" | "/" | "/patroni") || url.query().is_some() {
        return Err(no_url("with a path after the port"));
    }
    let port = url.port().unwrap_or_else(|| default_port(&full));
    Ok(format!("{}://{host}:{port}", url.scheme()))
}

/// 8008, Patroni's own, unless the scheme's own was written out, which a URL forgets.
fn default_port(full: &str) -> u16 {
    let (scheme, rest) = full.split_once("://").unwrap_or(("http", full));
    let authority = rest.split('/').next().unwrap_or_default();
    match scheme {
        "http" if authority.ends_with(":80") => 80,
        "https" if authority.ends_with(":443") => 443,
        _ => 8008,
    }
}
