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
    /// Whether private messages are notified of (`msg_notify`).
    NotifySetting:
    /// They are.
    On = 1,
    /// They are not.
    Off = 3,
}

int_enum! {
    /// Whether likes are notified of (`set_like`).
    LikeSetting:
    /// They are.
    On = 0,
    /// They are not.
    Off = 5,
}

int_enum! {
    /// Whether likes received are notified of (`set_recv_like`).
    RecvLikeSetting:
    /// They are.
    On = 0,
    /// They are not.
    Off = 2,
}

int_enum! {
    /// From whom something is notified of (`set_comment`, `set_at`).
    Audience:
    /// From everybody.
    All = 0,
    /// From users that are followed.
    Followed = 1,
    /// From nobody.
    Nobody = 2,
}

/// Settings of the account; `None` where the answer lacks one, as older answers do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SessionSettings {
    /// Whether messages of users that are not followed are shown.
    #[serde(deserialize_with = "maybe_flag")]
    pub show_unfollowed_msg: Option<bool>,
    /// Whether private messages are notified of.
    pub msg_notify: Option<NotifySetting>,
    /// Whether likes are notified of.
    pub set_like: Option<LikeSetting>,
    /// Whose comments are notified of.
    pub set_comment: Option<Audience>,
    /// Whose mentions are notified of.
    pub set_at: Option<Audience>,
    /// Whether groups are folded into one entry.
    #[serde(deserialize_with = "maybe_flag")]
    pub is_group_fold: Option<bool>,
    /// Whether messages of groups are received.
    #[serde(deserialize_with = "maybe_flag")]
    pub should_receive_group: Option<bool>,
    /// Whether messages of users that are not followed are received.
    #[serde(deserialize_with = "maybe_flag")]
    pub receive_unfollow_msg: Option<bool>,
    /// Whether there is an automatic reply to a new follower.
    #[serde(deserialize_with = "maybe_flag")]
    pub followed_reply: Option<bool>,
    /// Whether there are automatic replies to words.
    #[serde(deserialize_with = "maybe_flag")]
    pub keys_reply: Option<bool>,
    /// Whether there is an automatic reply to a message.
    #[serde(deserialize_with = "maybe_flag")]
    pub recv_reply: Option<bool>,
    /// Whether there is an automatic reply to a new guardian.
    #[serde(deserialize_with = "maybe_flag")]
    pub voyage_reply: Option<bool>,
    /// Whether works are recommended to a new follower.
    #[serde(deserialize_with = "maybe_flag")]
    pub recommend_followed_reply: Option<bool>,
    /// Whether the service keeps back what it thinks is unwanted.
    #[serde(deserialize_with = "maybe_flag")]
    pub ai_intercept: Option<bool>,
    /// A number of unknown meaning.
    #[serde(deserialize_with = "maybe_int")]
    pub set_recv_reply: Option<i64>,
    /// Whether likes received are notified of.
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
