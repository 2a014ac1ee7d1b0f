//! The log of a run on standard error, and its progress bar.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use super::problem::Problem;
use super::terminal::{Terminal, local_offset};
use crate::cli::gen_args::{LogArgs, LogFormat};
use crate::model::event::{Event, Header, What};
use crate::model::load::options::LoadOptions;
use crate::report::console::{BarLength, Console};
use crate::report::json_log::json_line;
use crate::report::text_log::{TextLog, TextLogOptions, Verbosity};

/// How often folded lines are let out and the bar is drawn.
const TICK: Duration = Duration::from_millis(100);

/// The log on standard error.
pub(super) struct Log {
    console: Console,
    form: Form,
    acknowledged: u64,
}

enum Form {
    Text(Box<TextLog>),
    Json(DateTime<Utc>),
}

impl Log {
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
        let bar = bar_length(&header.options).filter(|_| text && terminal.is_able);
        Self {
            console: Console::new(bar.filter(|_| !args.quiet), terminal.width),
            form,
            acknowledged: 0,
        }
    }

    fn event(&mut self, event: &Event) {
        if let What::Interval(interval) = &event.what {
            self.acknowledged += interval.acknowledged;
        }
        if matches!(event.what, What::Stopping { .. }) {
            self.console.finish();
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

    fn tick(&mut self, at: Duration) {
        self.console.progress(at, self.acknowledged);
        if let Form::Text(text) = &mut self.form {
            for line in text.tick(at) {
                self.console.line(&line);
            }
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

/// Starts the log on a thread of its own: a terminal that takes no more lines holds up whoever
/// writes to it. What is returned is ready when the log is at its end.
pub(super) fn start_log(
    events: mpsc::Receiver<Event>,
    log: Log,
) -> Result<oneshot::Receiver<()>, Problem> {
    let no_thread = |error| Problem::could_not_run(format!("no thread for the log: {error}"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(no_thread)?;
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || {
            runtime.block_on(write_log(events, log));
            // Whoever waits for it may have given up.
            let _ = ended.send(());
        })
        .map_err(no_thread)?;
    Ok(end)
}

/// Writes the log until there are no more events.
async fn write_log(mut events: mpsc::Receiver<Event>, mut log: Log) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => log.event(&event),
                None => break,
            },
            _ = ticks.tick() => log.tick(started.elapsed()),
        }
    }
    log.finish(started.elapsed());
}
