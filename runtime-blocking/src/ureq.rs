//! The transport over ureq.

use std::io;
use std::time::Duration;

use bilibili_session::{TransportError, TransportErrorKind};
use http::{Method, Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error, Proxy, ProxyProtocol};

use crate::transport::Transport;

/// Sends with [ureq](https://docs.rs/ureq): HTTP/1.1, and TLS by rustls with Mozilla's authorities.
///
/// - One timeout for the whole exchange, from looking up the name to the last byte of the body.
/// - The body is limited; an answer that is larger is an error.
/// - Compressed answers are not asked for.
/// - No redirect is followed, so cookies go nowhere else.
/// - The environment is not read: a proxy is used when one is set here.
///
/// Clones share their connections. Whoever turns on the level TRACE of the `ureq_proto::util`
/// target of `log` sees whole requests there, cookies included.
#[derive(Debug, Clone)]
pub struct UreqTransport {
    agent: Agent,
    body_limit: u64,
}

/// Settings of a [`UreqTransport`].
#[derive(Clone)]
#[must_use]
pub struct UreqTransportBuilder {
    timeout: Duration,
    body_limit: u64,
    proxy: Option<String>,
    root_certificates: Option<Vec<u8>>,
}

impl UreqTransport {
    /// A transport with the settings that fit most.
    pub fn new() -> Self {
        let settings = Self::builder();
        Self::with(&settings, None, TlsConfig::default())
    }

    /// A transport with other settings.
    pub fn builder() -> UreqTransportBuilder {
        UreqTransportBuilder {
            timeout: Duration::from_secs(30),
            body_limit: 16 << 20,
            proxy: None,
            root_certificates: None,
        }
    }

    fn with(settings: &UreqTransportBuilder, proxy: Option<Proxy>, tls: TlsConfig) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(settings.timeout))
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
            body_limit: settings.body_limit,
        }
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl UreqTransportBuilder {
    /// The most that a whole exchange may take; 30 s unless set.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The most bytes that a body may have; 16 MiB unless set.
    pub const fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Goes through this proxy: `http://host:port` or `http://user:password@host:port`.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Trusts these certificate authorities (PEM, one or more) in place of Mozilla's:
    /// for a company's proxy, or a server of one's own.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// Fails when the proxy's address or the certificates cannot be read.
    pub fn build(self) -> Result<UreqTransport, TransportError> {
        let refuse = |message| TransportError::new(TransportErrorKind::Other, message);
        let proxy = match &self.proxy {
            // ureq would go round a proxy of a kind that it is not built for.
            Some(url) => Some(
                Proxy::new(url)
                    .ok()
                    .filter(|proxy| {
                        matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https)
                    })
                    .ok_or_else(|| refuse("the proxy's address cannot be used"))?,
            ),
            None => None,
        };
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &self.root_certificates {
            let mut certificates = Vec::new();
            for item in parse_pem(pem) {
                if let PemItem::Certificate(certificate) =
                    item.map_err(|_| refuse("the root certificates cannot be read"))?
                {
                    certificates.push(certificate);
                }
            }
            if certificates.is_empty() {
                return Err(refuse("there is no certificate in the root certificates"));
            }
            tls = tls.root_certs(RootCerts::from(certificates));
        }
        Ok(UreqTransport::with(&self, proxy, tls.build()))
    }
}

/// Shows no address of a proxy, a password may stand in it.
impl std::fmt::Debug for UreqTransportBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UreqTransportBuilder")
            .field("timeout", &self.timeout)
            .field("body_limit", &self.body_limit)
            .finish_non_exhaustive()
    }
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
        Error::Io(error) => return explain_io(error),
        Error::HostNotFound => (Connect, "the host's name was not found"),
        Error::ConnectionFailed => (Connect, "the host could not be reached"),
        Error::ConnectProxyFailed(_) => (Connect, "the proxy refused"),
        Error::InvalidProxyUrl => (Connect, "the proxy's address cannot be used"),
        Error::Tls(_) | Error::TlsRequired => (Tls, "TLS failed"),
        Error::Rustls(error) => return TransportError::new(Tls, error.to_string()),
        Error::BodyExceedsLimit(limit) => {
            return TransportError::new(BodyTooLarge, format!("more than {limit} bytes"));
        }
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

fn explain_io(error: &io::Error) -> TransportError {
    use io::ErrorKind as Io;
    let kind = match error.kind() {
        Io::TimedOut | Io::WouldBlock => return TransportError::timeout(),
        Io::ConnectionRefused
        | Io::AddrNotAvailable
        | Io::HostUnreachable
        | Io::NetworkUnreachable
        | Io::NetworkDown => TransportErrorKind::Connect,
        // rustls reports what it refuses as invalid data.
        Io::InvalidData => TransportErrorKind::Tls,
        Io::UnexpectedEof | Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe => {
            TransportErrorKind::Interrupted
        }
        // What looking a name up has no kind for.
        _ if error.to_string().contains("lookup") => TransportErrorKind::Connect,
        _ => TransportErrorKind::Other,
    };
    TransportError::new(kind, error.to_string())
}
