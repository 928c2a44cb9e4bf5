//! Leases in the database: claimed, renewed, given back.

use std::collections::HashMap;
use std::time::Duration;

use bilibili_session::FeedKind;
use tokio::time::Instant;

use crate::database::Database;
use crate::error::Error;
use crate::feeds;

/// Renewal of all leases at once, in the order in which commits lock them.
const RENEW: &str = "
WITH mine AS (
    SELECT l.uid FROM bili_fleet.leases l JOIN bili_fleet.accounts a USING (uid)
    WHERE l.owner = $1 AND l.until > clock_timestamp() AND a.state = 'active'
    ORDER BY l.uid FOR NO KEY UPDATE OF l)
UPDATE bili_fleet.leases l SET until = clock_timestamp() + $2::double precision * interval '1 second'
FROM mine WHERE l.uid = mine.uid AND l.owner = $1 RETURNING l.uid, l.epoch";

/// Claim of accounts that nobody has: those that have waited longest first.
const CLAIM: &str = "
WITH free AS (
    SELECT l.uid FROM bili_fleet.leases l JOIN bili_fleet.accounts a ON a.uid = l.uid AND a.way <> ALL($4)
    WHERE l.until < clock_timestamp() AND a.state = 'active'
    ORDER BY l.until LIMIT $3 FOR UPDATE OF l SKIP LOCKED)
UPDATE bili_fleet.leases l
SET owner = $1, epoch = l.epoch + 1, until = clock_timestamp() + $2::double precision * interval '1 second'
FROM free WHERE l.uid = free.uid RETURNING l.uid";

/// Reads the accounts that were claimed: by a statement of its own, so that it is no older than the lease.
const CLAIMED: &str = "
SELECT l.uid, l.epoch, a.way, a.login, a.pace_ms, a.checkpoint, a.feeds,
    greatest(extract(epoch FROM a.login_due - clock_timestamp()), 0)::double precision
FROM bili_fleet.leases l JOIN bili_fleet.accounts a USING (uid)
WHERE l.owner = $1 AND l.uid = ANY($2)";

/// Fair share of all accounts: in proportion to the capacities of those that are there. Ends the rows of those that have been
/// gone for long.
const SHARE: &str = "
WITH here AS (
    INSERT INTO bili_fleet.workers (name, capacity, until)
    VALUES ($1, $2, clock_timestamp() + $3::double precision * interval '1 second')
    ON CONFLICT (name) DO UPDATE SET capacity = excluded.capacity, until = excluded.until),
killed AS (
    DELETE FROM bili_fleet.workers WHERE name IN (
        SELECT name FROM bili_fleet.workers WHERE until < clock_timestamp() - interval '1 hour' AND name <> $1
        FOR UPDATE SKIP LOCKED))
SELECT (SELECT count(*) FROM bili_fleet.accounts WHERE state = 'active'),
       (SELECT coalesce(sum(capacity), 0)::bigint FROM bili_fleet.workers WHERE until > clock_timestamp() AND name <> $1)";

/// An account that was claimed.
pub(super) struct Claimed {
    pub(super) uid: i64,
    pub(super) epoch: i64,
    pub(super) way: String,
    pub(super) login: Vec<u8>,
    /// Time until the service is asked whether the login is to be renewed.
    pub(super) login_due_in: Duration,
    pub(super) pace: Duration,
    pub(super) checkpoint: Option<String>,
    pub(super) feeds: Vec<FeedKind>,
    /// Moment before it was asked for.
    pub(super) asked: Instant,
}

/// Requests of this worker to the database.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) database: Database,
    pub(super) name: String,
    pub(super) lease: Duration,
    pub(super) capacity: usize,
}

impl Record {
    /// Renews all leases. Returns the epochs of those that are still held, and the moment before that was asked for.
    pub(super) async fn renew(&self) -> Result<(HashMap<i64, i64>, Instant), Error> {
        let client = self.database.client().await?;
        let statement = client.prepare_cached(RENEW).await?;
        let asked = Instant::now();
        let rows = client
            .query(&statement, &[&self.name, &self.lease.as_secs_f64()])
            .await?;
        let held = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        Ok((held.collect::<Result<_, Error>>()?, asked))
    }

    /// Says that this worker is there. Returns the number of accounts that it should have.
    pub(super) async fn share(&self) -> Result<usize, Error> {
        let client = self.database.client().await?;
        let statement = client.prepare_cached(SHARE).await?;
        let capacity = i32::try_from(self.capacity).unwrap_or(i32::MAX);
        // Less than a lease: when those of one that is gone run out, the others' shares have grown.
        let there_s = self.lease.as_secs_f64() * 0.8;
        let row = client
            .query_one(&statement, &[&self.name, &capacity, &there_s])
            .await?;
        Ok(share(row.try_get(0)?, self.capacity, row.try_get(1)?))
    }

    /// Claims at most so many accounts, none of them on one of the ways out that are closed.
    pub(super) async fn claim(&self, most: usize, closed: &[&str]) -> Result<Vec<Claimed>, Error> {
        let client = self.database.client().await?;
        let statement = client.prepare_cached(CLAIM).await?;
        let asked = Instant::now();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = client
            .query(
                &statement,
                &[&self.name, &self.lease.as_secs_f64(), &most, &closed],
            )
            .await?;
        let uids = rows.iter().map(|row| row.try_get(0));
        let uids = uids.collect::<Result<Vec<i64>, _>>()?;
        let statement = client.prepare_cached(CLAIMED).await?;
        let rows = client.query(&statement, &[&self.name, &uids]).await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            let pace_ms: i32 = row.try_get(4)?;
            let due_in = Duration::try_from_secs_f64(row.try_get(7)?);
            claimed.push(Claimed {
                uid: row.try_get(0)?,
                epoch: row.try_get(1)?,
                way: row.try_get(2)?,
                login: row.try_get(3)?,
                login_due_in: due_in.unwrap_or_default(),
                pace: Duration::from_millis(u64::try_from(pace_ms).unwrap_or(1)),
                checkpoint: row.try_get(5)?,
                feeds: feeds::known(&row.try_get::<_, Vec<&str>>(6)?),
                asked,
            });
        }
        // A reply whose sender is gone: nobody knows whether it was sent.
        let unknown =
            "UPDATE bili_fleet.outbox o SET state = 'unknown', error = 'its worker was gone'
            FROM bili_fleet.leases l
            WHERE o.uid = l.uid AND o.uid = ANY($1) AND o.state = 'sending' AND o.epoch < l.epoch";
        client.execute(unknown, &[&uids]).await?;
        Ok(claimed)
    }

    /// Gives leases back that are of no use: account and epoch of each.
    pub(super) async fn give_back(&self, leases: &[(i64, i64)]) -> Result<(), Error> {
        if leases.is_empty() {
            return Ok(());
        }
        let client = self.database.client().await?;
        let (uids, epochs): (Vec<i64>, Vec<i64>) = leases.iter().copied().unzip();
        let give = "WITH mine AS (
                SELECT l.uid FROM bili_fleet.leases l
                JOIN unnest($1::bigint[], $2::bigint[]) AS mine (uid, epoch) ON l.uid = mine.uid AND l.epoch = mine.epoch
                WHERE l.owner = $3 ORDER BY l.uid FOR NO KEY UPDATE OF l)
            UPDATE bili_fleet.leases l SET owner = NULL, until = '-infinity' FROM mine WHERE l.uid = mine.uid";
        client.execute(give, &[&uids, &epochs, &self.name]).await?;
        Ok(())
    }

    /// Marks an account as failed, if its lease is still this one.
    pub(super) async fn fail(&self, uid: i64, epoch: i64, why: &str) -> Result<(), Error> {
        let client = self.database.client().await?;
        let fail = "UPDATE bili_fleet.accounts a SET state = 'failed', last_error = $4 FROM bili_fleet.leases l
            WHERE a.uid = $1 AND l.uid = a.uid AND l.epoch = $2 AND l.owner = $3";
        client
            .execute(fail, &[&uid, &epoch, &self.name, &why])
            .await?;
        self.give_back(&[(uid, epoch)]).await
    }

    /// Gives all leases back, and says that this worker is gone.
    pub(super) async fn leave(&self) -> Result<(), Error> {
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await?;
        let give = "WITH mine AS (
                SELECT uid FROM bili_fleet.leases WHERE owner = $1 ORDER BY uid FOR NO KEY UPDATE)
            UPDATE bili_fleet.leases l SET owner = NULL, until = '-infinity' FROM mine WHERE l.uid = mine.uid";
        transaction.execute(give, &[&self.name]).await?;
        let gone = "DELETE FROM bili_fleet.workers WHERE name = $1";
        transaction.execute(gone, &[&self.name]).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Returns this worker's share of all accounts, rounded up: together they have room for all.
fn share(accounts: i64, capacity: usize, others: i64) -> usize {
    let accounts = u128::try_from(accounts).unwrap_or_default();
    let own = capacity as u128;
    let all = own + u128::try_from(others).unwrap_or_default();
    let share = (accounts * own).div_ceil(all.max(1));
    usize::try_from(share).unwrap_or(usize::MAX).min(capacity)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_go_by_capacity_and_leave_nobody_out() {
        assert_eq!(share(200, 100, 200), 67);
        assert_eq!(share(200, 500, 0), 200);
        assert_eq!(share(200, 50, 0), 50);
        assert_eq!(share(1, 100, 200), 1);
        assert_eq!(share(0, 100, 200), 0);
        assert_eq!(share(300, 100, 50), 100);
    }
}
