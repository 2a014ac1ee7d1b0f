//! When a cluster is whole, and what is said to be missing until then.

use pgchaos::patroni::{NotConverged, convergence, leader};

use crate::server::{api, patroni};

const LEADER: &str = r#"{"state":"running","role":"primary","timeline":2,
    "replication":[{"application_name":"b","state":"streaming"}],
    "patroni":{"version":"4.0.7","name":"a"}}"#;

const REPLICA: &str = r#"{"state":"running","role":"replica","timeline":2,
    "patroni":{"version":"4.0.7","name":"b"}}"#;

const WHOLE: &str = r#"{"members":[{"name":"a","role":"leader","state":"running","timeline":2},
    {"name":"b","role":"replica","state":"streaming","timeline":2,"lag":0}]}"#;

#[tokio::test]
async fn all_members_on_one_timeline_and_streaming_are_whole() {
    let apis = [api(&patroni(true, LEADER, WHOLE)), api(&patroni(false, REPLICA, WHOLE))];
    let whole = convergence(&apis, 2).await.unwrap();
    assert_eq!((whole.timeline, whole.members), (2, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(whole.leader.name.as_deref(), Some("a"));
}

/// Without a quorum of etcd `/cluster` names a leader for hours.
#[tokio::test]
async fn primary_is_trusted_over_cluster() {
    let apis = [api(&patroni(false, LEADER, WHOLE)), api(&patroni(false, REPLICA, WHOLE))];
    assert!(leader(&apis).await.is_none());
    let NotConverged(missing) = convergence(&apis, 2).await.unwrap_err();
    assert_eq!(missing, ["no member answers as the primary"]);
}

#[tokio::test]
async fn two_that_lead_are_not_whole() {
    let apis = [api(&patroni(true, LEADER, WHOLE)), api(&patroni(true, LEADER, WHOLE))];
    let NotConverged(missing) = convergence(&apis, 2).await.unwrap_err();
    assert!(missing[0].starts_with("several lead: http://127.0.0.1:"), "{missing:?}");
}

#[tokio::test]
async fn what_is_missing_is_said_one_by_one() {
    const PARTS: &str = r#"{"members":[{"name":"a","role":"leader","state":"running","timeline":2},
        {"name":"b","role":"replica","state":"running","timeline":1,"lag":"unknown"},
        {"name":"c","role":"replica","state":"start failed"},
        {"name":"d","role":"replica","state":"running","timeline":2,"lag":0}]}"#;
    const STARTING: &str = r#"{"state":"starting","role":"replica","patroni":{"version":"4.0.7"}}"#;
    let (one, two) = (api(&patroni(true, LEADER, PARTS)), api(&patroni(false, STARTING, PARTS)));
    let url = two.url().to_owned();
    let NotConverged(missing) = convergence(&[one, two], 3).await.unwrap_err();
    assert_eq!(
        missing,
        [
            format!("{url} is starting"),
            "the cluster has 4 members, not 3".to_owned(),
            "b is on timeline 1, the leader on 2".to_owned(),
            "c is start failed".to_owned(),
            "d does not stream from the leader".to_owned(),
        ]
    );
}
