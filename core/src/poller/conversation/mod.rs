//! The delivery state of one conversation.
//!
//! Four parts have an owner each: [`From`] (the beginning of new messages), [`Listed`] (the state
//! that the lists show), [`Attempt`] (the backfill) and [`Retry`] (the time of the next attempt).
//! This module holds what concerns more than one of them: the moment when all listed messages
//! have come, and the treatment of a conversation that is over. One that begins its numbers anew
//! is treated in `restart`, and the state in a checkpoint in `saved`.

mod attempt;
mod from;
mod listed;
mod restart;
mod retry;
mod saved;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use attempt::Attempt;
pub(super) use from::From;
pub(super) use listed::newest;
use listed::{Listed, Moved, last_written};
use restart::Restart;
use retry::Retry;

use super::backfill::{Age, Ask, Backfill, Stalled};
use super::backoff::Rng;
use super::lists::Proof;
use crate::endpoints::MessagePage;
use crate::error::ErrorClass;
use crate::event::Event;
use crate::ids::Seqno;
use crate::model::Conversation;
use crate::time::{UnixMicros, UnixSeconds};

/// Greatest time from a message to the change of its conversation in the lists.
const CHANGE_LAG: Duration = Duration::from_secs(5);

/// Delivery state of one conversation: delivered up to `from`; the server has messages up to the
/// target in `listed`.
#[derive(Debug)]
pub(super) struct ConversationState {
    from: From,
    listed: Listed,
    /// The time of the newest message that was delivered: the list may tell of it later.
    delivered_ts: UnixSeconds,
    /// Absent while there is nothing to keep here, as in most conversations: these are to be
    /// small.
    pending: Option<Box<Pending>>,
}

/// The parts of a conversation that is being fetched, has failed, or began anew.
#[derive(Debug, Default)]
struct Pending {
    attempt: Attempt,
    retry: Retry,
    /// The new numbers of a conversation that began anew; taken over when all old messages were
    /// delivered.
    restart: Option<Restart>,
}

/// Result of an attempt to fetch the messages that a list told of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FetchOutcome {
    /// All messages that the list tells of have come.
    Whole,
    /// The list tells of more messages; they are refetched in a later round.
    Short,
    /// The list tells of more messages, but they never came: they are taken as gone.
    Gone {
        /// The first seqno that is taken as gone.
        from: Seqno,
        /// The last seqno that is taken as gone.
        to: Seqno,
    },
}

/// Consequence of the service's statement that a conversation is over.
#[derive(Debug)]
pub(super) enum Ended {
    /// The conversation is asked again before that is believed: so many messages are held.
    AskAgain { held: usize, is_first: bool },
    /// The conversation is over; these stretches are missing for good.
    Over(Vec<RangeInclusive<u64>>),
}

impl ConversationState {
    /// Creates the state of a conversation that has nothing new beyond the entry of the list.
    pub(super) fn begin(entry: &Conversation) -> Self {
        let newest = newest(entry);
        // Only the message that the entry shows is certain: `max_seqno` may be ahead of it.
        let last = entry.last_msg.as_ref().map(|message| message.msg_seqno);
        let shown = last.filter(|seqno| seqno.is_plausible()).unwrap_or(newest);
        let mut listed = Listed::new(newest, entry.session_ts);
        listed.is_given_up = newest > shown;
        listed.written_at = last_written(entry);
        Self::new(From::After(shown), listed)
    }

    /// Creates the state of a conversation that a list shows and that was not known before.
    pub(super) fn discover(
        entry: &Conversation,
        new_since: UnixSeconds,
        proof: Option<Proof>,
    ) -> Self {
        let mut listed = Listed::new(newest(entry), entry.session_ts);
        listed.written_at = last_written(entry);
        let mut state = Self::new(From::since(new_since, None), listed);
        if listed.target.0 == 0 {
            state.pending().attempt.beyond = Some(Seqno(0));
        }
        if let Some(proof) = proof {
            state.prove(entry, proof);
        }
        state
    }

    fn new(from: From, listed: Listed) -> Self {
        Self {
            from,
            listed,
            delivered_ts: UnixSeconds::default(),
            pending: None,
        }
    }

    fn pending(&mut self) -> &mut Pending {
        self.pending.get_or_insert_default()
    }

    /// Drops what need not be kept.
    pub(super) fn compact(&mut self) {
        let cursor = self.from.cursor();
        self.pending.take_if(|pending| {
            pending.attempt.is_idle(cursor)
                && pending.retry == Retry::default()
                && pending.restart.is_none()
        });
    }

    fn backfill(&self) -> Option<&Backfill> {
        self.pending.as_ref()?.attempt.backfill.as_ref()
    }

    fn backfill_mut(&mut self) -> Option<&mut Backfill> {
        self.pending.as_mut()?.attempt.backfill.as_mut()
    }

    /// Returns whether the conversation has pending messages and can be asked for them now.
    pub(super) fn is_behind(&self, clock: Duration) -> bool {
        let is_due = self
            .pending
            .as_ref()
            .is_none_or(|it| it.retry.is_due(clock));
        self.owes() && !self.is_over() && is_due
    }

    /// Returns whether the service holds more than was delivered.
    pub(super) fn owes(&self) -> bool {
        let is_missing = self.backfill().is_some_and(|it| it.ask().is_some());
        let pending = self.pending.as_ref();
        let is_beyond = pending.is_some_and(|pending| pending.attempt.beyond.is_some());
        self.listed.owes(self.from.cursor()) || is_beyond || is_missing
    }

    /// Returns whether the conversation is over, and has not changed since.
    fn is_over(&self) -> bool {
        let target = self.listed.target;
        let pending = self.pending.as_ref();
        pending.is_some_and(|pending| pending.retry.is_over_at(target))
    }

    /// Returns whether the conversation changed since a list last told how far it goes.
    fn is_vague(&self) -> bool {
        let target = self.listed.target;
        let pending = self.pending.as_ref();
        pending.is_some_and(|pending| pending.attempt.is_vague(target))
    }

    /// Returns whether messages are held, or may have to be asked for before a list shows another
    /// change.
    pub(super) fn is_pending(&self) -> bool {
        self.backfill().is_some() || self.owes() && !self.is_over()
    }

    /// Returns whether no message is pending or held.
    pub(super) fn is_quiet(&self) -> bool {
        self.backfill().is_none() && !self.owes()
    }

    /// Returns the time of the last change that a list showed.
    pub(super) const fn session_ts(&self) -> UnixMicros {
        self.listed.session_ts
    }

    /// Returns the time of the last change that is known.
    pub(super) fn changed_at(&self) -> UnixMicros {
        self.listed.session_ts.max(self.delivered_ts.to_micros())
    }

    /// Returns the time of the newest known message, by the clock of messages: that of the lists
    /// may be ahead of it. Where no message shows the time, returns the time of the last change.
    pub(super) fn written_to(&self) -> UnixMicros {
        match self.written_at() {
            UnixSeconds(0) => self.changed_at(),
            written_at => written_at.to_micros(),
        }
    }

    /// Returns the time of the newest known message, by the message's own clock; 0 if not known.
    fn written_at(&self) -> UnixSeconds {
        self.delivered_ts.max(self.listed.written_at)
    }

    /// Takes over an entry of a list. Returns the stretches that are missing for good, where the
    /// conversation began its numbers anew.
    pub(super) fn observe(&mut self, entry: &Conversation) -> Vec<RangeInclusive<u64>> {
        if self.begins_anew(entry) {
            return self.begin_anew(entry);
        }
        let cursor = self.from.cursor();
        self.listed.observe_times(entry, cursor);
        let pending = self.pending.as_mut();
        if let Some(restart) = pending.and_then(|pending| pending.restart.as_mut()) {
            restart.newest = restart.newest.max(newest(entry));
            self.listed.session_ts = self.listed.session_ts.max(entry.session_ts);
            return Vec::new();
        }
        match self.listed.observe(entry, cursor) {
            Moved::Nothing => return Vec::new(),
            Moved::Beyond(known) => {
                let pending = self.pending();
                pending.retry.go_on();
                pending.attempt.reopen(known);
            }
            Moved::To(newest) => self.pending().attempt.extend(newest),
        }
        Vec::new()
    }

    /// Notes that the newest message is new for certain, where no number is known to tell that.
    pub(super) fn prove(&mut self, entry: &Conversation, proof: Proof) {
        self.from.prove(newest(entry), proof.new_since);
    }

    /// Returns the next stretch to fetch, if one is missing.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        let backfill = self.take_backfill();
        self.pending().attempt.backfill.insert(backfill).ask()
    }

    /// Takes the answer to the last [`ask`](Self::ask), which was for `size` messages. Returns
    /// whether more messages are missing.
    pub(super) fn handle_page(
        &mut self,
        page: MessagePage,
        size: u32,
        empty_says_more: &mut bool,
    ) -> Result<bool, Stalled> {
        let mut backfill = self.take_backfill();
        let age = |event: &Event| self.from.age(event);
        // Where their numbers do not tell the age of messages, their times do.
        let age: Option<&dyn Fn(&Event) -> Age> = match self.from {
            From::After(_) => None,
            From::Since(_) => Some(&age),
        };
        let handled = backfill.handle_page(page, size, age, empty_says_more);
        let is_more_missing = backfill.ask().is_some();
        let pending = self.pending();
        pending.attempt.backfill = Some(backfill);
        handled?;
        pending.retry.succeed();
        Ok(is_more_missing)
    }

    /// Drops the highest messages that are held above missing ones, to refetch them later. Returns
    /// whether there were any.
    pub(super) fn give_back(&mut self) -> bool {
        self.backfill_mut().is_some_and(Backfill::give_back)
    }

    /// Takes out the backfill of the last attempt, or a new one after the cursor.
    fn take_backfill(&mut self) -> Backfill {
        let kept = self.pending().attempt.backfill.take();
        kept.unwrap_or_else(|| {
            let target = match self.is_vague() {
                true => Seqno(0),
                false => self.listed.target,
            };
            Backfill::new(self.from.cursor().unwrap_or_default(), target)
        })
    }

    /// Returns the number of messages that are held.
    pub(super) fn held(&self) -> usize {
        self.backfill().map_or(0, Backfill::held)
    }

    /// Returns whether the lowest message that is held can be delivered.
    pub(super) fn is_ready(&self) -> bool {
        self.backfill().is_some_and(Backfill::is_ready)
    }

    /// Delivers the lowest message, if none below it is missing; `now` is the server's clock.
    pub(super) fn deliver(&mut self, now: UnixSeconds) -> Option<Arc<Event>> {
        let event = self.backfill_mut()?.pop()?;
        self.from.advance(event.msg_seqno());
        // A time in the future would hide what arrives until then.
        self.delivered_ts = self.delivered_ts.max(event.timestamp().min(now));
        Some(event)
    }

    /// Returns the size of the next page, where `usual` is that of the configuration.
    pub(super) fn page_size(&self, usual: u32) -> u32 {
        let pending = self.pending.as_ref();
        pending.map_or(usual, |pending| pending.attempt.page_size(usual))
    }

    /// Notes that a page of this size was too large. Returns whether a smaller one can be asked
    /// for.
    pub(super) fn shrink_page(&mut self, size: u32) -> bool {
        self.pending().attempt.shrink_page(size)
    }

    /// Begins a round.
    pub(super) fn begin_round(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.retry.begin_round();
        }
    }

    /// Returns whether a refused signature may be answered with fresh keys: once.
    pub(super) fn sign_again(&mut self) -> bool {
        self.pending().retry.sign_again()
    }

    /// Returns whether the conversation is asked for with fresh keys, after a refusal.
    pub(super) fn signs_again(&self) -> bool {
        let pending = self.pending.as_ref();
        pending.is_some_and(|pending| pending.retry.signs_again())
    }

    /// Notes a failure. Returns the delay until the conversation is refetched.
    pub(super) fn fail(
        &mut self,
        clock: Duration,
        interval: Duration,
        class: ErrorClass,
        rng: &mut Rng,
    ) -> Duration {
        let is_refused = matches!(class, ErrorClass::CallerMistake | ErrorClass::Refused);
        let retry = &mut self.pending().retry;
        retry.fail(clock, interval, is_refused, rng)
    }

    /// Notes that the service says the conversation is over. Should the conversation change
    /// again, it goes on.
    ///
    /// If messages are held above a stretch that is missing, the service is asked twice more:
    /// then they are delivered, and the stretch is missing for good.
    pub(super) fn end(&mut self) -> Ended {
        let target = self.listed.target;
        let Pending { attempt, retry, .. } = self.pending();
        let Some(backfill) = &mut attempt.backfill else {
            retry.end(target);
            return Ended::Over(Vec::new());
        };
        if !backfill.holds_above() {
            retry.end(target);
            backfill.give_up();
            return Ended::Over(Vec::new());
        }
        if let Some(refusals) = retry.doubt_end() {
            return Ended::AskAgain {
                held: backfill.held(),
                is_first: refusals == 1,
            };
        }
        retry.end(target);
        Ended::Over(backfill.end())
    }

    /// Ends the attempt if no message of it is missing any more, and all were delivered. The
    /// cursor moves to the newest message that was seen.
    pub(super) fn settle(&mut self) -> FetchOutcome {
        let pending = self.pending.as_mut();
        let Some(backfill) = pending.and_then(|pending| pending.attempt.finish()) else {
            return FetchOutcome::Whole;
        };
        let Pending { retry, restart, .. } = self.pending();
        let is_over = retry.is_over();
        if restart.is_some() {
            self.restart_if_delivered();
            return FetchOutcome::Whole;
        }
        if is_over {
            // The delivered messages have moved the cursor; what is owed stays so.
            return FetchOutcome::Whole;
        }
        let reached = backfill.reached();
        if self.has_all(&backfill) {
            self.take_as_read(reached);
            return FetchOutcome::Whole;
        }
        if !self.pending().attempt.fall_short(&backfill) {
            // Without a cursor, the messages left out may not be all of the history.
            if let From::After(_) = self.from {
                self.from.advance(reached);
            }
            return FetchOutcome::Short;
        }
        self.give_up(reached)
    }

    /// Returns whether an attempt brought all messages that the lists tell of.
    ///
    /// Where the conversation changed and the list does not say how far it goes, a message beyond
    /// the known target is to come; where no cursor was known, it would have moved the cursor.
    fn has_all(&self, backfill: &Backfill) -> bool {
        let reached = backfill.reached();
        let pending = self.pending.as_ref();
        let beyond = pending.and_then(|pending| pending.attempt.beyond);
        let is_vague = beyond.is_some_and(|known| {
            let has_come = reached > backfill.began() && reached > known;
            self.from.cursor().is_none() || !has_come || self.is_behind_its_change()
        });
        reached >= self.listed.target && !is_vague
    }

    /// Returns whether the newest message that came is older than the change that a list showed:
    /// a newer one may be on its way.
    fn is_behind_its_change(&self) -> bool {
        let came_to = self.delivered_ts.plus(CHANGE_LAG);
        self.delivered_ts.0 > 0 && came_to < self.listed.session_ts.to_seconds()
    }

    /// Gives up the messages that a list told of and that never came.
    fn give_up(&mut self, reached: Seqno) -> FetchOutcome {
        self.take_as_read(reached);
        self.listed.is_given_up = true;
        if reached >= self.listed.target {
            return FetchOutcome::Whole;
        }
        FetchOutcome::Gone {
            from: Seqno(reached.0.saturating_add(1)),
            to: self.listed.target,
        }
    }

    /// Notes that all messages up to `reached` were delivered, are old, or are gone.
    fn take_as_read(&mut self, reached: Seqno) {
        let attempt = &mut self.pending().attempt;
        attempt.forgive();
        attempt.beyond = None;
        if reached.0 > 0 {
            self.from.advance(reached);
        }
        if self.from.cursor().is_none() {
            // No message was there, and none of its numbers is known: what is new stays a matter
            // of time.
            self.listed.is_given_up = true;
        }
    }
}
