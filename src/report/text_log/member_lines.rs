//! What members' own servers say, and what witnesses of their writes see.

use crate::model::cluster::member_servers::MemberServer;
use crate::model::cluster::witness::{WitnessSeen, WitnessState};
use crate::report::layout::{Line, Tone};
use crate::report::numbers::counted;
use crate::report::words;

/// What a member's server is now.
pub(super) fn server(seen: &MemberServer) -> Line {
    let (is, timeline) = words::member_server_state(&seen.is);
    let timeline = timeline.map(|timeline| format!("timeline {timeline}"));
    Line::new(Tone::Plain, "MEMBER").rest(format!(": {} {is}", seen.member)).part_if(timeline)
}

/// That a member takes a witness's writes, or takes them no more.
pub(super) fn witness(seen: &WitnessSeen) -> Line {
    let line = Line::new(Tone::Plain, "WITNESS");
    match &seen.is {
        WitnessState::Takes { server, .. } => line
            .rest(format!(": {} takes writes", seen.member))
            .part_if(server.timeline.map(|timeline| format!("timeline {timeline}"))),
        WitnessState::Stopped { writes, .. } => line
            .rest(format!(": {} takes no writes any more", seen.member))
            .part(format!("{} before", counted(*writes, "write"))),
    }
}
