//! Where the programs come from: Debian's and Ubuntu's packages.

use std::path::Path;

use crate::lab::needs::{MissingPrograms, Need};
use crate::lab::processes::proc;
use crate::lab::processes::scan::MARK;
use crate::lab::programs::Programs;

/// The script that root runs, with the packages as its arguments.
pub const INSTALL_SCRIPT: &str = include_str!("install-deps.sh");

/// What a lab needs and this system does not have.
pub async fn missing() -> Vec<Need> {
    match Programs::find().await {
        Ok(_) => Vec::new(),
        Err(MissingPrograms(needs)) => needs,
    }
}

/// The packages for them. Patroni without its module for etcd is of no use.
#[must_use]
pub fn packages(needs: &[Need]) -> Vec<&'static str> {
    let mut packages: Vec<_> = needs.iter().map(|need| need.package()).collect();
    if needs.contains(&Need::Patroni) {
        packages.push(Need::PatroniForEtcd.package());
    }
    packages
}

/// The services of these packages that run, with the configuration of the system's package. No
/// member of a lab is among them.
#[must_use]
pub fn running_services() -> Vec<String> {
    let mut services: Vec<String> =
        proc::living().into_iter().filter_map(|stat| service(stat.pid)).collect();
    services.sort();
    services.dedup();
    services
}

fn service(pid: u32) -> Option<String> {
    if matches!(proc::variable(pid, MARK), Ok(Some(_))) {
        return None;
    }
    let arguments = proc::arguments(pid);
    let program = Path::new(arguments.first()?).file_name()?.to_str()?;
    let reads = |start: &str| arguments.iter().any(|argument| argument.contains(start));
    let is_service = match program {
        "haproxy" => reads("/etc/haproxy/"),
        "postgres" => reads("/etc/postgresql/"),
        "etcd" => arguments.len() == 1,
        _ => reads("/etc/patroni/"),
    };
    let name = match program {
        "haproxy" | "etcd" => program,
        "postgres" => "postgresql",
        _ => "patroni",
    };
    is_service.then(|| name.to_owned())
}
