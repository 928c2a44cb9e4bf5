//! System notices: texts with links in them, and times written in two ways.

use jiff::civil::DateTime;
use jiff::tz::{self, Offset};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::ids::Uid;
use crate::json::lenient::{flag, int, required_int, text};
use crate::json::parse_str;
use crate::time::UnixSeconds;

/// A notice of the system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SystemNotice {
    /// The number of the notice.
    #[serde(deserialize_with = "required_int")]
    pub id: i64,
    /// The place of the notice among all, 19 digits; 0 if unknown.
    #[serde(default, deserialize_with = "int")]
    pub cursor: i64,
    /// The publisher, if it was not the service itself.
    #[serde(default)]
    pub publisher: Option<Publisher>,
    /// The kind of the notice.
    #[serde(default, rename = "type", deserialize_with = "int")]
    pub kind: i64,
    /// The title of the notice.
    #[serde(default, deserialize_with = "text")]
    pub title: String,
    /// The text of the notice, as it came; [`SystemNotice::body`] is for reading.
    #[serde(default, deserialize_with = "text")]
    pub content: String,
    /// The origin of the notice.
    #[serde(default)]
    pub source: Option<NoticeSource>,
    /// The time of the notice.
    #[serde(default)]
    pub time_at: NoticeTime,
    /// The kind of the notice's card.
    #[serde(default, deserialize_with = "int")]
    pub card_type: i64,
    /// The text of the notice's card.
    #[serde(default, deserialize_with = "text")]
    pub card_brief: String,
    /// The address of the card's cover.
    #[serde(default, deserialize_with = "text")]
    pub card_cover: String,
    /// The address that the card leads to.
    #[serde(default, deserialize_with = "text")]
    pub card_link: String,
    /// A code of unknown meaning, such as `1_0_0`.
    #[serde(default, deserialize_with = "text")]
    pub mc: String,
    /// Set if the notice is of the site.
    #[serde(default, deserialize_with = "flag")]
    pub is_station: bool,
    /// Set if the notice was sent.
    #[serde(default, deserialize_with = "flag")]
    pub is_send: bool,
}

/// The publisher of a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Publisher {
    /// The name shown.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The user's number.
    pub mid: Uid,
    /// The picture's address.
    #[serde(deserialize_with = "text")]
    pub face: String,
}

/// The origin of a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NoticeSource {
    /// The name of the origin.
    #[serde(deserialize_with = "text")]
    pub name: String,
    /// The address of the origin's logo.
    #[serde(deserialize_with = "text")]
    pub logo: String,
}

/// A notice's text, with its links taken out of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoticeBody {
    /// The text; a link stands in it with its words only.
    pub text: String,
    /// The links, in order.
    pub links: Vec<NoticeLink>,
}

/// A link in a notice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoticeLink {
    /// The words of the link.
    pub text: String,
    /// The address that the link leads to.
    pub url: String,
}

impl SystemNotice {
    /// Returns the text to be read: of `{"web": "…"}` the inner text, of `#{words}{"url"}` the
    /// words.
    pub fn body(&self) -> NoticeBody {
        let inner = match parse_str(&self.content) {
            Ok(Value::Object(object)) => {
                object.get("web").and_then(Value::as_str).map(str::to_owned)
            }
            _ => None,
        };
        let mut rest = inner.as_deref().unwrap_or(&self.content);
        let mut body = NoticeBody::default();
        while let Some((before, from)) = rest.split_once("#{") {
            body.text.push_str(before);
            if let Some((link, after)) = link(from) {
                body.text.push_str(&link.text);
                body.links.push(link);
                rest = after;
            } else {
                // An end that is missing here is missing for every later link too.
                body.text.push_str("#{");
                rest = from;
                break;
            }
        }
        body.text.push_str(rest);
        body
    }
}

/// Reads `words}{"url"}…`, of which the beginning `#{` is gone already.
fn link(from: &str) -> Option<(NoticeLink, &str)> {
    let (text, from) = from.split_once("}{")?;
    let (url, after) = from.split_once('}')?;
    let link = NoticeLink {
        text: text.to_owned(),
        url: url.trim().trim_matches('"').to_owned(),
    };
    Some((link, after))
}

/// The time of a notice: the service writes a number, or text as on a clock in China.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeTime {
    /// A point in time; 0 if there was none.
    At(UnixSeconds),
    /// A text as `2023-11-14 22:13:20`, without a time zone.
    Text(String),
}

/// The zone of the text, which names none: the service's own is UTC+8.
const SERVICE_ZONE: Offset = tz::offset(8);

impl NoticeTime {
    /// Returns the point in time; text is read as of UTC+8. `None` for 0 and for other text.
    pub fn unix(&self) -> Option<UnixSeconds> {
        match self {
            Self::At(UnixSeconds(0)) => None,
            Self::At(at) => Some(*at),
            Self::Text(text) => clock(text),
        }
    }
}

/// Reads the point in time of `YYYY-MM-DD HH:MM:SS` in the service's zone.
fn clock(text: &str) -> Option<UnixSeconds> {
    let text = text.trim();
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", text)
        .or_else(|_| DateTime::strptime("%Y-%m-%dT%H:%M:%S", text))
        .ok()?;
    let second = SERVICE_ZONE.to_timestamp(local).ok()?.as_second();
    // Some servers write `0001-01-01 00:00:00` where there is no time.
    (second > 0).then_some(UnixSeconds(second))
}

impl Default for NoticeTime {
    fn default() -> Self {
        Self::At(UnixSeconds(0))
    }
}

/// Writes the time as it came: a number or text.
impl Serialize for NoticeTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(at) => at.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for NoticeTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match int::<_, i64>(value.clone()) {
            Ok(number) => Ok(Self::At(UnixSeconds(number))),
            Err(_) => text(value)
                .map(Self::Text)
                .map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(content: &str) -> NoticeBody {
        let notice: SystemNotice =
            serde_json::from_value(json!({"id": 1, "content": content})).unwrap();
        notice.body()
    }

    #[test]
    fn links_are_taken_out() {
        let with_link = body(r##"before #{words}{"https://www.bilibili.com/"} after"##);
        assert_eq!(with_link.text, "before words after");
        assert_eq!(with_link.links[0].url, "https://www.bilibili.com/");
        assert_eq!(body(r#"{"web": "inside"}"#).text, "inside");
        for odd in [
            "",
            "#{",
            "#{a}",
            "#{a}{",
            "{}",
            r#"{"web":1}"#,
            "}{ #{",
            "12",
        ] {
            assert_eq!(
                body(odd),
                NoticeBody {
                    text: odd.to_owned(),
                    links: vec![]
                }
            );
        }
    }

    #[test]
    fn times_in_both_dresses() {
        let read = |value| serde_json::from_value::<NoticeTime>(value).unwrap();
        assert_eq!(
            read(json!(1_700_000_000)).unix(),
            Some(UnixSeconds(1_700_000_000))
        );
        assert_eq!(
            read(json!("1700000000")).unix(),
            Some(UnixSeconds(1_700_000_000))
        );
        assert_eq!(
            read(json!("2023-11-15 06:13:20")).unix(),
            Some(UnixSeconds(1_700_000_000))
        );
        assert_eq!(
            read(json!(" 2023-11-15T06:13:20")).unix(),
            Some(UnixSeconds(1_700_000_000))
        );
        assert_eq!(
            read(json!("2024-02-29 08:00:00")).unix(),
            Some(UnixSeconds(1_709_164_800))
        );
        for odd in [
            "",
            "yesterday",
            "2023-13-01 00:00:00",
            "2023-11-15",
            "2023-02-29 08:00:00",
            "2023-11-15 24:00:00",
            "0001-01-01 00:00:00",
            "2023-11-15 06:13:20 UTC",
            "1-2-3 4:5:6:7",
        ] {
            assert_eq!(read(json!(odd)).unix(), None, "{odd}");
        }
    }
}
