//! Where HAProxy's page is.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::error::HaproxyError;
use crate::http::concealed;

/// What brings the table in place of the web page.
const CSV: &str = "csv";

/// The URL of a page's CSV. Shown, and in its `Debug`, it is without the user and the password.
#[derive(Clone, PartialEq, Eq)]
pub struct HaproxyUrl {
    is_https: bool,
    /// `host:port`, an IPv6 address in brackets.
    host_and_port: String,
    /// With its query, and `;csv` at its end.
    path: String,
    /// The user and the password, as HTTP sends them. Marked as a secret.
    login: Option<HeaderValue>,
}

impl HaproxyUrl {
    /// The page as people write it: `host:7000`, `http://host:7000`, `http://host/haproxy?stats`, each
    /// with or without `;csv` at its end, with `https`, or with `user:password@` before the host.
    ///
    /// # Errors
    /// When it is no URL of a page, in words without the password.
    pub fn read(text: &str) -> Result<Self, HaproxyError> {
        let no_url =
            |reason: &str| HaproxyError::NoUrl { text: concealed(text), reason: reason.to_owned() };
        let text_trimmed = text.trim();
        let full = if text_trimmed.contains("://") {
            text_trimmed.to_owned()
        } else {
            format!("http://{text_trimmed}")
        };
        let url = Url::parse(&full).map_err(|error| no_url(&error.to_string()))?;
        let is_https = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(no_url(&format!("{other}:// is not http://"))),
        };
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return Err(no_url("without a host"));
        };
        let port = url.port_or_known_default().unwrap_or(80);
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path());
        // Of a password with such a sign the rest would be taken for a path, which is shown.
        if path.contains('@') || url.fragment().is_some_and(|fragment| fragment.contains('@')) {
            return Err(no_url(
                "with an @ after the host: in a password write / as %2F, ? as %3F and # as %23",
            ));
        }
        let login =
            login(&url).map_err(|()| no_url("with a user or a password that is no text"))?;
        Ok(Self { is_https, host_and_port: format!("{host}:{port}"), path: with_csv(path), login })
    }

    /// Whether it is asked by TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn host_and_port(&self) -> &str {
        &self.host_and_port
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn login(&self) -> Option<&HeaderValue> {
        self.login.as_ref()
    }
}

impl fmt::Display for HaproxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.host_and_port, self.path)
    }
}

impl fmt::Debug for HaproxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HaproxyUrl({self})")
    }
}

/// A flag of HAProxy's stands at the end of whatever path its page has, after a semicolon.
fn with_csv(mut path: String) -> String {
    if !path.split(';').skip(1).any(|flag| flag == CSV) {
        path.push(';');
        path.push_str(CSV);
    }
    path
}

/// The user and the password in it as HTTP's basic authentication sends them.
fn login(url: &Url) -> Result<Option<HeaderValue>, ()> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    let mut login =
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).map_err(|_| ())?;
    login.set_sensitive(true);
    Ok(Some(login))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        HaproxyUrl::read(text).unwrap().to_string()
    }

    #[test]
    fn pages_are_named_as_people_write_them() {
        for (said, page) in [
            ("host:7000", "http://host:7000/;csv"),
            ("http://host:7000", "http://host:7000/;csv"),
            ("http://host:7000/", "http://host:7000/;csv"),
            ("http://host:7000/;csv", "http://host:7000/;csv"),
            ("http://host:7000/;csv;norefresh", "http://host:7000/;csv;norefresh"),
            ("http://host/haproxy?stats", "http://host:80/haproxy?stats;csv"),
            ("http://host/haproxy?stats;csv", "http://host:80/haproxy?stats;csv"),
            ("host/stats", "http://host:80/stats;csv"),
            ("host:7000/stats#top", "http://host:7000/stats;csv"),
            ("https://host/", "https://host:443/;csv"),
            ("[::1]:7000", "http://[::1]:7000/;csv"),
            (" 10.0.0.1:7000 ", "http://10.0.0.1:7000/;csv"),
        ] {
            assert_eq!(shown(said), page, "{said}");
        }
        for text in ["", "http://", "host:port", "ftp://host", "host:70000"] {
            let words = HaproxyUrl::read(text).unwrap_err().to_string();
            assert!(words.contains("give it as http://host:7000"), "{text}: {words}");
        }
    }

    #[test]
    fn the_user_and_the_password_go_to_the_page_and_nowhere_else() {
        let sent = |text: &str| {
            let url = HaproxyUrl::read(text).unwrap();
            let told = format!("{url} {url:?} {:?}", url.login());
            assert!(!told.contains("S3") && !told.contains("cr3t"), "{text}: {told}");
            url.login().map(|login| login.to_str().unwrap().to_owned())
        };
        assert_eq!(sent("host:7000"), None);
        // As `curl -u` sends them.
        let plain = Some("Basic YWRtaW46UzNjcjN0".to_owned());
        assert_eq!(sent("admin:S3cr3t@host:7000"), plain);
        assert_eq!(sent("http://admin:S3cr3t@host:7000/;csv"), plain);
        assert_eq!(sent("https://admin:S3cr3t@host/haproxy?stats"), plain);
        let signs = Some("Basic YWRtaW46QFMzL2NyM3Q=".to_owned());
        assert_eq!(sent("admin:%40S3%2Fcr3t@host:7000"), signs);
        assert_eq!(sent("admin:@S3%2Fcr3t@host:7000"), signs);
        assert_eq!(sent("http://admin@host:7000"), Some("Basic YWRtaW46".to_owned()));
    }

    #[test]
    fn an_error_does_not_repeat_the_password() {
        for text in [
            "http://u:S3/cr3t@host:7000",
            "http://u:7000/cr3t@host:7000",
            "http://u:7000#cr3t@host",
            "http://u:7000?cr3t@host",
            "ftp://u:S3cr3t@host",
            "u:S3cr3t@ho st",
            "u:S3cr3t@",
            "u:S3://cr3t@host",
        ] {
            let error = HaproxyUrl::read(text).unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(!told.contains("S3") && !told.contains("cr3t"), "{text}: {told}");
        }
    }
}
