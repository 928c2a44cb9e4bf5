//! The request that opens a connection.

use std::fmt;
use std::time::Duration;

use http::header::{COOKIE, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL, USER_AGENT};
use http::{Request, Uri};

use crate::client_config::ClientConfig;
use crate::error::BuildError;

const PATH: &str = "/sub";
const SUBPROTOCOL: &str = "proto";
/// The page that listens in a browser.
const PAGE: &str = "https://message.bilibili.com";

/// The opening of a connection.
#[non_exhaustive]
pub struct Handshake {
    /// The request, with the headers that are the service's: `Cookie`, `Origin`, `User-Agent` and
    /// `Sec-WebSocket-Protocol`. Those of the WebSocket itself are the driver's. Its headers are
    /// secret. The scheme is `wss`, or `ws` on loopback.
    pub request: Request<()>,
    /// The monotonic reading after which the attempt counts as failed.
    pub deadline: Duration,
}

impl Handshake {
    /// Returns the host to connect to, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        let host = self.request.uri().host().unwrap_or_default();
        host.trim_matches(['[', ']'])
    }

    /// Returns the port to connect to.
    pub fn port(&self) -> u16 {
        let usual = if self.is_secure() { 443 } else { 80 };
        self.request.uri().port_u16().unwrap_or(usual)
    }

    /// Returns whether the connection is one over TLS.
    pub fn is_secure(&self) -> bool {
        self.request.uri().scheme_str() != Some("ws")
    }
}

/// Formats the handshake without headers: they hold cookies.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("uri", self.request.uri())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

pub(super) fn request(context: &ClientConfig) -> Result<Request<()>, BuildError> {
    let uri = context.hosts.push_url(PATH).parse::<Uri>();
    let uri = uri.map_err(|_| BuildError::NotSendable("the address"))?;
    let user_agent = context.user_agent.as_ref();
    let user_agent = user_agent.ok_or(BuildError::NotSendable("the user agent"))?;
    let cookies = context.credential.cookie_header();
    let cookies = cookies.ok_or(BuildError::NotSendable("a cookie"))?;
    Request::get(uri)
        .header(USER_AGENT, user_agent)
        .header(ORIGIN, HeaderValue::from_static(PAGE))
        .header(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        )
        .header(COOKIE, cookies)
        .body(())
        .map_err(|_| BuildError::NotSendable("the address"))
}
