//! Counts of unread messages and notifications.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::json;
use crate::json::lenient::int;

/// Asks for the counts of unread notifications; private messages are not among them.
///
/// `GET https://api.bilibili.com/x/msgfeed/unread`
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a call without parameters is its name"
)]
#[must_use]
pub struct GetUnreadMessages;

/// Unread notifications, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UnreadMessages {
    /// Mentions.
    #[serde(deserialize_with = "int")]
    pub at: i64,
    /// A number of unknown meaning; 0 as a rule.
    #[serde(deserialize_with = "int")]
    pub chat: i64,
    /// Coins given.
    #[serde(deserialize_with = "int")]
    pub coin: i64,
    /// Flying comments.
    #[serde(deserialize_with = "int")]
    pub danmu: i64,
    /// Favourites.
    #[serde(deserialize_with = "int")]
    pub favorite: i64,
    /// Likes.
    #[serde(deserialize_with = "int")]
    pub like: i64,
    /// Likes, as the newer message page counts them.
    #[serde(deserialize_with = "int")]
    pub recv_like: i64,
    /// Replies, as the newer message page counts them.
    #[serde(deserialize_with = "int")]
    pub recv_reply: i64,
    /// Replies.
    #[serde(deserialize_with = "int")]
    pub reply: i64,
    /// System notices.
    #[serde(deserialize_with = "int")]
    pub sys_msg: i64,
    /// Notices for creators.
    #[serde(deserialize_with = "int")]
    pub up: i64,
}

impl Endpoint for GetUnreadMessages {
    type Auth = CookieAuth;
    type Output = UnreadMessages;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(RequestParts::get(Host::Api, "/x/msgfeed/unread"))
    }

    fn decode(&self, data: &Value) -> Result<UnreadMessages, DecodeError> {
        json::salvage(data).map(|(unread, _)| unread)
    }
}

/// Asks for the counts of unread private messages of users.
///
/// `GET https://api.vc.bilibili.com/session_svr/v1/session_svr/single_unread`
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a call without parameters is its name"
)]
#[must_use]
pub struct SingleUnread;

/// Unread private messages of users, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SingleUnreadCounts {
    /// Messages from users that this account follows.
    #[serde(deserialize_with = "int")]
    pub follow_unread: i64,
    /// Messages from users that this account does not follow.
    #[serde(deserialize_with = "int")]
    pub unfollow_unread: i64,
    /// Pushed by users that are not followed.
    #[serde(deserialize_with = "int")]
    pub unfollow_push_msg: i64,
    /// Pushed, and kept back by the service.
    #[serde(deserialize_with = "int")]
    pub dustbin_push_msg: i64,
    /// Kept back by the service.
    #[serde(deserialize_with = "int")]
    pub dustbin_unread: i64,
    /// Business messages from users that are followed.
    #[serde(deserialize_with = "int")]
    pub biz_msg_follow_unread: i64,
    /// Business messages from users that are not followed.
    #[serde(deserialize_with = "int")]
    pub biz_msg_unfollow_unread: i64,
    /// Customer service.
    #[serde(deserialize_with = "int")]
    pub custom_unread: i64,
}

impl Endpoint for SingleUnread {
    type Auth = CookieAuth;
    type Output = SingleUnreadCounts;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(
            RequestParts::get(Host::Vc, "/session_svr/v1/session_svr/single_unread")
                .query("unread_type", 0)
                .query("show_unfollow_list", 1)
                .query("show_dustbin", 1)
                .web(),
        )
    }

    fn decode(&self, data: &Value) -> Result<SingleUnreadCounts, DecodeError> {
        json::salvage(data).map(|(unread, _)| unread)
    }
}

/// Asks for the count of unread messages of groups.
///
/// `GET https://api.vc.bilibili.com/session_svr/v1/session_svr/my_group_unread`
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a call without parameters is its name"
)]
#[must_use]
pub struct MyGroupUnread;

/// Unread messages of groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GroupUnreadCount {
    /// Messages of all groups together.
    #[serde(deserialize_with = "int")]
    pub unread_count: i64,
}

impl Endpoint for MyGroupUnread {
    type Auth = CookieAuth;
    type Output = GroupUnreadCount;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(RequestParts::get(Host::Vc, "/session_svr/v1/session_svr/my_group_unread").web())
    }

    fn decode(&self, data: &Value) -> Result<GroupUnreadCount, DecodeError> {
        json::salvage(data).map(|(unread, _)| unread)
    }
}
