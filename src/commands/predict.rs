//! `pgchaos predict`: what settings let expect, and what would shorten it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::output::print;
use super::patroni_apis::patroni_apis;
use super::problem::Problem;
use super::terminal::Terminal;
use crate::cli::exit::Exit;
use crate::cli::predict_args::{PatroniSourceArgs, PredictArgs, ProxySourceArgs};
use crate::haproxy::configuration::{BYTES_MAX, ConfigurationError, HaproxyConfiguration};
#[cfg(unix)]
use crate::lab::Lab;
use crate::model::cluster::proxy_checks::ProxyChecks;
use crate::model::cluster::software::PatroniSettings;
use crate::model::foreign;
use crate::model::prediction::fault_kind::PredictedFault;
use crate::model::prediction::in_force::in_force;
use crate::model::prediction::outlook::outlook;
use crate::model::prediction::release::PatroniRelease;
use crate::patroni::{PatroniApi, PatroniError};
use crate::pg::settings::Explicit;
use crate::report::layout::fitted;
use crate::report::prediction::json::prediction_json;
use crate::report::prediction::text::{PredictionPage, prediction_text};

/// What to give.
const SOURCES: &str = "--patroni URL, --lab NAME, or --ttl N --loop-wait N --retry-timeout N\n\
                       --patroni-version VERSION as they are typed;\n\
                       --haproxy-config FILE beside it, for the proxy's part";

/// Patroni's settings as they were told, its version, and the proxy's checks with what told them.
struct Sources {
    settings: PatroniSettings,
    release: Option<PatroniRelease>,
    proxy: Option<(ProxyChecks, String)>,
}

/// Runs the command.
///
/// # Errors
/// A [`Problem`].
pub(super) async fn run(args: PredictArgs) -> Result<Exit, Problem> {
    let client = args.client.waits().map_err(Problem::usage)?;
    let configured = configured(&args.proxy)?;
    let mut sources = sources(&args.patroni).await?;
    sources.proxy = configured.or(sources.proxy);
    let told = typed(&args.patroni, sources.settings);
    let release = args.patroni.patroni_version.or(sources.release);
    let (proxy, source) = sources.proxy.unzip();
    let one = args.shown.fault.map(|fault| vec![fault]);
    let faults = one.unwrap_or_else(|| PredictedFault::ALL.to_vec());
    let outlook = outlook(in_force(&told, release), proxy, client, &faults);
    let text = if args.shown.json {
        prediction_json(&outlook, source.as_deref())
            .map_err(|error| Problem::could_not_run(error.to_string()))?
    } else {
        let parts = args.shown.verbose || args.shown.fault.is_some();
        let page = PredictionPage { outlook: &outlook, proxy_source: source.as_deref(), parts };
        fitted(&prediction_text(&page), Some(Terminal::stdout().width.unwrap_or(COLUMNS)))
    };
    print(&text)?;
    Ok(Exit::Pass)
}

/// Where the terminal's width is not known.
const COLUMNS: usize = 80;

/// What the cluster itself tells, else what stands where it was told nothing.
async fn sources(args: &PatroniSourceArgs) -> Result<Sources, Problem> {
    #[cfg(unix)]
    if let Some(name) = &args.lab {
        return of_lab(name).await;
    }
    if !args.patroni.is_empty() {
        let apis = patroni_apis(&args.patroni, &Explicit::default())?;
        let (settings, release) = of_patroni(&apis).await.map_err(|error| {
            Problem::could_not_run(foreign::plain(&error.to_string()))
                .try_this("the URL of a member that runs; or the settings as they are typed: --ttl N --loop-wait N …")
        })?;
        return Ok(Sources { settings, release, proxy: None });
    }
    if args.is_typed() {
        return Ok(Sources { settings: PatroniSettings::BY_DEFAULT, release: None, proxy: None });
    }
    Err(Problem::usage("how Patroni is set is not said").try_this(SOURCES))
}

/// The settings and the version, from the first of these that tells both.
async fn of_patroni(
    apis: &[PatroniApi],
) -> Result<(PatroniSettings, Option<PatroniRelease>), PatroniError> {
    let mut first = None;
    for api in apis {
        match api.config().await {
            Ok(config) => {
                // Its settings are of use without its version.
                let version = api.member().await.ok().map(|member| member.patroni.version);
                let release = version.as_deref().and_then(PatroniRelease::read);
                return Ok((config, release));
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first
        .unwrap_or(PatroniError::NoUrl { text: String::new(), reason: "none is given".to_owned() }))
}

#[cfg(unix)]
async fn of_lab(name: &str) -> Result<Sources, Problem> {
    use super::lab::{find, name_option::name_option};
    let lab: Lab = find(name)?;
    let Some((settings, release)) = lab.told().await else {
        let why = match lab.tls_client() {
            Err(error) => format!("no Patroni of lab {name} can be asked: {error}"),
            Ok(_) => format!("no Patroni of lab {name} answers"),
        };
        let up = format!("pgchaos lab up{}", name_option(name));
        return Err(Problem::could_not_run(why).try_this(up));
    };
    let proxy = (lab.proxy_checks(), format!("of lab {name}"));
    Ok(Sources { settings, release, proxy: Some(proxy) })
}

/// The settings with those that are typed in their places.
fn typed(args: &PatroniSourceArgs, told: PatroniSettings) -> PatroniSettings {
    PatroniSettings {
        ttl_s: args.ttl.unwrap_or(told.ttl_s),
        loop_wait_s: args.loop_wait.unwrap_or(told.loop_wait_s),
        retry_timeout_s: args.retry_timeout.unwrap_or(told.retry_timeout_s),
        ..told
    }
}

/// The proxy's checks from its configuration file.
pub(super) fn configured(args: &ProxySourceArgs) -> Result<Option<(ProxyChecks, String)>, Problem> {
    let Some(path) = &args.haproxy_config else { return Ok(None) };
    let shown = path.display().to_string();
    let bytes = contents(path, &shown)?;
    let variable = |name: &str| std::env::var(name).ok();
    let backend = HaproxyConfiguration::read(&shown, &bytes, &variable)
        .and_then(|read| read.backend(args.haproxy_backend.as_deref(), args.haproxy_port));
    let backend = backend.map_err(|error| {
        let problem = Problem::could_not_run(error.to_string());
        match error {
            ConfigurationError::Several { .. }
            | ConfigurationError::NoSuchBackend { .. }
            | ConfigurationError::NoSuchPort { .. } => {
                problem.try_this("--haproxy-backend NAME, the one that leads to the primary")
            }
            ConfigurationError::NotSet { variable, .. } => problem
                .try_this(format!(
                    "{variable}=… in pgchaos's environment, as HAProxy has it; of a lab pgchaos predict --lab NAME"
                )),
            _ => problem,
        }
    })?;
    Ok(Some((backend.checks, format!("{} in {}", backend.name, foreign::name(&shown)))))
}

/// What is in the file, as far as a configuration can be long.
fn contents(path: &Path, shown: &str) -> Result<Vec<u8>, Problem> {
    let cannot = |error: std::io::Error| {
        Problem::could_not_run(format!("{} cannot be read: {error}", foreign::name(shown)))
    };
    // A pipe would be waited for.
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        let what = format!("{} is no file", foreign::name(shown));
        return Err(Problem::could_not_run(what).try_this("one file, as HAProxy reads it with -f"));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(cannot)?;
    if bytes.len() as u64 > BYTES_MAX {
        let mib = BYTES_MAX / 1024 / 1024;
        let what =
            format!("{} is longer than {mib} MiB: that is no configuration", foreign::name(shown));
        return Err(Problem::could_not_run(what));
    }
    Ok(bytes)
}
