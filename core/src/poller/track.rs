//! Where a conversation stands.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use super::backoff::Backoff;
use super::gap::Gap;
use crate::event::Event;
use crate::ids::{ConversationId, Seqno};
use crate::model::Conversation;
use crate::time::{UnixMicros, UnixSeconds};

/// How often a message that the list knows of is asked for before it is taken as gone.
const STRIKES: u8 = 3;

/// How far the time of a message and that of its conversation may be apart.
const MARGIN: Duration = Duration::from_secs(6);

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
    /// While there is no cursor: what is new has at least this time.
    pub(super) new_since: UnixSeconds,
    /// What is being fetched.
    pub(super) gap: Option<Gap>,
    pub(super) backoff: Backoff,
    /// Not asked for before.
    pub(super) retry_at: Duration,
    /// Its last request was signed with fresh keys after a refusal.
    pub(super) signed_again: bool,
    /// The service said that it is over, when its newest message was this one.
    pub(super) ended_at: Option<Seqno>,
    /// It changed, but the list does not say how far it goes.
    pub(super) recheck: bool,
    /// A target that was asked for in vain often enough.
    given_up: Option<Seqno>,
    /// How often in a row nothing came although the list knows of more.
    strikes: u8,
    /// The highest message that an attempt saw which fell short.
    seen_to: Seqno,
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

impl Track {
    pub(super) fn new(cursor: Option<Seqno>, target: Seqno, interval: Duration) -> Self {
        Self {
            cursor,
            target,
            session_ts: UnixMicros::default(),
            newest_ts: UnixSeconds::default(),
            new_since: UnixSeconds(0),
            gap: None,
            backoff: Backoff::retry(interval),
            retry_at: Duration::ZERO,
            signed_again: false,
            ended_at: None,
            recheck: false,
            given_up: None,
            strikes: 0,
            seen_to: Seqno(0),
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
    fn owes(&self) -> bool {
        let asks = self.gap.as_ref().is_some_and(|gap| gap.ask().is_some());
        let more = match self.cursor {
            Some(cursor) => self.target > cursor,
            None => true,
        } && self.given_up != Some(self.target);
        more || asks || self.recheck
    }

    /// The newest message that it makes sense to ask for.
    pub(super) fn reachable(&self) -> Seqno {
        if self.given_up == Some(self.target) {
            self.cursor.unwrap_or_default()
        } else {
            self.target
        }
    }

    /// Takes over what a list says.
    pub(super) fn observe(&mut self, newest: Seqno, session_ts: UnixMicros) {
        if newest.0 == 0 && session_ts > self.session_ts {
            self.recheck = true;
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
    }

    /// What is to be fetched: what is left of the last attempt, or all after the cursor.
    pub(super) fn gap(&mut self) -> &mut Gap {
        let (cursor, target) = (self.cursor.unwrap_or_default(), self.target);
        self.gap.get_or_insert_with(|| Gap::new(cursor, target))
    }

    /// A page came: the conversation works.
    pub(super) fn succeeded(&mut self) {
        self.backoff.reset();
        self.signed_again = false;
        self.ended_at = None;
    }

    /// A message is handed out; `now` is the server's clock.
    pub(super) fn hand_out(&mut self, event: &Event, now: UnixSeconds) {
        self.cursor = self.cursor.max(Some(event.msg_seqno()));
        // A time in the future would hide what arrives until then.
        self.newest_ts = self.newest_ts.max(event.timestamp().min(now));
    }

    /// When it changed last, as far as is known.
    fn changed_at(&self) -> UnixMicros {
        self.session_ts.max(self.newest_ts.to_micros())
    }

    /// The conversation is over: what can be handed out is all that will come. Should it
    /// move again, it goes on from there.
    pub(super) fn end(&mut self) {
        self.ended_at = Some(self.target);
        if let Some(gap) = &mut self.gap {
            gap.give_up();
        }
    }

    /// Nothing is missing any more and all was handed out: closes the gap. The cursor moves
    /// to the newest message that was seen.
    pub(super) fn settle(&mut self) -> Settled {
        let Some(gap) = self.gap.take() else {
            return Settled::Whole;
        };
        if self.ended_at.is_some() {
            // What was handed out has moved the cursor; what is owed stays so.
            return Settled::Whole;
        }
        let is_vague = std::mem::take(&mut self.recheck);
        let (began, reached) = (gap.began(), gap.reached());
        let is_all_known = reached >= self.target;
        // Of one that changed, although the list does not say how far it goes, something new
        // is to come; of one never seen before it would have moved the cursor.
        let something_came = self.cursor.is_some() && reached > began;
        if is_all_known && (something_came || !is_vague) {
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
            self.recheck = is_all_known;
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

/// All conversations, at most as many as the configuration allows.
#[derive(Debug)]
pub(super) struct Tracks {
    tracks: BTreeMap<ConversationId, Track>,
    max: usize,
    interval: Duration,
    /// In a conversation that is not here, what is new has at least this time.
    pub(super) new_since: UnixSeconds,
}

impl Tracks {
    pub(super) const fn new(max: usize, interval: Duration) -> Self {
        Self {
            tracks: BTreeMap::new(),
            max,
            interval,
            new_since: UnixSeconds(0),
        }
    }

    pub(super) fn get_mut(&mut self, id: ConversationId) -> Option<&mut Track> {
        self.tracks.get_mut(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ConversationId, &Track)> {
        self.tracks.iter().map(|(id, track)| (*id, track))
    }

    pub(super) fn len(&self) -> usize {
        self.tracks.len()
    }

    /// How many messages are held in all.
    pub(super) fn held(&self) -> usize {
        self.tracks
            .values()
            .filter_map(|track| track.gap.as_ref())
            .map(Gap::held)
            .sum()
    }

    /// Takes over where a conversation stood, at the start or from a checkpoint.
    pub(super) fn insert(
        &mut self,
        id: ConversationId,
        cursor: Option<Seqno>,
        target: Seqno,
        session_ts: UnixMicros,
    ) -> &mut Track {
        let mut track = Track::new(cursor, target, self.interval);
        track.session_ts = session_ts;
        track.new_since = self.new_since;
        match self.tracks.entry(id) {
            Entry::Vacant(place) => place.insert(track),
            Entry::Occupied(place) => {
                let known = place.into_mut();
                *known = track;
                known
            }
        }
    }

    /// Takes over what a list says of a conversation. One that is not known and has not
    /// changed since `floor` has nothing new.
    pub(super) fn observe(&mut self, conversation: &Conversation, floor: UnixMicros) {
        let id = conversation.id();
        let newest = newest(conversation);
        let session_ts = conversation.session_ts;
        if let Some(track) = self.tracks.get_mut(&id) {
            track.observe(newest, session_ts);
        } else if session_ts.0 <= 0 || session_ts >= floor {
            self.insert(id, None, newest, session_ts).recheck = newest.0 == 0;
        }
    }

    /// Forgets the conversations that have been quiet the longest, where there are too many.
    ///
    /// `floor` is where the last list began that was read to its end. Those that changed
    /// since, or shortly before, are kept: the next list may show them again, or they moved
    /// up while the pages were read and were on none.
    pub(super) fn forget_quiet(&mut self, floor: UnixMicros) {
        let Some(excess) = self.tracks.len().checked_sub(self.max).filter(|n| *n > 0) else {
            return;
        };
        let latest = floor.minus(MARGIN);
        let mut quiet: Vec<(UnixMicros, ConversationId)> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.gap.is_none() && !track.owes())
            .map(|(id, track)| (track.changed_at(), *id))
            .filter(|(changed_at, _)| *changed_at <= latest)
            .collect();
        quiet.sort_unstable();
        for (changed_at, id) in quiet.into_iter().take(excess) {
            self.tracks.remove(&id);
            // All that it has up to then was handed out; what comes is newer.
            self.new_since = self.new_since.max(changed_at.plus(MARGIN).to_seconds());
        }
    }
}

/// The newest message that a list tells of; 0 if it does not say.
pub(super) fn newest(conversation: &Conversation) -> Seqno {
    match conversation.newest_seqno() {
        // Ids are 63 bits; all ones is what the service says for "none" in other places.
        Seqno(newest) if i64::try_from(newest).is_err() => Seqno(0),
        newest => newest,
    }
}
