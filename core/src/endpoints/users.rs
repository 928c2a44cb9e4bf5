//! Names and pictures of users.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts};
use crate::error::{BuildError, DecodeError};
use crate::hosts::Host;
use crate::ids::Uid;
use crate::json::lenient::{required_int, text};
use crate::json::{self, Unreadable};

/// Asks who some users are: at least one of them, and at most [fifty](Self::MOST).
///
/// `GET https://api.vc.bilibili.com/x/im/user_infos`
///
/// ```
/// use bilibili_session::Uid;
/// use bilibili_session::endpoints::GetUserInfos;
///
/// let calls = GetUserInfos::of((1..=120).map(Uid));
/// let sizes: Vec<usize> = calls.iter().map(|call| call.uids().len()).collect();
/// assert_eq!(sizes, [50, 50, 20]);
/// assert!(GetUserInfos::of([]).is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct GetUserInfos {
    /// Neither empty nor more than [`Self::MOST`], each once, each the number of a user.
    uids: Vec<Uid>,
}

impl GetUserInfos {
    /// Number of users that the service takes in one request.
    pub const MOST: usize = 50;

    /// Returns the calls that ask for these users, each of them once, in rising order; none if
    /// there is nobody to ask for. Numbers that no user has, as the system's 0, are left out.
    pub fn of(uids: impl IntoIterator<Item = Uid>) -> Vec<Self> {
        let uids: BTreeSet<Uid> = uids.into_iter().filter(|uid| uid.0 > 0).collect();
        let uids: Vec<Uid> = uids.into_iter().collect();
        let calls = uids.chunks(Self::MOST);
        calls.map(|uids| Self { uids: uids.into() }).collect()
    }

    /// Returns the users that are asked for.
    pub fn uids(&self) -> &[Uid] {
        &self.uids
    }
}

impl Endpoint for GetUserInfos {
    type Auth = CookieAuth;
    type Output = UserInfos;
    const DISPENSABLE: bool = true;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let uids: Vec<String> = self.uids.iter().map(ToString::to_string).collect();
        Ok(RequestParts::get(Host::Vc, "/x/im/user_infos")
            .query("uids", uids.join(","))
            .web())
    }

    /// A list; null is empty.
    fn decode(&self, data: &Value) -> Result<UserInfos, DecodeError> {
        let (users, unreadable) = json::items(Some(data), "")?;
        Ok(UserInfos { users, unreadable })
    }
}

/// Users that the service knows, of those that were asked for.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct UserInfos {
    /// Users, in the order of the service; unknown ones are left out.
    pub users: Vec<UserInfo>,
    /// Items that could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// A user as others see them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserInfo {
    /// Number of the user.
    #[serde(deserialize_with = "uid")]
    pub mid: Uid,
    /// Name shown.
    #[serde(default, deserialize_with = "text")]
    pub name: String,
    /// Address of the user's picture.
    #[serde(default, deserialize_with = "text")]
    pub face: String,
    /// Words of the user about themselves.
    #[serde(default, deserialize_with = "text")]
    pub sign: String,
    /// Paid membership, as it came.
    #[serde(default)]
    pub vip: Option<Value>,
    /// Verification by the service, as it came.
    #[serde(default)]
    pub official: Option<Value>,
}

fn uid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uid, D::Error> {
    required_int(deserializer).map(Uid)
}
