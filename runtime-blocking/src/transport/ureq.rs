//! The transport over ureq.

use std::io::Read as _;

use bilibili_session::{TransportConfig, TransportError, TransportErrorKind};
use http::{Method, Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, Error, Proxy, ProxyProtocol};

use super::Transport;
use super::names::Names;

/// So many connections are kept open for the next requests: more than go on side by side.
const KEPT_CONNECTIONS: usize = 16;
/// Bytes of a connection's buffer for requests.
const OUTPUT: usize = 16 << 10;
/// Bytes of its buffer for answers: as long as the headers may be.
const INPUT: usize = 64 << 10;

/// Bytes that are reserved for a body of so many or more.
const RESERVED: u64 = 1 << 20;

/// Sends with [ureq](https://docs.rs/ureq): HTTP/1.1, and TLS by rustls with Mozilla's authorities.
///
/// - One timeout for the whole exchange, and a limit for the body: see [`TransportConfig`].
/// - Compressed answers are not asked for.
/// - No redirect is followed, so cookies go nowhere else.
/// - Names are looked up on one thread, and are kept for a minute. A look-up that hangs makes
///   requests fail after their timeout, as one that gets no answer does.
/// - The environment is not read: a proxy is used when one is set here.
/// - A connection that nobody uses is kept for [`TransportConfig::idle_timeout`].
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
            .max_idle_age(config.idle_timeout())
            .max_idle_connections(KEPT_CONNECTIONS)
            .max_idle_connections_per_host(KEPT_CONNECTIONS)
            .input_buffer_size(INPUT)
            .output_buffer_size(OUTPUT)
            .build();
        Self {
            agent: Agent::with_parts(agent, DefaultConnector::new(), Names::new()),
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
    // What the server says of the length is not taken on trust.
    let length = body.content_length().map_or(0, |it| it.min(RESERVED));
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    let mut reader = body.into_with_config().limit(limit).reader();
    reader.read_to_end(&mut bytes)?;
    Ok(Response::from_parts(parts, bytes))
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
