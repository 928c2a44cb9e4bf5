//! Minutes of trouble: workers killed, stopped past their leases and continued, the database crashed, connections cut.
//!
//! `CHAOS_SEED=7 CHAOS_SECONDS=120 cargo test -p bilibili-session-fleet --test chaos -- --ignored --nocapture`
//!
//! The oracle: every message and every notification that the simulator had stands in the table exactly once, messages in
//! order within their conversation; the reader got each of them; no account is asked for by a worker without its lease, so never by two at once; after a kill
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
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bilibili_session_fleet::accounts::watch_feeds;
use bilibili_session_fleet::{FeedList, Position, Tail};
use bilibili_session_simulator::{NewMessage, Rng, Simulator};
use rustix::process::Signal;
use support::front::Front;
use support::{FIRST, Fleet, Worker, now_us, number, simulator, until};

const LEASE: i64 = 5;
const PACE: Duration = Duration::from_secs(1);
const SECOND: i64 = 1_000_000;
/// Time by which a request may be seen later than it was sent, on a machine that has much to do.
const SLACK: i64 = SECOND / 2;

/// Notes each change of a lease, with the time.
const HISTORY: &str = "
CREATE TABLE bili_fleet.history (uid bigint, owner text, until bigint, at bigint);
CREATE FUNCTION bili_fleet.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO bili_fleet.history VALUES (new.uid, split_part(new.owner, '-', 1),
        CASE WHEN isfinite(new.until) THEN (extract(epoch FROM new.until) * 1000000)::bigint ELSE 0 END,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    RETURN NULL; END $$;
CREATE TRIGGER note AFTER UPDATE ON bili_fleet.leases FOR EACH ROW EXECUTE FUNCTION bili_fleet.note();";

/// Account, conversation, number, key.
type Key = (i64, i64, i64, i64);

/// What must stand in the table.
#[derive(Default, Clone)]
struct Expected {
    messages: BTreeSet<Key>,
    feeds: feeds::Expected,
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

    let mut rng = Rng::new(seed);
    let (mut kills, mut continued) = (Vec::new(), Vec::new());
    let mut outages = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_millis(1000 + rng.below(3000))).await;
        let notes = (&mut kills, &mut continued, &mut outages);
        trouble(&fleet, &mut places, &mut rng, notes).await;
    }
    talk.abort();
    for place in &mut places {
        if place.worker.is_none() {
            place.start(&fleet);
        }
    }
    let client = fleet.client().await;
    let expected = expected.lock().unwrap().clone();
    let messages = i64::try_from(expected.messages.len()).unwrap();
    let is_there = async || {
        let all = "SELECT count(*) FROM bili_fleet.events WHERE kind = 'message'";
        number(&client, all).await >= messages && expected.feeds.faults(&client).await.is_empty()
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
        kills.len(),
        outages.len()
    );

    let mut faults = Vec::new();
    let read = read.lock().unwrap().clone();
    check_events(&client, &expected.messages, &read, &mut faults).await;
    faults.extend(expected.feeds.faults(&client).await);
    check_polls(&client, &places, &continued, &mut faults).await;
    check_idle(&client, &places, &kills, &outages, &mut faults).await;
    let (dump, secrets) = (
        fleet.postgres.dump(),
        bilibili_session_simulator::Login::made_up(FIRST),
    );
    for name in ["a", "b", "c", "d", "e"] {
        let log = std::fs::read_to_string(fleet.postgres.folder().join(format!("{name}.log")))
            .unwrap_or_default();
        if dump.contains(&secrets.sessdata) || log.contains("SESSDATA") || log.contains("panicked")
        {
            faults.push(format!("a cookie or a panic, {name}"));
        }
    }
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
async fn trouble(
    fleet: &Fleet,
    places: &mut [Place],
    rng: &mut Rng,
    (kills, continued, outages): (
        &mut Vec<(String, i64)>,
        &mut Vec<(String, i64)>,
        &mut Vec<(i64, i64)>,
    ),
) {
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
            kills.push((places[chosen].name.clone(), at));
            places[chosen].worker = None;
        }
        3..=5 if running.len() > 1 => {
            println!("{} is stopped past its lease", places[chosen].name);
            let worker = places[chosen].worker.as_ref().unwrap();
            kills.push((places[chosen].name.clone(), at));
            worker.signal(Signal::STOP);
            tokio::time::sleep(Duration::from_millis(
                LEASE.unsigned_abs() * 1000 + 500 + rng.below(3000),
            ))
            .await;
            continued.push((places[chosen].name.clone(), now_us()));
            worker.signal(Signal::CONT);
        }
        6 if running.len() > 1 => {
            println!("{} is asked to end", places[chosen].name);
            kills.push((places[chosen].name.clone(), at));
            let worker = places[chosen].worker.take().unwrap();
            worker.signal(Signal::TERM);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        7 => {
            println!("the database crashes");
            fleet.postgres.crash();
            outages.push((at, now_us()));
        }
        8..=9 => {
            println!("connections are cut");
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL";
            fleet.client().await.execute(cut, &[]).await.unwrap();
            outages.push((at, now_us()));
        }
        _ => {
            let Some(place) = idle.first() else { return };
            println!("{} comes", places[*place].name);
            places[*place].start(fleet);
        }
    }
}

/// Each event once, in order, and read.
async fn check_events(
    client: &tokio_postgres::Client,
    expected: &BTreeSet<Key>,
    read: &[i64],
    faults: &mut Vec<String>,
) {
    let all = "SELECT uid, talker_id, seqno, key, id FROM bili_fleet.events WHERE kind = 'message' ORDER BY id";
    let mut there = BTreeMap::new();
    let mut last = BTreeMap::new();
    for row in client.query(all, &[]).await.unwrap() {
        let key: Key = (row.get(0), row.get(1), row.get(2), row.get(3));
        let id: i64 = row.get(4);
        if there.insert(key, id).is_some() {
            faults.push(format!("twice: {key:?}"));
        }
        if last
            .insert((key.0, key.1), key.2)
            .is_some_and(|before| before >= key.2)
        {
            faults.push(format!("out of order: {key:?}"));
        }
    }
    let missing: Vec<_> = expected
        .iter()
        .filter(|key| !there.contains_key(*key))
        .collect();
    if !missing.is_empty() {
        faults.push(format!(
            "{} of {} are missing, such as {:?}",
            missing.len(),
            expected.len(),
            missing[0]
        ));
    }
    let foreign = there.keys().filter(|key| !expected.contains(*key)).count();
    if foreign > 0 {
        faults.push(format!("{foreign} that the simulator did not have"));
    }
    let ids: BTreeSet<i64> = read.iter().copied().collect();
    let all = "SELECT id FROM bili_fleet.events";
    let stored: Vec<i64> = client
        .query(all, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let unread = stored.iter().filter(|id| !ids.contains(*id)).count();
    if unread > 0 || ids.len() != read.len() {
        faults.push(format!(
            "the reader: {unread} skipped, {} twice",
            read.len() - ids.len()
        ));
    }
    println!("{} events, {} read", stored.len(), read.len());
}

/// Nobody asks without a lease.
async fn check_polls(
    client: &tokio_postgres::Client,
    places: &[Place],
    continued: &[(String, i64)],
    faults: &mut Vec<String>,
) {
    let mut leases: BTreeMap<i64, Vec<(i64, Option<String>, i64)>> = BTreeMap::new();
    let all = "SELECT uid, at, owner, until FROM bili_fleet.history ORDER BY at";
    for row in client.query(all, &[]).await.unwrap() {
        leases
            .entry(row.get(0))
            .or_default()
            .push((row.get(1), row.get(2), row.get(3)));
    }
    let none = Vec::new();
    let (mut polls, mut wrong) = (0, 0);
    // One that was handed to a connection just before the worker was stopped goes out when it is continued: one of an account.
    let mut on_their_way = BTreeSet::new();
    for place in places {
        for (uid, at) in place.front.asked.lock().unwrap().iter() {
            polls += 1;
            let leases = leases.get(uid).unwrap_or(&none);
            // A lease of this worker that held at some time within the slack.
            let first = leases.partition_point(|(begun, ..)| *begun < at - SLACK);
            let around = leases
                .iter()
                .skip(first.saturating_sub(1))
                .take_while(|(begun, ..)| *begun <= *at);
            let held = around.into_iter().any(|(_, owner, until)| {
                owner.as_deref() == Some(&place.name) && *until > at - SLACK
            });
            let mut was_on_its_way = || {
                let just = |(name, when): &(String, i64)| {
                    *name == place.name && (0..SECOND).contains(&(at - when))
                };
                let stop = continued.iter().position(just);
                stop.is_some_and(|stop| on_their_way.insert((*uid, stop)))
            };
            if !held && !was_on_its_way() {
                wrong += 1;
                let last = leases[..leases.partition_point(|(begun, ..)| begun <= at)].last();
                if wrong <= 3 {
                    faults.push(format!(
                        "{} asked for {uid} at {at} without a lease, which had {last:?} last",
                        place.name
                    ));
                }
            }
        }
    }
    if wrong > 3 {
        faults.push(format!("{wrong} of {polls} requests without a lease"));
    }
    println!(
        "{polls} requests, {wrong} without a lease, {} of a worker that was just continued",
        on_their_way.len()
    );
}

/// After a kill each account is asked for again in time.
async fn check_idle(
    client: &tokio_postgres::Client,
    places: &[Place],
    kills: &[(String, i64)],
    outages: &[(i64, i64)],
    faults: &mut Vec<String>,
) {
    let mut asked: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for place in places {
        for (uid, at) in place.front.asked.lock().unwrap().iter() {
            asked.entry(*uid).or_default().push(*at);
        }
    }
    asked.values_mut().for_each(|times| times.sort_unstable());
    let limit = (LEASE + 5) * SECOND;
    let (mut counted, mut longest, mut longest_after_outage) = (0, 0, 0);
    for (name, at) in kills {
        let owned = "SELECT uid FROM (SELECT DISTINCT ON (uid) uid, owner FROM bili_fleet.history WHERE at <= $1
            ORDER BY uid, at DESC) newest WHERE owner = $2";
        // While the database is away nobody can claim: the time counts from its return.
        let mut from = *at;
        for (begun, ended) in outages {
            if *begun < from + limit && *ended > from - 2 * SECOND {
                from = from.max(*ended);
            }
        }
        for row in client.query(owned, &[at, name]).await.unwrap() {
            let uid: i64 = row.get(0);
            let times = asked.get(&uid).map(Vec::as_slice).unwrap_or_default();
            let next = times.iter().find(|time| **time > at + SLACK);
            let idle = next.map_or(i64::MAX, |next| next - from);
            // Whoever claimed it next may have been killed or ended as well, before its first round: that kill counts.
            let heirs = "SELECT DISTINCT owner FROM bili_fleet.history
                WHERE uid = $1 AND at > $2 AND at < $3 AND owner IS NOT NULL";
            let is_again = idle > limit && {
                let heirs = client
                    .query(heirs, &[&uid, at, &(from + limit)])
                    .await
                    .unwrap();
                let heirs: Vec<String> = heirs.iter().map(|row| row.get(0)).collect();
                kills
                    .iter()
                    .any(|(other, when)| when > at && *when < from + limit && heirs.contains(other))
            };
            if is_again {
                continue;
            }
            counted += 1;
            match from == *at {
                true => longest = longest.max(idle),
                false => longest_after_outage = longest_after_outage.max(idle),
            }
            if idle > limit {
                faults.push(format!("{uid} of {name} was idle for {} ms", idle / 1000));
            }
        }
    }
    println!(
        "longest idle of {counted} after a kill or stop: {} ms; where the database was away as well, from its return: {} ms",
        longest / 1000,
        longest_after_outage / 1000
    );
}
