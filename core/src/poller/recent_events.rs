//! The last events, kept for withdrawals that come after them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::event::Event;
use crate::ids::{ConversationId, MsgKey};

/// The last events, the oldest dropped first.
///
/// A row: each message is added, and few are ever looked up.
#[derive(Debug)]
pub(super) struct RecentEvents {
    events: VecDeque<(MsgKey, Arc<Event>)>,
    max: usize,
}

impl RecentEvents {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            events: VecDeque::new(),
            max,
        }
    }

    pub(super) fn keep(&mut self, event: &Arc<Event>) {
        if self.max == 0 || event.msg_key().0 == 0 {
            return;
        }
        if self.events.len() >= self.max {
            self.events.pop_front();
        }
        self.events.push_back((event.msg_key(), Arc::clone(event)));
    }

    pub(super) fn get(&self, conversation: ConversationId, key: MsgKey) -> Option<Arc<Event>> {
        let mut newest_first = self.events.iter().rev();
        let found = newest_first
            .find(|(known, event)| *known == key && event.conversation == conversation)?;
        Some(Arc::clone(&found.1))
    }
}
