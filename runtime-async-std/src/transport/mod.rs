//! The transport over surf.

mod client;

use std::time::Duration;

use bilibili_session::{TransportConfig, TransportError};
use bilibili_session_async::Transport;
use http::{Request, Response};
use surf::Url;
use surf::http::Method;

use self::client::{Beside, Client, failed};
use crate::deadlines::Deadlines;

/// Sends with [surf](https://docs.rs/surf), which hyper carries here: HTTP/1.1, and TLS by rustls with the system's
/// authorities.
///
/// - One timeout for the whole exchange, and a limit for the body: see [`TransportConfig`].
/// - Compressed answers are not asked for.
/// - No redirect is followed, so cookies go nowhere else.
/// - The environment is not read: a proxy is used when one is set here.
/// - A connection that nobody uses is kept for [`TransportConfig::idle_timeout`].
///
/// Clones share their connections and one timer. A GET whose connection was used before and ends before the answer begins
/// is sent again, over a new one; everything else is sent once.
#[derive(Debug, Clone)]
pub struct SurfTransport {
    client: surf::Client,
    timeout: Duration,
    deadlines: Deadlines,
}

impl SurfTransport {
    /// Creates a transport with the settings that fit most programs.
    ///
    /// # Errors
    /// Fails when the system's authorities cannot be read.
    pub fn new() -> Result<Self, TransportError> {
        Self::with_config(&TransportConfig::new())
    }

    /// Creates a transport with these settings.
    ///
    /// # Errors
    /// Fails when the proxy's address or the certificates cannot be read.
    pub fn with_config(config: &TransportConfig) -> Result<Self, TransportError> {
        Ok(Self {
            client: surf::Client::with_http_client(Client::new(config)?),
            timeout: config.timeout,
            deadlines: Deadlines::default(),
        })
    }
}

impl Transport for SurfTransport {
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        let exchange = self.exchange(request);
        let answer = self.deadlines.limit(self.timeout, exchange).await;
        answer.unwrap_or_else(|| Err(TransportError::timeout()))
    }
}

impl SurfTransport {
    async fn exchange(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let explain = |error: surf::Error| match error.downcast::<TransportError>() {
            Ok(error) => error,
            Err(_) => failed("surf could not send the request"),
        };
        let answer = self.client.send(convert(request)?).await;
        let mut answer: surf::http::Response = answer.map_err(explain)?.into();
        let came = answer.ext_mut().remove::<Beside<Response<Vec<u8>>>>();
        came.map(|Beside(answer)| answer)
            .ok_or_else(|| failed("surf lost the answer"))
    }
}

/// Converts a request to surf's types, and puts it beside them, as it is.
fn convert(request: Request<Vec<u8>>) -> Result<surf::Request, TransportError> {
    let method = request.method().as_str().parse::<Method>();
    let method = method.map_err(|_| failed("surf does not know the method"))?;
    // The whole address is in what goes beside.
    let url = match (request.uri().scheme_str(), request.uri().authority()) {
        (Some(scheme), Some(authority)) => Url::parse(&format!("{scheme}://{authority}")).ok(),
        _ => None,
    };
    let url = url.ok_or_else(|| failed("the address is no URL"))?;
    let mut converted = surf::http::Request::new(method, url);
    converted.ext_mut().insert(Beside(request));
    Ok(converted.into())
}
