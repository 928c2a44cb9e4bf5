//! Settings of private messages and notifications.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::json;
use crate::json::lenient::{maybe_flag, maybe_int};
use crate::model::int_enum;

/// Asks for the account's settings of private messages and notifications.
///
/// `GET https://api.vc.bilibili.com/link_setting/v1/link_setting/get`
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a call without parameters is its name"
)]
#[must_use]
pub struct GetSessionSettings;

int_enum! {
    /// Notification of private messages (`msg_notify`).
    NotifySetting:
    /// Switched on.
    On = 1,
    /// Switched off.
    Off = 3,
}

int_enum! {
    /// Notification of likes (`set_like`).
    LikeSetting:
    /// Switched on.
    On = 0,
    /// Switched off.
    Off = 5,
}

int_enum! {
    /// Notification of likes received (`set_recv_like`).
    RecvLikeSetting:
    /// Switched on.
    On = 0,
    /// Switched off.
    Off = 2,
}

int_enum! {
    /// The users whose comments or mentions are notified of (`set_comment`, `set_at`).
    Audience:
    /// Everybody.
    All = 0,
    /// Users that this account follows.
    Followed = 1,
    /// Nobody.
    Nobody = 2,
}

/// Settings of the account; `None` where the answer lacks one, as older answers do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SessionSettings {
    /// True if messages of users that are not followed are shown.
    #[serde(deserialize_with = "maybe_flag")]
    pub show_unfollowed_msg: Option<bool>,
    /// Notification of private messages.
    pub msg_notify: Option<NotifySetting>,
    /// Notification of likes.
    pub set_like: Option<LikeSetting>,
    /// The users whose comments are notified of.
    pub set_comment: Option<Audience>,
    /// The users whose mentions are notified of.
    pub set_at: Option<Audience>,
    /// True if groups are folded into one entry.
    #[serde(deserialize_with = "maybe_flag")]
    pub is_group_fold: Option<bool>,
    /// True if messages of groups are received.
    #[serde(deserialize_with = "maybe_flag")]
    pub should_receive_group: Option<bool>,
    /// True if messages of users that are not followed are received.
    #[serde(deserialize_with = "maybe_flag")]
    pub receive_unfollow_msg: Option<bool>,
    /// True if there is an automatic reply to a new follower.
    #[serde(deserialize_with = "maybe_flag")]
    pub followed_reply: Option<bool>,
    /// True if there are automatic replies to words.
    #[serde(deserialize_with = "maybe_flag")]
    pub keys_reply: Option<bool>,
    /// True if there is an automatic reply to a message.
    #[serde(deserialize_with = "maybe_flag")]
    pub recv_reply: Option<bool>,
    /// True if there is an automatic reply to a new guardian.
    #[serde(deserialize_with = "maybe_flag")]
    pub voyage_reply: Option<bool>,
    /// True if works are recommended to a new follower.
    #[serde(deserialize_with = "maybe_flag")]
    pub recommend_followed_reply: Option<bool>,
    /// True if the service keeps back messages that it takes for unwanted.
    #[serde(deserialize_with = "maybe_flag")]
    pub ai_intercept: Option<bool>,
    /// A number of unknown meaning.
    #[serde(deserialize_with = "maybe_int")]
    pub set_recv_reply: Option<i64>,
    /// Notification of likes received.
    pub set_recv_like: Option<RecvLikeSetting>,
    /// A number of unknown meaning.
    #[serde(deserialize_with = "maybe_int")]
    pub set_new_follow: Option<i64>,
    /// The settings against harassment, as they came.
    pub anti_harassment: Option<Map<String, Value>>,
}

impl Endpoint for GetSessionSettings {
    type Auth = CookieAuth;
    type Output = SessionSettings;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(
            RequestParts::get(Host::Vc, "/link_setting/v1/link_setting/get")
                .query("msg_notify", 1)
                .query("show_unfollowed_msg", 1)
                .web(),
        )
    }

    fn decode(&self, data: &Value) -> Result<SessionSettings, DecodeError> {
        json::salvage(data).map(|(settings, _)| settings)
    }
}
