//! Replies in the chaos: each goes out at most once, and none stays where it is.

use std::collections::BTreeMap;
use std::time::Duration;

use bilibili_session_fleet::sessions::core::Uid;
use bilibili_session_fleet::{Database, outbox};
use bilibili_session_simulator::Rng;

use crate::{FIRST, Place};

/// Whom all replies are for; nobody else writes to him, or gets messages from him.
pub(crate) const RECEIVER: i64 = 30_001;

/// Puts replies of any account into the outbox, until it is aborted.
pub(crate) async fn put(database: Database, seed: u64, accounts: i64) {
    let mut rng = Rng::new(seed ^ 0x0b0e);
    for number in 0_u64.. {
        tokio::time::sleep(Duration::from_millis(50 + rng.below(100))).await;
        let uid = FIRST + i64::try_from(rng.below(accounts.unsigned_abs())).unwrap();
        let text = format!("reply-{number}.");
        // Without a database there is none; what is put all the same counts like the others.
        let _ = outbox::put(&database, &text, uid, Uid(RECEIVER).into(), &text).await;
    }
}

/// Returns how many are still to be sent.
pub(crate) async fn open(client: &tokio_postgres::Client) -> i64 {
    let open = "SELECT count(*) FROM bili_fleet.outbox WHERE state IN ('waiting', 'sending')";
    client.query_one(open, &[]).await.unwrap().get(0)
}

/// Each that is said to be sent was taken by the service once; each other one at most once, where nobody knows.
pub(crate) async fn check(
    client: &tokio_postgres::Client,
    places: &[Place],
    faults: &mut Vec<String>,
) {
    let mut taken: BTreeMap<String, i64> = BTreeMap::new();
    for place in places {
        for body in place.front.taken.lock().unwrap().iter() {
            let Some(begin) = body.find("reply-") else {
                continue;
            };
            let text = &body[begin..];
            let end = text.find('.').unwrap() + 1;
            *taken.entry(text[..end].to_owned()).or_default() += 1;
        }
    }
    let mut states: BTreeMap<String, i64> = BTreeMap::new();
    let all = "SELECT key, state, coalesce(error, '') FROM bili_fleet.outbox ORDER BY id";
    for row in client.query(all, &[]).await.unwrap() {
        let (key, state, error): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let times = taken.remove(&key).unwrap_or_default();
        let is_right = match state.as_str() {
            "sent" => times == 1,
            "unknown" => times <= 1,
            _ => false,
        };
        if !is_right {
            faults.push(format!(
                "{key} is {state} ({error}), and went out {times} times"
            ));
        }
        *states.entry(state).or_default() += 1;
    }
    if !taken.is_empty() {
        faults.push(format!("went out, and are not in the outbox: {taken:?}"));
    }
    println!("replies: {states:?}");
}
