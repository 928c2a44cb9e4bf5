//! Every event in the order of the record.
//!
//! Ids are given out before they are committed, so a reader that goes by the id alone skips an event whose transaction
//! was slower than the next one. A row holds its transaction as well, and a reader goes no further than the oldest
//! transaction that may still be committed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::database::Database;
use crate::error::Error;
use crate::listener::Listener;

/// Longest time between two looks, whatever was heard.
const LOOK: Duration = Duration::from_secs(1);
const PAGE: i64 = 500;

const NEXT: &str = "
SELECT id, xid::text AS place, uid, kind, line FROM bili_fleet.events
WHERE (xid, id) > (($1::text)::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, id LIMIT $3";

/// A place in the order of the record: what lies before it has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    xid: u64,
    id: i64,
}

impl Position {
    /// The place before all events.
    pub const START: Self = Self { xid: 0, id: 0 };

    /// Returns the place of what comes from now on.
    ///
    /// # Errors
    /// Fails when the database cannot be asked.
    pub async fn now(database: &Database) -> Result<Self, Error> {
        let client = database.client().await?;
        let row = client
            .query_one("SELECT pg_snapshot_xmin(pg_current_snapshot())::text", &[])
            .await?;
        let xid = read_xid(row.try_get(0)?)?.saturating_sub(1);
        Ok(Self { xid, id: i64::MAX })
    }
}

/// Writes `TRANSACTION-ID`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.xid, self.id)
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once('-');
        let place = parts.and_then(|(xid, id)| {
            let xid = xid.parse().ok()?;
            let id = id.parse().ok()?;
            Some(Self { xid, id })
        });
        place.ok_or_else(|| Error::usage("a position reads like 1234-56"))
    }
}

/// An event of the table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredEvent {
    /// Number of the event; those of one account rise.
    pub id: i64,
    /// Place to go on from.
    pub position: Position,
    /// Account that it arrived for.
    pub uid: i64,
    /// `message`, `reply`, `at`, `like` or `system`.
    pub kind: String,
    /// JSON object, as `bili --json` prints it.
    pub line: String,
}

/// A reader of all events.
#[derive(Debug)]
pub struct Tail {
    database: Database,
    listener: Listener,
    position: Position,
}

impl Tail {
    /// Creates a reader that goes on from here. It belongs to the tokio runtime that it is created in.
    pub fn new(database: &Database, position: Position) -> Self {
        Self {
            database: database.clone(),
            listener: Listener::new(database, "bili_fleet_events"),
            position,
        }
    }

    /// Returns the events that there are now, at most some hundreds; none when all were read.
    ///
    /// # Errors
    /// Fails when the database cannot be asked; the place stays, so that it can be tried again.
    pub async fn read(&mut self) -> Result<Vec<StoredEvent>, Error> {
        let client = self.database.client().await?;
        let statement = client.prepare_cached(NEXT).await?;
        let xid = self.position.xid.to_string();
        let rows = client
            .query(&statement, &[&xid, &self.position.id, &PAGE])
            .await?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.try_get("id")?;
            let xid = read_xid(row.try_get("place")?)?;
            events.push(StoredEvent {
                id,
                position: Position { xid, id },
                uid: row.try_get("uid")?,
                kind: row.try_get("kind")?,
                line: row.try_get("line")?,
            });
        }
        if let Some(last) = events.last() {
            self.position = last.position;
        }
        Ok(events)
    }

    /// Waits for the next events.
    ///
    /// # Errors
    /// Fails when the database cannot be asked; the place stays, so that it can be tried again.
    pub async fn next(&mut self) -> Result<Vec<StoredEvent>, Error> {
        loop {
            let events = self.read().await?;
            if !events.is_empty() {
                return Ok(events);
            }
            self.listener.wait(LOOK).await;
        }
    }
}

fn read_xid(text: &str) -> Result<u64, Error> {
    text.parse()
        .map_err(|_| Error::usage("the database names a transaction that is no number"))
}
