//! All conversations that are remembered.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use super::gap::Gap;
use super::lists::Proof;
use super::track::{Track, newest};
use crate::ids::{ConversationId, Seqno};
use crate::model::Conversation;
use crate::time::{UnixMicros, UnixSeconds};

/// Most that the time of a message and that of its conversation may be apart.
const MARGIN: Duration = Duration::from_secs(6);

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

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Track> {
        self.tracks.values_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.tracks.len()
    }

    /// Returns the number of messages held in all.
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
        track.settled_ts = session_ts;
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

    /// Takes in where a conversation stands that has nothing new. Where the list does not say
    /// how far it goes, the time of a message decides later.
    pub(super) fn begin(&mut self, entry: &Conversation) {
        let newest = newest(entry);
        if newest.0 > 0 {
            let track = self.insert(entry.id(), None, newest, entry.session_ts);
            track.begin(entry);
        }
    }

    /// Takes in a conversation that a list shows and that is not known.
    pub(super) fn discover(&mut self, entry: &Conversation, proof: Option<Proof>) {
        let track = self.insert(entry.id(), None, newest(entry), entry.session_ts);
        track.discover(entry, proof);
    }

    /// Forgets the conversations that have been quiet the longest, where there are too many.
    ///
    /// `floor` is where the last list began that was read to its end. Those that changed
    /// since, or shortly before, are kept: the next list may show them again, or they moved
    /// up while the pages were read and were on none.
    ///
    /// Returns up to when those had changed that were forgotten.
    pub(super) fn forget_quiet(&mut self, floor: UnixMicros) -> UnixMicros {
        let mut forgotten_to = UnixMicros(0);
        let Some(excess) = self.tracks.len().checked_sub(self.max).filter(|n| *n > 0) else {
            return forgotten_to;
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
            forgotten_to = changed_at.plus(MARGIN);
            self.new_since = self.new_since.max(forgotten_to.to_seconds());
        }
        forgotten_to
    }
}
