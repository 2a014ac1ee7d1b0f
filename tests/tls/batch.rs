//! A server that stops in the middle of a batch and goes on: what TLS holds back is sent, and every answer comes.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pgchaos::model::load::options::Protocol;
use pgchaos::pg::sessions::connect::{Wanted, look_up, open};
use pgchaos::pg::settings::{Environment, Explicit, resolve};
use pgchaos::pg::user_events::UserEvent;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{Postgres, pgchaos, speak_tls};

/// Writes at once, fewer bytes than what TLS holds back where the kernel takes no more (64 KiB).
const AT_ONCE: i64 = 100;
const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn every_answer_of_a_batch_comes() {
    let server = Postgres::start();
    speak_tls(&server);
    let home = tempfile::tempdir().unwrap();
    assert!(pgchaos(home.path(), ["init", &server.url()]).output().unwrap().status.success());
    let url = format!("{}?sslmode=require", server.url());
    let explicit = Explicit { dsn: Some(url), ..Explicit::default() };
    let settings = resolve(&explicit, &Environment::empty()).unwrap().settings;
    let places = look_up(&settings.hosts[0], DEADLINE).await.unwrap();
    let opened = open(&settings, &places[0], Wanted::Writable, DEADLINE).await.unwrap();
    let backend = Pid::from_raw(opened.session.backend.pid);
    let mut session =
        opened.session.into_load(opened.deadline, DEADLINE, Protocol::Prepared).await.unwrap();

    kill(backend, Signal::SIGSTOP).unwrap();
    let run_id = Uuid::new_v4();
    let mut writes = 0;
    let mut queued_before = u64::MAX;
    // Until the kernel takes no more: what was written last is then with TLS, and nothing else is left to send.
    loop {
        for seq in writes..writes + AT_ONCE {
            session.write(&UserEvent { run_id, writer: 0, seq, user_id: 1, event_type: "click" });
        }
        writes += AT_ONCE;
        let unanswered = timeout(Duration::from_millis(5), session.answer()).await;
        assert!(unanswered.is_err(), "the server is stopped: {unanswered:?}");
        let queued = unsent_to(server.port());
        if queued > 0 && queued == queued_before {
            break;
        }
        queued_before = queued;
    }
    kill(backend, Signal::SIGCONT).unwrap();
    for seq in 0..writes {
        let answer = timeout(DEADLINE, session.answer()).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to write {seq} of {writes}"));
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert_eq!(server.psql("SELECT count(*) FROM pgchaos.user_events"), writes.to_string());
    session.close().await;
}

/// Bytes in the kernel's queues of this network namespace that are to be sent to this port.
fn unsent_to(port: u16) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let to = format!(":{port:04X}");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let rows = rows.filter(|fields| fields.len() > 4 && fields[2].ends_with(&to));
    rows.map(|fields| u64::from_str_radix(fields[4].split(':').next().unwrap(), 16).unwrap()).sum()
}
