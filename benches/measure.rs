//! What pgchaos measures, and what it costs: the program against a PostgreSQL of its own.
//!
//! ```sh
//! cargo bench --bench measure                                          # everything
//! cargo bench --bench measure -- against-pgbench --seconds 5 --rounds 5
//! cargo bench --bench measure -- --help
//! ```
//!
//! One section a file. It prints each line as it is measured, one table at the end, and writes the
//! same as JSON. Nothing here says that a number is good enough: the aims are printed beside the
//! numbers, for the reader. What is not measured is told in each section's notes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on ends, at once and in words"
)]

#[path = "measure/arguments.rs"]
mod arguments;
#[path = "measure/books.rs"]
mod books;
#[path = "measure/child.rs"]
mod child;
#[path = "../tests/outages/clocks.rs"]
#[allow(dead_code, reason = "shared with tests, which use all of it")]
mod clocks;
#[path = "measure/machine.rs"]
mod machine;
#[path = "measure/pgbench.rs"]
mod pgbench;
#[path = "measure/relay.rs"]
mod relay;
#[path = "measure/results.rs"]
mod results;
#[path = "../tests/support/samples.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with tests, which use all of it")]
mod samples;
#[path = "measure/server.rs"]
mod server;
#[path = "measure/statistics.rs"]
mod statistics;
#[path = "../tests/support/mod.rs"]
mod support;

#[path = "measure/against_pgbench.rs"]
mod against_pgbench;
#[path = "measure/coordinated_omission.rs"]
mod coordinated_omission;
#[path = "measure/growth.rs"]
mod growth;
#[path = "measure/outage_clock.rs"]
mod outage_clock;
#[path = "measure/pacing.rs"]
mod pacing;
#[path = "measure/verification.rs"]
mod verification;

use arguments::{Arguments, Section};
use results::Results;
use server::{Server, Way};

fn main() {
    let Some(arguments) = Arguments::read() else {
        return println!("nothing is measured: run me by `cargo bench --bench measure`");
    };
    let server = Server::start();
    let machine = machine::facts(&server);
    println!("{}", machine::in_words(&machine));
    let mut results = Results::default();
    for section in arguments.sections() {
        results.add(match section {
            Section::AgainstPgbench => {
                against_pgbench::measure(&server, Way::PlainText, &arguments)
            }
            Section::AgainstPgbenchOverTls => {
                against_pgbench::measure(&server, Way::Tls, &arguments)
            }
            Section::CoordinatedOmission => coordinated_omission::measure(&server, &arguments),
            Section::OutageClock => outage_clock::measure(&server, &arguments),
            Section::Growth => growth::measure(&server, &arguments),
            Section::Verification => verification::measure(&server, &arguments),
            Section::Pacing => pacing::measure(&server, &arguments),
        });
    }
    println!("\n{}\n\n{}", machine::in_words(&machine), results.in_words());
    println!("as JSON: {}", results.write(&machine).display());
}
