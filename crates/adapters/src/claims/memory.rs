//! Claims from memory, for tests: whatever a database could say, and its failures.

use std::collections::HashMap;

use jiff::Timestamp;
use upsweep_engine::ports::{ClaimError, ClaimSource, DatabaseIdentity, Horizon, RowSink, Snapshot};
use upsweep_plan::claim::ClaimRule;

use super::names::{check_columns, no_such_table};

/// A row: its cells by column name. A column that a row does not name is NULL.
pub type MemoryRow = Vec<(String, Option<Vec<u8>>)>;

/// A database in memory. Its fields are what it will say.
#[derive(Clone, Debug)]
pub struct MemoryClaims {
    /// Rows by the name of the rule that asks for them.
    pub rows: HashMap<String, MemoryTable>,
    /// What it says it is.
    pub identity: DatabaseIdentity,
    /// Whether it says that it follows another.
    pub is_replica: bool,
    /// Whether it says that the role could write.
    pub role_can_write: Option<bool>,
    /// Its clock.
    pub clock: Option<Timestamp>,
    /// Where its transactions stand.
    pub horizon: Horizon,
    /// Breaks every read after so many rows.
    pub fail_after_rows: Option<u64>,
    /// Refuses every connection.
    pub is_unreachable: bool,
}

/// The columns and rows that answer one rule.
#[derive(Clone, Debug, Default)]
pub struct MemoryTable {
    /// The columns there are.
    pub columns: Vec<String>,
    /// The rows, in the order they are given out.
    pub rows: Vec<MemoryRow>,
}

impl Default for MemoryClaims {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            rows: HashMap::new(),
            identity: DatabaseIdentity { engine: text("memory"), server: text("memory"), database: text("test") },
            is_replica: false,
            role_can_write: None,
            clock: None,
            horizon: Horizon::Clock,
            fail_after_rows: None,
            is_unreachable: false,
        }
    }
}

impl MemoryClaims {
    /// A database without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds rows for the rule named `rule`, each with its cells in the order of `columns`.
    pub fn insert<'a>(
        &mut self,
        rule: &str,
        columns: &[&str],
        rows: impl IntoIterator<Item = Vec<Option<&'a [u8]>>>,
    ) -> &mut Self {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let table = self.rows.entry(rule.to_owned()).or_default();
        for row in rows {
            let cells = row.into_iter().map(|cell| cell.map(<[u8]>::to_vec));
            table.rows.push(columns.iter().cloned().zip(cells).collect());
        }
        table.columns = columns;
        self
    }

    /// The tables that answer these rules.
    fn tables(&self, rules: &[ClaimRule]) -> Result<Vec<&MemoryTable>, ClaimError> {
        self.reach()?;
        let mut tables = vec![];
        for rule in rules {
            let have: Vec<String> = self.rows.keys().cloned().collect();
            let table = self.rows.get(&rule.name);
            let table = table.ok_or_else(|| no_such_table(rule, &rule.name, &self.identity.to_string(), &have))?;
            check_columns(rule, &table.columns, false)?;
            tables.push(table);
        }
        Ok(tables)
    }

    fn snapshot(&self, rows: Vec<u64>) -> Snapshot {
        Snapshot {
            identity: self.identity.clone(),
            rows,
            is_replica: self.is_replica,
            role_can_write: self.role_can_write,
            clock: self.clock,
            time_zone: None,
            horizon: self.horizon,
            own_files: vec![],
        }
    }

    fn reach(&self) -> Result<(), ClaimError> {
        if self.is_unreachable {
            let cause = "it was told to be unreachable".to_owned();
            return Err(ClaimError::Connect { database: self.identity.to_string(), cause });
        }
        Ok(())
    }
}

impl ClaimSource for MemoryClaims {
    fn read(&mut self, rules: &[ClaimRule], sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError> {
        let tables = self.tables(rules)?;
        let mut given = 0;
        for (index, (rule, table)) in rules.iter().zip(&tables).enumerate() {
            for row in &table.rows {
                if self.fail_after_rows.is_some_and(|most| given >= most) {
                    let cause = format!("it was told to fail after {given} rows");
                    return Err(ClaimError::Incomplete { database: self.identity.to_string(), cause });
                }
                let cell = |wanted: &str| row.iter().find(|(name, _)| name == wanted).and_then(|(_, v)| v.as_deref());
                let cells: Vec<Option<&[u8]>> = rule.columns().into_iter().map(cell).collect();
                sink(index, &cells);
                given += 1;
            }
        }
        Ok(self.snapshot(tables.iter().map(|table| table.rows.len() as u64).collect()))
    }

    fn check(&mut self, rules: &[ClaimRule]) -> Result<Snapshot, ClaimError> {
        self.tables(rules)?;
        Ok(self.snapshot(vec![]))
    }

    fn identity(&mut self) -> Result<DatabaseIdentity, ClaimError> {
        self.reach().map(|()| self.identity.clone())
    }

    fn horizon(&mut self) -> Result<Horizon, ClaimError> {
        self.reach().map(|()| self.horizon)
    }
}
