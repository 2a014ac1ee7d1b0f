//! Every option that was given, from its strongest source.

use std::collections::BTreeMap;

use super::dsn;
use super::environment::Environment;
use super::error::{Origin, SettingsError};
use super::explicit::Explicit;
use super::given::{GivenValue, HIDDEN};
use super::keyword::{self, KEYWORDS};
use super::meant;
use super::secret::{has_user_info, is_uri, names_a_secret};
use super::service;

/// The values that were given, by option. Not `Debug`, as passwords are in it.
#[derive(Default)]
pub(super) struct Layers {
    said: BTreeMap<&'static str, GivenValue>,
    /// The options of [`PLACES`] that are not said yet stay so.
    places_are_said: bool,
}

/// Where to connect, and which of several servers: a member's own, whatever leads to its cluster.
const PLACES: [&str; 5] =
    ["host", "hostaddr", "port", "target_session_attrs", "load_balance_hosts"];

impl Layers {
    /// Gathers from all sources, the strongest first: flags, connection string, service, environment, a run's record.
    pub(super) fn gather(
        explicit: &Explicit,
        environment: &Environment,
    ) -> Result<Self, SettingsError> {
        let mut layers = Self::default();
        layers.say_command_line(explicit)?;
        if let Some(cluster) = &explicit.of_cluster {
            // A service that the member's own connection string names may say where it is.
            layers.places_are_said = layers.text("service").is_none();
            layers.say_command_line(cluster)?;
        }
        layers.say_service(environment)?;
        layers.say_variables(environment)?;
        for (keyword, value) in &explicit.tls_of_run {
            if let Some(keyword) = keyword::find(keyword).filter(|keyword| keyword.is_of_tls()) {
                layers.say(keyword.name, value, Origin::Record);
            }
        }
        layers.refuse_secrets()?;
        for (keyword, said) in &layers.said {
            if said.value.contains('\0') {
                let origin = said.origin.clone();
                return Err(SettingsError::NulByte { keyword, origin });
            }
        }
        Ok(layers)
    }

    /// The value of an option, unless it is empty, which means the default.
    pub(super) fn get(&self, keyword: &'static str) -> Option<&GivenValue> {
        self.get_even_empty(keyword).filter(|said| !said.value.is_empty())
    }

    /// The value of an option, also an empty one.
    pub(super) fn get_even_empty(&self, keyword: &'static str) -> Option<&GivenValue> {
        debug_assert!(keyword::find(keyword).is_some(), "no such option: {keyword}");
        self.said.get(keyword)
    }

    /// The value alone.
    pub(super) fn text(&self, keyword: &'static str) -> Option<String> {
        self.get(keyword).map(|said| said.value.clone())
    }

    /// Adds a value, unless a stronger source gave one.
    fn say(&mut self, keyword: &'static str, value: impl Into<String>, origin: Origin) {
        if self.places_are_said && PLACES.contains(&keyword) {
            return;
        }
        let value = value.into();
        self.said.entry(keyword).or_insert(GivenValue { value, origin });
    }

    /// Flags, then the connection string.
    fn say_command_line(&mut self, explicit: &Explicit) -> Result<(), SettingsError> {
        let flags = [
            ("host", &explicit.host, "-h/--host"),
            ("port", &explicit.port, "-p/--port"),
            ("user", &explicit.user, "-U/--username"),
        ];
        for (keyword, value, flag) in flags {
            if let Some(value) = given(value) {
                self.say(keyword, value, Origin::Flag(flag));
            }
        }
        let said = DsnAndDatabase::of(explicit)?;
        if let Some((dbname, origin)) = said.dbname {
            self.say("dbname", dsn::database_name(dbname)?, origin);
        }
        if let Some(text) = said.connection_string {
            for (keyword, value) in dsn::parse(text)? {
                self.say(keyword, value, Origin::ConnectionString);
            }
        }
        Ok(())
    }

    fn say_service(&mut self, environment: &Environment) -> Result<(), SettingsError> {
        for (keyword, variable) in [("service", "PGSERVICE"), ("servicefile", "PGSERVICEFILE")] {
            if let Some(value) = environment.text(variable)? {
                self.say(keyword, value, Origin::Variable(variable));
            }
        }
        let Some(service) = self.text("service") else {
            return Ok(());
        };
        // Before an error quotes the service's name and its files.
        self.refuse_secrets()?;
        let file = self.text("servicefile");
        for (keyword, value, origin) in service::read(&service, file.as_deref(), environment)? {
            self.say(keyword, value, origin);
        }
        Ok(())
    }

    /// A connection string is expanded where one belongs (the argument, `-d`). As the value of any other option, also
    /// of `dbname` in a connection string and of `PGDATABASE`, libpq would send it to the server as a name, which then
    /// is in the server's errors and log; here it would be logged and recorded too.
    fn refuse_secrets(&self) -> Result<(), SettingsError> {
        let mut said = self.said.iter();
        match said.find(|(keyword, said)| is_out_of_place(keyword, said)) {
            Some((keyword, said)) => {
                let hidden = GivenValue { value: HIDDEN.to_owned(), origin: said.origin.clone() };
                let expected = "it is a connection string, or a part of one that may hold a \
                                password: give a connection string with -d/--dbname";
                Err(hidden.invalid(keyword, expected))
            }
            None => Ok(()),
        }
    }

    fn say_variables(&mut self, environment: &Environment) -> Result<(), SettingsError> {
        for keyword in KEYWORDS {
            let Some(variable) = keyword.variable else {
                continue;
            };
            // A variable that is overruled may be invalid: it is not read.
            if self.said.contains_key(keyword.name) {
                continue;
            }
            if let Some(value) = environment.text(variable)? {
                self.say(keyword.name, value, Origin::Variable(variable));
            }
        }
        // PostgreSQL's old variable, which libpq still obeys.
        if environment.text("PGREQUIRESSL")?.is_some_and(|value| value.starts_with('1')) {
            self.say("sslmode", "require", Origin::Variable("PGREQUIRESSL"));
        }
        Ok(())
    }
}

/// Options that are secrets; they are shown nowhere.
const SECRETS: [&str; 5] =
    ["password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"];

/// Options with free text, in which an `@` or a `:` means nothing.
const FREE_TEXTS: [&str; 2] = ["application_name", "fallback_application_name"];

fn is_out_of_place(keyword: &str, said: &GivenValue) -> bool {
    let value = &said.value;
    // Databases and roles may have any name where `user=` or `dbname=` stands before it.
    let was_named = matches!(keyword, "user" | "dbname")
        && matches!(said.origin, Origin::ConnectionString | Origin::Service { .. });
    match keyword {
        keyword if SECRETS.contains(&keyword) => false,
        // `-c name.password=…` is a setting for the server that the user chose to give.
        "options" => is_uri(value),
        keyword if FREE_TEXTS.contains(&keyword) => is_uri(value) || names_a_secret(value),
        _ => is_uri(value) || names_a_secret(value) || (!was_named && has_user_info(value)),
    }
}

/// The connection string and the database: the argument and `-d` may each be either.
struct DsnAndDatabase<'a> {
    connection_string: Option<&'a str>,
    dbname: Option<(&'a str, Origin)>,
}

impl<'a> DsnAndDatabase<'a> {
    fn of(explicit: &'a Explicit) -> Result<Self, SettingsError> {
        let (string, name) = split(given(&explicit.dsn));
        let (flag_string, flag_name) = split(given(&explicit.dbname));
        if string.is_some() && flag_string.is_some() {
            return Err(SettingsError::TwoConnectionStrings);
        }
        if let (Some(argument), Some(flag)) = (name, flag_name) {
            return Err(SettingsError::TwoDatabases {
                argument: dsn::database_name(argument)?.to_owned(),
                flag: dsn::database_name(flag)?.to_owned(),
            });
        }
        if let Some((argument, meant)) =
            name.and_then(|name| Some((name, meant::by_database(name)?)))
        {
            return Err(SettingsError::NoDatabase { argument: argument.to_owned(), meant });
        }
        let by_flag = flag_name.map(|name| (name, Origin::Flag("-d/--dbname")));
        Ok(Self {
            connection_string: string.or(flag_string),
            dbname: by_flag.or_else(|| Some((name?, Origin::Flag("the argument")))),
        })
    }
}

fn split(text: Option<&str>) -> (Option<&str>, Option<&str>) {
    match text {
        Some(text) if dsn::is_connection_string(text) => (Some(text), None),
        name => (None, name),
    }
}

fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}
