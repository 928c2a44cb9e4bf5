//! All that the server ever had, and what must become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use bilibili_session::ConversationId;

/// Required fate of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The message is delivered.
    Comes,
    /// The message may be delivered: the service took it down, sooner or later.
    May,
    /// The message is not delivered, for this reason.
    Never(&'static str),
    /// A warning names the message, which has no readable place.
    Warned,
}

/// Place of a message: a numbering of its conversation, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Number of times that the conversation had begun anew.
    pub(crate) numbering: u32,
    pub(crate) seqno: u64,
}

/// A message that the server has.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Position among all messages.
    pub(crate) serial: u64,
    /// Key; 0 if unreadable.
    pub(crate) msg_key: i64,
    /// Time by the sender's clock, in seconds; 0 if unreadable.
    pub(crate) timestamp: i64,
    /// Time of arrival (µs since the epoch).
    pub(crate) at_us: u64,
    /// Set if the conversation's `session_ts` did not move for the message.
    pub(crate) stood_still: bool,
    pub(crate) fate: Fate,
}

/// All messages, by conversation and place.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    conversations: BTreeMap<ConversationId, BTreeMap<Place, Entry>>,
    /// Conversations that began anew, and how often.
    numberings: BTreeMap<ConversationId, u32>,
    /// Conversations that are over: what comes of them is what could be had before.
    closed: BTreeSet<ConversationId>,
    /// Places of messages that only a warning can name, by their keys.
    unwarned: BTreeMap<i64, (ConversationId, Place)>,
    serial: u64,
}

impl Ledger {
    /// Returns the position of the next message among all messages.
    pub(crate) const fn serial(&self) -> u64 {
        self.serial
    }

    /// Returns the place of this number now.
    pub(crate) fn place(&self, id: ConversationId, seqno: u64) -> Place {
        Place {
            numbering: self.numberings.get(&id).copied().unwrap_or_default(),
            seqno,
        }
    }

    /// Returns the place of this number when so many messages had been written.
    pub(crate) fn place_before(&self, id: ConversationId, seqno: u64, serial: u64) -> Place {
        let all = self.conversations.get(&id).into_iter().flatten();
        let before = all.filter(|(_, entry)| entry.serial < serial);
        Place {
            numbering: before
                .map(|(place, _)| place.numbering)
                .max()
                .unwrap_or_default(),
            seqno,
        }
    }

    pub(crate) fn add(&mut self, id: ConversationId, seqno: u64, mut entry: Entry) {
        entry.serial = self.serial;
        self.serial += 1;
        let place = self.place(id, seqno);
        if entry.fate == Fate::Warned {
            self.unwarned.insert(entry.msg_key, (id, place));
        }
        self.conversations
            .entry(id)
            .or_default()
            .insert(place, entry);
    }

    pub(crate) fn get(&self, id: ConversationId, place: Place) -> Option<&Entry> {
        self.conversations.get(&id)?.get(&place)
    }

    /// Returns the place of the message of this number and key: in the latest numbering that has it, or
    /// else in the latest that has the number.
    pub(crate) fn find(
        &self,
        id: ConversationId,
        seqno: u64,
        msg_key: i64,
    ) -> Option<(Place, &Entry)> {
        let newest = self.place(id, seqno).numbering;
        let there = || {
            (0..=newest).rev().filter_map(|numbering| {
                let place = Place { numbering, seqno };
                Some((place, self.get(id, place)?))
            })
        };
        there()
            .find(|(_, entry)| entry.msg_key == msg_key)
            .or_else(|| there().next())
    }

    /// Returns the newest message of a conversation.
    pub(crate) fn newest(&self, id: ConversationId) -> Option<Place> {
        let all = self.conversations.get(&id)?;
        all.last_key_value().map(|(place, _)| *place)
    }

    /// Returns whether this number can only be one of before the conversation began anew: all that it
    /// has now lies below.
    pub(crate) fn is_of_before(&self, id: ConversationId, seqno: u64) -> bool {
        let mut before = self.conversations.get(&id).into_iter().flatten();
        self.newest(id).is_some_and(|newest| {
            newest.seqno < seqno
                && before
                    .any(|(place, _)| place.numbering < newest.numbering && place.seqno >= seqno)
        })
    }

    /// Begins a conversation anew: its messages are no more.
    pub(crate) fn restart(&mut self, id: ConversationId) {
        *self.numberings.entry(id).or_default() += 1;
        for entry in self.conversations.entry(id).or_default().values_mut() {
            if let Fate::Comes | Fate::Warned = entry.fate {
                entry.fate = Fate::May;
            }
        }
    }

    /// Takes an existing message down, as the service does.
    pub(crate) fn take_down(&mut self, id: ConversationId, place: Place) {
        let entry = self
            .conversations
            .get_mut(&id)
            .and_then(|all| all.get_mut(&place));
        if let Some(entry) = entry {
            entry.fate = Fate::May;
        }
    }

    pub(crate) fn close(&mut self, id: ConversationId) {
        self.closed.insert(id);
    }

    pub(crate) fn is_closed(&self, id: ConversationId) -> bool {
        self.closed.contains(&id)
    }

    /// Returns the conversations that are over.
    pub(crate) fn closed(&self) -> impl Iterator<Item = ConversationId> {
        self.closed.iter().copied()
    }

    /// Returns the messages that must be delivered, also of conversations that are over.
    pub(crate) fn due(&self) -> impl Iterator<Item = (ConversationId, Place, &Entry)> {
        self.conversations
            .iter()
            .flat_map(|(id, all)| all.iter().map(|(place, entry)| (*id, *place, entry)))
            .filter(|(_, _, entry)| entry.fate == Fate::Comes)
    }

    /// Returns the messages of a conversation in a range of numbers, as numbered now.
    pub(crate) fn within(
        &self,
        id: ConversationId,
        range: RangeInclusive<u64>,
    ) -> impl Iterator<Item = (Place, &Entry)> {
        let all = (!range.is_empty())
            .then(|| self.conversations.get(&id))
            .flatten();
        let (from, to) = (self.place(id, *range.start()), self.place(id, *range.end()));
        all.into_iter()
            .flat_map(move |all| all.range(from..=to))
            .map(|(place, entry)| (*place, entry))
    }

    /// Returns the messages of a conversation after this one, in the same numbering.
    pub(crate) fn above(&self, id: ConversationId, place: Place) -> impl Iterator<Item = &Entry> {
        let end = Place {
            seqno: u64::MAX,
            ..place
        };
        let all = self.conversations.get(&id).into_iter();
        all.flat_map(move |all| all.range(place..=end).skip(1).map(|(_, entry)| entry))
    }

    /// Returns the messages of a conversation before this one, in the same numbering.
    pub(crate) fn below(&self, id: ConversationId, place: Place) -> impl Iterator<Item = &Entry> {
        let begin = Place { seqno: 0, ..place };
        let all = self.conversations.get(&id).into_iter();
        all.flat_map(move |all| all.range(begin..place).map(|(_, entry)| entry))
    }

    /// Notes a warning about an unreadable item.
    pub(crate) fn warned(&mut self, raw: &str) {
        let key = raw
            .split_once("\"msg_key\":")
            .map(|(_, rest)| rest.trim_start_matches('"'))
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
            .and_then(|digits: String| digits.parse().ok());
        if let Some(key) = key {
            self.unwarned.remove(&key);
        }
    }

    /// Returns the messages that no warning has named yet, of conversations that are not over.
    pub(crate) fn unwarned(&self) -> impl Iterator<Item = (ConversationId, Place, &Entry)> {
        self.unwarned.values().filter_map(|(id, place)| {
            let entry = self.get(*id, *place)?;
            let is_due = entry.fate == Fate::Warned && !self.is_closed(*id);
            is_due.then_some((*id, *place, entry))
        })
    }
}
