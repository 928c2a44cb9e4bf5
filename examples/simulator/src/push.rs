//! The push channel's side of the model: what there is to push, and how well that goes.

use std::collections::VecDeque;

use crate::Message;

/// More pushes than this are not kept for connections that fall behind: they are lost, as pushes are.
const KEPT: usize = 1000;

/// Something that is sent over the push channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Push {
    /// A notice: something has changed.
    Notice(PushNotice),
    /// The connection is sent away.
    Kick,
    /// Bytes that are no frame.
    Garbage(Vec<u8>),
    /// The connection ends without a word.
    Drop,
}

/// A notice, with what the service tells of the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushNotice {
    /// The sender.
    pub sender_uid: i64,
    /// 1 to a user, 2 in a group.
    pub receiver_type: i64,
    /// The user or the group.
    pub receiver_id: i64,
    /// Type of a message; or 108 somebody follows, 113 a reply, 114 a mention, 115 a like.
    pub msg_type: i64,
    /// Content of a message.
    pub content: String,
    /// Number of a message in its conversation.
    pub msg_seqno: u64,
    /// Time of a message, in seconds.
    pub timestamp: i64,
    /// Key of a message.
    pub msg_key: i64,
}

impl PushNotice {
    /// Creates a notice of this type, with nothing else in it.
    pub fn new(msg_type: i64) -> Self {
        Self {
            msg_type,
            ..Self::default()
        }
    }

    pub(crate) fn of(message: &Message, msg_seqno: u64) -> Self {
        Self {
            sender_uid: message.sender_uid,
            receiver_type: message.receiver_type,
            receiver_id: message.receiver_id,
            msg_type: message.msg_type,
            content: message.content.clone(),
            msg_seqno,
            timestamp: message.timestamp,
            msg_key: message.msg_key,
        }
    }
}

/// Behaviour of the push channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushHabits {
    /// Number of pushes for each message that arrives: 0 loses them, 2 doubles them.
    pub times: u32,
    /// Nothing is answered, and nothing is pushed; the connections stay open.
    pub is_silent: bool,
    /// Code that answers a login on the channel; 0 accepts it.
    pub auth_code: i64,
}

impl Default for PushHabits {
    fn default() -> Self {
        Self {
            times: 1,
            is_silent: false,
            auth_code: 0,
        }
    }
}

/// The latest pushes. They are kept while somebody listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pushes {
    pub(crate) habits: PushHabits,
    /// Account, or all of them, and what is pushed to it; the latest last.
    latest: VecDeque<(Option<i64>, Push)>,
    /// Number of all pushes so far.
    count: u64,
    listeners: usize,
}

impl Pushes {
    /// Begins to listen; returns the number of pushes so far.
    #[cfg(feature = "server")]
    pub(crate) const fn begin(&mut self) -> u64 {
        self.listeners = self.listeners.saturating_add(1);
        self.count
    }

    #[cfg(feature = "server")]
    pub(crate) fn end(&mut self) {
        self.listeners = self.listeners.saturating_sub(1);
        if self.listeners == 0 {
            self.latest.clear();
        }
    }

    pub(crate) const fn listeners(&self) -> usize {
        self.listeners
    }

    /// Adds a push to an account, or to all.
    pub(crate) fn add(&mut self, uid: Option<i64>, push: Push) {
        if self.listeners == 0 {
            return;
        }
        self.count = self.count.saturating_add(1);
        self.latest.push_back((uid, push));
        if self.latest.len() > KEPT {
            self.latest.pop_front();
        }
    }

    /// Notes that a message arrived at an account.
    pub(crate) fn arrived(&mut self, uid: i64, message: &Message, msg_seqno: u64) {
        if self.listeners == 0 {
            return;
        }
        for _ in 0..self.habits.times {
            let notice = PushNotice::of(message, msg_seqno);
            self.add(Some(uid), Push::Notice(notice));
        }
    }

    /// Takes out what came for an account after the first `seen` pushes, which is then moved on.
    #[cfg(feature = "server")]
    pub(crate) fn after(&self, seen: &mut u64, uid: i64) -> Vec<Push> {
        let new = self.count.saturating_sub(*seen);
        let new = usize::try_from(new).unwrap_or(usize::MAX);
        *seen = self.count;
        let from = self.latest.len().saturating_sub(new);
        self.latest
            .iter()
            .skip(from)
            .filter(|(to, _)| to.is_none_or(|to| to == uid))
            .map(|(_, push)| push.clone())
            .collect()
    }
}
