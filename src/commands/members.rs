//! The members of a command that are watched at their own addresses.

use std::sync::Arc;

use super::problem::Problem;
use super::recorded_target;
use crate::cli::gen_args::GenArgs;
use crate::cli::members_option::{MemberSaid, members};
use crate::engine::watch::members::{MembersPlan, NamedMember};
use crate::model::event::{AUTO, MemberToWatch};
use crate::pg::settings::{ConnectSettings, Environment, Explicit, resolve};

/// What is to be watched, and how that was said, without secrets; nothing where none is. `target` is the connection of
/// the load: members that Patroni names are connected to in the same way.
///
/// # Errors
/// A usage problem.
pub(super) fn plan(
    args: &GenArgs,
    target: &ConnectSettings,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<(Option<MembersPlan>, Vec<MemberToWatch>), Problem> {
    let said = members(&args.cluster.members)
        .map_err(|words| Problem::usage(format!("--members: {words}")))?;
    let (mut plan, mut as_said) = (MembersPlan::default(), Vec::new());
    for member in &said {
        match member {
            MemberSaid::Auto if args.cluster.patroni.is_empty() => {
                return Err(Problem::usage(
                    "--members auto takes the members' addresses from Patroni, and none is watched",
                )
                .try_this(
                    "add --patroni URL, such as --patroni localhost:8008; or say where they are: --members \
                     patroni1='host=10.0.0.1'",
                ));
            }
            MemberSaid::Auto => {
                plan.auto = Some(Arc::new(target.clone()));
                as_said.push(MemberToWatch { name: AUTO.to_owned(), target: None });
            }
            MemberSaid::Named { name, dsn } => {
                let explicit = Explicit {
                    dsn: Some(dsn.clone()),
                    of_cluster: Some(Box::new(args.target.explicit())),
                    ..Explicit::default()
                };
                let resolved = resolve(&explicit, environment)
                    .map_err(|error| Problem::usage(format!("--members {name}: {error}")))?;
                if resolved.settings.hosts.len() != 1 {
                    return Err(Problem::usage(format!(
                        "--members {name}: a member has one host, and there are {}",
                        resolved.settings.hosts.len()
                    ))
                    .try_this("name each member by itself: --members A=DSN --members B=DSN"));
                }
                let target = Some(recorded_target::member(&resolved));
                as_said.push(MemberToWatch { name: name.clone(), target });
                warnings.extend(resolved.warnings.iter().map(ToString::to_string));
                let settings = Arc::new(resolved.settings);
                plan.named.push(NamedMember { name: name.clone(), settings });
            }
        }
    }
    warnings.dedup();
    Ok(((!said.is_empty()).then_some(plan), as_said))
}
