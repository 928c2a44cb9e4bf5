//! Messages that a bot sent.

use bilibili_session::ConversationId;
use serde_json::Value;

use crate::Message;

/// A message that a bot sent.
///
/// Equal to a pair of a conversation and a text, when it is that text to that user or group:
/// `assert_eq!(bot.sent(), [(Uid(20001), "pong")])`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// User or group that it was sent to.
    pub to: ConversationId,
    /// Message type: 1 a text, 2 a picture, 5 a withdrawal.
    pub msg_type: i64,
    /// Content as it was sent, mostly JSON.
    pub content: String,
}

impl Sent {
    pub(super) fn of(message: &Message) -> Self {
        Self {
            to: ConversationId::new(message.receiver_type, message.receiver_id),
            msg_type: message.msg_type,
            content: message.content.clone(),
        }
    }

    /// Returns the text, if the message is one.
    pub fn text(&self) -> Option<String> {
        let content: Value = serde_json::from_str(&self.content).ok()?;
        let text = content.get("content")?.as_str()?;
        (self.msg_type == 1).then(|| text.to_owned())
    }
}

impl<C: Copy + Into<ConversationId>> PartialEq<(C, &str)> for Sent {
    fn eq(&self, (to, text): &(C, &str)) -> bool {
        self.to == (*to).into() && self.text().as_deref() == Some(*text)
    }
}
