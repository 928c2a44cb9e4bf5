//! Accounts: added, paused, dropped, and how they are.

use bilibili_session::login::{Login, LoginError};
use bilibili_session::{Credential, CredentialError};
use std::time::Duration;

use crate::database::Database;
use crate::error::Error;
use crate::feeds::FeedList;
use crate::vault::Vault;
use crate::ways::DIRECT;

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
/// Fails when one is there already and is not to be replaced, there is no such way out, or the database cannot be asked.
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
    let insert = transaction
        .prepare_cached(
            "INSERT INTO bili_fleet.accounts (uid, way, login, pace_ms, feeds)
             VALUES ($1, $2, $3, $4, coalesce($5::text[], '{}'))
             ON CONFLICT (uid) DO NOTHING",
        )
        .await?;
    // In the order in which workers lock them: first the leases, then the accounts.
    let uids: Vec<i64> = logins.iter().map(|login| login.uid().0).collect();
    let lock = "SELECT 1 FROM bili_fleet.leases WHERE uid = ANY($1) ORDER BY uid FOR NO KEY UPDATE";
    transaction.execute(lock, &[&uids]).await?;
    for login in logins {
        let uid = login.uid().0;
        let sealed = vault.seal(&sealed_as(uid), login.to_json().as_bytes())?;
        let new = transaction
            .execute(&insert, &[&uid, &way, &sealed, &pace_ms, &feeds])
            .await?;
        if new == 0 && !replace {
            return Err(Error::usage(format!(
                "account {uid} is there already: --replace gives it the new login; nothing was added"
            )));
        }
        if new == 0 {
            let change = "UPDATE bili_fleet.accounts SET way = $2, login = $3, pace_ms = $4, feeds = coalesce($5, feeds),
                login_due = 'epoch', state = CASE state WHEN 'failed' THEN 'active' ELSE state END, last_error = NULL WHERE uid = $1";
            transaction
                .execute(change, &[&uid, &way, &sealed, &pace_ms, &feeds])
                .await?;
        }
        // A worker that has it loses it, and whoever claims it reads the new login once the old lease would have ended.
        let lease = "INSERT INTO bili_fleet.leases (uid) VALUES ($1)
            ON CONFLICT (uid) DO UPDATE SET owner = NULL, epoch = leases.epoch + 1";
        transaction.execute(lease, &[&uid]).await?;
    }
    transaction.commit().await?;
    Ok(logins.len())
}

/// Changes which feeds of accounts are watched. Returns the number of those that there are.
///
/// A worker that has one goes on with it for the rest of its lease. A feed that is watched for the first time begins then.
///
/// # Errors
/// Fails when the database cannot be asked.
pub async fn watch_feeds(
    database: &Database,
    uids: &[i64],
    feeds: &FeedList,
) -> Result<u64, Error> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    // In the order in which workers lock them.
    let lease = "WITH theirs AS (
            SELECT uid FROM bili_fleet.leases WHERE uid = ANY($1) ORDER BY uid FOR NO KEY UPDATE)
        UPDATE bili_fleet.leases l SET owner = NULL, epoch = epoch + 1 FROM theirs WHERE l.uid = theirs.uid";
    transaction.execute(lease, &[&uids]).await?;
    let change = "UPDATE bili_fleet.accounts SET feeds = $2 WHERE uid = ANY($1)";
    let changed = transaction
        .execute(change, &[&uids, &feeds.names()])
        .await?;
    transaction.commit().await?;
    Ok(changed)
}

/// Pauses accounts, or lets them go on. Returns the number of those that there are.
///
/// # Errors
/// Fails when the database cannot be asked.
pub async fn pause(database: &Database, uids: &[i64], pause: bool) -> Result<u64, Error> {
    let client = database.client().await?;
    let state = if pause { "paused" } else { "active" };
    let changed = client
        .execute(
            "UPDATE bili_fleet.accounts SET state = $2, last_error = NULL WHERE uid = ANY($1)",
            &[&uids, &state],
        )
        .await?;
    Ok(changed)
}

/// Drops accounts, with their logins. Their events stay. Returns the number of those that there were.
///
/// # Errors
/// Fails when the database cannot be asked.
pub async fn drop(database: &Database, uids: &[i64]) -> Result<u64, Error> {
    let client = database.client().await?;
    let dropped = client
        .execute(
            "DELETE FROM bili_fleet.accounts WHERE uid = ANY($1)",
            &[&uids],
        )
        .await?;
    Ok(dropped)
}

/// How the fleet is.
#[derive(Debug, Clone, serde::Serialize)]
#[non_exhaustive]
pub struct FleetStatus {
    /// Number of accounts by state: `active`, `paused`, `failed`, and of the active ones those that nobody watches.
    pub accounts: Vec<(String, i64)>,
    /// Number of accounts by worker.
    pub workers: Vec<(String, i64)>,
    /// Longest time since a watched account's checkpoint was stored, in seconds; one is stored every minute.
    pub longest_lag_s: Option<f64>,
    /// Number of events, and of replies by state.
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
                    (SELECT count(*) FROM bili_fleet.events)",
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
