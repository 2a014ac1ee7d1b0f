//! HAProxy's statistics as CSV: one row a server, columns by their names.
//!
//! The format is section 9.1 of HAProxy's management guide. Versions add columns, so each is found
//! in the first row, `# pxname,svname,…`.

use std::collections::BTreeSet;

use csv::{ByteRecord, ReaderBuilder};

use super::error::HaproxyError;
use crate::model::cluster::proxy::{ProxyServer, ProxyServerState};
use crate::model::foreign::{name, plain, shortened};

/// How much of a foreign answer is shown.
const SHOWN_CHARS_MAX: usize = 80;

/// The `type` of a server's row. Frontends, backends and listeners have others.
const SERVER: &str = "2";

/// Where the columns are.
struct Columns {
    backend: usize,
    server: usize,
    status: usize,
    /// Older versions have not all of these.
    kind: Option<usize>,
    check_status: Option<usize>,
    check_code: Option<usize>,
    address: Option<usize>,
    weight: Option<usize>,
    backup: Option<usize>,
    tracked: Option<usize>,
}

/// A server's row.
struct ServerRow {
    server: ProxyServer,
    /// It takes sessions only while no other server of its backend does that is no backup.
    is_backup: bool,
}

/// The servers of a table, in its order.
///
/// # Errors
/// What is no table of HAProxy's.
pub(super) fn servers(body: &[u8]) -> Result<Vec<ProxyServer>, HaproxyError> {
    let mut rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
    let mut row = ByteRecord::new();
    let mut read = |row: &mut ByteRecord| {
        rows.read_byte_record(row).map_err(|error| not_haproxy(format!("broken CSV ({error})")))
    };
    read(&mut row)?;
    let columns = Columns::of(&row, body)?;
    let mut servers = Vec::new();
    while read(&mut row)? {
        servers.extend(columns.server(&row)?);
    }
    leave_out_backups(&mut servers);
    Ok(servers.into_iter().map(|row| row.server).collect())
}

/// Of a backend's backup servers only the first one that can takes sessions, and only while none of the others does. With
/// `option allbackups` all of them would, which the page does not tell.
fn leave_out_backups(rows: &mut [ServerRow]) {
    let takes = |row: &&ServerRow| row.server.is.takes_sessions();
    let backend = |row: &ServerRow| row.server.backend.clone();
    let mut served: BTreeSet<String> =
        rows.iter().filter(takes).filter(|row| !row.is_backup).map(backend).collect();
    for row in rows.iter_mut().filter(|row| row.is_backup && row.server.is.takes_sessions()) {
        if !served.insert(row.server.backend.clone()) {
            row.server.is = ProxyServerState::OutOfService { word: "backup".to_owned() };
        }
    }
}

impl Columns {
    fn of(first: &ByteRecord, body: &[u8]) -> Result<Self, HaproxyError> {
        let names: Vec<String> = first.iter().map(text).collect();
        let at = |wanted: &str| {
            names.iter().position(|name| name.trim_start_matches("# ").trim() == wanted)
        };
        let begins = names.first().is_some_and(|name| name.starts_with('#'));
        let (Some(backend), Some(server)) = (at("pxname"), at("svname")) else {
            return Err(no_table(body));
        };
        if !begins {
            return Err(no_table(body));
        }
        let status = at("status").ok_or_else(|| not_haproxy("a table without a column status"))?;
        Ok(Self {
            backend,
            server,
            status,
            kind: at("type"),
            check_status: at("check_status"),
            check_code: at("check_code"),
            address: at("addr"),
            weight: at("weight"),
            backup: at("bck"),
            tracked: at("tracked"),
        })
    }

    /// The server of a row, unless it is another thing's.
    fn server(&self, row: &ByteRecord) -> Result<Option<ServerRow>, HaproxyError> {
        let cell = |at: usize| row.get(at).map(text);
        let optional = |at: Option<usize>| at.and_then(cell).filter(|cell| !cell.is_empty());
        let (Some(backend), Some(server), Some(status)) =
            (cell(self.backend), cell(self.server), cell(self.status))
        else {
            return Err(not_haproxy("a table that is cut off"));
        };
        let is_server = match optional(self.kind) {
            Some(kind) => kind == SERVER,
            None => server != "FRONTEND" && server != "BACKEND",
        };
        if !is_server {
            return Ok(None);
        }
        let check_status = optional(self.check_status);
        // A star says that the next check is under way.
        let check = check_status.as_deref().map(|check| check.trim_start_matches("* "));
        let Some(mut is) = state(&status, check) else {
            let words = shortened(&plain(&status), SHOWN_CHARS_MAX);
            return Err(not_haproxy(format!("the unknown state \"{words}\" of a server")));
        };
        // One that tracks another counts by that one's checks, of which this row tells no result.
        let is_uncounted = check.is_none() && optional(self.tracked).is_some();
        if is_uncounted && matches!(is, ProxyServerState::GoingDown { .. }) {
            is = ProxyServerState::Up;
        }
        if is.takes_sessions() && optional(self.weight).as_deref() == Some("0") {
            is = ProxyServerState::OutOfService { word: "weight 0".to_owned() };
        }
        let code = optional(self.check_code).filter(|code| code.parse().is_ok_and(|n: u16| n > 0));
        let check = check.filter(|check| !check.is_empty()).map(|check| match code {
            // What failed on layer 7 has a code that tells more: L7STS/503.
            Some(code) if check.starts_with("L7") && !check.starts_with("L7OK") => {
                name(&format!("{check}/{code}"))
            }
            _ => name(check),
        });
        let (backend, server) = (name(&backend), name(&server));
        let is_backup = optional(self.backup).as_deref() == Some("1");
        let server = ProxyServer { backend, server, is, check, address: optional(self.address) };
        Ok(Some(ServerRow { server, is_backup }))
    }
}

/// What a server is by its status: a word, and `n/m` while it is on its way up or down. Of one that
/// is up HAProxy counts how many failures it can still take: `UP 1/3` is one that two checks of three
/// failed. Of one that is down it counts the checks that passed: `DOWN 1/2`.
fn state(status: &str, check: Option<&str>) -> Option<ProxyServerState> {
    let (word, rest) = status.split_once(' ').unwrap_or((status, ""));
    let steps: Option<(u32, u32)> =
        rest.split_once('/').and_then(|(n, of)| Some((n.parse().ok()?, of.parse().ok()?)));
    // `DOWN (agent)`, `DRAIN (agent)` say by what it is so.
    let is_plain = rest.is_empty() || rest.starts_with('(');
    match (word, steps) {
        ("no", _) if rest == "check" => Some(ProxyServerState::Unchecked),
        // A server counts as up until its first check.
        ("UP", _) if check == Some("INI") => Some(ProxyServerState::Unchecked),
        ("UP", None) if is_plain => Some(ProxyServerState::Up),
        ("UP", Some((left, fall))) => {
            let failed = fall.saturating_sub(left);
            Some(ProxyServerState::GoingDown { failed, fall })
        }
        ("DOWN", None) if is_plain => Some(ProxyServerState::Down),
        ("DOWN", Some((passed, rise))) => Some(ProxyServerState::ComingUp { passed, rise }),
        // `MAINT (resolution)`, `MAINT (via pool/server)`.
        ("MAINT", None) if is_plain => Some(ProxyServerState::OutOfService { word: name(status) }),
        ("DRAIN" | "NOLB", _) if is_plain || steps.is_some() => {
            Some(ProxyServerState::OutOfService { word: word.to_owned() })
        }
        _ => None,
    }
}

fn text(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
}

/// What came in the place of a table.
fn no_table(body: &[u8]) -> HaproxyError {
    // Each character has four bytes at most.
    let begin = String::from_utf8_lossy(&body[..body.len().min(SHOWN_CHARS_MAX * 16)]).into_owned();
    match begin.trim_start() {
        "" => not_haproxy("nothing"),
        page if page.starts_with('<') => HaproxyError::WebPage,
        other => not_haproxy(format!("\"{}\"", shortened(&plain(other), SHOWN_CHARS_MAX))),
    }
}

fn not_haproxy(what: impl Into<String>) -> HaproxyError {
    HaproxyError::NotHaproxy { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of these columns, and rows as `status,check_status,check_code`.
    fn states(rows: &[&str]) -> Vec<(ProxyServerState, Option<String>)> {
        let rows: Vec<String> = rows.iter().map(|row| format!("b,s,{row},2")).collect();
        let table =
            format!("# pxname,svname,status,check_status,check_code,type\n{}\n", rows.join("\n"));
        let servers = servers(table.as_bytes()).unwrap();
        servers.into_iter().map(|server| (server.is, server.check)).collect()
    }

    fn state_of(row: &str) -> ProxyServerState {
        states(&[row]).remove(0).0
    }

    /// By HAProxy 2.6 with `fall 3 rise 2`: the two servers of a pool, of which one was killed and came
    /// back.
    #[test]
    fn a_server_goes_down_by_failures_and_comes_up_by_successes() {
        use ProxyServerState::{ComingUp, Down, GoingDown, Up};
        assert_eq!(state_of("UP,L7OK,200"), Up);
        assert_eq!(state_of("UP 2/3,L4CON,"), GoingDown { failed: 1, fall: 3 });
        assert_eq!(state_of("UP 1/3,* L4CON,0"), GoingDown { failed: 2, fall: 3 });
        assert_eq!(state_of("DOWN,L4CON,"), Down);
        assert_eq!(state_of("DOWN 1/2,L7OK,200"), ComingUp { passed: 1, rise: 2 });
        // What no HAProxy counts is no sum below nothing.
        assert_eq!(state_of("UP 9/3,L4CON,"), GoingDown { failed: 0, fall: 3 });
    }

    #[test]
    fn a_server_that_is_not_checked_or_not_yet_is_told_so() {
        use ProxyServerState::{Down, Unchecked};
        assert_eq!(state_of("no check,,"), Unchecked);
        assert_eq!(state_of("UP 1/2,INI,"), Unchecked);
        assert_eq!(state_of("UP,* INI,"), Unchecked);
        assert_eq!(state_of("DOWN,INI,"), Down);
    }

    #[test]
    fn what_was_set_by_hand_is_out_of_service() {
        let set_to = |word: &str| ProxyServerState::OutOfService { word: word.to_owned() };
        assert_eq!(state_of("MAINT,,"), set_to("MAINT"));
        assert_eq!(state_of("MAINT (resolution),,"), set_to("MAINT (resolution)"));
        assert_eq!(state_of("DRAIN,L7OK,200"), set_to("DRAIN"));
        assert_eq!(state_of("DRAIN 1/2,L7STS,503"), set_to("DRAIN"));
        assert_eq!(state_of("NOLB 2/3,L7OKC,404"), set_to("NOLB"));
        assert_eq!(state_of("DOWN (agent),L7OK,200"), ProxyServerState::Down);
    }

    #[test]
    fn a_server_that_is_up_may_get_no_sessions() {
        let table = "# pxname,svname,status,check_status,weight,act,bck,tracked,type\n\
                     w,drained,UP,L7OK,0,1,0,,2\n\
                     w,a,UP,L7OK,1,1,0,,2\n\
                     w,b,UP,L7OK,1,0,1,,2\n\
                     v,a,DOWN,L7STS,1,0,0,,2\n\
                     v,b,UP,L7OK,1,0,1,,2\n\
                     v,c,UP,L7OK,1,0,1,,2\n\
                     t,tracks,UP 1/2,,1,1,0,w/a,2\n";
        let found = servers(table.as_bytes()).unwrap();
        let takes: Vec<String> = found
            .iter()
            .filter(|one| one.is.takes_sessions())
            .map(|one| format!("{}/{}", one.backend, one.server))
            .collect();
        assert_eq!(takes, ["w/a", "v/b", "t/tracks"]);
        let set_to = |word: &str| ProxyServerState::OutOfService { word: word.to_owned() };
        assert_eq!((&found[0].is, &found[2].is), (&set_to("weight 0"), &set_to("backup")));
        assert_eq!(found[6].is, ProxyServerState::Up, "no check of its own failed");
    }

    #[test]
    fn a_check_is_told_in_haproxys_word() {
        let check = |row: &str| states(&[row]).remove(0).1;
        assert_eq!(check("UP,L7OK,200").as_deref(), Some("L7OK"));
        assert_eq!(check("DOWN,L7STS,503").as_deref(), Some("L7STS/503"));
        assert_eq!(check("DOWN,* L7STS,0").as_deref(), Some("L7STS"));
        assert_eq!(check("DOWN,L4CON,").as_deref(), Some("L4CON"));
        assert_eq!(check("no check,,"), None);
    }

    #[test]
    fn other_words_are_no_states() {
        for status in ["", "OPEN", "UP!", "UP x/y", "UP 1/2/3", "DOWN -1/2", "MAINTAINED", "up"] {
            let table = format!("# pxname,svname,status\nb,s,{status}\n");
            let words = servers(table.as_bytes()).unwrap_err().to_string();
            assert!(words.contains("the unknown state"), "{status}: {words}");
        }
    }

    #[test]
    fn columns_are_found_by_their_names_and_rows_by_their_type() {
        let table = "# svname,type,addr,new,status,pxname,-,\n\
                     FRONTEND,0,,,OPEN,primary,,\n\
                     sock-1,3,,,OPEN,primary,,\n\
                     p1,2,10.0.0.1:5432,\"a, \"\"b\"\"\",UP,primary,,\n\
                     BACKEND,1,,,UP,primary,,\n";
        let found = servers(table.as_bytes()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].backend.as_str(), found[0].server.as_str()), ("primary", "p1"));
        assert_eq!(found[0].address.as_deref(), Some("10.0.0.1:5432"));
        // Before 1.4 there was no column for the type.
        let table = "# pxname,svname,status\np,FRONTEND,OPEN\np,s,UP\np,BACKEND,UP\n";
        assert_eq!(servers(table.as_bytes()).unwrap().len(), 1);
    }

    /// As HAProxy 2.6.12 tells it with `stats show-legends`: four servers of a pool, and two pages.
    #[test]
    fn a_whole_table_of_haproxy_2_6_has_its_servers() {
        use ProxyServerState::{Down, OutOfService, Unchecked};
        let found = servers(include_bytes!("table-2.6.csv")).unwrap();
        let server = |nth: u32, is, check: Option<&str>, port: u32| ProxyServer {
            backend: "primary".to_owned(),
            server: format!("patroni{nth}"),
            is,
            check: check.map(str::to_owned),
            address: Some(format!("127.0.0.1:{port}")),
        };
        assert_eq!(
            found,
            [
                server(1, Down, Some("L4CON"), 17003),
                server(2, Down, Some("L4CON"), 17004),
                server(3, OutOfService { word: "MAINT".to_owned() }, None, 17003),
                server(4, Unchecked, None, 17003),
            ]
        );
    }

    proptest::proptest! {
        /// Whatever comes, a table or not, is read or refused in a few plain words.
        #[test]
        fn any_bytes_are_survived(
            begin in proptest::sample::select(vec!["", "# pxname,svname,status\n", "# pxname,status,svname,type\n\""]),
            rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        ) {
            let body = [begin.as_bytes(), &rest].concat();
            if let Err(error) = servers(&body) {
                let words = error.to_string();
                assert!(words.chars().count() < 1_200, "{words}");
                assert!(!words.chars().any(crate::model::foreign::is_steering), "{words:?}");
            }
        }
    }

    #[test]
    fn names_are_kept_short_and_plain() {
        let table = format!("# pxname,svname,status\n{},s\u{1b}[2J,UP\n", "b".repeat(10_000));
        let found = servers(table.as_bytes()).unwrap().remove(0);
        assert_eq!(found.backend.chars().count(), 100);
        assert_eq!(found.server, "s\\u{1b}[2J");
    }
}
