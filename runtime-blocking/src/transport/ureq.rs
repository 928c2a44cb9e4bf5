//! The transport over ureq.

use bilibili_session::{TransportConfig, TransportError, TransportErrorKind};
use http::{Method, Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error, Proxy, ProxyProtocol};

use super::Transport;

/// Sends with [ureq](https://docs.rs/ureq): HTTP/1.1, and TLS by rustls with Mozilla's authorities.
///
/// - One timeout for the whole exchange, and a limit for the body: see [`TransportConfig`].
/// - Compressed answers are not asked for.
/// - No redirect is followed, so cookies go nowhere else.
/// - The environment is not read: a proxy is used when one is set here.
///
/// Clones share their connections. At the level TRACE ureq logs whole requests, cookies included:
/// the feature `guard-cookies`, which is on by default, switches that level of `log` off.
#[derive(Debug, Clone)]
pub struct UreqTransport {
    agent: Agent,
    body_limit: u64,
}

impl UreqTransport {
    /// Creates a transport with the settings that fit most programs.
    pub fn new() -> Self {
        Self::with(&TransportConfig::new(), None, TlsConfig::default())
    }

    /// Creates a transport with these settings.
    ///
    /// # Errors
    /// Fails when the proxy's address or the certificates cannot be read.
    pub fn with_config(config: &TransportConfig) -> Result<Self, TransportError> {
        let proxy = config.proxy.as_deref().map(read_proxy).transpose()?;
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &config.root_certificates {
            tls = tls.root_certs(read_certificates(pem)?);
        }
        Ok(Self::with(config, proxy, tls.build()))
    }

    fn with(config: &TransportConfig, proxy: Option<Proxy>, tls: TlsConfig) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(config.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .accept_encoding("")
            .proxy(proxy)
            .tls_config(tls)
            .build()
            .new_agent();
        Self {
            agent,
            body_limit: config.body_limit,
        }
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

fn read_proxy(url: &str) -> Result<Proxy, TransportError> {
    // ureq would go round a proxy of a kind that it is not built for.
    Proxy::new(url)
        .ok()
        .filter(|it| matches!(it.protocol(), ProxyProtocol::Http | ProxyProtocol::Https))
        .ok_or_else(|| refuse("the proxy's address cannot be used"))
}

fn read_certificates(pem: &[u8]) -> Result<RootCerts, TransportError> {
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(refuse("the root certificates cannot be read")),
        }
    }
    match certificates.is_empty() {
        true => Err(refuse("there is no certificate in the root certificates")),
        false => Ok(RootCerts::from(certificates)),
    }
}

fn refuse(message: &str) -> TransportError {
    TransportError::new(TransportErrorKind::Other, message)
}

impl Transport for UreqTransport {
    fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        // A GET with an empty body would say `content-length: 0`; one without says nothing.
        let answer = if request.method() == Method::GET && request.body().is_empty() {
            self.agent.run(request.map(drop))
        } else {
            self.agent.run(request)
        };
        answer
            .and_then(|answer| read(answer, self.body_limit))
            .map_err(|error| explain(&error))
    }
}

fn read(answer: Response<Body>, limit: u64) -> Result<Response<Vec<u8>>, Error> {
    let (parts, body) = answer.into_parts();
    let body = body.into_with_config().limit(limit).read_to_vec()?;
    Ok(Response::from_parts(parts, body))
}

/// ureq's own words are used only where they cannot hold an address or a header.
fn explain(error: &Error) -> TransportError {
    use TransportErrorKind::{BodyTooLarge, Connect, Interrupted, Other, Tls};
    let (kind, message) = match error {
        Error::Timeout(_) => return TransportError::timeout(),
        Error::Io(error) => return error.into(),
        Error::HostNotFound => (Connect, "the host's name was not found"),
        Error::ConnectionFailed => (Connect, "the host could not be reached"),
        Error::ConnectProxyFailed(_) => (Connect, "the proxy refused"),
        Error::InvalidProxyUrl => (Connect, "the proxy's address cannot be used"),
        Error::Tls(_) | Error::TlsRequired => (Tls, "TLS failed"),
        Error::Rustls(error) => return TransportError::new(Tls, error.to_string()),
        Error::BodyExceedsLimit(limit) => return TransportError::body_too_large(*limit),
        Error::LargeResponseHeader(_, limit) => {
            return TransportError::new(
                BodyTooLarge,
                format!("headers of more than {limit} bytes"),
            );
        }
        Error::Protocol(_) | Error::BodyStalled => (Interrupted, "what came is not HTTP"),
        _ => (Other, "ureq could not send the request"),
    };
    TransportError::new(kind, message)
}
