//! The log of a run on standard error, and its progress bar.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{oneshot, watch};

use super::problem::Problem;
use super::terminal::{Terminal, local_offset};
use crate::cli::log_args::{LogArgs, LogFormat};
use crate::engine::subscribers::{Events, Subscribers};
use crate::model::event::{Event, Header, What};
use crate::model::load::options::LoadOptions;
use crate::model::run::totals::Totals;
use crate::report::console::{BarLength, Console};
use crate::report::json_log::json_line;
use crate::report::numbers::counted;
use crate::report::text_log::{TextLog, TextLogOptions, Verbosity};
use crate::report::words::verifying;

/// How often folded lines are let out and the bar is drawn.
const TICK: Duration = Duration::from_millis(100);

/// The log on standard error, with a progress bar where there is a terminal.
pub(super) struct ConsoleLog {
    console: Console,
    form: Form,
}

enum Form {
    Text(Box<TextLog>),
    Json(DateTime<Utc>),
}

impl ConsoleLog {
    pub(super) fn new(args: &LogArgs, header: &Header) -> Self {
        let terminal = Terminal::stderr();
        let verbosity = match (args.quiet, args.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        };
        let text = args.log_format == LogFormat::Text;
        let form = if text {
            Form::Text(Box::new(TextLog::new(TextLogOptions {
                started_at: header.started_at,
                offset: local_offset(),
                colour: terminal.colour,
                verbosity,
                one_by_one: header.options.is_told_one_by_one(),
                writers: header.options.writers,
                width: terminal.width,
            })))
        } else {
            Form::Json(header.started_at)
        };
        let console = match text && terminal.is_able && !args.quiet {
            true => Console::with_progress(bar_length(&header.options), terminal.width),
            false => Console::plain(),
        };
        Self { console, form }
    }

    fn event(&mut self, event: &Event) {
        match &event.what {
            What::Stopping { writers_out: 0, .. } => self.console.activity("verifying"),
            What::Stopping { writers_out, .. } => {
                let out = counted(*writers_out, "writer");
                self.console.activity(&format!("waiting for {out}"));
            }
            // The log has in full what it waits for.
            What::Verifying { .. } => self.console.activity("verifying: it waits"),
            What::LookedAt { writes, of } => self.console.activity(&verifying(*writes, *of)),
            What::Verified(_) => self.console.finish(),
            _ => {}
        }
        match &mut self.form {
            Form::Text(text) => {
                for line in text.event(event) {
                    self.console.line(&line);
                }
            }
            Form::Json(started_at) => self.console.line(&json_line(*started_at, event)),
        }
    }

    /// Says that events are not in the log, as they came faster than they were taken.
    fn missed(&mut self, at: Duration, events: u64) {
        let message =
            format!("{events} events are left out of this log: they came faster than taken");
        self.event(&Event { at, what: What::Warning { message } });
    }

    fn tick(&mut self, at: Duration, acknowledged: u64) {
        self.fit(Terminal::stderr().width);
        self.console.progress(at, acknowledged);
        if let Form::Text(text) = &mut self.form {
            for line in text.tick(at) {
                self.console.line(&line);
            }
        }
    }

    /// Fits what follows to a terminal of so many columns: it may have been resized.
    fn fit(&mut self, width: Option<usize>) {
        self.console.resized(width);
        if let Form::Text(text) = &mut self.form {
            text.resized(width);
        }
    }

    fn finish(&mut self, at: Duration) {
        self.console.finish();
        if let Form::Text(text) = &mut self.form {
            for line in text.finish(at) {
                self.console.line(&line);
            }
        }
    }
}

fn bar_length(options: &LoadOptions) -> Option<BarLength> {
    options.writes.map(BarLength::Writes).or(options.duration.map(BarLength::Duration))
}

/// Starts the log on a thread of its own, as a terminal that takes no more lines blocks its writer.
/// The receiver that is returned is ready when the log has ended.
pub(super) fn start_log(
    subscribers: &Subscribers,
    log: ConsoleLog,
) -> Result<oneshot::Receiver<()>, Problem> {
    let no_thread = |error| Problem::could_not_run(format!("no thread for the log: {error}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(no_thread)?;
    let (events, totals) = (subscribers.events(), subscribers.totals());
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || {
            runtime.block_on(write_log(events, totals, log));
            // The receiver may be gone; ignore the send error.
            let _ = ended.send(());
        })
        .map_err(no_thread)?;
    Ok(end)
}

/// Writes the log until there are no more events.
async fn write_log(mut events: Events, totals: watch::Receiver<Totals>, mut log: ConsoleLog) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => log.event(&event),
                Err(RecvError::Lagged(missed)) => log.missed(started.elapsed(), missed),
                Err(RecvError::Closed) => break,
            },
            _ = ticks.tick() => {
                let acknowledged = totals.borrow().acknowledged;
                log.tick(started.elapsed(), acknowledged);
            }
        }
    }
    log.finish(started.elapsed());
}
