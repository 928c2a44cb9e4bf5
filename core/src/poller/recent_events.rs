//! The last events, kept for withdrawals that come after them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::event::Event;
use crate::ids::{ConversationId, MsgKey};

type Key = (ConversationId, MsgKey);

/// The last events, the oldest dropped first.
#[derive(Debug)]
pub(super) struct RecentEvents {
    events: BTreeMap<Key, Arc<Event>>,
    order: VecDeque<Key>,
    max: usize,
}

impl RecentEvents {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            events: BTreeMap::new(),
            order: VecDeque::new(),
            max,
        }
    }

    pub(super) fn keep(&mut self, event: &Arc<Event>) {
        if self.max == 0 || event.msg_key().0 == 0 {
            return;
        }
        let key = (event.conversation, event.msg_key());
        if self.events.insert(key, Arc::clone(event)).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.max
            && let Some(oldest) = self.order.pop_front()
        {
            self.events.remove(&oldest);
        }
    }

    pub(super) fn get(&self, conversation: ConversationId, key: MsgKey) -> Option<Arc<Event>> {
        self.events.get(&(conversation, key)).cloned()
    }
}
