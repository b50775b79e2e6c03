//! Claims from PostgreSQL.
//!
//! Everything is read in one `REPEATABLE READ, READ ONLY` transaction with `row_security = off`, so that
//! rows hidden from the role are an error and not an absence. Rows stream as COPY text.

mod copy_text;
mod select;
pub(crate) mod session;
mod sources;
mod tables;

use futures_util::{TryStreamExt as _, pin_mut};
use jiff::Timestamp;
use tokio_postgres::Row;
use upsweep_engine::ports::{ClaimError, ClaimSource, DatabaseIdentity, Horizon, RowSink, Snapshot};
use upsweep_plan::claim::ClaimRule;

use self::copy_text::CopyRows;
use self::select::Select;
use self::session::Session;
use super::CellSink;
use super::runtime::block_on;
use super::url::ServerUrl;

/// A PostgreSQL database. Every call connects anew: between calls nothing is held open.
///
/// Calls block; from asynchronous code they belong on a thread for blocking work.
#[derive(Debug)]
pub struct PostgresClaims {
    url: ServerUrl,
}

impl PostgresClaims {
    /// A database by its URL; nothing is connected yet.
    #[must_use]
    pub fn new(url: ServerUrl) -> Self {
        Self { url }
    }
}

impl ClaimSource for PostgresClaims {
    fn read(&mut self, rules: &[ClaimRule], sink: &mut RowSink<'_>) -> Result<Snapshot, ClaimError> {
        let url = &self.url;
        block_on(url, async {
            let session = Session::open(url).await?;
            read(&session, rules, Some(sink)).await
        })
    }

    fn check(&mut self, rules: &[ClaimRule]) -> Result<Snapshot, ClaimError> {
        let url = &self.url;
        block_on(url, async { read(&Session::open(url).await?, rules, None).await })
    }

    fn identity(&mut self) -> Result<DatabaseIdentity, ClaimError> {
        let url = &self.url;
        block_on(url, async { identity(&Session::open(url).await?).await })
    }

    fn horizon(&mut self) -> Result<Horizon, ClaimError> {
        let url = &self.url;
        block_on(url, async { Ok(facts(&Session::open(url).await?).await?.horizon) })
    }
}

/// Timeouts of the server's that would cut a long read are lifted; waiting for a lock is not, as somebody
/// altering a table must not stall a survey for ever. Unknown settings differ between versions.
const BEGIN: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
    SET LOCAL row_security = off;
    SET LOCAL TimeZone = 'UTC';
    SET LOCAL DateStyle = 'ISO, YMD';
    SET LOCAL statement_timeout = 0;
    SET LOCAL lock_timeout = '60s';
    SET LOCAL idle_in_transaction_session_timeout = 0;";

/// Without a sink everything but the rows is read.
async fn read(
    session: &Session<'_>,
    rules: &[ClaimRule],
    sink: Option<&mut RowSink<'_>>,
) -> Result<Snapshot, ClaimError> {
    let lost = |error: tokio_postgres::Error| session.incomplete(&error);
    session.client.batch_execute(BEGIN).await.map_err(lost)?;
    // The first query takes the transaction's snapshot: the horizon is exactly the rows' own.
    let facts = facts(session).await?;
    let identity = identity(session).await?;

    // Mistakes in any rule show before the first row does.
    let mut selects = vec![];
    for rule in rules {
        selects.push(Select::prepare(session, rule).await?);
    }
    let role_can_write = selects.iter().any(|select| select.is_writable);
    let mut rows = vec![];
    if let Some(sink) = sink {
        for (index, (rule, select)) in rules.iter().zip(&selects).enumerate() {
            rows.push(stream(session, rule, select, &mut |cells| sink(index, cells)).await?);
        }
    }
    session.client.batch_execute("COMMIT").await.map_err(lost)?;
    Ok(Snapshot {
        identity,
        rows,
        is_replica: facts.is_replica,
        role_can_write: Some(role_can_write),
        clock: facts.clock,
        time_zone: facts.time_zone,
        horizon: facts.horizon,
        own_files: vec![],
    })
}

async fn stream(
    session: &Session<'_>,
    rule: &ClaimRule,
    select: &Select,
    sink: &mut CellSink<'_>,
) -> Result<u64, ClaimError> {
    let malformed = |error: copy_text::Malformed| session::incomplete(session.url, &error.to_string());
    let explain = |error: tokio_postgres::Error| select::explain(session, rule, &error);
    let pieces = session.client.copy_out(&select.copy).await.map_err(explain)?;
    pin_mut!(pieces);
    let mut copy = CopyRows::default();
    let (mut rows, mut is_short) = (0, false);
    while let Some(piece) = pieces.try_next().await.map_err(explain)? {
        let pushed = copy.push(&piece, |cells| {
            rows += 1;
            match cells.get(..select.columns) {
                Some(cells) => sink(cells),
                None => is_short = true,
            }
        });
        pushed.map_err(malformed)?;
    }
    if is_short {
        return Err(session::incomplete(session.url, "the server sent a row with too few columns"));
    }
    copy.finish().map_err(malformed)?;
    Ok(rows)
}

/// What one query says about the server and its transactions.
struct Facts {
    is_replica: bool,
    clock: Option<Timestamp>,
    time_zone: Option<String>,
    horizon: Horizon,
}

/// The zone is the one that a session has unless it says otherwise; not this one's, which speaks UTC.
const FACTS: &str = "
    SELECT pg_catalog.pg_is_in_recovery(),
           (EXTRACT(EPOCH FROM pg_catalog.now()) * 1000000)::bigint,
           pg_catalog.pg_snapshot_xmin(s)::text::bigint,
           pg_catalog.pg_snapshot_xmax(s)::text::bigint,
           ARRAY(SELECT transactionid::text::bigint FROM pg_catalog.pg_locks
                 WHERE locktype = 'transactionid' AND transactionid IS NOT NULL
                 UNION SELECT backend_xid::text::bigint FROM pg_catalog.pg_stat_activity
                 WHERE backend_xid IS NOT NULL
                 UNION SELECT transaction::text::bigint FROM pg_catalog.pg_prepared_xacts),
           (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone')
    FROM pg_catalog.pg_current_snapshot() AS s";

async fn facts(session: &Session<'_>) -> Result<Facts, ClaimError> {
    let row = session.client.query_one(FACTS, &[]).await.map_err(|error| session.incomplete(&error))?;
    let count = |at| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default();
    Ok(Facts {
        is_replica: row.get(0),
        clock: Timestamp::from_microsecond(row.get(1)).ok(),
        time_zone: row.get(5),
        horizon: Horizon::Transactions { xmin: count(2), next: next_to_begin(count(3), &row.get::<_, Vec<i64>>(4)) },
    })
}

/// One past every transaction that has begun to write. A snapshot's own xmax will not do: it is one past the
/// newest transaction that has *ended*, so one that is open may be it or beyond. Every open one shows in the
/// lock table (prepared ones included) or as its session's; both give only the lower 32 bits.
fn next_to_begin(snapshot_xmax: u64, open: &[i64]) -> u64 {
    let full = |xid: &i64| {
        let low = u32::try_from(*xid).unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            reason = "modular, as PostgreSQL counts"
        )]
        let ahead = low.wrapping_sub(snapshot_xmax as u32) as i32;
        snapshot_xmax.saturating_add_signed(i64::from(ahead))
    };
    open.iter().map(|xid| full(xid) + 1).fold(snapshot_xmax, u64::max)
}

/// The system identifier is made by `initdb` and shared by replicas and base backups. Any role may read it
/// unless somebody revoked that; then the database's own number and the host have to do.
async fn identity(session: &Session<'_>) -> Result<DatabaseIdentity, ClaimError> {
    let ask = async |sql| session.client.query_one(sql, &[]).await.map_err(|error| session.incomplete(&error));
    let row: Row = ask("SELECT d.datname::text, d.oid::text,
                pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
         FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()")
    .await?;
    let server = if row.get(2) {
        let row = ask("SELECT system_identifier::text FROM pg_catalog.pg_control_system()").await?;
        row.get(0)
    } else {
        format!("oid {} at {}", row.get::<_, String>(1), session.host)
    };
    Ok(DatabaseIdentity { engine: "postgresql".to_owned(), server, database: row.get(0) })
}

#[cfg(test)]
mod tests {
    use super::next_to_begin;

    #[test]
    fn open_transactions_lie_before_the_next_one_even_across_a_wrap() {
        assert_eq!(next_to_begin(737, &[]), 737);
        assert_eq!(next_to_begin(737, &[737, 740]), 741);
        assert_eq!(next_to_begin(737, &[700]), 737);
        let wrapped = (3 << 32) - 2;
        assert_eq!(next_to_begin(wrapped, &[5]), (3 << 32) + 6);
        assert_eq!(next_to_begin((3 << 32) + 1, &[0xffff_ffff]), (3 << 32) + 1);
    }
}
