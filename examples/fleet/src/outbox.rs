//! Replies that are sent once.

use bilibili_session::ConversationId;

use crate::database::Database;
use crate::error::Error;

/// Puts a text for this conversation of an account into the outbox, under a key of the caller's choice. Returns false
/// when the key is there already, whatever became of it, and of the account: replies are kept when one is dropped.
///
/// A worker commits that it begins to send before it sends. Where it is gone before it could say what came of it the
/// reply is `unknown`, and is not sent again: the service may have taken it.
///
/// # Errors
/// Fails when there is no such account, or the database cannot be asked.
pub async fn put(
    database: &Database,
    key: &str,
    uid: i64,
    to: ConversationId,
    text: &str,
) -> Result<bool, Error> {
    let client = database.client().await?;
    // Whoever drops the account meanwhile waits, and finds the reply.
    let put = "WITH account AS (
            SELECT uid FROM bili_fleet.accounts WHERE uid = $2 FOR KEY SHARE),
        put AS (
            INSERT INTO bili_fleet.outbox (key, uid, session_type, talker_id, text)
            SELECT $1, uid, $3, $4, $5 FROM account
            ON CONFLICT (key) DO NOTHING RETURNING pg_notify('bili_fleet_outbox', ''))
        SELECT (SELECT count(*) FROM put), EXISTS (SELECT 1 FROM account)";
    let row = client
        .query_one(
            put,
            &[&key, &uid, &to.session_type(), &to.talker_id(), &text],
        )
        .await?;
    match (row.try_get::<_, i64>(0)?, row.try_get(1)?) {
        (_, false) => Err(Error::usage(format!("there is no account {uid}"))),
        (put, true) => Ok(put > 0),
    }
}
