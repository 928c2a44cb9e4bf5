//! What a message says.

use serde_json::Value;

use super::{EventType, Message, PictureContent};
use crate::ids::MsgKey;
use crate::json;

/// What a message says, read from its `content` by its `msg_type`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// Text (1).
    Text(String),
    /// A picture (2).
    Picture(PictureContent),
    /// A custom sticker, or a picture in a group (6).
    GroupsPicture(PictureContent),
    /// An earlier message was taken back (5): which one.
    Withdraw(MsgKey),
    /// A kind of message whose content this version does not read, as it came.
    Raw(String),
    /// Content that is not of the shape its type has.
    Undecodable {
        /// The content as it came.
        raw: String,
        /// Why it could not be read.
        reason: String,
    },
}

impl Content {
    /// Reads the content of a message; never fails, see [`Content::Undecodable`].
    pub fn of(message: &Message) -> Self {
        let raw = &message.content;
        let read = match message.msg_type {
            EventType::Text => text(raw).map(Self::Text),
            EventType::Picture => picture(raw).map(Self::Picture),
            EventType::GroupsPicture => picture(raw).map(Self::GroupsPicture),
            EventType::Withdraw => withdrawn_key(raw).map(Self::Withdraw),
            _ => Ok(Self::Raw(raw.clone())),
        };
        read.unwrap_or_else(|reason| Self::Undecodable {
            raw: raw.clone(),
            reason,
        })
    }
}

fn parsed(raw: &str) -> Result<Value, String> {
    if raw.is_empty() {
        return Err("the content is empty".to_owned());
    }
    json::parse_str(raw).map_err(|error| format!("not JSON: {}", error.message()))
}

/// `{"content": "…"}`.
fn text(raw: &str) -> Result<String, String> {
    match parsed(raw)?.get_mut("content").map(Value::take) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err("its `content` is no text".to_owned()),
        None => Err("it has no `content`".to_owned()),
    }
}

fn picture(raw: &str) -> Result<PictureContent, String> {
    let (picture, _) =
        json::salvage::<PictureContent>(&parsed(raw)?).map_err(|error| error.to_string())?;
    Ok(picture)
}

/// The key as a bare number, a string, or `{"content": "key"}`.
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
