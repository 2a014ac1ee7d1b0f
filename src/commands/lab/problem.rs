//! What to do about a lab that fails.

use super::super::problem::Problem;
use crate::cli::exit::Exit;
use crate::lab::LabError;

impl From<LabError> for Problem {
    fn from(error: LabError) -> Self {
        let remedy = remedy(&error);
        let mut problem = match &error {
            LabError::Name { .. } | LabError::BasePort { .. } | LabError::NoMember { .. } => {
                Self::usage(error.to_string())
            }
            _ => Self::could_not_run(error.to_string()),
        };
        if matches!(error, LabError::Interrupted) {
            problem.exit = Exit::StoppedNow;
        }
        match remedy {
            Some(remedy) => problem.try_this(remedy),
            None => problem,
        }
    }
}

fn remedy(error: &LabError) -> Option<String> {
    Some(match error {
        LabError::NotLinux => "docker compose up -d --build --wait, the same cluster".to_owned(),
        LabError::Missing(_) => "pgchaos lab install-deps".to_owned(),
        LabError::PortTaken { .. } => {
            "pgchaos lab up --base-port 15000 (or any other), or end what has the port: pgchaos lab \
             down, docker compose down"
                .to_owned()
        }
        LabError::OtherPorts { lab, .. } => format!(
            "pgchaos lab up --name {lab} without --base-port; or pgchaos lab down --wipe --name \
             {lab} first"
        ),
        LabError::OtherSettings { lab, .. } => {
            format!("pgchaos lab down --name {lab}, then up again: the data is kept")
        }
        LabError::State { .. } => {
            "the pgchaos that made it; or end its processes and remove the folder".to_owned()
        }
        LabError::Paused(member) => format!("pgchaos lab resume {member}"),
        LabError::Unsupported(_) => {
            "pause, which freezes it; or the Compose cluster, whose members have networks".to_owned()
        }
        LabError::NobodyIs { .. } => "pgchaos lab status; a failover takes a while".to_owned(),
        LabError::NotInTime { .. } | LabError::Ended { .. } => {
            "pgchaos lab logs, for all of it; the logs are kept".to_owned()
        }
        _ => return None,
    })
}
