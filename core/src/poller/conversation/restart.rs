//! Conversations that begin their numbers anew.

use std::ops::RangeInclusive;

use super::listed::{last_written, newest};
use super::{Attempt, Backfill, ConversationState, From};
use crate::ids::Seqno;
use crate::model::{Conversation, Message};
use crate::time::UnixSeconds;

/// A conversation that began its numbers anew.
#[derive(Debug, Clone, Copy)]
pub(super) struct Restart {
    pub(super) newest: Seqno,
    pub(super) new_since: UnixSeconds,
}

impl ConversationState {
    /// Returns whether the conversation began its numbers anew: it changed, and its newest
    /// message has a lower number than one that was delivered before, and is younger.
    pub(super) fn begins_anew(&self, entry: &Conversation) -> bool {
        let newest = newest(entry);
        let known = self.from.cursor().unwrap_or(self.listed.target);
        let restart = self.pending.as_ref().and_then(|pending| pending.restart);
        let highest = restart.map_or(known, |restart| restart.newest);
        let is_younger = |message: &Message| {
            message.msg_seqno == newest
                && message.timestamp.0 > 0
                && message.timestamp >= self.written_at()
        };
        // A page may have brought it before a list showed it.
        let is_delivered = self.from.cursor() == Some(newest) && newest < self.listed.target;
        newest.0 > 0
            && (newest < highest || is_delivered)
            && entry.session_ts > self.listed.settled_ts
            && entry.last_msg.as_ref().is_some_and(is_younger)
    }

    pub(super) fn begin_anew(&mut self, entry: &Conversation) -> Vec<RangeInclusive<u64>> {
        let restart = Restart {
            newest: newest(entry),
            new_since: match self.written_at() {
                UnixSeconds(0) => self.listed.settled_ts.to_seconds(),
                written_at => written_at,
            },
        };
        self.listed.written_at = last_written(entry);
        self.listed.session_ts = entry.session_ts;
        self.listed.settled_ts = entry.session_ts;
        // Where no number was known yet, the new ones may have been fetched before a list told of
        // them: they come again.
        let is_unknown = self.from.cursor().is_none();
        let is_new = |it: &mut Backfill| it.is_of(restart.newest, restart.new_since);
        let attempt = &mut self.pending().attempt;
        attempt.backfill.take_if(|it| is_unknown && is_new(it));
        let lost = attempt.backfill.as_mut().map(Backfill::end);
        self.pending().restart = Some(restart);
        self.restart_if_delivered();
        lost.unwrap_or_default()
    }

    /// Goes on with the new numbers once all messages with old ones were delivered.
    pub(super) fn restart_if_delivered(&mut self) {
        if self.is_ready() {
            return;
        }
        let pending = self.pending();
        let Some(restart) = pending.restart.take() else {
            return;
        };
        pending.attempt = Attempt::default();
        pending.retry.go_on();
        if self.from.cursor() != Some(restart.newest) {
            self.from = From::since(restart.new_since, Some(restart.newest));
        }
        self.listed.target = restart.newest;
        self.listed.is_given_up = false;
    }
}
