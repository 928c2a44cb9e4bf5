//! Where a conversation stands.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::backoff::Backoff;
use super::gap::{Age, Gap};
use super::lists::Proof;
use crate::event::Event;
use crate::ids::Seqno;
use crate::model::{Conversation, Message};
use crate::time::{UnixMicros, UnixSeconds};

/// How often a message that the list knows of is asked for before it is taken as gone.
const STRIKES: u8 = 3;

/// The times of a message and of its conversation are near each other within so many seconds.
const NEAR: i64 = 60;

/// A page has room for two: one to go on from, and one more.
const SMALLEST_PAGE: u32 = 2;

/// Where a conversation stands: handed out up to the cursor, known up to the target.
#[derive(Debug)]
pub(super) struct Track {
    /// Everything up to here was handed out, or was there before the base line.
    /// `None`: never seen before; what is new in it is known by its time.
    pub(super) cursor: Option<Seqno>,
    /// The newest message that a list told of.
    pub(super) target: Seqno,
    pub(super) session_ts: UnixMicros,
    /// The time of the newest message that was handed out: the list may tell of it later.
    pub(super) newest_ts: UnixSeconds,
    /// The time of the newest message that a list showed; 0 where none did.
    pub(super) listed_ts: UnixSeconds,
    /// `session_ts` of the last entry that told of no less than was known.
    pub(super) settled_ts: UnixMicros,
    /// While there is no cursor: what is new has at least this time.
    pub(super) new_since: UnixSeconds,
    /// While there is no cursor: messages from this one on are new whatever their time says.
    pub(super) new_from: Option<Seqno>,
    /// What is being fetched.
    pub(super) gap: Option<Gap>,
    pub(super) backoff: Backoff,
    /// Not asked for before.
    pub(super) retry_at: Duration,
    /// Its last request was signed with fresh keys after a refusal.
    pub(super) signed_again: bool,
    /// The service said that it is over, when its newest message was this one.
    pub(super) ended_at: Option<Seqno>,
    /// Number of times in a row that it said so while messages are held above missing ones.
    ended: u8,
    /// Set when its numbers began anew; taken over when all of before came out.
    restart: Option<Restart>,
    /// Messages of a page, where one as long as configured is too large.
    pub(super) page_size: Option<u32>,
    /// It changed when it was known to go up to here, and the list did not say how far it goes.
    pub(super) recheck: Option<Seqno>,
    /// A target that was asked for in vain often enough.
    given_up: Option<Seqno>,
    /// How often in a row nothing came although the list knows of more.
    strikes: u8,
    /// The highest message that an attempt saw which fell short.
    seen_to: Seqno,
}

/// A conversation whose numbers began anew.
#[derive(Debug, Clone, Copy)]
struct Restart {
    newest: Seqno,
    new_since: UnixSeconds,
}

/// How the fetching of a gap ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// All that the list knows of is here.
    Whole,
    /// The list knows of more; ask again in a later round.
    Short,
    /// The list knows of more, but it never came: it is taken as gone.
    Gone {
        /// The first seqno that is taken as gone.
        from: Seqno,
        /// The last.
        to: Seqno,
    },
}

/// Consequence of a conversation that is said to be over.
#[derive(Debug)]
pub(super) enum Ended {
    /// Ask again before that is believed: so many messages are held.
    AskAgain { held: usize, is_first: bool },
    /// It is over; these stretches are missing for good.
    Over(Vec<RangeInclusive<u64>>),
}

impl Track {
    pub(super) fn new(cursor: Option<Seqno>, target: Seqno, interval: Duration) -> Self {
        Self {
            cursor,
            target,
            session_ts: UnixMicros::default(),
            newest_ts: UnixSeconds::default(),
            listed_ts: UnixSeconds::default(),
            settled_ts: UnixMicros::default(),
            new_since: UnixSeconds(0),
            new_from: None,
            gap: None,
            backoff: Backoff::retry(interval),
            retry_at: Duration::ZERO,
            signed_again: false,
            ended_at: None,
            ended: 0,
            restart: None,
            page_size: None,
            recheck: None,
            given_up: None,
            strikes: 0,
            seen_to: Seqno(0),
        }
    }

    /// Takes over how far an entry goes that has nothing new.
    pub(super) fn begin(&mut self, entry: &Conversation) {
        let newest = newest(entry);
        // What is certain is the message that it shows: `max_seqno` may be ahead of it.
        let last = entry.last_msg.as_ref().map(|message| message.msg_seqno);
        let shown = last.filter(|seqno| seqno.is_plausible()).unwrap_or(newest);
        self.cursor = Some(shown);
        self.given_up = Some(newest).filter(|newest| *newest > shown);
        self.listed_ts = last_written(entry);
    }

    /// Takes over an entry that was not known before.
    pub(super) fn discover(&mut self, entry: &Conversation, proof: Option<Proof>) {
        self.recheck = (self.target.0 == 0).then_some(Seqno(0));
        self.listed_ts = last_written(entry);
        if let Some(proof) = proof {
            self.prove(entry, proof);
        }
    }

    /// Whether the service holds more than was handed out, and can be asked for it.
    pub(super) fn is_behind(&self) -> bool {
        let has_ended = self
            .ended_at
            .is_some_and(|ended_at| self.target <= ended_at);
        self.owes() && !has_ended
    }

    /// Whether the service holds more than was handed out.
    pub(super) fn owes(&self) -> bool {
        let asks = self.gap.as_ref().is_some_and(|gap| gap.ask().is_some());
        let more = match self.cursor {
            Some(cursor) => self.target > cursor,
            None => true,
        } && self.given_up != Some(self.target);
        more || asks || self.recheck.is_some()
    }

    /// Whether it changed since the list last said how far it goes.
    pub(super) fn is_vague(&self) -> bool {
        self.recheck.is_some_and(|known| self.target <= known)
    }

    /// The newest message that it makes sense to ask for.
    pub(super) fn reachable(&self) -> Seqno {
        if self.given_up == Some(self.target) {
            self.cursor.unwrap_or_default()
        } else {
            self.target
        }
    }

    /// Takes over what a list says. Returns the stretches that are missing for good, where the
    /// numbers of the conversation began anew.
    pub(super) fn observe(&mut self, entry: &Conversation) -> Vec<RangeInclusive<u64>> {
        let (newest, session_ts) = (newest(entry), entry.session_ts);
        if self.begins_anew(entry) {
            self.restart = Some(Restart {
                newest,
                new_since: match self.written_at() {
                    UnixSeconds(0) => self.settled_ts.to_seconds(),
                    written_at => written_at,
                },
            });
            self.listed_ts = last_written(entry);
            (self.session_ts, self.settled_ts) = (session_ts, session_ts);
            let lost = self.gap.as_mut().map(Gap::end).unwrap_or_default();
            self.restart_if_drained();
            return lost;
        }
        // One that shows less than is known may have begun anew: its times are of after that.
        if newest >= self.cursor.unwrap_or(self.target) {
            self.listed_ts = self.listed_ts.max(last_written(entry));
            self.settled_ts = self.settled_ts.max(session_ts);
        }
        if let Some(restart) = &mut self.restart {
            restart.newest = restart.newest.max(newest);
            self.session_ts = self.session_ts.max(session_ts);
            return Vec::new();
        }
        if newest.0 == 0 && session_ts > self.session_ts {
            self.recheck = self.cursor.max(Some(self.target));
            if let Some(gap) = &mut self.gap {
                gap.reopen();
            }
            self.strikes = 0;
            self.ended_at = None;
        }
        self.session_ts = self.session_ts.max(session_ts);
        // A target that was given up may have been wrong.
        let corrects = self.given_up == Some(self.target) && newest != self.target;
        if newest > self.target || corrects && Some(newest) > self.cursor {
            self.target = newest;
            self.strikes = 0;
            if let Some(gap) = &mut self.gap {
                gap.extend(newest);
            }
        }
        Vec::new()
    }

    /// Takes over that its newest message is new for certain, where that is not known of any.
    pub(super) fn prove(&mut self, entry: &Conversation, proof: Proof) {
        if self.cursor.is_some() || self.new_from.is_some() {
            return;
        }
        self.new_from = Some(newest(entry)).filter(|newest| newest.0 > 0);
        if let Some(new_since) = proof.new_since {
            self.new_since = self.new_since.min(new_since);
        }
    }

    /// Returns whether its numbers began anew: it changed, and its newest message has a lower number
    /// than one that came out before, and is younger.
    fn begins_anew(&self, entry: &Conversation) -> bool {
        let newest = newest(entry);
        let known = self.cursor.unwrap_or(self.target);
        let highest = self.restart.map_or(known, |restart| restart.newest);
        let is_younger = |message: &Message| {
            message.msg_seqno == newest
                && message.timestamp.0 > 0
                && message.timestamp >= self.written_at()
        };
        newest.0 > 0
            && newest < highest
            && entry.session_ts > self.settled_ts
            && entry.last_msg.as_ref().is_some_and(is_younger)
    }

    /// When its newest known message was written, by the message's own time; 0 if not known.
    fn written_at(&self) -> UnixSeconds {
        self.newest_ts.max(self.listed_ts)
    }

    /// The same, where the list shows a time that is well ahead of it: without that it is near
    /// enough to it.
    pub(super) fn written_before_listed(&self) -> Option<UnixSeconds> {
        let written_at = Some(self.written_at()).filter(|at| at.0 > 0)?;
        let listed_at = self.session_ts.to_seconds();
        (listed_at.0.saturating_sub(written_at.0) > NEAR).then_some(written_at)
    }

    /// Goes on with the new numbers once nothing of the old ones is left.
    fn restart_if_drained(&mut self) {
        if self.gap.as_ref().is_some_and(Gap::is_ready) {
            return;
        }
        let Some(restart) = self.restart.take() else {
            return;
        };
        self.gap = None;
        self.cursor = None;
        self.target = restart.newest;
        self.new_since = restart.new_since;
        self.new_from = Some(restart.newest);
        self.recheck = None;
        (self.ended_at, self.given_up) = (None, None);
        (self.strikes, self.seen_to) = (0, Seqno(0));
    }

    /// What is to be fetched: what is left of the last attempt, or all after the cursor.
    pub(super) fn gap(&mut self) -> &mut Gap {
        let gap = self.take_gap();
        self.gap.insert(gap)
    }

    fn new_gap(&self) -> Gap {
        let target = match self.is_vague() {
            true => Seqno(0),
            false => self.target,
        };
        Gap::new(self.cursor.unwrap_or_default(), target)
    }

    /// Takes the gap out, to be put back.
    pub(super) fn take_gap(&mut self) -> Gap {
        self.gap.take().unwrap_or_else(|| self.new_gap())
    }

    /// A page came: the conversation works.
    pub(super) fn succeeded(&mut self) {
        self.backoff.reset();
        self.signed_again = false;
        self.ended_at = None;
        self.ended = 0;
    }

    /// The size of the next page, where `usual` is that of the configuration.
    pub(super) fn page_size(&self, usual: u32) -> u32 {
        self.page_size.unwrap_or(usual)
    }

    /// A page of this size was too large. Says whether a smaller one can be asked for.
    pub(super) fn shrink_page(&mut self, size: u32) -> bool {
        let smaller = (size / 2).max(SMALLEST_PAGE);
        self.page_size = Some(smaller);
        smaller < size
    }

    /// Tells whether a message is new, by its time or by what a list proved.
    pub(super) fn age(&self, event: &Event) -> Age {
        let is_proven = self.new_from.is_some_and(|from| event.msg_seqno() >= from);
        match event.timestamp() {
            _ if is_proven => Age::New,
            UnixSeconds(0) => Age::Undated,
            timestamp if timestamp >= self.new_since => Age::New,
            _ => Age::History,
        }
    }

    /// A message is handed out; `now` is the server's clock.
    pub(super) fn hand_out(&mut self, event: &Event, now: UnixSeconds) {
        self.cursor = self.cursor.max(Some(event.msg_seqno()));
        // A time in the future would hide what arrives until then.
        self.newest_ts = self.newest_ts.max(event.timestamp().min(now));
    }

    /// When it changed last, as far as is known.
    pub(super) fn changed_at(&self) -> UnixMicros {
        self.session_ts.max(self.newest_ts.to_micros())
    }

    /// The service says that the conversation is over. Should it move again, it goes on.
    ///
    /// If messages are held above a stretch that is missing, it is asked twice more: then
    /// they are handed out, and what is missing is missing for good.
    pub(super) fn end(&mut self) -> Ended {
        let holds_above = self.gap.as_ref().is_some_and(Gap::holds_above);
        if holds_above {
            self.ended = self.ended.saturating_add(1);
            if self.ended < STRIKES {
                return Ended::AskAgain {
                    held: self.gap.as_ref().map_or(0, Gap::held),
                    is_first: self.ended == 1,
                };
            }
        }
        self.ended = 0;
        self.ended_at = Some(self.target);
        let gap = self.gap.as_mut();
        Ended::Over(match holds_above {
            true => gap.map(Gap::end).unwrap_or_default(),
            false => {
                gap.map(Gap::give_up);
                Vec::new()
            }
        })
    }

    /// Nothing is missing any more and all was handed out: closes the gap. The cursor moves
    /// to the newest message that was seen.
    pub(super) fn settle(&mut self) -> Settled {
        let Some(gap) = self.gap.take() else {
            return Settled::Whole;
        };
        self.page_size = None;
        if self.restart.is_some() {
            self.restart_if_drained();
            return Settled::Whole;
        }
        if self.ended_at.is_some() {
            // What was handed out has moved the cursor; what is owed stays so.
            return Settled::Whole;
        }
        let vague = self.recheck.take();
        let (began, reached) = (gap.began(), gap.reached());
        let is_all_known = reached >= self.target;
        // Of one that changed, although the list does not say how far it goes, something beyond
        // what was known is to come; of one never seen before it would have moved the cursor.
        let something_came =
            |known: Seqno| self.cursor.is_some() && reached > began && reached > known;
        if is_all_known && vague.is_none_or(something_came) {
            self.take_as_read(reached);
            return Settled::Whole;
        }
        self.strikes = match reached > self.seen_to.max(began) {
            true => 0,
            false => self.strikes.saturating_add(1),
        };
        self.seen_to = self.seen_to.max(reached);
        if self.strikes < STRIKES {
            // Of one never seen before, what was left out may not be all of its history.
            if self.cursor.is_some() {
                self.cursor = self.cursor.max(Some(reached));
            }
            self.recheck = vague;
            return Settled::Short;
        }
        self.take_as_read(reached);
        self.given_up = Some(self.target);
        if is_all_known {
            return Settled::Whole;
        }
        Settled::Gone {
            from: Seqno(reached.0.saturating_add(1)),
            to: self.target,
        }
    }

    /// All up to there was handed out, is history, or is gone.
    fn take_as_read(&mut self, reached: Seqno) {
        self.strikes = 0;
        if reached.0 > 0 {
            self.cursor = self.cursor.max(Some(reached));
        }
        if self.cursor.is_none() {
            // Nothing was there, and nothing is known of it: what is new stays a matter of
            // time.
            self.given_up = Some(self.target);
        }
    }
}

/// The time of the newest message that a list shows; 0 if it shows none.
fn last_written(conversation: &Conversation) -> UnixSeconds {
    let last = conversation.last_msg.as_ref();
    last.map(|message| message.timestamp).unwrap_or_default()
}

/// The newest message that a list tells of; 0 if it does not say.
pub(super) fn newest(conversation: &Conversation) -> Seqno {
    let last = conversation.last_msg.as_ref().map(|it| it.msg_seqno);
    let told = [Some(conversation.max_seqno), last];
    let plausible = told.into_iter().flatten().filter(|it| it.is_plausible());
    plausible.max().unwrap_or_default()
}
