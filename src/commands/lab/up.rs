//! `pgchaos lab up`.

use super::super::problem::Problem;
use super::{interrupted, name_option, tell};
use crate::cli::exit::Exit;
use crate::cli::lab_args::{ProfileName, UpArgs};
use crate::lab::{Lab, LabSpec, Profile};

pub(super) async fn run(name: &str, args: &UpArgs) -> Result<Exit, Problem> {
    let spec = spec(name, args)?;
    let lab = Lab::up_unless(&spec, &mut tell, interrupted()).await?;
    let (user, password) = lab.credentials();
    let named = name_option(name);
    tell(format!(
        "write port {}, read port {}, user and password {user}/{password}, HAProxy's page \
         http://127.0.0.1:{}",
        lab.write_port(),
        lab.read_port(),
        lab.ports().page
    ));
    tell(format!("load it:   pgchaos gen --port {}", lab.write_port()));
    tell(format!("break it:  pgchaos lab kill leader{named}"));
    tell(format!("end it:    pgchaos lab down{named}"));
    Ok(Exit::Pass)
}

/// What is asked for; what is not said stays as it was.
fn spec(name: &str, args: &UpArgs) -> Result<LabSpec, Problem> {
    let kept = Lab::find(name)?.map(|lab| lab.spec());
    let profile = args.profile.map(|name| match name {
        ProfileName::Default => Profile::Default,
        ProfileName::Quick => Profile::Quick,
    });
    let profile = profile.or(kept.as_ref().map(|kept| kept.profile)).unwrap_or(Profile::Default);
    let synchronous = args.sync.or(kept.map(|kept| kept.synchronous)).unwrap_or(false);
    Ok(LabSpec { name: name.to_owned(), base_port: args.base_port, profile, synchronous })
}
