//! What there is to begin with when a lab is asked for, and whether it fits.

use std::fs;

use super::account::Account;
use super::error::{LabError, io};
use super::folders::Folders;
use super::processes::scan;
use super::programs::Programs;
use super::spec::{LabSpec, Timing};
use super::state::State;
use super::status::must_be_seen;
use super::{Lab, Told, take_down};

/// What there is to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Nothing, or nothing of use.
    Nothing,
    /// The data that an earlier lab of this name has left.
    KeptData,
    /// A lab of which at least one member runs.
    Running,
}

/// A lab that is to be brought up.
pub(super) struct Start {
    pub(super) lab: Lab,
    pub(super) from: From,
}

/// The folder above all labs, which everybody may pass through and only its owner may change.
pub(super) fn prepare_labs(spec: &LabSpec, account: Option<&Account>) -> Result<Folders, LabError> {
    let wanted = Folders::of(&spec.name)?;
    let labs = wanted.lab().parent().unwrap_or(wanted.lab()).to_owned();
    fs::create_dir_all(&labs).map_err(io("made", &labs))?;
    if let Some(account) = account
        && let Some(folder) = account.is_kept_out_by(&labs)
    {
        return Err(LabError::KeptOut { folder, user: account.name.clone() });
    }
    Folders::of(&spec.name)
}

/// Looks at what is there. What an earlier start that was cut off has left is removed.
///
/// # Errors
/// When what is there, or runs, is not what is asked for.
pub(super) async fn plan(
    spec: &LabSpec,
    folders: Folders,
    account: Option<Account>,
    programs: &Programs,
    told: Told<'_>,
) -> Result<Start, LabError> {
    must_be_seen(&folders)?;
    let timing = Timing::of(spec.profile, &programs.patroni_version);
    let wanted = (spec.profile, spec.synchronous);
    let found = State::read(&folders.state())?;
    if let Some(mut state) = found.filter(|state| state.is_complete) {
        let runs = !scan(&folders).is_empty();
        let same_ports = spec.base_port.is_none() || state.ports == spec.ports();
        if !same_ports {
            let (lab, write) = (spec.name.clone(), state.ports.write);
            return Err(LabError::OtherPorts { lab, write, runs });
        }
        if runs && wanted != (state.profile, state.synchronous) {
            return Err(LabError::OtherSettings {
                lab: spec.name.clone(),
                profile: state.profile.name(),
                mode: if state.synchronous { "on" } else { "off" },
            });
        }
        let from = if runs { From::Running } else { From::KeptData };
        (state.profile, state.synchronous) = wanted;
        state.timing = if runs { state.timing } else { timing };
        return Ok(Start { lab: Lab { name: spec.name.clone(), folders, state }, from });
    }
    if folders.lab().exists() && take_down::remains(&folders) {
        told("what an earlier command that was cut off has left is removed".to_owned());
        take_down::wipe(&folders).await?;
    }
    let state = State::new(wanted, timing, spec.ports(), account);
    Ok(Start { lab: Lab { name: spec.name.clone(), folders, state }, from: From::Nothing })
}
