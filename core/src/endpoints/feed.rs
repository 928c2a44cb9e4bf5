//! Feeds of notifications: replies, mentions, likes.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::json;
use crate::json::lenient::or_default;
use crate::model::{At, FeedCursor, FeedPage, Like, Reply};
use crate::time::UnixSeconds;

macro_rules! feed {
    ($(#[$doc:meta])* $name:ident: $path:literal, $time:literal, $item:ty, $read:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default)]
        #[must_use]
        pub struct $name {
            after: Option<FeedCursor>,
        }

        impl $name {
            /// Asks for the newest page.
            pub const fn new() -> Self {
                Self { after: None }
            }

            /// Asks for the page that begins at the cursor of the page before.
            pub const fn after(cursor: FeedCursor) -> Self {
                Self {
                    after: Some(cursor),
                }
            }
        }

        impl Endpoint for $name {
            type Auth = CookieAuth;
            type Output = FeedPage<$item>;

            fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
                Ok(RequestParts::get(Host::Api, $path)
                    .query_opt("id", self.after.map(|cursor| cursor.id))
                    .query_opt($time, self.after.map(|cursor| cursor.time.0)))
            }

            fn decode(&self, data: &Value) -> Result<FeedPage<$item>, DecodeError> {
                $read(data)
            }
        }
    };
}

feed! {
    /// Asks for one page of the replies to this account.
    ///
    /// `GET https://api.bilibili.com/x/msgfeed/reply`
    GetReplies: "/x/msgfeed/reply", "reply_time", Reply, page
}

feed! {
    /// Asks for one page of the mentions of this account.
    ///
    /// `GET https://api.bilibili.com/x/msgfeed/at`
    GetAt: "/x/msgfeed/at", "at_time", At, page
}

feed! {
    /// Asks for one page of the likes that this account received. The first page also brings
    /// the latest ones, which may stand in its items too.
    ///
    /// `GET https://api.bilibili.com/x/msgfeed/like`
    GetLikes: "/x/msgfeed/like", "like_time", Like, like_page
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Around {
    #[serde(deserialize_with = "or_default")]
    cursor: FeedCursor,
    last_view_at: UnixSeconds,
}

/// `{cursor, items, last_view_at}`.
fn page<T: DeserializeOwned>(data: &Value) -> Result<FeedPage<T>, DecodeError> {
    let (around, _) = json::salvage::<Around>(data)?;
    let (items, unreadable) = json::items(data.get("items"), "items")?;
    Ok(FeedPage {
        latest: Vec::new(),
        items,
        unreadable,
        cursor: around.cursor,
        last_view_at: around.last_view_at,
    })
}

/// `{latest: {items, last_view_at}, total: {cursor, items}}`; either may be null or absent.
fn like_page(data: &Value) -> Result<FeedPage<Like>, DecodeError> {
    if !data.is_object() {
        return Err(DecodeError::new("", &"expected an object"));
    }
    let empty = || Value::Object(serde_json::Map::new());
    let part = |name, part: &Value| page::<Like>(part).map_err(|error| error.within(name));
    // Without the total there is no way to the next page; without the latest nothing is lost.
    let latest = match data.get("latest") {
        Some(latest) if latest.is_object() => part("latest", latest)?,
        _ => part("latest", &empty())?,
    };
    let total = match data.get("total") {
        None | Some(Value::Null) => part("total", &empty())?,
        Some(total) => part("total", total)?,
    };
    let mut unreadable = latest.unreadable;
    unreadable.extend(total.unreadable);
    Ok(FeedPage {
        latest: latest.items,
        items: total.items,
        unreadable,
        cursor: total.cursor,
        last_view_at: latest.last_view_at,
    })
}
