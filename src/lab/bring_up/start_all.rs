//! [`Lab::up`]: starts what does not run, in order, and waits until it works.

use std::fs;
use std::future::Future;

use tokio::time::Instant;

use crate::lab::bring_up::launch;
use crate::lab::bring_up::plan::{PlannedStart, StartingPoint, plan, prepare_labs};
use crate::lab::bring_up::readiness;
use crate::lab::error::{LabError, io};
use crate::lab::files::certificates;
use crate::lab::files::folders::Folders;
use crate::lab::files::lock::Lock;
use crate::lab::files::os_user::{OsUser, private_folder};
use crate::lab::files::state::LabState;
use crate::lab::handle::Lab;
use crate::lab::member::{Member, MemberKind};
use crate::lab::processes::ending;
use crate::lab::processes::port_owner::refuse_taken;
use crate::lab::processes::proc;
use crate::lab::processes::running::Running;
use crate::lab::processes::running::by_processes;
use crate::lab::processes::scan::{ProcessRole, scan};
use crate::lab::programs::Programs;
use crate::lab::progress::TellProgress;
use crate::lab::spec::LabSpec;
use crate::lab::take_down;

impl Lab {
    /// Brings a lab up: from nothing, from the data that the last `down` kept, or from what is
    /// left of one that runs. Returns when all three PostgreSQL servers run on one timeline, the
    /// write port leads to a session that may write, and the read port to one that may not.
    ///
    /// # Errors
    /// When a program or a port is missing, when a lab of this name runs with other settings, or
    /// when it does not work within three minutes. What this call has started is stopped then.
    pub async fn up(spec: &LabSpec, told: TellProgress<'_>) -> Result<Self, LabError> {
        Self::up_unless(spec, told, std::future::pending()).await
    }

    /// The same, given up when `interrupted` completes: what this call has started is stopped.
    ///
    /// # Errors
    /// As [`Self::up`], and [`LabError::Interrupted`].
    pub async fn up_unless(
        spec: &LabSpec,
        told: TellProgress<'_>,
        interrupted: impl Future<Output = ()> + Send,
    ) -> Result<Self, LabError> {
        if !cfg!(target_os = "linux") {
            return Err(LabError::NotLinux);
        }
        spec.check()?;
        if !proc::shows_our_pids() {
            return Err(LabError::ForeignProc);
        }
        let began = Instant::now();
        let programs = Programs::find().await.map_err(LabError::Missing)?;
        let os_user = OsUser::of_members()?;
        let folders = prepare_labs(spec, os_user.as_ref())?;
        let lock = Lock::take(&folders.lock(), &spec.name).await?;
        let start = plan(spec, folders, os_user, &programs, told).await?;
        let brought = tokio::select! {
            brought = start.carry_out(&programs, began, told) => brought,
            () = interrupted => Err(LabError::Interrupted),
        };
        match brought {
            Ok(lab) => Ok(lab),
            Err(error) => {
                start.undo(lock, told).await;
                Err(error)
            }
        }
    }
}

impl PlannedStart {
    async fn carry_out(
        &self,
        programs: &Programs,
        began: Instant,
        told: TellProgress<'_>,
    ) -> Result<Lab, LabError> {
        let Lab { folders, state, .. } = &self.lab;
        let stopped = self.stopped();
        // A PostgreSQL that outlived its Patroni has its port, and Patroni will take it over.
        let left = scan(folders);
        let new = |member: &Member| stopped.contains(member) && !left.contains_key(member);
        let is_kept = self.from != StartingPoint::Nothing;
        let ports = state.ports.all().filter(|(_, member)| new(member));
        refuse_taken(&self.lab.name, is_kept, ports)?;
        told(self.headline(programs));
        if self.from == StartingPoint::Nothing {
            put_logs_aside(folders);
        }
        prepare_lab(folders, state)?;
        if state.tls && self.from != StartingPoint::Running {
            certificates::make(folders, state.os_user.as_ref())?;
        }
        for member in Member::all() {
            ending::thaw(folders, member).await?;
        }
        self.launch_etcd(&stopped, programs).await?;
        // A Patroni that finds no etcd tries again after 5 s only.
        readiness::wait_for_etcd(&self.lab, began, told).await?;
        self.launch(MemberKind::Patroni, &stopped, programs)?;
        readiness::wait_for_cluster(&self.lab, began, told).await?;
        // HAProxy comes last: it holds a server to be up until its first check fails, and then
        // needs several good checks.
        self.launch(MemberKind::HaProxy, &stopped, programs)?;
        readiness::wait_for_ports(&self.lab).await?;
        let mut lab = self.lab.clone();
        lab.state.is_complete = true;
        lab.state.write(&folders.state())?;
        told(format!("ready after {:.1} s", began.elapsed().as_secs_f64()));
        Ok(lab)
    }

    /// Starts one etcd after the other: a new one asks its peers, and two that ask each other
    /// before either answers lose 2 s.
    async fn launch_etcd(&self, stopped: &[Member], programs: &Programs) -> Result<(), LabError> {
        for member in stopped.iter().filter(|member| member.kind() == MemberKind::Etcd) {
            self.launch(MemberKind::Etcd, &[*member], programs)?;
            readiness::wait_for_peer(&self.lab, *member).await;
        }
        Ok(())
    }

    fn launch(
        &self,
        kind: MemberKind,
        stopped: &[Member],
        programs: &Programs,
    ) -> Result<(), LabError> {
        let Lab { name, folders, state } = &self.lab;
        let mut members = stopped.iter().filter(|member| member.kind() == kind);
        members.try_for_each(|member| launch::start(name, *member, folders, state, programs))
    }

    fn stopped(&self) -> Vec<Member> {
        Member::all().filter(|member| !has_main(&self.lab, *member)).collect()
    }

    fn headline(&self, programs: &Programs) -> String {
        let (lab, version) = (&self.lab, &programs.patroni_version.0);
        let profile = lab.state.profile.name();
        let what = match self.from {
            StartingPoint::Nothing => "a new cluster",
            StartingPoint::KeptData => "from the data that was kept",
            StartingPoint::Running => "it runs already, what is missing is started",
        };
        let tls = if lab.state.tls { " · TLS" } else { "" };
        format!("lab {}: {what} · profile {profile}{tls} · Patroni {version}", lab.name)
    }

    /// Undoes a start that failed. The failure is reported already: those of the undo are only
    /// told.
    async fn undo(&self, lock: Lock, told: TellProgress<'_>) {
        let folders = &self.lab.folders;
        let something_runs = !scan(folders).is_empty();
        let undone = match self.from {
            StartingPoint::Running => return,
            StartingPoint::KeptData => {
                if something_runs {
                    told("what was started is stopped again, the data is kept".to_owned());
                }
                take_down::stop_all(folders, told).await
            }
            StartingPoint::Nothing => {
                if something_runs {
                    let what = "what was started is stopped and removed again, but for the logs";
                    told(what.to_owned());
                }
                let wiped = take_down::wipe(folders).await;
                lock.remove();
                wiped
            }
        };
        if let Err(error) = undone {
            told(format!("what was started could not be stopped: {error}"));
        }
    }
}

fn prepare_lab(folders: &Folders, state: &LabState) -> Result<(), LabError> {
    for folder in [folders.lab().to_owned(), folders.logs()] {
        fs::create_dir_all(&folder).map_err(io("made", &folder))?;
    }
    for member in Member::all() {
        private_folder(&folders.member(member), state.os_user.as_ref())?;
    }
    state.write(&folders.state())
}

/// The logs of an earlier lab of this name: one generation is kept, so that they do not grow
/// without end.
fn put_logs_aside(folders: &Folders) {
    for log in Member::all().map(|member| folders.log(member)) {
        let _ = fs::rename(&log, log.with_extension("log.old"));
    }
}

/// Starts a member, unless it runs; returns whether it was started.
pub(in crate::lab) fn start_member(
    lab: &Lab,
    member: Member,
    programs: &Programs,
) -> Result<bool, LabError> {
    lab.must_be_seen(member)?;
    let own = lab.processes(member);
    if by_processes(&own) == Running::Paused {
        return Err(LabError::Paused { lab: lab.name.clone(), member });
    }
    if has_main(lab, member) {
        return Ok(false);
    }
    // A PostgreSQL that outlived its Patroni has its port, and Patroni will take it over.
    if own.is_empty() {
        let ports = lab.state.ports.of(member);
        refuse_taken(&lab.name, true, ports.into_iter().map(|port| (port, member)))?;
    }
    launch::start(&lab.name, member, &lab.folders, &lab.state, programs)?;
    Ok(true)
}

fn has_main(lab: &Lab, member: Member) -> bool {
    lab.processes(member).iter().any(|process| process.role == ProcessRole::Main)
}
