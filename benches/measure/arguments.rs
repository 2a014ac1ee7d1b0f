//! What can be said after `cargo bench --bench measure --`.

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measure pgchaos against a PostgreSQL of its own.
#[derive(Debug, Parser)]
#[command(
    name = "cargo bench --bench measure --",
    after_help = "Without --seconds and --rounds each section takes its own, and all of them \
                  together some minutes. Measure on an idle machine."
)]
pub(crate) struct Arguments {
    /// What to measure [default: everything]
    #[arg(value_name = "SECTION", value_enum)]
    named: Vec<Section>,
    /// How long each load of against-pgbench, coordinated-omission and pacing writes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: Option<u64>,
    /// How often each case of against-pgbench, coordinated-omission and outage-clock is measured
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    rounds: Option<u64>,
    /// Also 10 million writes (growth, verification), and a minute of pacing
    #[arg(long)]
    pub(crate) full: bool,
    /// Said by cargo, and not for people
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// Writes a second, CPU a write and memory beside pgbench's
    AgainstPgbench,
    /// The same, both over TLS
    AgainstPgbenchOverTls,
    /// Percentiles under a stall of known length beside the exact ones
    CoordinatedOmission,
    /// Reported beside known lengths of outages
    OutageClock,
    /// Memory and CPU a write as the run grows
    Growth,
    /// `pgchaos verify` beside `SELECT count(*)`
    Verification,
    /// Whether as many writes are sent as are due, and how evenly
    Pacing,
}

impl Arguments {
    /// `None` when it was not `cargo bench` that started this: `cargo test --benches` does too.
    pub(crate) fn read() -> Option<Self> {
        let arguments = Self::parse();
        arguments.bench.then_some(arguments)
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        let all = Section::value_variants().iter().copied();
        all.filter(|section| self.named.is_empty() || self.named.contains(section)).collect()
    }

    pub(crate) fn seconds_or(&self, default: u64) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(default))
    }

    pub(crate) fn rounds_or(&self, default: u64) -> u64 {
        self.rounds.unwrap_or(default)
    }
}
