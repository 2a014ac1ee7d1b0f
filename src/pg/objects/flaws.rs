//! What can be wrong with tables that are there already, in words for people.

use thiserror::Error;

/// Why the load cannot use the tables that are there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Flaw {
    /// It is no table.
    #[error("pgchaos.{table} is {kind}, and no table")]
    NoTable {
        /// The table.
        table: String,
        /// What it is.
        kind: &'static str,
    },
    /// A column is not there.
    #[error("pgchaos.{table} has no column {column}")]
    NoColumn {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A column has another type.
    #[error("pgchaos.{table}.{column} is of type {found}, and the load writes {wanted}")]
    OtherType {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Its type.
        found: String,
        /// The type that it should have.
        wanted: &'static str,
    },
    /// A column that the load writes is computed.
    #[error("pgchaos.{table}.{column} is a generated column, and the load writes it")]
    Generated {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A column that the load does not write must have a value.
    #[error(
        "pgchaos.user_events.{column} takes no NULL and has no default, and the load does not write it"
    )]
    Required {
        /// The column.
        column: String,
    },
    /// Nothing gives a write its id.
    #[error("pgchaos.user_events.id has no identity and no default: nothing gives a write its id")]
    NoId {
        /// The first id that is free, where it is known.
        next: i64,
        /// The column takes no NULL.
        required: bool,
    },
    /// No id is left.
    #[error("no value is left for pgchaos.user_events.id: its sequence is at its end")]
    NoIdLeft {
        /// What makes room.
        mended_by: String,
    },
    /// Policies hide rows from the role.
    #[error(
        "row-level security holds for this role on pgchaos.{table}: rows that a policy hides cannot \
         be told from lost ones"
    )]
    RowSecurity {
        /// The table.
        table: &'static str,
    },
}

/// A warning about tables that the load can use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Caution {
    /// A crash empties it, and no replica has it.
    #[error(
        "pgchaos.user_events is UNLOGGED: a crash or a failover empties it, and all writes are lost \
         then. ALTER TABLE pgchaos.user_events SET LOGGED;"
    )]
    Unlogged,
    /// The verification has to read all of it.
    #[error(
        "pgchaos.user_events has no index on (run_id, writer, seq): each look reads the whole \
         table. CREATE INDEX ON pgchaos.user_events (run_id, writer, seq);"
    )]
    NoIndex,
    /// Few ids are left.
    #[error(
        "{}{left} {} left for pgchaos.user_events, then every write is refused (2200H, 22003). \
         {mended_by}",
        if *at_most { "at most " } else { "" },
        if *left == 1 { "id is" } else { "ids are" }
    )]
    FewIds {
        /// How many ids.
        left: i64,
        /// The role has no right to see the sequence: there may be fewer.
        at_most: bool,
        /// What makes room.
        mended_by: String,
    },
    /// `statement_timeout` or `transaction_timeout` ends what takes longer.
    #[error("{} is {ms} ms, set {by}: {}, as it is for an application. {remedy}", limit.setting(), limit.effect())]
    ShortTimeout {
        /// Which of them.
        limit: TimeLimit,
        /// The limit, in milliseconds.
        ms: i64,
        /// Where it is set, in words.
        by: String,
        /// What resets it.
        remedy: String,
    },
}

/// A limit of the server's on how long a write may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// Of each statement.
    Statement,
    /// Of each transaction, since PostgreSQL 17.
    Transaction,
}

impl TimeLimit {
    /// Its setting.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::Statement => "statement_timeout",
            Self::Transaction => "transaction_timeout",
        }
    }

    fn effect(self) -> &'static str {
        match self {
            Self::Statement => "what takes longer is cancelled (57014)",
            Self::Transaction => "a session whose write takes longer is ended (25P04)",
        }
    }
}
