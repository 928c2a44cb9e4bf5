//! Actions on notifications: delete an item, mute a liked thing, mark system notices as read.

use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;

/// Deletes an item of a feed of notifications. Needs `bili_jct`.
///
/// The same thing shows up again when something more happens to it.
///
/// `POST https://api.bilibili.com/x/msgfeed/del`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct DeleteFeedItem {
    feed: u8,
    id: i64,
}

impl DeleteFeedItem {
    /// Deletes the likes of this number ([`Like::id`](crate::model::Like::id)).
    pub const fn like(id: i64) -> Self {
        Self { feed: 0, id }
    }

    /// Deletes the reply of this number ([`Reply::id`](crate::model::Reply::id)).
    pub const fn reply(id: i64) -> Self {
        Self { feed: 1, id }
    }

    /// Deletes the mention of this number ([`At::id`](crate::model::At::id)).
    pub const fn at(id: i64) -> Self {
        Self { feed: 2, id }
    }
}

impl Endpoint for DeleteFeedItem {
    type Auth = CookieAuth;
    type Output = ();

    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        context.check_can_write()
    }

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        RequestParts::post(Host::Api, "/x/msgfeed/del")
            .field("tp", self.feed)
            .field("id", self.id)
            .web()
            .csrf(context)
    }

    fn decode(&self, _: &Value) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Mutes or unmutes the notifications of likes of one thing. Needs `bili_jct`.
///
/// The state stands in [`Like::notice_state`](crate::model::Like::notice_state).
///
/// `POST https://api.bilibili.com/x/msgfeed/notice`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct SetFeedNotice {
    id: i64,
    mute: bool,
}

impl SetFeedNotice {
    /// Mutes the likes of this number ([`Like::id`](crate::model::Like::id)).
    pub const fn mute(id: i64) -> Self {
        Self { id, mute: true }
    }

    /// Unmutes the likes of this number ([`Like::id`](crate::model::Like::id)).
    pub const fn unmute(id: i64) -> Self {
        Self { id, mute: false }
    }
}

impl Endpoint for SetFeedNotice {
    type Auth = CookieAuth;
    type Output = ();

    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        context.check_can_write()
    }

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        // The only feed whose items can be muted is that of likes, 0.
        RequestParts::post(Host::Api, "/x/msgfeed/notice")
            .field("tp", 0)
            .field("id", self.id)
            .field("notice_state", u8::from(self.mute))
            .web()
            .csrf(context)
    }

    fn decode(&self, _: &Value) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Marks system notices as read up to one of them. Needs `bili_jct`, which stands in the address:
/// a proxy that keeps addresses keeps it too.
///
/// `GET https://message.bilibili.com/x/sys-msg/update_cursor`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct UpdateSystemCursor {
    cursor: i64,
}

impl UpdateSystemCursor {
    /// Marks the notices up to and with this cursor as read
    /// ([`SystemNotice::cursor`](crate::model::SystemNotice::cursor)).
    pub const fn new(cursor: i64) -> Self {
        Self { cursor }
    }
}

impl Endpoint for UpdateSystemCursor {
    type Auth = CookieAuth;
    type Output = ();

    fn check(&self, context: &ClientConfig) -> Result<(), BuildError> {
        context.check_can_write()
    }

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        RequestParts::get(Host::Message, "/x/sys-msg/update_cursor")
            .csrf_query(context)
            .map(|parts| parts.query("cursor", self.cursor))
    }

    fn decode(&self, _: &Value) -> Result<(), DecodeError> {
        Ok(())
    }
}
