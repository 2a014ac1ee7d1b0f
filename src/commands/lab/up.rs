//! `pgchaos lab up`.

use super::super::activity::Activity;
use super::super::problem::Problem;
use super::super::signals::interrupted;
use super::super::terminal::tell_progress;
use super::name_option::name_option;
use crate::cli::exit::Exit;
use crate::cli::lab_args::UpArgs;
use crate::lab::{Lab, LabSpec, Profile};

pub(super) async fn run(name: &str, args: &UpArgs) -> Result<Exit, Problem> {
    let spec = spec(name, args)?;
    let bringing_up = Activity::begin(&format!("bringing up lab {name}"));
    let lab = Lab::up_unless(&spec, &mut tell_progress, interrupted()).await?;
    drop(bringing_up);
    for line in next_steps(&lab) {
        tell!("  {line}");
    }
    Ok(Exit::Pass)
}

/// The ports, and the next commands.
fn next_steps(lab: &Lab) -> Vec<String> {
    let (user, password) = lab.credentials();
    let (write, read, page) = (lab.write_port(), lab.read_port(), lab.ports().page);
    let named = name_option(lab.name());
    let step = |command: String, what: &str| format!("{command:<44}{what}");
    let watched = format!(
        "  --patroni localhost:{} --haproxy localhost:{page}  and whose seconds",
        lab.ports().patroni[0]
    );
    let page = step(format!("http://127.0.0.1:{page}"), "HAProxy's page");
    let mut lines =
        vec![format!("write port {write}, read port {read}, user {user}, password {password}")];
    match lab.tls() {
        None => {
            lines.extend([page, step(format!("pgchaos gen --port {write}"), "load it"), watched]);
        }
        Some(files) => lines.extend([
            format!("TLS alone: sslmode=verify-full sslrootcert={}", files.authority.display()),
            page,
            step(format!("eval \"$(pgchaos lab env{named})\""), "the same for psql and pgchaos"),
            step("pgchaos gen".to_owned(), "load it"),
        ]),
    }
    lines.push(step(format!("pgchaos lab kill leader{named}"), "break it"));
    lines.push(step(format!("pgchaos lab down{named}"), "end it"));
    lines
}

/// The lab that is asked for; options that are not given stay as they were.
fn spec(name: &str, args: &UpArgs) -> Result<LabSpec, Problem> {
    let kept = Lab::find(name)?.map(|lab| lab.spec());
    let profile = args.profile.map(Profile::from);
    let profile = profile.or(kept.as_ref().map(|kept| kept.profile)).unwrap_or(Profile::Default);
    let synchronous = args.sync.or(kept.as_ref().map(|kept| kept.synchronous)).unwrap_or(false);
    let tls = args.tls.or(kept.map(|kept| kept.tls)).unwrap_or(false);
    Ok(LabSpec { name: name.to_owned(), base_port: args.base_port, profile, synchronous, tls })
}
