//! What a lab is brought up from, and whether that fits what is asked for.

use std::fs;

use crate::lab::error::{LabError, io};
use crate::lab::files::folders::Folders;
use crate::lab::files::os_user::OsUser;
use crate::lab::files::state::LabState;
use crate::lab::handle::Lab;
use crate::lab::processes::running::must_be_seen;
use crate::lab::processes::scan::scan;
use crate::lab::programs::Programs;
use crate::lab::progress::TellProgress;
use crate::lab::spec::{LabSpec, Timing};
use crate::lab::take_down;

/// What a lab is brought up from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab) enum StartingPoint {
    /// Nothing, or nothing of use.
    Nothing,
    /// The data that an earlier lab of this name has left.
    KeptData,
    /// A lab of which at least one member runs.
    Running,
}

/// A lab that is to be brought up.
pub(in crate::lab) struct PlannedStart {
    pub(in crate::lab) lab: Lab,
    pub(in crate::lab) from: StartingPoint,
}

/// Makes the folder above all labs, which any user may pass through and only its owner may change.
pub(in crate::lab) fn prepare_labs(
    spec: &LabSpec,
    os_user: Option<&OsUser>,
) -> Result<Folders, LabError> {
    let wanted = Folders::of(&spec.name)?;
    let labs = wanted.lab().parent().unwrap_or(wanted.lab()).to_owned();
    fs::create_dir_all(&labs).map_err(io("made", &labs))?;
    if let Some(os_user) = os_user
        && let Some(folder) = os_user.is_kept_out_by(&labs)
    {
        return Err(LabError::KeptOut { folder, user: os_user.name.clone() });
    }
    Folders::of(&spec.name)
}

/// Looks at what is there. The remains of a start that was cut off are removed.
///
/// # Errors
/// When what is there, or runs, is not what is asked for.
pub(in crate::lab) async fn plan(
    spec: &LabSpec,
    folders: Folders,
    os_user: Option<OsUser>,
    programs: &Programs,
    told: TellProgress<'_>,
) -> Result<PlannedStart, LabError> {
    must_be_seen(&folders)?;
    let timing = Timing::of(spec.profile, &programs.patroni_version);
    let wanted = (spec.profile, spec.synchronous, spec.tls);
    let found = LabState::read(&folders.state())?;
    if let Some(mut state) = found.filter(|state| state.is_complete) {
        let runs = !scan(&folders).is_empty();
        let same_ports = spec.base_port.is_none() || state.ports == spec.ports();
        if !same_ports {
            let (lab, write) = (spec.name.clone(), state.ports.write);
            return Err(LabError::OtherPorts { lab, write, runs });
        }
        if runs && wanted != (state.profile, state.synchronous, state.tls) {
            return Err(LabError::OtherSettings {
                lab: spec.name.clone(),
                profile: state.profile.name(),
                mode: if state.synchronous { "on" } else { "off" },
                tls: if state.tls { "on" } else { "off" },
            });
        }
        let from = if runs { StartingPoint::Running } else { StartingPoint::KeptData };
        (state.profile, state.synchronous, state.tls) = wanted;
        state.timing = if runs { state.timing } else { timing };
        return Ok(PlannedStart { lab: Lab { name: spec.name.clone(), folders, state }, from });
    }
    if folders.lab().exists() && take_down::remains(&folders) {
        told("what an earlier command that was cut off has left is removed".to_owned());
        take_down::wipe(&folders).await?;
    }
    let state = LabState::new(spec, timing, os_user);
    Ok(PlannedStart {
        lab: Lab { name: spec.name.clone(), folders, state },
        from: StartingPoint::Nothing,
    })
}
