//! Minutes of trouble: workers killed, stopped past their leases and continued, the database crashed, connections cut.
//!
//! `CHAOS_SEED=7 CHAOS_SECONDS=120 cargo test -p bilibili-session-fleet --test chaos -- --ignored --nocapture`
//!
//! The oracle: every message and every notification that the simulator had stands in the table exactly once, messages in
//! order within their conversation; the reader got each of them; each reply went out at most once, and once where that is said; no account is asked for by a worker without its lease, so never by two at once; after a kill
//! each account is asked for again within the lease and five seconds.
#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may"
)]

#[path = "chaos/feeds.rs"]
mod feeds;
#[path = "chaos/oracle.rs"]
mod oracle;
#[path = "chaos/replies.rs"]
mod replies;
mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bilibili_session_fleet::accounts::watch_feeds;
use bilibili_session_fleet::{FeedList, Position, Tail};
use bilibili_session_simulator::{NewMessage, Rng, Simulator};
use oracle::{check_events, check_idle, check_polls, check_secrets, check_writers};
use rustix::process::Signal;
use support::front::Front;
use support::{FIRST, Fleet, Worker, now_us, number, simulator, until};

const LEASE: i64 = 5;
const PACE: Duration = Duration::from_secs(1);
const SECOND: i64 = 1_000_000;
/// Time by which a request may be seen later than it was sent, on a machine that has much to do.
const SLACK: i64 = SECOND / 2;

/// Notes each change of a lease, with the time, and each event and checkpoint that somebody writes who has no lease then: it is
/// another one's, or had run out before the transaction began. Whoever commits in time has looked at it after that.
const HISTORY: &str = "
CREATE TABLE bili_fleet.history (uid bigint, owner text, until bigint, at bigint);
CREATE FUNCTION bili_fleet.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO bili_fleet.history VALUES (new.uid, split_part(new.owner, '-', 1),
        CASE WHEN isfinite(new.until) THEN (extract(epoch FROM new.until) * 1000000)::bigint ELSE 0 END,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    RETURN NULL; END $$;
CREATE TRIGGER note AFTER UPDATE ON bili_fleet.leases FOR EACH ROW EXECUTE FUNCTION bili_fleet.note();
CREATE TABLE bili_fleet.foreign_writes (uid bigint, what text, writer text, owner text, late interval);
CREATE FUNCTION bili_fleet.check_writer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE holder text; late interval; writer text := current_setting('application_name'); BEGIN
    SELECT split_part(owner, '-', 1), transaction_timestamp() - CASE WHEN isfinite(until) THEN until ELSE 'epoch' END
        INTO holder, late FROM bili_fleet.leases WHERE uid = new.uid;
    IF length(writer) = 1 AND (holder IS DISTINCT FROM writer OR late > interval '0') THEN
        INSERT INTO bili_fleet.foreign_writes VALUES (new.uid, TG_TABLE_NAME, writer, holder, late);
    END IF;
    RETURN NULL; END $$;
CREATE TRIGGER writer AFTER INSERT ON bili_fleet.events FOR EACH ROW EXECUTE FUNCTION bili_fleet.check_writer();
CREATE TRIGGER writer AFTER UPDATE OF checkpoint ON bili_fleet.accounts
    FOR EACH ROW EXECUTE FUNCTION bili_fleet.check_writer();";

/// Messages that came, without what the replies are.
const ARRIVED: &str =
    "SELECT count(*) FROM bili_fleet.events WHERE kind = 'message' AND talker_id <> 30001";

/// Account, conversation, number, key.
type Key = (i64, i64, i64, i64);

/// Events that must stand in the table.
#[derive(Default, Clone)]
struct Expected {
    messages: BTreeSet<Key>,
    feeds: feeds::Expected,
}

/// Troubles of a run, with their times.
#[derive(Default)]
struct Notes {
    /// Kills, stops and ends of workers.
    kills: Vec<(String, i64)>,
    /// Ends of stops.
    continued: Vec<(String, i64)>,
    /// Times in which the database was away.
    outages: Vec<(i64, i64)>,
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(otherwise)
}

struct Place {
    name: String,
    front: Front,
    worker: Option<Worker>,
}

impl Place {
    fn start(&mut self, fleet: &Fleet) {
        let lease = LEASE.to_string();
        let options = ["--lease", &lease, "--capacity", "300"];
        self.worker = Some(fleet.worker(&self.name, &self.front.origin, &options));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes"]
async fn chaos() {
    let seed = setting("CHAOS_SEED", 1);
    let seconds = setting("CHAOS_SECONDS", 90);
    let accounts = i64::try_from(setting("CHAOS_ACCOUNTS", 300)).unwrap();
    let Some(fleet) = Fleet::start(accounts, PACE).await else {
        return;
    };
    let client = fleet.client().await;
    client.batch_execute(HISTORY).await.unwrap();
    let with_feeds = (FIRST..FIRST + accounts).filter(|uid| feeds::is_watched(*uid));
    let with_feeds: Vec<i64> = with_feeds.collect();
    watch_feeds(&fleet.database, &with_feeds, &FeedList::all())
        .await
        .unwrap();
    let simulator = simulator(accounts);
    let mut places = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        places.push(Place {
            name: name.to_owned(),
            front: Front::start(&simulator).await,
            worker: None,
        });
    }
    for place in places.iter_mut().take(3) {
        place.start(&fleet);
    }
    until("all are watched", Duration::from_secs(60), async || {
        number(
            &client,
            "SELECT count(*) FROM bili_fleet.accounts WHERE checkpoint IS NOT NULL",
        )
        .await
            == accounts
    })
    .await;

    let read: Arc<Mutex<Vec<i64>>> = Arc::default();
    let reader = {
        let (database, read) = (fleet.database.clone(), Arc::clone(&read));
        tokio::spawn(async move {
            let mut tail = Tail::new(&database, Position::START);
            loop {
                match tail.next().await {
                    Ok(events) => read
                        .lock()
                        .unwrap()
                        .extend(events.iter().map(|event| event.id)),
                    Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                }
            }
        })
    };
    let expected: Arc<Mutex<Expected>> = Arc::default();
    let talk = tokio::spawn(talk(
        Arc::clone(&simulator),
        Arc::clone(&expected),
        seed,
        accounts,
    ));

    let replying = tokio::spawn(replies::put(fleet.database.clone(), seed, accounts));

    let mut rng = Rng::new(seed);
    let mut notes = Notes::default();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_millis(1000 + rng.below(3000))).await;
        trouble(&fleet, &mut places, &mut rng, &mut notes).await;
    }
    talk.abort();
    replying.abort();
    for place in &mut places {
        if place.worker.is_none() {
            place.start(&fleet);
        }
    }
    let client = fleet.client().await;
    let expected = expected.lock().unwrap().clone();
    let messages = i64::try_from(expected.messages.len()).unwrap();
    let is_there = async || {
        number(&client, ARRIVED).await >= messages
            && expected.feeds.faults(&client).await.is_empty()
            && replies::open(&client).await == 0
    };
    let limit = Instant::now() + Duration::from_secs(40);
    while !is_there().await && Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // What would come twice has time to.
    tokio::time::sleep(Duration::from_secs(3)).await;
    reader.abort();
    // What is looked at from here on stands still.
    places.iter_mut().for_each(|place| place.worker = None);
    println!(
        "seed {seed}: {} messages, {} notifications, {} kills, stops and ends, {} outages",
        expected.messages.len(),
        expected.feeds.len(),
        notes.kills.len(),
        notes.outages.len()
    );

    let mut faults = Vec::new();
    let read = read.lock().unwrap().clone();
    check_events(&client, &expected.messages, &read, &mut faults).await;
    faults.extend(expected.feeds.faults(&client).await);
    check_polls(&client, &places, &notes.continued, &mut faults).await;
    check_idle(&client, &places, &notes, &mut faults).await;
    check_writers(&client, &mut faults).await;
    replies::check(&client, &places, &mut faults).await;
    check_secrets(&fleet, accounts, &mut faults);
    assert!(
        faults.is_empty(),
        "seed {seed}: {} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// Messages for any account, notifications for some, until it is aborted.
async fn talk(
    simulator: Arc<Mutex<Simulator>>,
    expected: Arc<Mutex<Expected>>,
    seed: u64,
    accounts: i64,
) {
    let mut rng = Rng::new(seed ^ 0x5eed);
    loop {
        tokio::time::sleep(Duration::from_millis(rng.below(40))).await;
        let uid = FIRST + i64::try_from(rng.below(accounts.unsigned_abs())).unwrap();
        let from = 20_001 + i64::try_from(rng.below(4)).unwrap();
        if feeds::is_watched(uid) {
            let (mut simulator, mut expected) =
                (simulator.lock().unwrap(), expected.lock().unwrap());
            expected
                .feeds
                .happen(&mut simulator, uid, now_us(), &mut rng);
        }
        for _ in 0..=rng.below(3) {
            let message = NewMessage::text(from, "made up");
            let arrived = simulator
                .lock()
                .unwrap()
                .receive_for(uid, now_us(), message)
                .unwrap();
            let seqno = i64::try_from(arrived.msg_seqno).unwrap();
            expected
                .lock()
                .unwrap()
                .messages
                .insert((uid, from, seqno, arrived.msg_key));
        }
    }
}

/// One thing that goes wrong.
async fn trouble(fleet: &Fleet, places: &mut [Place], rng: &mut Rng, notes: &mut Notes) {
    let running: Vec<usize> = (0..places.len())
        .filter(|place| places[*place].worker.is_some())
        .collect();
    let idle: Vec<usize> = (0..places.len())
        .filter(|place| places[*place].worker.is_none())
        .collect();
    let chosen = running[usize::try_from(rng.below(running.len() as u64)).unwrap()];
    let at = now_us();
    match rng.below(12) {
        0..=2 if running.len() > 1 => {
            println!("{} is killed", places[chosen].name);
            notes.kills.push((places[chosen].name.clone(), at));
            places[chosen].worker = None;
        }
        3..=5 if running.len() > 1 => {
            println!("{} is stopped past its lease", places[chosen].name);
            let worker = places[chosen].worker.as_ref().unwrap();
            notes.kills.push((places[chosen].name.clone(), at));
            worker.signal(Signal::STOP);
            tokio::time::sleep(Duration::from_millis(
                LEASE.unsigned_abs() * 1000 + 500 + rng.below(3000),
            ))
            .await;
            notes
                .continued
                .push((places[chosen].name.clone(), now_us()));
            worker.signal(Signal::CONT);
        }
        6 if running.len() > 1 => {
            println!("{} is asked to end", places[chosen].name);
            notes.kills.push((places[chosen].name.clone(), at));
            let worker = places[chosen].worker.take().unwrap();
            worker.signal(Signal::TERM);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        7 => {
            println!("the database crashes");
            fleet.postgres.crash();
            notes.outages.push((at, now_us()));
        }
        8..=9 => {
            println!("connections are cut");
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL";
            fleet.client().await.execute(cut, &[]).await.unwrap();
            notes.outages.push((at, now_us()));
        }
        _ => {
            let Some(place) = idle.first() else { return };
            println!("{} comes", places[*place].name);
            places[*place].start(fleet);
        }
    }
}
