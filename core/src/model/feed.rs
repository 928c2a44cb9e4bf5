//! Replies, mentions and likes, as the notification feeds show them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Uid;
use crate::json::Unreadable;
use crate::json::lenient::{flag, int, or_default, required_int, text};
use crate::json::nested::{list, maybe};
use crate::time::UnixSeconds;

/// Where the next page of a feed begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FeedCursor {
    /// Whether this was the last page.
    #[serde(deserialize_with = "flag")]
    pub is_end: bool,
    /// The number of the last item; 0 in an empty feed.
    #[serde(deserialize_with = "int")]
    pub id: i64,
    /// The time of the last item; 0 in an empty feed.
    pub time: UnixSeconds,
}

impl FeedCursor {
    /// The page after the item of this number and time.
    pub const fn new(id: i64, time: UnixSeconds) -> Self {
        Self {
            is_end: false,
            id,
            time,
        }
    }
}

/// A page of a feed, newest first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FeedPage<T> {
    /// What is new since the last look, for likes; these may stand in `items` too.
    pub latest: Vec<T>,
    /// The items.
    pub items: Vec<T>,
    /// Items that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Where the next page begins.
    pub cursor: FeedCursor,
    /// When the feed was looked at last; 0 if unknown.
    pub last_view_at: UnixSeconds,
}

/// Somebody who did something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FeedUser {
    /// The user's number.
    pub mid: Uid,
    /// The name shown.
    #[serde(deserialize_with = "text")]
    pub nickname: String,
    /// The picture's address.
    #[serde(deserialize_with = "text")]
    pub avatar: String,
    /// How many followers.
    #[serde(deserialize_with = "int")]
    pub fans: i64,
    /// The address of the user's page; may be empty.
    #[serde(deserialize_with = "text")]
    pub mid_link: String,
    /// Whether this account follows the user.
    #[serde(deserialize_with = "flag")]
    pub follow: bool,
}

/// Somebody replied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reply {
    /// The number of this entry.
    #[serde(deserialize_with = "required_int")]
    pub id: i64,
    /// Who replied.
    #[serde(default, deserialize_with = "or_default")]
    pub user: FeedUser,
    /// What was said, and to what.
    #[serde(default, deserialize_with = "or_default")]
    pub item: FeedItem,
    /// How many people replied.
    #[serde(default, deserialize_with = "int")]
    pub counts: i64,
    /// Whether it were several.
    #[serde(default, deserialize_with = "flag")]
    pub is_multi: bool,
    /// When.
    #[serde(default)]
    pub reply_time: UnixSeconds,
}

/// Somebody mentioned this account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct At {
    /// The number of this entry.
    #[serde(deserialize_with = "required_int")]
    pub id: i64,
    /// Who did.
    #[serde(default, deserialize_with = "or_default")]
    pub user: FeedUser,
    /// What was said, and where.
    #[serde(default, deserialize_with = "or_default")]
    pub item: FeedItem,
    /// When.
    #[serde(default)]
    pub at_time: UnixSeconds,
}

/// People liked something of this account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Like {
    /// The number of this entry.
    #[serde(deserialize_with = "required_int")]
    pub id: i64,
    /// Some of those who did.
    #[serde(default, deserialize_with = "list")]
    pub users: Vec<FeedUser>,
    /// What was liked.
    #[serde(default, deserialize_with = "or_default")]
    pub item: LikeItem,
    /// How many did: the true number.
    #[serde(default, deserialize_with = "int")]
    pub counts: i64,
    /// When the last one did.
    #[serde(default)]
    pub like_time: UnixSeconds,
    /// Whether it is notified of: a number of unknown meaning.
    #[serde(default, deserialize_with = "int")]
    pub notice_state: i64,
}

/// What was said, and to what, in a reply or a mention.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FeedItem {
    /// The number of what stands above the comments.
    #[serde(deserialize_with = "int")]
    pub subject_id: i64,
    /// The first comment of the thread.
    #[serde(deserialize_with = "int")]
    pub root_id: i64,
    /// The comment that says it.
    #[serde(deserialize_with = "int")]
    pub source_id: i64,
    /// The comment it answers.
    #[serde(deserialize_with = "int")]
    pub target_id: i64,
    /// 1 video, 11 and 17 dynamic.
    #[serde(deserialize_with = "int")]
    pub business_id: i64,
    /// `reply`, `video`, `dynamic` …
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: String,
    /// The business in words.
    #[serde(deserialize_with = "text")]
    pub business: String,
    /// The title of what stands above.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// Its description.
    #[serde(deserialize_with = "text")]
    pub desc: String,
    /// The address of its picture.
    #[serde(deserialize_with = "text")]
    pub image: String,
    /// Its address.
    #[serde(deserialize_with = "text")]
    pub uri: String,
    /// Its address for the service's app.
    #[serde(deserialize_with = "text")]
    pub native_uri: String,
    /// A longer title.
    #[serde(deserialize_with = "text")]
    pub detail_title: String,
    /// What the first comment of the thread says.
    #[serde(deserialize_with = "text")]
    pub root_reply_content: String,
    /// What was said.
    #[serde(deserialize_with = "text")]
    pub source_content: String,
    /// What the answered comment says.
    #[serde(deserialize_with = "text")]
    pub target_reply_content: String,
    /// Who was mentioned.
    #[serde(deserialize_with = "list")]
    pub at_details: Vec<FeedUser>,
    /// The topics in it, as they came.
    #[serde(deserialize_with = "list")]
    pub topic_details: Vec<Value>,
    /// Whether it cannot be answered.
    #[serde(deserialize_with = "flag")]
    pub hide_reply_button: bool,
    /// Whether it cannot be liked.
    #[serde(deserialize_with = "flag")]
    pub hide_like_button: bool,
    /// Whether this account likes it.
    #[serde(deserialize_with = "flag")]
    pub like_state: bool,
    /// The flying comment it is about, as it came.
    #[serde(deserialize_with = "maybe")]
    pub danmu: Option<Value>,
    /// A message of the service about it.
    #[serde(deserialize_with = "text")]
    pub message: String,
}

/// What was liked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LikeItem {
    /// Its number.
    #[serde(deserialize_with = "int")]
    pub item_id: i64,
    /// The number of what it belongs to.
    #[serde(deserialize_with = "int")]
    pub pid: i64,
    /// `reply`, `video`, `dynamic` …
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: String,
    /// The business in words.
    #[serde(deserialize_with = "text")]
    pub business: String,
    /// 1 video, 11 and 17 dynamic.
    #[serde(deserialize_with = "int")]
    pub business_id: i64,
    /// The business of its comments.
    #[serde(deserialize_with = "int")]
    pub reply_business_id: i64,
    /// The business of its likes.
    #[serde(deserialize_with = "int")]
    pub like_business_id: i64,
    /// Its title.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// Its description.
    #[serde(deserialize_with = "text")]
    pub desc: String,
    /// The address of its picture.
    #[serde(deserialize_with = "text")]
    pub image: String,
    /// Its address.
    #[serde(deserialize_with = "text")]
    pub uri: String,
    /// The name of what it belongs to.
    #[serde(deserialize_with = "text")]
    pub detail_name: String,
    /// Its address for the service's app.
    #[serde(deserialize_with = "text")]
    pub native_uri: String,
    /// When it was made.
    pub ctime: UnixSeconds,
}
