//! HTTP by isahc. Copy this file as it is.
//!
//! At the level TRACE isahc logs whole requests, cookies included: the feature `max_level_debug` of `tracing` switches
//! that level off.

use std::time::Duration;

use bilibili_session::{TransportError, TransportErrorKind};
use bilibili_session_async::Transport;
use http::{Method, Request, Response};
use isahc::config::{Configurable, RedirectPolicy};
use isahc::error::{Error, ErrorKind};
use isahc::{AsyncBody, HttpClient, HttpClientBuilder};
use smol::io::AsyncReadExt;

/// The transport: it carries bytes, what they mean is decided in the core.
#[derive(Debug, Clone)]
pub struct Http {
    reading: HttpClient,
    writing: HttpClient,
    body_limit: u64,
}

impl Http {
    /// 30 s for an exchange, 16 MiB for a body, no proxy.
    pub fn new() -> Result<Self, Error> {
        Self::with(
            || HttpClient::builder().timeout(Duration::from_secs(30)),
            16 << 20,
        )
    }

    /// With a timeout and certificates of one's own.
    pub fn with(builder: impl Fn() -> HttpClientBuilder, body_limit: u64) -> Result<Self, Error> {
        let builder = || {
            builder()
                // Cookies go nowhere else.
                .redirect_policy(RedirectPolicy::None)
                .automatic_decompression(false)
                .expect_continue(false)
                .proxy(None)
        };
        Ok(Self {
            reading: builder().build()?,
            // curl sends again what it sent over a connection that turns out to be dead: what writes gets new ones.
            writing: builder().connection_cache_size(0).build()?,
            body_limit,
        })
    }
}

impl Transport for Http {
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        let (client, body) = match request.method() {
            &Method::GET => (&self.reading, AsyncBody::empty()),
            _ => (&self.writing, AsyncBody::from(request.body().clone())),
        };
        let answer = client.send_async(request.map(|_| body)).await;
        let (parts, body) = answer.map_err(|error| explain(&error))?.into_parts();
        let mut bytes = Vec::new();
        let mut reader = body.take(self.body_limit.saturating_add(1));
        if let Err(error) = reader.read_to_end(&mut bytes).await {
            return Err(explain(&Error::from(error)));
        }
        if bytes.len() as u64 > self.body_limit {
            return Err(TransportError::body_too_large(self.body_limit));
        }
        Ok(Response::from_parts(parts, bytes))
    }
}

/// Returns the failure in words. curl's words name hosts and ports, no path and no header.
fn explain(error: &Error) -> TransportError {
    let kind = match error.kind() {
        ErrorKind::Timeout => return TransportError::timeout(),
        ErrorKind::ConnectionFailed | ErrorKind::NameResolution => TransportErrorKind::Connect,
        ErrorKind::BadServerCertificate | ErrorKind::TlsEngine => TransportErrorKind::Tls,
        ErrorKind::Io | ErrorKind::ProtocolViolation => TransportErrorKind::Interrupted,
        _ => TransportErrorKind::Other,
    };
    TransportError::new(kind, error.to_string())
}
