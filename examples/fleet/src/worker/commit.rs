//! Arrivals, written in transactions that many accounts share.
//!
//! One transaction checks that each lease is still this one (owner, epoch, not run out) and keeps it so until the end,
//! writes the events and the checkpoints that cover them, and gives leases back. An account whose lease is lost is left
//! out. Nothing is told to anybody before the commit; one whose outcome is unknown is done again, which changes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Transaction;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::lease::Lease;
use crate::database::Database;
use crate::error::Error;
use crate::lines::Row;
use crate::metrics::Metrics;
use crate::warnings::{self, NewWarning};

/// Longest time for one transaction.
const PATIENCE: Duration = Duration::from_secs(5);
/// Wait before a transaction that failed is done again.
const AGAIN: Duration = Duration::from_millis(200);
/// Most accounts in one transaction.
const LARGEST: usize = 1000;
/// Rows in one transaction after which no more accounts are taken into it: more would not be written in time.
const MOST_ROWS: usize = 10_000;

const FENCE: &str = "
SELECT l.uid, l.epoch FROM bili_fleet.leases l
JOIN unnest($1::bigint[], $2::bigint[]) AS mine (uid, epoch) ON l.uid = mine.uid AND l.epoch = mine.epoch
WHERE l.owner = $3 AND l.until > clock_timestamp()
ORDER BY l.uid FOR SHARE OF l";

const EVENTS: &str = "
WITH fresh AS (
    INSERT INTO bili_fleet.events (uid, kind, session_type, talker_id, seqno, key, liked_at, line)
    SELECT uid, kind, session_type, talker_id, seqno, key, liked_at, line
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])
        WITH ORDINALITY AS new (uid, kind, session_type, talker_id, seqno, key, liked_at, line, place)
    ORDER BY place
    ON CONFLICT DO NOTHING RETURNING id, uid, session_type, talker_id),
queued AS (
    INSERT INTO bili_fleet.queue (consumer, event, uid, session_type, talker_id)
    SELECT c.name, f.id, f.uid, f.session_type, f.talker_id FROM fresh f CROSS JOIN bili_fleet.consumers c)
SELECT count(*), pg_notify('bili_fleet_events', '') FROM fresh";

const CHECKPOINTS: &str = "
UPDATE bili_fleet.accounts a SET checkpoint = new.checkpoint, saved_at = clock_timestamp()
FROM unnest($1::bigint[], $2::text[]) AS new (uid, checkpoint) WHERE a.uid = new.uid";

const FAILED: &str = "
UPDATE bili_fleet.accounts a SET state = 'failed', last_error = new.error
FROM unnest($1::bigint[], $2::text[]) AS new (uid, error) WHERE a.uid = new.uid AND a.state = 'active'";

const GIVE_BACK: &str = "UPDATE bili_fleet.leases SET owner = NULL, until = '-infinity' WHERE uid = ANY($1) AND owner = $2";

/// Entry of an account that is to be written.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) lease: Arc<Lease>,
    pub(super) events: Vec<Row>,
    pub(super) warnings: Vec<NewWarning>,
    /// Covers these events and warnings, and all before them.
    pub(super) checkpoint: Option<String>,
    pub(super) end: End,
    pub(super) done: oneshot::Sender<Outcome>,
}

impl Entry {
    fn rows(&self) -> usize {
        self.events.len() + self.warnings.len()
    }

    /// Returns whether it holds nothing that arrived.
    fn is_bare(&self) -> bool {
        self.rows() == 0 && self.checkpoint.is_none()
    }
}

/// Fate of the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It is kept.
    None,
    /// It is given back.
    GivenBack,
    /// It is given back, and nobody is to claim the account, for this reason.
    Failed(String),
}

/// Outcome of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is committed.
    Saved,
    /// The lease is lost: nothing of it was written.
    Lost,
    /// The database refuses what arrived: nothing of it was written, and the account is failed.
    Refused,
}

/// Writes what comes, until nobody can send any more.
pub(super) struct Committer {
    pub(super) database: Database,
    pub(super) owner: String,
    /// Time for which entries are collected.
    pub(super) group: Duration,
    pub(super) metrics: Arc<Metrics>,
}

impl Committer {
    pub(super) async fn run(self, mut entries: mpsc::Receiver<Entry>) {
        while let Some(first) = entries.recv().await {
            sleep(self.group).await;
            let mut rows = first.rows();
            let mut batch = vec![first];
            while batch.len() < LARGEST
                && rows < MOST_ROWS
                && let Ok(entry) = entries.try_recv()
            {
                rows += entry.rows();
                batch.push(entry);
            }
            self.write(batch).await;
        }
    }

    /// Writes a batch; does it again until it is written, or no lease is left.
    async fn write(&self, mut batch: Vec<Entry>) {
        while !batch.is_empty() {
            let (held, lost) = batch.into_iter().partition(|it| it.lease.is_held());
            batch = held;
            self.answer(lost, None);
            let begun = Instant::now();
            let error = match timeout(PATIENCE, self.commit(&batch)).await {
                Ok(Ok(saved)) => {
                    self.metrics.committed(batch.len(), begun.elapsed());
                    return self.answer(batch, Some(&saved));
                }
                Ok(Err(error)) => error,
                Err(_) => Error::Connect("it does not answer".to_owned()),
            };
            self.metrics.commit_failures.inc();
            tracing::warn!(%error, accounts = batch.len(), "a transaction failed");
            if error.is_of_data() {
                return self.write_each(batch, &error).await;
            }
            sleep(AGAIN).await;
        }
    }

    /// Writes each by itself: one of them holds what the database refuses.
    async fn write_each(&self, mut batch: Vec<Entry>, error: &Error) {
        if batch.len() > 1 {
            for entry in batch {
                Box::pin(self.write(vec![entry])).await;
            }
        } else if let Some(entry) = batch.pop() {
            self.refuse(entry, error).await;
        }
    }

    /// Marks the account of an entry as failed in place of writing it: the same would come and be refused again and again.
    async fn refuse(&self, entry: Entry, error: &Error) {
        let uid = entry.lease.uid;
        tracing::error!(uid, %error, "what arrived is refused");
        if !entry.is_bare() {
            let why = format!("what arrived cannot be stored: {error}").replace('\0', " ");
            let (done, _) = oneshot::channel();
            let failed = Entry {
                lease: entry.lease,
                events: Vec::new(),
                warnings: Vec::new(),
                checkpoint: None,
                end: End::Failed(why),
                done,
            };
            Box::pin(self.write(vec![failed])).await;
        }
        // Whoever waited may be gone.
        let _ = entry.done.send(Outcome::Refused);
    }

    fn answer(&self, entries: Vec<Entry>, saved: Option<&HashSet<i64>>) {
        for entry in entries {
            let is_saved = saved.is_some_and(|saved| saved.contains(&entry.lease.uid));
            let outcome = if is_saved {
                Outcome::Saved
            } else {
                Outcome::Lost
            };
            if !is_saved {
                self.metrics.fenced.inc();
                tracing::warn!(
                    uid = entry.lease.uid,
                    epoch = entry.lease.epoch,
                    "the lease is lost, nothing was written"
                );
            }
            // Whoever waited may be gone.
            let _ = entry.done.send(outcome);
        }
    }

    /// Writes a batch in one transaction. Returns the accounts whose leases hold.
    async fn commit(&self, batch: &[Entry]) -> Result<HashSet<i64>, Error> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await?;
        let held = self.fence(&transaction, batch).await?;
        let batch: Vec<&Entry> = batch
            .iter()
            .filter(|it| held.get(&it.lease.uid) == Some(&it.lease.epoch))
            .collect();
        let new = write_events(&transaction, &batch).await?;
        let warnings: Vec<(i64, &NewWarning)> = batch
            .iter()
            .flat_map(|it| it.warnings.iter().map(|warning| (it.lease.uid, warning)))
            .collect();
        warnings::write(&transaction, &warnings).await?;
        let (uids, checkpoints): (Vec<i64>, Vec<&str>) = batch
            .iter()
            .filter_map(|it| Some((it.lease.uid, it.checkpoint.as_deref()?)))
            .unzip();
        if !uids.is_empty() {
            let statement = transaction.prepare_cached(CHECKPOINTS).await?;
            transaction
                .execute(&statement, &[&uids, &checkpoints])
                .await?;
        }
        let (uids, errors): (Vec<i64>, Vec<&str>) = batch
            .iter()
            .filter_map(|it| match &it.end {
                End::Failed(error) => Some((it.lease.uid, error.as_str())),
                _ => None,
            })
            .unzip();
        if !uids.is_empty() {
            transaction.execute(FAILED, &[&uids, &errors]).await?;
        }
        let ended = batch.iter().filter(|it| it.end != End::None);
        let uids: Vec<i64> = ended.map(|it| it.lease.uid).collect();
        if !uids.is_empty() {
            transaction
                .execute(GIVE_BACK, &[&uids, &self.owner])
                .await?;
        }
        transaction.commit().await?;
        self.metrics.events.inc_by(new);
        Ok(batch.iter().map(|it| it.lease.uid).collect())
    }

    /// Checks which leases hold, and keeps them so until the transaction ends. Returns their epochs.
    async fn fence(
        &self,
        transaction: &Transaction<'_>,
        batch: &[Entry],
    ) -> Result<HashMap<i64, i64>, Error> {
        let (uids, epochs): (Vec<i64>, Vec<i64>) = batch
            .iter()
            .map(|it| (it.lease.uid, it.lease.epoch))
            .unzip();
        let statement = transaction.prepare_cached(FENCE).await?;
        let rows = transaction
            .query(&statement, &[&uids, &epochs, &self.owner])
            .await?;
        let held = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        held.collect()
    }
}

/// Writes the events. Returns the number of those that were not there.
async fn write_events(transaction: &Transaction<'_>, batch: &[&Entry]) -> Result<u64, Error> {
    let rows = || {
        batch
            .iter()
            .flat_map(|it| it.events.iter().map(|row| (it.lease.uid, row)))
    };
    let uids: Vec<i64> = rows().map(|(uid, _)| uid).collect();
    if uids.is_empty() {
        return Ok(0);
    }
    let kinds: Vec<&str> = rows().map(|(_, row)| row.kind).collect();
    let types: Vec<i64> = rows().map(|(_, row)| row.session_type).collect();
    let talkers: Vec<i64> = rows().map(|(_, row)| row.talker_id).collect();
    let seqnos: Vec<i64> = rows().map(|(_, row)| row.seqno).collect();
    let keys: Vec<i64> = rows().map(|(_, row)| row.key).collect();
    let times: Vec<i64> = rows().map(|(_, row)| row.liked_at).collect();
    let lines: Vec<&str> = rows().map(|(_, row)| row.line.as_str()).collect();
    let statement = transaction.prepare_cached(EVENTS).await?;
    let row = transaction
        .query_one(
            &statement,
            &[
                &uids, &kinds, &types, &talkers, &seqnos, &keys, &times, &lines,
            ],
        )
        .await?;
    let new: i64 = row.try_get(0)?;
    Ok(u64::try_from(new).unwrap_or_default())
}
