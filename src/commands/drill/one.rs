//! One drill: from a whole cluster to a verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::console_log::{ConsoleLog, start_log};
use super::super::output::{print, print_summary};
use super::super::problem::Problem;
use super::load::variables;
use super::run::layout;
use super::stage::Stage;
use super::tell;
use crate::cli::drill_args::RunArgs;
use crate::cli::exit::Exit;
use crate::cli::summary_args::SummaryFormat;
use crate::drill::backend::Backend;
use crate::drill::command::Variables;
use crate::drill::healing::NotHealed;
use crate::drill::play::{Ended, Interrupt, play};
use crate::engine::watchers::Watchers;
use crate::model::run::outcome::Outcome;
use crate::model::run::summarize::sum_up;
use crate::model::run::summary::Summary;
use crate::model::scenario::drill_report::DrillRun;
use crate::model::scenario::judging::{Judged, Played, judge, outcome};
use crate::model::scenario::{On, Scenario};
use crate::report::drill::result;

/// How long the log's last lines are waited for.
const LOG_DEADLINE: Duration = Duration::from_secs(2);

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
    /// Its user stopped it before it did anything.
    interrupted: bool,
    summary: Option<Summary>,
}

impl One<'_> {
    /// Plays it and prints what it came to.
    pub(super) async fn run(&self, stage: &mut Stage) -> Told {
        let began = Instant::now();
        let over = match self.on_stage(stage).await {
            Ok(over) => over,
            Err(problem) => {
                let interrupted = problem.exit == Exit::StoppedNow;
                let problem = match interrupted {
                    true => "interrupted before anything was broken".to_owned(),
                    false => problem.to_string(),
                };
                Over {
                    on: self.on.name().to_owned(),
                    judged: Vec::new(),
                    problem: Some(problem),
                    interrupted,
                    summary: None,
                }
            }
        };
        let judged = outcome(&over.judged);
        let mut could_not_run = over.problem.is_some() && !over.interrupted;
        let verdict =
            if over.problem.is_some() { judged.max(Outcome::Inconclusive) } else { judged };
        let run = DrillRun {
            drill: self.scenario.name.clone(),
            title: self.scenario.title.clone(),
            on: over.on,
            repetition: self.repetition,
            took: began.elapsed(),
            verdict,
            problem: over.problem,
            interrupted: over.interrupted,
            expectations: over.judged,
            summary: over.summary,
        };
        if self.args.printed.summary == SummaryFormat::Text
            && let Err(problem) = print(&result(&run, &layout()))
        {
            could_not_run = true;
            tell!("{problem}");
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
        let plan = self.plan(&backend, settings, run_id)?;
        tell(format!("drill {} on {on}: {}", self.scenario.name, self.scenario.title));
        let watchers = Watchers::default();
        let log = start_log(&watchers, ConsoleLog::new(&self.args.log, &plan.header))?;
        let playing = tokio::spawn(play(
            Arc::clone(self.scenario),
            backend.clone(),
            plan,
            journal,
            variables.clone(),
            watchers,
            self.interrupt.clone(),
        ));
        let ended = match playing.await {
            Ok(ended) => ended,
            Err(error) => return Err(self.mend_after_panic(&backend, &variables, &error).await),
        };
        let _ = tokio::time::timeout(LOG_DEADLINE, log).await;
        Ok(self.judged(on, ended))
    }

    /// What the drill came to, with what could not be mended said loudly.
    fn judged(&self, on: String, ended: Ended) -> Over {
        let Ended { run, mut played, stopped, not_healed, not_whole } = ended;
        let mut problems: Vec<String> = not_healed.iter().map(loud).collect();
        let finished = match run {
            Ok(finished) => finished,
            Err(error) => {
                problems.push(format!("pgchaos: there was no run: {error}"));
                let problem = Some(problems.join("\n"));
                return Over { on, judged: Vec::new(), problem, interrupted: false, summary: None };
            }
        };
        if let Some(stopped) = stopped.filter(|_| !self.interrupt.once.is_cancelled()) {
            problems.push(format!("pgchaos: {stopped}"));
            played.cut_short = Some("a step failed".to_owned());
        }
        let mut summary = sum_up(&finished.run);
        summary.record = finished.record;
        if self.args.printed.summary == SummaryFormat::Text
            && let Err(problem) = print_summary(&summary, SummaryFormat::Text)
        {
            problems.push(problem.to_string());
        }
        let mut judged = judge(self.scenario, &summary, &played);
        judged.extend(wholeness(not_whole, &played));
        let problem = (!problems.is_empty()).then(|| problems.join("\n"));
        Over { on, judged, problem, interrupted: false, summary: Some(summary) }
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

/// A healing that failed, so that nobody misses it.
pub(super) fn loud(not_healed: &NotHealed) -> String {
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
