//! Events in one line of lives that go on from each other's checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use bilibili_session::{ConversationId, Event};

use crate::ledger::{Entry, Fate, Ledger, Place};
use crate::violation::{Breach, Property};

/// Number of refusals after which the missing messages of a conversation may be abandoned.
pub(crate) const REFUSALS: u32 = 3;

/// Baseline: state of the first list, after which everything is new.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    /// Messages from this one on arrived after the list was made.
    pub(crate) serial: u64,
    /// The newest message of each conversation of the list.
    pub(crate) known: BTreeMap<ConversationId, Place>,
    /// The newest `session_ts` of the list; 0 if the list was empty.
    pub(crate) newest_ts: i64,
    /// Time before which nothing in the other conversations is new (in seconds).
    pub(crate) floor: i64,
    /// Time before which an existing message in the other conversations is certainly old (in seconds).
    pub(crate) old: i64,
    /// Set if conversations may be forgotten again.
    pub(crate) forgets: bool,
    /// Set if times need not rise within a conversation.
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

/// Messages that a life has received, and refusals, as far as they decide what is owed.
#[derive(Debug, Default)]
pub(crate) struct InHand {
    /// Messages of pages that were taken. Not kept where the backlog may have given some back.
    pub(crate) messages: BTreeSet<(ConversationId, Place)>,
    /// Number of times in a row that the service called a conversation over.
    pub(crate) refusals: BTreeMap<ConversationId, u32>,
}

/// Events of a poller and of those that it was resumed from.
#[derive(Debug, Default)]
pub(crate) struct DeliveryLog {
    base: Option<Base>,
    log: Vec<(ConversationId, Place)>,
    out: BTreeSet<(ConversationId, Place)>,
    newest: BTreeMap<(ConversationId, u32), Place>,
    pub(crate) proven: Proven,
    /// Messages that warnings declared abandoned, each with the number of events before.
    skipped: BTreeMap<(ConversationId, Place), usize>,
}

impl DeliveryLog {
    /// Begins the log of a new poller at its baseline.
    pub(crate) fn begin(base: Base) -> Self {
        Self {
            base: Some(base),
            ..Self::default()
        }
    }

    pub(crate) const fn base(&self) -> Option<&Base> {
        self.base.as_ref()
    }

    /// Returns the number of events.
    pub(crate) fn len(&self) -> usize {
        self.log.len()
    }

    /// Returns the last delivered message of a conversation, as numbered now.
    pub(crate) fn newest(&self, id: ConversationId, ledger: &Ledger) -> Option<u64> {
        let numbering = ledger.place(id, 0).numbering;
        self.newest.get(&(id, numbering)).map(|place| place.seqno)
    }

    /// Goes back to a checkpoint that covers so many events, and knew of these proofs.
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

    /// Notes an entry of a list: a conversation, the time of its change, its newest message.
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

    /// Returns whether this message must be delivered.
    fn owes(&self, id: ConversationId, place: Place, entry: &Entry, ledger: &Ledger) -> bool {
        let is_skipped = self.skipped.contains_key(&(id, place));
        entry.fate == Fate::Comes && !is_skipped && self.is_new(id, place, entry, ledger)
    }

    /// Returns whether this message is new from the baseline on, and shows as such.
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
        // Nothing shows one that is on no list.
        if entry.timestamp == 0 || entry.timestamp < base.floor || entry.stood_still {
            return false;
        }
        // What lies below one that is old by its time is taken as old.
        let mut above = ledger.above(id, place);
        !base.times_off || above.all(|it| it.timestamp == 0 || it.timestamp >= base.floor)
    }

    /// Returns whether a list proved that the message is new.
    fn is_proven(&self, id: ConversationId, place: Place) -> bool {
        self.proven
            .get(&id)
            .is_some_and(|proof| place >= proof.from)
    }

    /// Returns whether this message was there before the baseline, and shows as such.
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

    /// Checks and notes an event.
    pub(crate) fn event(&mut self, event: &Event, ledger: &Ledger) -> Result<(), Breach> {
        let (id, seqno) = (event.conversation, event.msg_seqno().0);
        let twice = |what: String| Err(Breach::new(Property::NothingTwice, what).about(id));
        let Some(base) = &self.base else {
            return twice(format!("{id} {seqno} came before the baseline was taken"));
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
            return twice(format!("{id} {seqno} was there before the baseline"));
        }
        // Of what is forgotten only the time shows that it was delivered.
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

    /// Checks and notes a warning that these messages will not come.
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
        // What cannot be read there was never fetched either, so that no warning can show it.
        let unread = ledger
            .within(id, from..=to)
            .filter(|(_, entry)| is_given_up && entry.fate == Fate::Warned)
            .map(|(place, _)| place);
        let so_far = self.log.len();
        let skipped = missing.into_iter().chain(unread);
        self.skipped
            .extend(skipped.map(|place| ((id, place), so_far)));
        Ok(())
    }

    /// Returns an unreadable message that no warning has named, nor a stretch around it.
    pub(crate) fn unwarned(&self, ledger: &Ledger) -> Option<(ConversationId, u64)> {
        let mut unwarned = ledger
            .unwarned()
            .filter(|(id, place, _)| !self.skipped.contains_key(&(*id, *place)));
        let (id, place, _) =
            unwarned.find(|(id, place, entry)| self.is_new(*id, *place, entry, ledger))?;
        Some((id, place.seqno))
    }

    /// Counts the pending messages, and names the first. Of conversations that are over those
    /// are pending that were `in_hand`.
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
