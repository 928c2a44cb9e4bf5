//! Contents by which the service itself speaks: notices, tips, AI, groups.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::GroupId;
use crate::json::lenient::{flag, int, or_default, text};
use crate::json::nested::{list, maybe};

/// What a button says that has a link and no text.
const UNLABELLED: &str = "查看详情";

/// A notice of the service (10).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Notice {
    /// Its title.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// What it says.
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
    #[serde(deserialize_with = "list")]
    pub modules: Vec<NoticeModule>,
    /// Who notifies, if it is not the service itself.
    #[serde(deserialize_with = "maybe")]
    pub notifier: Option<Notifier>,
    /// What it is about, as it came: the fields differ by business.
    #[serde(deserialize_with = "maybe")]
    pub biz_content: Option<Map<String, Value>>,
}

/// One line of a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NoticeModule {
    /// What the line is about.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// What it says.
    #[serde(deserialize_with = "text")]
    pub detail: String,
}

/// Who notifies.
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
    /// Where the name leads.
    #[serde(deserialize_with = "text")]
    pub jump_url: String,
}

/// A button's links by platform, and its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct JumpUriConfig {
    /// For every platform that has no link of its own.
    #[serde(deserialize_with = "text")]
    pub all_uri: String,
    /// For browsers.
    #[serde(deserialize_with = "text")]
    pub web_uri: String,
    /// What the button says.
    #[serde(deserialize_with = "text")]
    pub text: String,
}

/// A button of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Button {
    /// What it says.
    pub text: String,
    /// Where it leads.
    pub uri: String,
}

impl Notice {
    /// The buttons, as a browser shows them: the link for browsers, else the one for all
    /// platforms, else the old field; without a link there is no button.
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
    /// What it says.
    #[serde(deserialize_with = "text")]
    pub text: String,
    /// Its colour by day, as `#9499A0`.
    #[serde(deserialize_with = "text")]
    pub color_day: String,
    /// Its colour by night.
    #[serde(deserialize_with = "text")]
    pub color_nig: String,
    /// Where it leads, if anywhere.
    #[serde(deserialize_with = "text")]
    pub jump_url: String,
}

impl Tip {
    /// The whole line.
    pub fn text(&self) -> String {
        self.content.iter().map(|part| part.text.as_str()).collect()
    }
}

/// An answer of an AI (19).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Ai {
    /// Rich text, as it came: what a paragraph holds is not known.
    pub content: Value,
    /// The number of the talk with the AI.
    #[serde(deserialize_with = "int")]
    pub gpt_session_id: i64,
    /// Its kind.
    #[serde(deserialize_with = "int")]
    pub sub_type: i64,
    /// Whether it can be liked.
    #[serde(deserialize_with = "flag")]
    pub show_like: bool,
    /// Whether it can be changed.
    #[serde(deserialize_with = "flag")]
    pub show_change: bool,
    /// The address of the spoken answer.
    #[serde(deserialize_with = "text")]
    pub voice_url: String,
    /// How long the spoken answer is.
    #[serde(deserialize_with = "int")]
    pub voice_time: i64,
}

impl Ai {
    /// The paragraphs, if there are any.
    pub fn paragraphs(&self) -> &[Value] {
        self.content
            .get("paragraphs")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }
}

/// A message of the system (51), as it came: what it holds is not known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct SystemContent {
    /// The fields as they came.
    pub fields: Map<String, Value>,
}

impl SystemContent {
    /// Its text, where there is a field `content` or `text` that is one.
    pub fn text(&self) -> Option<&str> {
        ["content", "text"]
            .into_iter()
            .find_map(|name| self.fields.get(name)?.as_str())
    }
}

/// What happened in a group (301 to 306).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GroupNotice {
    /// The group; 0 where the message does not say.
    pub group_id: GroupId,
    /// What it says.
    #[serde(deserialize_with = "text")]
    pub content: String,
}
