//! A real Patroni cluster of a test's own: `pgchaos lab`, quick, on ports that nothing else has.

use std::future::Future;
use std::process::Output;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pgchaos::patroni::{Converged, NotConverged, PatroniApi, convergence, leader};
use tempfile::TempDir;

use crate::support::{Gen, pgchaos, wait_until};

/// Far more than anything here takes on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

const NAME: &str = "patroni-test";
const BASE_PORT: u16 = 17_000;

/// One at a time: they have the same ports, and two of them are much for a small machine.
static ONE: Mutex<()> = Mutex::new(());

pub(crate) struct Lab {
    home: TempDir,
    apis: Vec<PatroniApi>,
    runtime: tokio::runtime::Runtime,
    _one: MutexGuard<'static, ()>,
}

impl Lab {
    /// A new cluster, up and converged.
    pub(crate) fn up() -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let api = |n| PatroniApi::new(&format!("127.0.0.1:{}", BASE_PORT + n), DEADLINE).unwrap();
        let apis = [3, 4, 5].map(api).to_vec();
        let lab = Self { home: TempDir::new().unwrap(), apis, runtime, _one: one };
        // What a test left whose process was killed.
        lab.run(["down", "--wipe"]);
        let base_port = BASE_PORT.to_string();
        lab.succeed(["up", "--profile", "quick", "--base-port", &base_port]);
        lab.wait_converged();
        lab
    }

    /// `pgchaos lab …` with these arguments. Panics with what it said when it fails.
    #[track_caller]
    pub(crate) fn succeed<const N: usize>(&self, args: [&str; N]) {
        let output = self.run(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "lab {args:?}: {}\n{said}", output.status);
    }

    fn run<const N: usize>(&self, args: [&str; N]) -> Output {
        let mut command = pgchaos(self.home.path(), ["lab"]);
        command.args(args).args(["--name", NAME]).output().unwrap()
    }

    /// `pgchaos gen` against the cluster, told of one API only, and of members' names only by it.
    pub(crate) fn load(&self) -> Gen {
        let port = BASE_PORT.to_string();
        // Not the leader's, which may have to be found.
        let leader = self.leader();
        let patroni = self.apis.iter().find(|api| api.url() != leader.1.url()).unwrap();
        // By another name than in /cluster, as the address alone says that it is the same.
        let patroni = patroni.url().replace("127.0.0.1", "localhost");
        let args = ["-h", "127.0.0.1", "-p", &port, "-r", "5", "--patroni", &patroni];
        Gen::start_with(args, |_, command| {
            command.env("PGPASSWORD", "postgres").env("PGOPTIONS", "-c pgchaos.member=");
        })
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The leader's name and API.
    #[track_caller]
    pub(crate) fn leader(&self) -> (String, PatroniApi) {
        let leader = self.wait(leader(&self.apis)).expect("a leader");
        (leader.name.expect("its name"), leader.api)
    }

    pub(crate) fn convergence(&self) -> Result<Converged, NotConverged> {
        self.wait(convergence(&self.apis, 3))
    }

    /// Waits until all three run on one timeline again.
    #[track_caller]
    pub(crate) fn wait_converged(&self) -> Converged {
        wait_until(DEADLINE, "the cluster is whole", || self.convergence().is_ok());
        self.convergence().unwrap()
    }
}

impl Drop for Lab {
    /// Nothing here can panic: a test may be panicking already.
    fn drop(&mut self) {
        let output = self.run(["down", "--wipe"]);
        if !output.status.success() {
            eprintln!("lab down: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
