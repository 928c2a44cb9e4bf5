//! All that the server ever had, and what must become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use bilibili_session::ConversationId;

/// What must become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It comes out.
    Comes,
    /// It may come out: the service took it down, sooner or later.
    May,
    /// It does not come out, for this reason.
    Never(&'static str),
    /// A notice tells of it: it has no readable place.
    Told,
}

/// A message that the server has.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The how-manieth it was.
    pub(super) serial: u64,
    /// 0 if it cannot be read.
    pub(super) msg_key: i64,
    /// In seconds; 0 if it cannot be read.
    pub(super) timestamp: i64,
    pub(super) fate: Fate,
}

/// All messages by conversation and number.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    conversations: BTreeMap<ConversationId, BTreeMap<u64, Entry>>,
    /// Conversations that are over: what comes of them is what could be had before.
    closed: BTreeSet<ConversationId>,
    /// Where the messages lie that no event can tell of, by their keys.
    to_tell: BTreeMap<i64, (ConversationId, u64)>,
    serial: u64,
}

impl Ledger {
    /// The how-manieth message comes next.
    pub(super) const fn serial(&self) -> u64 {
        self.serial
    }

    pub(super) fn add(&mut self, id: ConversationId, seqno: u64, mut entry: Entry) {
        entry.serial = self.serial;
        self.serial += 1;
        if entry.fate == Fate::Told {
            self.to_tell.insert(entry.msg_key, (id, seqno));
        }
        self.conversations
            .entry(id)
            .or_default()
            .insert(seqno, entry);
    }

    pub(super) fn get(&self, id: ConversationId, seqno: u64) -> Option<&Entry> {
        self.conversations.get(&id)?.get(&seqno)
    }

    /// The service takes a message down that was there.
    pub(super) fn take_down(&mut self, id: ConversationId, seqno: u64) {
        let entry = self
            .conversations
            .get_mut(&id)
            .and_then(|all| all.get_mut(&seqno));
        if let Some(entry) = entry {
            entry.fate = Fate::May;
        }
    }

    pub(super) fn close(&mut self, id: ConversationId) {
        self.closed.insert(id);
    }

    pub(super) fn is_closed(&self, id: ConversationId) -> bool {
        self.closed.contains(&id)
    }

    /// The messages that must come out, of conversations that are not over.
    pub(super) fn due(&self) -> impl Iterator<Item = (ConversationId, u64, &Entry)> {
        self.conversations
            .iter()
            .filter(|(id, _)| !self.closed.contains(id))
            .flat_map(|(id, all)| all.iter().map(|(seqno, entry)| (*id, *seqno, entry)))
            .filter(|(_, _, entry)| entry.fate == Fate::Comes)
    }

    /// The messages of a conversation in a range of numbers.
    pub(super) fn within(
        &self,
        id: ConversationId,
        range: RangeInclusive<u64>,
    ) -> impl Iterator<Item = (u64, &Entry)> {
        let all = (!range.is_empty())
            .then(|| self.conversations.get(&id))
            .flatten();
        all.into_iter()
            .flat_map(move |all| all.range(range.clone()))
            .map(|(seqno, entry)| (*seqno, entry))
    }

    /// A notice showed an item that cannot be read.
    pub(super) fn told(&mut self, raw: &str) {
        let key = raw
            .split_once("\"msg_key\":")
            .map(|(_, rest)| rest.trim_start_matches('"'))
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
            .and_then(|digits: String| digits.parse().ok());
        if let Some(key) = key {
            self.to_tell.remove(&key);
        }
    }

    /// What no notice has told of yet, among the messages from `serial` on.
    pub(super) fn untold(&self, serial: u64) -> Option<(ConversationId, u64)> {
        self.to_tell.values().copied().find(|(id, seqno)| {
            !self.is_closed(*id)
                && self
                    .get(*id, *seqno)
                    .is_some_and(|entry| entry.serial >= serial && entry.fate == Fate::Told)
        })
    }
}
