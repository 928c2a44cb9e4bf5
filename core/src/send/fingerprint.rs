//! The content of a message, made comparable.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::model::{Content, EventType, Message};

/// A check sum of what a message says. The service may add fields to a content, so the words
/// count, not the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// Returns the check sum; `None` for contents that nobody sends.
    pub(crate) fn of(content: &Content) -> Option<Self> {
        let (kind, words) = match content {
            Content::Text(text) => ("text", text.trim().to_owned()),
            Content::Picture(picture) => ("picture", without_scheme(&picture.url)),
            Content::GroupsPicture(picture) => ("groups_picture", without_scheme(&picture.url)),
            Content::Withdraw(key) => ("withdraw", key.to_string()),
            _ => return None,
        };
        let sum = Md5::digest(format!("{kind} {words}"));
        let first = sum.first_chunk::<8>()?;
        Some(Self(u64::from_be_bytes(*first)))
    }

    /// Returns the check sum of a content as it is sent.
    pub(crate) fn of_raw(msg_type: EventType, content: &str) -> Option<Self> {
        let message = Message {
            msg_type,
            content: content.to_owned(),
            ..Message::default()
        };
        Self::of(&Content::of(&message))
    }
}

fn without_scheme(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.to_owned()
}
