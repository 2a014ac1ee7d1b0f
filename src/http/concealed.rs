//! URLs in messages: a complaint must not repeat a password.

/// A URL without secrets: without the user and password in it, and without what follows its path,
/// where a connection string may have a password too.
#[must_use]
pub fn concealed(url: &str) -> String {
    // A password may have the same signs in it.
    let is_scheme = |at: &usize| url[..*at].bytes().all(|byte| byte.is_ascii_alphanumeric());
    let begin = url.find("://").filter(is_scheme).map_or(0, |at| at + 3);
    let (begun, rest) = match url.rfind('@').filter(|at| *at >= begin) {
        Some(at) => (format!("{}***", &url[..begin]), &url[at..]),
        None => (url[..begin].to_owned(), &url[begin..]),
    };
    match rest.split_once(['?', '#']) {
        Some((rest, _)) => format!("{begun}{rest}?***"),
        None => format!("{begun}{rest}"),
    }
}
