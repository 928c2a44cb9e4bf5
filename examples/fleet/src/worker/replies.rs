//! The outbox: what waits for the accounts of this worker is sent, each reply once.
//!
//! `sending` is committed before a reply is handed to its session, and what came of it is written until that is done. A row
//! that is `sending` under a lease of this worker and is in nobody's hand here is one whose mark was committed and never
//! answered for: it was not sent, and waits again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bilibili_session::{ConversationId, Error as SessionError, ErrorClass};
use bilibili_session_tokio::Session;
use deadpool_postgres::Object;
use tokio::sync::watch as signal;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::Shared;
use super::lease::Lease;
use super::secrets::Secrets;
use crate::error::Error;
use crate::listener::Listener;

/// Longest time between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// Longest time to send one reply: the longest queue of a way out, the request, and a look whether it arrived.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest time for a statement: a connection that died silently answers none.
const STATEMENT: Duration = Duration::from_secs(5);
/// Most replies that are begun at once.
const AT_ONCE: usize = 100;
/// Wait before what came of a reply is written again.
const AGAIN: Duration = Duration::from_secs(1);
/// Wait before a reply is sent again that the network or the service did not take.
const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// Wait before a reply is sent again that the service did not want now.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// Replies that are marked as being sent under a lease of this worker, and in nobody's hand here.
const STRAY: &str = "
SELECT o.id, (extract(epoch FROM o.due) * 1000000)::bigint FROM bili_fleet.outbox o JOIN bili_fleet.leases l USING (uid)
WHERE o.epoch = l.epoch AND l.owner = $1 AND o.state = 'sending' AND o.id <> ALL($2)";

/// Such a one was not sent, but for those ($3) whose task has come to harm. This may be done late: a later attempt has
/// another time.
const SETTLE: &str = "
UPDATE bili_fleet.outbox o SET state = CASE WHEN o.id = ANY($3) THEN 'unknown' ELSE 'waiting' END
FROM unnest($1::bigint[], $2::bigint[]) AS stray (id, begun_at)
WHERE o.id = stray.id AND o.state = 'sending' AND (extract(epoch FROM o.due) * 1000000)::bigint = stray.begun_at";

/// The oldest waiting reply of each account, marked as being sent: committed before anything is sent. The time tells two
/// attempts of one reply apart.
const BEGIN: &str = "
WITH next AS (
    SELECT o.id, l.epoch FROM bili_fleet.outbox o JOIN bili_fleet.leases l USING (uid)
    WHERE l.owner = $1 AND l.until > clock_timestamp() AND o.state = 'waiting' AND o.due <= clock_timestamp()
      AND NOT EXISTS (
        SELECT 1 FROM bili_fleet.outbox before
        WHERE before.uid = o.uid AND before.state IN ('waiting', 'sending') AND before.id < o.id)
    ORDER BY o.id LIMIT $2 FOR UPDATE OF o SKIP LOCKED)
UPDATE bili_fleet.outbox o SET due = clock_timestamp(), state = 'sending', epoch = next.epoch FROM next WHERE o.id = next.id
RETURNING o.id, o.uid, o.session_type, o.talker_id, o.text, next.epoch, (extract(epoch FROM o.due) * 1000000)::bigint";

/// Outcome of an attempt, and of no later one: this may be written late, and twice.
const END: &str = "
UPDATE bili_fleet.outbox SET state = $4, msg_key = $5, error = $6,
    due = clock_timestamp() + $7::double precision * interval '1 second'
WHERE id = $1 AND epoch = $2 AND (extract(epoch FROM due) * 1000000)::bigint = $3 AND state IN ('sending', 'unknown')";

/// Session of an account, with what a reply needs besides.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) session: Session,
    pub(super) lease: Arc<Lease>,
    pub(super) secrets: Arc<Secrets>,
}

/// Sessions that there are, by account.
pub(super) type Sessions = HashMap<i64, Seat>;

/// A reply that is marked as being sent.
struct Reply {
    id: i64,
    uid: i64,
    epoch: i64,
    /// Time of the mark, in microseconds.
    begun_at: i64,
    to: ConversationId,
    text: String,
}

/// Outcome of a reply.
struct Sent {
    state: &'static str,
    msg_key: Option<i64>,
    error: Option<String>,
    again_in: Duration,
}

/// Replies that are being sent.
#[derive(Default)]
struct InHand {
    /// Each returns whether it is written what came of its reply.
    tasks: JoinSet<bool>,
    replies: HashMap<task::Id, i64>,
    /// Those whose task has come to harm, until that is written.
    doubtful: Vec<i64>,
}

/// Sends what waits, until it is to stop: then it begins none, and those under way come to their end.
pub(super) async fn run(shared: Arc<Shared>, mut stop: signal::Receiver<bool>) {
    let listener = Listener::new(&shared.record.database, "bili_fleet_outbox");
    let mut in_hand = InHand::default();
    while !*stop.borrow() {
        let begun = timeout(STATEMENT, in_hand.begin(&shared)).await;
        match begun.unwrap_or_else(|_| Err(silent())) {
            // There may be more.
            Ok(AT_ONCE) => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the outbox cannot be read"),
        }
        tokio::select! {
            // An error says that the worker is gone.
            _ = stop.wait_for(|stop| *stop) => {}
            () = listener.wait(LOOK) => {}
            // The next one of its account may be sent.
            Some(joined) = in_hand.tasks.join_next_with_id() => in_hand.ended(joined),
        }
        while let Some(joined) = in_hand.tasks.try_join_next_with_id() {
            in_hand.ended(joined);
        }
    }
    while in_hand.tasks.join_next().await.is_some() {}
}

impl InHand {
    /// Begins to send what is next for each account. Returns how many those are.
    async fn begin(&mut self, shared: &Arc<Shared>) -> Result<usize, Error> {
        let owner = &shared.record.name;
        let client = shared.record.database.client().await?;
        self.settle(&client, owner).await?;
        let statement = client.prepare_cached(BEGIN).await?;
        let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        let rows = client.query(&statement, &[owner, &most]).await?;
        for row in &rows {
            let reply = Reply {
                id: row.try_get(0)?,
                uid: row.try_get(1)?,
                to: ConversationId::new(row.try_get(2)?, row.try_get(3)?),
                text: row.try_get(4)?,
                epoch: row.try_get(5)?,
                begun_at: row.try_get(6)?,
            };
            let id = reply.id;
            let task = self.tasks.spawn(answer_for(Arc::clone(shared), reply));
            self.replies.insert(task.id(), id);
        }
        Ok(rows.len())
    }

    /// Settles what is marked as being sent, and in nobody's hand.
    async fn settle(&mut self, client: &Object, owner: &String) -> Result<(), Error> {
        let statement = client.prepare_cached(STRAY).await?;
        let ids: Vec<i64> = self.replies.values().copied().collect();
        let rows = client.query(&statement, &[owner, &ids]).await?;
        let (mut ids, mut begun_at): (Vec<i64>, Vec<i64>) = Default::default();
        for row in &rows {
            ids.push(row.try_get(0)?);
            begun_at.push(row.try_get(1)?);
        }
        if !ids.is_empty() {
            client
                .execute(SETTLE, &[&ids, &begun_at, &self.doubtful])
                .await?;
        }
        self.doubtful.clear();
        Ok(())
    }

    fn ended(&mut self, joined: Result<(task::Id, bool), JoinError>) {
        let (task, is_written) = match joined {
            Ok(ended) => ended,
            Err(error) => (error.id(), false),
        };
        let reply = self.replies.remove(&task);
        self.doubtful.extend(reply.filter(|_| !is_written));
    }
}

/// Sends a reply, and writes what came of it. Returns whether that is written.
async fn answer_for(shared: Arc<Shared>, reply: Reply) -> bool {
    let seat = shared.seat(reply.uid, reply.epoch);
    // Until it is written what came of it the lease is not given back: else it would count as unknown.
    let in_hand = seat.as_ref().and_then(|seat| seat.lease.begin());
    let sent = match (&seat, &in_hand) {
        (Some(seat), Some(_)) => send(seat, &reply).await,
        // Not ours any more, or not yet.
        _ => Sent::later(AGAIN, None),
    };
    shared.metrics.reply(sent.state);
    loop {
        let ended = timeout(STATEMENT, end(&shared, &reply, &sent)).await;
        let Err(error) = ended.unwrap_or_else(|_| Err(silent())) else {
            return true;
        };
        let (uid, id) = (reply.uid, reply.id);
        tracing::warn!(uid, id, %error, "what came of a reply is not written yet");
        if error.is_of_data() {
            return false;
        }
        sleep(AGAIN).await;
    }
}

async fn send(seat: &Seat, reply: &Reply) -> Sent {
    let sending = seat.session.client().send_text(reply.to, &reply.text);
    let Ok(result) = timeout(PATIENCE, sending).await else {
        return Sent::over("unknown", "no answer came".to_owned());
    };
    // The service may quote a cookie, and PostgreSQL takes no zero.
    let words = |error: &SessionError| seat.secrets.hide(&error.to_string()).replace('\0', " ");
    match result {
        Ok(sent) => Sent {
            state: "sent",
            msg_key: Some(sent.msg_key.0),
            error: None,
            again_in: Duration::ZERO,
        },
        Err(SessionError::Paused(paused)) => Sent::later(paused.remaining, None),
        // No answer told, nor did the conversation.
        Err(error @ SessionError::UnknownOutcome(_)) => Sent::over("unknown", words(&error)),
        // With any other error it was not sent: where it is not the reply's fault it waits.
        Err(error) => match error.class() {
            ErrorClass::Throttled | ErrorClass::RiskControl => {
                Sent::later(AFTER_REFUSAL, Some(words(&error)))
            }
            ErrorClass::Transport | ErrorClass::Server => {
                Sent::later(AFTER_FAILURE, Some(words(&error)))
            }
            _ => Sent::over("failed", words(&error)),
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

    const fn over(state: &'static str, error: String) -> Self {
        Self {
            state,
            msg_key: None,
            error: Some(error),
            again_in: Duration::ZERO,
        }
    }
}

async fn end(shared: &Shared, reply: &Reply, sent: &Sent) -> Result<(), Error> {
    let client = shared.record.database.client().await?;
    let statement = client.prepare_cached(END).await?;
    let again_s = sent.again_in.as_secs_f64();
    client
        .execute(
            &statement,
            &[
                &reply.id,
                &reply.epoch,
                &reply.begun_at,
                &sent.state,
                &sent.msg_key,
                &sent.error,
                &again_s,
            ],
        )
        .await?;
    Ok(())
}

fn silent() -> Error {
    Error::Connect("it does not answer".to_owned())
}
