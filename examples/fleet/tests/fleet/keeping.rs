//! Keeping: warnings for two weeks, events until they are ended and nobody waits for them.

use std::time::Duration;

use bilibili_session_fleet::consumers::Consumer;
use bilibili_session_fleet::{Database, prune, warnings};
use bilibili_session_simulator::{ConversationId, NewMessage};
use serde_json::Value;

use super::support::front::Front;
use super::support::{FIRST, Fleet, now_us, number, simulator, until};
use super::{LONG, OPTIONS, PACE, watched};

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_written_down_and_old_warnings_end() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let simulator = simulator(1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let old = "INSERT INTO bili_fleet.warnings (at, uid, kind, line) VALUES
        (now() - interval '15 days', 1, 'gap', '{}'), (now() - interval '13 days', 1, 'gap', '{}')";
    client.execute(old, &[]).await.unwrap();
    let worker = fleet.worker("one", &front.origin, &OPTIONS);
    let there = "SELECT count(*) FROM bili_fleet.warnings";
    until(
        "it is watched, and the oldest has ended",
        LONG,
        async || watched(&client).await == 1 && number(&client, there).await == 1,
    )
    .await;
    let receive = || {
        let message = NewMessage::text(20_001, "made up");
        let arrived = simulator.lock().unwrap().receive(now_us(), message);
        arrived.unwrap().msg_seqno
    };
    let events = "SELECT count(*) FROM bili_fleet.events";
    let first = receive();
    until("it came", LONG, async || number(&client, events).await == 1).await;
    drop(worker);
    // Those that come while nobody watches are no more when they are asked for.
    for _ in 0..4 {
        receive();
    }
    let last = receive();
    let conversation = ConversationId::user(20_001);
    simulator.lock().unwrap().forget(conversation, last + 1);
    let worker = fleet.worker("two", &front.origin, &OPTIONS);
    let gaps = async || {
        let gaps = warnings::list(&fleet.database, 1, Some("gap")).await;
        gaps.unwrap()
    };
    until("it is written down", LONG, async || {
        !gaps().await.is_empty()
    })
    .await;
    drop(worker);
    // The checkpoint went past it with that: it is not found again.
    let _next = fleet.worker("three", &front.origin, &OPTIONS);
    receive();
    until("the next came", LONG, async || {
        number(&client, events).await == 2
    })
    .await;
    let gaps = gaps().await;
    assert_eq!(gaps.len(), 1);
    let line: Value = serde_json::from_str(&gaps[0].line).unwrap();
    assert_eq!(
        (line["from_seqno"].as_u64(), line["to_seqno"].as_u64()),
        (Some(first + 1), Some(last))
    );
    assert_eq!((gaps[0].uid, line["kind"].as_str()), (FIRST, Some("gap")));
    let status = fleet.command().arg("status").output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains("warnings gap, last day: 1"), "{status}");
    let listed = fleet
        .command()
        .args(["warnings", "--kind", "gap", "--hours", "400"])
        .output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let lines: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((lines.len(), &lines[1]["line"]), (2, &line));
}

#[tokio::test]
async fn old_events_end_unless_somebody_waits_for_them() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let insert = "INSERT INTO bili_fleet.events (uid, kind, session_type, talker_id, seqno, key, line, at)
        SELECT 1, 'message', 1, n, 1, n, '{}', now() - n * interval '1 day' FROM generate_series(0, 5) n";
    client.batch_execute(insert).await.unwrap();
    let bot = Consumer::register(&fleet.database, "bot", true)
        .await
        .unwrap();
    for event in bot.take(10, Duration::from_secs(60)).await.unwrap() {
        // Those of yesterday and of three days ago are still waited for.
        if ![2, 4].contains(&event.id) {
            assert!(bot.acknowledge(&event).await.unwrap());
        }
    }
    assert_eq!(prune::events(&fleet.database, 2).await.unwrap(), 3);
    let left = "SELECT string_agg(key::text, ' ' ORDER BY key) FROM bili_fleet.events";
    let left: String = client.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, "0 1 3");
    let again = fleet
        .command()
        .args(["prune", "--older-than", "2"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(again.stdout).unwrap(),
        "0 events are ended\n"
    );
}

#[tokio::test]
async fn many_old_events_end_by_an_index_and_many_are_counted_about() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    // 6,000 of one moment, as many of one each, some of them waited for, and many that are new.
    let insert = "INSERT INTO bili_fleet.events (uid, kind, session_type, talker_id, seqno, key, line, at)
            SELECT 1, 'message', 1, 1, n, 0, '{}', CASE
                WHEN n <= 6000 THEN now() - interval '9 days'
                WHEN n <= 12000 THEN now() - interval '8 days' + n * interval '1 second'
                ELSE now() END
            FROM generate_series(1, 60000) n;
        INSERT INTO bili_fleet.consumers (name) VALUES ('bot');
        INSERT INTO bili_fleet.queue (consumer, event, uid, session_type, talker_id)
            SELECT 'bot', id, uid, session_type, talker_id FROM bili_fleet.events WHERE seqno % 100 = 0;
        ANALYZE bili_fleet.events";
    client.batch_execute(insert).await.unwrap();
    let (code, said) = fleet.run(&["prune", "--older-than", "2"], "");
    assert_eq!((code, said.as_str()), (0, "11880 events are ended\n"));
    let left = "SELECT count(*) FROM bili_fleet.events";
    assert_eq!(number(&client, left).await, 48_120);
    let scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'events_by_time'";
    until("the index was taken", LONG, async || {
        number(&client, scans).await > 0
    })
    .await;

    let (_, said) = fleet.run(&["status"], "");
    assert!(said.contains("events: 48120\n"), "{said}");
    let many = "UPDATE pg_class SET reltuples = 2e6 WHERE oid = 'bili_fleet.events'::regclass";
    client.execute(many, &[]).await.unwrap();
    let (_, said) = fleet.run(&["status"], "");
    assert!(said.contains("events: 2000000\n"), "{said}");
}

#[tokio::test]
async fn tables_are_made_however_long_that_takes() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let lock = "SELECT pg_advisory_lock(x'62696c69666c6565'::bigint)";
    client.query_one(lock, &[]).await.unwrap();
    let url = format!(
        "{}&options=-c%20statement_timeout%3D200",
        fleet.postgres.url()
    );
    let database = Database::new(&url, 1).unwrap();
    let migrated = tokio::spawn(async move {
        database.migrate().await.unwrap();
        database.is_encrypted().await.unwrap()
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!migrated.is_finished(), "it waits for its turn");
    let unlock = "SELECT pg_advisory_unlock(x'62696c69666c6565'::bigint)";
    client.query_one(unlock, &[]).await.unwrap();
    assert!(!migrated.await.unwrap());
}
