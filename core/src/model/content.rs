//! The contents of messages.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{
    Ai, EventType, GroupNotice, Message, MiniProgram, Notice, PictureCard, PictureContent,
    PushedArticle, PushedVideo, Share, ShareOther, SystemContent, Tip, WorksCard,
};
use crate::ids::MsgKey;
use crate::json::{self, Items, Object};

/// The content of a message, read from its `content` by its `msg_type`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// Text (1).
    Text(String),
    /// A picture (2).
    Picture(PictureContent),
    /// An earlier message was taken back (5): the one with this key.
    Withdraw(MsgKey),
    /// A custom sticker, or a picture in a group (6).
    GroupsPicture(PictureContent),
    /// Something of the site was shared (7).
    ShareVideo(Box<Share>),
    /// A mini program (9).
    MiniProgram(Box<MiniProgram>),
    /// A notice of the service, with buttons (10).
    Notice(Box<Notice>),
    /// A video that a creator pushed to followers (11).
    PushedVideo(Box<PushedVideo>),
    /// An article that a creator pushed to followers (12).
    PushedArticle(Box<PushedArticle>),
    /// A picture with a link (13).
    PictureCard(PictureCard),
    /// Something else was shared (14).
    ShareOther(Box<ShareOther>),
    /// A creator's works, sent after a follow (16).
    WorksCard(WorksCard),
    /// A grey line of the service (18).
    Tip(Tip),
    /// An answer of an AI (19).
    Ai(Box<Ai>),
    /// A message of the system (51).
    System(SystemContent),
    /// Somebody joined the group (301).
    GroupJoined(GroupNotice),
    /// Somebody left the group (302).
    GroupLeft(GroupNotice),
    /// The group was frozen (303).
    GroupFrozen(GroupNotice),
    /// The group was dissolved (304).
    GroupDissolved(GroupNotice),
    /// The group was opened (305).
    GroupOpened(GroupNotice),
    /// The group welcomes a new member (306).
    Welcome(GroupNotice),
    /// A kind of message that this version does not know, or by its name alone, as it came.
    Raw(String),
    /// Content that is not of the shape its type has.
    Undecodable {
        /// The content as it came.
        raw: String,
        /// The reason why the content could not be read.
        reason: String,
    },
}

impl Content {
    /// Reads the content of a message; never fails, see [`Content::Undecodable`].
    pub fn of(message: &Message) -> Self {
        let raw = &message.content;
        read(message.msg_type, raw).unwrap_or_else(|reason| Self::Undecodable {
            raw: raw.clone(),
            reason,
        })
    }

    /// Returns the part of the content that is text to be read: a text, a tip, the words of a
    /// notice or a group.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Notice(notice) => Some(notice.text.clone()),
            Self::Tip(tip) => Some(tip.text()),
            Self::System(system) => system.text().map(str::to_owned),
            Self::WorksCard(card) => Some(card.reply_content.clone()),
            Self::GroupJoined(notice)
            | Self::GroupLeft(notice)
            | Self::GroupFrozen(notice)
            | Self::GroupDissolved(notice)
            | Self::GroupOpened(notice)
            | Self::Welcome(notice) => Some(notice.content.clone()),
            _ => None,
        }
    }

    /// Returns what a line for people shows of the content, behind the name of its type: titles,
    /// addresses, words. None of them is empty.
    pub fn shown_parts(&self) -> Vec<Cow<'_, str>> {
        fn borrowed(parts: [&str; 2]) -> [Cow<'_, str>; 2] {
            parts.map(Cow::Borrowed)
        }
        let mut parts = Vec::from(match self {
            Self::Text(text) | Self::Raw(text) => borrowed([text, ""]),
            Self::Picture(picture) | Self::GroupsPicture(picture) => borrowed([&picture.url, ""]),
            Self::Withdraw(_) => borrowed(["", ""]),
            Self::ShareVideo(share) => {
                let place = match share.video() {
                    Some(video) => video.to_string().into(),
                    None => Cow::Borrowed(share.url.as_str()),
                };
                [Cow::Borrowed(share.title.as_str()), place]
            }
            Self::MiniProgram(program) => borrowed([&program.title, &program.jump_uri]),
            Self::Notice(notice) => borrowed([&notice.title, &notice.text]),
            Self::PushedVideo(video) => borrowed([&video.title, &video.bvid]),
            Self::PushedArticle(article) => {
                let place = format!("cv{}", article.rid);
                [Cow::Borrowed(article.title.as_str()), place.into()]
            }
            Self::PictureCard(card) => borrowed([&card.title, &card.jump_url]),
            Self::ShareOther(share) => borrowed([&share.title, &share.url]),
            Self::WorksCard(card) => borrowed([&card.main_title, &card.reply_content]),
            Self::Tip(tip) => [tip.text().into(), "".into()],
            Self::Ai(answer) => [answer.content.to_string().into(), "".into()],
            Self::System(system) => borrowed([system.text().unwrap_or_default(), ""]),
            Self::GroupJoined(notice)
            | Self::GroupLeft(notice)
            | Self::GroupFrozen(notice)
            | Self::GroupDissolved(notice)
            | Self::GroupOpened(notice)
            | Self::Welcome(notice) => borrowed([&notice.content, ""]),
            Self::Undecodable { raw, reason } => borrowed([reason, raw]),
        });
        parts.retain(|part| !part.is_empty());
        parts
    }
}

fn read(msg_type: EventType, raw: &str) -> Result<Content, String> {
    Ok(match msg_type {
        EventType::Text => Content::Text(text(raw)?),
        EventType::Picture => Content::Picture(object(raw)?),
        EventType::Withdraw => Content::Withdraw(withdrawn_key(raw)?),
        EventType::GroupsPicture => Content::GroupsPicture(object(raw)?),
        EventType::ShareVideo => Content::ShareVideo(Box::new(object::<Share>(raw)?.completed()?)),
        EventType::MiniProgram => Content::MiniProgram(Box::new(object(raw)?)),
        EventType::Notice => Content::Notice(Box::new(object(raw)?)),
        EventType::PushedVideo => {
            Content::PushedVideo(Box::new(object::<PushedVideo>(raw)?.completed()?))
        }
        EventType::PushedArticle => Content::PushedArticle(Box::new(object(raw)?)),
        EventType::PictureCard => Content::PictureCard(object(raw)?),
        EventType::ShareOther => Content::ShareOther(Box::new(object(raw)?)),
        EventType::WorksCard => Content::WorksCard(object(raw)?),
        EventType::Tip => Content::Tip(tip(raw)?),
        EventType::Ai => Content::Ai(Box::new(object(raw)?)),
        EventType::System => Content::System(SystemContent {
            fields: object(raw)?,
        }),
        EventType::GroupJoined => Content::GroupJoined(object(raw)?),
        EventType::GroupLeft => Content::GroupLeft(object(raw)?),
        EventType::GroupFrozen => Content::GroupFrozen(object(raw)?),
        EventType::GroupDissolved => Content::GroupDissolved(object(raw)?),
        EventType::GroupOpened => Content::GroupOpened(object(raw)?),
        EventType::Welcome => Content::Welcome(object(raw)?),
        EventType::Audio
        | EventType::OldShare
        | EventType::SystemCancel
        | EventType::TextShare
        | EventType::MiniProgramCard
        | EventType::ArticleCard
        | EventType::LiveCard
        | EventType::Business
        | EventType::AiMessage
        | EventType::Unknown(_) => Content::Raw(raw.to_owned()),
    })
}

fn parsed(raw: &str) -> Result<Value, String> {
    if raw.is_empty() {
        return Err("the content is empty".to_owned());
    }
    json::parse_str(raw).map_err(|error| format!("not JSON: {}", error.message()))
}

/// Reads an object field by field: a field that cannot be read counts as absent.
fn object<T: DeserializeOwned>(raw: &str) -> Result<T, String> {
    if let Some(Object(read)) = json::direct(raw) {
        return Ok(read);
    }
    let value = parsed(raw)?;
    if !value.is_object() {
        return Err("it is JSON, but no object".to_owned());
    }
    match json::salvage(&value) {
        Ok((read, _)) => Ok(read),
        Err(error) if error.path().is_empty() => Err(error.message().to_owned()),
        Err(error) => Err(format!("its `{}`: {}", error.path(), error.message())),
    }
}

/// Reads a text from `{"content": "…"}`.
fn text(raw: &str) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Text {
        content: String,
    }
    if let Some(Object(Text { content })) = json::direct(raw) {
        return Ok(content);
    }
    match parsed(raw)?.get_mut("content").map(Value::take) {
        Some(Value::String(text)) => Ok(text),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        Some(_) => Err("its `content` is no text".to_owned()),
        None => Err("it has no `content`".to_owned()),
    }
}

/// Reads a key as a bare number, a string, or `{"content": "key"}`.
fn withdrawn_key(raw: &str) -> Result<MsgKey, String> {
    let value = parsed(raw)?;
    let key = value.get("content").unwrap_or(&value);
    match key {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .map(MsgKey)
    .ok_or_else(|| "it is no message key".to_owned())
}

/// Reads a tip from `{"content": "[…]"}`, an array inside of a string; also from a bare array.
fn tip(raw: &str) -> Result<Tip, String> {
    #[derive(Deserialize)]
    struct Outer<'a> {
        #[serde(borrow)]
        content: Cow<'a, str>,
    }
    if let Some(Object(Outer { content })) = json::direct(raw)
        && content.starts_with('[')
        && let Some(Items(content)) = json::direct(&content)
    {
        return Ok(Tip { content });
    }
    let value = parsed(raw)?;
    let inner = match value.get("content") {
        Some(Value::String(inner)) => {
            parsed(inner).map_err(|why| format!("its `content`: {why}"))?
        }
        Some(inner) => inner.clone(),
        None => return Err("it has no `content`".to_owned()),
    };
    if !inner.is_array() {
        return Err("its `content` is no array".to_owned());
    }
    json::items(Some(&inner), "")
        .map(|(content, _)| Tip { content })
        .map_err(|error| error.message().to_owned())
}

/// Writes the names of the protocol; text as `{"content": …}`, a withdrawal as `{"msg_key":
/// "…"}`, and content that could not be read as the string that came.
impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => single(serializer, "content", text),
            Self::Withdraw(key) => single(serializer, "msg_key", &key.to_string()),
            Self::Picture(picture) | Self::GroupsPicture(picture) => picture.serialize(serializer),
            Self::ShareVideo(share) => share.serialize(serializer),
            Self::MiniProgram(program) => program.serialize(serializer),
            Self::Notice(notice) => notice.serialize(serializer),
            Self::PushedVideo(video) => video.serialize(serializer),
            Self::PushedArticle(article) => article.serialize(serializer),
            Self::PictureCard(card) => card.serialize(serializer),
            Self::ShareOther(share) => share.serialize(serializer),
            Self::WorksCard(card) => card.serialize(serializer),
            Self::Tip(tip) => tip.serialize(serializer),
            Self::Ai(answer) => answer.serialize(serializer),
            Self::System(system) => system.serialize(serializer),
            Self::GroupJoined(notice)
            | Self::GroupLeft(notice)
            | Self::GroupFrozen(notice)
            | Self::GroupDissolved(notice)
            | Self::GroupOpened(notice)
            | Self::Welcome(notice) => notice.serialize(serializer),
            Self::Raw(raw) | Self::Undecodable { raw, .. } => serializer.serialize_str(raw),
        }
    }
}

fn single<S: Serializer>(serializer: S, name: &str, value: &str) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(name, value)?;
    map.end()
}
