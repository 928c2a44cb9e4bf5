//! The state of a conversation in a checkpoint.

use super::listed::Listed;
use super::{ConversationState, From, Restart};
use crate::ids::{ConversationId, Seqno};
use crate::poller::checkpoint::Entry;
use crate::time::{UnixMicros, UnixSeconds};

/// Greatest number of seconds between the times of a message and of its conversation that count
/// as near.
const NEAR: i64 = 60;

impl ConversationState {
    /// Returns the state to keep in a checkpoint.
    pub(in crate::poller) fn save(&self, id: ConversationId) -> Entry {
        let restart = self.pending.as_ref().and_then(|pending| pending.restart);
        // The numbers of the messages that are still held mean others by now: a resumed poller
        // goes on with the new ones.
        let (cursor, target, new_since, new_from) = match (restart, &self.from) {
            (Some(Restart { newest, new_since }), _) => {
                (None, newest, Some(new_since.0), Some(newest.0))
            }
            (None, From::After(cursor)) => {
                let target = self.listed.reachable(Some(*cursor));
                (Some(*cursor), target, None, None)
            }
            (None, From::Since(begin)) => {
                let proven = begin.proven.map(|seqno| seqno.0);
                let target = self.listed.reachable(None);
                (None, target, Some(begin.time.0), proven)
            }
        };
        let session_ts = self.listed.session_ts;
        Entry {
            session_type: id.session_type(),
            talker_id: id.talker_id(),
            cursor: cursor.map(|cursor| cursor.0),
            target: target.0,
            session_ts: session_ts.0,
            written_at: self.written_before_listed().map(|at| at.0),
            settled_ts: Some(self.listed.settled_ts.0).filter(|ts| *ts != session_ts.0),
            newest_ts: Some(self.delivered_ts.0)
                .filter(|_| self.delivered_ts.to_micros() > session_ts),
            new_since,
            new_from,
            recheck: self.is_vague(),
        }
    }

    /// Restores the state from a checkpoint; `new_since` is that of conversations without one.
    pub(in crate::poller) fn restore(entry: &Entry, new_since: UnixSeconds) -> Self {
        let from = match entry.cursor {
            Some(cursor) => From::After(Seqno(cursor)),
            None => From::since(
                entry.new_since.map_or(new_since, UnixSeconds),
                entry.new_from.map(Seqno),
            ),
        };
        let mut listed = Listed::new(Seqno(entry.target), UnixMicros(entry.session_ts));
        listed.settled_ts = entry.settled_ts.map_or(listed.settled_ts, UnixMicros);
        listed.written_at = UnixSeconds(entry.written_at.unwrap_or_default());
        let known = from.cursor().unwrap_or_default().max(listed.target);
        let mut state = Self::new(from, listed);
        if entry.recheck {
            state.pending().attempt.beyond = Some(known);
        }
        state.delivered_ts = UnixSeconds(entry.newest_ts.unwrap_or_default());
        state
    }

    /// Returns the time of the newest known message, where the list shows a time that is well
    /// ahead of it; otherwise the list's time is near enough.
    fn written_before_listed(&self) -> Option<UnixSeconds> {
        let written_at = Some(self.written_at()).filter(|at| at.0 > 0)?;
        let listed_at = self.listed.session_ts.to_seconds();
        (listed_at.0.saturating_sub(written_at.0) > NEAR).then_some(written_at)
    }
}
