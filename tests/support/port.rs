//! Ports that nothing else takes while a test has its server down.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that systems give to outgoing connections: such a port could be taken by any client while
/// a test has its server down, and a client that retries a dead port of that range can even connect to itself.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;
const TRIES: u32 = 1_000;

static RESERVED: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A free TCP port on 127.0.0.1, which stays the caller's as long as this process lives.
///
/// The UDP port of the same number is what reserves it between test processes: no lock file can be left behind.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of `count` such ports in a row.
pub fn free_ports(count: u16) -> u16 {
    for _ in 0..TRIES {
        let first = candidate();
        let reserved: Option<Vec<UdpSocket>> = (first..first + count).map(reserve).collect();
        if let Some(reserved) = reserved {
            RESERVED.lock().unwrap().extend(reserved);
            return first;
        }
    }
    panic!("no {count} free ports in {TRIES} tries from {FIRST} on");
}

fn reserve(port: u16) -> Option<UdpSocket> {
    let reservation = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
    Some(reservation)
}

/// Processes start far from each other, and each goes on port by port.
fn candidate() -> u16 {
    let nth = NEXT.fetch_add(1, Ordering::Relaxed);
    let offset = process::id().wrapping_mul(7_919).wrapping_add(nth) % u32::from(COUNT);
    FIRST + u16::try_from(offset).unwrap()
}
