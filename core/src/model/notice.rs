//! Contents by which the service itself speaks: notices, tips, AI, groups.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::GroupId;
use crate::json::lenient::{flag, int, or_default, text};

/// The text of a button that has a link and no text.
const UNLABELLED: &str = "查看详情";

/// A notice of the service (10).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Notice {
    /// The title of the notice.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The text of the notice.
    #[serde(deserialize_with = "text")]
    pub text: String,
    /// The first button's text; [`Notice::buttons`] knows which one counts.
    #[serde(deserialize_with = "text")]
    pub jump_text: String,
    /// The first button's link.
    #[serde(deserialize_with = "text")]
    pub jump_uri: String,
    /// The first button's links and text by platform.
    #[serde(deserialize_with = "or_default")]
    pub jump_uri_config: JumpUriConfig,
    /// The second button's text.
    #[serde(deserialize_with = "text")]
    pub jump_text_2: String,
    /// The second button's link.
    #[serde(deserialize_with = "text")]
    pub jump_uri_2: String,
    /// The second button's links and text by platform.
    #[serde(alias = "jump_uri_config_2", deserialize_with = "or_default")]
    pub jump_uri_2_config: JumpUriConfig,
    /// The third button's text.
    #[serde(deserialize_with = "text")]
    pub jump_text_3: String,
    /// The third button's link.
    #[serde(deserialize_with = "text")]
    pub jump_uri_3: String,
    /// The third button's links and text by platform.
    #[serde(alias = "jump_uri_config_3", deserialize_with = "or_default")]
    pub jump_uri_3_config: JumpUriConfig,
    /// Lines below the text.
    #[serde(deserialize_with = "or_default")]
    pub modules: Vec<NoticeModule>,
    /// The notifier, if it is not the service itself.
    pub notifier: Option<Notifier>,
    /// The subject of the notice, as it came: the fields differ by business.
    pub biz_content: Option<Map<String, Value>>,
}

/// One line of a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NoticeModule {
    /// The subject of the line.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The text of the line.
    #[serde(deserialize_with = "text")]
    pub detail: String,
}

/// The sender of a notice that is not of the service itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Notifier {
    /// The name shown.
    #[serde(deserialize_with = "text")]
    pub nickname: String,
    /// The picture's address.
    #[serde(deserialize_with = "text")]
    pub avatar_url: String,
    /// The address that the name leads to.
    #[serde(deserialize_with = "text")]
    pub jump_url: String,
}

/// A button's links by platform, and its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct JumpUriConfig {
    /// The link for every platform that has no link of its own.
    #[serde(deserialize_with = "text")]
    pub all_uri: String,
    /// The link for browsers.
    #[serde(deserialize_with = "text")]
    pub web_uri: String,
    /// The text of the button.
    #[serde(deserialize_with = "text")]
    pub text: String,
}

/// A button of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Button {
    /// The text of the button.
    pub text: String,
    /// The address that the button leads to.
    pub uri: String,
}

impl Notice {
    /// Returns the buttons as a browser shows them: with the link for browsers, else the one for
    /// all platforms, else the old field; without a link there is no button.
    pub fn buttons(&self) -> Vec<Button> {
        [
            (&self.jump_uri_config, &self.jump_uri, &self.jump_text),
            (&self.jump_uri_2_config, &self.jump_uri_2, &self.jump_text_2),
            (&self.jump_uri_3_config, &self.jump_uri_3, &self.jump_text_3),
        ]
        .into_iter()
        .filter_map(|(config, uri, text)| {
            Some(Button {
                uri: first_of(&[&config.web_uri, &config.all_uri, uri])?,
                text: first_of(&[&config.text, text]).unwrap_or_else(|| UNLABELLED.to_owned()),
            })
        })
        .collect()
    }
}

fn first_of(texts: &[&String]) -> Option<String> {
    let text = texts.iter().find(|text| !text.is_empty())?;
    Some((*text).clone())
}

/// A grey line of the service (18), in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tip {
    /// The parts, in order.
    pub content: Vec<TipPart>,
}

/// A part of a [`Tip`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TipPart {
    /// The text of the part.
    #[serde(deserialize_with = "text")]
    pub text: String,
    /// The colour of the part by day, as `#9499A0`.
    #[serde(deserialize_with = "text")]
    pub color_day: String,
    /// The colour of the part by night.
    #[serde(deserialize_with = "text")]
    pub color_nig: String,
    /// The address that the part leads to, if any.
    #[serde(deserialize_with = "text")]
    pub jump_url: String,
}

impl Tip {
    /// Returns the whole line.
    pub fn text(&self) -> String {
        self.content.iter().map(|part| part.text.as_str()).collect()
    }
}

/// An answer of an AI (19).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Ai {
    /// The rich text of the answer, as it came: the shape of a paragraph is not known.
    pub content: Value,
    /// The number of the talk with the AI.
    #[serde(deserialize_with = "int")]
    pub gpt_session_id: i64,
    /// The kind of the answer.
    #[serde(deserialize_with = "int")]
    pub sub_type: i64,
    /// Set if the answer can be liked.
    #[serde(deserialize_with = "flag")]
    pub show_like: bool,
    /// Set if the answer can be changed.
    #[serde(deserialize_with = "flag")]
    pub show_change: bool,
    /// The address of the spoken answer.
    #[serde(deserialize_with = "text")]
    pub voice_url: String,
    /// The length of the spoken answer.
    #[serde(deserialize_with = "int")]
    pub voice_time: i64,
}

impl Ai {
    /// Returns the paragraphs, if there are any.
    pub fn paragraphs(&self) -> &[Value] {
        self.content
            .get("paragraphs")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }
}

/// A message of the system (51), as it came: its fields are not known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct SystemContent {
    /// The fields as they came.
    pub fields: Map<String, Value>,
}

impl SystemContent {
    /// Returns the text, where a field `content` or `text` is one.
    pub fn text(&self) -> Option<&str> {
        ["content", "text"]
            .into_iter()
            .find_map(|name| self.fields.get(name)?.as_str())
    }
}

/// An event in a group (301 to 306).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GroupNotice {
    /// The group; 0 where the message does not say.
    pub group_id: GroupId,
    /// The text of the message.
    #[serde(deserialize_with = "text")]
    pub content: String,
}
