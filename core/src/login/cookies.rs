//! Cookies of a new login: where an answer holds them.

use cookie::Cookie;
use http::Response;
use http::header::SET_COOKIE;
use url::Url;

use super::{Login, LoginError};
use crate::credential::Credential;
use crate::ids::Uid;
use crate::secret::Secret;

/// Cookies that make a login.
#[derive(Debug, Default)]
pub(super) struct NewCookies {
    sessdata: Option<Secret>,
    bili_jct: Option<Secret>,
    uid: Option<Secret>,
    uid_check: Option<Secret>,
    sid: Option<Secret>,
}

impl NewCookies {
    /// Reads them from the headers of an answer; what is missing there, from the query of the
    /// address that the answer names.
    pub(super) fn of(response: &Response<Vec<u8>>, url: Option<&str>) -> Self {
        let mut cookies = Self::default();
        let headers = response.headers().get_all(SET_COOKIE).iter();
        for line in headers.filter_map(|value| value.to_str().ok()) {
            if let Ok(cookie) = Cookie::parse(line) {
                cookies.set(cookie.name(), cookie.value());
            }
        }
        let mut in_query = Self::default();
        if let Some(url) = url.and_then(|url| Url::parse(url).ok()) {
            for (name, value) in url.query_pairs() {
                in_query.set(&name, &value);
            }
        }
        Self {
            sessdata: cookies.sessdata.or(in_query.sessdata),
            bili_jct: cookies.bili_jct.or(in_query.bili_jct),
            uid: cookies.uid.or(in_query.uid),
            uid_check: cookies.uid_check.or(in_query.uid_check),
            sid: cookies.sid.or(in_query.sid),
        }
    }

    /// Keeps a cookie of a login; the last of a name counts, and an empty one is none.
    fn set(&mut self, name: &str, value: &str) {
        let field = match name {
            "SESSDATA" => &mut self.sessdata,
            "bili_jct" => &mut self.bili_jct,
            "DedeUserID" => &mut self.uid,
            "DedeUserID__ckMd5" => &mut self.uid_check,
            "sid" => &mut self.sid,
            _ => return,
        };
        if let Some(value) = Secret::given(value) {
            *field = Some(value);
        }
    }

    /// Makes the login, with the device cookies of the one before.
    pub(super) fn into_login(
        self,
        refresh_token: Option<Secret>,
        before: Option<&Credential>,
    ) -> Result<Login, LoginError> {
        let (Some(sessdata), Some(bili_jct), Some(uid)) =
            (&self.sessdata, &self.bili_jct, &self.uid)
        else {
            let there = [
                ("SESSDATA", self.sessdata.is_some()),
                ("bili_jct", self.bili_jct.is_some()),
                ("DedeUserID", self.uid.is_some()),
            ];
            let names = there.into_iter().filter(|(_, is_there)| !is_there);
            return Err(LoginError::MissingCookies {
                names: names.map(|(name, _)| name).collect(),
            });
        };
        let mut builder = Credential::builder()
            .sessdata(sessdata.expose())
            .bili_jct(bili_jct.expose())
            .uid(uid.expose());
        if let Some(before) = before {
            builder = builder.device_of(before);
        }
        let mut login = Login::new(builder.build()?, refresh_token)?;
        login.uid_check = self.uid_check;
        login.sid = self.sid;
        Ok(login)
    }
}

/// Checks that a renewal brought the same account.
pub(super) fn check_account(expected: Uid, actual: Uid) -> Result<(), LoginError> {
    match expected == actual {
        true => Ok(()),
        false => Err(LoginError::OtherAccount { expected, actual }),
    }
}
