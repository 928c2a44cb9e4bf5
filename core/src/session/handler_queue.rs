//! The updates that wait for their handlers: those of one conversation are handled in order,
//! those of different ones side by side.

use std::collections::{BTreeMap, VecDeque};

use super::Update;
use crate::event::Event;
use crate::feeds::{FeedEvent, FeedKind};
use crate::ids::ConversationId;

/// Updates that are handled in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// Warnings and changes of the status.
    Reports,
    /// The messages of one conversation.
    Conversation(ConversationId),
    /// The notifications of one feed.
    Feed(FeedKind),
}

/// Queue of updates that are not handled yet, in lanes.
#[derive(Debug)]
pub(super) struct HandlerQueue {
    /// The updates that are not handled yet. The first of a lane may be at work.
    lanes: BTreeMap<Lane, VecDeque<Update>>,
    /// The lanes in which no update is at work.
    ready: VecDeque<Lane>,
    /// Number of updates that are at work.
    at_work: usize,
    /// Number of updates that wait.
    waiting: usize,
    pub(super) max_at_work: usize,
    pub(super) max_waiting: usize,
}

impl HandlerQueue {
    pub(super) const fn new(max_at_work: usize, max_waiting: usize) -> Self {
        Self {
            lanes: BTreeMap::new(),
            ready: VecDeque::new(),
            at_work: 0,
            waiting: 0,
            max_at_work,
            max_waiting,
        }
    }

    pub(super) const fn has_room(&self) -> bool {
        self.waiting < self.max_waiting
    }

    pub(super) const fn is_at_work(&self) -> bool {
        self.at_work > 0
    }

    pub(super) fn put(&mut self, update: Update) {
        let lane = lane(&update);
        let queue = self.lanes.entry(lane).or_default();
        if queue.is_empty() {
            self.ready.push_back(lane);
        }
        queue.push_back(update);
        self.waiting += 1;
    }

    /// Returns the next update that may be handled now; a message or a notification only if
    /// `events` is set.
    pub(super) fn take(&mut self, events: bool) -> Option<Update> {
        if self.at_work >= self.max_at_work {
            return None;
        }
        let place = self
            .ready
            .iter()
            .position(|lane| events || *lane == Lane::Reports)?;
        let lane = self.ready.remove(place)?;
        let update = self.lanes.get(&lane)?.front()?.clone();
        self.waiting = self.waiting.saturating_sub(1);
        self.at_work += 1;
        Some(update)
    }

    /// Notes that an update was handled: the next of its lane may be.
    pub(super) fn handled(&mut self, update: &Update) {
        let lane = lane(update);
        let Some(queue) = self.lanes.get_mut(&lane) else {
            return;
        };
        queue.pop_front();
        if queue.is_empty() {
            self.lanes.remove(&lane);
        } else {
            self.ready.push_back(lane);
        }
        self.at_work = self.at_work.saturating_sub(1);
    }

    /// Puts back an update that was taken and not handled: it is the next of its lane again.
    pub(super) fn give_back(&mut self, update: &Update) {
        self.ready.push_front(lane(update));
        self.waiting += 1;
        self.at_work = self.at_work.saturating_sub(1);
    }

    /// Returns the messages that are not handled yet.
    pub(super) fn unhandled(&self) -> impl Iterator<Item = &Event> {
        let updates = self.lanes.values().flatten();
        updates.filter_map(|update| update.event().map(AsRef::as_ref))
    }

    /// Returns the notifications that are not handled yet.
    pub(super) fn unhandled_feeds(&self) -> impl Iterator<Item = &FeedEvent> {
        let updates = self.lanes.values().flatten();
        updates.filter_map(|update| update.feed_event().map(AsRef::as_ref))
    }

    /// Returns whether a notification of this feed is not handled yet.
    pub(super) fn holds_feed(&self, feed: FeedKind) -> bool {
        self.lanes.contains_key(&Lane::Feed(feed))
    }
}

fn lane(update: &Update) -> Lane {
    match update {
        Update::Event(event) => Lane::Conversation(event.conversation),
        Update::Feed(event) => Lane::Feed(event.kind()),
        Update::Warning(_) | Update::Status(_) => Lane::Reports,
    }
}
