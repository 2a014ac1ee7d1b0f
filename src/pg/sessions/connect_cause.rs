//! The words for what stood between a connect and its session.

use crate::model::connect_cause::ConnectCause;

/// All that there is to say of it, where what the server said, if anything, adds nothing, or is not to be trusted yet.
pub(super) const fn words(cause: ConnectCause) -> Option<&'static str> {
    Some(match cause {
        ConnectCause::PasswordMissing => {
            "the server asks for a password, and none was given (the default \"postgres\" is only sent over a Unix \
             socket or to a loopback address)"
        }
        ConnectCause::PasswordWithheld => {
            "the server asks for a password, and only the record names this host: it may come from anywhere, so that \
             no password is sent there"
        }
        // The server chooses the number, and 100,000 block the thread for some 50 ms.
        ConnectCause::TooManyRounds => {
            "the password of this role is stored with more than 100,000 rounds of SCRAM (scram_iterations), more than \
             pgchaos computes"
        }
        ConnectCause::NoBinding => {
            "channel_binding=require, and the login was not bound: what ends TLS offers no binding (SCRAM-SHA-256-PLUS), or \
             this role logs in without one (as with trust, md5 and cert)"
        }
        ConnectCause::NoTlsToBind => {
            "channel_binding=require, and the connection has no TLS to bind the login to"
        }
        ConnectCause::NoTlsOnSocket => {
            "channel_binding=require, and a Unix socket has no TLS to bind the login to"
        }
        // The server says why.
        ConnectCause::RefusedOverTls
        | ConnectCause::RefusedWithoutCertificate
        | ConnectCause::RefusedWithCertificate => return None,
        // Only poolers answer so.
        ConnectCause::TlsRequestRefused => {
            "an error was the answer to the request for TLS: a pooler that is full, or that does not read a PROXY \
             header (send-proxy) before it? Its log tells (nothing proves yet that the words are its own, so that \
             they are not shown)"
        }
        ConnectCause::Http => "HTTP answers there, not PostgreSQL: a web page or an API",
    })
}
