//! Docker's own commands, container by container.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backend::BackendError;
use super::command::run_program;

/// A container has 30 s to stop.
const DOCKER_DEADLINE: Duration = Duration::from_secs(90);

/// For a look.
pub(super) const LOOK_DEADLINE: Duration = Duration::from_secs(20);

/// The containers of a Compose project by service.
pub(super) async fn containers(project: &str) -> Result<BTreeMap<String, String>, BackendError> {
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
pub(super) async fn published(container: &str, port: u16) -> Result<u16, BackendError> {
    let format =
        format!("{{{{(index (index .HostConfig.PortBindings \"{port}/tcp\") 0).HostPort}}}}");
    let told =
        run_program(&["docker", "inspect", "--format", &format, container], LOOK_DEADLINE).await?;
    told.parse().map_err(|_| BackendError(format!("{container} does not publish its port {port}")))
}

pub(super) async fn state(container: &str) -> Result<String, BackendError> {
    let format = "{{.State.Status}}";
    Ok(run_program(&["docker", "inspect", "--format", format, container], LOOK_DEADLINE).await?)
}

pub(super) async fn networks(container: &str) -> Result<Vec<String>, BackendError> {
    let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}";
    let told =
        run_program(&["docker", "inspect", "--format", format, container], LOOK_DEADLINE).await?;
    Ok(told.split_whitespace().map(str::to_owned).collect())
}

pub(super) async fn docker(words: &[&str]) -> Result<(), BackendError> {
    run_program(&[&["docker"], words].concat(), DOCKER_DEADLINE).await?;
    Ok(())
}

/// A signal for the processes that send WAL, from inside the container.
pub(super) async fn walsenders(container: &str, signal: &str) -> Result<(), BackendError> {
    // Their titles name them, also when PostgreSQL cannot be asked.
    let find = "for p in /proc/[0-9]*; do \
                case $(tr '\\0' ' ' 2>/dev/null <$p/cmdline) in \
                'postgres: '*walsender*) echo ${p#/proc/};; esac; done";
    let none = if signal == "STOP" { "echo no walsender >&2; exit 1" } else { "exit 0" };
    let line = format!("pids=$({find}); [ -n \"$pids\" ] || {{ {none}; }}; kill -{signal} $pids");
    docker(&["exec", container, "sh", "-c", &line]).await
}
