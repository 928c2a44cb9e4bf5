//! The end of old events.

use crate::database::Database;
use crate::error::Error;

/// Events that one transaction ends.
const AT_ONCE: i64 = 5000;

const PRUNE: &str = "
WITH old AS (
    SELECT id FROM bili_fleet.events e
    WHERE at < clock_timestamp() - $1 * interval '1 day'
      AND NOT EXISTS (SELECT 1 FROM bili_fleet.queue q WHERE q.event = e.id)
    ORDER BY id LIMIT $2)
DELETE FROM bili_fleet.events e USING old WHERE e.id = old.id";

/// Ends the events that are older than so many days, except those that a consumer has not acknowledged. Returns their number.
///
/// A reader whose position is older goes on with what is left. None of them comes again: the checkpoints are past them.
///
/// # Errors
/// Fails when the database cannot be asked; what was ended until then stays so.
pub async fn events(database: &Database, older_than_days: u32) -> Result<u64, Error> {
    let mut client = database.client().await?;
    let days = f64::from(older_than_days.max(1));
    let mut ended = 0;
    loop {
        let transaction = client.transaction().await?;
        // Whoever begins to consume waits, so that none is put into a queue that is just being ended.
        transaction
            .batch_execute("LOCK TABLE bili_fleet.consumers IN SHARE MODE")
            .await?;
        let count = transaction.execute(PRUNE, &[&days, &AT_ONCE]).await?;
        transaction.commit().await?;
        ended += count;
        if count == 0 {
            return Ok(ended);
        }
    }
}
