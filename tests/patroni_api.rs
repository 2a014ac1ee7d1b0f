//! Patroni's API when it is not Patroni who answers: a small server that says what the test wants.
//!
//! What Patroni itself answers is tested with a cluster, in `patroni.rs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use pgchaos::patroni::{
    Config, HistoryEntry, NotConverged, PatroniApi, PatroniError, Role, convergence,
};

const DEADLINE: Duration = Duration::from_secs(5);

/// Answers every request with the same bytes, as long as the test's process lives. Its URL.
fn server(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    served(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        // A client that has read enough may be gone.
        let _ = stream.write_all(&answer);
    })
}

fn served(mut answer: impl FnMut(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(&mut answer));
    url
}

fn http(status: &str, content_type: &str, body: &str) -> String {
    let head = format!("HTTP/1.0 {status}\r\nContent-Type: {content_type}\r\n\r\n");
    head + body
}

fn json(status: &str, body: &str) -> PatroniApi {
    api(&server(http(status, "application/json", body)))
}

fn api(url: &str) -> PatroniApi {
    PatroniApi::new(url, DEADLINE).unwrap()
}

#[test]
fn urls_are_taken_as_people_write_them() {
    let url_of = |text| PatroniApi::new(text, DEADLINE).map(|api| api.url().to_owned());
    for text in ["host:8009", "http://host:8009", "http://host:8009/", "http://host:8009/patroni"] {
        assert_eq!(url_of(text).as_deref(), Ok("http://host:8009"), "{text}");
    }
    assert_eq!(url_of("host").as_deref(), Ok("http://host:8008"), "Patroni's own port");
    assert_eq!(url_of("http://host:80").as_deref(), Ok("http://host:80"));
    assert_eq!(url_of("[::1]:8008").as_deref(), Ok("http://[::1]:8008"));
    for text in ["", "http://", "host:port", "ftp://host", "http://host/x", "http://a:b@host"] {
        let error = url_of(text).unwrap_err();
        assert!(matches!(error, PatroniError::NoUrl { .. }), "{text}: {error:?}");
        assert!(error.to_string().contains("http://host:8008"), "{error}");
    }
    let error = url_of("https://host:8008").unwrap_err();
    assert!(error.to_string().contains("speaks no TLS to Patroni's API yet"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_silence_and_from_a_broken_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // Bound, and nobody accepts.
    let silent = PatroniApi::new(&address, Duration::from_millis(300)).unwrap();
    let error = silent.member().await.unwrap_err();
    assert!(matches!(error, PatroniError::TimedOut { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("http://{address}/patroni: no answer within 0.3 s"));
    drop(listener);
    let error = api(&address).member().await.unwrap_err();
    assert_eq!(error, PatroniError::Refused { url: format!("http://{address}/patroni") });
    assert_eq!(error.reason(), "connection refused: Patroni does not run there");

    let closes = api(&served(drop));
    let error = closes.cluster().await.unwrap_err();
    assert!(matches!(error, PatroniError::Failed { .. }) && error.is_gone(), "{error:?}");
}

/// The deadline is one for the whole call: a server that drips would hold it up for ever.
#[tokio::test]
async fn an_answer_that_drips_is_cut_off_by_the_deadline() {
    let url = served(|mut stream| {
        thread::spawn(move || {
            let _ = stream.write_all(http("200 OK", "application/json", "").as_bytes());
            while stream.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
    });
    let dripped = PatroniApi::new(&url, Duration::from_millis(500)).unwrap();
    let error = dripped.history().await.unwrap_err();
    assert!(matches!(error, PatroniError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_patroni_is_called_so() {
    let page = "<html>\n<body>It works! \u{1b}[2J and much more than anybody wants to read of it, \
                again and again</body></html>";
    let web = api(&server(http("200 OK", "text/html", page)));
    let error = web.primary().await.unwrap_err().to_string();
    assert!(error.ends_with("…\": that is no Patroni API"), "{error}");
    assert!(error.contains("answered 200, no JSON: \"<html> <body>It works!"), "{error}");
    assert!(!error.contains('\u{1b}'), "{error:?}");

    let other = json("200 OK", r#"{"status":"ok"}"#);
    for error in [
        other.primary().await.map(drop).unwrap_err(),
        other.member().await.map(drop).unwrap_err(),
        other.cluster().await.map(drop).unwrap_err(),
        other.history().await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, PatroniError::NotPatroni { status: 200, .. }), "{error:?}");
        assert!(error.to_string().contains("in JSON of another shape"), "{error}");
    }
    let empty = json("503 Service Unavailable", "").primary().await.unwrap_err().to_string();
    assert!(empty.ends_with("answered 503, with an empty body: that is no Patroni API"), "{empty}");
}

#[tokio::test]
async fn an_endless_body_is_not_read_to_its_end() {
    let endless = served(|mut stream| {
        thread::spawn(move || {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(http("200 OK", "application/json", "").as_bytes());
            while stream.write_all(&[b' '; 65_536]).is_ok() {}
        });
    });
    let api = PatroniApi::new(&endless, Duration::from_secs(60)).unwrap();
    let error = api.cluster().await.unwrap_err();
    assert!(matches!(error, PatroniError::TooLarge { .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = "HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n";
    let error = api(&server(elsewhere)).member().await.unwrap_err();
    assert!(matches!(error, PatroniError::NotPatroni { status: 302, .. }), "{error:?}");
}

#[tokio::test]
async fn a_refusal_is_told_in_patronis_words() {
    let no = "412 Precondition Failed";
    let api = api(&server(http(no, "text/html", "leader name does not match")));
    let error = api.switchover("patroni1", None).await.unwrap_err();
    let url = format!("{}/switchover", api.url());
    let words = "leader name does not match".to_owned();
    assert_eq!(error, PatroniError::Said { url, status: 412, words });
}

/// As Patroni 2.0 and 4.0 answer, which the machine's own Patroni may not be.
#[tokio::test]
async fn older_and_newer_versions_are_read() {
    let two = r#"{"state":"running","postmaster_start_time":"2021-03-04 05:06:07.890 CEST",
        "role":"master","server_version":130002,"xlog":{"location":1},"timeline":3,
        "database_system_identifier":"7","patroni":{"version":"2.0.2","scope":"batman"}}"#;
    let status = json("200 OK", two).primary().await.unwrap().unwrap();
    assert_eq!((status.role, status.timeline), (Role::Primary, Some(3)));
    assert_eq!((status.postmaster_start_time, status.patroni.name), (None, None));

    let four = r#"{"state":"running","postmaster_start_time":"2026-11-24 13:32:58.107807+00:00",
        "role":"replica","server_version":170002,"timeline":3,"replication_state":"streaming",
        "xlog":{"received_location":1},"dcs_last_seen":1795527187,"pause":true,
        "patroni":{"version":"4.0.7","scope":"batman","name":"patroni2"}}"#;
    let status = json("503 Service Unavailable", four).member().await.unwrap();
    assert_eq!((status.role, status.pause), (Role::Replica, true));
    assert_eq!(status.patroni.name.as_deref(), Some("patroni2"));
    assert!(status.postmaster_start_time.is_some());

    let cluster = r#"{"members":[
        {"name":"a","role":"leader","state":"running","api_url":"http://a:8008/patroni","host":"a",
         "port":5432,"timeline":3,"tags":{"nofailover":true}},
        {"name":"b","role":"quorum_standby","state":"streaming","lag":"unknown","receive_lag":0},
        {"name":"c","role":"replica","state":"stopped","lag":4096}],"scope":"batman"}"#;
    let members = json("200 OK", cluster).cluster().await.unwrap().members;
    let roles: Vec<&Role> = members.iter().map(|member| &member.role).collect();
    assert_eq!(roles, [&Role::Primary, &Role::Replica, &Role::Replica]);
    let lags: Vec<_> = members.iter().map(|member| member.lag_bytes).collect();
    assert_eq!(lags, [None, None, Some(4096)]);

    let history = r#"[[1,25623960,"no recovery target specified"],
        [2,25624344,"no recovery target specified","2019-09-23T16:57:57+02:00"],
        [3,25624752,"no recovery target specified","2019-09-24T09:22:33+02:00","b"]]"#;
    let history = json("200 OK", history).history().await.unwrap();
    assert_eq!(
        history[2],
        HistoryEntry {
            timeline: 3,
            lsn: 25_624_752,
            reason: "no recovery target specified".to_owned(),
            at: Some("2019-09-24T07:22:33Z".parse().unwrap()),
            new_leader: Some("b".to_owned()),
        }
    );
    assert_eq!((history[0].at, history[1].new_leader.as_deref()), (None, None));

    let config = json("200 OK", r#"{"ttl":20,"synchronous_mode":"quorum"}"#).config().await;
    assert_eq!(
        config.unwrap(),
        Config {
            ttl_s: 20,
            loop_wait_s: 10,
            retry_timeout_s: 10,
            maximum_lag_on_failover_bytes: 1_048_576,
            synchronous_mode: true,
            synchronous_mode_strict: false,
            pause: false,
        }
    );
}

#[tokio::test]
async fn without_a_leader_nothing_has_converged() {
    let replica = r#"{"state":"running","role":"replica","patroni":{"version":"3.0.2"}}"#;
    let api = json("503 Service Unavailable", replica);
    let NotConverged(missing) = convergence(&[api], 1).await.unwrap_err();
    assert_eq!(missing, ["no member answers as the primary"]);
}
