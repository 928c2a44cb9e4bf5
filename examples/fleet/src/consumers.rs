//! Events for several consumers, with acknowledgement.
//!
//! A consumer is a name under which any number of processes take events. Each event is handed to one of them; when it is
//! not acknowledged in time, to another. The events of a conversation come one after the other.

use std::time::Duration;

use deadpool_postgres::Object;

use crate::database::Database;
use crate::error::Error;

const TAKE: &str = "
WITH next AS (
    SELECT q.consumer, q.event FROM bili_fleet.queue q
    WHERE q.consumer = $1 AND q.taken_until < clock_timestamp()
      AND NOT EXISTS (
        SELECT 1 FROM bili_fleet.queue earlier
        WHERE earlier.consumer = q.consumer AND earlier.uid = q.uid AND earlier.session_type = q.session_type
          AND earlier.talker_id = q.talker_id AND earlier.event < q.event)
    ORDER BY q.event LIMIT $2 FOR UPDATE OF q SKIP LOCKED)
UPDATE bili_fleet.queue q
SET taken = q.taken + 1, taken_until = clock_timestamp() + $3::double precision * interval '1 second'
FROM next, bili_fleet.events e
WHERE q.consumer = next.consumer AND q.event = next.event AND e.id = q.event
RETURNING e.id, q.taken, e.uid, e.kind, e.line";

const EARLIER: &str = "
INSERT INTO bili_fleet.queue (consumer, event, uid, session_type, talker_id)
SELECT $1, id, uid, session_type, talker_id FROM bili_fleet.events";

const MEANWHILE: &str = "
INSERT INTO bili_fleet.queue (consumer, event, uid, session_type, talker_id)
SELECT $1, id, uid, session_type, talker_id FROM bili_fleet.events WHERE xid >= ($2::text)::xid8
ON CONFLICT DO NOTHING";

/// Events that one transaction takes out of the queue of a name that is forgotten.
const AT_ONCE: i64 = 5000;

const FORGET: &str = "
WITH next AS (SELECT event FROM bili_fleet.queue WHERE consumer = $1 ORDER BY event LIMIT $2)
DELETE FROM bili_fleet.queue q USING next WHERE q.consumer = $1 AND q.event = next.event";

/// An event that a consumer has taken.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Taken {
    /// Number of the event.
    pub id: i64,
    /// Number of times that it was taken, this one included.
    pub times: i32,
    /// Account that it arrived for.
    pub uid: i64,
    /// `message`, `reply`, `at`, `like` or `system`.
    pub kind: String,
    /// JSON object, as `bili --json` prints it.
    pub line: String,
}

/// One of those that take events under a name.
#[derive(Debug, Clone)]
pub struct Consumer {
    database: Database,
    name: String,
}

impl Consumer {
    /// Registers the name, if it is new: for what arrives from now on, or for all that there is as well. One that is known is
    /// left as it is.
    ///
    /// # Errors
    /// Fails when the database cannot be asked, or another transaction, a backup say, is long in the way of a new name.
    pub async fn register(database: &Database, name: &str, all: bool) -> Result<Self, Error> {
        let mut client = database.client().await?;
        let known = "SELECT 1 FROM bili_fleet.consumers WHERE name = $1";
        if client.query_opt(known, &[&name]).await?.is_none() {
            add(&mut client, name, all).await?;
        }
        Ok(Self {
            database: database.clone(),
            name: name.to_owned(),
        })
    }

    /// Forgets the name, and what waits under it.
    ///
    /// # Errors
    /// Fails when the database cannot be asked; the name is still known then, and part of what waited may be gone.
    pub async fn remove(self) -> Result<(), Error> {
        let client = self.database.client().await?;
        // Little at a time: whoever writes events waits for the end of the name itself.
        let most = AT_ONCE.unsigned_abs();
        while client.execute(FORGET, &[&self.name, &AT_ONCE]).await? == most {}
        client
            .execute(
                "DELETE FROM bili_fleet.consumers WHERE name = $1",
                &[&self.name],
            )
            .await?;
        Ok(())
    }

    /// Takes at most so many events, for this long: what is not acknowledged by then, another one takes.
    ///
    /// # Errors
    /// Fails when the database cannot be asked.
    pub async fn take(&self, most: u32, within: Duration) -> Result<Vec<Taken>, Error> {
        let client = self.database.client().await?;
        let statement = client.prepare_cached(TAKE).await?;
        let rows = client
            .query(
                &statement,
                &[&self.name, &i64::from(most), &within.as_secs_f64()],
            )
            .await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in rows {
            taken.push(Taken {
                id: row.try_get(0)?,
                times: row.try_get(1)?,
                uid: row.try_get(2)?,
                kind: row.try_get(3)?,
                line: row.try_get(4)?,
            });
        }
        taken.sort_unstable_by_key(|event| event.id);
        Ok(taken)
    }

    /// Acknowledges an event. Returns false when it took too long, and another one has taken it.
    ///
    /// # Errors
    /// Fails when the database cannot be asked.
    pub async fn acknowledge(&self, event: &Taken) -> Result<bool, Error> {
        let client = self.database.client().await?;
        let done = client
            .execute(
                "DELETE FROM bili_fleet.queue WHERE consumer = $1 AND event = $2 AND taken = $3",
                &[&self.name, &event.id, &event.times],
            )
            .await?;
        Ok(done > 0)
    }
}

/// Adds a name.
async fn add(client: &mut Object, name: &str, all: bool) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    // One name at a time, and none while events are being ended. Whoever writes events goes on.
    let begin = "SET LOCAL statement_timeout = 0; LOCK TABLE bili_fleet.consumers IN SHARE ROW EXCLUSIVE MODE";
    transaction.batch_execute(begin).await?;
    let put = "INSERT INTO bili_fleet.consumers (name) VALUES ($1) ON CONFLICT DO NOTHING";
    if transaction.execute(put, &[&name]).await? == 0 {
        return Ok(());
    }
    // What is not there yet is of this transaction or a later one.
    let next = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text";
    let next: String = transaction.query_one(next, &[]).await?.try_get(0)?;
    if all {
        transaction.execute(EARLIER, &[&name]).await?;
    }
    // Whoever writes events knows the name after this, or has committed before. They wait behind this, and leases behind them, so
    // it waits for less than the shortest lease can.
    let end =
        "SET LOCAL lock_timeout = '1s'; LOCK TABLE bili_fleet.consumers IN ACCESS EXCLUSIVE MODE";
    transaction.batch_execute(end).await?;
    if all {
        transaction.execute(MEANWHILE, &[&name, &next]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
