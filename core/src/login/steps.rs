//! Requests of logins, one by one, and what their answers say.

use http::{Request, Response};
use serde::Deserialize;
use serde_json::Value;

use super::cookies::NewCookies;
use super::{Login, LoginConfig, LoginError};
use crate::client_config::ClientConfig;
use crate::endpoint::{CookieAuth, Endpoint, RequestParts, data};
use crate::error::{ApiError, BuildError, DecodeError, Error};
use crate::hosts::Host;
use crate::json;
use crate::json::lenient::{flag, int, text};
use crate::secret::Secret;

/// Asks whether a login is still good, and whether it is to be renewed; fails with -101 where it
/// is dead.
///
/// `GET https://passport.bilibili.com/x/passport-login/web/cookie/info`
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a call without parameters is its name"
)]
#[must_use]
pub struct CookieInfo;

/// State of a login that is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CookieState {
    /// True if the service wants the login to be renewed.
    #[serde(default, deserialize_with = "flag")]
    pub refresh: bool,
    /// Time of the answer by the server's clock, in milliseconds since the Unix epoch.
    #[serde(default, deserialize_with = "int")]
    pub timestamp: i64,
}

impl Endpoint for CookieInfo {
    type Auth = CookieAuth;
    type Output = CookieState;

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let path = "/x/passport-login/web/cookie/info";
        Ok(RequestParts::get(Host::Passport, path).query_opt("csrf", context.credential.csrf()))
    }

    fn decode(&self, data: &Value) -> Result<CookieState, DecodeError> {
        json::typed(data)
    }
}

/// Asks for the page that holds the second CSRF token of a renewal.
pub(super) struct Correspond {
    /// Last part of the address: see [`super::correspond`].
    pub(super) path: String,
}

impl Endpoint for Correspond {
    type Auth = CookieAuth;
    type Output = Secret;

    fn parts(&self, _: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let path = format!("/correspond/1/{}", self.path);
        Ok(RequestParts::get(Host::Www, path))
    }

    fn decode(&self, _: &Value) -> Result<Secret, DecodeError> {
        Err(DecodeError::new("", &"not the page that was asked for"))
    }

    fn parse(&self, response: &Response<Vec<u8>>) -> Result<Secret, Error> {
        // A refusal may come in an envelope, as everywhere.
        let token = match response.status().is_success() {
            true => token_of(&String::from_utf8_lossy(response.body())),
            false => None,
        };
        match (token, data(response)) {
            (Some(token), _) => Ok(token),
            (None, Err(error @ (Error::Http(_) | Error::Api(_)))) => Err(error),
            (None, _) => Err(DecodeError::new("", &"there is no token in the page").into()),
        }
    }
}

/// Finds `<div id="1-name">TOKEN</div>`.
fn token_of(page: &str) -> Option<Secret> {
    let (_, rest) = page.split_once("id=\"1-name\"")?;
    let (_, rest) = rest.split_once('>')?;
    let (token, _) = rest.split_once('<')?;
    Secret::given(token)
}

/// Exchanges the refresh token for new cookies and a new refresh token.
pub(super) struct Exchange<'a> {
    pub(super) login: &'a Login,
    pub(super) refresh_csrf: &'a Secret,
    pub(super) refresh_token: &'a Secret,
}

impl Exchange<'_> {
    /// Reads the answer, headers and all.
    pub(super) fn read(&self, response: &Response<Vec<u8>>) -> Result<Login, LoginError> {
        let tokens = self.parse(response).map_err(without_quotes)?;
        let before = self.login.credential();
        NewCookies::of(response, None).into_login(tokens, Some(before))
    }
}

impl Endpoint for Exchange<'_> {
    type Auth = CookieAuth;
    type Output = Option<Secret>;

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let csrf = context.credential.csrf();
        let csrf = csrf.ok_or(BuildError::MissingBiliJct)?;
        let path = "/x/passport-login/web/cookie/refresh";
        Ok(RequestParts::post(Host::Passport, path)
            .field("csrf", csrf)
            .field("refresh_csrf", self.refresh_csrf.expose())
            .field("source", "main_web")
            .field("refresh_token", self.refresh_token.expose()))
    }

    fn decode(&self, data: &Value) -> Result<Option<Secret>, DecodeError> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(default, deserialize_with = "text")]
            refresh_token: String,
        }
        let wire: Wire = json::typed(data)?;
        Ok(Secret::given(wire.refresh_token))
    }
}

/// Ends the login that this one replaces.
pub(super) struct Confirm<'a> {
    pub(super) old_refresh_token: &'a Secret,
}

impl Endpoint for Confirm<'_> {
    type Auth = CookieAuth;
    type Output = ();

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let csrf = context.credential.csrf();
        let csrf = csrf.ok_or(BuildError::MissingBiliJct)?;
        let path = "/x/passport-login/web/confirm/refresh";
        Ok(RequestParts::post(Host::Passport, path)
            .field("csrf", csrf)
            .field("refresh_token", self.old_refresh_token.expose()))
    }

    fn decode(&self, _: &Value) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Ends a login.
pub(super) struct Exit;

impl Endpoint for Exit {
    type Auth = CookieAuth;
    type Output = ();

    fn parts(&self, context: &ClientConfig, (): ()) -> Result<RequestParts, BuildError> {
        let csrf = context.credential.csrf();
        let csrf = csrf.ok_or(BuildError::MissingBiliJct)?;
        Ok(RequestParts::post(Host::Passport, "/login/exit/v2").field("biliCSRF", csrf))
    }

    fn decode(&self, _: &Value) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Builds the request for a new QR code.
pub(super) fn generate(config: &LoginConfig) -> Result<Request<Vec<u8>>, LoginError> {
    let path = "/x/passport-login/web/qrcode/generate";
    config.anonymous(RequestParts::get(Host::Passport, path))
}

/// Returns the address and the key of a new QR code.
pub(super) fn generated(response: &Response<Vec<u8>>) -> Result<(String, Secret), LoginError> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(default, deserialize_with = "text")]
        url: String,
        #[serde(default, deserialize_with = "text")]
        qrcode_key: String,
    }
    let data = data(response)?;
    let wire: Wire = json::typed(&data).map_err(|error| Error::from(error.within("data")))?;
    match Secret::given(wire.qrcode_key) {
        Some(key) if !wire.url.is_empty() => Ok((wire.url, key)),
        _ => Err(Error::from(DecodeError::new("data", &"there is no QR code in it")).into()),
    }
}

/// Builds the question of the state of a QR code.
pub(super) fn poll(config: &LoginConfig, key: &Secret) -> Result<Request<Vec<u8>>, LoginError> {
    let path = "/x/passport-login/web/qrcode/poll";
    let parts = RequestParts::get(Host::Passport, path);
    config.anonymous(parts.query("qrcode_key", key.expose()))
}

/// State of a QR code.
pub(super) enum QrState {
    NotScanned,
    Scanned,
    Expired,
    Confirmed(Box<Login>),
}

/// Reads the state of a QR code, and the login where it was confirmed.
pub(super) fn polled(response: &Response<Vec<u8>>) -> Result<QrState, LoginError> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(deserialize_with = "int")]
        code: i64,
        #[serde(default, deserialize_with = "text")]
        message: String,
        #[serde(default, deserialize_with = "text")]
        url: String,
        #[serde(default, deserialize_with = "text")]
        refresh_token: String,
    }
    let data = data(response).map_err(without_quotes)?;
    let wire = json::typed(&data).map_err(|error| without_quotes(error.within("data").into()));
    let wire: Wire = wire?;
    match wire.code {
        0 => {
            let cookies = NewCookies::of(response, Some(&wire.url));
            let login = cookies.into_login(Secret::given(wire.refresh_token), None)?;
            Ok(QrState::Confirmed(Box::new(login)))
        }
        86101 => Ok(QrState::NotScanned),
        86090 => Ok(QrState::Scanned),
        86038 => Ok(QrState::Expired),
        code => Err(Error::from(ApiError::new(code, wire.message)).into()),
    }
}

/// Removes what an error quotes of an answer in which cookies may stand that nobody knows yet.
fn without_quotes(error: Error) -> Error {
    match error {
        Error::Http(mut error) => {
            error.body = String::from("(an answer that may hold a login is not shown)");
            error.into()
        }
        Error::Decode(error) => {
            DecodeError::new(error.path(), &"not of the documented shape").into()
        }
        error => error,
    }
}
