//! What the lists say of a conversation.

use crate::ids::Seqno;
use crate::model::Conversation;
use crate::time::{UnixMicros, UnixSeconds};

/// What the lists say of a conversation: how far it goes, and when it changed.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::poller) struct Listed {
    /// The newest message that a list told of.
    pub(super) target: Seqno,
    /// A target that was asked for in vain often enough.
    pub(super) given_up: Option<Seqno>,
    /// It changed when it was known to go up to here, and the list did not say how far it goes.
    pub(super) vague: Option<Seqno>,
    pub(super) session_ts: UnixMicros,
    /// `session_ts` of the last entry that told of no less than was known.
    pub(super) settled_ts: UnixMicros,
    /// The time of the newest message that a list showed; 0 where none did.
    pub(super) written_at: UnixSeconds,
}

/// What an entry tells that was not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    Nothing,
    /// It goes as far as this.
    To(Seqno),
    /// It changed, and the list does not say how far it goes.
    Vaguely,
}

impl Listed {
    pub(super) fn new(target: Seqno, session_ts: UnixMicros) -> Self {
        Self {
            target,
            session_ts,
            settled_ts: session_ts,
            ..Self::default()
        }
    }

    /// Whether the service holds more than up to `cursor`.
    pub(super) fn owes(&self, cursor: Option<Seqno>) -> bool {
        let is_ahead = cursor.is_none_or(|cursor| self.target > cursor);
        is_ahead && self.given_up != Some(self.target) || self.vague.is_some()
    }

    /// Whether it changed since a list last said how far it goes.
    pub(super) fn is_vague(&self) -> bool {
        self.vague.is_some_and(|known| self.target <= known)
    }

    /// The newest message that it makes sense to ask for.
    pub(super) fn reachable(&self, cursor: Option<Seqno>) -> Seqno {
        match self.given_up == Some(self.target) {
            true => cursor.unwrap_or_default(),
            false => self.target,
        }
    }

    /// Takes over the times of an entry. One that shows less than is known may have begun anew:
    /// its times are of after that.
    pub(super) fn observe_times(&mut self, entry: &Conversation, cursor: Option<Seqno>) {
        if newest(entry) >= cursor.unwrap_or(self.target) {
            self.written_at = self.written_at.max(last_written(entry));
            self.settled_ts = self.settled_ts.max(entry.session_ts);
        }
    }

    /// Takes over how far an entry goes.
    pub(super) fn observe(&mut self, entry: &Conversation, cursor: Option<Seqno>) -> Moved {
        let newest = newest(entry);
        let has_changed = entry.session_ts > self.session_ts;
        self.session_ts = self.session_ts.max(entry.session_ts);
        if newest.0 == 0 && has_changed {
            self.vague = cursor.max(Some(self.target));
            return Moved::Vaguely;
        }
        // A target that was given up may have been wrong.
        let corrects = self.given_up == Some(self.target) && newest != self.target;
        if newest > self.target || corrects && Some(newest) > cursor {
            self.target = newest;
            return Moved::To(newest);
        }
        Moved::Nothing
    }
}

/// The time of the newest message that a list shows; 0 if it shows none.
pub(super) fn last_written(entry: &Conversation) -> UnixSeconds {
    let last = entry.last_msg.as_ref();
    last.map(|message| message.timestamp).unwrap_or_default()
}

/// The newest message that a list tells of; 0 if it does not say.
pub(in crate::poller) fn newest(entry: &Conversation) -> Seqno {
    let last = entry.last_msg.as_ref().map(|it| it.msg_seqno);
    let told = [Some(entry.max_seqno), last];
    let plausible = told.into_iter().flatten().filter(|it| it.is_plausible());
    plausible.max().unwrap_or_default()
}
