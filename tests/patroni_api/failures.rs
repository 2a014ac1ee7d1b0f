//! Every way in which a call can fail.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use pgchaos::patroni::{PatroniApi, PatroniError};

use crate::server::{DEADLINE, api, http, json, served, server};

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
    assert!(error.to_string().contains("nothing says by which certificates"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_silence_and_from_a_broken_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // Bound, and never accepting.
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
    assert!(error.is_gone(), "{error:?}");

    let halfway =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{";
    let error = api(&server(halfway)).cluster().await.unwrap_err();
    assert!(error.is_gone(), "{error:?}");
}

/// It says something of the way there, and of this machine, and nothing of Patroni.
#[tokio::test]
async fn a_name_without_an_address_does_not_say_that_patroni_is_gone() {
    let error = api("http://patroni1.invalid:8008").cluster().await.unwrap_err();
    assert!(matches!(error, PatroniError::Failed { .. }) && !error.is_gone(), "{error:?}");
}

/// The deadline is one for the whole call: a server that drips would hold it up for ever.
#[tokio::test]
async fn an_answer_that_drips_is_cut_off_by_the_deadline() {
    let url = served(|mut stream| {
        thread::spawn(move || {
            let _ = stream.read(&mut [0; 4096]);
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

/// An API that never ends its answer, in each way in which HTTP lets it: the call ends by its bound or its deadline, and
/// what else the same thread has to do is done meanwhile.
#[tokio::test]
async fn an_answer_that_never_ends_is_bounded_below_http() {
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let floods: [(&str, &str, String); 5] = [
        ("heads of 1xx", "", "HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
        ("headers", "HTTP/1.1 200 OK\r\n", "X-More: 1\r\n".to_owned()),
        ("one header", "HTTP/1.1 200 OK\r\nX-More: ", "1".repeat(64)),
        ("chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk),
        (
            "an extension of a chunk",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
            "x".repeat(64),
        ),
    ];
    for (what, begin, more) in floods {
        let (begin, more) = (begin.to_owned(), more.repeat(64));
        let url = served(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(begin.as_bytes());
            while stream.write_all(more.as_bytes()).is_ok() {}
        });
        // Far longer than it takes to read as much as is read at most.
        let api = PatroniApi::new(&url, Duration::from_secs(60)).unwrap();
        let mut beside = 0;
        let error = tokio::select! {
            answer = api.cluster() => answer.unwrap_err(),
            () = async { loop { tokio::task::yield_now().await; beside += 1 } } => unreachable!(),
        };
        assert!(
            !matches!(error, PatroniError::TimedOut { .. } | PatroniError::Refused { .. }),
            "{what}: ends by its bound: {error:?}"
        );
        assert!(beside > 0, "{what}: others run meanwhile");
    }
}

#[tokio::test]
async fn an_answer_that_drips_ends_by_the_deadline() {
    let url = served(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        while stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let api = PatroniApi::new(&url, Duration::from_millis(500)).unwrap();
    let error = api.cluster().await.unwrap_err();
    assert!(matches!(error, PatroniError::TimedOut { .. }), "{error:?}");
}

#[test]
fn a_name_and_a_password_in_a_url_are_not_told() {
    let with_secret = [
        "http://u:S3cr3t@host:8008/",
        "u:S3cr3t@host",
        "https://u:S3cr3t@host",
        "http://u:S3cr3t@ho st",
        "http://u:S3/cr@3t@host:8008",
        "ftp://S3cr3t@host",
    ];
    for text in with_secret {
        let error = PatroniApi::new(text, DEADLINE).unwrap_err();
        let told = format!("{error} {error:?} {}", error.reason());
        assert!(!told.contains("S3") && !told.contains("cr3t"), "{text}: {told}");
        assert!(told.contains("***@"), "{told}");
    }
}

/// The fields of a settings' object could be read from a list, in their order.
#[tokio::test]
async fn a_list_is_no_settings() {
    let error = json("200 OK", "[1,2,3]").config().await.unwrap_err();
    assert!(matches!(error, PatroniError::NotPatroni { .. }), "{error}");
}
