//! A primary with its standby, a server that is read-only by its settings, and ports where nothing is.

use crate::support::{Postgres, free_port};

/// One of the servers, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Primary,
    Standby,
    /// A primary whose sessions are read-only by `default_transaction_read_only`.
    ReadOnly,
    /// Nothing listens.
    Dead,
    /// Nothing listens there either.
    AlsoDead,
}

pub(crate) struct Servers {
    pub(crate) primary: Postgres,
    pub(crate) standby: Postgres,
    pub(crate) read_only: Postgres,
    dead: [u16; 2],
}

impl Servers {
    pub(crate) fn start() -> Self {
        let primary = Postgres::start();
        let standby = primary.standby();
        let read_only = Postgres::with_settings(&[("default_transaction_read_only", "on")]);
        Self { primary, standby, read_only, dead: [free_port(), free_port()] }
    }

    pub(crate) fn port(&self, at: At) -> u16 {
        match at {
            At::Primary => self.primary.port(),
            At::Standby => self.standby.port(),
            At::ReadOnly => self.read_only.port(),
            At::Dead => self.dead[0],
            At::AlsoDead => self.dead[1],
        }
    }

    fn ports(&self, hosts: &[At]) -> String {
        let ports: Vec<String> = hosts.iter().map(|at| self.port(*at).to_string()).collect();
        ports.join(",")
    }

    /// These hosts as a URI, with more of its parameters.
    pub(crate) fn uri(&self, hosts: &[At], parameters: &str) -> String {
        let hosts: Vec<String> =
            hosts.iter().map(|at| format!("127.0.0.1:{}", self.port(*at))).collect();
        format!("postgresql://postgres:postgres@{}/postgres?{parameters}", hosts.join(","))
    }

    /// The same as `key=value`.
    pub(crate) fn key_value(&self, hosts: &[At], options: &str) -> String {
        let names = vec!["127.0.0.1"; hosts.len()].join(",");
        format!(
            "host={names} port={} user=postgres password=postgres dbname=postgres {options}",
            self.ports(hosts)
        )
    }

    /// What pgchaos says of a host where it cannot write.
    pub(crate) fn why_not(&self, at: At) -> String {
        let endpoint = format!("127.0.0.1:{}", self.port(at));
        let why = match at {
            At::Primary => panic!("it takes writes"),
            At::Standby => format!("{endpoint} takes no writes (in recovery)"),
            At::ReadOnly => format!("{endpoint} takes no writes (read-only by its settings)"),
            At::Dead | At::AlsoDead => "Connection refused (os error 111)".to_owned(),
        };
        format!("{endpoint}: {why}")
    }

    /// Which one this port is.
    pub(crate) fn at(&self, port: u16) -> At {
        let all = [At::Primary, At::Standby, At::ReadOnly, At::Dead, At::AlsoDead];
        all.into_iter().find(|at| self.port(*at) == port).expect("one of the servers")
    }
}
