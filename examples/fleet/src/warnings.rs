//! Warnings, kept for two weeks.

use std::time::Duration;

use deadpool_postgres::Transaction;

use crate::database::Database;
use crate::error::Error;

/// Days for which warnings are kept.
const KEPT: i32 = 14;
/// Time between two looks for older ones.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// Warnings that one transaction ends.
const AT_ONCE: i64 = 5000;

const END: &str = "
WITH old AS (
    SELECT id FROM bili_fleet.warnings WHERE at < now() - $1 * interval '1 day' ORDER BY at LIMIT $2)
DELETE FROM bili_fleet.warnings w USING old WHERE w.id = old.id";

/// A warning of the table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredWarning {
    /// Time, in microseconds since the epoch.
    pub at_us: i64,
    /// Account that it is about.
    pub uid: i64,
    /// Kind in a word, `gap` say.
    pub kind: String,
    /// JSON object, as `bili --json` prints it.
    pub line: String,
}

/// A warning that waits to be written.
#[derive(Debug)]
pub(crate) struct NewWarning {
    pub(crate) kind: &'static str,
    pub(crate) line: String,
}

/// Returns the warnings of these last hours, the oldest first: of one kind, or of all.
///
/// # Errors
/// Fails when the database cannot be asked.
pub async fn list(
    database: &Database,
    hours: u32,
    kind: Option<&str>,
) -> Result<Vec<StoredWarning>, Error> {
    let client = database.client().await?;
    let read = "SELECT (extract(epoch FROM at) * 1000000)::bigint, uid, kind, line FROM bili_fleet.warnings
        WHERE at > now() - $1 * interval '1 hour' AND ($2::text IS NULL OR kind = $2) ORDER BY id";
    let rows = client.query(read, &[&f64::from(hours), &kind]).await?;
    let warnings = rows.iter().map(|row| {
        Ok(StoredWarning {
            at_us: row.try_get(0)?,
            uid: row.try_get(1)?,
            kind: row.try_get(2)?,
            line: row.try_get(3)?,
        })
    });
    warnings.collect()
}

/// Writes warnings, each with its account. One whose commit is done again, as its answer was lost, may stand there twice.
pub(crate) async fn write(
    transaction: &Transaction<'_>,
    warnings: &[(i64, &NewWarning)],
) -> Result<(), Error> {
    if warnings.is_empty() {
        return Ok(());
    }
    let of = warnings.iter();
    let uids: Vec<i64> = of.clone().map(|(uid, _)| *uid).collect();
    let kinds: Vec<&str> = of.clone().map(|(_, warning)| warning.kind).collect();
    let lines: Vec<&str> = of.map(|(_, warning)| warning.line.as_str()).collect();
    let put = "INSERT INTO bili_fleet.warnings (uid, kind, line)
        SELECT uid, kind, line FROM unnest($1::bigint[], $2::text[], $3::text[])
            WITH ORDINALITY AS new (uid, kind, line, place) ORDER BY place";
    let statement = transaction.prepare_cached(put).await?;
    transaction
        .execute(&statement, &[&uids, &kinds, &lines])
        .await?;
    Ok(())
}

/// Ends old warnings now and then, until it is dropped.
pub(crate) async fn end_old(database: Database) {
    loop {
        if let Err(error) = try_end_old(&database).await {
            tracing::warn!(%error, "old warnings are not ended yet");
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn try_end_old(database: &Database) -> Result<(), Error> {
    let client = database.client().await?;
    let (days, most) = (f64::from(KEPT), AT_ONCE.unsigned_abs());
    while client.execute(END, &[&days, &AT_ONCE]).await? == most {}
    Ok(())
}
