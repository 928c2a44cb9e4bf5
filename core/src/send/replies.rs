//! The replies of a session, so that a later life of it answers nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::own_messages::{Own, Read};
use crate::ids::{ConversationId, MsgKey, Seqno};

/// A request of the life before may still be under way for so long after the resume.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// Number of replies to one message that are remembered.
const MOST_KEYS: usize = 32;

/// The replies of a session, at most as many conversations as it is configured for.
///
/// A process may die between a reply and the checkpoint that covers it. The message comes again
/// then, and the conversation shows whether it was answered: replies are made in the order of the
/// messages, so that an own message of the same content after the reply to the message before is
/// the one. What was answered in this life is no reply of the former one.
#[derive(Debug, Clone)]
pub(crate) struct Replies {
    most: usize,
    /// The beginning of this life, if it goes on from a checkpoint.
    resumed: Option<Resumed>,
    known: BTreeMap<ConversationId, Replied>,
    /// Number of replies so far.
    count: u64,
    /// The conversations that were replied to since [`take_changed`](Self::take_changed).
    changed: BTreeSet<ConversationId>,
}

/// State of a life that goes on from a checkpoint.
#[derive(Debug, Clone, Default)]
struct Resumed {
    at: Option<Duration>,
    /// The conversations in which own messages were looked up.
    looked_up: BTreeMap<ConversationId, LookedUp>,
}

/// Own messages of a conversation, read after the resume.
#[derive(Debug, Clone)]
struct LookedUp {
    /// The newest message that was read: later ones arrived after the resume, and the former life
    /// cannot have answered them.
    newest: Seqno,
    own: Vec<(Own, IsClaimed)>,
    /// The message that was asked for last.
    to: Seqno,
    /// Number of own messages that were replies to messages before that one.
    passed: usize,
}

type IsClaimed = bool;

/// The last replies in a conversation.
#[derive(Debug, Clone)]
struct Replied {
    /// The message that was answered last.
    to: Seqno,
    /// The replies to that message.
    keys: Vec<ReplyKey>,
    /// The last reply to a message before.
    before: Option<MsgKey>,
    /// Value of the count at the last reply.
    turn: u64,
}

#[derive(Debug, Clone, Copy)]
struct ReplyKey {
    content: Option<Fingerprint>,
    key: MsgKey,
    /// Set if the reply was made in a former life, and was not asked for in this one yet.
    is_former: bool,
}

/// Saved form of the last replies in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedReplies {
    session_type: i64,
    talker_id: i64,
    to: u64,
    /// Check sum of the content, and key of each reply.
    keys: Vec<(Option<Fingerprint>, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
}

impl SavedReplies {
    pub(crate) const fn id(&self) -> ConversationId {
        ConversationId::new(self.session_type, self.talker_id)
    }
}

/// State of a reply before it is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has made it.
    Open,
    /// A former life made it.
    Made(MsgKey),
    /// The conversation tells, not before this monotonic reading.
    LookUp(Duration),
}

impl Replies {
    pub(super) const fn new(most: usize) -> Self {
        Self {
            most,
            resumed: None,
            known: BTreeMap::new(),
            count: 0,
            changed: BTreeSet::new(),
        }
    }

    /// Goes on from what was saved.
    pub(super) fn resume(&mut self, saved: &[SavedReplies]) {
        self.resumed = Some(Resumed::default());
        for saved in saved {
            let keys = saved.keys.iter().map(|(content, key)| ReplyKey {
                content: *content,
                key: MsgKey(*key),
                is_former: true,
            });
            let replied = Replied {
                to: Seqno(saved.to),
                keys: keys.collect(),
                before: saved.before.map(MsgKey),
                turn: 0,
            };
            self.known.insert(saved.id(), replied);
        }
        self.bound();
    }

    /// Notes the beginning of this life.
    pub(super) fn begin(&mut self, clock: Duration) {
        if let Some(resumed) = &mut self.resumed {
            resumed.at.get_or_insert(clock);
        }
    }

    /// Returns what is known of a reply to this message. A reply of a former life is returned
    /// once.
    pub(super) fn claim(
        &mut self,
        id: ConversationId,
        to: Seqno,
        content: Option<Fingerprint>,
        clock: Duration,
    ) -> Standing {
        let Some(resumed) = &mut self.resumed else {
            return Standing::Open;
        };
        let replied = self.known.get_mut(&id);
        if let Some(replied) = replied.filter(|replied| replied.to == to)
            && let Some(former) = replied.former(content)
        {
            former.is_former = false;
            return Standing::Made(former.key);
        }
        let Some(looked_up) = resumed.looked_up.get_mut(&id) else {
            let begun = *resumed.at.get_or_insert(clock);
            return Standing::LookUp(begun.saturating_add(UNDER_WAY));
        };
        if to > looked_up.newest {
            looked_up.own = Vec::new();
            return Standing::Open;
        }
        match looked_up.claim(self.known.get(&id), to, content) {
            Some(key) => Standing::Made(key),
            None => Standing::Open,
        }
    }

    /// Takes the own messages that a look-up has found.
    pub(super) fn looked_up(&mut self, id: ConversationId, read: Read) {
        if let Some(resumed) = &mut self.resumed {
            let own = read.own.into_iter().map(|own| (own, false)).collect();
            let newest = read.newest;
            let looked_up = LookedUp {
                newest,
                own,
                to: Seqno(0),
                passed: 0,
            };
            resumed.looked_up.insert(id, looked_up);
        }
    }

    /// Returns the newest message that a look-up in this conversation saw: what is sent after that
    /// is newer, whatever the clocks say.
    pub(super) fn seen(&self, id: ConversationId) -> Option<Seqno> {
        let looked_up = self.resumed.as_ref()?.looked_up.get(&id)?;
        Some(looked_up.newest)
    }

    /// Notes that a message was answered.
    pub(super) fn note(
        &mut self,
        id: ConversationId,
        to: Seqno,
        content: Option<Fingerprint>,
        key: MsgKey,
    ) {
        self.count += 1;
        let replied = self.known.entry(id).or_insert_with(|| Replied {
            to,
            keys: Vec::new(),
            before: None,
            turn: 0,
        });
        replied.turn = self.count;
        replied.note(to, content, key);
        self.changed.insert(id);
        self.bound();
    }

    /// Returns whether this is the key of a reply that is remembered.
    pub(super) fn holds(&self, id: ConversationId, key: MsgKey) -> bool {
        let replied = self.known.get(&id);
        replied.is_some_and(|replied| replied.holds(key) || replied.before == Some(key))
    }

    /// Returns what is to be saved.
    pub(crate) fn save(&self) -> Vec<SavedReplies> {
        self.known.iter().map(|(id, it)| it.save(*id)).collect()
    }

    /// Returns what has changed since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<SavedReplies> {
        let changed = std::mem::take(&mut self.changed);
        let saved = changed.into_iter().filter_map(|id| {
            let replied = self.known.get(&id)?;
            Some(replied.save(id))
        });
        saved.collect()
    }

    /// Forgets the conversations that were not replied to for the longest time, where there are
    /// too many.
    fn bound(&mut self) {
        while self.known.len() > self.most {
            let oldest = self.known.iter().min_by_key(|(_, replied)| replied.turn);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                return;
            };
            self.known.remove(&oldest);
            self.changed.remove(&oldest);
        }
    }
}

impl LookedUp {
    /// Returns the own message that is the reply of a former life to this message.
    fn claim(
        &mut self,
        replied: Option<&Replied>,
        to: Seqno,
        content: Option<Fingerprint>,
    ) -> Option<MsgKey> {
        let content = content?;
        let before = replied.and_then(|replied| replied.last_before(to));
        let position = |is: &dyn Fn(&(Own, IsClaimed)) -> bool| {
            let position = self.own.iter().rposition(is);
            position.map_or(0, |position| position + 1)
        };
        if to > self.to {
            let claimed = position(&|(_, is_claimed)| *is_claimed);
            let before = position(&|(own, _)| Some(own.key) == before);
            // What was passed stays so: the reply before may be newer than the reading.
            self.passed = self.passed.max(claimed).max(before);
            self.to = to;
        }
        let begin = match to == self.to {
            true => self.passed,
            false => 0,
        };
        let is_other = |key| replied.is_some_and(|replied| replied.holds(key));
        let (own, is_claimed) = self.own.iter_mut().skip(begin).find(|(own, is_claimed)| {
            let fits = own.content == Some(content) && own.seqno > to;
            fits && !is_claimed && !is_other(own.key)
        })?;
        *is_claimed = true;
        Some(own.key)
    }
}

impl Replied {
    /// Returns a reply of a former life with this content.
    fn former(&mut self, content: Option<Fingerprint>) -> Option<&mut ReplyKey> {
        let content = content?;
        self.keys
            .iter_mut()
            .find(|it| it.is_former && it.content == Some(content))
    }

    fn holds(&self, key: MsgKey) -> bool {
        self.keys.iter().any(|it| it.key == key)
    }

    /// Returns the last reply to a message before this one, as far as that is known.
    fn last_before(&self, to: Seqno) -> Option<MsgKey> {
        if to < self.to {
            return None;
        }
        let last = self.keys.last().map(|last| last.key);
        last.filter(|_| to > self.to).or(self.before)
    }

    fn note(&mut self, to: Seqno, content: Option<Fingerprint>, key: MsgKey) {
        if to > self.to {
            self.before = self.last_before(to);
            self.to = to;
            self.keys.clear();
        }
        if self.holds(key) {
            return;
        }
        if self.keys.len() >= MOST_KEYS {
            self.keys.remove(0);
        }
        self.keys.push(ReplyKey {
            // One to an earlier message, out of turn, is not to be found for this one.
            content: content.filter(|_| to == self.to),
            key,
            is_former: false,
        });
    }

    fn save(&self, id: ConversationId) -> SavedReplies {
        SavedReplies {
            session_type: id.session_type(),
            talker_id: id.talker_id(),
            to: self.to.0,
            keys: self.keys.iter().map(|it| (it.content, it.key.0)).collect(),
            before: self.before.map(|key| key.0),
        }
    }
}
