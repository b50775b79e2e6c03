//! Claims from an SQLite file.
//!
//! The file is opened `mode=ro` and never `immutable`, which would overlook a writer's changes. All rules
//! are read in one transaction into memory, and the file is closed before the first row is handed on: an
//! open read would keep the application's WAL from being reset.

mod spool;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use upsweep_engine::ports::{ClaimError, ClaimSource, DatabaseIdentity, Horizon, RowSink, Snapshot};
use upsweep_plan::claim::{ClaimRule, RowSource};

use self::spool::Spool;
use super::names::{check_columns, no_such_table, problem, quote, readings};
use super::sql::{Dialect, only_statement};
use super::url::FileUrl;

/// How long to wait for a writer before giving up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// An SQLite file. Every call opens it anew.
#[derive(Debug)]
pub struct SqliteClaims {
    url: FileUrl,
    busy_timeout: Duration,
}

impl SqliteClaims {
    /// A file by its URL; nothing is opened yet.
    #[must_use]
    pub fn new(url: FileUrl) -> Self {
        Self { url, busy_timeout: BUSY_TIMEOUT }
    }

    /// Waits for writers so long instead of five seconds.
    #[must_use]
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    fn open(&self) -> Result<File, ClaimError> {
        let (connection, path) = open_file(&self.url, self.busy_timeout)?;
        Ok(File { connection, path })
    }
}

/// The file, open for reading only, and where it is.
pub(crate) fn open_file(url: &FileUrl, busy_timeout: Duration) -> Result<(Connection, PathBuf), ClaimError> {
    let path = url.locate()?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(&path), flags)
        .and_then(|connection| connection.busy_timeout(busy_timeout).map(|()| connection));
    let cause = |error: rusqlite::Error| ClaimError::Connect {
        database: url.to_string(),
        cause: format!("{}: {error}; check that it may be read", path.display()),
    };
    Ok((connection.map_err(cause)?, path))
}

/// What SQLite adds to a database's name for the files beside it.
const COMPANIONS: [&str; 4] = ["", "-wal", "-shm", "-journal"];

impl File {
    /// Device and inode of the database and of the files SQLite keeps beside it. An application may well have
    /// put its database into the upload directory.
    fn own_files(&self) -> Vec<(u64, u64)> {
        let path = |companion: &&str| {
            let mut path = self.path.clone().into_os_string();
            path.push(companion);
            path
        };
        let files = COMPANIONS.iter().map(path).filter_map(|path| std::fs::metadata(path).ok());
        files.map(|file| (file.dev(), file.ino())).collect()
    }

    fn snapshot(&self, rows: Vec<u64>) -> Snapshot {
        Snapshot {
            identity: self.identity(),
            rows,
            is_replica: false,
            role_can_write: None,
            // SQLite asks this host for the time: a clock of its own it has none.
            clock: None,
            time_zone: None,
            horizon: Horizon::Clock,
            own_files: self.own_files(),
        }
    }
}

impl ClaimSource for SqliteClaims {
    fn read(&mut self, rules: &[ClaimRule], sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError> {
        let file = self.open()?;
        let spools = file.spool(rules, true)?;
        let snapshot = file.snapshot(spools.iter().map(Spool::rows).collect());
        drop(file);
        for (index, spool) in spools.iter().enumerate() {
            spool.replay(&mut |cells| sink(index, cells));
        }
        Ok(snapshot)
    }

    fn check(&mut self, rules: &[ClaimRule]) -> Result<Snapshot, ClaimError> {
        let file = self.open()?;
        file.spool(rules, false)?;
        Ok(file.snapshot(vec![]))
    }

    fn identity(&mut self) -> Result<DatabaseIdentity, ClaimError> {
        let file = self.open()?;
        // Any file opens; only one that SQLite can read is a database.
        let asked = file.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
        asked.map_err(|error| file.incomplete(&error))?;
        Ok(file.identity())
    }

    fn horizon(&mut self) -> Result<Horizon, ClaimError> {
        self.identity().map(|_| Horizon::Clock)
    }
}

/// What SQLite's URI syntax would take for syntax.
const RESERVED: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

fn uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    // Three slashes: an empty authority, so that a path beginning with two is none either.
    format!("file://{}?mode=ro", percent_encode(path.as_os_str().as_bytes(), RESERVED))
}

/// An open file.
struct File {
    connection: Connection,
    path: PathBuf,
}

impl File {
    fn identity(&self) -> DatabaseIdentity {
        let text = |path: Option<&Path>| path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        DatabaseIdentity {
            engine: "sqlite".to_owned(),
            server: text(self.path.parent()),
            database: text(self.path.file_name().map(Path::new)),
        }
    }

    fn incomplete(&self, error: &rusqlite::Error) -> ClaimError {
        let advice = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "; another process is writing: try again, or let the application use WAL mode"
            }
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
                "; a WAL or journal is there that cannot be read: run as a user who may write the file's folder"
            }
            Some(ErrorCode::NotADatabase) => "; name the application's database file",
            _ => "",
        };
        ClaimError::Incomplete {
            database: format!("sqlite:{}", self.path.display()),
            cause: format!("{error}{advice}"),
        }
    }

    /// Reads every rule out of one transaction, or only looks whether it could.
    fn spool(&self, rules: &[ClaimRule], with_rows: bool) -> Result<Vec<Spool>, ClaimError> {
        let lost = |error: rusqlite::Error| self.incomplete(&error);
        self.connection.execute_batch("BEGIN").map_err(lost)?;
        // A read takes the snapshot; BEGIN alone does not.
        self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(lost)?;
        let mut spools = vec![];
        for rule in rules {
            spools.push(self.spool_rule(rule, with_rows)?);
        }
        self.connection.execute_batch("COMMIT").map_err(lost)?;
        Ok(spools)
    }

    fn spool_rule(&self, rule: &ClaimRule, with_rows: bool) -> Result<Spool, ClaimError> {
        let explain = |error: rusqlite::Error| self.explain(rule, &error);
        // The names as the statement itself gives them: of two alike, a surrounding one sees `x` and `x:1`.
        let (from, statement) = match &rule.source {
            RowSource::Table(name) => {
                let table = self.find(rule, name)?;
                (table.clone(), format!("SELECT * FROM {table}"))
            }
            RowSource::Query(query) => {
                let query = only_statement(query, Dialect::Sqlite).map_err(|wrong| problem(rule, wrong))?;
                (format!("(\n{query}\n)"), query.to_owned())
            }
        };
        let names = self.connection.prepare(&statement).map_err(explain)?;
        let names: Vec<String> = names.column_names().into_iter().map(str::to_owned).collect();
        check_columns(rule, &names, true)?;

        // With its table a quoted name is a column; alone, SQLite may take it for a string.
        let wanted = rule.columns();
        let cells: Vec<String> = wanted.iter().map(|name| format!("q.{}", quote(name, '"'))).collect();
        let mut statement =
            self.connection.prepare(&format!("SELECT {} FROM {from} AS q", cells.join(", "))).map_err(explain)?;
        let mut spool = Spool::new(wanted.len());
        if !with_rows {
            return Ok(spool);
        }
        let mut rows = statement.query([]).map_err(explain)?;
        while let Some(row) = rows.next().map_err(explain)? {
            for (at, column) in wanted.iter().enumerate() {
                match row.get_ref(at).map_err(explain)? {
                    ValueRef::Null => spool.push(None),
                    ValueRef::Text(text) => spool.push(Some(text)),
                    ValueRef::Integer(number) => spool.push(Some(number.to_string().as_bytes())),
                    ValueRef::Real(_) => return Err(unrenderable(rule, column, "REAL")),
                    ValueRef::Blob(_) => return Err(unrenderable(rule, column, "BLOB")),
                }
            }
            spool.end_row();
        }
        Ok(spool)
    }

    /// The quoted name of the table or view that `name` means.
    fn find(&self, rule: &ClaimRule, name: &str) -> Result<String, ClaimError> {
        let lost = |error: rusqlite::Error| self.incomplete(&error);
        let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' \
                   ESCAPE '\\' ORDER BY name";
        let mut statement = self.connection.prepare(sql).map_err(lost)?;
        let have =
            statement.query_map([], |row| row.get::<_, String>(0)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let have = have.map_err(lost)?;
        for (schema, table) in readings(name) {
            if schema.is_none_or(|schema| schema.eq_ignore_ascii_case("main"))
                && let Some(found) = have.iter().find(|other| other.eq_ignore_ascii_case(&table))
            {
                return Ok(format!("main.{}", quote(found, '"')));
            }
        }
        Err(no_such_table(rule, name, &format!("sqlite:{}", self.path.display()), &have))
    }

    /// A mistake in the rule's query, or a file that cannot be read.
    fn explain(&self, rule: &ClaimRule, error: &rusqlite::Error) -> ClaimError {
        let said = match error {
            // Without the statement that we made of the user's.
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            // SQLITE_ERROR: what is wrong with the SQL itself.
            other if other.sqlite_error_code() == Some(ErrorCode::Unknown) => other.to_string(),
            other => return self.incomplete(other),
        };
        problem(rule, format!("{said}; correct the rule's table or query"))
    }
}

fn unrenderable(rule: &ClaimRule, column: &str, kind: &str) -> ClaimError {
    let name = quote(column, '"');
    ClaimError::Unrenderable {
        rule: rule.name.clone(),
        column: column.to_owned(),
        kind: kind.to_owned(),
        advice: format!("use a query with CAST({name} AS TEXT) AS {name}, if that is how the application spells it"),
    }
}
