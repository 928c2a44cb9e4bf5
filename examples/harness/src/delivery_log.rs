//! What came out, in one line of lives that go on from each other's checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::{ConversationId, Event};

use crate::ledger::{Entry, Fate, Ledger, Place};
use crate::violation::{Breach, Property};

/// So often a conversation may be refused before what is missing of it may be given up.
pub(crate) const REFUSALS: u32 = 3;

/// What the first list said: what is new from then on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    /// Messages from this one on arrived after the list was made.
    pub(crate) serial: u64,
    /// How far each conversation of the list went.
    pub(crate) known: BTreeMap<ConversationId, Place>,
    /// The newest `session_ts` of the list; 0 if it was empty.
    pub(crate) newest_ts: i64,
    /// In the others nothing older than this is new (in seconds).
    pub(crate) floor: i64,
    /// In the others what was there and is older than this is old for certain (in seconds).
    pub(crate) old: i64,
    /// Whether conversations may be forgotten again.
    pub(crate) forgets: bool,
    /// Whether times need not rise within a conversation.
    pub(crate) times_off: bool,
}

/// The conversations that were not on the first list, and of which a list showed since that
/// they had changed.
pub(crate) type Proven = BTreeMap<ConversationId, Proof>;

/// The entry of a list that was the first to prove that a conversation had changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof {
    /// The newest message then. It is new whatever its time, and so is what follows.
    from: Place,
    /// Seconds that the clock of that message was behind.
    behind: i64,
}

/// What a life has taken in hand and what it was refused, as far as that decides what is owed.
#[derive(Debug, Default)]
pub(crate) struct InHand {
    /// Messages of pages that were taken. Not kept where the backlog may have given some back.
    pub(crate) messages: BTreeSet<(ConversationId, Place)>,
    /// How often in a row the service said that a conversation is over.
    pub(crate) refusals: BTreeMap<ConversationId, u32>,
}

/// What came out of a poller and of those that it was resumed from.
#[derive(Debug, Default)]
pub(crate) struct DeliveryLog {
    base: Option<Base>,
    log: Vec<(ConversationId, Place)>,
    out: BTreeSet<(ConversationId, Place)>,
    newest: BTreeMap<(ConversationId, u32), Place>,
    pub(crate) proven: Proven,
    /// What notices gave up, each after so many had come out.
    skipped: BTreeMap<(ConversationId, Place), usize>,
}

impl DeliveryLog {
    /// A new poller took its base line.
    pub(crate) fn begin(base: Base) -> Self {
        Self {
            base: Some(base),
            ..Self::default()
        }
    }

    pub(crate) const fn base(&self) -> Option<&Base> {
        self.base.as_ref()
    }

    /// How many came out.
    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    /// The last that came out of a conversation, as it is numbered now.
    pub(crate) fn newest(&self, id: ConversationId, ledger: &Ledger) -> Option<u64> {
        let numbering = ledger.place(id, 0).numbering;
        self.newest.get(&(id, numbering)).map(|place| place.seqno)
    }

    /// A poller goes on from a checkpoint that covers so many, and knew so much.
    pub(crate) fn rewind(&mut self, len: usize, proven: Proven) {
        self.log.truncate(len);
        self.out = self.log.iter().copied().collect();
        // They rise in each conversation, so the last one stays.
        self.newest = self
            .log
            .iter()
            .map(|(id, place)| ((*id, place.numbering), *place))
            .collect();
        self.proven = proven;
        self.skipped.retain(|_, at| *at <= len);
    }

    /// A list showed this: a conversation, when it changed, its newest message.
    pub(crate) fn listed(
        &mut self,
        id: ConversationId,
        session_ts: i64,
        newest: Option<Place>,
        ledger: &Ledger,
    ) {
        let Some(base) = &self.base else { return };
        if let Some(from) = newest
            && !base.known.contains_key(&id)
            && session_ts > base.newest_ts
        {
            let sent = ledger.get(id, from).map(|entry| entry.timestamp);
            let sent = sent.filter(|timestamp| *timestamp > 0);
            let behind = sent.map_or(0, |sent| session_ts / 1_000_000 - sent).max(0);
            self.proven.entry(id).or_insert(Proof { from, behind });
        }
    }

    /// Whether this message must come out.
    fn owes(&self, id: ConversationId, place: Place, entry: &Entry, ledger: &Ledger) -> bool {
        let is_skipped = self.skipped.contains_key(&(id, place));
        entry.fate == Fate::Comes && !is_skipped && self.is_new(id, place, entry, ledger)
    }

    /// Whether this is new from the base line on, and shows as such.
    fn is_new(&self, id: ConversationId, place: Place, entry: &Entry, ledger: &Ledger) -> bool {
        let Some(base) = &self.base else { return false };
        if entry.serial < base.serial {
            return false;
        }
        if self.is_proven(id, place) && !base.forgets {
            return true;
        }
        if base.known.contains_key(&id) {
            // Without a time nobody knows whether it is new in what was forgotten meanwhile.
            return entry.timestamp != 0 || !base.forgets;
        }
        // Nothing tells of one that is on no list.
        if entry.timestamp == 0 || entry.timestamp < base.floor || entry.stood_still {
            return false;
        }
        // What lies below one that is old by its time is taken as old.
        let mut above = ledger.above(id, place);
        !base.times_off || above.all(|it| it.timestamp == 0 || it.timestamp >= base.floor)
    }

    /// Whether a list proved that it is new.
    fn is_proven(&self, id: ConversationId, place: Place) -> bool {
        self.proven
            .get(&id)
            .is_some_and(|proof| place >= proof.from)
    }

    /// Whether this was there before the base line, and shows as such.
    fn is_old(&self, id: ConversationId, place: Place, entry: &Entry, ledger: &Ledger) -> bool {
        let Some(base) = &self.base else { return false };
        match base.known.get(&id) {
            Some(known) => place <= *known,
            None => {
                let was_there = entry.serial < base.serial && !self.is_proven(id, place);
                // One clock that is behind may be that of the whole conversation.
                let behind = self.proven.get(&id).filter(|_| base.times_off);
                let old = base.old - behind.map_or(0, |proof| proof.behind);
                // What lies above one that is new by its time is taken as new.
                let mut below = ledger.below(id, place);
                let is_above_new = below.any(|it| it.timestamp >= old);
                was_there && entry.timestamp != 0 && entry.timestamp < old && !is_above_new
            }
        }
    }

    /// One more came out.
    pub(crate) fn event(&mut self, event: &Event, ledger: &Ledger) -> Result<(), Breach> {
        let (id, seqno) = (event.conversation, event.msg_seqno().0);
        let twice = |what: String| Err(Breach::new(Property::NothingTwice, what).about(id));
        let Some(base) = &self.base else {
            return twice(format!("{id} {seqno} came before the base line was taken"));
        };
        let Some((place, entry)) = ledger.find(id, seqno, event.msg_key().0) else {
            return twice(format!("{id} {seqno} never was"));
        };
        if let Fate::Never(reason) = entry.fate {
            return twice(format!("{id} {seqno} must not come: {reason}"));
        }
        if entry.msg_key != event.msg_key().0 {
            let what = format!("{id} {seqno} came with another's key");
            return Err(Breach::new(Property::OneBadItem, what).about(id));
        }
        if self.is_old(id, place, entry, ledger) {
            return twice(format!("{id} {seqno} was there before the base line"));
        }
        // Of what is forgotten only the time tells that it was handed out.
        let is_known = entry.timestamp != 0 || !base.forgets;
        if !self.out.insert((id, place)) {
            return match is_known {
                true => twice(format!("{id} {seqno} came twice")),
                false => Ok(()),
            };
        }
        let newest = self.newest.insert((id, place.numbering), place);
        if let Some(newest) = newest.filter(|it| *it >= place) {
            let what = format!("{id} {seqno} came after {}", newest.seqno);
            return Err(Breach::new(Property::InOrder, what).about(id));
        }
        self.log.push((id, place));
        Ok(())
    }

    /// A notice said that these will not come.
    pub(crate) fn gap(
        &mut self,
        id: ConversationId,
        (from, to): (u64, u64),
        in_hand: &InHand,
        ledger: &Ledger,
    ) -> Result<(), Breach> {
        // What was missing of the numbers of before is gone with them.
        if self.base.is_none() || ledger.is_of_before(id, to) {
            return Ok(());
        }
        let refusals = in_hand.refusals.get(&id).copied().unwrap_or_default();
        let is_given_up = refusals >= REFUSALS || ledger.is_closed(id);
        let missing: Vec<Place> = ledger
            .within(id, from..=to)
            .filter(|(place, entry)| self.owes(id, *place, entry, ledger))
            .map(|(place, _)| place)
            .filter(|place| !self.out.contains(&(id, *place)))
            .collect();
        let lie = missing
            .iter()
            .find(|place| !is_given_up || in_hand.messages.contains(&(id, **place)));
        if let Some(place) = lie {
            let what = format!(
                "{id} {} is said to be gone ({from} to {to}), but it is there",
                place.seqno
            );
            return Err(Breach::new(Property::NothingLost, what).about(id));
        }
        // What cannot be read there was never fetched either, so that no notice can show it.
        let unread = ledger
            .within(id, from..=to)
            .filter(|(_, entry)| is_given_up && entry.fate == Fate::Told)
            .map(|(place, _)| place);
        let so_far = self.log.len();
        let skipped = missing.into_iter().chain(unread);
        self.skipped
            .extend(skipped.map(|place| ((id, place), so_far)));
        Ok(())
    }

    /// What cannot be read, and no notice told of it, nor of the stretch where it lies.
    pub(crate) fn untold(&self, ledger: &Ledger) -> Option<(ConversationId, u64)> {
        let mut untold = ledger
            .untold()
            .filter(|(id, place, _)| !self.skipped.contains_key(&(*id, *place)));
        let (id, place, _) =
            untold.find(|(id, place, entry)| self.is_new(*id, *place, entry, ledger))?;
        Some((id, place.seqno))
    }

    /// How many are still to come, and the first of them. Of conversations that are over
    /// those are still to come that were `in_hand`.
    pub(crate) fn missing(
        &self,
        ledger: &Ledger,
        in_hand: &InHand,
    ) -> Option<(usize, ConversationId, Place)> {
        self.base.as_ref()?;
        let mut missing = ledger
            .due()
            .filter(|(id, place, _)| {
                !ledger.is_closed(*id) || in_hand.messages.contains(&(*id, *place))
            })
            .filter(|(id, place, _)| !self.out.contains(&(*id, *place)))
            .filter(|(id, place, entry)| self.owes(*id, *place, entry, ledger));
        let (id, place, _) = missing.next()?;
        Some((1 + missing.count(), id, place))
    }
}
