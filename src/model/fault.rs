//! What can go wrong between a client and a PostgreSQL cluster, and the class it belongs to.
//!
//! Classes come from the SQLSTATE, the kind of the io error and the phase, never from the text
//! of a message, which the server may translate.

use std::fmt;
use std::io::ErrorKind;

use serde::{Deserialize, Serialize};

use crate::model::connect_cause::ConnectCause;
use crate::model::foreign;
use crate::model::own_limit::OwnLimit;
use crate::model::tls_cause::TlsCause;

/// The classes of errors. The names are those of log, record and report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A session that was up ended: EOF, reset, broken pipe, 57P01, 57P02, 08xxx.
    ConnectionLost,
    /// No server listens: the connect was refused, or the Unix socket is missing.
    Refused,
    /// 25006, or the session is in recovery or read-only after connecting.
    ReadOnly,
    /// Accepted, then closed before the server's first word: a proxy with no live server.
    NoBackend,
    /// 57P03: starting up, shutting down or in recovery.
    Starting,
    /// A client-side deadline passed, or the kernel's own (ETIMEDOUT).
    Timeout,
    /// No route to host or network, or no way to try: the message says which.
    Unreachable,
    /// The name has no address.
    Resolve,
    /// A server that is not what `target_session_attrs` of `--read-dsn` asks for.
    WrongRole,
    /// 53xxx: too many connections, out of memory, disk full; or the server cannot fork.
    Overloaded,
    /// 28xxx, or a password that is missing.
    Auth,
    /// The TLS handshake or the certificate.
    Tls,
    /// 40001, 40P01.
    Conflict,
    /// What answers is not PostgreSQL, or breaks its protocol: HTTP, garbage, a transaction that
    /// something between has opened, a write's answer without its row.
    Protocol,
    /// A limit of pgchaos's own machine: no file descriptors, no ports, no memory, no threads. It
    /// says nothing of the cluster.
    Local,
    /// Any other SQLSTATE, shown as it is.
    Sql,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::ConnectionLost,
        Self::Refused,
        Self::ReadOnly,
        Self::NoBackend,
        Self::Starting,
        Self::Timeout,
        Self::Unreachable,
        Self::Resolve,
        Self::WrongRole,
        Self::Overloaded,
        Self::Auth,
        Self::Tls,
        Self::Conflict,
        Self::Protocol,
        Self::Local,
        Self::Sql,
    ];

    /// The name in log, record and report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectionLost => "connection_lost",
            Self::Refused => "refused",
            Self::ReadOnly => "read_only",
            Self::NoBackend => "no_backend",
            Self::Starting => "starting",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Resolve => "resolve",
            Self::WrongRole => "wrong_role",
            Self::Overloaded => "overloaded",
            Self::Auth => "auth",
            Self::Tls => "tls",
            Self::Conflict => "conflict",
            Self::Protocol => "protocol",
            Self::Local => "local",
            Self::Sql => "sql",
        }
    }

    /// Whether waiting cannot mend it: before the first success it ends the run, with a remedy.
    /// After the first success nothing ends the load.
    #[must_use]
    pub fn hopeless_before_first_success(self) -> bool {
        matches!(self, Self::Auth | Self::Tls | Self::Protocol | Self::Sql)
    }
}

/// What a pooler refuses however often it is asked: it has one SQLSTATE, 08P01, for all errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolerRefusal {
    /// A parameter at the start of the session, such as `options`.
    StartupParameter,
    /// The login, or the database's name.
    Login,
    /// A session without TLS.
    NoTls,
    /// Transactions: it gives each statement another server session.
    Transactions,
    /// Its database is the pooler's own, and answers no SQL.
    Console,
}

impl Fault {
    /// What a pooler refuses here for good.
    ///
    /// The one place where words count: `PgBouncer` says everything with one SQLSTATE, also that
    /// its server is not up yet, and it translates nothing. Where its words are others, it is waited
    /// for.
    #[must_use]
    pub fn pooler_refusal(&self) -> Option<PoolerRefusal> {
        if self.sqlstate.as_deref() != Some("08P01") || !self.phase.is_connecting() {
            return None;
        }
        let said = |words: &str| self.message.contains(words);
        if said("unsupported startup parameter") {
            Some(PoolerRefusal::StartupParameter)
        } else if said("SSL required") {
            Some(PoolerRefusal::NoTls)
        } else if said("transaction blocks not allowed") {
            Some(PoolerRefusal::Transactions)
        } else if said("admin console") {
            Some(PoolerRefusal::Console)
        } else if ["authentication failed", "no such user", "no such database", "does not exist"]
            .into_iter()
            .any(said)
        {
            Some(PoolerRefusal::Login)
        } else {
            None
        }
    }

    /// Whether a pooler could not read how the session began: something before it may be a header of the
    /// PROXY protocol. A packet that comes in two pieces has the same words, so that it is no proof.
    #[must_use]
    pub fn may_follow_a_proxy_header(&self) -> bool {
        self.sqlstate.as_deref() == Some("08P01")
            && self.phase == Phase::Authenticate
            && ["client sent partial pkt in startup phase", "bad packet header"]
                .into_iter()
                .any(|words| self.message.contains(words))
    }

    /// Whether waiting cannot mend it: see [`Class::hopeless_before_first_success`].
    #[must_use]
    pub fn hopeless_before_first_success(&self) -> bool {
        // A cancel, or a limit of time that a busy machine reaches, may not come again.
        let of_time =
            matches!(self.sqlstate.as_deref(), Some("57014" | "25P03" | "25P04" | "57P05"));
        (self.class.hopeless_before_first_success() && !of_time) || self.pooler_refusal().is_some()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the client was doing when it went wrong, in the order of a session's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Looking up the name.
    Resolve,
    /// Opening the TCP or Unix socket.
    Connect,
    /// TLS, startup packet, authentication.
    Authenticate,
    /// The first query: which server it is, and whether it takes writes.
    Check,
    /// Session up, nothing in flight.
    Idle,
    /// A write in flight.
    Write,
    /// A read in flight.
    Read,
}

impl Phase {
    /// Whether a session was being opened, not used.
    #[must_use]
    pub fn is_connecting(self) -> bool {
        self <= Self::Check
    }

    /// In words, to follow "during".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolve => "name lookup",
            Self::Connect => "connect",
            Self::Authenticate => "authentication",
            Self::Check => "session check",
            Self::Idle => "idle",
            Self::Write => "write",
            Self::Read => "read",
        }
    }
}

/// How severe the server called it. Only an ERROR leaves the session up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The statement failed and its transaction is rolled back.
    Error,
    /// FATAL or PANIC: the session ended.
    Fatal,
}

/// What the driver showed of a failure, before it has a class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// SQLSTATE and severity of the server's error message.
    pub sqlstate: Option<(String, Severity)>,
    /// The io error, by kind.
    pub io: Option<ErrorKind>,
    /// The io error, where it says that pgchaos itself ran out of something.
    pub own_limit: Option<OwnLimit>,
    /// The TLS layer failed, for this reason.
    pub tls: Option<TlsCause>,
    /// The client's side of authentication failed, such as a password that is missing.
    pub authentication: bool,
    /// What stood between the connect and its session, where it is known.
    pub connect_cause: Option<ConnectCause>,
    /// A client-side deadline passed.
    pub deadline: bool,
    /// The server had sent at least one byte on this connection.
    pub server_spoke: bool,
    /// Its first bytes were none of PostgreSQL's.
    pub foreign: bool,
    /// A server process ended the session as its postmaster had died.
    pub postmaster_died: bool,
    /// The server has no process for the session.
    pub no_process: bool,
}

impl Evidence {
    /// The class of this evidence, in this phase.
    #[must_use]
    pub fn class(&self, phase: Phase) -> Class {
        if self.own_limit.is_some() {
            return Class::Local;
        }
        if self.foreign {
            return Class::Protocol;
        }
        if self.no_process {
            return Class::Overloaded;
        }
        if self.deadline {
            return Class::Timeout;
        }
        if let Some((sqlstate, _)) = &self.sqlstate {
            return class_of_sqlstate(sqlstate);
        }
        if self.tls.is_some() {
            // On a session that was up it is one more way to lose it.
            let is_handshake = phase <= Phase::Authenticate;
            return if is_handshake { Class::Tls } else { Class::ConnectionLost };
        }
        if self.authentication {
            return Class::Auth;
        }
        match (phase, self.io) {
            (Phase::Resolve, _) => Class::Resolve,
            // The bytes are no valid answer: only their decoder makes these kinds.
            (
                Phase::Authenticate | Phase::Check | Phase::Idle | Phase::Write | Phase::Read,
                Some(ErrorKind::InvalidData | ErrorKind::InvalidInput),
            ) => Class::Protocol,
            (_, Some(ErrorKind::TimedOut)) => Class::Timeout,
            // A missing Unix socket is a missing listener.
            (_, Some(ErrorKind::ConnectionRefused))
            | (Phase::Connect, Some(ErrorKind::NotFound)) => Class::Refused,
            (
                _,
                Some(
                    ErrorKind::HostUnreachable
                    | ErrorKind::NetworkUnreachable
                    | ErrorKind::NetworkDown
                    | ErrorKind::AddrNotAvailable,
                ),
            ) => Class::Unreachable,
            // A reset before the connect returns comes from a listener that closed the connection.
            (Phase::Connect, Some(kind)) if kind != ErrorKind::ConnectionReset => {
                Class::Unreachable
            }
            (Phase::Connect | Phase::Authenticate, _) if !self.server_spoke => Class::NoBackend,
            _ => Class::ConnectionLost,
        }
    }

    /// Whether this answer to a write proves that the write is not committed.
    ///
    /// Only an ERROR does: its transaction is rolled back. FATAL and PANIC can come after the
    /// commit. Some SQLSTATEs say that a session ended or that the outcome is unknown, and an
    /// internal or a system error can be that of a pooler, which knows nothing of the commit.
    #[must_use]
    pub fn proves_rejection(&self) -> bool {
        match &self.sqlstate {
            Some((sqlstate, Severity::Error)) => {
                !matches!(sqlstate.as_str(), "57P01" | "57P02" | "57P05" | "40003")
                    && !matches!(sqlstate.get(..2), None | Some("08" | "58" | "XX"))
            }
            _ => false,
        }
    }
}

fn class_of_sqlstate(sqlstate: &str) -> Class {
    match sqlstate {
        "25006" => Class::ReadOnly,
        // 57P05 is idle_session_timeout: the server ended a session that was up.
        "57P01" | "57P02" | "57P05" => Class::ConnectionLost,
        "57P03" => Class::Starting,
        "40001" | "40P01" => Class::Conflict,
        _ => match sqlstate.get(..2) {
            Some("08") => Class::ConnectionLost,
            Some("53") => Class::Overloaded,
            Some("28") => Class::Auth,
            _ => Class::Sql,
        },
    }
}

/// One failure, with its class and words for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its class.
    pub class: Class,
    /// What was being done.
    pub phase: Phase,
    /// The server's SQLSTATE, where the server said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// A server process ended the session as its postmaster had died. It says so with the SQLSTATE
    /// of an administrator's command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub postmaster_died: bool,
    /// What stood between the connect and its session, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_cause: Option<ConnectCause>,
    /// `host:port`, with the address that was dialled where the host is a name: `db:5432
    /// (10.0.0.3)`; for a Unix socket its folder and port.
    #[serde(deserialize_with = "foreign::read_message")]
    pub endpoint: String,
    /// What happened, with the chain of causes.
    #[serde(deserialize_with = "foreign::read_message")]
    pub message: String,
    /// Of class `local`: what pgchaos itself ran out of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_limit: Option<OwnLimit>,
    /// Of class `tls`: why TLS failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_cause: Option<TlsCause>,
}

impl Fault {
    /// The fault that this evidence is.
    #[must_use]
    pub fn of(evidence: &Evidence, phase: Phase, endpoint: String, message: String) -> Self {
        let sqlstate = evidence.sqlstate.as_ref().map(|(sqlstate, _)| sqlstate.clone());
        let postmaster_died = evidence.postmaster_died;
        let connect_cause = evidence.connect_cause;
        let (class, own_limit) = (evidence.class(phase), evidence.own_limit);
        Self {
            class,
            phase,
            sqlstate,
            postmaster_died,
            connect_cause,
            endpoint,
            message,
            own_limit,
            tls_cause: evidence.tls.filter(|_| class == Class::Tls),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlstate(code: &str, severity: Severity) -> Evidence {
        Evidence {
            sqlstate: Some((code.to_owned(), severity)),
            server_spoke: true,
            ..Evidence::default()
        }
    }

    fn io(kind: ErrorKind) -> Evidence {
        Evidence { io: Some(kind), ..Evidence::default() }
    }

    #[test]
    fn a_closed_connection_is_lost_only_after_the_servers_first_word() {
        let silent = Evidence::default();
        let spoke = Evidence { server_spoke: true, ..Evidence::default() };
        assert_eq!(silent.class(Phase::Authenticate), Class::NoBackend);
        assert_eq!(io(ErrorKind::ConnectionReset).class(Phase::Authenticate), Class::NoBackend);
        assert_eq!(spoke.class(Phase::Authenticate), Class::ConnectionLost);
        assert_eq!(spoke.class(Phase::Check), Class::ConnectionLost);
        assert_eq!(silent.class(Phase::Idle), Class::ConnectionLost);
    }

    #[test]
    fn sqlstates_have_their_classes() {
        for (code, class) in [
            ("57P01", Class::ConnectionLost),
            ("57P02", Class::ConnectionLost),
            ("08006", Class::ConnectionLost),
            ("57P03", Class::Starting),
            ("25006", Class::ReadOnly),
            ("53300", Class::Overloaded),
            ("53100", Class::Overloaded),
            ("28P01", Class::Auth),
            ("28000", Class::Auth),
            ("40001", Class::Conflict),
            ("40P01", Class::Conflict),
            ("42P01", Class::Sql),
            ("57014", Class::Sql),
        ] {
            assert_eq!(sqlstate(code, Severity::Error).class(Phase::Write), class, "{code}");
        }
    }

    #[test]
    fn only_an_error_proves_that_a_write_is_not_committed() {
        assert!(sqlstate("25006", Severity::Error).proves_rejection());
        assert!(sqlstate("57014", Severity::Error).proves_rejection());
        assert!(!sqlstate("57P01", Severity::Fatal).proves_rejection());
        assert!(!sqlstate("53100", Severity::Fatal).proves_rejection());
        assert!(!sqlstate("08007", Severity::Error).proves_rejection());
        assert!(sqlstate("23505", Severity::Error).proves_rejection());
        for unproven in
            ["40003", "57P01", "57P02", "57P05", "08006", "58000", "58030", "XX000", "XX001", ""]
        {
            assert!(!sqlstate(unproven, Severity::Error).proves_rejection(), "{unproven}");
        }
        assert!(!io(ErrorKind::BrokenPipe).proves_rejection());
        assert!(!Evidence { deadline: true, ..Evidence::default() }.proves_rejection());
    }

    #[test]
    fn bytes_that_are_no_answer_are_a_breach_of_the_protocol_once_connected() {
        for phase in [Phase::Authenticate, Phase::Check, Phase::Idle, Phase::Write, Phase::Read] {
            assert_eq!(io(ErrorKind::InvalidData).class(phase), Class::Protocol, "{phase:?}");
        }
        assert_eq!(io(ErrorKind::InvalidInput).class(Phase::Connect), Class::Unreachable);
        let silent = Evidence { foreign: true, deadline: true, ..Evidence::default() };
        assert_eq!(silent.class(Phase::Authenticate), Class::Protocol);
    }

    #[test]
    fn what_a_pooler_refuses_for_good_is_told_from_what_may_pass() {
        let fault = |message: &str, phase| {
            let evidence = sqlstate("08P01", Severity::Fatal);
            Fault::of(&evidence, phase, "db:6432".to_owned(), message.to_owned())
        };
        let no_tls = fault("SSL required", Phase::Authenticate);
        assert_eq!(no_tls.pooler_refusal(), Some(PoolerRefusal::NoTls));
        assert!(no_tls.hopeless_before_first_success() && !no_tls.may_follow_a_proxy_header());
        for words in ["client sent partial pkt in startup phase", "bad packet header"] {
            let unread = fault(words, Phase::Authenticate);
            assert!(unread.may_follow_a_proxy_header(), "{words}");
            assert!(!unread.hopeless_before_first_success(), "{words}: it may pass");
            assert!(!fault(words, Phase::Write).may_follow_a_proxy_header(), "{words}");
        }
    }

    #[test]
    fn a_server_that_cannot_fork_is_overloaded() {
        let no_process = Evidence { no_process: true, server_spoke: true, ..io(ErrorKind::Other) };
        assert_eq!(no_process.class(Phase::Authenticate), Class::Overloaded);
        assert!(!no_process.proves_rejection());
    }

    #[test]
    fn what_pgchaos_itself_runs_out_of_is_local_in_every_phase() {
        for phase in [Phase::Resolve, Phase::Connect, Phase::Write, Phase::Idle] {
            let evidence =
                Evidence { own_limit: Some(OwnLimit::Descriptors), ..io(ErrorKind::Other) };
            assert_eq!(evidence.class(phase), Class::Local, "{phase:?}");
            assert!(!evidence.proves_rejection());
        }
        assert!(!Class::Local.hopeless_before_first_success());
    }

    #[test]
    fn io_errors_have_their_classes() {
        for (kind, class) in [
            (ErrorKind::ConnectionRefused, Class::Refused),
            (ErrorKind::NotFound, Class::Refused),
            (ErrorKind::TimedOut, Class::Timeout),
            (ErrorKind::HostUnreachable, Class::Unreachable),
            (ErrorKind::NetworkUnreachable, Class::Unreachable),
            (ErrorKind::ConnectionReset, Class::NoBackend),
            // Such as a packet filter of the client's own.
            (ErrorKind::Other, Class::Unreachable),
        ] {
            assert_eq!(io(kind).class(Phase::Connect), class, "{kind}");
        }
        assert_eq!(io(ErrorKind::Other).class(Phase::Resolve), Class::Resolve);
    }

    #[test]
    fn what_fails_under_tls_is_not_waited_for_but_for_a_file_that_is_being_replaced() {
        let fault = |cause| {
            let evidence = Evidence { tls: Some(cause), ..Evidence::default() };
            Fault::of(&evidence, Phase::Authenticate, "h:1".to_owned(), "m".to_owned())
        };
        for cause in TlsCause::ALL {
            assert_eq!(fault(cause).class, Class::Tls);
            assert!(fault(cause).hopeless_before_first_success(), "{cause:?}");
        }
        let own_limit = Some(OwnLimit::TlsFiles);
        let evidence = Evidence { tls: Some(TlsCause::OwnFile), own_limit, ..Evidence::default() };
        let own = Fault::of(&evidence, Phase::Authenticate, "h:1".to_owned(), "m".to_owned());
        assert_eq!(own.class, Class::Local);
        assert!(!own.hopeless_before_first_success());
    }
}
