//! The state that the sends of one login share.

use std::collections::VecDeque;
use std::time::Duration;

use super::queue::SendQueue;
use super::replies::{Replies, SavedReplies};
use crate::ids::{ConversationId, MsgKey, Seqno};

/// Least time between two sends to the service itself.
const SPACING: Duration = Duration::from_secs(1);

/// Number of keys of sent messages that are remembered.
const MOST_KEYS: usize = 256;

/// The sends of a login: their order, the messages that they were, and what they answered.
///
/// Small as long as nothing is sent.
#[derive(Debug)]
pub(crate) struct SendLedger {
    /// Least time between two sends.
    spacing: Duration,
    sends: Option<Box<Sends>>,
    /// Number of conversations whose replies are kept; none without a session.
    most_replies: usize,
    replies: Option<Box<Replies>>,
}

/// The sends of a login that has sent something.
#[derive(Debug)]
struct Sends {
    queue: SendQueue,
    /// The keys of the messages that were sent last: none of them is another send's.
    known: VecDeque<MsgKey>,
}

/// A clone knows nothing of the sends of its original.
impl Clone for SendLedger {
    fn clone(&self) -> Self {
        Self {
            spacing: self.spacing,
            sends: None,
            most_replies: self.most_replies,
            replies: self.replies.clone(),
        }
    }
}

impl SendLedger {
    pub(crate) const fn new(is_official: bool) -> Self {
        Self {
            spacing: match is_official {
                true => SPACING,
                false => Duration::ZERO,
            },
            sends: None,
            most_replies: 0,
            replies: None,
        }
    }

    /// Sets the least time between two sends.
    pub(crate) const fn set_spacing(&mut self, spacing: Duration) {
        self.spacing = spacing;
    }

    /// Returns the queue of the sends.
    pub(crate) fn queue(&mut self) -> &mut SendQueue {
        &mut self.open().queue
    }

    /// Keeps the replies in so many conversations.
    pub(crate) const fn keep_replies(&mut self, most: usize) {
        self.most_replies = most;
    }

    /// Goes on from the replies of a checkpoint.
    pub(crate) fn resume(&mut self, saved: &[SavedReplies]) {
        let mut replies = Replies::new(self.most_replies);
        replies.resume(saved);
        self.replies = Some(Box::new(replies));
    }

    /// Notes the time: the first one is the beginning of a resumed session.
    pub(crate) fn begin(&mut self, clock: Duration) {
        if let Some(replies) = &mut self.replies {
            replies.begin(clock);
        }
    }

    /// Returns the replies, if any are kept yet.
    pub(crate) fn replies(&mut self) -> Option<&mut Replies> {
        self.replies.as_deref_mut()
    }

    /// Returns the newest message of this conversation that is known to be older than what is sent
    /// now.
    pub(super) fn seen(&self, id: ConversationId) -> Option<Seqno> {
        self.replies.as_deref()?.seen(id)
    }

    /// Returns the replies to be saved.
    pub(crate) fn saved_replies(&self) -> Vec<SavedReplies> {
        let replies = self.replies.as_deref();
        replies.map(Replies::save).unwrap_or_default()
    }

    /// Returns the replies that are to be saved once more since the last call.
    pub(crate) fn take_changed_replies(&mut self) -> Vec<SavedReplies> {
        let replies = self.replies.as_deref_mut();
        replies.map(Replies::take_changed).unwrap_or_default()
    }

    /// Returns the replies for a note of one, if a session keeps them.
    pub(super) fn replies_to_note(&mut self) -> Option<&mut Replies> {
        if self.most_replies == 0 {
            return None;
        }
        let most = self.most_replies;
        let replies = self
            .replies
            .get_or_insert_with(|| Box::new(Replies::new(most)));
        Some(replies)
    }

    /// Notes the key of a message that was sent.
    pub(crate) fn know(&mut self, key: MsgKey) {
        let known = &mut self.open().known;
        if known.len() >= MOST_KEYS {
            known.pop_front();
        }
        known.push_back(key);
    }

    /// Returns whether this is the key of a message that was sent, or of a reply.
    pub(super) fn knows(&self, id: ConversationId, key: MsgKey) -> bool {
        let is_known = |sends: &Sends| sends.known.contains(&key);
        let replies = self.replies.as_deref();
        self.sends.as_deref().is_some_and(is_known) || replies.is_some_and(|it| it.holds(id, key))
    }

    fn open(&mut self) -> &mut Sends {
        let spacing = self.spacing;
        self.sends.get_or_insert_with(|| {
            Box::new(Sends {
                queue: SendQueue::new(spacing),
                known: VecDeque::new(),
            })
        })
    }
}
