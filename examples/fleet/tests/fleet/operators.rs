//! What operators do while workers commit: locks in one order, held shortly, and nothing by halves.

use std::time::Duration;

use bilibili_session_fleet::consumers::Consumer;
use bilibili_session_simulator::NewMessage;

use super::support::front::Front;
use super::support::{Fleet, now_us, number, simulator, until};
use super::{LONG, OPTIONS, PACE, watched};

const MINUTE: Duration = Duration::from_secs(60);
const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted";

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_up_neither_a_known_consumer_nor_for_long_what_arrives() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let simulator = simulator(1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let _worker = fleet.worker("one", &front.origin, &OPTIONS);
    until("it is watched", LONG, async || watched(&client).await == 1).await;
    let bot = Consumer::register(&fleet.database, "bot", false).await;
    let bot = bot.unwrap();

    // As pg_dump does.
    let mut backup = fleet.client().await;
    let backup = backup.transaction().await.unwrap();
    let read = "LOCK TABLE bili_fleet.consumers IN ACCESS SHARE MODE";
    backup.batch_execute(read).await.unwrap();
    let again = Consumer::register(&fleet.database, "bot", true);
    let again = tokio::time::timeout(Duration::from_secs(5), again).await;
    again.expect("it waits for nothing").unwrap();

    let database = fleet.database.clone();
    let new = tokio::spawn(async move { Consumer::register(&database, "new", true).await });
    until("the new one waits", LONG, async || {
        number(&client, WAITING).await > 0
    })
    .await;
    let message = NewMessage::text(20_001, "made up");
    simulator
        .lock()
        .unwrap()
        .receive(now_us(), message)
        .unwrap();
    let events = "SELECT count(*) FROM bili_fleet.events";
    // It does not end before the backup does: the new one gives up.
    until("it came", Duration::from_secs(10), async || {
        number(&client, events).await == 1
    })
    .await;
    let why = new.await.unwrap().unwrap_err().to_string();
    assert!(why.contains("backup") && why.contains("later"), "{why}");
    let lease = "SELECT epoch FROM bili_fleet.leases WHERE until > now()";
    assert_eq!(number(&client, lease).await, 1, "it was not lost");

    backup.rollback().await.unwrap();
    let new = Consumer::register(&fleet.database, "new", true).await;
    for consumer in [bot, new.unwrap()] {
        assert_eq!(consumer.take(10, MINUTE).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_consumer_misses_nothing_that_is_just_being_committed() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let mut writer = fleet.client().await;
    let writer = writer.transaction().await.unwrap();
    // As a commit does, which knows the consumers of before.
    let write = "SELECT count(*) FROM bili_fleet.consumers;
        INSERT INTO bili_fleet.events (uid, kind, session_type, talker_id, seqno, key, line) VALUES (1, 'message', 1, 2, 1, 0, '{}')";
    writer.batch_execute(write).await.unwrap();
    let database = fleet.database.clone();
    let new = tokio::spawn(async move { Consumer::register(&database, "new", true).await });
    until("it waits", LONG, async || {
        number(&client, WAITING).await > 0
    })
    .await;
    writer.commit().await.unwrap();
    let new = new.await.unwrap().unwrap();
    assert_eq!(new.take(10, MINUTE).await.unwrap().len(), 1);

    new.remove().await.unwrap();
    let left = "SELECT count(*) FROM bili_fleet.queue";
    assert_eq!(number(&client, left).await, 0);
    let new = Consumer::register(&fleet.database, "new", false).await;
    assert!(new.unwrap().take(10, MINUTE).await.unwrap().is_empty());
}
