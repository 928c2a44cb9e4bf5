//! Notifications: each once, for the accounts and the feeds that are asked for.

use std::time::Duration;

use bilibili_session_fleet::accounts::watch_feeds;
use bilibili_session_fleet::{FeedList, Position, Tail};
use bilibili_session_simulator::NewNotification;
use serde_json::{Value, json};

use super::support::front::Front;
use super::support::{FIRST, Fleet, now_us, number, simulator, until};
use super::{LONG, OPTIONS, PACE, watched};

/// Kind, number and count of each notification of an account, in the order of the record.
async fn notified(fleet: &Fleet, uid: i64) -> Vec<(String, i64, i64)> {
    let all = "SELECT kind, key, seqno FROM bili_fleet.events WHERE uid = $1 AND kind <> 'message' ORDER BY id";
    let rows = fleet.client().await.query(all, &[&uid]).await.unwrap();
    let row = |row: &tokio_postgres::Row| (row.get(0), row.get(1), row.get(2));
    rows.iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_come_once_and_a_like_with_each_count_and_time() {
    let Some(fleet) = Fleet::start(2, PACE).await else {
        return;
    };
    let (simulator, quiet) = (simulator(2), FIRST + 1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let mut feeds = fleet.command();
    feeds.args(["feeds", "all", &FIRST.to_string()]);
    assert!(feeds.status().unwrap().success());
    let worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("both are watched", LONG, async || {
        watched(&client).await == 2
    })
    .await;

    let notify = |uid: i64, new: NewNotification| {
        let notified = simulator.lock().unwrap().notify_for(uid, now_us(), new);
        notified.unwrap().id
    };
    let come = async |count: usize| {
        until("they came", LONG, async || {
            notified(&fleet, FIRST).await.len() >= count
        })
        .await;
    };
    let reply = notify(FIRST, NewNotification::reply(20_001, "made up"));
    let at = notify(FIRST, NewNotification::at(20_001, "made up"));
    let like = notify(FIRST, NewNotification::like(20_001, 77));
    let system = notify(FIRST, NewNotification::system("made up"));
    notify(quiet, NewNotification::reply(20_001, "made up"));
    come(4).await;
    let kind = |kind: &str, id: i64, count: i64| (kind.to_owned(), id, count);
    let mut expected = vec![
        kind("at", at, 0),
        kind("like", like, 1),
        kind("reply", reply, 0),
        kind("system", system, 0),
    ];
    let mut first = notified(&fleet, FIRST).await;
    first.sort();
    assert_eq!(first, expected);

    // Its count rises; then one like goes and a later one comes, which leaves the count as it is.
    notify(FIRST, NewNotification::like(20_002, 77));
    expected.push(kind("like", like, 2));
    come(5).await;
    let mut exchanged = NewNotification::like(20_003, 77);
    exchanged.raw.insert("counts".to_owned(), json!(2));
    notify(FIRST, exchanged);
    expected.push(kind("like", like, 2));
    come(6).await;

    // A worker that is killed has written what it had; the next one goes on behind that.
    drop(worker);
    let last = notify(FIRST, NewNotification::reply(20_002, "made up"));
    expected.push(kind("reply", last, 0));
    let _next = fleet.worker("two", &front.origin, &OPTIONS);
    come(7).await;
    expected.sort();
    let mut all = notified(&fleet, FIRST).await;
    all.sort();
    assert_eq!(all, expected);

    // What was not asked for did not come, and is old when it is asked for.
    assert_eq!(notified(&fleet, quiet).await, []);
    let replies: FeedList = "replies".parse().unwrap();
    let changed = watch_feeds(&fleet.database, &[quiet], &replies).await;
    assert_eq!(changed.unwrap(), 1);
    let begun = format!(
        "SELECT count(*) FROM bili_fleet.accounts WHERE uid = {quiet} AND checkpoint LIKE '%\"replies\"%'"
    );
    until("the feed has begun", LONG, async || {
        number(&client, &begun).await == 1
    })
    .await;
    notify(quiet, NewNotification::at(20_001, "made up"));
    let new = notify(quiet, NewNotification::reply(20_001, "made up"));
    until("it came", LONG, async || {
        !notified(&fleet, quiet).await.is_empty()
    })
    .await;
    assert_eq!(notified(&fleet, quiet).await, [kind("reply", new, 0)]);

    // Readers get the lines that `bili watch --json` prints.
    let mut tail = Tail::new(&fleet.database, Position::START);
    let read = tokio::time::timeout(Duration::from_secs(5), tail.next()).await;
    let read = read.unwrap().unwrap();
    assert_eq!(read.len(), 8);
    for event in read {
        let line: Value = serde_json::from_str(&event.line).unwrap();
        assert_eq!(line["event"], event.kind);
        if event.kind == "like" {
            assert_eq!(line["item"]["item_id"], 77);
        }
    }
}
