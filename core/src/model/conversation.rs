//! A conversation as the lists show it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Message;
use crate::event::Event;
use crate::ids::{ConversationId, Seqno, Uid};
use crate::json::lenient::{flag, int, required_int, text};
use crate::time::UnixMicros;

/// A conversation as the lists show it: the other side, the newest message, the last one read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Conversation {
    /// The other user's or the group's number; identifies the conversation with `session_type`.
    #[serde(deserialize_with = "required_int")]
    pub talker_id: i64,
    /// The kind of conversation: 1 user, 2 group.
    #[serde(deserialize_with = "required_int")]
    pub session_type: i64,
    /// The seqno of the newest message that mentions this account.
    #[serde(default)]
    pub at_seqno: Seqno,
    /// The last message that was read.
    #[serde(default)]
    pub ack_seqno: Seqno,
    /// The newest message.
    #[serde(default)]
    pub max_seqno: Seqno,
    /// The time since when the conversation is pinned; 0 if it is not.
    #[serde(default)]
    pub top_ts: UnixMicros,
    /// The time of the last reading.
    #[serde(default)]
    pub ack_ts: UnixMicros,
    /// The time of the last change, by which the lists are sorted.
    #[serde(default)]
    pub session_ts: UnixMicros,
    /// The number of unread messages.
    #[serde(default, deserialize_with = "int")]
    pub unread_count: i64,
    /// The number of unread business messages.
    #[serde(default, deserialize_with = "int")]
    pub biz_msg_unread_count: i64,
    /// The newest message, if the list shows it and it can be read.
    #[serde(default)]
    pub last_msg: Option<Message>,
    /// The group's name.
    #[serde(default, deserialize_with = "text")]
    pub group_name: String,
    /// The address of the group's picture.
    #[serde(default, deserialize_with = "text")]
    pub group_cover: String,
    /// The group's kind.
    #[serde(default, deserialize_with = "int")]
    pub group_type: i64,
    /// Set if this account follows the other.
    #[serde(default, deserialize_with = "flag")]
    pub is_follow: bool,
    /// Set if the conversation is muted.
    #[serde(default, deserialize_with = "flag")]
    pub is_dnd: bool,
    /// Set if the conversation may be folded away.
    #[serde(default, deserialize_with = "flag")]
    pub can_fold: bool,
    /// A number of unknown meaning.
    #[serde(default, deserialize_with = "int")]
    pub status: i64,
    /// Set if a pushed message is new.
    #[serde(default, deserialize_with = "flag")]
    pub new_push_msg: bool,
    /// A number of unknown meaning.
    #[serde(default, deserialize_with = "int")]
    pub setting: i64,
    /// Set if the other is a guardian of this account's live room.
    #[serde(default, deserialize_with = "flag")]
    pub is_guardian: bool,
    /// Set if the service keeps the conversation back as unwanted.
    #[serde(default, deserialize_with = "flag")]
    pub is_intercept: bool,
    /// Set if the other is trusted.
    #[serde(default, deserialize_with = "flag")]
    pub is_trust: bool,
    /// The kind of system account: 0 none, 1 live, 5 notice, 7 creator, 8 service, 9 payment.
    #[serde(default, deserialize_with = "int")]
    pub system_msg_type: i64,
    /// Name and picture, for the service's own accounts.
    #[serde(default)]
    pub account_info: Option<AccountInfo>,
    /// A number that tells whether the other is live now.
    #[serde(default, deserialize_with = "int")]
    pub live_status: i64,
    /// A label of the other, as it came.
    #[serde(default)]
    pub user_label: Option<Value>,
}

impl Conversation {
    /// Returns the identity of the conversation.
    pub fn id(&self) -> ConversationId {
        ConversationId::new(self.session_type, self.talker_id)
    }

    /// Returns the newest message with its content read, if the list shows it.
    pub fn last_event(&self) -> Option<Event> {
        Some(Event::new(self.id(), self.last_msg.clone()?))
    }

    /// Returns the seqno of the newest known message: `max_seqno`, or that of `last_msg` if it is
    /// higher.
    pub fn newest_seqno(&self) -> Seqno {
        let last = self.last_msg.as_ref().map(|message| message.msg_seqno);
        self.max_seqno.max(last.unwrap_or_default())
    }
}

/// Name and picture of one of the service's own accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AccountInfo {
    /// The name shown.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The picture's address.
    #[serde(deserialize_with = "text")]
    pub pic_url: String,
}

/// The service's own conversations of a list: system message type to `talker_id`.
pub type SystemTalkers = BTreeMap<String, Uid>;
