//! One drill: from a whole cluster to a verdict.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::console_log::{ConsoleLog, start_log};
use super::super::output::{print, print_summary};
use super::super::problem::Problem;
use super::super::terminal::tell_progress;
use super::cluster_setup::{ClusterSetup, compose, hooks};
use super::fitness::{must_be_fit, open_journal};
use super::kept_verdict::keep_verdict;
use super::layout::stdout_layout;
use super::load::{plan, settings, variables};
use super::request::DrillRequest;
use super::still_broken::still_broken;
use crate::cli::exit::Exit;
use crate::cli::summary_args::SummaryFormat;
use crate::drill::cluster::DrillCluster;
use crate::drill::command::Variables;
use crate::drill::play::{Drill, PlayedDrill, play};
use crate::engine::subscribers::Subscribers;
use crate::model::outcome::Outcome;
use crate::model::run::summarize::sum_up;
use crate::model::run::summary::Summary;
use crate::model::scenario::On;
use crate::model::scenario::drill_report::DrillRun;
use crate::model::scenario::judging::{Judged, Played, judge, outcome};
use crate::report::drill::result;

/// How long the log's last lines are waited for.
const LOG_DEADLINE: Duration = Duration::from_secs(2);

/// How one run of one drill ended.
pub(super) struct RunOutcome {
    pub(super) run: DrillRun,
    /// It could not run, or not to its end.
    pub(super) could_not_run: bool,
}

/// What is known of a run that is over.
struct RunFindings {
    on: String,
    judged: Vec<Judged>,
    problem: Option<String>,
    /// The user stopped it before it did anything.
    interrupted: bool,
    summary: Option<Summary>,
}

impl DrillRequest<'_> {
    /// Plays the drill and prints its result.
    pub(super) async fn run(&self, setup: &mut ClusterSetup) -> RunOutcome {
        let began = Instant::now();
        let findings = match self.set_up_and_play(setup).await {
            Ok(findings) => findings,
            Err(problem) => {
                let interrupted = problem.exit == Exit::StoppedNow;
                let problem = match interrupted {
                    true => "interrupted before anything was broken".to_owned(),
                    false => problem.to_string(),
                };
                RunFindings {
                    on: self.on.name().to_owned(),
                    judged: Vec::new(),
                    problem: Some(problem),
                    interrupted,
                    summary: None,
                }
            }
        };
        let mut could_not_run = findings.problem.is_some() && !findings.interrupted;
        let verdict = verdict(&findings.judged, findings.problem.is_some());
        let run = DrillRun {
            drill: self.scenario.name.clone(),
            title: self.scenario.title.clone(),
            on: findings.on,
            repetition: self.repetition,
            took: began.elapsed(),
            verdict,
            problem: findings.problem,
            interrupted: findings.interrupted,
            expectations: findings.judged,
            summary: findings.summary,
        };
        if self.args.printed.summary == SummaryFormat::Text
            && let Err(problem) = print(&result(&run, &stdout_layout()))
        {
            could_not_run = true;
            tell!("{problem}");
        }
        RunOutcome { run, could_not_run }
    }

    async fn set_up_and_play(&self, setup: &mut ClusterSetup) -> Result<RunFindings, Problem> {
        match self.on {
            On::Lab => {
                let once = &self.interrupt.once;
                let lab = setup.lab(self.args, self.scenario, once).await?;
                self.play_on(lab).await
            }
            On::Compose => self.play_on(compose(self.args).await?).await,
            On::Hooks => self.play_on(hooks(self.args, self.scenario)?).await,
        }
    }

    async fn play_on<C: DrillCluster>(&self, mut cluster: C) -> Result<RunFindings, Problem> {
        let run_id = Uuid::new_v4();
        let resolved = settings(self, &cluster)?;
        let variables = variables(&resolved, run_id);
        cluster.set_variables(&variables);
        let journal = open_journal(self, &cluster, &variables).await?;
        must_be_fit(self, &cluster).await?;
        let on = cluster.name();
        let load = plan(self, &cluster, resolved, run_id)?;
        tell_progress(format!("drill {} on {on}: {}", self.scenario.name, self.scenario.title));
        let subscribers = Subscribers::default();
        let log = start_log(&subscribers, ConsoleLog::new(&self.args.log, &load.header))?;
        let drill = Drill {
            scenario: Arc::clone(self.scenario),
            cluster: cluster.clone(),
            load,
            journal,
            variables: variables.clone(),
            interrupt: self.interrupt.clone(),
        };
        let playing = tokio::spawn(play(drill, subscribers));
        let ended = match playing.await {
            Ok(ended) => ended,
            Err(error) => return Err(self.mend_after_panic(&cluster, &variables, &error).await),
        };
        let _ = tokio::time::timeout(LOG_DEADLINE, log).await;
        Ok(self.judged(on, ended))
    }

    /// Judges what was played. Damage that could not be mended is a problem, said loudly.
    fn judged(&self, on: String, ended: PlayedDrill) -> RunFindings {
        let PlayedDrill { run, mut played, stopped, not_healed, not_whole } = ended;
        let mut problems: Vec<String> = not_healed.iter().map(still_broken).collect();
        let finished = match run {
            Ok(finished) => finished,
            Err(error) => {
                problems.push(format!("pgchaos: there was no run: {error}"));
                let problem = Some(problems.join("\n"));
                return RunFindings {
                    on,
                    judged: Vec::new(),
                    problem,
                    interrupted: false,
                    summary: None,
                };
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
        keep_verdict(finished.run, summary.record.as_ref(), verdict(&judged, !problems.is_empty()));
        let problem = (!problems.is_empty()).then(|| problems.join("\n"));
        RunFindings { on, judged, problem, interrupted: false, summary: Some(summary) }
    }

    /// Mends, by the journal, what a drill that panicked has broken.
    async fn mend_after_panic<C: DrillCluster>(
        &self,
        cluster: &C,
        variables: &Variables,
        error: &tokio::task::JoinError,
    ) -> Problem {
        tell_progress(format!("pgchaos itself failed ({error}); it mends what it broke"));
        match open_journal(self, cluster, variables).await {
            Ok(journal) => {
                journal.close();
                Problem::could_not_run(format!("pgchaos itself failed: {error}"))
                    .try_this("again; and please report this")
            }
            Err(problem) => problem,
        }
    }
}

/// The verdict on a drill, of which not all could be seen where there was a problem.
fn verdict(judged: &[Judged], has_problem: bool) -> Outcome {
    let judged = outcome(judged);
    if has_problem { judged.max(Outcome::Inconclusive) } else { judged }
}

/// The expectation that every drill has: the cluster is whole after it.
fn wholeness(not_whole: Option<String>, played: &Played) -> Option<Judged> {
    let missing = not_whole?;
    // A drill that did nothing yet has left nothing broken.
    (played.reached > 0).then(|| Judged {
        of: "run".to_owned(),
        what: "cluster after the drill".to_owned(),
        expected: "whole".to_owned(),
        seen: missing,
        outcome: Outcome::Fail,
    })
}
