//! The commands that repeat a run: its load against the same target with the same deadlines, or its drill.

use std::time::Duration;

use crate::model::event::{Beside, MemberToWatch};
use crate::model::load::options::{Backlog, LoadOptions, Protocol, Rate, Thresholds};
use crate::model::load::target::{Target, connection_string, ports};
use crate::model::run::summary::Summary;
use crate::report::words::shell_word;

/// `gen` with the options of the run: the target, the load, the deadlines and the limits. `None` where the summary
/// has the target only shortened.
pub(super) fn again(summary: &Summary) -> Option<String> {
    let mut words = vec!["pgchaos".to_owned(), "gen".to_owned()];
    if summary.beside.is_cut() || summary.haproxy.as_ref().is_some_and(|url| url.ends_with('…')) {
        return None;
    }
    words.extend(target(&summary.target, &summary.patroni)?);
    words.extend(summary.patroni.iter().flat_map(|url| option("--patroni", url)));
    // Without the user and password that the page may ask for.
    words.extend(summary.haproxy.iter().flat_map(|url| option("--haproxy", url)));
    words.extend(beside(&summary.beside));
    words.extend(summary.witness.map(|_| "--witness".to_owned()));
    words.extend(load(&summary.options.load));
    words.extend(deadlines(&summary.options.load));
    words.extend(limits(&summary.options.thresholds));
    Some(words.join(" "))
}

/// `drill run` with the drill that had this load, on what it is said to have run on (`lab-pgchaos`). `None` where the
/// record does not name the drill.
pub(super) fn drill_again(summary: &Summary, on: Option<&str>) -> Option<String> {
    let name = match summary.part_of.as_deref()? {
        "demo" => return Some("pgchaos demo".to_owned()),
        drill => drill.strip_prefix("drill ")?,
    };
    let mut words = vec!["pgchaos".to_owned(), "drill".into(), "run".into(), shell_word(name)];
    let (backend, cluster) = on.and_then(|on| on.split_once('-')).unwrap_or_default();
    if ["lab", "compose", "hooks"].contains(&backend) {
        words.extend(option("--on", backend));
    }
    // The names that these have by default are not typed.
    match (backend, cluster) {
        ("lab", name) if name != "pgchaos" => words.extend(option("--name", name)),
        ("compose", project) if project != "pgchaos" => words.extend(option("--project", project)),
        _ => {}
    }
    Some(words.join(" "))
}

/// An option with its value, as one word where the value would be taken for an option.
fn option(name: &str, value: &str) -> Vec<String> {
    let long = match name {
        "-h" => "--host",
        "-p" => "--port",
        "-U" => "--username",
        "-d" => "--dbname",
        name => name,
    };
    match value.starts_with('-') {
        true => vec![format!("{long}={}", shell_word(value))],
        false => vec![name.to_owned(), shell_word(value)],
    }
}

fn target(target: &Target, patroni: &[String]) -> Option<Vec<String>> {
    if target.is_cut() || patroni.iter().any(|url| url.ends_with('…')) {
        return None;
    }
    if target.hostaddr.is_some() {
        // An address of a connection string is passed over where -h says where to connect.
        return Some(option("-d", &target.connection_string()));
    }
    let port = ports(&target.endpoints, target.port);
    let database = database(target);
    let options = [("-h", &target.host), ("-p", &port), ("-U", &target.user), ("-d", &database)];
    Some(options.iter().flat_map(|(name, value)| option(name, value)).collect())
}

/// The database; in a connection string where options belong to it, or where its name would be taken for one.
fn database(target: &Target) -> String {
    let is_a_name = !target.dbname.contains(['=', '/']);
    if is_a_name && target.options().next().is_none() {
        return target.dbname.clone();
    }
    connection_string([("dbname", target.dbname.as_str())].into_iter().chain(target.options()))
}

/// What was asked beside the load.
fn beside(beside: &Beside) -> Vec<String> {
    let member = |member: &MemberToWatch| match &member.target {
        None => member.name.clone(),
        Some(target) => format!("{}={}", member.name, target.connection_string()),
    };
    let members = beside.members.iter().map(|one| option("--members", &member(one)));
    let connection = |target: &Option<Target>| target.as_ref().map(Target::connection_string);
    let port = beside.haproxy_port.map(|port| port.to_string());
    let some = [
        ("--read-dsn", connection(&beside.read)),
        ("--verify-dsn", connection(&beside.verify)),
        ("--haproxy-config", beside.haproxy_config.clone()),
        ("--haproxy-backend", beside.haproxy_backend.clone()),
        ("--haproxy-port", port),
    ];
    let some = some.into_iter().filter_map(|(name, value)| Some(option(name, &value?)));
    members.flatten().chain(some.flatten()).collect()
}

/// Options of its connections that the command lacks, as no record has what they were set to.
pub(super) fn unrecorded(summary: &Summary) -> Vec<&str> {
    let beside = &summary.beside;
    let members = beside.members.iter().filter_map(|member| member.target.as_ref());
    let targets = [&summary.target].into_iter().chain(&beside.read).chain(&beside.verify);
    let mut names: Vec<&str> =
        targets.chain(members).flat_map(|target| &target.unrecorded).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn load(load: &LoadOptions) -> Vec<String> {
    let rate = match load.rate {
        Rate::PerSecond(rate) => rate.to_string(),
        Rate::Max => "max".to_owned(),
    };
    let mut words = vec![option("--rate", &rate), option("--writers", &load.writers.to_string())];
    words.push(option("--threads", &load.threads.to_string()));
    words.push(option("--read-every", &load.read_every.to_string()));
    if load.pipeline > 1 {
        words.push(option("--pipeline", &load.pipeline.to_string()));
    }
    if load.protocol == Protocol::Extended {
        words.push(option("--protocol", load.protocol.name()));
    }
    if load.backlog == Backlog::CatchUp {
        words.push(option("--backlog", load.backlog.name()));
    }
    words.extend(load.duration.map(|duration| option("--duration", &typed(duration))));
    words.extend(load.writes.map(|writes| option("--writes", &writes.to_string())));
    words.concat()
}

/// What waits how long, also where it is the default: another version may have others.
fn deadlines(load: &LoadOptions) -> Vec<String> {
    let times = [
        ("--connect-timeout", load.connect_timeout),
        ("--write-timeout", load.write_timeout),
        ("--stall-after", load.stall_after),
        ("--backoff-min", load.backoff_min),
        ("--backoff-max", load.backoff_max),
        ("--verify-timeout", load.verify_timeout),
    ];
    times.into_iter().flat_map(|(name, time)| option(name, &typed(time))).collect()
}

fn limits(limits: &Thresholds) -> Vec<String> {
    let times = [
        ("--max-outage", limits.max_outage),
        ("--max-degraded", limits.max_degraded),
        ("--max-lag", limits.max_lag),
        ("--max-p99", limits.max_p99),
    ];
    let times = times.into_iter().filter_map(|(name, time)| Some(option(name, &typed(time?))));
    let share = limits.min_availability_pct;
    let share = share.map(|share| option("--min-availability", &share.to_string()));
    // A drill that expects losses lifts the limit, which no option does.
    let lost = Some(limits.max_lost).filter(|max| (1..u64::MAX).contains(max));
    let lost = lost.map(|max| option("--max-lost", &max.to_string()));
    let two = limits.max_two_primaries;
    let two = (!two.is_zero()).then(|| option("--max-two-primaries", &typed(two)));
    times.chain(share).chain(lost).chain(two).flatten().collect()
}

/// A time as an option takes it, whole: `30s`, `1500ms`, `500us`.
fn typed(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", time.as_millis()),
        nanos if nanos % 1_000 == 0 => format!("{}us", time.as_micros()),
        _ => format!("{}ns", time.as_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load::values;
    use crate::report::fixtures::summary;

    #[test]
    fn the_command_has_target_load_and_limits() {
        let mut summary = summary();
        summary.options.load.duration = Some(Duration::from_secs(90));
        summary.options.thresholds.max_outage = Some(Duration::from_millis(1500));
        summary.target.dbname = "it's".to_owned();
        summary.patroni = vec!["http://a:8008".to_owned()];
        summary.haproxy = Some("http://a:7000/;csv".to_owned());
        let at = |host: &str| Target {
            host: host.to_owned(),
            port: 5432,
            endpoints: format!("{host}:5432"),
            dbname: "app".to_owned(),
            user: "me".to_owned(),
            ..Target::default()
        };
        let named = MemberToWatch { name: "b".to_owned(), target: Some(at("10.0.0.2")) };
        summary.witness = Some(summary.run_id);
        summary.beside = Beside {
            members: vec![MemberToWatch { name: "auto".to_owned(), target: None }, named],
            read: Some(Target { target_session_attrs: Some("standby".to_owned()), ..at("r") }),
            haproxy_config: Some("-haproxy.cfg".to_owned()),
            haproxy_port: Some(5500),
            ..Beside::default()
        };
        assert_eq!(
            again(&summary).unwrap(),
            "pgchaos gen -h localhost -p 5500 -U postgres -d 'it'\\''s' --patroni http://a:8008 \
             --haproxy 'http://a:7000/;csv' --members auto \
             --members 'b=host=10.0.0.2 port=5432 user=me dbname=app' \
             --read-dsn 'host=r port=5432 user=me dbname=app target_session_attrs=standby' \
             --haproxy-config=-haproxy.cfg --haproxy-port 5500 --witness --rate 1 \
             --writers 1 --threads 1 --read-every 2 --duration 90s --connect-timeout 3s --write-timeout 5s \
             --stall-after 1s --backoff-min 50ms --backoff-max 500ms --verify-timeout 30s \
             --max-outage 1500ms"
        );
    }

    #[test]
    fn a_limit_that_is_lifted_is_not_typed() {
        let mut summary = summary();
        summary.options.thresholds.max_lost = u64::MAX;
        assert!(!again(&summary).unwrap().contains("--max-lost"));
        summary.options.thresholds.max_lost = 50;
        assert!(again(&summary).unwrap().ends_with(" --max-lost 50"));
    }

    #[test]
    fn a_drill_is_repeated_by_its_own_command() {
        let mut summary = summary();
        assert_eq!(drill_again(&summary, None), None, "a load by itself");
        summary.part_of = Some("demo".to_owned());
        assert_eq!(drill_again(&summary, None).unwrap(), "pgchaos demo");
        summary.part_of = Some("drill leader-kill".to_owned());
        let again = |on: &str| drill_again(&summary, Some(on)).unwrap();
        assert_eq!(drill_again(&summary, None).unwrap(), "pgchaos drill run leader-kill");
        assert_eq!(again("lab-pgchaos"), "pgchaos drill run leader-kill --on lab");
        assert_eq!(again("lab-my-own"), "pgchaos drill run leader-kill --on lab --name my-own");
        assert_eq!(again("compose-x"), "pgchaos drill run leader-kill --on compose --project x");
        assert_eq!(again("hooks-leader-kill"), "pgchaos drill run leader-kill --on hooks");
        assert_eq!(again("no; cluster"), "pgchaos drill run leader-kill");
        summary.part_of = Some("drill it's; mine".to_owned());
        assert_eq!(drill_again(&summary, None).unwrap(), r"pgchaos drill run 'it'\''s; mine'");
    }

    #[test]
    fn a_time_is_typed_as_the_option_reads_it() {
        let ms = 1_000_000;
        for nanos in [ms / 2, 1, 1_500, ms, 1_500 * ms, 1_500 * ms + 1_000, 90_000 * ms] {
            let time = Duration::from_nanos(nanos);
            assert_eq!(values::positive_duration(&typed(time)), Ok(time), "{}", typed(time));
        }
        assert_eq!(typed(Duration::from_micros(500)), "500us");
    }

    #[test]
    fn a_connection_is_secured_again() {
        let mut summary = summary();
        let tls = [("sslmode", "verify-full"), ("sslrootcert", "/my files/ca.crt")];
        summary.target.tls = tls.map(|(name, value)| (name.into(), value.into())).into();
        let words = again(&summary).unwrap();
        let database =
            r"-d 'dbname=postgres sslmode=verify-full sslrootcert='\''/my files/ca.crt'\''' ";
        assert!(words.contains(database), "{words}");
    }

    #[test]
    fn a_name_that_looks_like_a_connection_string_is_one_no_more() {
        let mut summary = summary();
        summary.target.dbname = "host=evil sslmode=disable".to_owned();
        let words = again(&summary).unwrap();
        assert!(words.contains(r"-d 'dbname='\''host=evil sslmode=disable'\''' "), "{words}");
        summary.target.dbname = "app".to_owned();
        summary.target.hostaddr = Some("10.0.0.3".to_owned());
        let words = again(&summary).unwrap();
        let whole = "-d 'host=localhost port=5500 user=postgres dbname=app hostaddr=10.0.0.3' ";
        assert!(words.contains(whole) && !words.contains(" -h "), "{words}");
        summary.target.hostaddr = None;
        summary.target.user = "-x".to_owned();
        assert!(again(&summary).unwrap().contains(" --username=-x "));
    }

    #[test]
    fn several_hosts_have_their_ports() {
        let mut summary = summary();
        summary.target.host = "a,b".to_owned();
        summary.target.endpoints = "a:5432,b:5433".to_owned();
        assert!(again(&summary).unwrap().contains("-h a,b -p 5432,5433 "));
        summary.target.endpoints = "a:5432,b:54…".to_owned();
        assert_eq!(again(&summary), None);
    }
}
