//! A saved state of a poller, to resume from later.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::journal;
use crate::event::Event;
use crate::feeds::{FeedEvent, SavedMark};
use crate::ids::{ConversationId, Uid};
use crate::one_line::OneLine;
use crate::send::SavedReplies;
use crate::time::{UnixMicros, UnixSeconds};

const FORMAT: &str = "bilibili-session checkpoint";
/// Version 1 lacks [`Lists`], version 2 the feeds, version 3 the replies; all are still read.
const VERSION: u64 = 4;
const OLDEST_VERSION: u64 = 1;

/// A saved state of a poller; covers exactly the events that were delivered before it was taken.
///
/// A checkpoint serialises as a JSON object with a check sum. Reading one that is damaged, of
/// another kind or of a newer version fails with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub(super) body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) uid: i64,
    /// The baseline.
    pub(super) base_ts: i64,
    /// Least time of new messages in a conversation that is not saved.
    pub(super) new_since: i64,
    /// Time of the last request for the list, by the server's clock.
    pub(super) polled_at: i64,
    #[serde(default, skip_serializing_if = "Lists::is_empty")]
    pub(super) lists: Lists,
    /// The notifications, by feed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) feeds: Vec<SavedMark>,
    /// The last replies in each conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) replies: Vec<SavedReplies>,
    pub(super) conversations: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) session_type: i64,
    pub(super) talker_id: i64,
    /// The last message that was delivered; null if none is known.
    pub(super) cursor: Option<u64>,
    pub(super) target: u64,
    pub(super) session_ts: i64,
    /// `session_ts` of the last entry that told of no less than was known, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) settled_ts: Option<i64>,
    /// The time of the newest message, where `session_ts` lies well ahead of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) written_at: Option<i64>,
    /// The time of the newest message, if no list has told of it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) newest_ts: Option<i64>,
    /// Least time of new messages where there is no cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) new_since: Option<i64>,
    /// The first message that is new whatever its time says, where there is no cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) new_from: Option<u64>,
    /// Set if the conversation changed on a list that did not say how far it goes, and was not
    /// fetched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) recheck: bool,
}

/// State of the lists besides the baseline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Lists {
    /// Changes before this time were on a whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) whole_base: Option<i64>,
    /// Time of the last whole list, by the server's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) whole_read_at: Option<i64>,
    /// A conversation that is not saved and changed after this time has something new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) listed_to: Option<i64>,
    /// A conversation that is not saved and changed no later was there before the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_oldest: Option<i64>,
    /// Set if some known conversations were forgotten.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) has_forgotten: bool,
}

impl Entry {
    pub(super) const fn id(&self) -> ConversationId {
        ConversationId::new(self.session_type, self.talker_id)
    }
}

impl Lists {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Checkpoint {
    /// Returns the account that the checkpoint belongs to.
    pub const fn uid(&self) -> Uid {
        Uid(self.body.uid)
    }

    /// Removes an event that was delivered but is not handled yet: after a resume, that event and
    /// all that follow in its conversation come again.
    pub fn rewind(&mut self, event: &Event) {
        let id = event.conversation;
        let before = event.msg_seqno().0.saturating_sub(1);
        let entry = self
            .body
            .conversations
            .iter_mut()
            .find(|entry| entry.id() == id);
        match entry {
            Some(entry) => {
                entry.target = entry.target.max(event.msg_seqno().0);
                entry.cursor = entry.cursor.map(|cursor| cursor.min(before));
            }
            // The conversation was forgotten meanwhile.
            None => self.body.conversations.push(Entry {
                session_type: id.session_type(),
                talker_id: id.talker_id(),
                cursor: Some(before),
                target: event.msg_seqno().0,
                session_ts: event.timestamp().to_micros().0,
                settled_ts: None,
                written_at: None,
                newest_ts: None,
                new_since: None,
                new_from: None,
                recheck: false,
            }),
        }
    }

    pub(super) const fn base_ts(&self) -> UnixMicros {
        UnixMicros(self.body.base_ts)
    }

    pub(super) const fn new_since(&self) -> UnixSeconds {
        UnixSeconds(self.body.new_since)
    }

    pub(super) const fn polled_at(&self) -> UnixSeconds {
        UnixSeconds(self.body.polled_at)
    }

    /// Returns the state of the lists.
    pub(super) const fn lists(&self) -> &Lists {
        &self.body.lists
    }

    /// Removes a notification that was delivered but is not handled yet: after a resume it comes
    /// again.
    pub fn rewind_feed(&mut self, event: &FeedEvent) {
        let mut marks = self.body.feeds.iter_mut();
        if let Some(mark) = marks.find(|mark| mark.kind() == event.kind()) {
            mark.take_back(event);
        }
    }

    /// Returns the state of each feed.
    pub(super) fn feeds(&self) -> &[SavedMark] {
        &self.body.feeds
    }

    /// Returns the last replies in each conversation.
    pub(super) fn replies(&self) -> &[SavedReplies] {
        &self.body.replies
    }

    /// Returns the state of each conversation.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.body.conversations
    }
}

/// Reason why a text is no checkpoint that can be resumed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The text is no JSON, or is cut off.
    #[error("it is damaged: {}", OneLine(.0))]
    Damaged(String),
    /// The text is something else.
    #[error("it is no checkpoint of this library")]
    Foreign,
    /// The checkpoint was written by a later version.
    #[error(
        "it was written by a newer version of this library (format {found}, this one reads {VERSION})"
    )]
    Newer {
        /// The format of the checkpoint.
        found: u64,
    },
}

/// The body of a checkpoint in an envelope that shows damage.
#[derive(Serialize, Deserialize)]
struct Envelope<B> {
    format: String,
    version: u64,
    check: String,
    body: B,
}

impl Checkpoint {
    /// Writes the checkpoint as JSON text.
    pub fn to_json(&self) -> String {
        // A struct of numbers always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a checkpoint from JSON text, with the additions of a [`Journal`](super::Journal) if
    /// any follow it. The last addition is left out if it is torn.
    ///
    /// # Errors
    /// Fails when the checkpoint, or an addition, is damaged in another way, when the text is
    /// something else, or when it was written by a newer version.
    pub fn from_json(text: &str) -> Result<Self, CheckpointError> {
        let (snapshot, additions) = text.split_once('\n').unwrap_or((text, ""));
        match Self::from_snapshot(snapshot) {
            Ok(mut checkpoint) => {
                journal::apply(&mut checkpoint, additions)?;
                Ok(checkpoint)
            }
            // The JSON may have been laid out in lines.
            Err(_) => Self::from_snapshot(text),
        }
    }

    pub(super) fn from_snapshot(text: &str) -> Result<Self, CheckpointError> {
        let envelope: Envelope<serde_json::Value> = match serde_json::from_str(text) {
            Ok(envelope) => envelope,
            Err(error) if error.is_data() => return Err(CheckpointError::Foreign),
            Err(error) => return Err(CheckpointError::Damaged(error.to_string())),
        };
        if envelope.format != FORMAT {
            return Err(CheckpointError::Foreign);
        }
        if envelope.version > VERSION {
            return Err(CheckpointError::Newer {
                found: envelope.version,
            });
        }
        if envelope.version < OLDEST_VERSION {
            return Err(CheckpointError::Damaged(
                "its format has a number that none ever had".to_owned(),
            ));
        }
        let body: Body = serde_json::from_value(envelope.body)
            .map_err(|error| CheckpointError::Damaged(error.to_string()))?;
        if envelope.check != check_sum(&body) {
            return Err(CheckpointError::Damaged(
                "its check sum does not fit".to_owned(),
            ));
        }
        Ok(Self { body })
    }
}

/// Returns the check sum of the body of a checkpoint, or of an addition.
pub(super) fn check_sum(body: &impl Serialize) -> String {
    use md5::{Digest, Md5};
    let text = serde_json::to_vec(body).unwrap_or_default();
    data_encoding::HEXLOWER.encode(&Md5::digest(text))
}

impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Envelope {
            format: FORMAT.to_owned(),
            version: VERSION,
            check: check_sum(&self.body),
            body: &self.body,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Self::from_json(&value.to_string()).map_err(serde::de::Error::custom)
    }
}
