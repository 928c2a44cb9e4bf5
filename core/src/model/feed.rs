//! Replies, mentions and likes, as the notification feeds show them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Uid;
use crate::json::Unreadable;
use crate::json::lenient::{flag, int, or_default, required_int, text};
use crate::time::UnixSeconds;

/// The beginning of the next page of a feed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FeedCursor {
    /// Set if this was the last page.
    #[serde(deserialize_with = "flag")]
    pub is_end: bool,
    /// The number of the last item; 0 in an empty feed.
    #[serde(deserialize_with = "int")]
    pub id: i64,
    /// The time of the last item; 0 in an empty feed.
    pub time: UnixSeconds,
}

impl FeedCursor {
    /// Creates the cursor of the page after the item of this number and time.
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
    /// Items that are new since the last look, for likes; these may stand in `items` too.
    pub latest: Vec<T>,
    /// The items.
    pub items: Vec<T>,
    /// Items that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// The beginning of the next page.
    pub cursor: FeedCursor,
    /// The time of the last look at the feed; 0 if unknown.
    pub last_view_at: UnixSeconds,
}

/// A user who replied, mentioned or liked.
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
    /// The number of followers.
    #[serde(deserialize_with = "int")]
    pub fans: i64,
    /// The address of the user's page; may be empty.
    #[serde(deserialize_with = "text")]
    pub mid_link: String,
    /// Set if this account follows the user.
    #[serde(deserialize_with = "flag")]
    pub follow: bool,
}

/// A reply to something of this account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reply {
    /// The number of this entry.
    #[serde(deserialize_with = "required_int")]
    pub id: i64,
    /// The user who replied.
    #[serde(default, deserialize_with = "or_default")]
    pub user: FeedUser,
    /// The reply, and the thing it answers.
    #[serde(default, deserialize_with = "or_default")]
    pub item: FeedItem,
    /// The number of people who replied.
    #[serde(default, deserialize_with = "int")]
    pub counts: i64,
    /// Set if several people replied.
    #[serde(default, deserialize_with = "flag")]
    pub is_multi: bool,
    /// The time of the reply.
    #[serde(default)]
    pub reply_time: UnixSeconds,
}

/// A mention of this account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct At {
    /// The number of this entry.
    #[serde(deserialize_with = "required_int")]
    pub id: i64,
    /// The user who mentioned this account.
    #[serde(default, deserialize_with = "or_default")]
    pub user: FeedUser,
    /// The mention, and its place.
    #[serde(default, deserialize_with = "or_default")]
    pub item: FeedItem,
    /// The time of the mention.
    #[serde(default)]
    pub at_time: UnixSeconds,
}

/// Likes of something of this account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Like {
    /// The number of this entry.
    #[serde(deserialize_with = "required_int")]
    pub id: i64,
    /// Some of the users who liked the thing.
    #[serde(default, deserialize_with = "or_default")]
    pub users: Vec<FeedUser>,
    /// The thing that was liked.
    #[serde(default, deserialize_with = "or_default")]
    pub item: LikeItem,
    /// The true number of users who liked the thing.
    #[serde(default, deserialize_with = "int")]
    pub counts: i64,
    /// The time of the last like.
    #[serde(default)]
    pub like_time: UnixSeconds,
    /// The notifications of the likes: 0 on, 1 muted.
    #[serde(default, deserialize_with = "int")]
    pub notice_state: i64,
}

/// A page of the users who liked one thing, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct LikeDetailPage {
    /// The thing that was liked.
    pub card: LikeItem,
    /// The users.
    pub items: Vec<LikeDetail>,
    /// Items that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Set if this was the last page.
    pub is_end: bool,
}

/// A user who liked a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LikeDetail {
    /// The user.
    pub user: FeedUser,
    /// The time of the like.
    #[serde(default)]
    pub like_time: UnixSeconds,
}

/// The comment of a reply or a mention, and its place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FeedItem {
    /// The number of the thing that stands above the comments.
    #[serde(deserialize_with = "int")]
    pub subject_id: i64,
    /// The first comment of the thread.
    #[serde(deserialize_with = "int")]
    pub root_id: i64,
    /// The new comment.
    #[serde(deserialize_with = "int")]
    pub source_id: i64,
    /// The comment that the new one answers.
    #[serde(deserialize_with = "int")]
    pub target_id: i64,
    /// The number of the business: 1 video, 11 and 17 dynamic.
    #[serde(deserialize_with = "int")]
    pub business_id: i64,
    /// The kind of the thing above: `reply`, `video`, `dynamic` …
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: String,
    /// The business in words.
    #[serde(deserialize_with = "text")]
    pub business: String,
    /// The title of the thing above.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The description of the thing above.
    #[serde(deserialize_with = "text")]
    pub desc: String,
    /// The address of the picture of the thing above.
    #[serde(deserialize_with = "text")]
    pub image: String,
    /// The address of the thing above.
    #[serde(deserialize_with = "text")]
    pub uri: String,
    /// The address of the thing above for the service's app.
    #[serde(deserialize_with = "text")]
    pub native_uri: String,
    /// A longer title.
    #[serde(deserialize_with = "text")]
    pub detail_title: String,
    /// The text of the first comment of the thread.
    #[serde(deserialize_with = "text")]
    pub root_reply_content: String,
    /// The text of the new comment.
    #[serde(deserialize_with = "text")]
    pub source_content: String,
    /// The text of the answered comment.
    #[serde(deserialize_with = "text")]
    pub target_reply_content: String,
    /// The users who were mentioned.
    #[serde(deserialize_with = "or_default")]
    pub at_details: Vec<FeedUser>,
    /// The topics in the comment, as they came.
    #[serde(deserialize_with = "or_default")]
    pub topic_details: Vec<Value>,
    /// Set if the comment cannot be answered.
    #[serde(deserialize_with = "flag")]
    pub hide_reply_button: bool,
    /// Set if the comment cannot be liked.
    #[serde(deserialize_with = "flag")]
    pub hide_like_button: bool,
    /// Set if this account likes the comment.
    #[serde(deserialize_with = "flag")]
    pub like_state: bool,
    /// The flying comment that the entry is about, as it came.
    pub danmu: Option<Value>,
    /// A message of the service about the entry.
    #[serde(deserialize_with = "text")]
    pub message: String,
}

/// The thing that was liked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LikeItem {
    /// The number of the thing.
    #[serde(deserialize_with = "int")]
    pub item_id: i64,
    /// The number of the thing that the liked one belongs to.
    #[serde(deserialize_with = "int")]
    pub pid: i64,
    /// The kind of the thing: `reply`, `video`, `dynamic` …
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: String,
    /// The business in words.
    #[serde(deserialize_with = "text")]
    pub business: String,
    /// The number of the business: 1 video, 11 and 17 dynamic.
    #[serde(deserialize_with = "int")]
    pub business_id: i64,
    /// The business of the thing's comments.
    #[serde(deserialize_with = "int")]
    pub reply_business_id: i64,
    /// The business of the thing's likes.
    #[serde(deserialize_with = "int")]
    pub like_business_id: i64,
    /// The title of the thing.
    #[serde(deserialize_with = "text")]
    pub title: String,
    /// The description of the thing.
    #[serde(deserialize_with = "text")]
    pub desc: String,
    /// The address of the thing's picture.
    #[serde(deserialize_with = "text")]
    pub image: String,
    /// The address of the thing.
    #[serde(deserialize_with = "text")]
    pub uri: String,
    /// The name of the thing that the liked one belongs to.
    #[serde(deserialize_with = "text")]
    pub detail_name: String,
    /// The address of the thing for the service's app.
    #[serde(deserialize_with = "text")]
    pub native_uri: String,
    /// The time at which the thing was made.
    pub ctime: UnixSeconds,
}
