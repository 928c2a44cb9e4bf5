//! One conversation of one account.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Serialize;

/// Identity of a conversation: a user and a group may have the same `talker_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ConversationId {
    /// 1 user, 2 group; what else there is, nobody knows.
    pub session_type: i64,
    /// The user or the group.
    pub talker_id: i64,
}

impl ConversationId {
    /// Lower bound of all conversations.
    pub(crate) const LEAST: Self = Self {
        session_type: i64::MIN,
        talker_id: i64::MIN,
    };
    /// Upper bound of all conversations.
    pub(crate) const MOST: Self = Self {
        session_type: i64::MAX,
        talker_id: i64::MAX,
    };

    /// Returns the conversation with this user.
    pub fn user(uid: i64) -> Self {
        Self {
            session_type: 1,
            talker_id: uid,
        }
    }

    /// Returns the conversation in this group.
    pub fn group(id: i64) -> Self {
        Self {
            session_type: 2,
            talker_id: id,
        }
    }

    pub(crate) fn is_user(self) -> bool {
        self.session_type == 1
    }

    pub(crate) fn is_group(self) -> bool {
        self.session_type == 2
    }
}

/// Conversation of one account: its messages, and how far they were read.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    /// The key of each message, by its number here.
    pub(crate) messages: BTreeMap<u64, i64>,
    pub(crate) max_seqno: u64,
    pub(crate) ack_seqno: u64,
    pub(crate) ack_ts: i64,
    pub(crate) top_ts: i64,
    pub(crate) session_ts: i64,
    pub(crate) unread: i64,
    pub(crate) is_dnd: bool,
    /// Hidden from lists until a message arrives.
    pub(crate) removed: bool,
}

impl Conversation {
    pub(crate) fn new(id: ConversationId) -> Self {
        // Users' numbers begin about 1e15, another for each; groups count from 0.
        let before = if !id.is_user() {
            0
        } else {
            1_000_000_000_000_000 + id.talker_id.unsigned_abs() % 1_000_000 * 1_000_000
        };
        Self {
            id,
            messages: BTreeMap::new(),
            max_seqno: before,
            ack_seqno: 0,
            ack_ts: 0,
            top_ts: 0,
            session_ts: 0,
            unread: 0,
            is_dnd: false,
            removed: false,
        }
    }

    /// Takes a message in under the next number: groups count, users leave holes of changing width.
    pub(crate) fn append(&mut self, msg_key: i64) -> u64 {
        let step = if !self.id.is_user() {
            1
        } else {
            1 + (self.messages.len() as u64 * 7 + 3) % 11
        };
        self.max_seqno = self.max_seqno.saturating_add(step);
        self.messages.insert(self.max_seqno, msg_key);
        self.max_seqno
    }

    /// Returns the messages between the two, both exclusive, oldest first.
    pub(crate) fn between(
        &self,
        begin: u64,
        end: u64,
    ) -> impl DoubleEndedIterator<Item = (u64, i64)> {
        let range = (begin.saturating_add(1) < end).then(|| {
            self.messages
                .range((Bound::Excluded(begin), Bound::Excluded(end)))
        });
        range
            .into_iter()
            .flatten()
            .map(|(seqno, key)| (*seqno, *key))
    }
}
