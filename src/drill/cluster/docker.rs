//! Docker's own commands, container by container.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::error::ClusterError;
use crate::drill::command::{run_program, run_shown};

/// A container has 30 s to stop.
const DOCKER_DEADLINE: Duration = Duration::from_secs(90);

/// For a look.
pub(super) const LOOK_DEADLINE: Duration = Duration::from_secs(20);

/// The containers of a Compose project by service.
pub(super) async fn containers(project: &str) -> Result<BTreeMap<String, String>, ClusterError> {
    let filter = format!("label=com.docker.compose.project={project}");
    let format = r#"{{.Names}} {{.Label "com.docker.compose.service"}}"#;
    let told = run_program(
        &["docker", "ps", "--all", "--filter", &filter, "--format", format],
        LOOK_DEADLINE,
    )
    .await?;
    let pairs = told.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs.map(|(name, service)| (service.to_owned(), name.to_owned())).collect())
}

/// From the container's settings, as one that is stopped has no port open.
pub(super) async fn published(container: &str, port: u16) -> Result<u16, ClusterError> {
    let format =
        format!("{{{{(index (index .HostConfig.PortBindings \"{port}/tcp\") 0).HostPort}}}}");
    let told =
        run_program(&["docker", "inspect", "--format", &format, container], LOOK_DEADLINE).await?;
    told.parse().map_err(|_| ClusterError::NotPublished { container: container.to_owned(), port })
}

/// The value of a variable that a container was made with; `None` where it has none.
pub(super) async fn variable(container: &str, name: &str) -> Result<Option<String>, ClusterError> {
    let format = "{{range .Config.Env}}{{println .}}{{end}}";
    let told =
        run_program(&["docker", "inspect", "--format", format, container], LOOK_DEADLINE).await?;
    let mut pairs = told.lines().filter_map(|line| line.split_once('='));
    Ok(pairs.find_map(|(found, value)| (found == name).then(|| value.to_owned())))
}

/// The folder of this machine that a container has at `destination`; `None` where it has none.
pub(super) async fn mounted(
    container: &str,
    destination: &str,
) -> Result<Option<PathBuf>, ClusterError> {
    let format = format!(
        "{{{{range .Mounts}}}}{{{{if eq .Destination \"{destination}\"}}}}{{{{.Source}}}}{{{{end}}}}{{{{end}}}}"
    );
    let told =
        run_program(&["docker", "inspect", "--format", &format, container], LOOK_DEADLINE).await?;
    Ok((!told.is_empty()).then(|| told.into()))
}

pub(super) async fn state(container: &str) -> Result<String, ClusterError> {
    let format = "{{.State.Status}}";
    Ok(run_program(&["docker", "inspect", "--format", format, container], LOOK_DEADLINE).await?)
}

pub(super) async fn networks(container: &str) -> Result<Vec<String>, ClusterError> {
    let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}";
    let told =
        run_program(&["docker", "inspect", "--format", format, container], LOOK_DEADLINE).await?;
    Ok(told.split_whitespace().map(str::to_owned).collect())
}

pub(super) async fn docker(words: &[&str]) -> Result<(), ClusterError> {
    run_program(&[&["docker"], words].concat(), DOCKER_DEADLINE).await?;
    Ok(())
}

/// A signal for the processes that send WAL, from inside the container. Some of them may end
/// meanwhile; to be frozen, there must be one.
pub(super) async fn walsenders(container: &str, signal: &str) -> Result<(), ClusterError> {
    // Their titles name them, also when PostgreSQL cannot be asked.
    let line = format!(
        "told=; for p in /proc/[0-9]*; do case $(tr '\\0' ' ' 2>/dev/null <$p/cmdline) in \
         'postgres: '*walsender*) kill -{signal} ${{p#/proc/}} 2>/dev/null && told=1;; esac; done; \
         [ {signal} = CONT ] || [ -n \"$told\" ] || {{ echo there is none >&2; exit 1; }}"
    );
    inside(container, &line, &format!("signal {signal} for the WAL senders in {container}")).await
}

/// SIGKILL for the postmaster alone.
pub(super) async fn kill_postmaster(container: &str, pid_file: &str) -> Result<(), ClusterError> {
    let line = format!("kill -KILL $(head -n 1 {pid_file})");
    inside(container, &line, &format!("SIGKILL for the postmaster in {container}")).await
}

async fn inside(container: &str, line: &str, shown: &str) -> Result<(), ClusterError> {
    let words = ["docker", "exec", container, "sh", "-c", line];
    run_shown(&words, shown, DOCKER_DEADLINE).await?;
    Ok(())
}
