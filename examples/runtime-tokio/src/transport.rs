//! The transport over reqwest.

use std::error::Error;
use std::{fmt, io, iter};

use bilibili_session::{TransportConfig, TransportError, TransportErrorKind};
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, Uri};
use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Url, retry};

use crate::tls;
use bilibili_session_async::Transport;

/// Sends with [reqwest](https://docs.rs/reqwest): HTTP/1.1 and HTTP/2, and TLS by rustls with the
/// system's authorities.
///
/// - One timeout for the whole exchange, and a limit for the body: see [`TransportConfig`].
/// - Compressed answers are not asked for.
/// - No redirect is followed, so cookies go nowhere else.
/// - The environment is not read: a proxy is used when one is set here.
/// - A connection that nobody uses is kept for [`TransportConfig::idle_timeout`]; one of HTTP/2 that gives no sign of life for
///   so long, while a request waits, is given up.
///
/// Clones share their connections. Each request is sent once. It needs a tokio runtime with I/O and
/// timers; connections that one has opened are of no use when it is gone, and replaced.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
    body_limit: u64,
}

impl ReqwestTransport {
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
    /// Fails when the proxy is of another kind than `http://` and `https://`, or its address or the certificates cannot be
    /// read.
    pub fn with_config(config: &TransportConfig) -> Result<Self, TransportError> {
        let mut tls = tls::client_config(config)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let idle = config.idle_timeout();
        let builder = Client::builder()
            .timeout(config.timeout)
            .pool_idle_timeout(idle)
            // One of HTTP/2 carries all requests, so it is never idle: it is asked for a sign of life while one waits.
            .http2_keep_alive_interval(idle / 2)
            .http2_keep_alive_timeout(idle / 2)
            .redirect(Policy::none())
            .retry(retry::never())
            .tls_backend_preconfigured(tls)
            // The environment's.
            .no_proxy();
        let builder = match &config.proxy {
            Some(url) => builder.proxy(read_proxy(url)?),
            None => builder,
        };
        Ok(Self {
            client: builder.build().map_err(|error| explain(&error))?,
            body_limit: config.body_limit,
        })
    }
}

/// reqwest's own shows the settings of the proxy.
impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

/// Reads the address of a proxy. reqwest would go round one of a kind that it does not know, or whose address is no `Uri`,
/// and say nothing.
fn read_proxy(address: &str) -> Result<Proxy, TransportError> {
    let refused = |message| TransportError::new(TransportErrorKind::Other, message);
    let unusable = || refused("the proxy's address cannot be used");
    let url = match address.contains("://") {
        true => Url::parse(address),
        false => Url::parse(&format!("http://{address}")),
    };
    let is_usable = |url: &Url| url.has_host() && url.as_str().parse::<Uri>().is_ok();
    let url = url.ok().filter(is_usable).ok_or_else(unusable)?;
    match url.scheme() {
        "http" | "https" => Proxy::all(url).map_err(|_| unusable()),
        _ => Err(refused("a proxy is http://HOST:PORT, or https://")),
    }
}

impl Transport for ReqwestTransport {
    async fn send(
        &self,
        mut request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        if request.method() != Method::GET {
            // reqwest leaves it out where it is 0.
            let length = request.body().len().into();
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let failed = |error| explain(&error);
        let request = request.try_into().map_err(failed)?;
        let mut answer = self.client.execute(request).await.map_err(failed)?;
        let mut response = Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        let body = response.body_mut();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if (body.len() + chunk.len()) as u64 > self.body_limit {
                return Err(TransportError::body_too_large(self.body_limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

/// Returns the error of a failed exchange. reqwest's own words hold the address, and its query; those
/// of a socket and of TLS do not.
fn explain(error: &reqwest::Error) -> TransportError {
    use TransportErrorKind::{Connect, Interrupted, Other, Tls};
    if error.is_timeout() {
        return TransportError::timeout();
    }
    let causes = || iter::successors(error.source(), |cause| within(*cause));
    let is_tls = causes().any(|cause| cause.is::<rustls::Error>());
    // What is no HTTP is invalid data to hyper, as a certificate is to rustls.
    let by_socket = causes()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(TransportError::from)
        .find(|error| error.kind != Other && (error.kind != Tls || is_tls));
    let (kind, message) = match by_socket {
        Some(error) => return error,
        None if error.is_connect() => (Connect, "the host could not be reached"),
        None if error.is_builder() => (Other, "reqwest cannot send such a request"),
        None => (Interrupted, "no whole answer came"),
    };
    TransportError::new(kind, message)
}

/// Returns the cause of an error. An `io::Error` names that of what it wraps, so that is asked for first.
fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
