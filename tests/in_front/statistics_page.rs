//! HAProxy's page as the installed HAProxy has it, in each state that a server can be brought to by its configuration, and
//! under each URL.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pgchaos::haproxy::{HaproxyError, HaproxyPage, HaproxyUrl};
use pgchaos::model::cluster::proxy::{ProxyServer, ProxyServerState};

use crate::haproxy::HaProxy;
use crate::outcome::SOON;
use crate::support::{Postgres, free_port, wait_until};

/// One look at a page.
fn look(url: &str) -> Result<Vec<ProxyServer>, HaproxyError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let page = HaproxyPage::new(HaproxyUrl::read(url)?, Duration::from_secs(20), None)?;
    runtime.block_on(page.servers())
}

fn is_of(servers: &[ProxyServer], name: &str) -> ProxyServerState {
    servers.iter().find(|server| server.server == name).unwrap().is.clone()
}

/// A port that takes every connection until it is dropped.
struct OpenPort {
    is_over: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl OpenPort {
    fn open(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let accepting = thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                while listener.accept().is_ok() {}
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self { is_over, accepting: Some(accepting) }
    }
}

impl Drop for OpenPort {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.accepting.take().unwrap().join().unwrap();
    }
}

/// Whether the first checks of the two servers are done that do not change.
fn is_checked(servers: &[ProxyServer]) -> bool {
    is_of(servers, "up") == ProxyServerState::Up
        && is_of(servers, "closed") == ProxyServerState::Down
}

#[test]
fn servers_are_told_in_every_state_and_the_page_is_found_under_every_url() {
    let server = Postgres::start();
    let (closed, changing, here) = (free_port(), free_port(), server.port());
    let haproxy = HaProxy::start_with(&server, |ports| {
        format!(
            "listen primary\n  bind 127.0.0.1:{}\n  default-server inter 50ms fall 20 rise 20\n\
             \x20 server changing 127.0.0.1:{changing} check\n\
             \x20 server up 127.0.0.1:{here} check\n\
             \x20 server closed 127.0.0.1:{closed} check fall 1\n\
             \x20 server set-aside 127.0.0.1:{here} check disabled\n\
             \x20 server unchecked 127.0.0.1:{here}\n\
             listen open\n  mode http\n  bind 127.0.0.1:{}\n  stats enable\n  stats uri /\n\
             listen closed\n  mode http\n  bind 127.0.0.1:{}\n  stats enable\n\
             \x20 stats uri /haproxy?stats\n  stats auth admin:S3cr3t\n  stats show-legends\n",
            ports[0], ports[1], ports[2]
        )
    });
    let open = format!("127.0.0.1:{}", haproxy.port(1));
    let changes = |what: &str, is_it: &dyn Fn(&ProxyServerState) -> bool| {
        wait_until(SOON, what, || is_it(&is_of(&look(&open).unwrap(), "changing")));
    };
    let port = OpenPort::open(changing);
    changes("it is up", &|is| *is == ProxyServerState::Up);
    wait_until(SOON, "each is checked", || is_checked(&look(&open).unwrap()));
    let servers = look(&open).unwrap();
    let names: Vec<&str> = servers.iter().map(|server| server.server.as_str()).collect();
    assert_eq!(names, ["changing", "up", "closed", "set-aside", "unchecked"]);
    assert!(servers.iter().all(|server| server.backend == "primary"));
    assert_eq!(is_of(&servers, "up"), ProxyServerState::Up);
    assert_eq!(servers[1].check.as_deref(), Some("L4OK"));
    assert_eq!(is_of(&servers, "closed"), ProxyServerState::Down);
    assert_eq!(servers[2].check.as_deref(), Some("L4CON"));
    let set_aside = ProxyServerState::OutOfService { word: "MAINT".to_owned() };
    assert_eq!(is_of(&servers, "set-aside"), set_aside);
    assert_eq!(is_of(&servers, "unchecked"), ProxyServerState::Unchecked);

    drop(port);
    changes("checks fail", &|is| {
        matches!(is, ProxyServerState::GoingDown { failed: 1..20, fall: 20 })
    });
    changes("it is down", &|is| *is == ProxyServerState::Down);
    let _port = OpenPort::open(changing);
    changes("checks pass", &|is| {
        matches!(is, ProxyServerState::ComingUp { passed: 1..20, rise: 20 })
    });
    changes("it is up again", &|is| *is == ProxyServerState::Up);

    for form in ["", "/", "/;csv", "/;csv;norefresh"] {
        for scheme in ["", "http://"] {
            assert_eq!(look(&format!("{scheme}{open}{form}")).unwrap().len(), 5, "{scheme} {form}");
        }
    }
    let closed = format!("127.0.0.1:{}", haproxy.port(2));
    let of_user = |user: &str| look(&format!("http://{user}{closed}/haproxy?stats"));
    let servers = of_user("admin:S3cr3t@").unwrap();
    assert_eq!(servers[1].address.as_deref(), Some(format!("127.0.0.1:{here}").as_str()));
    assert_eq!(of_user(""), Err(HaproxyError::NoLogin));
    assert_eq!(of_user("admin:S3cret@"), Err(HaproxyError::WrongLogin));
    // Where the page is not, is nothing that the proxy sends to.
    let elsewhere = look(&format!("http://admin:S3cr3t@{closed}/")).unwrap_err();
    assert_eq!(elsewhere, HaproxyError::Status { status: 503 });
    // The port that sends to PostgreSQL is no page.
    let error = look(&format!("127.0.0.1:{}", haproxy.port(0))).unwrap_err();
    assert!(!error.is_silence(), "{error}");
}
