//! What came out, in one line of lives that go on from each other's checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::{ConversationId, Event};

use super::ledger::{Entry, Fate, Ledger};
use super::violation::{Breach, Property};

/// What the first list said: what is new from then on.
#[derive(Debug, Clone, Default)]
pub(super) struct Base {
    /// Messages from this one on arrived after the list was made.
    pub(super) serial: u64,
    /// How far each conversation of the list went.
    pub(super) known: BTreeMap<ConversationId, u64>,
    /// In the others nothing older than this is new (in seconds).
    pub(super) floor: i64,
    /// Whether conversations may be forgotten again.
    pub(super) forgets: bool,
}

impl Base {
    /// Whether this message must come out.
    fn owes(&self, id: ConversationId, entry: &Entry) -> bool {
        // Without a time nobody knows whether a message is new where the cursor is not known.
        let dated = entry.timestamp != 0 || self.known.contains_key(&id) && !self.forgets;
        entry.serial >= self.serial && entry.fate == Fate::Comes && dated
    }

    fn is_old(&self, id: ConversationId, seqno: u64, entry: &Entry) -> bool {
        match self.known.get(&id) {
            Some(known) => seqno <= *known,
            None => entry.timestamp != 0 && entry.timestamp < self.floor,
        }
    }
}

/// What came out of a poller and of those that it was resumed from.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    base: Option<Base>,
    log: Vec<(ConversationId, u64)>,
    out: BTreeSet<(ConversationId, u64)>,
    newest: BTreeMap<ConversationId, u64>,
}

impl Lineage {
    /// A new poller took its base line.
    pub(super) fn begin(base: Base) -> Self {
        Self {
            base: Some(base),
            ..Self::default()
        }
    }

    pub(super) const fn base(&self) -> Option<&Base> {
        self.base.as_ref()
    }

    /// How many came out.
    pub(super) fn len(&self) -> usize {
        self.log.len()
    }

    /// The last that came out of a conversation.
    pub(super) fn newest(&self, id: ConversationId) -> Option<u64> {
        self.newest.get(&id).copied()
    }

    /// A poller goes on from a checkpoint that covers so many.
    pub(super) fn rewind(&mut self, len: usize) {
        self.log.truncate(len);
        self.out = self.log.iter().copied().collect();
        // They rise in each conversation, so the last one stays.
        self.newest = self.log.iter().copied().collect();
    }

    /// One more came out.
    pub(super) fn event(&mut self, event: &Event, ledger: &Ledger) -> Result<(), Breach> {
        let (id, seqno) = (event.conversation, event.msg_seqno().0);
        let twice = |what: String| Err(Breach::new(Property::NothingTwice, what).about(id));
        let Some(base) = &self.base else {
            return twice(format!("{id} {seqno} came before the base line was taken"));
        };
        let Some(entry) = ledger.get(id, seqno) else {
            return twice(format!("{id} {seqno} never was"));
        };
        if let Fate::Never(reason) = entry.fate {
            return twice(format!("{id} {seqno} must not come: {reason}"));
        }
        if entry.msg_key != event.msg_key().0 {
            let what = format!("{id} {seqno} came with another's key");
            return Err(Breach::new(Property::OneBadItem, what).about(id));
        }
        if base.is_old(id, seqno, entry) {
            return twice(format!("{id} {seqno} was there before the base line"));
        }
        // Of what is forgotten only the time tells that it was handed out.
        let is_known = entry.timestamp != 0 || !base.forgets;
        if !self.out.insert((id, seqno)) {
            return match is_known {
                true => twice(format!("{id} {seqno} came twice")),
                false => Ok(()),
            };
        }
        if let Some(newest) = self.newest.insert(id, seqno).filter(|it| *it >= seqno) {
            let what = format!("{id} {seqno} came after {newest}");
            return Err(Breach::new(Property::InOrder, what).about(id));
        }
        self.log.push((id, seqno));
        Ok(())
    }

    /// A notice said that these will not come.
    pub(super) fn gap(
        &self,
        id: ConversationId,
        from: u64,
        to: u64,
        ledger: &Ledger,
    ) -> Result<(), Breach> {
        let Some(base) = &self.base else {
            return Ok(());
        };
        let lie = ledger.within(id, from..=to).find(|(seqno, entry)| {
            base.owes(id, entry) && !self.out.contains(&(id, *seqno)) && !ledger.is_closed(id)
        });
        match lie {
            Some((seqno, _)) => {
                let what =
                    format!("{id} {seqno} is said to be gone ({from} to {to}), but it is there");
                Err(Breach::new(Property::NothingLost, what).about(id))
            }
            None => Ok(()),
        }
    }

    /// How many are still to come, and the first of them.
    pub(super) fn missing(&self, ledger: &Ledger) -> Option<(usize, ConversationId, u64)> {
        let base = self.base.as_ref()?;
        let mut missing = ledger
            .due()
            .filter(|(id, _, entry)| base.owes(*id, entry))
            .filter(|(id, seqno, _)| !self.out.contains(&(*id, *seqno)));
        let (id, seqno, _) = missing.next()?;
        Some((1 + missing.count(), id, seqno))
    }
}
