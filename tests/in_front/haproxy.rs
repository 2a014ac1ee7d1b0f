//! HAProxy, with a port for each way through it.

use std::fs;
use std::net::TcpStream;
use std::path::Path;

use crate::outcome::SOON;
use crate::support::{Kept, Postgres, free_ports, wait_until};

/// One way through it: what stands on its `bind` line and on its `server` line behind the addresses.
pub(crate) struct Way {
    pub(crate) bind: String,
    /// Where its server is.
    pub(crate) to: u16,
    pub(crate) server: String,
}

impl Way {
    pub(crate) fn new(bind: &str, to: u16, server: &str) -> Self {
        Self { bind: bind.to_owned(), to, server: server.to_owned() }
    }
}

/// A running HAProxy.
pub(crate) struct HaProxy {
    kept: Kept,
    first: u16,
}

impl HaProxy {
    /// Beside this server, with ways that the ports in a row are given to.
    #[track_caller]
    pub(crate) fn start(server: &Postgres, ways: impl FnOnce(&[u16]) -> Vec<Way>) -> Self {
        Self::start_with(server, |ports| {
            let ways = ways(ports);
            assert!(ways.len() <= ports.len());
            let way = |(port, Way { bind, to, server }): (&u16, &Way)| {
                format!(
                    "listen way-{port}\n  bind 127.0.0.1:{port} {bind}\n  server one 127.0.0.1:{to} {server}\n"
                )
            };
            ports.iter().zip(&ways).map(way).collect()
        })
    }

    /// Beside this server, with what its configuration has after its defaults; the first of the ports is bound.
    #[track_caller]
    pub(crate) fn start_with(server: &Postgres, conf: impl FnOnce(&[u16]) -> String) -> Self {
        const PORTS: u16 = 8;
        let first = free_ports(PORTS);
        let ports: Vec<u16> = (first..first + PORTS).collect();
        let defaults = "defaults\n  mode tcp\n  retries 0\n  timeout connect 30s\n  timeout client 10m\n  \
                        timeout server 10m\n";
        let conf = format!("{defaults}{}", conf(&ports));
        let path = server.socket_dir().join(format!("haproxy-{first}.cfg"));
        fs::write(&path, conf).unwrap();
        let args = ["-db", "-f", &path.display().to_string()].map(str::to_owned);
        let name = format!("haproxy-{first}");
        let kept = Kept::start(server, &name, "/usr/sbin/haproxy", "TERM", &args);
        let haproxy = Self { kept, first };
        wait_until(SOON, "HAProxy listens", || {
            let log = haproxy.kept.log();
            assert!(!log.contains("ALERT"), "{log}");
            TcpStream::connect(("127.0.0.1", first)).is_ok()
        });
        haproxy
    }

    /// The port of its way with this number.
    pub(crate) fn port(&self, nth: usize) -> u16 {
        self.first + u16::try_from(nth).unwrap()
    }
}

/// A certificate and its key in one file beside the server, as HAProxy wants them; its name.
pub(crate) fn one_file(server: &Postgres, key: &Path, certificate: &Path) -> String {
    let path = server.socket_dir().join("haproxy.pem");
    fs::write(&path, [fs::read(certificate).unwrap(), fs::read(key).unwrap()].concat()).unwrap();
    path.display().to_string()
}
