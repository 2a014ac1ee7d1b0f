//! What was measured: told as it comes, as one table at the end, and as JSON.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// A column of a section's table. Rows may hold more than the columns show, for the JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// The name in the JSON, with its unit.
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) decimals: usize,
}

/// One section's results.
#[derive(Debug)]
pub(crate) struct Table {
    name: &'static str,
    /// What the numbers are, what they should be, and what they do not say.
    notes: Vec<String>,
    columns: &'static [Column],
    rows: Vec<Value>,
}

impl Table {
    /// Begins it, and tells its head.
    pub(crate) fn new(name: &'static str, notes: &[&str], columns: &'static [Column]) -> Self {
        let notes = notes.iter().map(|note| (*note).to_owned()).collect();
        let table = Self { name, notes, columns, rows: Vec::new() };
        println!("\n{name}\n{}", table.line(&table.widths(), |column| column.title.to_owned()));
        table
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Adds a row, and tells it, as wide as what is known so far.
    pub(crate) fn row(&mut self, row: Value) {
        self.rows.push(row);
        let row = &self.rows[self.rows.len() - 1];
        println!("{}", self.line(&self.widths(), |column| column.cell(row)));
    }

    fn in_words(&self) -> String {
        let widths = self.widths();
        let head = self.line(&widths, |column| column.title.to_owned());
        let rows = self.rows.iter().map(|row| self.line(&widths, |column| column.cell(row)));
        let notes = self.notes.iter().map(|note| format!("  {note}"));
        let lines: Vec<String> =
            [self.name.to_owned(), head].into_iter().chain(rows).chain(notes).collect();
        lines.join("\n")
    }

    fn line(&self, widths: &[usize], cell: impl Fn(&Column) -> String) -> String {
        let cells = self.columns.iter().map(cell).zip(widths);
        let padded: Vec<String> = cells.map(|(cell, width)| format!("{cell:>width$}")).collect();
        format!("  {}", padded.join("  "))
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: &Column| {
            let cells = self.rows.iter().map(|row| column.cell(row).chars().count());
            cells.chain([column.title.chars().count()]).max().unwrap_or(0)
        };
        self.columns.iter().map(width).collect()
    }
}

impl Column {
    fn cell(&self, row: &Value) -> String {
        match &row[self.key] {
            Value::Number(number) => {
                format!("{:.*}", self.decimals, number.as_f64().unwrap_or(f64::NAN))
            }
            Value::String(text) => text.clone(),
            _ => "–".to_owned(),
        }
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    tables: Vec<Table>,
}

impl Results {
    pub(crate) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub(crate) fn in_words(&self) -> String {
        self.tables.iter().map(Table::in_words).collect::<Vec<_>>().join("\n\n")
    }

    /// Writes `measure.json` into the target folder, and says where that is.
    pub(crate) fn write(&self, machine: &Value) -> PathBuf {
        let sections: Map<String, Value> = self
            .tables
            .iter()
            .map(|table| {
                let section = json!({"notes": table.notes, "rows": table.rows});
                (table.name.to_owned(), section)
            })
            .collect();
        let all = json!({"machine": machine, "sections": sections});
        let path = target_folder().join("measure.json");
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&all).unwrap())).unwrap();
        path
    }
}

/// The one that the program was built into: target/release/pgchaos.
fn target_folder() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_pgchaos"));
    program.ancestors().nth(2).unwrap().to_path_buf()
}
