//! How hard pgchaos loads a server, beside pgbench: in turn, on the same table, from the same start.

use std::time::Duration;

use serde_json::json;

use super::arguments::Arguments;
use super::pgbench::{Pgbench, has_syncpipeline};
use super::results::{Column, Table};
use super::server::{Load, Server, Way, on_off};
use super::statistics::median;

const COLUMNS: [Column; 12] = [
    Column { key: "connections", title: "conns", decimals: 0 },
    Column { key: "pipeline", title: "pipe", decimals: 0 },
    Column { key: "synchronous_commit", title: "sync", decimals: 0 },
    Column { key: "pgbench_pipeline", title: "vs pipe", decimals: 0 },
    Column { key: "writes_per_s", title: "writes/s", decimals: 0 },
    Column { key: "pgbench_writes_per_s", title: "pgbench", decimals: 0 },
    Column { key: "writes_per_s_ratio", title: "ratio", decimals: 2 },
    Column { key: "cpu_us_per_write", title: "CPU µs", decimals: 1 },
    Column { key: "pgbench_cpu_us_per_write", title: "pgbench", decimals: 1 },
    Column { key: "cpu_ratio", title: "ratio", decimals: 2 },
    Column { key: "peak_mb", title: "MB", decimals: 1 },
    Column { key: "pgbench_peak_mb", title: "pgbench", decimals: 1 },
];

const NOTES: [&str; 5] = [
    "writes/s: acknowledged, while writing. CPU µs: of the client, user and system, a write, its",
    "start and end included; pgchaos's includes its record, its books and the verification. MB:",
    "peak. Medians over the rounds; a ratio is the median of the ratios of neighbouring runs.",
    "aims: pipeline 1: writes/s ≥ 1.00, CPU ≤ 1.00. Pipeline 16, 8 connections, against pgbench's",
    "plain form (vs pipe 1): writes/s ≥ 2.00, CPU ≤ 0.35.",
];

const PIPELINE: u32 = 16;

/// What a client did in one run.
struct Cost {
    writes_per_s: f64,
    cpu_us_per_write: f64,
    peak_mb: f64,
}

/// One round of one case: everybody once, neighbours in time.
struct Round {
    pgbench: Cost,
    /// Where pgbench can do it.
    pgbench_pipelined: Option<Cost>,
    pgchaos: Cost,
    pgchaos_pipelined: Cost,
}

/// Both clients by the same way.
pub(crate) fn measure(server: &Server, way: Way, arguments: &Arguments) -> Table {
    let (lasts, rounds) = (arguments.seconds_or(2), arguments.rounds_or(2));
    let name = match way {
        Way::PlainText => "against-pgbench",
        Way::Tls => "against-pgbench-over-tls",
    };
    let mut table = Table::new(name, &NOTES, &COLUMNS);
    table.note(format!("{rounds} rounds of {} s each", lasts.as_secs()));
    let is_pipelining = has_syncpipeline(server);
    if !is_pipelining {
        table.note("this pgbench has no \\syncpipeline (17 has): it is compared as it is".into());
    }
    for synchronous_commit in [true, false] {
        for connections in [1, 8, 32] {
            let case = Case { server, way, connections, synchronous_commit, lasts };
            let rounds: Vec<Round> = (0..rounds).map(|_| case.round(is_pipelining)).collect();
            case.tell(&mut table, &rounds);
        }
    }
    table
}

struct Case<'a> {
    server: &'a Server,
    way: Way,
    connections: u32,
    synchronous_commit: bool,
    lasts: Duration,
}

impl Case<'_> {
    fn round(&self, is_pipelining: bool) -> Round {
        Round {
            pgbench: self.pgbench(1),
            pgchaos: self.pgchaos(1),
            pgbench_pipelined: is_pipelining.then(|| self.pgbench(PIPELINE)),
            pgchaos_pipelined: self.pgchaos(PIPELINE),
        }
    }

    fn pgbench(&self, pipeline: u32) -> Cost {
        self.server.reset(self.synchronous_commit);
        let run = Pgbench::run(self.server, self.way, self.connections, pipeline, self.lasts);
        Cost {
            writes_per_s: run.writes_per_s,
            cpu_us_per_write: run.ended.cpu_us_each(run.writes),
            peak_mb: run.ended.peak_mb(),
        }
    }

    fn pgchaos(&self, pipeline: u32) -> Cost {
        self.server.reset(self.synchronous_commit);
        let (writers, pipeline) = (self.connections.to_string(), pipeline.to_string());
        let duration = format!("{}s", self.lasts.as_secs());
        let load = Load::run(
            &self.server.url_by(self.way),
            &[
                "--rate=max",
                "--read-every=0",
                "-w",
                &writers,
                "--pipeline",
                &pipeline,
                "-T",
                &duration,
            ],
        );
        let writes = load.writes("acknowledged");
        assert_eq!(self.server.rows(), writes, "all that it counted is there: {}", load.summary);
        Cost {
            writes_per_s: super::child::as_float(writes) / load.wrote_for().as_secs_f64(),
            cpu_us_per_write: load.ended.cpu_us_each(writes),
            peak_mb: load.ended.peak_mb(),
        }
    }

    fn tell(&self, table: &mut Table, rounds: &[Round]) {
        self.tell_pair(table, rounds, (1, 1), |round| Some((&round.pgchaos, &round.pgbench)));
        self.tell_pair(table, rounds, (PIPELINE, 1), |round| {
            Some((&round.pgchaos_pipelined, &round.pgbench))
        });
        self.tell_pair(table, rounds, (PIPELINE, PIPELINE), |round| {
            Some((&round.pgchaos_pipelined, round.pgbench_pipelined.as_ref()?))
        });
    }

    fn tell_pair<'a>(
        &self,
        table: &mut Table,
        rounds: &'a [Round],
        (pipeline, pgbench_pipeline): (u32, u32),
        pair: impl Fn(&'a Round) -> Option<(&'a Cost, &'a Cost)>,
    ) {
        let pairs: Vec<_> = rounds.iter().filter_map(pair).collect();
        if pairs.is_empty() {
            return;
        }
        let of = |value: &dyn Fn(&Cost, &Cost) -> f64| -> Vec<f64> {
            pairs.iter().map(|(pgchaos, pgbench)| value(pgchaos, pgbench)).collect()
        };
        let speed_ratios = of(&|pgchaos, pgbench| pgchaos.writes_per_s / pgbench.writes_per_s);
        let cpu_ratios =
            of(&|pgchaos, pgbench| pgchaos.cpu_us_per_write / pgbench.cpu_us_per_write);
        table.row(json!({
            "connections": self.connections,
            "pipeline": pipeline,
            "synchronous_commit": on_off(self.synchronous_commit),
            "pgbench_pipeline": pgbench_pipeline,
            "writes_per_s": median(&of(&|pgchaos, _| pgchaos.writes_per_s)),
            "pgbench_writes_per_s": median(&of(&|_, pgbench| pgbench.writes_per_s)),
            "writes_per_s_ratio": median(&speed_ratios),
            "writes_per_s_ratios": speed_ratios,
            "cpu_us_per_write": median(&of(&|pgchaos, _| pgchaos.cpu_us_per_write)),
            "pgbench_cpu_us_per_write": median(&of(&|_, pgbench| pgbench.cpu_us_per_write)),
            "cpu_ratio": median(&cpu_ratios),
            "cpu_ratios": cpu_ratios,
            "peak_mb": median(&of(&|pgchaos, _| pgchaos.peak_mb)),
            "pgbench_peak_mb": median(&of(&|_, pgbench| pgbench.peak_mb)),
        }));
    }
}
