//! The run itself in words: its beginning, single writes, its end and the verification.

use crate::model::event::{Connected, Header, ReadBack, Ready, StopReason, Verification, Written};
use crate::model::foreign::shortened;
use crate::model::ledger::account::Account;
use crate::model::load::own_pause::OwnPause;
use crate::model::load::target::PLACES_CHARS_MAX;
use crate::model::run::summary::HeldBy;
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
        (None, Some(writes)) => format!("until {}", sent(writes)),
        (Some(time), Some(writes)) => {
            format!("for {} or until {}", whole(time), sent(writes))
        }
    };
    Line::new(Tone::Plain, "")
        .rest(format!("pgchaos gen → {}", shortened(&header.target.endpoints, PLACES_CHARS_MAX)))
        .part(format!("run {run}"))
        .part_if(words::called(header.name.as_deref(), header.group.as_deref()))
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
pub(super) fn stopping(reason: StopReason, writers_out: u64, writers: u32) -> Line {
    let (why, now) = match reason {
        StopReason::Signal => ("", "Ctrl-C again to stop now"),
        StopReason::Duration => (": the duration is over", "Ctrl-C to stop now"),
        StopReason::Writes => (": all writes are sent", "Ctrl-C to stop now"),
    };
    let line = Line::new(Tone::Plain, "STOPPED").rest(format!(" writing{why}"));
    if writers_out == 0 {
        return line.part(format!("verifying ({now})"));
    }
    let out = words::writers_out(writers_out, writers);
    line.part(format!("{out}: trying on for at most 10 s")).part(format!("then verifying ({now})"))
}

/// pgchaos itself did not run for a while: times across it include its own pause.
pub(super) fn own_pause(pause: OwnPause) -> Line {
    Line::new(Tone::Wary, "OWN PAUSE")
        .rest(format!(" of {}", duration(pause.length)))
        .part("pgchaos itself did not run: stopped, or without a processor")
}

/// How far the verification is.
pub(super) fn looked_at(writes: u64, of: u64) -> Line {
    Line::new(Tone::Plain, "").rest(format!("verifying: {}", words::looked_at(writes, of)))
}

/// A second Ctrl-C. The summary, which comes when the record is closed, says what the record is good
/// for and what to do next.
pub(super) fn stopped_now(in_flight: u64) -> Line {
    let in_doubt = format!("{} in flight, in doubt", counted(in_flight, "write"));
    Line::new(Tone::Wary, "STOPPED NOW")
        .part_if((in_flight > 0).then_some(in_doubt))
        .part("not verified")
}

/// The final verification, in short: the summary tells it in full.
pub(super) fn verified(verification: &Verification, closed: bool) -> Vec<Line> {
    let held: Vec<HeldBy> = verification.holds.iter().map(HeldBy::from).collect();
    let Some(account) = &verification.account else {
        let why = verification.reason.as_deref().unwrap_or("it did not finish");
        let mut lines = vec![Line::new(Tone::Wary, "NOT VERIFIED").rest(format!(": {why}"))];
        let held = words::held(&held, false);
        lines.extend(held.map(|text| Line::new(Tone::Wary, text)));
        return lines;
    };
    let place = verification.server.as_ref().map(|server| format!(" on {}", server.name()));
    let head = Line::new(Tone::Good, "VERIFIED")
        .rest(place.unwrap_or_default())
        .rest(format!(" in {}", duration(verification.took)));
    let mut lines = vec![if account.counts.lost == 0 {
        head.part(words::all_there(closed))
    } else {
        Line { tone: Tone::Plain, ..head }
    }];
    lines.extend(alarms(account));
    let locally = words::lost_locally(account.counts.lost_locally);
    lines.extend(locally.map(|text| Line::new(Tone::Bad, text)));
    lines.extend(words::held(&held, true).map(|text| Line::new(Tone::Bad, text)));
    if account.counts.recovered + account.counts.absent + account.counts.undecided > 0 {
        let open = (account.counts.undecided > 0)
            .then(|| format!(", {} still in doubt", grouped(account.counts.undecided)));
        lines.push(
            Line::new(Tone::Plain, "")
                .rest(format!(
                    "in doubt: {} committed, {} not",
                    grouped(account.counts.recovered),
                    grouped(account.counts.absent)
                ))
                .rest(open.unwrap_or_default())
                .part_if(verification.reason.clone()),
        );
    }
    lines.extend(
        verification
            .notes
            .iter()
            .filter_map(words::note)
            .map(|text| Line::new(Tone::Plain, "").rest(text)),
    );
    if account.unaccounted > 0 {
        lines.push(
            Line::new(Tone::Wary, "UNACCOUNTED")
                .rest(format!(": {} at least", counted(account.unaccounted, "write")))
                .part("after the last flush of the record"),
        );
    }
    lines
}

fn alarms(account: &Account) -> Vec<Line> {
    let alarms = [
        (account.counts.lost, "acknowledged", "LOST", &account.lost_writes),
        (account.counts.duplicated, "", "there MORE THAN ONCE", &account.duplicated_writes),
        (account.counts.unexpected, "", "there UNEXPECTEDLY", &account.unexpected_writes),
        (
            account.counts.withdrawn,
            "",
            "GONE since the look-up after an outage",
            &account.withdrawn_writes,
        ),
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

fn sent(writes: u64) -> String {
    format!("{} {} sent", counted(writes, "write"), if writes == 1 { "is" } else { "are" })
}
