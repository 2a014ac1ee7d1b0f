//! The run itself in words: its beginning, single writes, its end and the verification.

use crate::model::account::Account;
use crate::model::event::{Connected, Header, ReadBack, Ready, StopReason, Verification, Written};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::{counted, duration, grouped, whole};
use crate::report::words;

/// The first line: what runs against what, and how to end it.
pub(super) fn header(header: &Header, verbose: bool) -> Line {
    let run = header.run_id.to_string();
    let run = if verbose { run } else { format!("{}…", run.get(..4).unwrap_or(&run)) };
    let options = &header.options;
    let end = match (options.duration, options.writes) {
        (None, None) => "Ctrl-C to stop and verify".to_owned(),
        (Some(time), None) => format!("for {}", whole(time)),
        (None, Some(writes)) => format!("until {} are sent", counted(writes, "write")),
        (Some(time), Some(writes)) => {
            format!("for {} or until {} are sent", whole(time), counted(writes, "write"))
        }
    };
    Line::new(Tone::Plain, "")
        .rest(format!("pgchaos gen → {}", header.target.endpoints))
        .part(format!("run {run}"))
        .part_if((header.generator > 1).then(|| format!("generator {}", header.generator)))
        .part(words::load(options))
        .part(end)
}

/// The schema that was made.
pub(super) fn ready(ready: &Ready) -> Option<Line> {
    ready.created.then(|| {
        Line::new(Tone::Plain, "CREATED")
            .rest(" schema pgchaos")
            .part(format!("on {}", ready.server.name()))
    })
}

/// A session.
pub(super) fn connected(connected: &Connected, named_writer: bool) -> Line {
    let tone = if connected.server.is_writable() { Tone::Good } else { Tone::Wary };
    let writer = match named_writer {
        true => format!(" writer {}", connected.writer),
        false => String::new(),
    };
    Line::new(tone, "CONNECTED").rest(format!("{writer} to {}", connected.server))
}

/// One write.
pub(super) fn written(written: &Written, several_writers: bool, verbose: bool) -> Line {
    let seq = if verbose { format!(" #{}", written.seq) } else { String::new() };
    Line::new(Tone::Plain, "INSERT")
        .rest(format!("{seq}: {} by {}", written.event_type, written.user))
        .part(format!("id {}", written.id))
        .part_if(several_writers.then(|| format!("writer {}", written.writer)))
}

/// The last ids.
pub(super) fn read_back(read: &ReadBack) -> Line {
    let ids: Vec<String> = read.ids.iter().map(ToString::to_string).collect();
    let last = match read.ids.len() {
        1 => "last ID".to_owned(),
        some => format!("last {some} IDs"),
    };
    Line::new(Tone::Plain, "READ check").rest(format!(" ({last}): [{}]", ids.join(", ")))
}

/// Writing ends.
pub(super) fn stopping(reason: StopReason) -> Line {
    let (why, now) = match reason {
        StopReason::Signal => ("", "Ctrl-C again to stop now"),
        StopReason::Duration => (": the duration is over", "Ctrl-C to stop now"),
        StopReason::Writes => (": all writes are sent", "Ctrl-C to stop now"),
    };
    Line::new(Tone::Plain, "STOPPED")
        .rest(format!(" writing{why}"))
        .part(format!("verifying ({now})"))
}

/// How far the verification is.
pub(super) fn looked_at(writes: u64, of: u64) -> Line {
    Line::new(Tone::Plain, "").rest(format!("verifying: {}", words::looked_at(writes, of)))
}

/// A second Ctrl-C.
pub(super) fn stopped_now() -> Line {
    Line::new(Tone::Wary, "STOPPED NOW")
        .part("not verified")
        .part("the record is kept, pgchaos verify accounts for it")
}

/// The final verification, in short: the summary tells it in full.
pub(super) fn verified(verification: &Verification) -> Vec<Line> {
    let Some(account) = &verification.account else {
        let why = verification.reason.as_deref().unwrap_or("it did not finish");
        return vec![Line::new(Tone::Wary, "NOT VERIFIED").rest(format!(": {why}"))];
    };
    let place = verification.server.as_ref().map(|server| format!(" on {}", server.name()));
    let head = Line::new(Tone::Good, "VERIFIED")
        .rest(place.unwrap_or_default())
        .rest(format!(" in {}", duration(verification.took)));
    let mut lines = vec![if account.lost == 0 {
        head.part("every acknowledged write is there")
    } else {
        Line { tone: Tone::Plain, ..head }
    }];
    lines.extend(alarms(account));
    if account.recovered + account.absent > 0 {
        lines.push(Line::new(Tone::Plain, "").rest(format!(
            "in doubt: {} committed, {} not",
            grouped(account.recovered),
            grouped(account.absent)
        )));
    }
    if account.unaccounted > 0 {
        lines.push(
            Line::new(Tone::Wary, "UNACCOUNTED")
                .rest(format!(": {}", counted(account.unaccounted, "write")))
                .part("after the last flush of the record"),
        );
    }
    lines
}

fn alarms(account: &Account) -> Vec<Line> {
    let alarms = [
        (account.lost, "acknowledged", "LOST", &account.lost_writes),
        (account.duplicated, "", "there MORE THAN ONCE", &account.duplicated_writes),
        (account.unexpected, "", "there UNEXPECTEDLY", &account.unexpected_writes),
    ];
    alarms
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, which, what, writes)| {
            let noun = if count == 1 { "write is" } else { "writes are" };
            let which = if which.is_empty() { String::new() } else { format!("{which} ") };
            Line::new(Tone::Loud, "!!!").rest(format!(
                " {} {which}{noun} {what} ({})",
                grouped(count),
                words::by_writer(writes)
            ))
        })
        .collect()
}
