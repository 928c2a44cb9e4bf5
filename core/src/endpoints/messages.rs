//! Messages of a conversation.

use http::Response;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{self, Endpoint, RequestParts, WbiAuth, WbiSigner};
use crate::error::{BuildError, DecodeError, Error};
use crate::event::Event;
use crate::hosts::Host;
use crate::ids::{ConversationId, Seqno};
use crate::json::lenient::{flag, text};
use crate::json::{self, Items, Unreadable};
use crate::model::Message;

/// Largest page that the service takes; older sources say 200.
const MAX_SIZE: u32 = 2000;

/// Asks for one page of a conversation's messages. Signed.
///
/// Without bounds the newest; with bounds those between them, both exclusive.
///
/// `GET https://api.vc.bilibili.com/svr_sync/v1/svr_sync/fetch_session_msgs`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct FetchSessionMsgs {
    conversation: ConversationId,
    size: u32,
    begin_seqno: Option<Seqno>,
    end_seqno: Option<Seqno>,
}

impl FetchSessionMsgs {
    /// Asks for the newest 30 messages of this conversation.
    pub fn new(conversation: impl Into<ConversationId>) -> Self {
        Self {
            conversation: conversation.into(),
            size: 30,
            begin_seqno: None,
            end_seqno: None,
        }
    }

    /// Sets the most messages of the page, 1 to 2000.
    pub const fn size(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    /// Asks only for messages after this one.
    pub const fn begin_seqno(mut self, begin_seqno: Seqno) -> Self {
        self.begin_seqno = Some(begin_seqno);
        self
    }

    /// Asks only for messages before this one.
    pub const fn end_seqno(mut self, end_seqno: Seqno) -> Self {
        self.end_seqno = Some(end_seqno);
        self
    }
}

impl Endpoint for FetchSessionMsgs {
    type Auth = WbiAuth;
    type Output = MessagePage;

    fn check(&self, _: &ClientConfig) -> Result<(), BuildError> {
        match self.size {
            1..=MAX_SIZE => Ok(()),
            _ => Err(BuildError::Parameter {
                name: "size",
                rule: "1 to 2000",
            }),
        }
    }

    fn parts(&self, _: &ClientConfig, _: WbiSigner<'_>) -> Result<RequestParts, BuildError> {
        Ok(
            RequestParts::get(Host::Vc, "/svr_sync/v1/svr_sync/fetch_session_msgs")
                .query("talker_id", self.conversation.talker_id())
                .query("session_type", self.conversation.session_type())
                .query("size", self.size)
                .query_opt("begin_seqno", self.begin_seqno)
                .query_opt("end_seqno", self.end_seqno)
                .query("sender_device_id", 1)
                .web(),
        )
    }

    fn decode(&self, data: &Value) -> Result<MessagePage, DecodeError> {
        MessagePage::salvaged(self.conversation, data)
    }

    fn parse(&self, response: &Response<Vec<u8>>) -> Result<MessagePage, Error> {
        endpoint::read(self, response, |page| {
            MessagePage::direct(self.conversation, page)
        })
    }
}

/// Page of messages, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct MessagePage {
    /// Messages, newest first; one with a field that cannot be read says so in its content.
    pub messages: Vec<Event>,
    /// Items without a readable `msg_seqno`.
    pub unreadable: Vec<Unreadable>,
    /// True if more messages lie within the bounds that were asked for.
    pub has_more: bool,
    /// Lowest seqno of the page; 18446744073709551615 when it is empty.
    pub min_seqno: Seqno,
    /// Highest seqno of the page; 0 when it is empty.
    pub max_seqno: Seqno,
    /// Pictures of the custom emoticons in the texts.
    pub e_infos: Vec<Emote>,
}

/// Custom emoticon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Emote {
    /// Code of the emoticon in the text.
    #[serde(deserialize_with = "text")]
    pub text: String,
    /// Address of the picture.
    #[serde(deserialize_with = "text")]
    pub url: String,
    /// Address of the moving picture.
    #[serde(deserialize_with = "text")]
    pub gif_url: String,
}

/// `data` of a page, with its lists or apart from them.
#[derive(Deserialize)]
struct Wire<M, E> {
    #[serde(default)]
    messages: M,
    #[serde(default, deserialize_with = "flag")]
    has_more: bool,
    #[serde(default)]
    min_seqno: Seqno,
    #[serde(default)]
    max_seqno: Seqno,
    #[serde(default)]
    e_infos: E,
}

impl MessagePage {
    /// Takes a page that fits; `None` where a message has no place in the conversation.
    fn direct(
        conversation: ConversationId,
        page: Wire<Items<Message>, Items<Emote>>,
    ) -> Option<Self> {
        let Items(messages) = page.messages;
        let in_place = |message: &Message| message.msg_seqno.is_plausible();
        messages.iter().all(in_place).then(|| Self {
            messages: messages
                .into_iter()
                .map(|message| Event::new(conversation, message))
                .collect(),
            unreadable: Vec::new(),
            has_more: page.has_more,
            min_seqno: page.min_seqno,
            max_seqno: page.max_seqno,
            e_infos: page.e_infos.0,
        })
    }

    fn salvaged(conversation: ConversationId, data: &Value) -> Result<Self, DecodeError> {
        let items = json::array(data.get("messages"), "messages")?;
        let (emotes, _) = json::items(data.get("e_infos"), "e_infos").unwrap_or_default();
        let (wire, _) = json::salvage::<Wire<IgnoredAny, IgnoredAny>>(data)?;
        let mut page = Self {
            has_more: wire.has_more,
            min_seqno: wire.min_seqno,
            max_seqno: wire.max_seqno,
            e_infos: emotes,
            ..Self::default()
        };
        for item in items {
            match Event::from_item(conversation, item) {
                Ok(event) => page.messages.push(event),
                Err(unreadable) => page.unreadable.push(unreadable),
            }
        }
        Ok(page)
    }
}
