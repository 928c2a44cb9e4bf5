//! The transport over surf.

mod curl;

use std::time::Duration;

use async_std::io::ReadExt;
use bilibili_session::{TransportConfig, TransportError};
use bilibili_session_async::Transport;
use http::{Request, Response};
use isahc::HttpClient;
use isahc::config::{Configurable, RedirectPolicy};
use isahc::http::Uri;
use isahc::tls::{TlsConfig, TrustStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use surf::Url;
use surf::http::Method;
use surf::http::headers::HeaderValue;

use self::curl::{Curl, Head, explain, failed};

/// Sends with [surf](https://docs.rs/surf) over curl: HTTP/1.1 and HTTP/2, and TLS by rustls with
/// the system's authorities.
///
/// - One timeout for the whole exchange, and a limit for the body: see [`TransportConfig`].
/// - Compressed answers are not asked for.
/// - No redirect is followed, so cookies go nowhere else.
/// - The environment is not read: a proxy is used when one is set here.
///
/// Clones share their connections. A GET whose connection was used before and ends before the
/// answer begins is sent again by curl, over a new one; everything else is sent once.
///
/// At the level TRACE isahc logs whole requests, cookies included, and at DEBUG whole addresses,
/// of which some hold a token: the feature `guard-cookies`, which is on by default, switches that
/// level of `tracing` off, and the addresses.
#[derive(Debug, Clone)]
pub struct SurfTransport {
    client: surf::Client,
    timeout: Duration,
    body_limit: u64,
}

impl SurfTransport {
    /// Creates a transport with the settings that fit most programs.
    ///
    /// # Errors
    /// Fails when the system starts no more threads.
    pub fn new() -> Result<Self, TransportError> {
        Self::with_config(&TransportConfig::new())
    }

    /// Creates a transport with these settings.
    ///
    /// # Errors
    /// Fails when the proxy's address or the certificates cannot be read, or the system
    /// starts no more threads.
    pub fn with_config(config: &TransportConfig) -> Result<Self, TransportError> {
        let proxy = config.proxy.as_deref().map(str::parse::<Uri>).transpose();
        let proxy = proxy.map_err(|_| failed("the proxy's address cannot be used"))?;
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &config.root_certificates {
            tls = tls.trust_store(read_certificates(pem)?);
        }
        let tls = tls.build();
        let curl = Curl::new(|| {
            HttpClient::builder()
                .redirect_policy(RedirectPolicy::None)
                .automatic_decompression(false)
                .expect_continue(false)
                // Also here: curl goes on with an exchange whose future is gone until the
                // server says something, or until this time is over.
                .timeout(config.timeout)
                .proxy(proxy.clone())
                // curl reads NO_PROXY where no such list is set, also an empty one.
                .proxy_blacklist([""; 0])
                .tls_config(tls.clone())
        });
        let curl = curl.map_err(|error| explain(&error))?;
        Ok(Self {
            client: surf::Client::with_http_client(curl),
            timeout: config.timeout,
            body_limit: config.body_limit,
        })
    }
}

fn read_certificates(pem: &[u8]) -> Result<TrustStore, TransportError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| failed("the root certificates cannot be read"))?;
    if certificates.is_empty() {
        return Err(failed("there is no certificate in the root certificates"));
    }
    let trusted = certificates
        .into_iter()
        .fold(TrustStore::builder(), |trusted, certificate| {
            trusted.certificate_from_der(certificate)
        });
    Ok(trusted.build())
}

impl Transport for SurfTransport {
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        async_std::future::timeout(self.timeout, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(TransportError::timeout()))
    }
}

impl SurfTransport {
    async fn exchange(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
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
            return Err(TransportError::body_too_large(self.body_limit));
        }
        Ok(Response::from_parts(parts, body))
    }
}

/// Converts a request to surf's types, which hold ASCII only.
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
