//! What versions answer that the machine's own Patroni may not be.

use pgchaos::model::cluster::software::PatroniSettings;
use pgchaos::patroni::{HistoryEntry, Role};

use crate::server::json;

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
        PatroniSettings {
            ttl_s: 20,
            loop_wait_s: 10,
            retry_timeout_s: 10,
            maximum_lag_on_failover_bytes: 1_048_576,
            synchronous_mode: true,
            synchronous_mode_strict: false,
            pause: false,
            failsafe_mode: Some(false),
            primary_start_timeout_s: None,
        }
    );
    let told = r#"{"failsafe_mode":"on","master_start_timeout":0}"#;
    let config = json("200 OK", told).config().await.unwrap();
    assert_eq!((config.failsafe_mode, config.primary_start_timeout_s), (Some(true), Some(0)));
}
