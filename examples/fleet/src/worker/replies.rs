//! The outbox: what waits for the accounts of this worker is sent, each reply once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bilibili_session::{ConversationId, Error as SessionError, ErrorClass};
use bilibili_session_tokio::Session;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Shared;
use crate::error::Error;
use crate::listener::Listener;

/// Longest time between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// Longest time to send one reply.
const PATIENCE: Duration = Duration::from_secs(30);

/// The oldest waiting reply of each account, marked as being sent: committed before anything is sent.
const BEGIN: &str = "
WITH next AS (
    SELECT o.id, l.epoch FROM bili_fleet.outbox o JOIN bili_fleet.leases l USING (uid)
    WHERE l.owner = $1 AND l.until > clock_timestamp() AND o.state = 'waiting' AND o.due <= clock_timestamp()
      AND NOT EXISTS (
        SELECT 1 FROM bili_fleet.outbox before
        WHERE before.uid = o.uid AND before.state IN ('waiting', 'sending') AND before.id < o.id)
    ORDER BY o.id LIMIT 100 FOR UPDATE OF o SKIP LOCKED)
UPDATE bili_fleet.outbox o SET state = 'sending', epoch = next.epoch FROM next WHERE o.id = next.id
RETURNING o.id, o.uid, o.session_type, o.talker_id, o.text, next.epoch";

const END: &str = "
UPDATE bili_fleet.outbox SET state = $3, msg_key = $4, error = $5,
    due = clock_timestamp() + $6::double precision * interval '1 second'
WHERE id = $1 AND epoch = $2 AND state IN ('sending', 'unknown')";

/// What came of a reply.
struct Sent {
    state: &'static str,
    msg_key: Option<i64>,
    error: Option<String>,
    again_in: Duration,
}

/// Sends what waits, until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let listener = Listener::new(&shared.record.database, "bili_fleet_outbox");
    let mut tasks = JoinSet::new();
    loop {
        match begin(&shared, &mut tasks).await {
            // There may be more.
            Ok(true) => {
                let _ = tasks.join_next().await;
                continue;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the outbox cannot be read"),
        }
        while tasks.try_join_next().is_some() {}
        listener.wait(LOOK).await;
    }
}

/// Begins to send what is next for each account. Returns whether there was anything.
async fn begin(shared: &Arc<Shared>, tasks: &mut JoinSet<()>) -> Result<bool, Error> {
    let client = shared.record.database.client().await?;
    let statement = client.prepare_cached(BEGIN).await?;
    let rows = client.query(&statement, &[&shared.record.name]).await?;
    drop(client);
    for row in &rows {
        let (id, uid): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let to = ConversationId::new(row.try_get(2)?, row.try_get(3)?);
        let text: String = row.try_get(4)?;
        let epoch: i64 = row.try_get(5)?;
        let session = shared.session(uid, epoch);
        let shared = Arc::clone(shared);
        tasks.spawn(async move {
            let sent = match session {
                Some(session) => send(&session, to, &text).await,
                // Not ours any more, or not yet.
                None => Sent::later(Duration::from_secs(1), None),
            };
            shared.metrics.reply(sent.state);
            if let Err(error) = end(&shared, id, epoch, &sent).await {
                tracing::warn!(uid, id, %error, "what came of a reply is not written: it will be unknown");
            }
        });
    }
    Ok(!rows.is_empty())
}

async fn send(session: &Session, to: ConversationId, text: &str) -> Sent {
    let sending = session.client().send_text(to, text);
    let Ok(result) = timeout(PATIENCE, sending).await else {
        return Sent::failed("unknown", "no answer came".to_owned());
    };
    match result {
        Ok(sent) => Sent {
            state: "sent",
            msg_key: Some(sent.msg_key.0),
            error: None,
            again_in: Duration::ZERO,
        },
        // Nothing was sent.
        Err(SessionError::Paused(paused)) => Sent::later(paused.remaining, None),
        Err(error) => match error.class() {
            // The service has refused it, so that it can be sent again.
            ErrorClass::Throttled | ErrorClass::RiskControl => {
                Sent::later(Duration::from_secs(60), Some(error.to_string()))
            }
            // Nobody knows what the service did before the answer was lost.
            ErrorClass::Transport | ErrorClass::Server => {
                Sent::failed("unknown", error.to_string())
            }
            _ => Sent::failed("failed", error.to_string()),
        },
    }
}

impl Sent {
    const fn later(again_in: Duration, error: Option<String>) -> Self {
        Self {
            state: "waiting",
            msg_key: None,
            error,
            again_in,
        }
    }

    const fn failed(state: &'static str, error: String) -> Self {
        Self {
            state,
            msg_key: None,
            error: Some(error),
            again_in: Duration::ZERO,
        }
    }
}

async fn end(shared: &Shared, id: i64, epoch: i64, sent: &Sent) -> Result<(), Error> {
    let client = shared.record.database.client().await?;
    let statement = client.prepare_cached(END).await?;
    let again_s = sent.again_in.as_secs_f64();
    client
        .execute(
            &statement,
            &[
                &id,
                &epoch,
                &sent.state,
                &sent.msg_key,
                &sent.error,
                &again_s,
            ],
        )
        .await?;
    Ok(())
}

/// Returns whose sessions there are, by account.
pub(super) type Sessions = HashMap<i64, (i64, Session)>;
