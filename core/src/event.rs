//! What a user of the poller sees of a message.

use std::sync::Arc;

use serde_json::Value;

use crate::ids::{ConversationId, MsgKey, Seqno, Uid};
use crate::json;
use crate::model::{Content, EventType, Message};
use crate::time::UnixSeconds;

/// A message that arrived, with its content read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The conversation it was fetched for.
    pub conversation: ConversationId,
    /// The message as it came.
    pub message: Message,
    /// What it says.
    pub content: Content,
    /// For a withdrawal: the message that was taken back, if it is still kept.
    pub withdrawn: Option<Arc<Event>>,
}

impl Event {
    /// An event out of a message of this conversation.
    pub fn new(conversation: ConversationId, message: Message) -> Self {
        Self {
            content: Content::of(&message),
            conversation,
            message,
            withdrawn: None,
        }
    }

    /// Reads an item of `messages`. Where a field cannot be read the event says so in
    /// its content; without a readable `msg_seqno` there is no event.
    pub(crate) fn from_item(
        conversation: ConversationId,
        item: &Value,
    ) -> Result<Self, json::Unreadable> {
        match json::salvage::<Message>(item) {
            Ok((message, None)) => Ok(Self::new(conversation, message)),
            Ok((message, Some(error))) => Ok(Self {
                conversation,
                content: Content::Undecodable {
                    raw: match item.get("content") {
                        Some(Value::String(content)) => content.clone(),
                        other => other.map(Value::to_string).unwrap_or_default(),
                    },
                    reason: error.to_string(),
                },
                message,
                withdrawn: None,
            }),
            Err(error) => Err(json::Unreadable {
                raw: item.to_string(),
                error,
            }),
        }
    }

    /// What kind of message it is.
    pub fn event_type(&self) -> EventType {
        self.message.msg_type
    }

    /// The other user of the conversation, or the group.
    pub fn talker_id(&self) -> i64 {
        self.conversation.talker_id()
    }

    /// Who sent it.
    pub fn sender_uid(&self) -> Uid {
        self.message.sender_uid
    }

    /// Its place in the conversation.
    pub fn msg_seqno(&self) -> Seqno {
        self.message.msg_seqno
    }

    /// Its key.
    pub fn msg_key(&self) -> MsgKey {
        self.message.msg_key
    }

    /// When it was sent.
    pub fn timestamp(&self) -> UnixSeconds {
        self.message.timestamp
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }
}
