//! The end of old events.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::database::Database;
use crate::error::Error;

/// Events that one transaction looks at; those of the same moment go together.
const AT_ONCE: i64 = 5000;

/// The end of the next old events, and their number.
const NEXT: &str = "
SELECT max(at), count(*) FROM (
    SELECT at FROM bili_fleet.events WHERE at > $1 AND at < $2 ORDER BY at LIMIT $3) next";

const PRUNE: &str = "
DELETE FROM bili_fleet.events e
WHERE at > $1 AND at <= $2
      AND NOT EXISTS (SELECT 1 FROM bili_fleet.queue q WHERE q.event = e.id)
";

/// Ends the events that are older than so many days, except those that a consumer has not acknowledged. Returns their number.
///
/// A reader whose position is older goes on with what is left. None of them comes again: the checkpoints are past them.
///
/// # Errors
/// Fails when the database cannot be asked; what was ended until then stays so.
pub async fn events(database: &Database, older_than_days: u32) -> Result<u64, Error> {
    let mut client = database.client().await?;
    let days = f64::from(older_than_days.max(1));
    let old = "SELECT clock_timestamp() - $1 * interval '1 day'";
    let old: SystemTime = client.query_one(old, &[&days]).await?.try_get(0)?;
    let (mut done, mut ended) = (UNIX_EPOCH, 0);
    loop {
        let transaction = client.transaction().await?;
        // Whoever begins to consume waits, so that none is put into a queue that is just being ended; and the other way round.
        let begin =
            "SET LOCAL statement_timeout = 0; LOCK TABLE bili_fleet.consumers IN SHARE MODE";
        transaction.batch_execute(begin).await?;
        let next = transaction
            .query_one(NEXT, &[&done, &old, &AT_ONCE])
            .await?;
        let Some(end) = next.try_get::<_, Option<SystemTime>>(0)? else {
            return Ok(ended);
        };
        ended += transaction.execute(PRUNE, &[&done, &end]).await?;
        transaction.commit().await?;
        if next.try_get::<_, i64>(1)? < AT_ONCE {
            return Ok(ended);
        }
        done = end;
    }
}
