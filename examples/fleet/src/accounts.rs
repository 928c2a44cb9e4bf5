//! Accounts: added, paused, dropped, and how they are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bilibili_session::login::{Login, LoginError};
use bilibili_session::{Credential, CredentialError};
use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use crate::database::Database;
use crate::error::Error;
use crate::feeds::FeedList;
use crate::vault::Vault;
use crate::ways::DIRECT;

/// Accounts with their logins: new ones, and, where they may be replaced, those that are there already. One that has failed
/// goes on then.
const PUT: &str = "
INSERT INTO bili_fleet.accounts AS a (uid, way, login, pace_ms, feeds)
SELECT uid, $3, login, $4, coalesce($5::text[], '{}') FROM unnest($1::bigint[], $2::bytea[]) AS new (uid, login)
ON CONFLICT (uid) DO UPDATE SET way = excluded.way, login = excluded.login, pace_ms = excluded.pace_ms,
    feeds = coalesce($5, a.feeds), login_due = 'epoch', last_error = NULL,
    state = CASE a.state WHEN 'failed' THEN 'active' ELSE a.state END
WHERE $6::boolean RETURNING uid";

/// The epochs of a new account begin above all that one of its number had before it was dropped, so that nobody holds a lease
/// of that one: at the time, in microseconds, as nothing is claimed so often.
const PUT_LEASES: &str = "
INSERT INTO bili_fleet.leases AS l (uid, epoch) SELECT unnest($1::bigint[]), (extract(epoch FROM now()) * 1000000)::bigint
ON CONFLICT (uid) DO UPDATE SET owner = NULL, epoch = l.epoch + 1";

const END_REPLIES: &str = "
UPDATE bili_fleet.outbox
SET state = CASE state WHEN 'sending' THEN 'unknown' ELSE 'failed' END, error = 'its account was dropped'
WHERE uid = ANY($1) AND state IN ('waiting', 'sending')";

/// Settings by which accounts are watched.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Way out that they are bound to.
    pub way: String,
    /// Least time between two rounds.
    pub pace: Duration,
    /// Feeds of notifications that are watched as well; `None` leaves those of an account that is replaced as they are, and
    /// a new one without any.
    pub feeds: Option<FeedList>,
}

/// The machine's own address, a round every 6 s, messages alone.
impl Default for Settings {
    fn default() -> Self {
        Self {
            way: DIRECT.to_owned(),
            pace: Duration::from_secs(6),
            feeds: None,
        }
    }
}

/// Returns what the login of an account is encrypted as.
pub(crate) fn sealed_as(uid: i64) -> String {
    format!("login of {uid}")
}

/// Reads a login from the text of a cookie file, a `Cookie` header line or the export of a browser's extension.
///
/// # Errors
/// Fails when it holds no `SESSDATA`, `bili_jct` or `DedeUserID`; no value stands in the error.
pub fn read_cookies(text: &str) -> Result<Login, Error> {
    let refuse = |error: &dyn std::fmt::Display| Error::usage(format!("the cookies: {error}"));
    let credential = Credential::parse(text).map_err(|error: CredentialError| refuse(&error))?;
    if credential.uid().is_none() {
        return Err(refuse(&"DedeUserID is missing, which says whose they are"));
    }
    Login::with_refresh_token(credential, "").map_err(|error: LoginError| refuse(&error))
}

/// Adds accounts: all of them, or none where one cannot be. Returns their number.
///
/// # Errors
/// Fails when one is there already and is not to be replaced, one is given twice, there is no such way out, or the database cannot be asked.
pub async fn add(
    database: &Database,
    vault: &Vault,
    logins: &[Login],
    settings: &Settings,
    replace: bool,
) -> Result<usize, Error> {
    let Settings { way, pace, feeds } = settings;
    let feeds = feeds.as_ref().map(FeedList::names);
    let pace_ms = i32::try_from(pace.as_millis())
        .ok()
        .filter(|pace| *pace > 0);
    let pace_ms =
        pace_ms.ok_or_else(|| Error::usage("the pace is more than 0 s, and less than weeks"))?;
    // Encrypted before anything is locked.
    let sealed = seal(vault, logins)?;
    let (uids, sealed): (Vec<i64>, Vec<Vec<u8>>) = sealed.into_iter().unzip();
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    let known = transaction
        .query_opt("SELECT 1 FROM bili_fleet.ways WHERE name = $1", &[&way])
        .await?;
    if known.is_none() {
        return Err(Error::usage(format!(
            "there is no way out `{way}`: `bili-fleet way {way} --budget N` makes one"
        )));
    }
    lock_leases(&transaction, &uids).await?;
    let rows = transaction
        .query(PUT, &[&uids, &sealed, &way, &pace_ms, &feeds, &replace])
        .await?;
    let put = read_uids(&rows)?;
    if let Some(uid) = uids.iter().find(|uid| !put.contains(uid)) {
        return Err(Error::usage(format!(
            "account {uid} is there already: --replace gives it the new login; nothing was added"
        )));
    }
    // A worker that has one loses it, and whoever claims it reads the new login once the old lease would have ended.
    transaction.execute(PUT_LEASES, &[&uids]).await?;
    transaction.commit().await?;
    Ok(uids.len())
}

/// Encrypts logins, in the order of their accounts.
fn seal(vault: &Vault, logins: &[Login]) -> Result<BTreeMap<i64, Vec<u8>>, Error> {
    let mut sealed = BTreeMap::new();
    for login in logins {
        let uid = login.uid().0;
        let text = vault.seal(&sealed_as(uid), login.to_json().as_bytes())?;
        if sealed.insert(uid, text).is_some() {
            return Err(Error::usage(format!(
                "account {uid} is given twice, and one of its logins is the newer; nothing was added"
            )));
        }
    }
    Ok(sealed)
}

/// Locks the leases of accounts until the transaction ends, in the order in which workers lock them: first the leases, by
/// their numbers, then the accounts. Returns the accounts that there are.
async fn lock_leases(transaction: &Transaction<'_>, uids: &[i64]) -> Result<BTreeSet<i64>, Error> {
    let lock =
        "SELECT uid FROM bili_fleet.leases WHERE uid = ANY($1) ORDER BY uid FOR NO KEY UPDATE";
    let rows = transaction.query(lock, &[&uids]).await?;
    read_uids(&rows)
}

fn read_uids(rows: &[Row]) -> Result<BTreeSet<i64>, Error> {
    let uids = rows.iter().map(|row| Ok(row.try_get(0)?));
    uids.collect()
}

/// Changes which feeds of accounts are watched: of all of them, or of none where there is no such account. Returns their number.
///
/// A worker that has one goes on with it for the rest of its lease. A feed that is watched for the first time begins then.
///
/// # Errors
/// Fails when one is not there, or the database cannot be asked.
pub async fn watch_feeds(
    database: &Database,
    uids: &[i64],
    feeds: &FeedList,
) -> Result<u64, Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    lock_all(&transaction, uids).await?;
    let lease = "UPDATE bili_fleet.leases SET owner = NULL, epoch = epoch + 1 WHERE uid = ANY($1)";
    transaction.execute(lease, &[&uids]).await?;
    let change = "UPDATE bili_fleet.accounts SET feeds = $2 WHERE uid = ANY($1)";
    let changed = transaction
        .execute(change, &[&uids, &feeds.names()])
        .await?;
    transaction.commit().await?;
    Ok(changed)
}

/// Pauses accounts, or lets them go on: all of them, or none where there is no such account. Returns their number.
///
/// Why one has failed is known until it goes on.
///
/// # Errors
/// Fails when one is not there, or the database cannot be asked.
pub async fn pause(database: &Database, uids: &[i64], pause: bool) -> Result<u64, Error> {
    let change = match pause {
        true => "UPDATE bili_fleet.accounts SET state = 'paused' WHERE uid = ANY($1)",
        false => {
            "UPDATE bili_fleet.accounts SET state = 'active', last_error = NULL WHERE uid = ANY($1)"
        }
    };
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    lock_all(&transaction, uids).await?;
    let changed = transaction.execute(change, &[&uids]).await?;
    transaction.commit().await?;
    Ok(changed)
}

/// Drops accounts, with their logins: all of them, or none where there is no such account. Returns their number.
///
/// Their events stay, and their replies: one that still waits has failed, one that is just being sent is unknown until its
/// worker says what came of it.
///
/// # Errors
/// Fails when one is not there, or the database cannot be asked.
pub async fn drop(database: &Database, uids: &[i64]) -> Result<u64, Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    lock_all(&transaction, uids).await?;
    let drop = "DELETE FROM bili_fleet.accounts WHERE uid = ANY($1)";
    let dropped = transaction.execute(drop, &[&uids]).await?;
    // After that: nobody puts another one into the outbox.
    transaction.execute(END_REPLIES, &[&uids]).await?;
    transaction.commit().await?;
    Ok(dropped)
}

/// Locks the leases of accounts, as [`lock_leases`] does; fails when one is not there.
async fn lock_all(transaction: &Transaction<'_>, uids: &[i64]) -> Result<(), Error> {
    let there = lock_leases(transaction, uids).await?;
    match uids.iter().find(|uid| !there.contains(uid)) {
        Some(uid) => Err(Error::usage(format!(
            "there is no account {uid}; nothing was changed"
        ))),
        None => Ok(()),
    }
}

/// State of the fleet.
#[derive(Debug, Clone, serde::Serialize)]
#[non_exhaustive]
pub struct FleetStatus {
    /// Number of accounts by state: `active`, `paused`, `failed`, and of the active ones those that nobody watches.
    pub accounts: Vec<(String, i64)>,
    /// Number of accounts by worker.
    pub workers: Vec<(String, i64)>,
    /// Longest time since a watched account's checkpoint was stored, in seconds; one is stored every minute.
    pub longest_lag_s: Option<f64>,
    /// Number of events; about, as the server estimates it, where there are more than a million.
    pub events: i64,
    /// Number of replies by state.
    pub replies: Vec<(String, i64)>,
    /// Number of warnings of the last day by kind.
    pub warnings: Vec<(String, i64)>,
    /// Accounts that failed, with the reason; at most twenty.
    pub failed: Vec<(i64, String)>,
}

/// Returns how the fleet is.
///
/// # Errors
/// Fails when the database cannot be asked.
pub async fn status(database: &Database) -> Result<FleetStatus, Error> {
    let client = database.client().await?;
    let counts = async |statement: &str| -> Result<Vec<(String, i64)>, Error> {
        let rows = client.query(statement, &[]).await?;
        let counts = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        counts.collect()
    };
    let accounts = counts(
        "SELECT CASE WHEN state = 'active' AND until < clock_timestamp() THEN 'unwatched' ELSE state END AS it, count(*)
         FROM bili_fleet.accounts JOIN bili_fleet.leases USING (uid) GROUP BY it ORDER BY it",
    );
    let workers = counts(
        "SELECT w.name, count(l.uid) FROM bili_fleet.workers w
         LEFT JOIN bili_fleet.leases l ON l.owner = w.name AND l.until > clock_timestamp()
         WHERE w.until > clock_timestamp() GROUP BY w.name ORDER BY w.name",
    );
    let replies =
        counts("SELECT state, count(*) FROM bili_fleet.outbox GROUP BY state ORDER BY state");
    let warnings = counts(
        "SELECT kind, count(*) FROM bili_fleet.warnings WHERE at > now() - interval '1 day' GROUP BY kind ORDER BY kind",
    );
    let (accounts, workers, replies) = (accounts.await?, workers.await?, replies.await?);
    let warnings = warnings.await?;
    let row = client
        .query_one(
            "SELECT (SELECT extract(epoch FROM clock_timestamp() - min(saved_at))::double precision
                     FROM bili_fleet.accounts JOIN bili_fleet.leases USING (uid) WHERE until > clock_timestamp()),
                    (SELECT CASE WHEN reltuples < 1e6 THEN (SELECT count(*) FROM bili_fleet.events) ELSE reltuples::bigint END
                     FROM pg_class WHERE oid = 'bili_fleet.events'::regclass)",
            &[],
        )
        .await?;
    let failed = client
        .query(
            "SELECT uid, coalesce(last_error, '') FROM bili_fleet.accounts WHERE state = 'failed' ORDER BY uid LIMIT 20",
            &[],
        )
        .await?;
    let failed = failed
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    Ok(FleetStatus {
        accounts,
        workers,
        longest_lag_s: row.try_get(0)?,
        events: row.try_get(1)?,
        replies,
        warnings,
        failed: failed.collect::<Result<_, Error>>()?,
    })
}
