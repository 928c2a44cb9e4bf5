//! The transport over surf.

use std::time::Duration;

use async_std::io::ReadExt;
use bilibili_session::{TransportError, TransportErrorKind};
use http::{Request, Response};
use isahc::HttpClient;
use isahc::config::{Configurable, RedirectPolicy};
use isahc::tls::{TlsConfig, TrustStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use surf::Url;
use surf::http::Method;
use surf::http::headers::HeaderValue;

use crate::curl::{Curl, Head, explain, failed};
use crate::transport::{Answer, Transport};

/// Sends with [surf](https://docs.rs/surf) over curl: HTTP/1.1 and HTTP/2, and TLS by rustls with
/// the system's authorities.
///
/// - One timeout for the whole exchange, from looking up the name to the last byte of the body.
/// - The body is limited; an answer that is larger is an error.
/// - Compressed answers are not asked for.
/// - No redirect is followed, so cookies go nowhere else.
/// - The environment is not read: a proxy is used when one is set here.
///
/// Clones share their connections. A GET whose connection was used before and ends before the
/// answer begins is sent again by curl, over a new one; everything else is sent once. Whoever turns on the level TRACE of the `isahc::wire`
/// target of `tracing` sees whole requests there, cookies included.
#[derive(Debug, Clone)]
pub struct SurfTransport {
    client: surf::Client,
    timeout: Duration,
    body_limit: u64,
}

/// Settings of a [`SurfTransport`].
#[derive(Clone)]
#[must_use]
pub struct SurfTransportBuilder {
    timeout: Duration,
    body_limit: u64,
    proxy: Option<String>,
    root_certificates: Option<Vec<u8>>,
}

impl SurfTransport {
    /// A transport with the settings that fit most.
    ///
    /// # Errors
    /// Fails when the system starts no more threads.
    pub fn new() -> Result<Self, TransportError> {
        Self::builder().build()
    }

    /// A transport with other settings.
    pub fn builder() -> SurfTransportBuilder {
        SurfTransportBuilder {
            timeout: Duration::from_secs(30),
            body_limit: 16 << 20,
            proxy: None,
            root_certificates: None,
        }
    }
}

impl SurfTransportBuilder {
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

    /// Trusts these certificate authorities (PEM, one or more) in place of the system's:
    /// for a company's proxy, or a server of one's own.
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Checks the settings and starts curl's thread.
    ///
    /// # Errors
    /// Fails when the proxy's address or the certificates cannot be read, or the thread does
    /// not start.
    pub fn build(self) -> Result<SurfTransport, TransportError> {
        let proxy = match &self.proxy {
            Some(url) => Some(
                url.parse::<isahc::http::Uri>()
                    .map_err(|_| failed("the proxy's address cannot be used"))?,
            ),
            None => None,
        };
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &self.root_certificates {
            let mut trusted = TrustStore::builder();
            let mut count = 0;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|_| failed("the root certificates cannot be read"))?;
                trusted = trusted.certificate_from_der(certificate);
                count += 1;
            }
            if count == 0 {
                return Err(failed("there is no certificate in the root certificates"));
            }
            tls = tls.trust_store(trusted.build());
        }
        let tls = tls.build();
        let curl = Curl::new(|| {
            HttpClient::builder()
                .redirect_policy(RedirectPolicy::None)
                .automatic_decompression(false)
                .expect_continue(false)
                // Also here: curl goes on with an exchange whose future is gone until the
                // server says something, or until this time is over.
                .timeout(self.timeout)
                .proxy(proxy.clone())
                .tls_config(tls.clone())
        });
        let curl = curl.map_err(|error| explain(&error))?;
        Ok(SurfTransport {
            client: surf::Client::with_http_client(curl),
            timeout: self.timeout,
            body_limit: self.body_limit,
        })
    }
}

/// Shows no address of a proxy, a password may stand in it.
impl std::fmt::Debug for SurfTransportBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SurfTransportBuilder")
            .field("timeout", &self.timeout)
            .field("body_limit", &self.body_limit)
            .finish_non_exhaustive()
    }
}

impl Transport for SurfTransport {
    async fn send(&self, request: Request<Vec<u8>>) -> Answer {
        async_std::future::timeout(self.timeout, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(TransportError::timeout()))
    }
}

impl SurfTransport {
    async fn exchange(&self, request: Request<Vec<u8>>) -> Answer {
        let answer = self.client.send(convert(request)?).await;
        let answer = answer.map_err(|error| match error.downcast::<TransportError>() {
            Ok(error) => error,
            Err(_) => failed("surf could not send the request"),
        })?;
        let mut answer: surf::http::Response = answer.into();
        let head = answer.ext_mut().remove::<Head>();
        let Some(Head(parts)) = head else {
            return Err(failed("surf lost the head of the answer"));
        };
        let mut body = Vec::new();
        let mut reader = answer.take_body().take(self.body_limit.saturating_add(1));
        if let Err(error) = reader.read_to_end(&mut body).await {
            return Err(explain(&isahc::Error::from(error)));
        }
        if body.len() as u64 > self.body_limit {
            let message = format!("more than {} bytes", self.body_limit);
            return Err(TransportError::new(
                TransportErrorKind::BodyTooLarge,
                message,
            ));
        }
        Ok(Response::from_parts(parts, body))
    }
}

/// The same request in surf's types, which hold ASCII only.
fn convert(request: Request<Vec<u8>>) -> Result<surf::Request, TransportError> {
    let (parts, body) = request.into_parts();
    let method: Method = parts
        .method
        .as_str()
        .parse()
        .map_err(|_| failed("surf does not know the method"))?;
    let url = Url::parse(&parts.uri.to_string()).map_err(|_| failed("the address is no URL"))?;
    let mut converted = surf::Request::new(method, url);
    for (name, value) in &parts.headers {
        let value = HeaderValue::from_bytes(value.as_bytes().to_vec())
            .map_err(|_| failed("a header of the request is not ASCII"))?;
        converted.append_header(name.as_str(), value);
    }
    // After the headers: surf sets a content type only where there is none.
    if !body.is_empty() {
        converted.set_body(body);
    }
    Ok(converted)
}
