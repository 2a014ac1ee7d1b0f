//! A hint where nothing listens on the default port and a lab runs on another.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::pg::settings::{Address, ConnectSettings};

/// The port where none is given.
const DEFAULT_PORT: u16 = 5432;

/// Loopback answers at once, or not at all.
const DEADLINE: Duration = Duration::from_millis(200);

/// The ports on which labs run, where these settings lead to the default port of localhost and
/// nothing is there. `typed` is what the user types before `--port`.
#[must_use]
pub fn other_port(settings: &ConnectSettings, typed: &str) -> Option<String> {
    let [host] = settings.hosts.as_slice() else { return None };
    let is_default = host.port == DEFAULT_PORT
        && host.hostaddr.is_none()
        && matches!(&host.address, Address::Tcp(name) if name == "localhost");
    if !is_default || answers() {
        return None;
    }
    let ports = lab_ports();
    let first = ports.first()?;
    let plural = if ports.len() == 1 { "a lab runs on port" } else { "labs run on ports" };
    let all: Vec<String> = ports.iter().map(u16::to_string).collect();
    Some(format!(
        "nothing is on port {DEFAULT_PORT} of localhost, and {plural} {}: \
         {typed} --port {first}",
        all.join(", ")
    ))
}

/// The write port of the lab that has this port for something else.
#[must_use]
#[cfg(unix)]
pub fn write_port_of_lab_with(port: u16) -> Option<u16> {
    let labs = crate::lab::Lab::all_that_serve();
    let lab = labs.iter().find(|lab| lab.ports().all().any(|(of_lab, _)| of_lab == port))?;
    Some(lab.write_port())
}

/// There are no labs here.
#[must_use]
#[cfg(not(unix))]
pub fn write_port_of_lab_with(_: u16) -> Option<u16> {
    None
}

fn answers() -> bool {
    let addresses = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    addresses.into_iter().any(|address| {
        TcpStream::connect_timeout(&SocketAddr::new(address, DEFAULT_PORT), DEADLINE).is_ok()
    })
}

#[cfg(unix)]
fn lab_ports() -> Vec<u16> {
    crate::lab::Lab::all_that_serve().iter().map(crate::lab::Lab::write_port).collect()
}

#[cfg(not(unix))]
fn lab_ports() -> Vec<u16> {
    Vec::new()
}
