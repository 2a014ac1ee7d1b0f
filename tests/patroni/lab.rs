//! A real Patroni cluster of a test's own: `pgchaos lab`, quick, on ports that nothing else has.

use std::future::Future;
use std::time::Duration;

use pgchaos::patroni::{Converged, NotConverged, PatroniApi, convergence, leader};

use crate::support::{Gen, wait_until};
use crate::test_lab::TestLab;

/// Far more than anything here takes on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

pub(crate) struct Lab {
    lab: TestLab,
    apis: Vec<PatroniApi>,
    runtime: tokio::runtime::Runtime,
}

impl Lab {
    /// A new cluster, up and converged.
    pub(crate) fn up() -> Self {
        let lab = TestLab::of_tester();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let api = |n| PatroniApi::new(&format!("127.0.0.1:{}", lab.base + n), DEADLINE).unwrap();
        let apis = [3, 4, 5].map(api).to_vec();
        lab.up();
        let lab = Self { lab, apis, runtime };
        lab.wait_converged();
        lab
    }

    /// `pgchaos lab …` with these arguments. Panics with what it said when it fails.
    #[track_caller]
    pub(crate) fn succeed<const N: usize>(&self, args: [&str; N]) {
        self.lab.succeed(&args);
    }

    /// `pgchaos gen` against the cluster, told of one API only, and of members' names only by it.
    pub(crate) fn load(&self) -> Gen {
        let port = self.lab.base.to_string();
        // Not the leader's, which may have to be found.
        let leader = self.leader();
        let patroni = self.apis.iter().find(|api| api.url() != leader.1.url()).unwrap();
        // By another name than in /cluster, as the address alone says that it is the same.
        let patroni = patroni.url().replace("127.0.0.1", "localhost");
        let page = format!("127.0.0.1:{}", self.lab.base + 2);
        let of_cluster = ["--patroni", &patroni, "--haproxy", &page];
        // A server that waits for a processor is no outage.
        let args = ["-h", "127.0.0.1", "-p", &port, "-r", "5", "--stall-after=20s"];
        let args = args.into_iter().chain(of_cluster);
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
