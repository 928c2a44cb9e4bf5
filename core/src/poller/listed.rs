//! Names that lists have shown, until somebody takes them.

use std::collections::VecDeque;

use super::Poller;
use crate::endpoints::{MessagePage, SessionPage};
use crate::ids::{ConversationId, Uid};
use crate::names::{Names, listed_name};
use crate::time::Now;

/// Number of users and groups that are kept; the earliest are dropped first.
const MOST: usize = 1000;

/// Users and groups that the service has shown and nobody has taken, each with its name, which is
/// empty where the service did not tell it.
#[derive(Debug, Default)]
pub(super) struct Listed(VecDeque<(ConversationId, String)>);

impl Listed {
    fn put(&mut self, id: ConversationId, name: &str) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((id, name.to_owned()));
    }

    /// Takes up the other sides of conversations. The latest change stands first on a page, and is
    /// dropped last here.
    pub(super) fn put_list(&mut self, page: &SessionPage) {
        for conversation in page.session_list.iter().rev() {
            self.put(conversation.id(), listed_name(conversation));
        }
    }

    /// Takes up those who wrote in a group.
    pub(super) fn put_senders(&mut self, id: ConversationId, page: &MessagePage) {
        let mut before = Uid(0);
        for event in page.messages.iter().filter(|_| !id.is_user()) {
            let sender = event.sender_uid();
            if sender != before && sender.0 > 0 {
                self.put(sender.into(), "");
            }
            before = sender;
        }
    }
}

impl Poller {
    /// Tells a cache of names what lists have shown since the last call: the names of groups and of
    /// the service's own accounts, and for whom names may soon be needed.
    ///
    /// Tells nothing unless that is [configured](super::PollerConfig::names).
    pub fn tell_names(&mut self, now: Now, names: &mut Names) {
        if let Some(Listed(listed)) = &mut self.listed {
            for (id, name) in listed.drain(..) {
                names.learn_listed(now, id, &name);
            }
        }
    }
}
