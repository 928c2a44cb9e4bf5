//! The entries of all feeds, in one form.

use super::{FeedEvent, NewLikes};
use crate::ids::Uid;
use crate::model::{At, Like, Reply, SystemNotice};
use crate::time::UnixSeconds;

/// Identity of the subject of an entry: for likes the thing that was liked, else the entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    /// The number of the thing, or of the entry.
    pub(super) id: i64,
    /// The kind of the thing; empty for an entry.
    pub(super) kind: String,
}

/// An entry of a feed.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) subject: Subject,
    /// The number of the entry within its feed.
    pub(super) id: i64,
    /// The time of the entry, or of its neighbour above where it has none.
    pub(super) time: UnixSeconds,
    /// The same, at most the time at which the reading began: what comes during a reading makes
    /// nothing old that it may have passed by.
    pub(super) settled: UnixSeconds,
    /// The number of likes; 0 for other entries.
    pub(super) counts: i64,
    pub(super) event: FeedEvent,
}

impl Item {
    /// Creates the item of an entry whose neighbour above has this time.
    pub(super) fn new(event: FeedEvent, above: UnixSeconds) -> Self {
        let entry = Subject {
            id: event.id(),
            kind: String::new(),
        };
        let (subject, counts) = match &event {
            FeedEvent::Like(likes) if likes.like.item.item_id != 0 => {
                let thing = Subject {
                    id: likes.like.item.item_id,
                    kind: likes.like.item.kind.clone(),
                };
                (thing, likes.like.counts)
            }
            FeedEvent::Like(likes) => (entry, likes.like.counts),
            _ => (entry, 0),
        };
        let time = event.time().unwrap_or(above);
        Self {
            subject,
            id: event.id(),
            time,
            settled: time,
            counts,
            event,
        }
    }

    /// Returns the users who are named, the newest first.
    pub(super) fn users(&self) -> impl Iterator<Item = Uid> {
        let users = match &self.event {
            FeedEvent::Like(likes) => likes.like.users.as_slice(),
            _ => &[],
        };
        users.iter().map(|user| user.mid)
    }

    /// Returns the place in the order of delivery.
    pub(super) const fn place(&self) -> (UnixSeconds, i64) {
        (self.time, self.id)
    }
}

/// Returns the items of entries that stand one below the other, the first below `above`.
pub(super) fn items<T: Into<FeedEvent>>(entries: Vec<T>, mut above: UnixSeconds) -> Vec<Item> {
    let item = |entry: T| {
        let item = Item::new(entry.into(), above);
        above = item.time;
        item
    };
    entries.into_iter().map(item).collect()
}

impl From<Reply> for FeedEvent {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<At> for FeedEvent {
    fn from(at: At) -> Self {
        Self::At(at)
    }
}

/// Converts an entry of which nothing is known yet.
impl From<Like> for FeedEvent {
    fn from(like: Like) -> Self {
        Self::Like(NewLikes {
            users: Vec::new(),
            counts_before: None,
            like,
        })
    }
}

impl From<SystemNotice> for FeedEvent {
    fn from(notice: SystemNotice) -> Self {
        Self::System(notice)
    }
}
