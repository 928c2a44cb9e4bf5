//! The beginning of the new messages of a conversation.

use crate::event::Event;
use crate::ids::Seqno;
use crate::poller::backfill::Age;
use crate::time::UnixSeconds;

/// The beginning of the new messages of a conversation.
#[derive(Debug)]
pub(in crate::poller) enum From {
    /// After this message: all up to it were delivered, or were there before the baseline.
    After(Seqno),
    /// Since a time: the numbers of the conversation are not known yet, so that a message is new
    /// by its time, or by the proof of a list.
    Since(Box<Since>),
}

/// The beginning of new messages whose numbers do not tell it.
#[derive(Debug)]
pub(in crate::poller) struct Since {
    /// Least time of new messages.
    pub(super) time: UnixSeconds,
    /// The first message that is new whatever its time says.
    pub(super) proven: Option<Seqno>,
}

impl From {
    pub(super) fn since(time: UnixSeconds, proven: Option<Seqno>) -> Self {
        Self::Since(Box::new(Since { time, proven }))
    }

    /// Returns the last message that counts as delivered, if one is known.
    pub(in crate::poller) const fn cursor(&self) -> Option<Seqno> {
        match self {
            Self::After(cursor) => Some(*cursor),
            Self::Since(_) => None,
        }
    }

    /// Moves the cursor up to a message; never down.
    pub(super) fn advance(&mut self, to: Seqno) {
        *self = Self::After(self.cursor().unwrap_or_default().max(to));
    }

    /// Notes that `newest` is new for certain, and so are the messages not older than `since`.
    pub(super) fn prove(&mut self, newest: Seqno, since: Option<UnixSeconds>) {
        let Self::Since(begin) = self else {
            return;
        };
        if begin.proven.is_some() {
            return;
        }
        begin.proven = Some(newest).filter(|newest| newest.0 > 0);
        begin.time = since.map_or(begin.time, |since| since.min(begin.time));
    }

    /// Returns the age of a message that its number does not tell.
    pub(super) fn age(&self, event: &Event) -> Age {
        let Self::Since(begin) = self else {
            return Age::New;
        };
        match event.timestamp() {
            _ if begin.proven.is_some_and(|from| event.msg_seqno() >= from) => Age::New,
            UnixSeconds(0) => Age::Undated,
            timestamp if timestamp >= begin.time => Age::New,
            _ => Age::History,
        }
    }
}
