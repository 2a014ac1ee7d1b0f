//! `pgchaos lab install-deps`: the programs that a lab runs, from the distribution's packages.

use std::io::{IsTerminal, Write};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{ChildStderr, Command};

use super::super::activity::Activity;
use super::super::problem::Problem;
use super::super::signals::interrupted;
use super::super::terminal::tell_progress;
use crate::cli::exit::Exit;
use crate::lab::Need;
use crate::lab::dependencies::{INSTALL_SCRIPT, missing, packages, running_services};
use crate::model::foreign::printable;
use crate::report::status_row::write_above;

/// How long the script's last words are waited for once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Installs what is missing; nothing missing is success.
///
/// # Errors
/// When there is no terminal to ask on, or the installation fails.
pub(crate) async fn run(yes: bool) -> Result<Exit, Problem> {
    let needs = missing().await;
    if needs.is_empty() {
        tell_progress("PostgreSQL, Patroni, etcd and HAProxy are all there: nothing to do");
        return Ok(Exit::Pass);
    }
    let names: Vec<String> = needs.iter().map(Need::to_string).collect();
    let packages = packages(&needs);
    tell_progress(format!("missing: {}", names.join(", ")));
    let sudo = way_to_root(&packages)?;
    let shown =
        format!("{}apt-get install {}", if sudo { "sudo " } else { "" }, packages.join(" "));
    if !yes && !agreed(&shown).await? {
        return Err(Problem::could_not_run("nothing was installed"));
    }
    tell_progress(shown);
    let before = running_services();
    install(sudo, &packages).await?;
    check(&before).await
}

/// Whether sudo is needed.
fn way_to_root(packages: &[&str]) -> Result<bool, Problem> {
    let on_path = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).exists())
    };
    if !on_path("apt-get") {
        return Err(Problem::could_not_run("there is no apt-get here: this is not Debian or Ubuntu").try_this(
            "your system's packages of PostgreSQL (the server), Patroni with its support for etcd 3, \
             etcd and HAProxy, so that postgres, patroni, etcd and haproxy are on the PATH;\n\
             or the same cluster in containers: docker compose up -d --build --wait",
        ));
    }
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root && !on_path("sudo") {
        return Err(Problem::could_not_run("installing needs root, and there is no sudo here")
            .try_this(format!("as root: apt-get install {}", packages.join(" "))));
    }
    Ok(!is_root)
}

/// Asks on the terminal.
async fn agreed(shown: &str) -> Result<bool, Problem> {
    if !std::io::stdin().is_terminal() {
        return Err(Problem::usage("there is no terminal to ask on whether to install it")
            .try_this("pgchaos lab install-deps --yes"));
    }
    let _ = write!(std::io::stderr(), "pgchaos: {shown}? [y/N] ");
    let _ = std::io::stderr().flush();
    let read = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = tokio::select! {
        answer = read => answer.ok().and_then(Result::ok).unwrap_or_default(),
        () = interrupted() => String::new(),
    };
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// One script does it all, and cleans up, also when pgchaos is killed. Ctrl-C reaches it from the
/// terminal; after SIGTERM pgchaos waits for its end.
async fn install(sudo: bool, packages: &[&str]) -> Result<(), Problem> {
    let mut command = if sudo { Command::new("sudo") } else { Command::new("sh") };
    if sudo {
        ask_for_password().await;
        command.arg("sh");
    }
    command.args(["-c", INSTALL_SCRIPT, "install-deps"]).args(packages);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let failed = |what: String| {
        Problem::could_not_run(format!("the packages could not be installed: {what}"))
            .try_this(format!("apt-get install {}, to see why", packages.join(" ")))
    };
    let interrupted = interrupted();
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let _installing = Activity::begin("installing packages");
    let said = tokio::spawn(tell_said(child.stderr.take()));
    let status = tokio::select! {
        status = child.wait() => status,
        () = interrupted => {
            // An apt that is cut off leaves a system to repair: it is waited for.
            tell_progress("interrupted: waiting until apt-get has ended");
            let _ = child.wait().await;
            let mut problem = Problem::could_not_run("interrupted");
            problem.exit = Exit::StoppedNow;
            return Err(problem);
        }
    };
    // What the script has started may still hold its standard error.
    let _ = tokio::time::timeout(LAST_WORDS, said).await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("its reason is above ({status})"))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Has sudo ask for its password, if it wants one, before the row of progress takes the terminal. What
/// comes of that is told by the command that follows.
async fn ask_for_password() {
    let mut without = Command::new("sudo");
    without.args(["-n", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !without.status().await.is_ok_and(|status| status.success()) {
        let _ = Command::new("sudo").arg("true").status().await;
    }
}

/// Hands on what the script says, above the row of progress.
async fn tell_said(said: Option<ChildStderr>) {
    let Some(said) = said else { return };
    let mut lines = BufReader::new(said).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        write_above(format!("{}\n", printable(&line)).as_bytes());
    }
}

/// Checks that all is there, and that no service was started.
async fn check(before: &[String]) -> Result<Exit, Problem> {
    let needs: Vec<String> = missing().await.iter().map(Need::to_string).collect();
    if !needs.is_empty() {
        return Err(Problem::could_not_run(format!(
            "the packages are installed, and {} cannot be found all the same",
            needs.join(", ")
        )));
    }
    let started: Vec<String> =
        running_services().into_iter().filter(|service| !before.contains(service)).collect();
    if let Some(service) = started.first() {
        return Err(Problem::could_not_run(format!(
            "all is installed, but a service was started by it: {}",
            started.join(", ")
        ))
        .try_this(format!("service {service} stop")));
    }
    tell_progress("installed; no service was started, and none starts with the machine");
    Ok(Exit::Pass)
}
