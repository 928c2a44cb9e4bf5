//! Checks of a run, whatever went wrong in it.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;

use crate::support::{FIRST, Fleet};
use crate::{Key, LEASE, Notes, Place, SECOND, SLACK};

/// Nobody writes without a lease, nor under one that had run out.
pub(crate) async fn check_writers(client: &tokio_postgres::Client, faults: &mut Vec<String>) {
    let all = "SELECT uid, what, writer, owner, late::text FROM bili_fleet.foreign_writes";
    let rows = client.query(all, &[]).await.unwrap();
    for row in rows.iter().take(3) {
        let (uid, what, writer): (i64, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let (owner, late): (Option<&str>, Option<&str>) = (row.get(3), row.get(4));
        faults.push(format!(
            "{writer} wrote {what} of {uid}, which {owner:?} had, {late:?} after the end of that lease"
        ));
    }
    println!("{} writes without a lease", rows.len());
}

/// No cookie stands in the database or in a log, and nobody panicked.
pub(crate) fn check_secrets(fleet: &Fleet, accounts: i64, faults: &mut Vec<String>) {
    let dump = fleet.postgres.dump();
    let logs = ["a", "b", "c", "d", "e"].map(|name| fleet.log(name));
    let texts = || logs.iter().chain([&dump]);
    for uid in FIRST..FIRST + accounts {
        let login = bilibili_session_simulator::Login::made_up(uid);
        // What the database holds as bytes stands in its dump in hexadecimal digits.
        let hex = |text: &str| HEXLOWER.encode(text.as_bytes());
        let cookies = [&login.sessdata, &login.bili_jct];
        let needles = cookies.map(|cookie| [cookie.clone(), hex(cookie)]).concat();
        if texts().any(|text| needles.iter().any(|needle| text.contains(needle))) {
            faults.push(format!("a cookie of {uid} in the clear"));
        }
    }
    if logs.iter().any(|log| log.contains("panicked")) {
        faults.push("a panic".to_owned());
    }
    let bytes = texts().map(String::len).sum::<usize>();
    println!(
        "{bytes} bytes of dump and logs looked through for the cookies of {accounts} accounts"
    );
}

/// Each event once, in order, and read.
pub(crate) async fn check_events(
    client: &tokio_postgres::Client,
    expected: &BTreeSet<Key>,
    read: &[i64],
    faults: &mut Vec<String>,
) {
    let all = "SELECT uid, talker_id, seqno, key, id FROM bili_fleet.events
        WHERE kind = 'message' AND talker_id <> 30001 ORDER BY id";
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
pub(crate) async fn check_polls(
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
pub(crate) async fn check_idle(
    client: &tokio_postgres::Client,
    places: &[Place],
    notes: &Notes,
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
    for (name, at) in &notes.kills {
        let owned = "SELECT uid FROM (SELECT DISTINCT ON (uid) uid, owner FROM bili_fleet.history WHERE at <= $1
            ORDER BY uid, at DESC) newest WHERE owner = $2";
        // While the database is away nobody can claim: the time counts from its return.
        let mut from = *at;
        for (begun, ended) in &notes.outages {
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
            let is_again = idle > limit - 3 * SECOND && {
                let heirs = client
                    .query(heirs, &[&uid, at, &(from + limit)])
                    .await
                    .unwrap();
                let heirs: Vec<String> = heirs.iter().map(|row| row.get(0)).collect();
                notes
                    .kills
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
