//! What ends a wait for a server: a deadline of pgchaos's own, or the kernel; and the words that
//! name it.

use std::time::Duration;

use super::host_address::HostAddress;
use super::settings::{ConnectSettings, Host};
use crate::model::fault::{Class, Evidence, Fault, Phase};

/// A deadline of pgchaos's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Of a whole connect to one address.
    ConnectTimeout,
    /// Of a write or a read of the load.
    WriteTimeout,
    /// The load has ended: what is in flight has a few seconds more.
    EndOfLoad,
    /// Of a step of the set-up or of the verification.
    Step,
}

impl Guard {
    /// That no answer came, and which deadline said enough.
    #[must_use]
    pub fn words(self, waited: Duration) -> String {
        let seconds = waited.as_secs_f64();
        match self {
            Self::ConnectTimeout => format!("no answer within {seconds:.1} s (--connect-timeout)"),
            Self::WriteTimeout => format!("no answer within {seconds:.1} s (--write-timeout)"),
            Self::EndOfLoad => format!("no answer within {seconds:.1} s, as the load has ended"),
            Self::Step => format!("no answer within {seconds:.1} s"),
        }
    }
}

/// Where a session leads, and how long the kernel waits on it: what the faults of the session need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dialled {
    /// `host:port`, with the address that was dialled where the host is a name.
    pub endpoint: String,
    /// How long what was sent may stay without a sign of life.
    tcp_user_timeout: Option<Duration>,
}

impl Dialled {
    /// A place, by these settings.
    #[must_use]
    pub fn of(settings: &ConnectSettings, place: &HostAddress<'_>) -> Self {
        let by_tcp = place.address.is_some() && cfg!(target_os = "linux");
        let tcp_user_timeout = settings.tcp_user_timeout.filter(|limit| by_tcp && !limit.is_zero());
        Self { endpoint: place.to_string(), tcp_user_timeout }
    }

    /// A host whose addresses are not known.
    #[must_use]
    pub fn unresolved(host: &Host) -> Self {
        Self { endpoint: host.to_string(), tcp_user_timeout: None }
    }

    /// The fault that this evidence is. The system's own words are replaced where they do not say
    /// what happened.
    #[must_use]
    pub fn fault(&self, evidence: &Evidence, phase: Phase, message: String) -> Fault {
        let message = match (evidence.own_limit, evidence.class(phase)) {
            (Some(limit), _) => format!("pgchaos itself ran out of {}", limit.name()),
            (None, Class::Timeout) if !evidence.deadline => self.kernel_words(phase),
            _ => message,
        };
        Fault::of(evidence, phase, self.endpoint.clone(), message)
    }

    /// The fault of a wait that reached its deadline.
    #[must_use]
    pub fn deadline_fault(&self, phase: Phase, waited: Duration, guard: Guard) -> Fault {
        let evidence = Evidence { deadline: true, server_spoke: true, ..Evidence::default() };
        self.fault(&evidence, phase, guard.words(waited))
    }

    /// Which of the kernel's guards ended a connection (ETIMEDOUT). With something unanswered it
    /// is `tcp_user_timeout` where that is set; while idle only keepalives are sent.
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
    use crate::model::own_limit::OwnLimit;

    fn message(tcp_user_timeout: Option<Duration>, phase: Phase) -> String {
        let dialled = Dialled { endpoint: "db:5432 (10.0.0.3)".to_owned(), tcp_user_timeout };
        let io = Some(ErrorKind::TimedOut);
        let evidence = Evidence { io, server_spoke: true, ..Evidence::default() };
        let raw = "Connection timed out (os error 110)".to_owned();
        let fault = dialled.fault(&evidence, phase, raw);
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
        let dialled = Dialled::default();
        let fault = |guard| dialled.deadline_fault(Phase::Write, Duration::from_secs(5), guard);
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
        let raw = "Too many open files (os error 24)".to_owned();
        let fault = Dialled::default().fault(&evidence, Phase::Connect, raw);
        assert_eq!(fault.message, "pgchaos itself ran out of file descriptors");
        assert_eq!((fault.class, fault.own_limit), (Class::Local, own_limit));
    }
}
