//! The updates that wait for their handlers: those of one conversation are handled in order,
//! those of different ones side by side.

use std::collections::VecDeque;

use super::Update;
use crate::event::Event;
use crate::feeds::{FeedEvent, FeedKind};
use crate::ids::ConversationId;

/// Room for waiting updates that is kept while none waits.
const KEPT_ROOM: usize = 4;

/// Updates that are handled in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Warnings and changes of the status.
    Reports,
    /// The messages of one conversation.
    Conversation(ConversationId),
    /// The notifications of one feed.
    Feed(FeedKind),
}

/// Updates that are not handled yet: few at a time, so they are looked through.
#[derive(Debug)]
pub(super) struct HandlerQueue {
    /// The updates that are at work, one of a lane at the most.
    at_work: Vec<Update>,
    /// The updates that wait, in the order of their arrival.
    waiting: VecDeque<Update>,
    pub(super) max_at_work: usize,
    pub(super) max_waiting: usize,
}

impl HandlerQueue {
    pub(super) const fn new(max_at_work: usize, max_waiting: usize) -> Self {
        Self {
            at_work: Vec::new(),
            waiting: VecDeque::new(),
            max_at_work,
            max_waiting,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < self.max_waiting
    }

    pub(super) const fn is_at_work(&self) -> bool {
        !self.at_work.is_empty()
    }

    pub(super) fn put(&mut self, update: Update) {
        self.waiting.push_back(update);
    }

    /// Returns the next update that may be handled now; a message or a notification only if
    /// `events` is set.
    pub(super) fn take(&mut self, events: bool) -> Option<Update> {
        if self.at_work.len() >= self.max_at_work {
            return None;
        }
        let place = self.waiting.iter().position(|update| {
            let lane = lane(update);
            (events || lane == Lane::Reports) && self.place_at_work(lane).is_none()
        })?;
        let update = self.waiting.remove(place)?;
        if self.waiting.is_empty() {
            self.waiting.shrink_to(KEPT_ROOM);
        }
        self.at_work.push(update.clone());
        Some(update)
    }

    /// Notes that an update was handled: the next of its lane may be.
    pub(super) fn handled(&mut self, update: &Update) {
        if let Some(place) = self.place_at_work(lane(update)) {
            self.at_work.swap_remove(place);
        }
    }

    /// Puts back an update that was taken and not handled: it is the next of its lane again.
    pub(super) fn give_back(&mut self, update: &Update) {
        self.handled(update);
        self.waiting.push_front(update.clone());
    }

    /// Returns the messages that are not handled yet.
    pub(super) fn unhandled(&self) -> impl Iterator<Item = &Event> {
        let updates = self.at_work.iter().chain(&self.waiting);
        updates.filter_map(|update| update.event().map(AsRef::as_ref))
    }

    /// Returns the notifications that are not handled yet.
    pub(super) fn unhandled_feeds(&self) -> impl Iterator<Item = &FeedEvent> {
        let updates = self.at_work.iter().chain(&self.waiting);
        updates.filter_map(|update| update.feed_event().map(AsRef::as_ref))
    }

    /// Returns whether a notification of this feed is not handled yet.
    pub(super) fn holds_feed(&self, feed: FeedKind) -> bool {
        self.unhandled_feeds().any(|event| event.kind() == feed)
    }

    fn place_at_work(&self, lane_at_work: Lane) -> Option<usize> {
        let mut at_work = self.at_work.iter();
        at_work.position(|update| lane(update) == lane_at_work)
    }
}

fn lane(update: &Update) -> Lane {
    match update {
        Update::Event(event) => Lane::Conversation(event.conversation),
        Update::Feed(event) => Lane::Feed(event.kind()),
        Update::Warning(_) | Update::Status(_) => Lane::Reports,
    }
}
