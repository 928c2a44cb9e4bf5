//! System notices: two sources of the newest, and one of the older.

use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::json::{self, Unreadable};
use crate::model::SystemNotice;

/// Asks for one page of system notices.
///
/// The newest come from two sources, the [user's](Self::new) and the
/// [unified](Self::unified) one, which overlap; [older](Self::older) ones are paged through.
///
/// `GET https://message.bilibili.com/x/sys-msg/query_user_notify`,
/// `…/query_unified_notify`, `…/query_notify_list`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct GetSystemMessages {
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    User { page_size: u32 },
    Unified { page_size: u32 },
    Older { cursor: i64, data_type: i64 },
}

impl Default for GetSystemMessages {
    fn default() -> Self {
        Self::new()
    }
}

impl GetSystemMessages {
    /// Asks for the newest 20 notices to the user.
    pub const fn new() -> Self {
        Self {
            source: Source::User { page_size: 20 },
        }
    }

    /// Asks for the newest 10 notices of the unified source.
    pub const fn unified() -> Self {
        Self {
            source: Source::Unified { page_size: 10 },
        }
    }

    /// Asks for the notices before the one with this cursor.
    pub const fn older(cursor: i64) -> Self {
        Self {
            source: Source::Older {
                cursor,
                data_type: 1,
            },
        }
    }

    /// Sets the size of the page, of the newest. No effect on older ones.
    pub const fn page_size(mut self, size: u32) -> Self {
        match &mut self.source {
            Source::User { page_size } | Source::Unified { page_size } => *page_size = size,
            Source::Older { .. } => {}
        }
        self
    }

    /// Sets the service's `data_type` for older ones; the web client sends 1. No effect on the
    /// newest.
    pub const fn data_type(mut self, number: i64) -> Self {
        if let Source::Older { data_type, .. } = &mut self.source {
            *data_type = number;
        }
        self
    }
}

impl Endpoint for GetSystemMessages {
    type Auth = CookieAuth;
    type Output = SystemPage;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let get = |path| RequestParts::get(Host::Message, path);
        Ok(match self.source {
            Source::User { page_size } => {
                get("/x/sys-msg/query_user_notify").query("page_size", page_size)
            }
            Source::Unified { page_size } => {
                get("/x/sys-msg/query_unified_notify").query("page_size", page_size)
            }
            Source::Older { cursor, data_type } => get("/x/sys-msg/query_notify_list")
                .query("cursor", cursor)
                .query("data_type", data_type),
        })
    }

    /// `{"system_notify_list": …}` or the list itself; null is empty.
    fn decode(&self, data: &Value) -> Result<SystemPage, DecodeError> {
        let (notices, unreadable) = match data {
            Value::Null | Value::Array(_) => json::items(Some(data), ""),
            Value::Object(object) => {
                json::items(object.get("system_notify_list"), "system_notify_list")
            }
            _ => return Err(DecodeError::new("", &"expected an object or an array")),
        }?;
        Ok(SystemPage {
            notices,
            unreadable,
        })
    }
}

/// Page of system notices, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct SystemPage {
    /// Notices, newest first.
    pub notices: Vec<SystemNotice>,
    /// Items that could not be read.
    pub unreadable: Vec<Unreadable>,
}
