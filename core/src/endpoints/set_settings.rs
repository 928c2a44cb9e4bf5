//! Writing of settings: the calls, and settings by their names.

use serde_json::Value;

use super::SessionSettings;
use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;

/// Writes those settings that are `Some`, and leaves the others as they are. Needs `bili_jct`.
///
/// The settings against harassment cannot be written so. Automatic replies are refused with the
/// code 700009 to accounts with less than 1,000 followers.
///
/// ```
/// use bilibili_session::endpoints::{NotifySetting, SessionSettings, SetSessionSettings};
///
/// let mut settings = SessionSettings::default();
/// settings.msg_notify = Some(NotifySetting::Off);
/// settings.is_group_fold = Some(true);
/// let call = SetSessionSettings::new(settings);
/// # let _ = call;
/// ```
///
/// `POST https://api.vc.bilibili.com/link_setting/v1/link_setting/set`
#[derive(Debug, Clone)]
#[must_use]
pub struct SetSessionSettings {
    settings: SessionSettings,
}

impl SetSessionSettings {
    /// Writes these settings.
    pub const fn new(settings: SessionSettings) -> Self {
        Self { settings }
    }
}

impl Endpoint for SetSessionSettings {
    type Auth = CookieAuth;
    type Output = ();

    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        if self.settings.numbers().next().is_none() {
            return Err(BuildError::Parameter {
                name: "the settings",
                rule: "one or more",
            });
        }
        context.check_can_write()
    }

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let parts = RequestParts::post(Host::Vc, "/link_setting/v1/link_setting/set");
        self.settings
            .numbers()
            .fold(parts, |parts, (name, number)| parts.field(name, number))
            .web()
            .csrf(context)
    }

    fn decode(&self, _: &Value) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Error of a name that is no setting's, or of a number that the setting cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotASetting {
    /// No setting has this name.
    #[error("no setting is named so; there are {}", SessionSettings::NAMES.join(", "))]
    Name,
    /// The setting is on or off.
    #[error("{0} is 0 (off) or 1 (on)")]
    Number(&'static str),
}

/// A setting, as the number that it is on the wire.
trait Setting: Sized {
    fn to_number(self) -> i64;
    /// Returns `None` where the setting cannot have this number.
    fn of_number(number: i64) -> Option<Self>;
}

impl Setting for bool {
    fn to_number(self) -> i64 {
        i64::from(self)
    }

    fn of_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Setting for i64 {
    fn to_number(self) -> i64 {
        self
    }

    fn of_number(number: i64) -> Option<Self> {
        Some(number)
    }
}

macro_rules! numbers {
    ($($name:ident),+) => {
        $(impl Setting for super::$name {
            fn to_number(self) -> i64 {
                self.number()
            }

            fn of_number(number: i64) -> Option<Self> {
                Some(Self::from_number(number))
            }
        })+
    };
}
numbers!(NotifySetting, LikeSetting, RecvLikeSetting, Audience);

/// Settings by their names on the wire: the only list of those that can be written.
macro_rules! settings {
    ($($name:ident),+ $(,)?) => {
        impl SessionSettings {
            /// Names of the settings that can be written.
            pub const NAMES: &[&str] = &[$(stringify!($name)),+];

            /// Sets the setting of this name to a number, both as the service has them.
            ///
            /// # Errors
            /// Fails when there is no such setting, or it cannot have this number.
            pub fn set(&mut self, name: &str, number: i64) -> Result<(), NotASetting> {
                match name {
                    $(stringify!($name) => {
                        let setting = Setting::of_number(number);
                        self.$name =
                            Some(setting.ok_or(NotASetting::Number(stringify!($name)))?);
                    })+
                    _ => return Err(NotASetting::Name),
                }
                Ok(())
            }

            /// Returns names and numbers of the settings that are `Some`.
            fn numbers(&self) -> impl Iterator<Item = (&'static str, i64)> {
                let all = [$((stringify!($name), self.$name.map(Setting::to_number))),+];
                let given = |(name, number): (_, Option<i64>)| Some((name, number?));
                all.into_iter().filter_map(given)
            }
        }
    };
}
settings! {
    show_unfollowed_msg,
    msg_notify,
    set_like,
    set_comment,
    set_at,
    is_group_fold,
    should_receive_group,
    receive_unfollow_msg,
    followed_reply,
    keys_reply,
    recv_reply,
    voyage_reply,
    recommend_followed_reply,
    ai_intercept,
    set_recv_reply,
    set_recv_like,
    set_new_follow,
}
