//! One message.

use serde_json::{Map, Value, json};

use crate::ConversationId;

/// Message in one or more conversations.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The key: unique, about 7.5e18.
    pub msg_key: i64,
    /// Sender; 0 is the system, in groups.
    pub sender_uid: i64,
    /// 1 a user, 2 a group; another number is a type of conversation that nobody knows.
    pub receiver_type: i64,
    /// User or group that receives the message.
    pub receiver_id: i64,
    /// Type of the content.
    pub msg_type: i64,
    /// JSON in a string, usually.
    pub content: String,
    /// Seconds since the epoch.
    pub timestamp: i64,
    /// 0 normal, 1 withdrawn, 2 by the system, 50 picture gone.
    pub msg_status: i64,
    /// Client that sent the message.
    pub msg_source: i64,
    /// Users mentioned.
    pub at_uids: Vec<i64>,
    /// Taken down by the system: counted, never delivered.
    pub taken_down: bool,
    /// Fields that stand on the wire instead of the right ones; null removes one.
    pub raw: Map<String, Value>,
}

impl Message {
    /// Returns the conversation of the message, seen by this user.
    pub(crate) fn conversation_of(&self, uid: i64) -> ConversationId {
        match self.receiver_type {
            1 if self.sender_uid == uid => ConversationId::user(self.receiver_id),
            1 => ConversationId::user(self.sender_uid),
            session_type => ConversationId {
                session_type,
                talker_id: self.receiver_id,
            },
        }
    }

    pub(crate) fn to_json(&self, seqno: u64) -> Value {
        let at_uids = if self.at_uids.is_empty() {
            &[0][..]
        } else {
            &self.at_uids
        };
        let mut json = json!({
            "sender_uid": self.sender_uid,
            "receiver_type": self.receiver_type,
            "receiver_id": self.receiver_id,
            "msg_type": self.msg_type,
            "content": self.content,
            "msg_seqno": seqno,
            "timestamp": self.timestamp,
            "at_uids": at_uids,
            "msg_key": self.msg_key,
            "msg_status": self.msg_status,
            "notify_code": "",
            "new_face_version": 0,
            "msg_source": self.msg_source,
        });
        if let Some(fields) = json.as_object_mut() {
            if self.msg_status != 0 {
                fields.insert("sys_cancel".to_owned(), Value::Bool(self.msg_status == 2));
            }
            for (name, value) in &self.raw {
                match value {
                    Value::Null => fields.remove(name),
                    other => fields.insert(name.clone(), other.clone()),
                };
            }
        }
        json
    }
}

/// A message to be: what the other side does.
///
/// ```
/// use bilibili_session_simulator::NewMessage;
/// let greeting = NewMessage::text(20001, "你好");
/// assert_eq!(greeting.content, r#"{"content":"你好"}"#);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// Sender: anybody, also the account itself (from another device; `to` then names the receiver).
    pub from: i64,
    /// User that receives the message; the account if none.
    pub to: Option<i64>,
    /// Group that receives the message.
    pub group: Option<i64>,
    /// Type of the conversation `group`, if it is no group: 3 to 9, which nobody knows.
    pub session_type: Option<i64>,
    /// Type of the content.
    pub msg_type: i64,
    /// Content as it stands on the wire.
    pub content: String,
    /// Seconds since the epoch; the moment of arrival if none.
    pub timestamp: Option<i64>,
    /// The conversation's new `session_ts` (microseconds); the moment of arrival if none. Two may be the same.
    pub session_ts: Option<i64>,
    /// Client that sends the message (7 is the web).
    pub msg_source: i64,
    /// Users mentioned.
    pub at_uids: Vec<i64>,
    /// Counted, never delivered.
    pub taken_down: bool,
    /// Fields that stand on the wire instead of the right ones; null removes one.
    pub raw: Map<String, Value>,
}

impl NewMessage {
    /// Creates a message with this content, an object or whatever stands on the wire.
    pub fn new(from: i64, msg_type: i64, content: &Value) -> Self {
        Self {
            from,
            to: None,
            group: None,
            session_type: None,
            msg_type,
            content: wire_content(content),
            timestamp: None,
            session_ts: None,
            msg_source: 7,
            at_uids: Vec::new(),
            taken_down: false,
            raw: Map::new(),
        }
    }

    /// Creates a text.
    pub fn text(from: i64, text: &str) -> Self {
        Self::new(from, 1, &json!({"content": text}))
    }

    /// Puts the message in a group.
    #[must_use]
    pub fn in_group(mut self, group: i64) -> Self {
        self.group = Some(group);
        self
    }

    /// Puts the message in a conversation of a type that nobody knows (3 to 9). Lists of all types show it; a request
    /// for its messages is answered with code 2.
    #[must_use]
    pub fn in_conversation(mut self, id: ConversationId) -> Self {
        self.group = Some(id.talker_id);
        self.session_type = Some(id.session_type);
        self
    }

    /// Addresses the message to another user: the account itself sent it from another device.
    #[must_use]
    pub fn to(mut self, uid: i64) -> Self {
        self.to = Some(uid);
        self
    }

    /// Sets the time of sending, in seconds.
    #[must_use]
    pub fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }
}

/// Returns content as it stands on the wire: a string stands for itself, all else is written as JSON.
pub(crate) fn wire_content(content: &Value) -> String {
    content
        .as_str()
        .map_or_else(|| content.to_string(), str::to_owned)
}
