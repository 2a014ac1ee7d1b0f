//! Where a server's setting for a session comes from: the role, the database, the connection.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::identifier::identifier;
use crate::model::foreign::name;

/// Settings of roles and databases win in this order. Options of the connection win over all of them,
/// and are not in the catalogue. The role is the one that logged in.
///
/// `source` is that of the current value, which this transaction may have set: the query resets the
/// setting first, and the lateral join keeps that order.
const ORIGIN: &str = "\
SELECT s.value, s.source = 'client' AS by_client, o.role, o.database, d.datname::text, r.rolname::text
  FROM (SELECT pg_catalog.set_config($1, NULL, true) AS value
         WHERE pg_catalog.current_setting($1, true) IS NOT NULL OFFSET 0) own
  CROSS JOIN LATERAL (
       SELECT coalesce(reset_val, setting) AS value, source
          FROM pg_catalog.pg_settings WHERE name = $1 AND own.value IS NOT NULL OFFSET 0) s
  CROSS JOIN pg_catalog.pg_database d
  CROSS JOIN pg_catalog.pg_roles r
  LEFT JOIN LATERAL (
       SELECT c.setrole <> 0 AS role, c.setdatabase <> 0 AS database
         FROM pg_catalog.pg_db_role_setting c
        WHERE c.setrole IN (0, r.oid) AND c.setdatabase IN (0, d.oid)
          AND EXISTS (SELECT FROM unnest(c.setconfig) AS set WHERE set LIKE $1 || '=%')
        ORDER BY c.setrole <> 0 AND c.setdatabase <> 0 DESC, c.setrole <> 0 DESC,
                 c.setdatabase <> 0 DESC LIMIT 1) o ON true
 WHERE d.datname = current_database() AND r.rolname = session_user";

/// Where a setting comes from, unless it is the server's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingOrigin {
    /// The connection: `PGOPTIONS`, or `options` in the connection string.
    Connection,
    /// The role.
    Role(String),
    /// The database.
    Database(String),
    /// The role, in this database.
    RoleInDatabase(String, String),
    /// All roles.
    AllRoles,
}

/// A setting's value at the start of a session, and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value, in the setting's unit.
    pub value: String,
    /// Its origin; `None` for the server's configuration.
    pub origin: Option<SettingOrigin>,
}

impl SettingOrigin {
    /// In words, to follow "set".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Connection => "by options of the connection".to_owned(),
            Self::Role(role) => format!("for role {}", name(role)),
            Self::Database(database) => format!("for database {}", name(database)),
            Self::RoleInDatabase(role, database) => {
                format!("for role {} in database {}", name(role), name(database))
            }
            Self::AllRoles => "for all roles".to_owned(),
        }
    }

    /// What resets the setting; as SQL it works also in a session that the setting makes read-only.
    #[must_use]
    pub fn remedy(&self, setting: &str) -> String {
        let (role, database) = match self {
            Self::Connection => {
                return format!(
                    "leave {setting} out of PGOPTIONS, or of options in the connection string"
                );
            }
            Self::Role(role) => (identifier(role), None),
            Self::RoleInDatabase(role, database) => (identifier(role), Some(database)),
            Self::AllRoles => ("ALL".to_owned(), None),
            Self::Database(database) => {
                return typed(&format!("DATABASE {}", identifier(database)), setting);
            }
        };
        let within = database.map(|name| format!(" IN DATABASE {}", identifier(name)));
        typed(&format!("ROLE {role}{}", within.unwrap_or_default()), setting)
    }
}

fn typed(of: &str, setting: &str) -> String {
    if setting == "default_transaction_read_only" {
        return format!("BEGIN READ WRITE; ALTER {of} RESET {setting}; COMMIT;");
    }
    format!("ALTER {of} RESET {setting};")
}

/// A setting of this session, and its origin; `None` where this version of PostgreSQL has no such setting.
///
/// # Errors
/// The driver's.
pub(in crate::pg) async fn ask(client: &Client, setting: &str) -> Result<Option<Setting>, Error> {
    let rows = client.query_typed(ORIGIN, &[(&setting, Type::TEXT)]).await?;
    rows.first().map(read).transpose()
}

fn read(row: &Row) -> Result<Setting, Error> {
    let by_client: bool = row.try_get("by_client")?;
    let (by_role, by_database): (Option<bool>, Option<bool>) =
        (row.try_get("role")?, row.try_get("database")?);
    let (database, role): (String, String) = (row.try_get(4)?, row.try_get(5)?);
    let origin = match (by_client, by_role, by_database) {
        (true, ..) => Some(SettingOrigin::Connection),
        (_, Some(true), Some(true)) => Some(SettingOrigin::RoleInDatabase(role, database)),
        (_, Some(true), _) => Some(SettingOrigin::Role(role)),
        (_, _, Some(true)) => Some(SettingOrigin::Database(database)),
        (_, Some(false), _) => Some(SettingOrigin::AllRoles),
        _ => None,
    };
    Ok(Setting { value: row.try_get("value")?, origin })
}
