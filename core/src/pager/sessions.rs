//! The whole list of conversations.

use std::collections::BTreeSet;

use super::{Pager, Tally};
use crate::endpoints::{GetSessions, SessionPage};
use crate::error::PageError;
use crate::ids::ConversationId;
use crate::json::Unreadable;
use crate::list_walk::{ListCall, ListWalk, Progress};
use crate::model::Conversation;

/// The whole list of conversations, newest first, each once; pinned ones stand where the service
/// puts them.
///
/// If the list of all conversations does not lead further down, the single types are read after
/// it: from there on each type begins anew with its newest.
#[derive(Debug, Clone)]
#[must_use]
pub struct SessionsPager {
    walk: ListWalk,
    state: State,
    seen: BTreeSet<ConversationId>,
    tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Whole,
    Unproven,
}

impl SessionsPager {
    /// Creates a pager of the list that this call begins.
    pub fn new(call: GetSessions) -> Self {
        Self {
            walk: ListWalk::whole(call),
            state: State::Reading,
            seen: BTreeSet::new(),
            tally: Tally::new(),
        }
    }

    /// Sets the greatest number of conversations.
    pub const fn limit(mut self, conversations: usize) -> Self {
        self.tally.left = conversations;
        self
    }

    /// Returns whether the list ended in a way that may hide some: a page said that there are
    /// more, and none led to them.
    pub fn is_incomplete(&self) -> bool {
        self.state == State::Unproven
    }
}

impl Pager for SessionsPager {
    type Endpoint = GetSessions;
    type Item = Conversation;

    fn next_call(&self) -> Option<GetSessions> {
        if self.state != State::Reading || self.tally.is_full() {
            return None;
        }
        match self.walk.call() {
            ListCall::Sessions(call) => Some(call),
            ListCall::Changes(_) => None,
        }
    }

    /// Takes a page; the pager ends at the last page, and where no page leads further.
    fn handle_page(&mut self, page: SessionPage) -> Result<Vec<Conversation>, PageError> {
        if self.state != State::Reading {
            return Err(PageError::Unasked);
        }
        self.state = match self.walk.handle_page(&page) {
            // A list that begins with its oldest is not read upwards here.
            Progress::More if matches!(self.walk.call(), ListCall::Changes(_)) => State::Unproven,
            Progress::More => State::Reading,
            Progress::Whole => State::Whole,
            Progress::Unproven => State::Unproven,
        };
        let mut fresh = page.session_list;
        fresh.retain(|conversation| self.seen.insert(conversation.id()));
        self.tally.note(page.unreadable);
        Ok(self.tally.take(fresh))
    }

    fn take_unreadable(&mut self) -> Vec<Unreadable> {
        std::mem::take(&mut self.tally.unreadable)
    }
}
