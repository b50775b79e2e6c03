//! One face for every database under test.

use std::collections::HashMap;

use tempfile::TempDir;
use upsweep_adapters::claims::{MemoryClaims, open};
use upsweep_engine::ports::{ClaimError, ClaimSource, Snapshot};
use upsweep_plan::claim::{ClaimRule, RowSource, StandingRule};
use upsweep_plan::template::Template;
use upsweep_testkit::{MariaDb, Postgres, skip};

/// A cell as a test writes it.
pub(crate) type Cell<'a> = Option<&'a [u8]>;

/// A row as a test reads it.
pub(crate) type Row = Vec<Option<Vec<u8>>>;

/// What a column is to hold.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Text,
    Int,
    Uuid,
}

pub(crate) enum Db {
    Postgres(Postgres),
    MariaDb(MariaDb),
    Sqlite(TempDir),
    Memory(MemoryClaims),
}

/// The database that tests use on a server.
const NAME: &str = "app";

impl Db {
    pub(crate) fn postgres() -> Option<Self> {
        let server = Postgres::start();
        if server.is_none() {
            skip("no postgres");
        }
        let server = server?;
        server.create_database(NAME);
        Some(Self::Postgres(server))
    }

    pub(crate) fn mariadb() -> Option<Self> {
        let server = MariaDb::start();
        if server.is_none() {
            skip("no mariadb");
        }
        let server = server?;
        server.create_database(NAME);
        Some(Self::MariaDb(server))
    }

    pub(crate) fn sqlite() -> Option<Self> {
        let db = Self::Sqlite(TempDir::new().unwrap());
        db.exec("PRAGMA user_version = 1");
        Some(db)
    }

    pub(crate) fn memory() -> Option<Self> {
        Some(Self::Memory(MemoryClaims::new()))
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres(server) => server.superuser_url(NAME),
            Self::MariaDb(server) => server.superuser_url(NAME),
            Self::Sqlite(folder) => format!("sqlite:///{}", folder.path().join("app.db").display()),
            Self::Memory(_) => panic!("memory has no URL"),
        }
    }

    pub(crate) fn source(&self) -> Box<dyn ClaimSource> {
        match self {
            Self::Memory(memory) => Box::new(memory.clone()),
            _ => open(&self.url()).unwrap(),
        }
    }

    /// Runs SQL from outside of the source under test.
    pub(crate) fn exec(&self, sql: &str) {
        match self {
            Self::Postgres(server) => drop(server.exec(NAME, sql)),
            Self::MariaDb(server) => drop(server.exec(NAME, sql)),
            Self::Sqlite(folder) => {
                rusqlite::Connection::open(folder.path().join("app.db")).unwrap().execute_batch(sql).unwrap();
            }
            Self::Memory(_) => panic!("memory takes no SQL"),
        }
    }

    /// Makes a table; in memory, the rows of the rule of that name.
    pub(crate) fn table(&mut self, name: &str, columns: &[(&str, Kind)], rows: &[Vec<Cell<'_>>]) {
        if let Self::Memory(memory) = self {
            let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
            memory.insert(name, &names, rows.to_vec());
            return;
        }
        let declared: Vec<String> =
            columns.iter().map(|(name, kind)| format!("{} {}", self.quote(name), self.kind(*kind))).collect();
        let mut sql = format!("CREATE TABLE {} ({});\n", self.quote(name), declared.join(", "));
        for chunk in rows.chunks(500) {
            let values: Vec<String> = chunk
                .iter()
                .map(|row| {
                    let cells: Vec<String> = row.iter().map(|cell| self.literal(*cell)).collect();
                    let kinds = columns.iter().map(|(_, kind)| *kind);
                    let cells: Vec<String> =
                        cells.iter().zip(kinds).map(|(text, kind)| self.cast(text, kind)).collect();
                    format!("({})", cells.join(", "))
                })
                .collect();
            sql += &format!("INSERT INTO {} VALUES {};\n", self.quote(name), values.join(", "));
        }
        self.exec(&sql);
    }

    pub(crate) fn quote(&self, name: &str) -> String {
        match self {
            Self::MariaDb(_) => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    fn kind(&self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::MariaDb(_), Kind::Text) => "LONGTEXT",
            (_, Kind::Text) => "TEXT",
            (_, Kind::Int) => "BIGINT",
            (Self::Sqlite(_), Kind::Uuid) => "TEXT",
            (_, Kind::Uuid) => "UUID",
        }
    }

    /// Bytes as an SQL literal that needs no escaping.
    pub(crate) fn literal(&self, cell: Cell<'_>) -> String {
        let Some(bytes) = cell else { return "NULL".to_owned() };
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Postgres(_) => format!("convert_from('\\x{hex}', 'UTF8')"),
            Self::MariaDb(_) => format!("CONVERT(x'{hex}' USING utf8mb4)"),
            Self::Sqlite(_) | Self::Memory(_) => format!("CAST(x'{hex}' AS TEXT)"),
        }
    }

    fn cast(&self, literal: &str, kind: Kind) -> String {
        match (self, kind) {
            (_, Kind::Text) | (Self::Sqlite(_) | Self::MariaDb(_) | Self::Memory(_), _) => literal.to_owned(),
            (Self::Postgres(_), Kind::Int) => format!("({literal})::bigint"),
            (Self::Postgres(_), Kind::Uuid) => format!("({literal})::uuid"),
        }
    }
}

/// A rule over a table, or with `SELECT` over a query, that needs exactly `columns`.
pub(crate) fn rule(source: &str, columns: &[&str]) -> ClaimRule {
    let template: String = columns.iter().map(|column| format!("{{{column}}}")).collect();
    let is_query = source.trim_start().to_lowercase().starts_with("select");
    let source = source.to_owned();
    ClaimRule {
        name: if is_query { "query".to_owned() } else { source.clone() },
        database: None,
        source: if is_query { RowSource::Query(source) } else { RowSource::Table(source) },
        key: Template::parse(&template).unwrap(),
        owner: None,
        standing: StandingRule::Live,
    }
}

/// Reads everything, by rule.
pub(crate) fn read_all(
    source: &mut dyn ClaimSource,
    rules: &[ClaimRule],
) -> Result<(Snapshot, HashMap<usize, Vec<Row>>), ClaimError> {
    let mut rows: HashMap<usize, Vec<Row>> = HashMap::new();
    let snapshot = source.read(rules, &mut |rule, cells| {
        rows.entry(rule).or_default().push(cells.iter().map(|cell| cell.map(<[u8]>::to_vec)).collect());
    })?;
    for (rule, count) in snapshot.rows.iter().enumerate() {
        assert_eq!(rows.get(&rule).map_or(0, Vec::len) as u64, *count, "rows of rule {rule}");
    }
    Ok((snapshot, rows))
}

/// Reads one rule's rows, sorted.
pub(crate) fn read(db: &Db, rule: &ClaimRule) -> Result<Vec<Row>, ClaimError> {
    let (_, mut rows) = read_all(db.source().as_mut(), std::slice::from_ref(rule))?;
    let mut rows = rows.remove(&0).unwrap_or_default();
    rows.sort();
    Ok(rows)
}

/// Reads one rule, which must fail.
pub(crate) fn fail(db: &Db, rule: &ClaimRule) -> ClaimError {
    read(db, rule).expect_err("the rule must not be readable")
}

/// Asserts that an error's message has every one of `parts`.
pub(crate) fn assert_says(error: &ClaimError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}
