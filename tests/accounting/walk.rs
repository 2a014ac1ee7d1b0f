//! The walk that the verification takes over a run's rows: along the index, however little the planner knows.

use uuid::Uuid;

use pgchaos::pg::presence::{BEGIN, BREAKS};

use crate::support::{Postgres, pgchaos};

#[test]
fn the_walk_goes_along_the_index_also_where_the_table_was_never_analysed() {
    // A vacuum that comes by itself would bring the statistics that must be missing.
    let server = Postgres::with_settings(&[("autovacuum", "off")]);
    let home = tempfile::tempdir().unwrap();
    let init = pgchaos(home.path(), ["init", &server.url()]).output().unwrap();
    assert!(init.status.success(), "{init:?}");
    let run_id = Uuid::from_u128(1);
    server.psql(&format!(
        "INSERT INTO pgchaos.user_events (run_id, writer, seq, user_id, event_type)
         SELECT '{run_id}', 1 + g % 4, 1 + g / 4, 1, 'click' FROM generate_series(0, 199999) AS g"
    ));
    let plan = || {
        server.psql(&format!(
            "{BEGIN};
             PREPARE walk (uuid, int, int) AS {BREAKS};
             EXPLAIN (COSTS OFF) EXECUTE walk ('{run_id}', 1, 4)"
        ))
    };
    for when in ["never analysed", "analysed", "vacuumed"] {
        match when {
            "analysed" => drop(server.psql("ANALYZE pgchaos.user_events")),
            "vacuumed" => drop(server.psql("VACUUM pgchaos.user_events")),
            _ => {}
        }
        let plan = plan();
        assert!(plan.contains("Index Only Scan using user_events_token"), "{when}:\n{plan}");
        assert!(!plan.contains("Sort"), "{when}:\n{plan}");
    }
}
