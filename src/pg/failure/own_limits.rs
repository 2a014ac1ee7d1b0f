//! Which errors of the system mean that pgchaos itself ran out of a resource.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::model::own_limit::OwnLimit;

/// What pgchaos ran out of, by an error of a socket; `None` if the error means something else.
#[must_use]
pub fn of_socket(error: &io::Error) -> Option<OwnLimit> {
    #[cfg(unix)]
    {
        use nix::errno::Errno;
        match Errno::from_raw(error.raw_os_error()?) {
            Errno::EMFILE => Some(OwnLimit::Descriptors),
            Errno::ENFILE => Some(OwnLimit::SystemDescriptors),
            Errno::ENOMEM | Errno::ENOBUFS => Some(OwnLimit::Memory),
            _ => None,
        }
    }
    #[cfg(not(unix))]
    {
        (error.kind() == io::ErrorKind::OutOfMemory).then_some(OwnLimit::Memory)
    }
}

/// The same for an error of a connect to this address. The system reports "no such address" also when
/// every local port to it is taken.
#[must_use]
pub fn of_connect(error: &io::Error, address: SocketAddr) -> Option<OwnLimit> {
    let unavailable = error.kind() == io::ErrorKind::AddrNotAvailable;
    of_socket(error)
        .or_else(|| (unavailable && can_be_a_source_for(address)).then_some(OwnLimit::Ports))
}

/// The same for a name lookup. The resolver's errors do not tell that it could open no file, so this
/// tries whether a descriptor is left.
#[must_use]
pub fn of_lookup(error: &io::Error) -> Option<OwnLimit> {
    if error.kind() == io::ErrorKind::WouldBlock {
        return Some(OwnLimit::Threads);
    }
    of_socket(error).or_else(|| {
        let tried = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        tried.err().as_ref().and_then(of_socket)
    })
}

/// Whether this machine has a source address for that one; it has none where IPv6 is off. Nothing is
/// sent.
fn can_be_a_source_for(address: SocketAddr) -> bool {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    UdpSocket::bind(any).and_then(|socket| socket.connect(address)).is_ok()
}

#[cfg(all(test, unix))]
mod tests {
    use nix::errno::Errno;

    use super::*;

    #[test]
    fn only_limits_of_the_machine_are_own_limits() {
        let of = |errno: Errno| of_socket(&io::Error::from_raw_os_error(errno as i32));
        assert_eq!(of(Errno::EMFILE), Some(OwnLimit::Descriptors));
        assert_eq!(of(Errno::ENFILE), Some(OwnLimit::SystemDescriptors));
        assert_eq!(of(Errno::ENOBUFS), Some(OwnLimit::Memory));
        for errno in [Errno::ECONNREFUSED, Errno::ETIMEDOUT, Errno::EHOSTUNREACH, Errno::EACCES] {
            assert_eq!(of(errno), None, "{errno}");
        }
    }

    #[test]
    fn an_address_that_is_not_there_is_no_lack_of_ports() {
        let unavailable = io::Error::from_raw_os_error(Errno::EADDRNOTAVAIL as i32);
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 5432));
        assert_eq!(of_connect(&unavailable, here), Some(OwnLimit::Ports));
        // A link-local address is nowhere without its interface.
        let nowhere: SocketAddr = "[fe80::1]:5432".parse().unwrap();
        assert_eq!(of_connect(&unavailable, nowhere), None);
        let refused = io::Error::from_raw_os_error(Errno::ECONNREFUSED as i32);
        assert_eq!(of_connect(&refused, here), None);
    }
}
