//! What a page shows against the summary in JSON.

use std::time::Duration;

use pgchaos::model::outage::Outage;
use pgchaos::model::run::summary::Summary;
use pgchaos::report::numbers::{duration, grouped, milliseconds, percent};
use pgchaos::report::summary_json::summary_json;
use serde_json::Value;

use crate::tables::{Table, inside, plain, tables};

/// Rows of a table, at most.
const ROWS_MAX: usize = 500;

/// Compares all that is a number.
pub fn compare(name: &str, page: &str, summary: &Summary) {
    let json: Value = serde_json::from_str(&summary_json(summary).unwrap()).unwrap();
    let page = Shown { name, tables: tables(page), page };
    keys(&page, &json);
    writes(&page, &json);
    over_time(&page, &json);
    outages(&page, &json);
    steps(&page, &json);
    lost_writes(&page, &json);
    replicas(&page, &json);
    actions(&page, &json);
    servers(&page, &json);
    members(&page, &json);
    proxy(&page, &json);
    software(&page, &json);
    bands(&page, summary);
}

/// A page and its tables.
struct Shown<'a> {
    name: &'a str,
    tables: Vec<Table>,
    page: &'a str,
}

impl Shown<'_> {
    /// The table of this caption; none where the JSON has nothing for it.
    fn table(&self, caption: &str, is_there: bool) -> Option<&Table> {
        let found = self.tables.iter().find(|table| table.caption == caption);
        assert_eq!(found.is_some(), is_there, "{}: the table {caption}", self.name);
        found
    }
}

fn list(json: &Value) -> &[Value] {
    json.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The first rows of a list, as many as a table has.
fn shown(json: &Value) -> &[Value] {
    &list(json)[..list(json).len().min(ROWS_MAX)]
}

/// A count as it is printed, read back.
fn count(cell: &str) -> u64 {
    cell.replace(' ', "").parse().unwrap_or_else(|_| panic!("no count: {cell:?}"))
}

fn seconds(json: &Value) -> String {
    duration(Duration::try_from_secs_f64(json.as_f64().unwrap()).unwrap())
}

fn keys(page: &Shown, json: &Value) {
    let value = |name: &str| {
        let names = inside(page.page, "dt");
        let at = names.iter().position(|key| *key == name);
        at.map(|at| plain(inside(page.page, "dd")[2 * at]))
    };
    let longest = |partial: bool| {
        let of = |one: &&Value| one["partial"].as_bool().unwrap_or(false) == partial;
        let length = |one: &Value| {
            let field = if partial { "degraded_s" } else { "duration_s" };
            let open = one["open_s"].as_f64().filter(|_| !partial).unwrap_or(0.0);
            one[field].as_f64().unwrap().max(open)
        };
        let outages = list(&json["outages"]).iter().filter(of).map(length);
        outages.reduce(f64::max).map(|s| seconds(&Value::from(s)))
    };
    let expected = longest(false).unwrap_or_else(|| "none".to_owned());
    assert_eq!(value("longest outage").unwrap(), expected, "{}", page.name);
    assert_eq!(value("longest partial outage"), longest(true), "{}", page.name);
    assert_eq!(count(&value("in doubt").unwrap()), json["writes"]["in_doubt"]);
    let available = json["rate"]["availability_pct"].as_f64().map(percent);
    assert_eq!(value("available").unwrap(), available.unwrap_or_else(|| "not known".to_owned()));
    let p99 = json["latency_ms"]["p99"].as_f64().map(milliseconds);
    assert_eq!(value("latency p99").unwrap(), p99.unwrap_or_else(|| "not known".to_owned()));
    let lost = value("acknowledged writes lost").unwrap();
    let lost = lost.trim_end_matches(" of those in the record");
    match json["verification"]["state"].as_str() {
        Some("complete") => assert_eq!(count(lost), json["verification"]["lost"]),
        _ => assert_eq!(lost, "not known"),
    }
}

fn writes(page: &Shown, json: &Value) {
    let table = page.table("Writes by outcome", true).unwrap();
    let (writes, found) = (&json["writes"], &json["verification"]);
    for (name, cell) in table.head.iter().zip(&table.rows[0]) {
        let expected = match name.as_str() {
            "sent" => &writes["attempted"],
            "in doubt" => &writes["in_doubt"],
            "unaccounted" if writes["unaccounted"].is_null() => {
                let seen = grouped(writes["unaccounted_seen"].as_u64().unwrap());
                assert_eq!(*cell, format!("unknown, {seen} seen"));
                continue;
            }
            "lost" | "duplicated" | "unexpected" => &found[name.as_str()],
            name => &writes[name],
        };
        assert_eq!(count(cell), *expected, "{}: {name}", page.name);
    }
    let is_complete = found["state"] == "complete";
    assert_eq!(table.head.contains(&"lost".to_owned()), is_complete, "{}", page.name);
}

fn over_time(page: &Shown, json: &Value) {
    let timeline = &json["timeline"];
    let lists = ["due", "acknowledged", "in_doubt", "writers_out_max"].map(|name| &timeline[name]);
    let has_any = lists.iter().any(|list| list.is_array());
    let Some(table) = page.tables.iter().find(|table| table.caption == "The run over time") else {
        assert!(!has_any, "{}: no table of counts", page.name);
        return;
    };
    let values = |name: &str| -> Vec<u64> {
        list(&timeline[name]).iter().map(|value| value.as_u64().unwrap()).collect()
    };
    for (column, name) in
        [("due", "due"), ("acknowledged", "acknowledged"), ("in doubt", "in_doubt")]
    {
        let told: u64 = table.column(column).iter().map(|cell| count(cell)).sum();
        assert_eq!(told, values(name).iter().sum::<u64>(), "{}: {name} over time", page.name);
    }
    let most = table.column("writers out").iter().map(|cell| count(cell)).max().unwrap_or(0);
    assert_eq!(most, values("writers_out_max").into_iter().max().unwrap_or(0), "{}", page.name);
    for (column, name) in
        [("p50, at most", "p50"), ("p99, at most", "p99"), ("longest latency", "max")]
    {
        let all = list(&timeline["latency_ms"][name]).iter().filter_map(Value::as_f64);
        if let Some(highest) = all.reduce(f64::max) {
            let cells = table.column(column);
            assert!(cells.contains(&milliseconds(highest).as_str()), "{}: {column}", page.name);
        }
    }
    for (class, counts) in timeline["errors"].as_object().into_iter().flatten() {
        let told = table.column("errors");
        let of_class = told.iter().flat_map(|cell| cell.split(", ")).filter_map(|one| {
            let (name, number) = one.split_once(' ')?;
            (name == class).then(|| count(number))
        });
        let sum: u64 = list(counts).iter().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(of_class.sum::<u64>(), sum, "{}: {class}", page.name);
    }
}

fn outages(page: &Shown, json: &Value) {
    let all = list(&json["outages"]);
    let Some(table) = page.table("Every outage", !all.is_empty()) else { return };
    assert_eq!(table.rows.len(), all.len().min(ROWS_MAX), "{}", page.name);
    for (row, n) in table.column("n").iter().enumerate() {
        let outage = all.iter().find(|one| one["n"] == count(n)).unwrap();
        let cell = |name: &str| table.column(name)[row];
        assert_eq!(count(cell("in doubt")), outage["in_doubt"], "{}: {n}", page.name);
        assert_eq!(count(cell("lost")), outage["lost"], "{}: {n}", page.name);
        let all_writers = &outage["phases_s"]["all_writers"];
        let expected =
            if all_writers.is_null() { "never".to_owned() } else { seconds(all_writers) };
        assert_eq!(cell("all writers after"), expected, "{}: {n}", page.name);
        let partial = outage["partial"] == true;
        let length = if partial { &outage["degraded_s"] } else { &outage["duration_s"] };
        let length = match outage["open_s"].as_f64().filter(|_| !partial) {
            Some(open) => Value::from(open),
            None => length.clone(),
        };
        assert!(cell("how long").contains(&seconds(&length)), "{}: {n}: {length}", page.name);
        let began = outage["began_at"].as_str().unwrap();
        assert!(began.starts_with(&cell("began (UTC)")[..19].replace(' ', "T")), "{began}");
        let errors = cell("errors").split(", ").filter(|one| !one.is_empty());
        let errors: serde_json::Map<String, Value> = errors
            .map(|one| one.split_once(' ').unwrap())
            .map(|(class, number)| (class.to_owned(), count(number).into()))
            .collect();
        assert_eq!(Value::from(errors), outage["errors"], "{}: {n}", page.name);
    }
}

/// Each zoom has the phases that were seen.
fn steps(page: &Shown, json: &Value) {
    let zooms: Vec<&str> = page.page.split("class=\"zoom\"").skip(1).collect();
    assert_eq!(zooms.len(), list(&json["outages"]).len().min(12), "{}", page.name);
    for zoom in zooms {
        let title = plain(inside(zoom, "summary")[0]);
        let n = title.trim_start_matches("Outage ").split(" · ").next().unwrap();
        let outage = list(&json["outages"]).iter().find(|one| one["n"] == count(n)).unwrap();
        let phases = outage["phases_s"].as_object().unwrap();
        let mut expected: Vec<f64> = phases.values().filter_map(Value::as_f64).collect();
        expected.sort_by(f64::total_cmp);
        let expected: Vec<String> =
            expected.into_iter().map(|s| format!("+{}", seconds(&s.into()))).collect();
        let table = tables(zoom).into_iter().find(|table| table.caption == "Its steps").unwrap();
        assert_eq!(table.column("after it began"), expected, "{}: {n}", page.name);
        for after in expected {
            assert!(zoom.contains(&format!("{after}</text>")), "{}: {after} is drawn", page.name);
        }
    }
}

fn lost_writes(page: &Shown, json: &Value) {
    let all = &json["verification"]["lost_writes"];
    let Some(table) = page.table("Lost writes", !list(all).is_empty()) else { return };
    let told: Vec<[String; 3]> =
        table.rows.iter().map(|row| [row[0].clone(), row[1].clone(), row[2].clone()]).collect();
    let expected: Vec<[String; 3]> = shown(all)
        .iter()
        .map(|one| {
            let seq = |name: &str| format!("#{}", one[name]);
            [one["writer"].to_string(), seq("first_seq"), seq("last_seq")]
        })
        .collect();
    assert_eq!(told, expected, "{}", page.name);
}

fn replicas(page: &Shown, json: &Value) {
    let all = &json["replicas"];
    let Some(table) = page.table("Replicas", !list(all).is_empty()) else { return };
    for (row, replica) in shown(all).iter().enumerate() {
        let cell = |name: &str| table.column(name)[row];
        assert_eq!(cell("behind at most"), seconds(&replica["lag_max_s"]));
        assert_eq!(cell("behind at the end"), seconds(&replica["lag_last_s"]));
        assert_eq!(count(cell("writes behind at most")), replica["writes_behind_max"]);
        assert_eq!(count(cell("reads")), replica["reads"]);
    }
}

fn actions(page: &Shown, json: &Value) {
    let all = &json["injections"];
    let caption = "Each action, by the time since the start";
    let Some(table) = page.table(caption, !list(all).is_empty()) else { return };
    let at: Vec<String> = shown(all).iter().map(|one| seconds(&one["at_s"])).collect();
    assert_eq!(table.column("at"), at, "{}", page.name);
}

fn servers(page: &Shown, json: &Value) {
    let all = &json["acknowledging"];
    let caption = "Which server acknowledged writes";
    let is_there = !list(all).is_empty() || !list(&json["members"]).is_empty();
    let Some(table) = page.table(caption, is_there) else { return };
    let from: Vec<String> = shown(all).iter().map(|one| seconds(&one["from_s"])).collect();
    assert_eq!(table.column("from"), from, "{}", page.name);
    let timelines = shown(all).iter().map(|one| one["timeline"].as_u64());
    let timelines: Vec<String> =
        timelines.map(|one| one.map(|n| n.to_string()).unwrap_or_default()).collect();
    assert_eq!(table.column("timeline"), timelines, "{}", page.name);
}

fn members(page: &Shown, json: &Value) {
    let all = list(&json["members"]);
    let caption = "What each member was, by its Patroni";
    let Some(table) = page.table(caption, !all.is_empty()) else { return };
    let states = all.iter().flat_map(|member| list(&member["states"]));
    let from: Vec<String> = states.take(ROWS_MAX).map(|one| seconds(&one["from_s"])).collect();
    assert_eq!(table.column("from"), from, "{}", page.name);
}

fn proxy(page: &Shown, json: &Value) {
    let all = list(&json["proxy"]);
    let caption = "What each server was for the proxy, by its page";
    if let Some(table) = page.table(caption, !all.is_empty()) {
        let states = all.iter().flat_map(|lane| list(&lane["states"]));
        let from: Vec<String> = states.take(ROWS_MAX).map(|one| seconds(&one["from_s"])).collect();
        assert_eq!(table.column("from"), from, "{}", page.name);
    }
    let all = list(&json["proxy_page"]);
    let caption = "Whether the proxy's page could be read";
    let Some(table) = page.table(caption, !all.is_empty()) else { return };
    let from: Vec<String> = all.iter().take(ROWS_MAX).map(|one| seconds(&one["from_s"])).collect();
    assert_eq!(table.column("from"), from, "{}", page.name);
}

fn software(page: &Shown, json: &Value) {
    let all = &json["servers"];
    if let Some(table) = page.table("Servers", !list(all).is_empty()) {
        let versions = shown(all).iter().map(|one| one["postgresql"].as_u64());
        let versions: Vec<String> = versions
            .map(|version| match version {
                Some(version) => format!("{}.{}", version / 10_000, version % 10_000),
                None => "not told".to_owned(),
            })
            .collect();
        assert_eq!(table.column("PostgreSQL"), versions, "{}", page.name);
    }
    let settings = list(&json["patroni_settings"]);
    let caption = "Patroni's settings, by its API";
    let Some(table) = page.table(caption, !settings.is_empty()) else { return };
    let names = ["ttl", "loop_wait", "retry_timeout"];
    for (name, cell) in table.column("setting of Patroni").iter().zip(table.column("value")) {
        if names.contains(name) {
            let seconds = &settings[0][format!("{name}_s")];
            assert!(cell.starts_with(&format!("{seconds} s")), "{}: {name}: {cell}", page.name);
        }
    }
}

/// Every stretch without a write lies in a band of the film, and where no write lacks is no band.
fn bands(page: &Shown, summary: &Summary) {
    let path = page.page.split_once("<path class=\"band\" d=\"");
    let path = path.map(|(_, after)| after.split_once('"').unwrap().0).unwrap_or_default();
    let boxes: Vec<(f64, f64)> = path
        .split('M')
        .skip(1)
        .map(|one| {
            let (x, rest) = one.split_once(' ').unwrap();
            let (_, rest) = rest.split_once('h').unwrap();
            let (width, _) = rest.split_once('v').unwrap();
            let (x, width): (f64, f64) = (x.parse().unwrap(), width.parse().unwrap());
            (x, x + width)
        })
        .collect();
    #[allow(clippy::cast_precision_loss, reason = "at most 1,024")]
    let told_s = (summary.timeline.len().max(1) - 1) as f64 * summary.timeline.width_s;
    let end_s = summary.elapsed_s.max(told_s).max(0.01);
    let x = |at: Duration| 150.0 + (at.as_secs_f64() / end_s).min(1.0) * 874.0;
    let silent: Vec<(f64, f64)> = summary
        .outages
        .iter()
        .flat_map(Outage::silent)
        .map(|span| (x(span.from), x(span.to)))
        .collect();
    for (from, to) in &silent {
        let is_in =
            |(box_from, box_to): &(f64, f64)| *box_from <= from + 0.11 && *box_to >= to - 0.11;
        assert!(boxes.iter().any(is_in), "{}: no band from {from} to {to}", page.name);
    }
    for (box_from, box_to) in &boxes {
        let touches = |(from, to): &&(f64, f64)| *from <= box_to + 0.2 && *to >= box_from - 0.2;
        let length: f64 =
            silent.iter().filter(touches).map(|(from, to)| (to - from).max(1.0)).sum();
        assert!(box_to - box_from <= length + 0.4, "{}: a band without an outage", page.name);
    }
}
