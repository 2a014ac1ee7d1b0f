//! What a run was run with: the cluster, the client's settings, and the command that repeats it.

use maud::{Markup, html};

use crate::model::foreign::plain;
use crate::model::load::options::{Backlog, LoadOptions, Protocol};
use crate::model::run::software::{SERVERS_MAX, SETTINGS_MAX};
use crate::model::run::summary::Summary;
use crate::report::numbers::{counted, duration, milliseconds, per_second, seconds};
use crate::report::words;

use super::again::{again, drill_again, unrecorded};
use super::table::{CellsOf, HtmlTable};

/// `drilled_on` is the cluster of the drill, where that is known.
pub(super) fn environment(summary: &Summary, drilled_on: Option<&str>) -> Markup {
    let drill = drill_again(summary, drilled_on);
    html! {
        (servers(summary))
        (patroni_settings(summary))
        (client(summary))
        @if let Some(command) = &drill {
            p { "Again: " code { (plain(command)) } }
            @if summary.part_of.as_deref() != Some("demo") {
                p class="dim" { "A drill of your own by its file in place of its name." }
            }
        }
        @if let Some(command) = again(summary) {
            p { (if drill.is_some() { "Its load alone: " } else { "Again: " }) code { (plain(&command)) } }
            p class="dim" {
                "With the same password and other PG… variables, which no record has."
                @if !unrecorded(summary).is_empty() {
                    " Nor has it what else the connections were given: "
                    (plain(&unrecorded(summary).join(", "))) "."
                }
                @if drill.is_none() && !summary.injections.is_empty() {
                    " It repeats the load, not what the drill did."
                }
            }
        }
    }
}

fn servers(summary: &Summary) -> Markup {
    if summary.servers.is_empty() {
        return html! {};
    }
    let head =
        [("server", CellsOf::Texts), ("PostgreSQL", CellsOf::Texts), ("Patroni", CellsOf::Texts)];
    let rows = summary.servers.iter().map(|server| {
        let postgresql = server.postgresql.map(words::postgresql_version);
        let patroni = server.patroni.as_deref().map(plain);
        vec![
            plain(&server.server),
            postgresql.unwrap_or_else(|| "not told".to_owned()),
            patroni.unwrap_or_else(|| "not watched".to_owned()),
        ]
    });
    html! {
        (HtmlTable { caption: "Servers", head: &head, rows: rows.collect(), more: 0 }.markup())
        @if summary.servers.len() >= SERVERS_MAX {
            p class="dim" { "Only the first " (SERVERS_MAX) " servers are kept." }
        }
    }
}

/// The settings at the first look, and those that were changed while the run went on.
fn patroni_settings(summary: &Summary) -> Markup {
    let told = summary.patroni_settings.iter();
    let told: Vec<_> = told.map(|one| (one.from, words::patroni_settings(&one.settings))).collect();
    let Some(((_, first), later)) = told.split_first() else { return html! {} };
    let rows = first.iter().enumerate().map(|(n, (name, value))| {
        let (mut words, mut last) = (value.clone(), value);
        for (from, settings) in later {
            let (_, now) = &settings[n];
            if now != last {
                words.push_str(&format!(", {now} from {} on", duration(*from)));
                last = now;
            }
        }
        vec![(*name).to_owned(), words]
    });
    let head = [("setting of Patroni", CellsOf::Texts), ("value", CellsOf::Texts)];
    let caption = "Patroni's settings, by its API";
    html! {
        (HtmlTable { caption, head: &head, rows: rows.collect(), more: 0 }.markup())
        @if summary.patroni_settings.len() >= SETTINGS_MAX {
            p class="dim" { "Only the first " (SETTINGS_MAX) " changes of settings are kept." }
        }
    }
}

fn client(summary: &Summary) -> Markup {
    let load = &summary.options.load;
    let target = &summary.target;
    let latency = &summary.latency_ms;
    let latencies = [
        ("p50", latency.p50),
        ("p90", latency.p90),
        ("p99", latency.p99),
        ("p99.9", latency.p999),
        ("max", latency.max),
    ];
    let latencies: Vec<String> = latencies
        .into_iter()
        .filter_map(|(name, ms)| Some(format!("{name} {}", milliseconds(ms?))))
        .collect();
    let record = summary.record.as_ref().map(|record| match record.complete {
        true => record.path.clone(),
        false => {
            let why = record.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            format!("{}, not complete{why}", record.path)
        }
    });
    let patroni = (!summary.patroni.is_empty()).then(|| summary.patroni.join(", "));
    let end = load.duration.map(|length| format!("after {}", duration(length)));
    let end =
        end.or_else(|| load.writes.map(|writes| format!("after {}", counted(writes, "write"))));
    let rows = [
        ("pgchaos", Some(summary.pgchaos.clone())),
        (
            "target",
            Some(format!("{}, database {}, user {}", target.endpoints, target.dbname, target.user)),
        ),
        ("Patroni's APIs", patroni),
        ("HAProxy's page", summary.haproxy.clone()),
        ("load", Some(words::load(load))),
        ("ends", end),
        ("ran for", Some(seconds(summary.elapsed_s))),
        ("deadlines", Some(deadlines(load))),
        ("reconnects", Some(backoff(load))),
        ("writes", Some(how_writes_go(load))),
        ("rate", Some(per_second(summary.rate.acknowledged_per_s))),
        ("latency", (!latencies.is_empty()).then(|| latencies.join(", "))),
        ("errors", (!summary.errors.is_empty()).then(|| words::errors(&summary.errors))),
        ("record", record),
    ];
    let rows =
        rows.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), plain(&value?)]));
    let head = [("client", CellsOf::Texts), ("value", CellsOf::Texts)];
    HtmlTable { caption: "pgchaos and its settings", head: &head, rows: rows.collect(), more: 0 }
        .markup()
}

fn deadlines(load: &LoadOptions) -> String {
    format!(
        "connect {}, write {}, stall after {}, verification {}",
        duration(load.connect_timeout),
        duration(load.write_timeout),
        duration(load.stall_after),
        duration(load.verify_timeout),
    )
}

fn backoff(load: &LoadOptions) -> String {
    let (min, max) = (duration(load.backoff_min), duration(load.backoff_max));
    format!("at once, then after {min} to {max}")
}

/// `prepared; those that come due in an outage are skipped`.
fn how_writes_go(load: &LoadOptions) -> String {
    let protocol = match load.protocol {
        Protocol::Prepared => "prepared once a session",
        Protocol::Extended => "each with its statement",
    };
    let backlog = match load.backlog {
        Backlog::Skip => "skipped",
        Backlog::CatchUp => "sent late",
    };
    format!("{protocol}; what comes due without a session is {backlog}")
}
