//! Notifications in the chaos: what happens at the simulator, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session_simulator::{FeedKind, NewNotification, Rng, Simulator};
use serde_json::Value;
use tokio_postgres::Client;

/// Each third account is watched for all feeds.
pub(crate) const fn is_watched(uid: i64) -> bool {
    uid % 3 == 0
}

/// Notifications that must stand in the table.
#[derive(Default, Clone)]
pub(crate) struct Expected {
    /// Account, kind and number of each reply, mention and notice.
    once: BTreeSet<(i64, String, i64)>,
    /// Number of likes of each thing of an account: they come one by one or several at once.
    likes: BTreeMap<(i64, i64), i64>,
}

impl Expected {
    pub(crate) fn len(&self) -> usize {
        self.once.len()
            + self
                .likes
                .values()
                .map(|count| *count as usize)
                .sum::<usize>()
    }

    /// Lets something happen to this account.
    pub(crate) fn happen(
        &mut self,
        simulator: &mut Simulator,
        uid: i64,
        now_us: i64,
        rng: &mut Rng,
    ) {
        let thing = uid * 10 + i64::try_from(rng.below(3)).unwrap();
        let from = 20_001 + i64::try_from(rng.below(900)).unwrap();
        let new = match rng.below(5) {
            0 => NewNotification::reply(from, "made up"),
            1 => NewNotification::at(from, "made up"),
            2 => NewNotification::system("made up"),
            _ => NewNotification::like(from, thing),
        };
        let kind = new.kind;
        let notified = simulator.notify_for(uid, now_us, new).unwrap();
        if kind == FeedKind::Like {
            self.likes.insert((uid, thing), notified.counts);
        } else {
            let new = self
                .once
                .insert((uid, kind.as_str().to_owned(), notified.id));
            assert!(new, "the simulator gives numbers out once");
        }
    }

    /// Returns what is wrong with the table.
    pub(crate) async fn faults(&self, client: &Client) -> Vec<String> {
        let mut faults = Vec::new();
        let all = "SELECT uid, kind, key, line FROM bili_fleet.events WHERE kind <> 'message' ORDER BY id";
        let (mut once, mut likes) = (BTreeSet::new(), BTreeMap::new());
        for row in client.query(all, &[]).await.unwrap() {
            let (uid, kind): (i64, String) = (row.get(0), row.get(1));
            if kind != "like" {
                let key = (uid, kind, row.get(2));
                if !once.insert(key.clone()) {
                    faults.push(format!("twice: {key:?}"));
                }
                continue;
            }
            let line: Value = serde_json::from_str(row.get(3)).unwrap();
            let thing = (uid, line["item"]["item_id"].as_i64().unwrap());
            // Each goes on where the one before has ended, so each like is in one of them.
            let before = likes.insert(thing, line["counts"].as_i64().unwrap());
            if before != line["counts_before"].as_i64() {
                faults.push(format!("likes of {thing:?} after {before:?}: {line}"));
            }
        }
        if once != self.once {
            let missing: Vec<_> = self.once.difference(&once).collect();
            faults.push(format!(
                "{} notifications are missing: {:?}",
                missing.len(),
                missing.first()
            ));
            let foreign: Vec<_> = once.difference(&self.once).collect();
            faults.push(format!(
                "{} that the simulator did not have: {:?}",
                foreign.len(),
                foreign.first()
            ));
        }
        let wrong = self
            .likes
            .iter()
            .filter(|(thing, count)| likes.get(thing) != Some(count));
        let wrong: Vec<_> = wrong.collect();
        if !wrong.is_empty() || likes.len() != self.likes.len() {
            let first = wrong
                .first()
                .map(|(thing, count)| (*thing, *count, likes.get(thing)));
            faults.push(format!(
                "likes of {} things are not those: {first:?}",
                wrong.len()
            ));
        }
        faults
    }
}
