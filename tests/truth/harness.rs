//! Runs the cases, several side by side, those on the lab one after another, and prints one line for each. A case that
//! cannot be tried here is skipped, which is a result of its own and no case that holds.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io, panic};

use crate::support::{SKIP_NOTHING, skips_fail};

/// Cases that run at the same time, beside the lab's one: most of a case is waiting.
const LANES: usize = 3;

/// One run with a known truth.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// Set-up and story, as a path.
    pub(crate) name: &'static str,
    /// Where it happens, and what.
    pub(crate) story: Story,
}

/// A story on the lab.
#[cfg(target_os = "linux")]
type OnLab = fn(&crate::lab::Stage) -> String;

/// Why a case cannot be tried on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Skipped(pub(crate) String);

/// A story ends with a line about what was found, and panics when pgchaos said something else than the truth.
#[derive(Clone, Copy)]
pub(crate) enum Story {
    /// Everything it needs is its own.
    Alone(fn() -> String),
    /// The same, and it takes what a machine may not give: namespaces.
    WhereAllowed(fn() -> Result<String, Skipped>),
    /// On the one lab of the process, which it finds healthy.
    #[cfg(target_os = "linux")]
    OnLab(OnLab),
}

impl Case {
    pub(crate) const fn alone(name: &'static str, story: fn() -> String) -> Self {
        Self { name, story: Story::Alone(story) }
    }

    #[cfg(target_os = "linux")]
    pub(crate) const fn where_allowed(
        name: &'static str,
        story: fn() -> Result<String, Skipped>,
    ) -> Self {
        Self { name, story: Story::WhereAllowed(story) }
    }

    #[cfg(target_os = "linux")]
    pub(crate) const fn on_lab(name: &'static str, story: OnLab) -> Self {
        Self { name, story: Story::OnLab(story) }
    }

    fn is_on_lab(&self) -> bool {
        match self.story {
            Story::Alone(_) | Story::WhereAllowed(_) => false,
            #[cfg(target_os = "linux")]
            Story::OnLab(_) => true,
        }
    }
}

/// What the command line asks for, as cargo test hands it on. `--on-lab` and `--off-lab` are this harness's own: two
/// processes, each with one of them, play all of the cases.
struct Asked {
    words: Vec<String>,
    is_exact: bool,
    is_list: bool,
    on_lab: Option<bool>,
    lanes: usize,
}

impl Asked {
    fn of(mut args: impl Iterator<Item = String>) -> Self {
        let mut asked =
            Self { words: vec![], is_exact: false, is_list: false, on_lab: None, lanes: LANES };
        let lanes = |number: &str| number.parse().expect("--test-threads is a number");
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--exact" => asked.is_exact = true,
                "--list" => asked.is_list = true,
                "--on-lab" => asked.on_lab = Some(true),
                "--off-lab" => asked.on_lab = Some(false),
                "--test-threads" => asked.lanes = lanes(&args.next().unwrap_or_default()),
                // The other options of Rust's own test harness change nothing here.
                option if option.starts_with('-') => {
                    if let Some(number) = option.strip_prefix("--test-threads=") {
                        asked.lanes = lanes(number);
                    }
                }
                _ => asked.words.push(arg),
            }
        }
        asked
    }

    fn wants(&self, case: &Case) -> bool {
        let is_named = |word: &String| {
            if self.is_exact { case.name == word } else { case.name.contains(word.as_str()) }
        };
        let is_here = self.on_lab.is_none_or(|on_lab| on_lab == case.is_on_lab());
        is_here && (self.words.is_empty() || self.words.iter().any(is_named))
    }
}

/// What a case comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// pgchaos said the truth, and this was found.
    Holds(String),
    /// Why nothing is known of it.
    Skipped(String),
    /// What is not true.
    Fails(String),
}

impl Outcome {
    /// Of a story that came to its end. Where nothing may be skipped, a skip fails.
    pub(crate) fn of(found: Result<String, Skipped>, may_skip: bool) -> Self {
        match found {
            Ok(found) => Self::Holds(found),
            Err(Skipped(why)) if may_skip => Self::Skipped(why),
            Err(Skipped(why)) => Self::Fails(format!("skipped, and {SKIP_NOTHING} is set: {why}")),
        }
    }

    fn line(&self, name: &str, took: Duration) -> String {
        match self {
            Self::Holds(found) => line("ok  ", name, took, found),
            Self::Skipped(why) => line("skip", name, took, why),
            Self::Fails(why) => line("FAIL", name, took, &why.replace('\n', "\n     ")),
        }
    }
}

/// The names of the cases, by what they came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    held: usize,
    skipped: Vec<&'static str>,
    failed: Vec<&'static str>,
}

impl Tally {
    pub(crate) fn add(&mut self, name: &'static str, outcome: &Outcome) {
        match outcome {
            Outcome::Holds(_) => self.held += 1,
            Outcome::Skipped(_) => self.skipped.push(name),
            Outcome::Fails(_) => self.failed.push(name),
        }
    }

    /// What the run comes to, in words.
    pub(crate) fn words(&self) -> String {
        let all = self.held + self.skipped.len() + self.failed.len();
        let mut words = format!("{} of {all} cases hold", self.held);
        let others = [("skipped, not passed", &self.skipped), ("these do not", &self.failed)];
        for (what, names) in others.into_iter().filter(|(_, names)| !names.is_empty()) {
            let _ = write!(words, "\n{what}: {}: {}", names.len(), names.join(" "));
        }
        words
    }

    /// The same as Rust's own harness ends with, for what sums up.
    pub(crate) fn result(&self) -> String {
        let word = if self.failed.is_empty() { "ok" } else { "FAILED" };
        let (failed, skipped) = (self.failed.len(), self.skipped.len());
        format!("test result: {word}. {} passed; {failed} failed; {skipped} ignored", self.held)
    }

    fn exit_code(&self) -> ExitCode {
        if self.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// How often a story is told until its measure is exact.
const MEASURES_MAX: u32 = 5;

/// A measure that a busy machine can have spoiled.
struct Inexact(String);

/// Ends the story when a measure is not as exact as it is where nothing else runs: the case is told from its beginning,
/// five times in all. A length that is not true is not true every time; a machine that had something else to do just
/// then is no lie about the outage. What holds on any machine is asserted before.
pub(crate) fn exact_or_again(is_exact: bool, words: impl FnOnce() -> String) {
    if !is_exact {
        panic::panic_any(Inexact(words()));
    }
}

/// What a panic said, by the case that its thread was named after.
static SAID: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// Runs those that the command line asks for.
pub(crate) fn run(cases: &[Case]) -> ExitCode {
    let asked = Asked::of(env::args().skip(1));
    let cases: Vec<Case> = cases.iter().filter(|case| asked.wants(case)).copied().collect();
    if asked.is_list {
        for case in &cases {
            say(&format!("{}: test", case.name));
        }
        return ExitCode::SUCCESS;
    }
    keep_panics(&cases);
    let began = Instant::now();
    let tally = play(&cases, asked.lanes.max(1));
    say(&format!("\ntruth, {} s: {}", began.elapsed().as_secs(), tally.words()));
    say(&tally.result());
    tally.exit_code()
}

fn play(cases: &[Case], lanes: usize) -> Tally {
    let tally = Mutex::new(Tally::default());
    let waiting: Mutex<VecDeque<Case>> = Mutex::new(VecDeque::new());
    #[cfg(target_os = "linux")]
    let mut on_lab = Vec::new();
    for case in cases {
        match case.story {
            Story::Alone(_) | Story::WhereAllowed(_) => lock(&waiting).push_back(*case),
            #[cfg(target_os = "linux")]
            Story::OnLab(story) => on_lab.push((case.name, story)),
        }
    }
    thread::scope(|scope| {
        #[cfg(target_os = "linux")]
        if !on_lab.is_empty() {
            let lab_lane = || play_on_lab(&on_lab, &tally);
            thread::Builder::new().name("lab".to_owned()).spawn_scoped(scope, lab_lane).unwrap();
        }
        for _ in 0..lanes {
            scope.spawn(|| {
                loop {
                    let next = lock(&waiting).pop_front();
                    let Some(Case { name, story }) = next else { return };
                    match story {
                        Story::Alone(story) => one(name, &|| Ok(story()), &tally),
                        Story::WhereAllowed(story) => one(name, &story, &tally),
                        #[cfg(target_os = "linux")]
                        Story::OnLab(_) => {}
                    }
                }
            });
        }
    });
    tally.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Brings the lab up, and plays on it; without it, none of its cases holds.
#[cfg(target_os = "linux")]
fn play_on_lab(cases: &[(&'static str, OnLab)], tally: &Mutex<Tally>) {
    let began = Instant::now();
    let Ok(stage) = panic::catch_unwind(crate::lab::Stage::up) else {
        let said = lock(&SAID).remove("lab").unwrap_or_default();
        let failed = Outcome::Fails(said);
        say(&failed.line("lab", began.elapsed()));
        cases.iter().for_each(|(name, _)| lock(tally).add(name, &failed));
        return;
    };
    say(&line("    ", "lab", began.elapsed(), "it is up"));
    for (name, story) in cases {
        one(name, &|| Ok(story(&stage)), tally);
    }
}

/// Runs one case on a thread of its name, and prints its line.
fn one(
    name: &'static str,
    story: &(dyn Fn() -> Result<String, Skipped> + Sync),
    tally: &Mutex<Tally>,
) {
    let began = Instant::now();
    let outcome = told(name, story);
    say(&outcome.line(name, began.elapsed()));
    lock(tally).add(name, &outcome);
}

/// What a story comes to, once its measure is exact, or the last time.
fn told(name: &'static str, story: &(dyn Fn() -> Result<String, Skipped> + Sync)) -> Outcome {
    let mut last = String::new();
    for _ in 0..MEASURES_MAX {
        let began = Instant::now();
        let found = thread::scope(|scope| {
            thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, story).unwrap().join()
        });
        match found {
            Ok(found) => return Outcome::of(found, !skips_fail()),
            Err(payload) => match payload.downcast::<Inexact>() {
                Ok(inexact) => last = inexact.0,
                Err(_) => {
                    let said = lock(&SAID).remove(name);
                    return Outcome::Fails(said.unwrap_or_else(|| "it panicked".to_owned()));
                }
            },
        }
        say(&line("late", name, began.elapsed(), &last));
    }
    Outcome::Fails(format!("measured {MEASURES_MAX} times: {last}"))
}

fn line(result: &str, name: &str, took: Duration, found: &str) -> String {
    format!("{result} {name:<52} {:>5.1} s  {found}", took.as_secs_f64())
}

fn say(line: &str) {
    // A closed standard output is no failure of a case.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Keeps what a case's panic says for its line. Other threads' panics are printed as always.
fn keep_panics(cases: &[Case]) {
    let names: Vec<_> = cases.iter().map(|case| case.name).chain(["lab"]).collect();
    let printed = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let thread = thread::current();
        let name = thread.name().filter(|name| names.contains(name));
        let Some(name) = name else { return printed(info) };
        if info.payload().is::<Inexact>() {
            return;
        }
        let place = info.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
        let payload = info.payload();
        let words = payload.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no words");
        lock(&SAID).insert(name.to_owned(), format!("{words}{}", place.unwrap_or_default()));
    }));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
