//! Events: messages as a user of the poller sees them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::error::DecodeError;
use crate::ids::{ConversationId, MsgKey, Seqno, Uid};
use crate::json;
use crate::model::{Content, EventType, Message};
use crate::names::Names;
use crate::one_line::OneLine;
use crate::time::UnixSeconds;

/// Message that arrived, with its content read.
///
/// Its `Display` is one line for people, whatever the message holds. Its `Serialize` keeps the
/// message as the service sent it, so that the event can be read back from a file or a queue:
/// `content` is read from the message once more.
///
/// ```
/// use bilibili_session::model::{EventType, Message};
/// use bilibili_session::{Event, Uid};
///
/// let mut message = Message::default();
/// message.sender_uid = Uid(20001);
/// message.msg_type = EventType::Text;
/// message.content = r#"{"content":"hi\n"}"#.to_owned();
/// let event = Event::new(Uid(20001).into(), message);
/// assert_eq!(event.to_string(), r"user 20001: hi\n");
///
/// let line = serde_json::to_string(&event)?;
/// assert_eq!(serde_json::from_str::<Event>(&line)?, event);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Conversation that the message was fetched for.
    pub conversation: ConversationId,
    /// Message as the service sent it.
    pub message: Message,
    /// Content of the message.
    pub content: Content,
    /// Message that was taken back, for a withdrawal and if still kept.
    pub withdrawn: Option<Arc<Event>>,
}

impl Event {
    /// Creates the event of a message of this conversation.
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
            Ok((message, _)) if !message.msg_seqno.is_plausible() => Err(json::Unreadable {
                raw: item.to_string(),
                error: DecodeError::new("msg_seqno", &"no message has this number"),
            }),
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

    /// Returns the type of the message.
    pub fn event_type(&self) -> EventType {
        self.message.msg_type
    }

    /// Returns the number of the other user of the conversation, or of the group.
    pub fn talker_id(&self) -> i64 {
        self.conversation.talker_id()
    }

    /// Returns the sender; 0 is the system.
    pub fn sender_uid(&self) -> Uid {
        self.message.sender_uid
    }

    /// Returns the position in the conversation.
    pub fn msg_seqno(&self) -> Seqno {
        self.message.msg_seqno
    }

    /// Returns the key of the message.
    pub fn msg_key(&self) -> MsgKey {
        self.message.msg_key
    }

    /// Returns the time of sending.
    pub fn timestamp(&self) -> UnixSeconds {
        self.message.timestamp
    }

    /// Returns the text of a text message.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Shows the event on one line as its `Display` does, with the names that are known:
    /// `小电视 (20001): hi`.
    pub fn with_names<'a>(&'a self, names: &'a Names) -> impl fmt::Display + 'a {
        let sender = names.display(self.sender_uid());
        Line(self, names.display(self.conversation), sender)
    }

    /// Returns the user whom the [line with names](Self::with_names) shows: the other one of a
    /// conversation, the sender in a group. None where that is the system.
    pub fn shown_user(&self) -> Option<Uid> {
        let user = match self.conversation {
            ConversationId::User(other) => other,
            _ => self.sender_uid(),
        };
        (user.0 > 0).then_some(user)
    }
}

/// Serialised form of an [`Event`].
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    conversation: ConversationId,
    message: Cow<'a, Message>,
    /// Content that the message does not tell: the item itself was not of the shape it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undecodable: Option<Undecodable<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    withdrawn: Option<Cow<'a, Event>>,
}

#[derive(Serialize, Deserialize)]
struct Undecodable<'a> {
    raw: Cow<'a, str>,
    reason: Cow<'a, str>,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Record {
            conversation: self.conversation,
            message: Cow::Borrowed(&self.message),
            undecodable: match &self.content {
                Content::Undecodable { raw, reason } => Some(Undecodable {
                    raw: raw.into(),
                    reason: reason.into(),
                }),
                _ => None,
            },
            withdrawn: self.withdrawn.as_deref().map(Cow::Borrowed),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::deserialize(deserializer)?;
        let mut event = Self::new(record.conversation, record.message.into_owned());
        if let Some(Undecodable { raw, reason }) = record.undecodable {
            event.content = Content::Undecodable {
                raw: raw.into_owned(),
                reason: reason.into_owned(),
            };
        }
        event.withdrawn = record.withdrawn.map(|event| Arc::new(event.into_owned()));
        Ok(event)
    }
}

/// `user 20001: hi`, `to user 20001: hi`, `group 221300, user 20001: hi`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conversation = self.conversation;
        let sender = ConversationId::User(self.sender_uid());
        Line(self, conversation, sender).fmt(f)
    }
}

/// Line of an event, with its conversation and its sender as they are to be shown.
struct Line<'a, C, S>(&'a Event, C, S);

impl<C: fmt::Display, S: fmt::Display> fmt::Display for Line<'_, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(event, conversation, sender) = self;
        let uid = event.message.sender_uid;
        match event.conversation {
            ConversationId::User(other) if uid == other => write!(f, "{conversation}")?,
            ConversationId::User(_) if uid != Uid(0) => write!(f, "to {conversation}")?,
            _ if uid == Uid(0) => write!(f, "{conversation}, the system")?,
            _ => write!(f, "{conversation}, {sender}")?,
        }
        f.write_str(": ")?;
        match (&event.content, &event.withdrawn) {
            (Content::Withdraw(_), Some(earlier)) => {
                write!(
                    f,
                    "took back: {}",
                    Saying(&earlier.message, &earlier.content)
                )
            }
            _ => Saying(&event.message, &event.content).fmt(f),
        }
    }
}

/// Content of a message, shown in one line.
struct Saying<'a>(&'a Message, &'a Content);

impl fmt::Display for Saying<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(message, content) = self;
        let label = message.msg_type.as_str();
        match (content, message.msg_type) {
            (Content::Text(text), _) => OneLine(text).fmt(f),
            (Content::Withdraw(key), _) => write!(f, "took back message {key}"),
            (Content::Raw(raw), EventType::Unknown(number)) => {
                write!(f, "[unknown type {number}] {}", OneLine(raw))
            }
            (Content::Undecodable { raw, reason }, _) => write!(
                f,
                "[{label} that cannot be read: {}] {}",
                OneLine(reason),
                OneLine(raw)
            ),
            _ => {
                write!(f, "[{label}]")?;
                let parts = content.shown_parts();
                parts
                    .iter()
                    .try_for_each(|part| write!(f, " {}", OneLine(part)))
            }
        }
    }
}
