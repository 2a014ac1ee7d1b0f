//! One drill: from a whole cluster to a verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::super::files;
use super::super::gen_log::{Log, start_log};
use super::super::generate::target;
use super::super::output::print_summary;
use super::super::problem::Problem;
use super::run::layout;
use super::stage::Stage;
use super::{print, tell};
use crate::cli::SummaryFormat;
use crate::cli::drill_args::RunArgs;
use crate::drill::backend::{Backend, wait_until_whole};
use crate::drill::command::Variables;
use crate::drill::healing::{NotHealed, heal};
use crate::drill::journal::Journal;
use crate::drill::play::{Ended, Interrupt, play};
use crate::engine::run::Plan;
use crate::model::drill_report::DrillRun;
use crate::model::event::Header;
use crate::model::judging::{Judged, Played, judge, outcome};
use crate::model::options::Thresholds;
use crate::model::record::FORMAT;
use crate::model::scenario::{On, Scenario};
use crate::model::summary::Summary;
use crate::model::summing_up::sum_up;
use crate::model::verdict::Outcome;
use crate::pg::settings::{Address, ConnectSettings, Environment, Explicit, Host, resolve};
use crate::report::drill::result;

/// Events that wait for the terminal.
const EVENTS_WAITING: usize = 8192;

/// How long the log's last lines are waited for.
const LOG_DEADLINE: Duration = Duration::from_secs(2);

/// How long a cluster may take to be whole before a drill.
const WHOLE_LIMIT: Duration = Duration::from_secs(120);

/// One run of one drill.
pub(super) struct One<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) scenario: &'a Arc<Scenario>,
    pub(super) on: On,
    pub(super) repetition: u32,
    pub(super) interrupt: &'a Interrupt,
}

/// What became of it.
pub(super) struct Told {
    pub(super) run: DrillRun,
    /// It could not run, or not to its end.
    pub(super) could_not_run: bool,
}

/// What is known of one when it is over.
struct Over {
    on: String,
    judged: Vec<Judged>,
    problem: Option<String>,
    summary: Option<Summary>,
}

impl One<'_> {
    /// Plays it and prints what it came to.
    pub(super) async fn run(&self, stage: &mut Stage) -> Told {
        let began = Instant::now();
        let over = match self.on_stage(stage).await {
            Ok(over) => over,
            Err(problem) => Over {
                on: self.on.name().to_owned(),
                judged: Vec::new(),
                problem: Some(problem.to_string()),
                summary: None,
            },
        };
        let judged = outcome(&over.judged);
        let could_not_run = over.problem.is_some();
        let verdict = if could_not_run { judged.max(Outcome::Inconclusive) } else { judged };
        let run = DrillRun {
            drill: self.scenario.name.clone(),
            title: self.scenario.title.clone(),
            on: over.on,
            repetition: self.repetition,
            took: began.elapsed(),
            verdict,
            problem: over.problem,
            expectations: over.judged,
            summary: over.summary,
        };
        if self.args.summary == SummaryFormat::Text {
            print(&result(&run, &layout()));
        }
        Told { run, could_not_run }
    }

    async fn on_stage(&self, stage: &mut Stage) -> Result<Over, Problem> {
        let once = &self.interrupt.once;
        let mut backend = stage.set(self.args, self.scenario, self.on, once).await?;
        let run_id = Uuid::new_v4();
        let settings = self.settings(&backend)?;
        let variables = variables(&settings, run_id);
        backend.tell_connection(&variables);
        let journal = self.journal(&backend, &variables).await?;
        self.must_be_fit(&backend).await?;
        let on = backend.name();
        let plan = self.plan(settings, run_id)?;
        let record = plan.record.clone();
        tell(format!("drill {} on {on}: {}", self.scenario.name, self.scenario.title));
        let (events, to_log) = mpsc::channel(EVENTS_WAITING);
        let log = start_log(to_log, Log::new(&self.args.log, &plan.header))?;
        let playing = tokio::spawn(play(
            Arc::clone(self.scenario),
            backend.clone(),
            plan,
            journal,
            variables.clone(),
            events,
            self.interrupt.clone(),
        ));
        let ended = match playing.await {
            Ok(ended) => ended,
            Err(error) => return Err(self.mend_after_panic(&backend, &variables, &error).await),
        };
        let _ = tokio::time::timeout(LOG_DEADLINE, log).await;
        self.judged(on, ended, record.as_deref())
    }

    /// What the drill came to, with what could not be mended said loudly.
    fn judged(
        &self,
        on: String,
        ended: Ended,
        record: Option<&std::path::Path>,
    ) -> Result<Over, Problem> {
        let Ended { run, mut played, stopped, not_healed, not_whole } = ended;
        let mut problems: Vec<String> = not_healed.iter().map(loud).collect();
        let finished = match run {
            Ok(finished) => finished,
            Err(error) => {
                problems.push(format!("pgchaos: there was no run: {error}"));
                let problem = Some(problems.join("\n"));
                return Ok(Over { on, judged: Vec::new(), problem, summary: None });
            }
        };
        if let Some(stopped) = stopped.filter(|_| !self.interrupt.once.is_cancelled()) {
            problems.push(format!("pgchaos: {stopped}"));
            played.cut_short = Some("a step failed".to_owned());
        }
        let summary = sum_up(&finished.run);
        if self.args.summary == SummaryFormat::Text {
            print_summary(&summary, SummaryFormat::Text, record)?;
        }
        let mut judged = judge(self.scenario, &summary, &played);
        judged.extend(wholeness(not_whole, &played));
        let problem = (!problems.is_empty()).then(|| problems.join("\n"));
        Ok(Over { on, judged, problem, summary: Some(summary) })
    }

    /// The journal of this cluster; what an earlier drill has left broken is mended first.
    async fn journal(&self, backend: &Backend, variables: &Variables) -> Result<Journal, Problem> {
        let mut journal = Journal::open(&files::drills_folder()?, &backend.name())
            .map_err(|error| Problem::could_not_run(error.to_string()))?;
        if journal.damage.undo.is_empty() {
            return Ok(journal);
        }
        tell("an earlier drill was killed, and left something broken".to_owned());
        let failed = heal(backend, &mut journal, variables, &mut tell).await;
        match failed.is_empty() {
            true => Ok(journal),
            false => {
                let words: Vec<String> = failed.iter().map(loud).collect();
                Err(Problem::could_not_run(words.join("\n")))
            }
        }
    }

    /// A cluster that is not whole shows nothing when it is broken, and may not survive it.
    async fn must_be_fit(&self, backend: &Backend) -> Result<(), Problem> {
        let mut told = tell;
        let whole = tokio::select! {
            whole = wait_until_whole(backend, WHOLE_LIMIT, &mut told) => whole,
            () = self.interrupt.once.cancelled() => Err("stopped by Ctrl-C".to_owned()),
        };
        if let Err(missing) = whole {
            let problem = Problem::could_not_run(format!(
                "the cluster is not whole, so nothing was broken: {missing}"
            ));
            return Err(match self.on {
                On::Lab => problem.try_this(format!(
                    "pgchaos lab status --name {0}; pgchaos lab up --name {0} starts what is missing",
                    self.args.lab.name
                )),
                On::Compose => problem.try_this(format!(
                    "docker compose -p {} ps; docker start what is missing",
                    self.args.project
                )),
                On::Hooks => problem,
            });
        }
        let Some(wanted) = self.scenario.synchronous else { return Ok(()) };
        if backend.synchronous().await == Some(!wanted) {
            let word = |synchronous| if synchronous { "synchronous" } else { "asynchronous" };
            return Err(Problem::could_not_run(format!(
                "the drill {} needs a cluster that is {}, and this one is {}",
                self.scenario.name,
                word(wanted),
                word(!wanted)
            ))
            .try_this(match self.on {
                On::Lab => "another lab, which is brought up for it: --name sync --base-port 15000",
                On::Compose => {
                    "docker compose exec patroni1 patronictl edit-config --force -s \
                                synchronous_mode=true (or false)"
                }
                On::Hooks => "Patroni's synchronous_mode",
            }));
        }
        Ok(())
    }

    fn settings(&self, backend: &Backend) -> Result<ConnectSettings, Problem> {
        let explicit = match backend.dsn(self.scenario.through) {
            Some(dsn) => Explicit { dsn: Some(dsn), ..Explicit::default() },
            None => self.args.connection.explicit(None),
        };
        let resolved = resolve(&explicit, &Environment::of_process())?;
        for warning in &resolved.warnings {
            tell(format!("warning: {warning}"));
        }
        Ok(resolved.settings)
    }

    fn plan(&self, settings: ConnectSettings, run_id: Uuid) -> Result<Plan, Problem> {
        let started_at = Utc::now();
        let record = match self.args.no_record {
            true => None,
            false => Some(files::new_record(started_at, run_id, 0)?),
        };
        Ok(Plan {
            header: Header {
                format: FORMAT,
                pgchaos: env!("CARGO_PKG_VERSION").to_owned(),
                run_id,
                generator: 0,
                first_writer: 1,
                own_writers: (i32::MIN, i32::MAX),
                started_at,
                target: target(&settings),
                options: self.scenario.load.clone(),
                thresholds: Thresholds {
                    max_lost: self.scenario.expect.max_lost(),
                    ..Thresholds::default()
                },
            },
            settings: Arc::new(settings),
            read_settings: None,
            record,
            warnings: Vec::new(),
            notes: None,
        })
    }

    /// A mistake of ours ended the drill: what it broke is in the journal.
    async fn mend_after_panic(
        &self,
        backend: &Backend,
        variables: &Variables,
        error: &tokio::task::JoinError,
    ) -> Problem {
        tell(format!("pgchaos itself failed ({error}); it mends what it broke"));
        match self.journal(backend, variables).await {
            Ok(journal) => {
                journal.close();
                Problem::could_not_run(format!("pgchaos itself failed: {error}"))
                    .try_this("again; and please report this")
            }
            Err(problem) => problem,
        }
    }
}

fn loud(not_healed: &NotHealed) -> String {
    format!("pgchaos: STILL BROKEN: {}\n  by hand: {}", not_healed.what, not_healed.by_hand)
}

fn wholeness(not_whole: Option<String>, played: &Played) -> Option<Judged> {
    let missing = not_whole?;
    // Where nothing was broken yet, nothing was left broken either.
    (played.reached > 0).then(|| Judged {
        of: "run".to_owned(),
        what: "cluster after the drill".to_owned(),
        expected: "whole".to_owned(),
        seen: missing,
        outcome: Outcome::Fail,
    })
}

/// What commands get to know of the connection.
fn variables(settings: &ConnectSettings, run_id: Uuid) -> Variables {
    let hosts: Vec<String> = settings.hosts.iter().map(host_name).collect();
    let ports: Vec<String> = settings.hosts.iter().map(|host| host.port.to_string()).collect();
    let mut variables = vec![
        ("PGHOST".to_owned(), hosts.join(",")),
        ("PGPORT".to_owned(), ports.join(",")),
        ("PGUSER".to_owned(), settings.user.clone()),
        ("PGDATABASE".to_owned(), settings.dbname.clone()),
        ("PGCHAOS_RUN_ID".to_owned(), run_id.to_string()),
    ];
    if let Some(host) = settings.hosts.first() {
        let password = String::from_utf8_lossy(host.password.as_bytes()).into_owned();
        variables.push(("PGPASSWORD".to_owned(), password));
    }
    variables
}

fn host_name(host: &Host) -> String {
    match &host.address {
        Address::Tcp(name) => name.clone(),
        Address::Unix(folder) => folder.display().to_string(),
    }
}
