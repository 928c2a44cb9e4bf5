//! Sending: text, pictures and withdrawals, to users and groups.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Emote;
use crate::client_config::ClientConfig;
use crate::endpoint::{Endpoint, RequestParts, WbiAuth, WbiSigner};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::ids::{ConversationId, MsgKey};
use crate::json;
use crate::json::lenient::{or_default, required, text};
use crate::model::{EventType, PictureContent};
use crate::picture_url::PictureUrl;
use crate::send::Fingerprint;
use crate::time::UnixSeconds;

/// Most bytes of content that the service takes.
const MAX_CONTENT: usize = 2000;

/// Seconds within which the service lets a message be taken back.
const WITHDRAW_WITHIN: i64 = 120;

/// Sends a message, or takes one back. Signed; needs `bili_jct`.
///
/// Sending marks the conversation as read.
///
/// `POST https://api.vc.bilibili.com/web_im/v1/web_im/send_msg`
#[derive(Debug, Clone)]
#[must_use]
pub struct SendMsg {
    receiver: ConversationId,
    msg_type: EventType,
    content: String,
    new_face_version: u8,
    /// Error of what is to be sent, reported when it is sent.
    refused: Option<BuildError>,
    withdrawn_sent_at: Option<UnixSeconds>,
}

impl SendMsg {
    /// Sends a text to this user or group; at most 2000 bytes of content.
    pub fn text(receiver: impl Into<ConversationId>, text: &str) -> Self {
        Self::new(
            receiver.into(),
            EventType::Text,
            json!({ "content": text }).to_string(),
        )
    }

    /// Sends a picture to this user or group. Its address has to lie on one of the service's own
    /// picture hosts ([`UploadPicture`](super::UploadPicture)); `http://` becomes `https://`.
    pub fn picture(receiver: impl Into<ConversationId>, picture: &PictureContent) -> Self {
        Self::shown(receiver.into(), EventType::Picture, picture)
    }

    /// Sends a custom sticker, or a picture as groups have it: [`SendMsg::picture`] of type 6.
    pub fn groups_picture(receiver: impl Into<ConversationId>, picture: &PictureContent) -> Self {
        Self::shown(receiver.into(), EventType::GroupsPicture, picture)
    }

    /// Takes back an own message of this conversation, within 120 s of sending it.
    pub fn withdraw(receiver: impl Into<ConversationId>, msg_key: MsgKey) -> Self {
        Self::new(receiver.into(), EventType::Withdraw, msg_key.to_string())
    }

    const fn new(receiver: ConversationId, msg_type: EventType, content: String) -> Self {
        Self {
            receiver,
            msg_type,
            content,
            new_face_version: 1,
            refused: None,
            withdrawn_sent_at: None,
        }
    }

    fn shown(receiver: ConversationId, msg_type: EventType, picture: &PictureContent) -> Self {
        match PictureUrl::read(&picture.url) {
            Ok(url) => {
                let content = json!({
                    "url": url.as_str(),
                    "height": picture.height,
                    "width": picture.width,
                    "imageType": picture.image_type,
                    "original": u8::from(picture.original),
                    "size": number(picture.size),
                });
                Self::new(receiver, msg_type, content.to_string())
            }
            Err(refused) => Self {
                refused: Some(refused),
                ..Self::new(receiver, msg_type, String::new())
            },
        }
    }

    /// Returns the conversation that the message goes to.
    pub(crate) const fn to(&self) -> ConversationId {
        self.receiver
    }

    /// Returns the content, made comparable.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        Fingerprint::of_raw(self.msg_type, &self.content)
    }

    /// Sets the time when the message that is taken back was sent. A withdrawal after more than
    /// 120 s is refused without asking the service.
    pub const fn sent_at(mut self, sent_at: UnixSeconds) -> Self {
        self.withdrawn_sent_at = Some(sent_at);
        self
    }

    /// Sets the version of the emoticons: 1, the default, for the new ones.
    pub const fn new_face_version(mut self, version: u8) -> Self {
        self.new_face_version = version;
        self
    }
}

impl Endpoint for SendMsg {
    type Auth = WbiAuth;
    type Output = SentMsg;

    fn receiver(&self) -> Option<ConversationId> {
        Some(self.receiver)
    }

    fn sent_key(sent: &SentMsg) -> Option<MsgKey> {
        Some(sent.msg_key)
    }

    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        if !context.credential().can_write() {
            return Err(BuildError::MissingBiliJct);
        }
        if let ConversationId::Other { session_type, .. } = self.receiver {
            return Err(BuildError::UnknownReceiver { session_type });
        }
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        if self.msg_type == EventType::Text && self.content == r#"{"content":""}"# {
            return Err(BuildError::EmptyText);
        }
        if self.content.len() > MAX_CONTENT {
            return Err(BuildError::ContentTooLong {
                length: self.content.len(),
                limit: MAX_CONTENT,
            });
        }
        match context.credential().uid() {
            Some(uid) if self.receiver == uid.into() => Err(BuildError::ToOneself),
            _ => Ok(()),
        }
    }

    fn parts(
        &self,
        context: &ClientConfig,
        signer: WbiSigner<'_>,
    ) -> Result<RequestParts, BuildError> {
        if self.receiver == signer.uid.into() {
            return Err(BuildError::ToOneself);
        }
        if let (EventType::Withdraw, Some(sent_at)) = (self.msg_type, self.withdrawn_sent_at) {
            let age_s = signer.wts.0.saturating_sub(sent_at.0);
            if age_s > WITHDRAW_WITHIN {
                return Err(BuildError::TooLateToWithdraw {
                    age_s,
                    limit_s: WITHDRAW_WITHIN,
                });
            }
        }
        let dev_id = context.dev_id_of(signer.uid);
        RequestParts::post(Host::Vc, "/web_im/v1/web_im/send_msg")
            .query("w_sender_uid", signer.uid)
            .query("w_receiver_id", self.receiver.talker_id())
            .query("w_dev_id", &dev_id)
            .field("msg[sender_uid]", signer.uid)
            .field("msg[receiver_id]", self.receiver.talker_id())
            .field("msg[receiver_type]", self.receiver.session_type())
            .field("msg[msg_type]", self.msg_type.number())
            .field("msg[msg_status]", 0)
            .field("msg[dev_id]", dev_id)
            .field("msg[timestamp]", signer.wts.0)
            .field("msg[new_face_version]", self.new_face_version)
            .field("msg[content]", &self.content)
            .field("from_firework", 0)
            .web()
            .csrf(context)
    }

    fn decode(&self, data: &Value) -> Result<SentMsg, DecodeError> {
        json::salvage(data).map(|(sent, _)| sent)
    }
}

/// Writes a whole number without a fraction, as the web client does.
fn number(size: f64) -> Value {
    // The size of a picture in kB is far below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    if size.fract() == 0.0 {
        json!(size as i64)
    } else {
        json!(size)
    }
}

/// Answer of the service to a message that it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SentMsg {
    /// Key of the message; needed to take it back.
    #[serde(deserialize_with = "required")]
    pub msg_key: MsgKey,
    /// Content as the service keeps it; may be empty.
    #[serde(default, deserialize_with = "text")]
    pub msg_content: String,
    /// Pictures of the custom emoticons in the text.
    #[serde(default, deserialize_with = "or_default")]
    pub e_infos: Vec<Emote>,
    /// Remark of the service on the words of the message, if there is one.
    #[serde(default)]
    pub key_hit_infos: Option<KeyHitInfos>,
}

impl SentMsg {
    /// Creates the answer to a message that the conversation shows: its key, and no more.
    pub(crate) const fn found(msg_key: MsgKey) -> Self {
        Self {
            msg_key,
            msg_content: String::new(),
            e_infos: Vec::new(),
            key_hit_infos: None,
        }
    }
}

/// Remark of the service on the words of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KeyHitInfos {
    /// Text to be shown to the user.
    #[serde(deserialize_with = "text")]
    pub toast: String,
    /// Rule that the words met.
    #[serde(deserialize_with = "text")]
    pub rule_id: String,
}
