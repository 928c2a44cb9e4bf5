//! State of a conversation as the lists show it.

use crate::ids::Seqno;
use crate::model::Conversation;
use crate::time::{UnixMicros, UnixSeconds};

/// State of a conversation as the lists show it: its target, and the times of its changes.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::poller) struct Listed {
    /// The newest message that a list told of.
    pub(super) target: Seqno,
    /// Set if the target was asked for in vain often enough.
    pub(super) is_given_up: bool,
    pub(super) session_ts: UnixMicros,
    /// `session_ts` of the last entry that told of no less than was known.
    pub(super) settled_ts: UnixMicros,
    /// The time of the newest message that a list showed; 0 where none did.
    pub(super) written_at: UnixSeconds,
}

/// News in an entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    Nothing,
    /// The conversation goes as far as this.
    To(Seqno),
    /// The conversation changed, and the list does not say how far it goes beyond this.
    Beyond(Seqno),
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

    /// Returns whether the service holds more than the messages up to `cursor`.
    pub(super) fn owes(&self, cursor: Option<Seqno>) -> bool {
        let is_ahead = cursor.is_none_or(|cursor| self.target > cursor);
        is_ahead && !self.is_given_up
    }

    /// Returns the newest message that it makes sense to ask for.
    pub(super) fn reachable(&self, cursor: Option<Seqno>) -> Seqno {
        match self.is_given_up {
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

    /// Takes over the target that an entry shows.
    pub(super) fn observe(&mut self, entry: &Conversation, cursor: Option<Seqno>) -> Moved {
        let newest = newest(entry);
        let has_changed = entry.session_ts > self.session_ts;
        self.session_ts = self.session_ts.max(entry.session_ts);
        if newest.0 == 0 && has_changed {
            return Moved::Beyond(cursor.unwrap_or_default().max(self.target));
        }
        // A target that was given up may have been wrong.
        let corrects = self.is_given_up && newest != self.target;
        if newest > self.target || corrects && Some(newest) > cursor {
            self.target = newest;
            self.is_given_up = false;
            return Moved::To(newest);
        }
        Moved::Nothing
    }
}

/// Returns the time of the newest message that a list shows; 0 if it shows none.
pub(super) fn last_written(entry: &Conversation) -> UnixSeconds {
    let last = entry.last_msg.as_ref();
    last.map(|message| message.timestamp).unwrap_or_default()
}

/// Returns the newest message that a list tells of; 0 if the list does not say.
pub(in crate::poller) fn newest(entry: &Conversation) -> Seqno {
    let last = entry.last_msg.as_ref().map(|it| it.msg_seqno);
    let told = [Some(entry.max_seqno), last];
    let plausible = told.into_iter().flatten().filter(|it| it.is_plausible());
    plausible.max().unwrap_or_default()
}
