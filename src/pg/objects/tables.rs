//! The tables that are there, by the catalogue, and whether the load can use them.

use tokio_postgres::{Client, Error, Row};

use super::flaws::{Caution, Flaw};
use super::identifier::identifier;
use crate::model::foreign;

/// One line a column. Columns of the catalogue that old versions lack are read through JSON.
const COLUMNS: &str = "\
SELECT c.relname::text, c.relkind::text, c.relpersistence::text, row_security_active(c.oid),
       a.attname::text, format_type(a.atttypid, NULL), a.attnotnull, a.atthasdef,
       coalesce(to_jsonb(a) ->> 'attidentity', '') <> '',
       coalesce(to_jsonb(a) ->> 'attgenerated', '') <> '',
       EXISTS (SELECT FROM pg_catalog.pg_index i
                WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL
                  AND i.indnatts >= 3
                  AND (SELECT array_agg(k.attname::text ORDER BY k.attname)
                         FROM pg_catalog.pg_attribute k
                        WHERE k.attrelid = c.oid
                          AND k.attnum = ANY ((i.indkey::int2[])[0:2]))
                      = ARRAY['run_id', 'seq', 'writer'])
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attribute a
         ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname = 'pgchaos' AND c.relname IN ('users', 'user_events')
 ORDER BY c.relname DESC, a.attnum";

/// The columns that the load uses, with the types that it can use.
const USED: [(&str, &str, &[&str]); 8] = [
    ("users", "id", &["integer", "smallint"]),
    ("users", "name", &["text", "character varying"]),
    ("user_events", "id", &["bigint", "integer", "smallint"]),
    ("user_events", "run_id", &["uuid"]),
    ("user_events", "writer", &["integer"]),
    ("user_events", "seq", &["bigint"]),
    ("user_events", "user_id", &["integer", "bigint"]),
    ("user_events", "event_type", &["text", "character varying"]),
];

/// A table, by the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name in the schema.
    pub name: String,
    /// PostgreSQL's letter: `r`, `p`, `v`, `m`, `f`, …
    pub kind: String,
    /// A crash empties it.
    pub unlogged: bool,
    /// Row-level security holds on it for this role.
    pub row_security: bool,
    /// An index has the token's columns first.
    pub token_index: bool,
    /// Its columns.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are the catalogue's")]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, without a length.
    pub of_type: String,
    /// It takes no NULL.
    pub required: bool,
    /// It has a default.
    pub default: bool,
    /// An identity gives its values.
    pub identity: bool,
    /// Its values are computed.
    pub generated: bool,
}

impl Table {
    /// A column of it.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The type of its ids, and whether an identity gives them.
    #[must_use]
    pub fn ids(&self) -> (&str, bool) {
        self.column("id").map_or(("bigint", true), |id| (id.of_type.as_str(), id.identity))
    }

    fn no_table(&self) -> Option<Flaw> {
        let kind = match self.kind.as_str() {
            "r" | "p" => return None,
            "v" => "a view",
            "m" => "a materialized view",
            "f" => "a foreign table",
            "S" => "a sequence",
            "c" => "a type",
            _ => "an index",
        };
        Some(Flaw::NoTable { table: self.name.clone(), kind })
    }
}

/// The first reason why the load cannot use these tables; `None` if it can.
#[must_use]
pub fn flaw(tables: &[Table]) -> Option<Flaw> {
    if let Some(flaw) = tables.iter().find_map(Table::no_table) {
        return Some(flaw);
    }
    for (name, column, types) in USED {
        let Some(table) = tables.iter().find(|table| table.name == name) else { continue };
        let Some(found) = table.column(column) else {
            return Some(Flaw::NoColumn { table: name, column });
        };
        if found.generated {
            return Some(Flaw::Generated { table: name, column });
        }
        if !types.contains(&found.of_type.as_str()) {
            let found = found.of_type.clone();
            return Some(Flaw::OtherType { table: name, column, found, wanted: types[0] });
        }
    }
    let events = tables.iter().find(|table| table.name == "user_events")?;
    let written = |name: &str| USED.iter().any(|(_, column, _)| *column == name);
    let needs_a_value = |column: &&Column| {
        column.required && !column.default && !column.identity && !written(&column.name)
    };
    if let Some(column) = events.columns.iter().find(needs_a_value) {
        return Some(Flaw::Required { column: identifier(&column.name) });
    }
    match events.column("id") {
        Some(id) if !id.identity && !id.default => {
            return Some(Flaw::NoId { next: 1, required: id.required });
        }
        _ => {}
    }
    events.row_security.then_some(Flaw::RowSecurity { table: "user_events" })
}

/// Warnings about tables that the load can use.
#[must_use]
pub fn cautions(tables: &[Table]) -> Vec<Caution> {
    let Some(events) = tables.iter().find(|table| table.name == "user_events") else {
        return Vec::new();
    };
    let unlogged = events.unlogged.then_some(Caution::Unlogged);
    let no_index = (!events.token_index).then_some(Caution::NoIndex);
    unlogged.into_iter().chain(no_index).collect()
}

/// The tables that are there.
///
/// # Errors
/// The driver's.
pub(in crate::pg) async fn ask(client: &Client) -> Result<Vec<Table>, Error> {
    let mut tables: Vec<Table> = Vec::new();
    for row in client.query_typed(COLUMNS, &[]).await? {
        let table = table(&row)?;
        if tables.last().is_none_or(|last| last.name != table.name) {
            tables.push(table);
        }
        if let (Some(last), Some(column)) = (tables.last_mut(), column(&row)?) {
            last.columns.push(column);
        }
    }
    Ok(tables)
}

fn table(row: &Row) -> Result<Table, Error> {
    let persistence: String = row.try_get(2)?;
    Ok(Table {
        name: row.try_get(0)?,
        kind: row.try_get(1)?,
        unlogged: persistence == "u",
        row_security: row.try_get(3)?,
        token_index: row.try_get(10)?,
        columns: Vec::new(),
    })
}

fn column(row: &Row) -> Result<Option<Column>, Error> {
    let Some(name) = row.try_get(4)? else { return Ok(None) };
    // A session may be set to quote all names (quote_all_identifiers).
    let of_type: String = row.try_get(5)?;
    let of_type = foreign::name(of_type.trim_matches('"'));
    Ok(Some(Column {
        name,
        of_type,
        required: row.try_get(6)?,
        default: row.try_get(7)?,
        identity: row.try_get(8)?,
        generated: row.try_get(9)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, of_type: &str) -> Column {
        let (identity, required) = (name == "id", true);
        let default = name == "created_at";
        let of_type = of_type.to_owned();
        Column { name: name.to_owned(), of_type, required, default, identity, generated: false }
    }

    fn events() -> Table {
        let columns = [
            ("id", "bigint"),
            ("run_id", "uuid"),
            ("writer", "integer"),
            ("seq", "bigint"),
            ("user_id", "integer"),
            ("event_type", "text"),
            ("created_at", "timestamp with time zone"),
        ];
        Table {
            name: "user_events".to_owned(),
            kind: "r".to_owned(),
            unlogged: false,
            row_security: false,
            token_index: true,
            columns: columns.map(|(name, of_type)| column(name, of_type)).to_vec(),
        }
    }

    /// The flaw of the table after this change.
    fn changed(change: impl FnOnce(&mut Table)) -> Option<String> {
        let mut table = events();
        change(&mut table);
        flaw(&[table]).map(|flaw| flaw.to_string())
    }

    #[test]
    fn tables_as_pgchaos_makes_them_have_no_flaw() {
        assert_eq!(changed(|_| {}), None);
        assert_eq!(cautions(&[events()]), []);
    }

    #[test]
    fn a_flaw_names_its_column() {
        let said = |change: fn(&mut Table)| changed(change).unwrap();
        assert_eq!(
            said(|table| table.kind = "v".into()),
            "pgchaos.user_events is a view, and no table"
        );
        assert_eq!(
            said(|table| table.columns[1].of_type = "text".into()),
            "pgchaos.user_events.run_id is of type text, and the load writes uuid"
        );
        assert_eq!(
            said(|table| drop(table.columns.remove(3))),
            "pgchaos.user_events has no column seq"
        );
        assert_eq!(
            said(|table| table.columns.push(column("Zone", "text"))),
            "pgchaos.user_events.\"Zone\" takes no NULL and has no default, and the load does not \
             write it"
        );
        assert!(said(|table| table.columns[0].identity = false).contains("gives a write its id"));
        assert!(said(|table| table.row_security = true).starts_with("row-level security holds"));
    }
}
