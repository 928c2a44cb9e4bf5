//! The beginning of the new messages of a conversation.

use crate::event::Event;
use crate::ids::Seqno;
use crate::poller::backfill::Age;
use crate::time::UnixSeconds;

/// The beginning of the new messages of a conversation.
#[derive(Debug, Clone, Copy)]
pub(in crate::poller) enum From {
    /// After this message: all up to it were delivered, or were there before the baseline.
    After(Seqno),
    /// Since a time: the numbers of the conversation are not known yet, so that a message is new
    /// by its time, or by the proof of a list.
    Since {
        /// Least time of new messages.
        time: UnixSeconds,
        /// The first message that is new whatever its time says.
        proven: Option<Seqno>,
    },
}

impl From {
    pub(super) const fn since(time: UnixSeconds) -> Self {
        Self::Since { time, proven: None }
    }

    /// Returns the last message that counts as delivered, if one is known.
    pub(in crate::poller) const fn cursor(self) -> Option<Seqno> {
        match self {
            Self::After(cursor) => Some(cursor),
            Self::Since { .. } => None,
        }
    }

    /// Moves the cursor up to a message; never down.
    pub(super) fn advance(&mut self, to: Seqno) {
        *self = Self::After(self.cursor().unwrap_or_default().max(to));
    }

    /// Notes that `newest` is new for certain, and so are the messages not older than `since`.
    pub(super) fn prove(&mut self, newest: Seqno, since: Option<UnixSeconds>) {
        let Self::Since { time, proven } = self else {
            return;
        };
        if proven.is_some() {
            return;
        }
        *proven = Some(newest).filter(|newest| newest.0 > 0);
        *time = since.map_or(*time, |since| since.min(*time));
    }

    /// Returns the age of a message that its number does not tell.
    pub(super) fn age(self, event: &Event) -> Age {
        let Self::Since { time, proven } = self else {
            return Age::New;
        };
        match event.timestamp() {
            _ if proven.is_some_and(|from| event.msg_seqno() >= from) => Age::New,
            UnixSeconds(0) => Age::Undated,
            timestamp if timestamp >= time => Age::New,
            _ => Age::History,
        }
    }
}
