//! The words around the demo: what it will do, what happened, and what to try next.

use std::time::Duration;

use super::layout::{Layout, Line, Tone};
use super::numbers::{counted, duration, grouped};
use super::whose_words;
use crate::model::outage::Outage;
use crate::model::run::summary::{Summary, VerificationState};

/// The words before the demo begins.
#[must_use]
pub fn opening(layout: &Layout) -> String {
    page(
        layout,
        &[
            ("", ""),
            (
                "",
                "A real PostgreSQL cluster is about to start on this machine: three etcd, three Patroni \
              with PostgreSQL, one HAProxy. pgchaos writes to it through HAProxy, kills the leader \
              (Patroni and PostgreSQL together), writes on as soon as it can, and looks up every \
              write.",
            ),
            ("", ""),
        ],
    )
}

/// The words after the demo. `program` is how pgchaos was called.
#[must_use]
pub fn closing(summary: &Summary, program: &str, layout: &Layout) -> String {
    let mut lines = vec![(String::new(), String::new())];
    lines.push(("WHAT HAPPENED".to_owned(), String::new()));
    match summary.outages.first() {
        Some(outage) => lines.extend(story(outage)),
        None => lines.push(item("", "no write had to wait".to_owned())),
    }
    lines.extend(account(summary));
    lines.push((String::new(), String::new()));
    lines.push(("TRY NEXT".to_owned(), String::new()));
    for (command, what) in NEXT {
        lines.push(("  ".to_owned(), format!("{program} {command}")));
        lines.push(("      ".to_owned(), what.to_owned()));
    }
    let lines: Vec<(&str, &str)> = lines.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    page(layout, &lines)
}

/// Commands, and what each shows.
const NEXT: [(&str, &str); 5] = [
    ("lab up --profile quick", "the same cluster, to keep; lab down when you are done"),
    (
        "gen --port 5500",
        "load on it; in another terminal: lab kill leader, lab status, lab start patroni1",
    ),
    ("drill run etcd-quorum", "two of three etcd gone; drill list names the others"),
    ("drill run async-loss", "acknowledged writes disappear, and are found missing"),
    (
        "gen -h HOST -p PORT -U USER --duration 2m --max-outage 30s",
        "a cluster of your own, with a verdict for CI",
    ),
];

/// An outage as a story: what was seen when.
fn story(outage: &Outage) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let since = |at: Duration| format!("+{}", duration(at));
    if let Some(fault) = &outage.fault {
        lines.push(item("0 s", format!("{}: {}", fault.what.action, fault.what.target_words())));
        lines.push(item(
            &since(fault.evidence_after),
            format!("the sessions end under their writers: {}", errors(outage)),
        ));
    }
    let begun = outage.fault.as_ref().map_or(Duration::ZERO, |fault| fault.evidence_after);
    if let Some(changed) = outage.phases.leader_changed {
        lines.push(item(&since(begun + changed), "Patroni has a new leader".to_owned()));
    }
    if let (Some(to), Some(_)) = (&outage.to, outage.first_ack) {
        let timeline = to.timeline.map(|timeline| format!(" on timeline {timeline}"));
        lines.push(item(
            &since(begun + outage.duration),
            format!(
                "the first write is acknowledged again, by {}{}: an outage of {}, a {}",
                to.name(),
                timeline.unwrap_or_default(),
                duration(outage.duration),
                outage.kind.name()
            ),
        ));
    }
    let parts = outage.whose.iter().flat_map(|whose| whose_words::parts(whose, Duration::ZERO));
    for (n, part) in parts.enumerate() {
        lines.push(item(if n == 0 { "of that" } else { "" }, part));
    }
    lines
}

fn errors(outage: &Outage) -> String {
    let errors: Vec<String> =
        outage.errors.iter().map(|(class, count)| format!("{class} {}", grouped(*count))).collect();
    format!(
        "{} until it is over; {} in doubt",
        errors.join(", "),
        counted(outage.in_doubt, "write")
    )
}

/// What became of the writes.
fn account(summary: &Summary) -> Vec<(String, String)> {
    let (writes, found) = (&summary.writes, &summary.verification);
    if found.state != VerificationState::Complete {
        let reason = found.reason.clone().unwrap_or_default();
        return vec![item("end", format!("the writes could not be verified: {reason}"))];
    }
    let acknowledged = counted(writes.acknowledged, "acknowledged write");
    let mut lines =
        vec![item("end", format!("{acknowledged} looked up: {} lost", grouped(found.counts.lost)))];
    if writes.in_doubt > 0 {
        lines.push(item(
            "",
            format!(
                "of {} in doubt, sent and not proven, {} there and {} not",
                grouped(writes.in_doubt),
                grouped(found.counts.recovered),
                grouped(found.counts.absent)
            ),
        ));
    }
    if writes.skipped > 0 {
        let skipped = counted(writes.skipped, "write");
        lines.push(item("", format!("{skipped} due in the outage and never sent")));
    }
    lines
}

fn item(when: &str, what: String) -> (String, String) {
    (format!("  {when:<10}"), what)
}

fn page(layout: &Layout, lines: &[(&str, &str)]) -> String {
    let mut rows = Vec::new();
    for (prefix, text) in lines {
        rows.extend(layout.rows(prefix, &Line::new(Tone::Plain, "").rest(*text)));
    }
    rows.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outage::injection::{Cause, Injected};
    use crate::model::outage::whose::{OutagePart, Owner, PartName, WhoseSeconds};
    use crate::report::fixtures::summary;

    const LAYOUT: Layout = Layout { colour: false, width: Some(80), shorten: false };

    #[test]
    fn a_killed_leader_is_told_from_the_kill_to_the_last_write() {
        let mut summary = summary();
        let fault = Cause {
            what: Injected {
                step: 1,
                action: "kill".to_owned(),
                target: "leader".to_owned(),
                member: Some("patroni2".to_owned()),
            },
            at: Duration::from_secs(2),
            evidence_after: Duration::from_millis(50),
        };
        summary.outages[0].fault = Some(Box::new(fault));
        summary.outages[0].phases.leader_changed = Some(Duration::from_millis(4900));
        let part = |part, owner, lasted_ms| OutagePart {
            part,
            owners: vec![owner],
            from: Duration::ZERO,
            lasted: Duration::from_millis(lasted_ms),
            within: Duration::ZERO,
            expected: None,
        };
        let parts = vec![
            part(PartName::Lock, Owner::Patroni, 66_900),
            part(PartName::Reconnect, Owner::Client, 150),
        ];
        summary.outages[0].whose = Some(WhoseSeconds { parts, shorter: Vec::new() });
        let page = closing(&summary, "pgchaos", &LAYOUT);
        let story = page.split("TRY NEXT").next().unwrap();
        assert_eq!(
            story,
            "
WHAT HAPPENED
  0 s       kill: leader (patroni2)
  +50 ms    the sessions end under their writers: connection_lost 1, no_backend
            11 until it is over; 1 write in doubt
  +5.0 s    Patroni has a new leader
  +67.1 s   the first write is acknowledged again, by patroni3 on timeline 2: an
            outage of 67.1 s, a failover
  of that   66.9 s Patroni waited for the lock to expire
            0.2 s the client's backoff and connect
  end       141 acknowledged writes looked up: 0 lost
            of 1 in doubt, sent and not proven, 0 there and 1 not
            67 writes due in the outage and never sent

"
        );
    }

    #[test]
    fn writes_that_could_not_be_verified_are_not_called_fine() {
        let mut summary = summary();
        summary.verification.state = VerificationState::Incomplete;
        summary.verification.reason = Some("no primary takes writes".to_owned());
        let page = closing(&summary, "pgchaos", &LAYOUT);
        assert!(page.contains("could not be verified: no primary takes writes"), "{page}");
        assert!(!page.contains("looked up"), "{page}");
    }
}
