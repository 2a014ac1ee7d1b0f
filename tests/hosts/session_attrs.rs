//! Every `target_session_attrs` for every order of hosts: what psql reaches, where `pgchaos init` writes, and where gen
//! reads by `--read-dsn`.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::beside_psql::{init, psql};
use crate::servers::At::{self, AlsoDead, Dead, Primary, ReadOnly, Standby};
use crate::servers::Servers;
use crate::support::Gen;

const SOON: Duration = Duration::from_secs(60);

const ATTRS: [&str; 6] = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"];

/// An order of hosts, and what psql reaches by each of [`ATTRS`].
type Order = (&'static [At], [Option<At>; 6]);

const P: Option<At> = Some(Primary);
const S: Option<At> = Some(Standby);
const R: Option<At> = Some(ReadOnly);

#[rustfmt::skip]
const ORDERS: [Order; 13] = [
    //                                any   read-write  read-only  primary  standby  prefer-standby
    (&[Primary, Standby],            [P,    P,          S,         P,       S,       S]),
    (&[Standby, Primary],            [S,    P,          S,         P,       S,       S]),
    (&[Dead, Primary, Standby],      [P,    P,          S,         P,       S,       S]),
    (&[Dead, Standby, Primary],      [S,    P,          S,         P,       S,       S]),
    (&[Primary, Dead, Standby],      [P,    P,          S,         P,       S,       S]),
    (&[Standby, Dead, Primary],      [S,    P,          S,         P,       S,       S]),
    (&[Dead, AlsoDead],              [None, None,       None,      None,    None,    None]),
    (&[Dead, Primary],               [P,    P,          None,      P,       None,    P]),
    (&[Dead, Standby, AlsoDead],     [S,    None,       S,         None,    S,       S]),
    (&[ReadOnly, Primary],           [R,    P,          R,         R,       None,    R]),
    (&[Primary, ReadOnly],           [P,    P,          R,         P,       None,    P]),
    (&[ReadOnly, Standby, Dead],     [R,    None,       R,         R,       S,       S]),
    (&[Standby, ReadOnly, Primary],  [S,    P,          S,         R,       S,       S]),
];

/// The connection string in both forms. No host is mute: one that serves is never passed over for being slow.
fn forms(servers: &Servers, hosts: &[At], attrs: &str) -> [String; 2] {
    let parameters = [format!("target_session_attrs={attrs}"), "connect_timeout=60".to_owned()];
    [servers.uri(hosts, &parameters.join("&")), servers.key_value(hosts, &parameters.join(" "))]
}

/// A load writes: of what psql reaches, it takes what takes writes. Where psql takes a server that takes none (`any`,
/// `primary`), pgchaos passes it over, and finds what psql finds by `read-write`. To be asked for a server that takes no
/// writes is an error.
#[test]
fn by_every_attribute_in_every_order_of_hosts() {
    let servers = Servers::start();
    for (hosts, reached) in ORDERS {
        let read_write = reached[1];
        for (attrs, reached) in ATTRS.into_iter().zip(reached) {
            for connection in forms(&servers, hosts, attrs) {
                let case = format!("{attrs} {hosts:?}: {connection}");
                let by_psql = psql(&servers.primary, &connection);
                assert_eq!(by_psql.as_ref().ok().map(|port| servers.at(*port)), reached, "{case}");
                let by_pgchaos = init(&connection);
                if matches!(attrs, "read-only" | "standby" | "prefer-standby") {
                    let words = by_pgchaos.unwrap_err();
                    assert!(words.contains(&format!("target_session_attrs={attrs}")), "{words}");
                    assert!(words.contains("asks for a server that takes no writes"), "{words}");
                    continue;
                }
                let wrote = by_pgchaos.as_ref().ok().map(|port| servers.at(*port));
                assert_eq!(wrote, read_write, "{case}: {by_pgchaos:?}");
                if wrote != reached {
                    assert!(matches!(reached, Some(Standby | ReadOnly)), "{case}");
                }
                if let Err(words) = by_pgchaos {
                    let each: Vec<String> = hosts.iter().map(|at| servers.why_not(*at)).collect();
                    let each = each.join("\n  ");
                    let count = hosts.len();
                    let expected = format!("pgchaos: none of {count} places serves:\n  {each}\n");
                    assert_eq!(words, expected, "{case}");
                }
            }
        }
    }
}

/// A session that reads may be any: `--read-dsn` goes where psql goes, and fails where psql fails, with each host named.
#[test]
fn reads_go_where_psql_goes() {
    let servers = Servers::start();
    let target = servers.uri(&[Primary], "");
    for (hosts, reached) in ORDERS {
        thread::scope(|scope| {
            for (attrs, reached) in ATTRS.into_iter().zip(reached) {
                let (servers, target) = (&servers, &target);
                scope.spawn(move || {
                    let [uri, _] = forms(servers, hosts, attrs);
                    reads(servers, target, &uri, hosts, reached, attrs);
                });
            }
        });
    }
}

fn reads(
    servers: &Servers,
    target: &str,
    uri: &str,
    hosts: &[At],
    reached: Option<At>,
    attrs: &str,
) {
    let case = format!("{attrs} {hosts:?}");
    let load = Gen::start([target, "--rate=5", "--connect-timeout=60s", "--read-dsn", uri]);
    if let Some(at) = reached {
        // The server that is read-only holds no objects, so that a read there fails on it and nowhere else.
        let read = load.wait_for_event(SOON, &case, |event| {
            let of_a_read = event["event"] == "replica_failed" && event["fault"]["phase"] == "read";
            event["event"] == "replica_lag" || of_a_read
        });
        let port = servers.port(at);
        match read["fault"]["endpoint"].as_str() {
            Some(endpoint) => assert_eq!(endpoint, format!("127.0.0.1:{port}"), "{case}"),
            None => assert_eq!(read["server"]["port"], port, "{case}"),
        }
    } else {
        let mut from = 0;
        for at in hosts {
            let failed = load.wait_for_event_after(from, SOON, &case, |event| {
                from += 1;
                event["event"] == "replica_failed"
            });
            let fault = &failed["fault"];
            assert_eq!(fault["endpoint"], format!("127.0.0.1:{}", servers.port(*at)), "{case}");
            let class = match at {
                Dead | AlsoDead => "refused",
                // Read-write is wanted of a standby, or of a server that is read-only.
                _ if attrs == "read-write" => "read_only",
                _ => "wrong_role",
            };
            assert_eq!(fault["class"], class, "{case}: {fault}");
        }
    }
}

/// The variable is for writes, and so is what the target says where `--read-port` goes to its hosts.
#[test]
fn what_is_wanted_for_writes_is_not_wanted_for_reads() {
    let servers = Servers::start();
    let (target, standby) = (servers.uri(&[Standby, Primary], ""), servers.uri(&[Standby], ""));
    let port = servers.port(Standby).to_string();
    let by_host = servers.uri(&[Primary], "target_session_attrs=read-write");
    for args in [
        vec![target.as_str(), "--read-dsn", &standby],
        vec![by_host.as_str(), "--read-port", &port],
    ] {
        let load = Gen::start_with(args.iter().copied().chain(["--rate=5"]), |_, command| {
            command.env("PGTARGETSESSIONATTRS", "read-write");
        });
        let is_read = |event: &Value| event["event"] == "replica_lag";
        let read = load.wait_for_event(SOON, "a read", is_read);
        assert_eq!(read["server"]["port"], servers.port(Standby), "{args:?}");
        // A run that wrote nothing has no verdict.
        load.wait_for_event(SOON, "a write", |event| event["event"] == "written");
        assert_eq!(load.interrupt_and_finish().code, 0);
    }
}

/// A load that finds no server names each host in its log, at its first failure and in their order, and goes on.
#[test]
fn a_load_names_each_host_that_does_not_serve() {
    let servers = Servers::start();
    let hosts = [Dead, AlsoDead, Standby, ReadOnly];
    let load = Gen::start_with([servers.uri(&hosts, "")], |_, command| {
        command.env("PGCHAOS_LOG_FORMAT", "text");
    });
    let port = |at| servers.port(at);
    let expected = [
        format!("REFUSED: nobody listens on 127.0.0.1:{} · retrying", port(Dead)),
        format!("REFUSED: nobody listens on 127.0.0.1:{} · retrying", port(AlsoDead)),
        format!(
            "READ ONLY on 127.0.0.1:{0}: 127.0.0.1:{0} takes no writes (in recovery)",
            port(Standby)
        ),
        format!(
            "READ ONLY on 127.0.0.1:{0}: 127.0.0.1:{0} takes no writes (read-only by",
            port(ReadOnly)
        ),
    ];
    let mut log = load.wait_for_text(SOON, &expected[3]);
    for line in &expected {
        let (_, after) = log.split_once(line.as_str()).unwrap_or_else(|| panic!("{line}\n{log}"));
        log = after.to_owned();
    }
    assert_eq!(load.interrupt_and_finish().code, 3);
}

/// The same when it can never work, which ends it: gen, verify.
#[test]
fn what_can_never_work_names_each_host() {
    let servers = Servers::start();
    let nowhere = servers.uri(&[Primary, Standby], "").replace("/postgres?", "/nowhere?");
    let each = [Primary, Standby].map(|at| {
        format!(
            "  127.0.0.1:{}: database \"nowhere\" does not exist (SQLSTATE 3D000)\n",
            servers.port(at)
        )
    });
    let expected =
        format!("pgchaos: none of 2 places serves:\n{}{}  try: createdb", each[0], each[1]);
    let finished = Gen::start([nowhere.as_str()]).finish();
    assert_eq!(finished.code, 4);
    assert!(finished.stderr.contains(&expected), "{}", finished.stderr);
    let refused: Vec<&Value> =
        finished.events_named("refused").iter().map(|event| &event["fault"]["endpoint"]).collect();
    let endpoints = [Primary, Standby].map(|at| format!("127.0.0.1:{}", servers.port(at)));
    assert_eq!(refused, [&endpoints[0], &endpoints[1]]);

    let ran = Gen::start([servers.uri(&[Primary], "").as_str(), "-n", "1"]).finish();
    let mut verify = crate::support::pgchaos(ran.home(), ["verify", "-d", &nowhere]);
    let output = verify.arg(&ran.record).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), words.contains(&expected)), (Some(4), true), "{words}");
}
