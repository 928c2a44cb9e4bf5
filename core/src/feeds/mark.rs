//! The part of a feed that is known: what is old, and what was delivered.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::item::{Item, Subject};
use super::{FeedEvent, FeedKind};
use crate::ids::Uid;
use crate::time::UnixSeconds;

/// Greatest distance below the newest entry at which an entry may still show up.
pub(super) const LATE: Duration = Duration::from_secs(60);

/// Number of liked things that are remembered besides those from the floor on.
const MOST_THINGS: usize = 500;

/// Number of users that are remembered of a liked thing.
const MOST_USERS: usize = 8;

/// The part of a feed that is known.
///
/// An entry is new if its time is not below the floor and it is not known, or if it tells of more
/// likes than are known. The floor follows the newest entry at a distance, when a reading begins:
/// what shows up late between the two is new all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    floor: UnixSeconds,
    newest: UnixSeconds,
    /// All entries from the floor on that are old or were delivered; of likes also lower ones.
    known: BTreeMap<Subject, Known>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    time: UnixSeconds,
    counts: i64,
    users: Vec<Uid>,
}

impl Mark {
    /// Creates the mark of a feed in which everything is new from this time on.
    pub(super) const fn at(time: UnixSeconds) -> Self {
        Self {
            floor: time,
            newest: time,
            known: BTreeMap::new(),
        }
    }

    /// Returns the time below which no entry is new.
    pub(super) const fn floor(&self) -> UnixSeconds {
        self.floor
    }

    pub(super) fn is_new(&self, item: &Item) -> bool {
        match self.known.get(&item.subject) {
            None => item.time >= self.floor,
            Some(known) => {
                let is_like = matches!(item.event, FeedEvent::Like(_));
                is_like && (item.time > known.time || item.counts > known.counts)
            }
        }
    }

    /// Notes that an entry is old, or that it is delivered now.
    pub(super) fn note(&mut self, item: &Item) {
        self.newest = self.newest.max(item.settled);
        let known = self.known.entry(item.subject.clone()).or_default();
        known.time = known.time.max(item.time);
        known.counts = known.counts.max(item.counts);
        let before = std::mem::take(&mut known.users);
        let named: Vec<Uid> = item.users().collect();
        let before = before.into_iter().filter(|user| !named.contains(user));
        known.users = named.iter().copied().chain(before).collect();
        known.users.truncate(MOST_USERS);
    }

    /// Delivers an entry: completes its event by what was known before, and notes it.
    pub(super) fn deliver(&mut self, mut item: Item) -> FeedEvent {
        let known = self.known.get(&item.subject);
        if let FeedEvent::Like(likes) = &mut item.event {
            likes.counts_before = known.map(|known| known.counts);
            let more = likes.counts_before.map_or(likes.like.counts, |before| {
                likes.like.counts.saturating_sub(before)
            });
            // Where the number is the same, one like went and another came.
            let more = usize::try_from(more).unwrap_or(0);
            let most = if more == 0 { usize::MAX } else { more };
            let is_new = |user: Uid| known.is_none_or(|known| !known.users.contains(&user));
            let users = likes.like.users.iter().filter(|user| is_new(user.mid));
            likes.users = users.take(most).cloned().collect();
        }
        self.note(&item);
        item.event
    }

    /// Raises the floor to its distance from the newest entry, and forgets what lies below.
    pub(super) fn raise_floor(&mut self) {
        let newest = self.newest.to_micros().minus(LATE).to_seconds();
        self.floor = self.floor.max(newest);
        let floor = self.floor;
        let is_low = |known: &Known| known.time < floor;
        self.known
            .retain(|subject, known| !is_low(known) || !subject.kind.is_empty());
        let low = self.known.values().filter(|known| is_low(known));
        let mut times: Vec<UnixSeconds> = low.map(|known| known.time).collect();
        if let Some(too_many) = times.len().checked_sub(MOST_THINGS + 1) {
            // The oldest go.
            let (_, last, _) = times.select_nth_unstable(too_many);
            let last = *last;
            self.known.retain(|_, known| known.time > last);
        }
    }

    /// Notes that a reading which began after this entry has delivered all that it found.
    pub(super) fn reach(&mut self, newest: UnixSeconds) {
        self.newest = self.newest.max(newest);
    }

    /// Leaves the floor where it is until something newer comes.
    pub(super) fn keep_floor(&mut self) {
        self.newest = self.floor;
    }

    /// Takes back a delivery that is not handled yet: the entry comes again.
    pub(super) fn take_back(&mut self, event: &FeedEvent) {
        let item = Item::new(event.clone(), self.newest);
        self.floor = self.floor.min(item.time);
        // Later entries raise the floor no higher than that.
        let highest = item.time.plus(LATE);
        self.newest = self.newest.min(highest);
        match event {
            FeedEvent::Like(likes) if likes.counts_before.is_some() => {
                if let Some(known) = self.known.get_mut(&item.subject) {
                    let before = likes.counts_before.unwrap_or_default();
                    known.counts = known.counts.min(before);
                    let earlier = UnixSeconds(item.time.0.saturating_sub(1));
                    known.time = known.time.min(earlier);
                    let is_new = |user: &Uid| likes.users.iter().any(|it| it.mid == *user);
                    known.users.retain(|user| !is_new(user));
                }
            }
            _ => {
                self.known.remove(&item.subject);
            }
        }
    }
}

/// A [`Mark`] as a checkpoint keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedMark {
    pub(super) kind: FeedKind,
    floor: i64,
    newest: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known: Vec<SavedKnown>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedKnown {
    id: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    kind: String,
    time: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    counts: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    users: Vec<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Mark {
    pub(super) fn save(&self, kind: FeedKind) -> SavedMark {
        let known = self.known.iter().map(|(subject, known)| SavedKnown {
            id: subject.id,
            kind: subject.kind.clone(),
            time: known.time.0,
            counts: known.counts,
            users: known.users.iter().map(|user| user.0).collect(),
        });
        SavedMark {
            kind,
            floor: self.floor.0,
            newest: self.newest.0,
            known: known.collect(),
        }
    }

    pub(super) fn restore(saved: &SavedMark) -> Self {
        let known = saved.known.iter().map(|saved| {
            let subject = Subject {
                id: saved.id,
                kind: saved.kind.clone(),
            };
            let known = Known {
                time: UnixSeconds(saved.time),
                counts: saved.counts,
                users: saved.users.iter().copied().map(Uid).collect(),
            };
            (subject, known)
        });
        Self {
            floor: UnixSeconds(saved.floor),
            newest: UnixSeconds(saved.newest),
            known: known.collect(),
        }
    }
}

impl SavedMark {
    /// Returns the feed that the mark is of.
    pub(crate) const fn kind(&self) -> FeedKind {
        self.kind
    }

    /// Removes an event that was delivered but is not handled yet.
    pub(crate) fn take_back(&mut self, event: &FeedEvent) {
        let mut mark = Mark::restore(self);
        mark.take_back(event);
        *self = mark.save(self.kind);
    }
}
