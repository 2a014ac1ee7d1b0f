//! Where a session leads: the name in its faults, and the kernel's limits on waiting for it.

use std::time::Duration;

use super::host_address::HostAddress;
use crate::model::fault::{Class, Fault, Phase};
use crate::model::own_limit::OwnLimit;
use crate::pg::failure::SessionFailure;
use crate::pg::settings::{ConnectSettings, Host};

/// Where a session leads, and how long the kernel waits for it. Turns a [`SessionFailure`] into a
/// [`Fault`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// `host:port`, with the address that was dialled where the host is a name.
    pub name: String,
    /// How long sent data may stay unacknowledged; `None` where no such limit holds.
    tcp_user_timeout: Option<Duration>,
}

impl Endpoint {
    /// The endpoint of this place.
    #[must_use]
    pub fn of(settings: &ConnectSettings, place: &HostAddress<'_>) -> Self {
        let by_tcp = place.address.is_some() && cfg!(target_os = "linux");
        let tcp_user_timeout = settings.tcp_user_timeout.filter(|limit| by_tcp && !limit.is_zero());
        Self { name: place.to_string(), tcp_user_timeout }
    }

    /// A host that has no known address.
    #[must_use]
    pub fn unresolved(host: &Host) -> Self {
        Self { name: host.to_string(), tcp_user_timeout: None }
    }

    /// The fault of a failure in this phase. Where the system's words do not tell what happened, better
    /// ones take their place.
    #[must_use]
    pub fn fault(&self, failure: impl Into<SessionFailure>, phase: Phase) -> Fault {
        let (evidence, words) = failure.into().into_parts();
        let message = match (evidence.own_limit, evidence.class(phase)) {
            // They name the file, and what is wrong with it.
            (Some(OwnLimit::TlsFiles), _) => words,
            (Some(limit), _) => format!("pgchaos itself ran out of {}", limit.name()),
            (None, Class::Timeout) if !evidence.deadline => self.kernel_words(phase),
            _ => words,
        };
        Fault::of(&evidence, phase, self.name.clone(), message)
    }

    /// Which of the kernel's limits ended a connection (ETIMEDOUT). With unacknowledged data it is
    /// `tcp_user_timeout` where that is set; an idle connection has only keepalives.
    fn kernel_words(&self, phase: Phase) -> String {
        match (phase, self.tcp_user_timeout) {
            (Phase::Idle, _) => "no sign of life while idle (keepalives)".to_owned(),
            (_, Some(limit)) => {
                format!("no sign of life for {:.1} s (tcp_user_timeout)", limit.as_secs_f64())
            }
            (Phase::Resolve | Phase::Connect, None) => {
                "no answer until the kernel gave up (its tcp_syn_retries)".to_owned()
            }
            (_, None) => {
                "no sign of life until the kernel gave up (its retries or keepalives)".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::model::fault::Evidence;
    use crate::pg::failure::guard::Guard;

    fn message(tcp_user_timeout: Option<Duration>, phase: Phase) -> String {
        let endpoint = Endpoint { name: "db:5432 (10.0.0.3)".to_owned(), tcp_user_timeout };
        let io = Some(ErrorKind::TimedOut);
        let evidence = Evidence { io, server_spoke: true, ..Evidence::default() };
        let raw = "Connection timed out (os error 110)";
        let fault = endpoint.fault(SessionFailure::new(evidence, raw), phase);
        assert_eq!((fault.class, &*fault.endpoint), (Class::Timeout, "db:5432 (10.0.0.3)"));
        fault.message
    }

    #[test]
    fn the_kernels_guards_are_named() {
        let limit = Some(Duration::from_secs(3));
        let by_limit = "no sign of life for 3.0 s (tcp_user_timeout)";
        for phase in [Phase::Connect, Phase::Authenticate, Phase::Check, Phase::Write, Phase::Read]
        {
            assert_eq!(message(limit, phase), by_limit, "{phase:?}");
        }
        for set in [limit, None] {
            assert_eq!(message(set, Phase::Idle), "no sign of life while idle (keepalives)");
        }
        assert!(message(None, Phase::Connect).contains("tcp_syn_retries"));
        assert!(message(None, Phase::Write).contains("kernel gave up"));
    }

    #[test]
    fn own_deadlines_are_named_by_their_option() {
        let endpoint = Endpoint::default();
        let waited = Duration::from_secs(5);
        let fault = |guard| endpoint.fault(SessionFailure::deadline(guard, waited), Phase::Write);
        assert_eq!(fault(Guard::WriteTimeout).message, "no answer within 5.0 s (--write-timeout)");
        assert_eq!(
            fault(Guard::ConnectTimeout).message,
            "no answer within 5.0 s (--connect-timeout)"
        );
        assert_eq!(fault(Guard::WriteTimeout).class, Class::Timeout);
    }

    #[test]
    fn a_limit_of_its_own_is_said_to_be_its_own() {
        let own_limit = Some(OwnLimit::Descriptors);
        let evidence = Evidence { own_limit, ..Evidence::default() };
        let failure = SessionFailure::new(evidence, "Too many open files (os error 24)");
        let fault = Endpoint::default().fault(failure, Phase::Connect);
        assert_eq!(fault.message, "pgchaos itself ran out of file descriptors");
        assert_eq!((fault.class, fault.own_limit), (Class::Local, own_limit));
    }
}
