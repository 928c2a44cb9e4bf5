//! Users who liked one thing.

use serde::Deserialize;
use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::ids::Uid;
use crate::json;
use crate::json::lenient::{flag, or_default};
use crate::model::{LikeDetailPage, LikeItem};

/// Asks for one page of the users who liked one thing. An item of
/// [`GetLikes`](super::GetLikes) names some of them only.
///
/// `GET https://api.bilibili.com/x/msgfeed/like_detail`
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct GetLikeDetail {
    card_id: i64,
    page: u32,
    last_mid: Option<Uid>,
}

impl GetLikeDetail {
    /// Asks for the newest likes of the item of this number ([`Like::id`](crate::model::Like::id)).
    pub const fn new(card_id: i64) -> Self {
        Self {
            card_id,
            page: 1,
            last_mid: None,
        }
    }

    /// Sets the number of the page, from 1 on.
    pub const fn page(mut self, page: u32) -> Self {
        self.page = page;
        self
    }

    /// Sets the last user of the page before.
    pub const fn last_mid(mut self, last_mid: Uid) -> Self {
        self.last_mid = Some(last_mid);
        self
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Around {
    #[serde(deserialize_with = "or_default")]
    page: End,
    #[serde(deserialize_with = "or_default")]
    card: LikeItem,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct End {
    #[serde(deserialize_with = "flag")]
    is_end: bool,
}

impl Endpoint for GetLikeDetail {
    type Auth = CookieAuth;
    type Output = LikeDetailPage;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(RequestParts::get(Host::Api, "/x/msgfeed/like_detail")
            .query("card_id", self.card_id)
            .query("pn", self.page)
            .query_opt("last_mid", self.last_mid))
    }

    /// `{page: {is_end}, card, items}`; without `is_end` the page may not be the last.
    fn decode(&self, data: &Value) -> Result<LikeDetailPage, DecodeError> {
        let (around, _) = json::salvage::<Around>(data)?;
        let (items, unreadable) = json::items(data.get("items"), "items")?;
        Ok(LikeDetailPage {
            card: around.card,
            items,
            unreadable,
            is_end: around.page.is_end,
        })
    }
}
