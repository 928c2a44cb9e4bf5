//! The account of a login, and the keys of the day.

use http::Response;
use serde::Deserialize;
use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{self, CookieAuth, Endpoint, RequestParts};
use crate::error::{ApiError, BuildError, DecodeError, Error};
use crate::hosts::Host;
use crate::identity::Identity;
use crate::ids::Uid;
use crate::json;
use crate::json::lenient::{flag, or_default, text};
use crate::wbi::WbiKeys;

/// Asks for the account of the login and the keys that sign queries.
///
/// `GET https://api.bilibili.com/x/web-interface/nav`
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a call without parameters is its name"
)]
#[must_use]
pub struct Nav;

/// Answer of nav: the account of the login, and the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NavInfo {
    /// True if the cookies are a login at all.
    pub is_login: bool,
    /// Number of the account.
    pub mid: Uid,
    /// Name of the account.
    pub uname: String,
    /// Address of the account's picture.
    pub face: String,
    /// Keys of the day; an answer that says "logged out" may lack them.
    pub wbi_keys: Option<WbiKeys>,
}

impl NavInfo {
    fn of(wire: Wire) -> Self {
        Self {
            is_login: wire.is_login,
            mid: wire.mid,
            uname: wire.uname,
            face: wire.face,
            wbi_keys: WbiKeys::from_urls(&wire.wbi_img.img_url, &wire.wbi_img.sub_url),
        }
    }

    /// Returns the identity of the login.
    ///
    /// # Errors
    /// Fails with -101 when this is no login, and where the keys are missing.
    pub fn into_identity(self) -> Result<Identity, Error> {
        if !self.is_login {
            return Err(ApiError::new(-101, "").into());
        }
        if self.mid.0 <= 0 {
            return Err(DecodeError::new("data.mid", &"a login without a number").into());
        }
        let keys = self
            .wbi_keys
            .ok_or_else(|| DecodeError::new("data.wbi_img", &"these are no two key halves"))?;
        Ok(Identity {
            uid: self.mid,
            name: self.uname,
            keys,
        })
    }
}

impl Endpoint for Nav {
    type Auth = CookieAuth;
    type Output = NavInfo;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        Ok(RequestParts::get(Host::Api, "/x/web-interface/nav"))
    }

    fn decode(&self, data: &Value) -> Result<NavInfo, DecodeError> {
        json::typed(data).map(NavInfo::of)
    }

    fn parse(&self, response: &Response<Vec<u8>>) -> Result<NavInfo, Error> {
        endpoint::read(self, response, |wire| Some(NavInfo::of(wire)))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default, deserialize_with = "flag")]
    is_login: bool,
    #[serde(default)]
    mid: Uid,
    #[serde(default, deserialize_with = "text")]
    uname: String,
    #[serde(default, deserialize_with = "text")]
    face: String,
    #[serde(default, rename = "wbi_img", deserialize_with = "or_default")]
    wbi_img: WbiImg,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WbiImg {
    #[serde(deserialize_with = "text")]
    img_url: String,
    #[serde(deserialize_with = "text")]
    sub_url: String,
}
