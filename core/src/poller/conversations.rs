//! The conversations that are remembered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::conversation::{ConversationState, newest};
use super::lists::Proof;
use crate::ids::ConversationId;
use crate::model::Conversation;
use crate::time::{UnixMicros, UnixSeconds};

/// Greatest difference between the time of a message and that of its conversation.
const MARGIN: Duration = Duration::from_secs(6);

/// The conversations that are remembered, at most as many as the configuration allows.
///
/// Every change of a conversation goes through [`update`](Self::update), which keeps the pending
/// ones apart: a round costs what changed, not what is known.
#[derive(Debug)]
pub(super) struct Conversations {
    known: BTreeMap<ConversationId, Box<ConversationState>>,
    /// The conversations that may have to be asked for something, or that hold messages.
    pending: BTreeSet<ConversationId>,
    /// Number of messages that the conversations hold.
    held: usize,
    /// The conversations that changed since [`take_changed`](Self::take_changed), once that is
    /// used.
    changed: Option<BTreeSet<ConversationId>>,
    max: usize,
    /// Least time of new messages in a conversation that is not known.
    new_since: UnixSeconds,
}

impl Conversations {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            known: BTreeMap::new(),
            pending: BTreeSet::new(),
            held: 0,
            changed: None,
            max,
            new_since: UnixSeconds(0),
        }
    }

    /// Sets the least time of new messages in conversations that are not known.
    pub(super) const fn begin_at(&mut self, new_since: UnixSeconds) {
        self.new_since = new_since;
    }

    /// Returns the time that a conversation which is not known must have changed before, so that nothing that was there is
    /// taken for new.
    pub(super) fn known_from(&self) -> UnixMicros {
        self.new_since.to_micros().minus(MARGIN)
    }

    pub(super) const fn new_since(&self) -> UnixSeconds {
        self.new_since
    }

    /// Changes the state of a conversation, if it is remembered.
    pub(super) fn update<R>(
        &mut self,
        id: ConversationId,
        change: impl FnOnce(&mut ConversationState) -> R,
    ) -> Option<R> {
        let state = self.known.get_mut(&id)?;
        let (held_before, was_pending) = (state.held(), state.is_pending());
        let result = change(state);
        state.compact();
        self.held = self
            .held
            .saturating_sub(held_before)
            .saturating_add(state.held());
        match (was_pending, state.is_pending()) {
            (false, true) => drop(self.pending.insert(id)),
            (true, false) => drop(self.pending.remove(&id)),
            _ => {}
        }
        self.note_change(id);
        Some(result)
    }

    pub(super) fn get(&self, id: ConversationId) -> Option<&ConversationState> {
        self.known.get(&id).map(AsRef::as_ref)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ConversationId, &ConversationState)> {
        self.known.iter().map(|(id, state)| (*id, state.as_ref()))
    }

    /// Notes that the saved state of a conversation is to be renewed.
    pub(super) fn note_change(&mut self, id: ConversationId) {
        if let Some(changed) = &mut self.changed {
            changed.insert(id);
        }
    }

    /// Returns the conversations that changed, or were forgotten, since the last call; `None` at
    /// the first call, before which nobody kept count.
    pub(super) fn take_changed(&mut self) -> Option<BTreeSet<ConversationId>> {
        self.changed.replace(BTreeSet::new())
    }

    /// Begins a round. Returns the conversations that are behind and can be asked for now, the
    /// one that changed last before the others.
    pub(super) fn begin_round(&mut self, clock: Duration) -> VecDeque<ConversationId> {
        let mut behind = Vec::new();
        for id in &self.pending {
            let Some(state) = self.known.get_mut(id) else {
                continue;
            };
            state.begin_round();
            if state.is_behind(clock) {
                behind.push((Reverse(state.session_ts()), *id));
            }
        }
        behind.sort_unstable();
        behind.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Returns the number of messages that the conversations hold.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Takes over the state of a conversation that was not remembered.
    pub(super) fn insert(&mut self, id: ConversationId, state: ConversationState) {
        match state.is_pending() {
            true => self.pending.insert(id),
            false => self.pending.remove(&id),
        };
        self.known.insert(id, Box::new(state));
        self.update(id, |_| ());
    }

    /// Packs the conversations: those that were added one by one leave a third of the room empty.
    pub(super) fn pack(&mut self) {
        self.known = std::mem::take(&mut self.known).into_iter().collect();
    }

    /// Adds a conversation that has nothing new. Where the list does not say how far it goes, the
    /// time of a message decides later.
    pub(super) fn begin(&mut self, entry: &Conversation) {
        if newest(entry).0 > 0 {
            self.insert(entry.id(), ConversationState::begin(entry));
        }
    }

    /// Adds a conversation that a list shows and that was not known.
    pub(super) fn discover(&mut self, entry: &Conversation, proof: Option<Proof>) {
        let state = ConversationState::discover(entry, self.new_since, proof);
        self.insert(entry.id(), state);
    }

    /// Forgets the conversations that have been quiet the longest, where there are too many.
    ///
    /// `settled_to` is the time up to which no change is still to be shown. Conversations that
    /// changed later, or shortly before, are kept: the next list may show them again.
    ///
    /// Returns the latest time at which one of the forgotten conversations changed.
    pub(super) fn forget_quiet(&mut self, settled_to: UnixMicros) -> UnixMicros {
        let mut forgotten_to = UnixMicros(0);
        let Some(excess) = self.known.len().checked_sub(self.max).filter(|n| *n > 0) else {
            return forgotten_to;
        };
        let latest = settled_to.minus(MARGIN);
        let mut quiet: Vec<(UnixMicros, ConversationId, UnixMicros)> = self
            .iter()
            .filter(|(_, state)| state.is_quiet())
            .map(|(id, state)| (state.changed_at(), id, state.written_to()))
            .filter(|(changed_at, ..)| *changed_at <= latest)
            .collect();
        quiet.sort_unstable();
        for (changed_at, id, written_to) in quiet.into_iter().take(excess) {
            self.known.remove(&id);
            self.note_change(id);
            forgotten_to = changed_at.plus(MARGIN);
            // All messages up to that time were delivered; those to come are newer.
            self.new_since = self.new_since.max(written_to.plus(MARGIN).to_seconds());
        }
        forgotten_to
    }
}
