//! The fleet against a PostgreSQL of its own and a simulator: who writes, who reads, who sends, and what goes wrong.
#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may"
)]

#[path = "fleet/feeds.rs"]
mod feeds;
#[path = "fleet/keeping.rs"]
mod keeping;
#[path = "fleet/operators.rs"]
mod operators;
#[path = "fleet/push.rs"]
mod push;
#[path = "fleet/renewal.rs"]
mod renewal;
#[path = "fleet/replies.rs"]
mod replies;
#[path = "fleet/robust.rs"]
mod robust;
mod support;
#[path = "fleet/tls.rs"]
mod tls;
#[path = "fleet/ways.rs"]
mod ways;

use std::time::{Duration, Instant};

use bilibili_session_fleet::consumers::Consumer;
use bilibili_session_fleet::sessions::core::Uid;
use bilibili_session_fleet::{Database, Error, Position, Tail, Vault, accounts, new_key, outbox};
use bilibili_session_simulator::{Login, NewMessage};
use rustix::process::Signal;
use support::front::Front;
use support::{FIRST, Fleet, cookies, now_us, number, simulator, until};

const LONG: Duration = Duration::from_secs(30);
const PACE: Duration = Duration::from_millis(500);
const OPTIONS: [&str; 4] = ["--lease", "3", "--capacity", "20"];

async fn watched(client: &tokio_postgres::Client) -> i64 {
    number(
        client,
        "SELECT count(*) FROM bili_fleet.accounts WHERE checkpoint IS NOT NULL",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_through_two_workers_once_and_sigterm_gives_back() {
    let Some(fleet) = Fleet::start(8, PACE).await else {
        return;
    };
    let simulator = simulator(8);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let mut one = fleet.worker("one", &front.origin, &OPTIONS);
    let _two = fleet.worker("two", &front.origin, &OPTIONS);
    until("all are watched", LONG, async || {
        watched(&client).await == 8
    })
    .await;
    until("they share", LONG, async || {
        let share =
            "SELECT count(*) FROM bili_fleet.leases WHERE owner LIKE 'one-%' AND until > now()";
        number(&client, share).await == 4
    })
    .await;

    for number in 0..40 {
        let message = NewMessage::text(20_001 + number % 3, "made up \0 \u{1f600}");
        let uid = FIRST + number % 8;
        simulator
            .lock()
            .unwrap()
            .receive_for(uid, now_us(), message)
            .unwrap();
    }
    let events = "SELECT count(*) FROM bili_fleet.events";
    until("all are there", LONG, async || {
        number(&client, events).await == 40
    })
    .await;

    one.signal(Signal::TERM);
    let asked = Instant::now();
    assert!(one.0.wait().unwrap().success());
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(
        number(
            &client,
            "SELECT count(*) FROM bili_fleet.leases WHERE owner LIKE 'one-%'"
        )
        .await,
        0
    );
    let share = "SELECT count(*) FROM bili_fleet.leases WHERE owner LIKE 'two-%' AND until > now()";
    until("the other has them", LONG, async || {
        number(&client, share).await == 8
    })
    .await;
    assert_eq!(number(&client, events).await, 40, "nothing came twice");

    let secrets = [
        Login::made_up(FIRST).sessdata,
        Login::made_up(FIRST).bili_jct,
    ];
    let log = std::fs::read_to_string(fleet.postgres.folder().join("one.log")).unwrap();
    let dump = fleet.postgres.dump();
    assert!(dump.contains("made up") && log.contains("begins"));
    for secret in secrets {
        assert!(!dump.contains(&secret) && !log.contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_lease_was_taken_writes_nothing() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let simulator = simulator(1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    // Leases so long that it does not look in between, and commits so slow that they come after the theft.
    let _worker = fleet.worker(
        "slow",
        &front.origin,
        &["--lease", "60", "--group-ms", "2000"],
    );
    until("it is watched", LONG, async || watched(&client).await == 1).await;
    let message = || NewMessage::text(20_001, "made up");
    simulator
        .lock()
        .unwrap()
        .receive(now_us(), message())
        .unwrap();
    let asked = front.asked.lock().unwrap().len();
    until("it was asked for", LONG, async || {
        front.asked.lock().unwrap().len() > asked + 2
    })
    .await;
    let steal = "UPDATE bili_fleet.leases SET owner = 'other', epoch = epoch + 1, until = clock_timestamp() + interval '4 seconds'";
    client.execute(steal, &[]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        number(&client, "SELECT count(*) FROM bili_fleet.events").await,
        0
    );
    // When the other one's lease has run out it is claimed again, and comes once.
    let events = "SELECT count(*) FROM bili_fleet.events";
    until("it came", LONG, async || number(&client, events).await == 1).await;
}

#[tokio::test]
async fn a_reader_skips_no_id_that_is_committed_late() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let (mut slow, fast) = (fleet.client().await, fleet.client().await);
    let insert = |seqno: i64| {
        format!(
            "INSERT INTO bili_fleet.events (uid, kind, session_type, talker_id, seqno, key, line)
            VALUES (1, 'message', 1, 2, {seqno}, 0, '{{}}')"
        )
    };
    let mut tail = Tail::new(&fleet.database, Position::START);
    let late = slow.transaction().await.unwrap();
    late.batch_execute(&insert(1)).await.unwrap();
    fast.batch_execute(&insert(2)).await.unwrap();
    assert!(
        tail.read().await.unwrap().is_empty(),
        "an earlier one may still come"
    );
    late.commit().await.unwrap();
    let read: Vec<i64> = tail
        .next()
        .await
        .unwrap()
        .iter()
        .map(|event| event.id)
        .collect();
    assert_eq!(read, [1, 2]);
    fast.batch_execute(&insert(3)).await.unwrap();
    let third = tail.next().await.unwrap();
    assert_eq!(third[0].id, 3);
    let again: Position = third[0].position.to_string().parse().unwrap();
    // One that waits is told nothing, and looks all the same.
    let mut waiting = Tail::new(&fleet.database, again);
    let next = tokio::spawn(async move { waiting.next().await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    fast.batch_execute(&insert(4)).await.unwrap();
    let fourth = tokio::time::timeout(Duration::from_secs(5), next).await;
    assert_eq!(fourth.expect("it looks").unwrap().unwrap()[0].id, 4);
    fast.batch_execute("DELETE FROM bili_fleet.events WHERE id = 4")
        .await
        .unwrap();
    // Transactions are numbers, not texts.
    let renumber = "UPDATE bili_fleet.events SET xid = CASE id WHEN 1 THEN '99' WHEN 2 THEN '100' ELSE '101' END::xid8";
    fast.batch_execute(renumber).await.unwrap();
    let all = Tail::new(&fleet.database, Position::START).read().await;
    let ids: Vec<i64> = all.unwrap().iter().map(|event| event.id).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert!(
        Tail::new(&fleet.database, again)
            .read()
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn consumers_take_each_event_and_conversations_stay_in_order() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let insert =
        "INSERT INTO bili_fleet.events (uid, kind, session_type, talker_id, seqno, key, line)
        SELECT 1, 'message', 1, n % 2, n, 0, '{}' FROM generate_series(1, 4) n";
    client.batch_execute(insert).await.unwrap();
    let minute = Duration::from_secs(60);
    let one = Consumer::register(&fleet.database, "bot", true)
        .await
        .unwrap();
    let two = Consumer::register(&fleet.database, "bot", true)
        .await
        .unwrap();
    let first = one.take(10, Duration::from_secs(1)).await.unwrap();
    let ids = |taken: &[bilibili_session_fleet::consumers::Taken]| {
        taken.iter().map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), [1, 2], "one of each conversation");
    assert!(two.take(10, minute).await.unwrap().is_empty());
    assert!(one.acknowledge(&first[0]).await.unwrap());
    assert_eq!(ids(&two.take(10, minute).await.unwrap()), [3]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let again = two.take(10, minute).await.unwrap();
    assert_eq!((ids(&again), again[0].times), (vec![2], 2));
    assert!(!one.acknowledge(&first[1]).await.unwrap(), "another has it");
    assert!(two.acknowledge(&again[0]).await.unwrap());
    let later = Consumer::register(&fleet.database, "later", false)
        .await
        .unwrap();
    assert!(later.take(10, minute).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_sent_once_and_one_of_unknown_fate_is_not_sent_again() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let simulator = simulator(1);
    let front = Front::start(&simulator).await;
    let client = fleet.client().await;
    let to = || Uid(20_001).into();
    assert!(
        outbox::put(&fleet.database, "a", FIRST, to(), "hi")
            .await
            .unwrap()
    );
    assert!(
        !outbox::put(&fleet.database, "a", FIRST, to(), "hi")
            .await
            .unwrap()
    );
    assert!(matches!(
        outbox::put(&fleet.database, "b", 7, to(), "hi").await,
        Err(Error::Usage(_))
    ));
    // One that another worker was about to send when it was gone.
    assert!(
        outbox::put(&fleet.database, "lost", FIRST, to(), "lost")
            .await
            .unwrap()
    );
    let lost = "UPDATE bili_fleet.outbox SET state = 'sending', epoch = 0 WHERE key = 'lost'";
    client.execute(lost, &[]).await.unwrap();
    let _worker = fleet.worker("one", &front.origin, &OPTIONS);
    let sent =
        "SELECT count(*) FROM bili_fleet.outbox WHERE state = 'sent' AND msg_key IS NOT NULL";
    until("it is sent", LONG, async || {
        number(&client, sent).await == 1
    })
    .await;
    assert!(
        outbox::put(&fleet.database, "c", FIRST, to(), "second")
            .await
            .unwrap()
    );
    until("the next is sent", LONG, async || {
        number(&client, sent).await == 2
    })
    .await;
    let texts: Vec<_> = simulator
        .lock()
        .unwrap()
        .sent()
        .map(|message| message.content.clone())
        .collect();
    assert_eq!(texts, [r#"{"content":"hi"}"#, r#"{"content":"second"}"#]);
    assert_eq!(
        number(
            &client,
            "SELECT count(*) FROM bili_fleet.outbox WHERE state = 'unknown'"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn bad_input_does_nothing_by_halves() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let half = format!("{}\nSESSDATA=made%2Cup; DedeUserID=7\n", cookies(FIRST + 1));
    let (code, words) = fleet.run(&["add", "--each-line"], &half);
    assert_eq!(code, 2, "{words}");
    assert!(
        words.contains("line 2") && words.contains("bili_jct") && !words.contains("made%2Cup"),
        "{words}"
    );
    let twice = format!("{}\n{}\n", cookies(FIRST + 1), cookies(FIRST));
    let (code, words) = fleet.run(&["add", "--each-line"], &twice);
    assert_eq!(code, 2, "{words}");
    let (code, words) = fleet.run(&["add", "--way", "none"], &cookies(FIRST + 1));
    assert!(code == 2 && words.contains("no way out"), "{words}");
    let other = new_key().unwrap();
    let (code, words) =
        fleet.run_with(&["add"], &cookies(FIRST + 1), &[("BILI_FLEET_KEY", &other)]);
    assert!(code == 2 && words.contains("another one"), "{words}");
    assert_eq!(
        number(&client, "SELECT count(*) FROM bili_fleet.accounts").await,
        1
    );
    let (code, words) = fleet.run_with(&["status"], "", &[("DATABASE_URL", "")]);
    assert!(
        code == 2 && words.contains("apt-get install postgresql"),
        "{words}"
    );
    let (code, words) = fleet.run_with(
        &["status"],
        "",
        &[("DATABASE_URL", "postgres://u:hidden@127.0.0.1:1/x")],
    );
    assert!(code == 1 && !words.contains("hidden"), "{words}");
    let (code, words) = fleet.run(&["add", "--replace"], &cookies(FIRST));
    assert_eq!(code, 0, "{words}");
    let vault: Vault = fleet.vault();
    vault.check(&fleet.database).await.unwrap();
    assert_eq!(accounts::drop(&fleet.database, &[FIRST]).await.unwrap(), 1);
    assert_eq!(
        number(&client, "SELECT count(*) FROM bili_fleet.leases").await,
        0
    );
    assert!(Database::new("nonsense", 1).is_err());
}
