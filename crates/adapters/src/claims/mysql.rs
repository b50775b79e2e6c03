//! Claims from MySQL and MariaDB.
//!
//! Everything is read in one read-only transaction `WITH CONSISTENT SNAPSHOT`, which holds InnoDB's rows
//! still and no other engine's: tables without transactions are refused. Rows stream in the text protocol,
//! where the server itself renders every value.

mod select;
pub(crate) mod session;
mod tables;

use jiff::Timestamp;
use mysql_async::Value;
use mysql_async::prelude::Queryable as _;
use upsweep_engine::ports::{ClaimError, ClaimSource, DatabaseIdentity, Horizon, RowSink, Snapshot};
use upsweep_plan::claim::ClaimRule;
use upsweep_plan::timetext;

use self::select::Select;
use self::session::{Session, incomplete};
use super::CellSink;
use super::runtime::block_on;
use super::url::ServerUrl;

/// A MySQL or MariaDB schema. Every call connects anew: between calls nothing is held open.
///
/// Calls block; from asynchronous code they belong on a thread for blocking work.
#[derive(Debug)]
pub struct MySqlClaims {
    url: ServerUrl,
}

impl MySqlClaims {
    /// A schema by its URL; nothing is connected yet.
    #[must_use]
    pub fn new(url: ServerUrl) -> Self {
        Self { url }
    }
}

impl ClaimSource for MySqlClaims {
    fn read(&mut self, rules: &[ClaimRule], sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError> {
        let url = &self.url;
        block_on(url, async {
            let mut session = Session::open(url).await?;
            let snapshot = read(&mut session, rules, Some(sink)).await?;
            // The rows are complete; how the goodbye goes changes nothing about them.
            let _ = session.conn.disconnect().await;
            Ok(snapshot)
        })
    }

    fn check(&mut self, rules: &[ClaimRule]) -> Result<Snapshot, ClaimError> {
        let url = &self.url;
        block_on(url, async { read(&mut Session::open(url).await?, rules, None).await })
    }

    fn identity(&mut self) -> Result<DatabaseIdentity, ClaimError> {
        let url = &self.url;
        block_on(url, async { identity(&mut Session::open(url).await?).await })
    }

    fn horizon(&mut self) -> Result<Horizon, ClaimError> {
        let url = &self.url;
        block_on(url, async { Session::open(url).await.map(|_| Horizon::Clock) })
    }
}

/// Without a sink everything but the rows is read.
async fn read(
    session: &mut Session<'_>,
    rules: &[ClaimRule],
    sink: Option<&mut RowSink<'_>>,
) -> Result<Snapshot, ClaimError> {
    let identity = identity(session).await?;
    let is_replica = is_replica(session).await?;
    let role_can_write = tables::can_write(session).await?;
    let forbidden = tables::Unsafe::look_up(session).await?;
    let clock = clock(session).await?;
    let time_zone = time_zone(session).await?;

    session.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
    session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
    // Mistakes in any rule show before the first row does.
    let mut selects = vec![];
    for rule in rules {
        selects.push(Select::prepare(session, rule, &forbidden).await?);
    }
    let mut rows = vec![];
    if let Some(sink) = sink {
        for (index, (rule, select)) in rules.iter().zip(&selects).enumerate() {
            rows.push(stream(session, rule, select, &mut |cells| sink(index, cells)).await?);
        }
    }
    session.run("COMMIT").await?;
    Ok(Snapshot {
        identity,
        rows,
        is_replica,
        role_can_write: Some(role_can_write),
        clock,
        time_zone,
        horizon: Horizon::Clock,
        own_files: vec![],
    })
}

async fn stream(
    session: &mut Session<'_>,
    rule: &ClaimRule,
    select: &Select,
    sink: &mut CellSink<'_>,
) -> Result<u64, ClaimError> {
    let url = session.url;
    let streamed = async {
        let mut result = session.conn.query_iter(&select.sql).await?;
        let mut rows = 0;
        while let Some(row) = result.next().await? {
            let cells: Option<Vec<Option<&[u8]>>> =
                (0..select.columns).map(|at| row.as_ref(at).and_then(as_text)).collect();
            match cells {
                Some(cells) => sink(&cells),
                None => return Ok(Err(incomplete(url, "the server sent a cell that is no text"))),
            }
            rows += 1;
        }
        Ok(Ok(rows))
    };
    streamed.await.map_err(|error| session.explain(rule, &error))?
}

/// In the text protocol every cell is bytes or NULL; the outer `None` is for what cannot be.
fn as_text(value: &Value) -> Option<Option<&[u8]>> {
    match value {
        Value::NULL => Some(None),
        Value::Bytes(bytes) => Some(Some(bytes)),
        Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::Double(_) | Value::Date(..) | Value::Time(..) => None,
    }
}

async fn clock(session: &mut Session<'_>) -> Result<Option<Timestamp>, ClaimError> {
    let now: Option<Vec<u8>> = session.first("SELECT CAST(UTC_TIMESTAMP(6) AS CHAR)").await?;
    Ok(now.and_then(|now| timetext::parse(&now)))
}

/// What `NOW()` is written in, unless a session says otherwise; not this one's, which speaks UTC.
async fn time_zone(session: &mut Session<'_>) -> Result<Option<String>, ClaimError> {
    session.first("SELECT IF(@@GLOBAL.time_zone = 'SYSTEM', @@GLOBAL.system_time_zone, @@GLOBAL.time_zone)").await
}

/// MySQL's server UUID lives in the data folder (`auto.cnf`). MariaDB has none: its `server_uid`, a hash of
/// the machine's network address and the port, is the nearest; servers too old for that are known by host
/// name, port and data folder. A MariaDB that moves to another machine is another server.
async fn identity(session: &mut Session<'_>) -> Result<DatabaseIdentity, ClaimError> {
    let url = session.url;
    let server: Option<String> = if session.is_mariadb {
        let uid: Result<Option<(String, String)>, _> =
            session.conn.query_first("SHOW GLOBAL VARIABLES LIKE 'server\\_uid'").await;
        match uid.map_err(|error| incomplete(url, &error.to_string()))? {
            Some((_, uid)) if !uid.is_empty() => Some(uid),
            _ => session.first("SELECT CONCAT(@@hostname, ':', @@port, ' ', @@datadir)").await?,
        }
    } else {
        session.first("SELECT @@server_uuid").await?
    };
    let engine = if session.is_mariadb { "mariadb" } else { "mysql" };
    Ok(DatabaseIdentity {
        engine: engine.to_owned(),
        server: server.ok_or_else(|| incomplete(url, "the server does not say which it is"))?,
        database: session.first("SELECT DATABASE()").await?.unwrap_or_else(|| session.schema.clone()),
    })
}

/// Whether the server follows another. It tells so only to roles with REPLICATION CLIENT (or SLAVE
/// MONITOR); for others a server that is `read_only` counts as a replica, and one that is not does not.
async fn is_replica(session: &mut Session<'_>) -> Result<bool, ClaimError> {
    let ask = if session.is_mariadb { "SHOW ALL SLAVES STATUS" } else { "SHOW REPLICA STATUS" };
    let status: Result<Vec<mysql_async::Row>, _> = session.conn.query(ask).await;
    match status {
        Ok(sources) if !sources.is_empty() => return Ok(true),
        Ok(_) | Err(mysql_async::Error::Server(_)) => {}
        Err(error) => return Err(incomplete(session.url, &error.to_string())),
    }
    let read_only: Option<String> = session.first("SELECT CAST(@@GLOBAL.read_only AS CHAR)").await?;
    Ok(read_only.is_some_and(|value| !matches!(value.as_str(), "0" | "OFF")))
}
