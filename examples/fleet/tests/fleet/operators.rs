//! Operators' commands while workers commit: locks in one order, held shortly, and nothing by halves.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use bilibili_session_fleet::consumers::Consumer;
use bilibili_session_fleet::sessions::core::Uid;
use bilibili_session_fleet::{Error, accounts, outbox};
use bilibili_session_simulator::NewMessage;
use serde_json::Value;

use super::support::front::Front;
use super::support::{FIRST, Fleet, Worker, cookies, now_us, number, simulator, until};
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
    let lease = "SELECT epoch FROM bili_fleet.leases WHERE until > now()";
    let held = number(&client, lease).await;

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
    assert_eq!(number(&client, lease).await, held, "it was not lost");

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

#[tokio::test]
async fn logins_are_replaced_by_as_many_statements_as_for_one() {
    const ACCOUNTS: i64 = 50;
    let Some(fleet) = Fleet::start(ACCOUNTS, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let note = "CREATE TABLE bili_fleet.statements (place text);
        CREATE FUNCTION bili_fleet.note() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO bili_fleet.statements VALUES (TG_TABLE_NAME); RETURN NULL; END $$;
        CREATE TRIGGER note AFTER INSERT ON bili_fleet.accounts EXECUTE FUNCTION bili_fleet.note();
        CREATE TRIGGER note AFTER INSERT ON bili_fleet.leases EXECUTE FUNCTION bili_fleet.note()";
    client.batch_execute(note).await.unwrap();
    let before = "UPDATE bili_fleet.accounts SET feeds = '{at}', last_error = 'made up',
            state = CASE uid % 2 WHEN 0 THEN 'failed' ELSE 'paused' END;
        UPDATE bili_fleet.leases SET owner = 'one', until = now() + interval '1 minute'";
    client.batch_execute(before).await.unwrap();
    let epochs = "CREATE TABLE bili_fleet.before AS SELECT uid, epoch FROM bili_fleet.leases";
    client.batch_execute(epochs).await.unwrap();
    // All of them, and a new one, in no order.
    let lines: Vec<String> = (FIRST..=FIRST + ACCOUNTS).rev().map(cookies).collect();
    let (code, said) = fleet.run(&["add", "--each-line"], &lines.join("\n"));
    assert!(code == 2 && said.contains("is there already"), "{said}");
    let args = ["add", "--each-line", "--replace", "--pace", "7"];
    let (code, said) = fleet.run(&args, &lines.join("\n"));
    assert_eq!((code, said.as_str()), (0, "51 accounts are added\n"));
    let statements = "SELECT count(*) FROM bili_fleet.statements";
    assert_eq!(number(&client, statements).await, 2);
    let replaced = format!(
        "SELECT count(*) FROM bili_fleet.accounts JOIN bili_fleet.leases l USING (uid) JOIN bili_fleet.before b USING (uid)
        WHERE uid < {FIRST} + {ACCOUNTS} AND state = CASE uid % 2 WHEN 0 THEN 'active' ELSE 'paused' END
            AND last_error IS NULL AND feeds = '{{at}}' AND pace_ms = 7000 AND owner IS NULL AND l.epoch = b.epoch + 1
            AND until > now()"
    );
    assert_eq!(number(&client, &replaced).await, ACCOUNTS);
    let new = "SELECT count(*) FROM bili_fleet.accounts JOIN bili_fleet.leases USING (uid)
        WHERE feeds = '{}' AND state = 'active' AND uid NOT IN (SELECT uid FROM bili_fleet.before)";
    assert_eq!(number(&client, new).await, 1);
    let twice = format!("{}\n{}\n", cookies(FIRST), cookies(FIRST));
    let (code, said) = fleet.run(&args, &twice);
    assert!(code == 2 && said.contains("given twice"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_paused_and_dropped_in_the_order_in_which_workers_lock() {
    let Some(fleet) = Fleet::start(2, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let checkpoint = "UPDATE bili_fleet.accounts SET checkpoint = '{}' WHERE uid = $1";
    for is_dropped in [false, true] {
        let mut commit = fleet.client().await;
        let commit = commit.transaction().await.unwrap();
        let fence = "SELECT uid FROM bili_fleet.leases ORDER BY uid FOR SHARE";
        commit.batch_execute(fence).await.unwrap();
        // In the order in which things arrived. What is dropped goes with its lease, so there one account is enough.
        if !is_dropped {
            commit.execute(checkpoint, &[&(FIRST + 1)]).await.unwrap();
        }
        let database = fleet.database.clone();
        let change = tokio::spawn(async move {
            let uids = [FIRST, FIRST + 1];
            match is_dropped {
                false => accounts::pause(&database, &uids, true).await,
                true => accounts::drop(&database, &uids).await,
            }
        });
        until("it waits", LONG, async || {
            number(&client, WAITING).await > 0
        })
        .await;
        commit.execute(checkpoint, &[&FIRST]).await.unwrap();
        commit.commit().await.unwrap();
        assert_eq!(change.await.unwrap().unwrap(), 2);
    }
    let left = "SELECT count(*) FROM bili_fleet.leases";
    assert_eq!(number(&client, left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_sent_again_although_its_account_was_dropped() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let put = async |key: &str| {
        let to = Uid(20_001).into();
        outbox::put(&fleet.database, key, FIRST, to, "made up").await
    };
    for state in ["waiting", "sending", "sent", "failed"] {
        assert!(put(state).await.unwrap());
    }
    client
        .execute("UPDATE bili_fleet.outbox SET state = key", &[])
        .await
        .unwrap();
    // As after a thousand claims.
    let claims = "UPDATE bili_fleet.leases SET epoch = epoch + 1000 RETURNING epoch";
    let before = number(&client, claims).await;
    assert_eq!(accounts::drop(&fleet.database, &[FIRST]).await.unwrap(), 1);
    let states = "SELECT string_agg(key || ' ' || state, ', ' ORDER BY key) FROM bili_fleet.outbox";
    let states: String = client.query_one(states, &[]).await.unwrap().get(0);
    assert_eq!(
        states,
        "failed failed, sending unknown, sent sent, waiting failed"
    );
    assert_eq!(fleet.run(&["add"], &cookies(FIRST)).0, 0);
    let after = number(&client, "SELECT epoch FROM bili_fleet.leases").await;
    assert!(
        after > before,
        "a lease of the dropped one is no lease of this one"
    );
    for key in ["waiting", "sending", "sent", "failed"] {
        assert!(!put(key).await.unwrap(), "{key}");
    }
    // One that comes while the account is being dropped is refused, and does not wait for ever.
    let mut drop = fleet.client().await;
    let drop = drop.transaction().await.unwrap();
    drop.execute("DELETE FROM bili_fleet.accounts", &[])
        .await
        .unwrap();
    let late = async {
        let waits = until("it waits", LONG, async || {
            number(&client, WAITING).await > 0
        });
        waits.await;
        drop.commit().await.unwrap();
    };
    let (late, ()) = tokio::join!(put("late"), late);
    assert!(matches!(late, Err(Error::Usage(_))), "{late:?}");
    let all = "SELECT count(*) FROM bili_fleet.outbox";
    assert_eq!(number(&client, all).await, 4);
}

#[tokio::test]
async fn what_cannot_be_done_ends_with_2_and_changes_nothing() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    let first = FIRST.to_string();
    let fail = "UPDATE bili_fleet.accounts SET state = 'failed', last_error = 'made up'";
    client.execute(fail, &[]).await.unwrap();
    for command in [&["pause"][..], &["resume"], &["feeds", "all"], &["drop"]] {
        let (code, words) = fleet.run(&[command, &[&first, "7"]].concat(), "");
        assert!(
            code == 2 && words.contains("no account 7"),
            "{command:?}: {words}"
        );
    }
    let is_left = "SELECT count(*) FROM bili_fleet.accounts
        WHERE state = 'failed' AND last_error = 'made up' AND feeds = '{}'";
    assert_eq!(number(&client, is_left).await, 1);
    for (args, words) in [
        (&["add", "--each-line"][..], "no cookies"),
        (&["work", "--lease", "1e13"], "--lease"),
    ] {
        let (code, said) = fleet.run(args, " \n");
        assert!(code == 2 && said.contains(words), "{args:?}: {said}");
    }

    // Why it failed is known until it goes on.
    assert_eq!(fleet.run(&["pause", &first, &first], "").0, 0);
    let paused = "SELECT count(*) FROM bili_fleet.accounts WHERE state = 'paused' AND last_error = 'made up'";
    assert_eq!(number(&client, paused).await, 1);
    assert_eq!(fleet.run(&["resume", &first], "").0, 0);
    let goes_on =
        "SELECT count(*) FROM bili_fleet.accounts WHERE state = 'active' AND last_error IS NULL";
    assert_eq!(number(&client, goes_on).await, 1);

    let odd = "INSERT INTO bili_fleet.events (uid, kind, session_type, talker_id, seqno, key, line)
        VALUES (1, 'message', 1, 2, 1, 0, 'made \"up\"')";
    client.execute(odd, &[]).await.unwrap();
    let (code, line) = fleet.run(&["tail", "--all", "--no-wait"], "");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, line["line"].as_str()), (0, Some("made \"up\"")));
}

#[tokio::test]
async fn without_tables_it_is_said_how_they_are_made() {
    let Some(fleet) = Fleet::start(1, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    client
        .batch_execute("DROP SCHEMA bili_fleet CASCADE")
        .await
        .unwrap();
    for args in [
        &["status"][..],
        &["tail", "--all"],
        &["prune", "--older-than", "1"],
        &["add"],
    ] {
        let mut command = fleet.command();
        command.args(args).stderr(Stdio::piped());
        let mut child = Worker(command.stdin(Stdio::null()).spawn().unwrap());
        until("it ends", LONG, async || {
            child.0.try_wait().unwrap().is_some()
        })
        .await;
        let mut words = String::new();
        let stderr = child.0.stderr.take();
        stderr.unwrap().read_to_string(&mut words).unwrap();
        assert_eq!(child.0.wait().unwrap().code(), Some(2), "{args:?}: {words}");
        assert!(words.contains("bili-fleet init"), "{args:?}: {words}");
    }
}
