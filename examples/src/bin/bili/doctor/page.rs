//! Content of an answer, as far as the examination looks at it.

use std::collections::BTreeSet;

use bilibili_session::endpoints::{FetchSessionMsgs, GetSessions, SessionPage};
use bilibili_session::model::Conversation;
use bilibili_session::{ConversationId, Endpoint, Error, ErrorClass, Seqno, UnixMicros};
use serde_json::Value;

use super::question::{Question, Reply};

/// Content of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    List(List),
    Messages(Messages),
    /// Names of the counts that came.
    Unread(BTreeSet<String>),
    Refused(Refused),
}

/// A refusal: no word of the service is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) class: ErrorClass,
    pub(super) code: Option<i64>,
}

/// A page of conversations.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct List {
    /// Entries in the order in which they came, each once.
    pub(super) entries: Vec<Entry>,
    /// Number of entries that came again.
    pub(super) repeats: usize,
    pub(super) has_more: bool,
}

/// A conversation of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: ConversationId,
    pub(super) ts: UnixMicros,
    pub(super) is_pinned: bool,
    pub(super) is_system: bool,
    pub(super) max_seqno: u64,
    /// Number of the newest message, if the list shows it.
    pub(super) last_seqno: Option<u64>,
    /// Time of the newest message, in seconds, if it has one.
    pub(super) last_time: Option<i64>,
}

/// A page of messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Messages {
    pub(super) seqnos: BTreeSet<u64>,
    pub(super) has_more: bool,
}

impl Answer {
    pub(super) fn of(question: &Question, reply: &Reply) -> Self {
        let read = match &reply.data {
            Ok(data) => Self::read(question, data),
            Err(error) => Err(error.clone()),
        };
        read.unwrap_or_else(|error| {
            Self::Refused(Refused {
                class: error.class(),
                code: error.code(),
            })
        })
    }

    fn read(question: &Question, data: &Value) -> Result<Self, Error> {
        Ok(match question {
            Question::List { .. } => Self::List(List::of(&GetSessions::new().decode(data)?)),
            Question::Messages { id, .. } => {
                let page = FetchSessionMsgs::new(*id).decode(data)?;
                Self::Messages(Messages {
                    seqnos: page.messages.iter().map(|it| it.msg_seqno().0).collect(),
                    has_more: page.has_more,
                })
            }
            Question::Unread => {
                let counts = data.as_object().into_iter().flatten();
                Self::Unread(counts.map(|(name, _)| name.clone()).collect())
            }
        })
    }
}

impl List {
    fn of(page: &SessionPage) -> Self {
        let mut seen = BTreeSet::new();
        let first_times = page.session_list.iter().filter(|it| seen.insert(it.id()));
        let entries: Vec<Entry> = first_times.map(Entry::of).collect();
        Self {
            repeats: page.session_list.len() - entries.len(),
            entries,
            has_more: page.has_more,
        }
    }

    /// Returns the entries that stand where their time puts them.
    pub(super) fn by_time(&self) -> Vec<Entry> {
        let mut entries = self.entries.clone();
        entries.retain(|entry| !entry.is_pinned);
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.ts));
        entries
    }

    pub(super) fn shows(&self, entry: &Entry) -> bool {
        self.by_time()
            .iter()
            .any(|it| (it.id, it.ts) == (entry.id, entry.ts))
    }

    /// Returns the number of entries, pinned ones aside, that are later than this.
    pub(super) fn later_than(&self, ts: UnixMicros) -> usize {
        self.by_time().iter().filter(|entry| entry.ts > ts).count()
    }

    /// Returns the number of entries, pinned ones aside, that are earlier than this.
    pub(super) fn earlier_than(&self, ts: UnixMicros) -> usize {
        self.by_time().iter().filter(|entry| entry.ts < ts).count()
    }

    /// Returns the time of the last entry, pinned ones aside.
    pub(super) fn bottom(&self) -> Option<UnixMicros> {
        self.by_time().last().map(|entry| entry.ts)
    }
}

impl Entry {
    fn of(conversation: &Conversation) -> Self {
        let last = conversation.last_msg.as_ref();
        Self {
            id: conversation.id(),
            ts: conversation.session_ts,
            is_pinned: conversation.top_ts.0 != 0,
            is_system: conversation.system_msg_type != 0,
            max_seqno: conversation.max_seqno.0,
            last_seqno: last.map(|it| it.msg_seqno.0),
            last_time: last.map(|it| it.timestamp.0).filter(|&time| time != 0),
        }
    }
}

impl Messages {
    pub(super) fn lowest(&self) -> Option<Seqno> {
        self.seqnos.first().map(|seqno| Seqno(*seqno))
    }

    pub(super) fn highest(&self) -> Option<Seqno> {
        self.seqnos.last().map(|seqno| Seqno(*seqno))
    }
}
