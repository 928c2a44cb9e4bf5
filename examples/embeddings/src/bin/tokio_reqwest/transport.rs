//! HTTP by reqwest. Copy this file as it is.

use std::error::Error;
use std::io;
use std::time::Duration;

use bilibili_session::{TransportError, TransportErrorKind};
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};

/// Outcome of a request.
pub type Answer = Result<Response<Vec<u8>>, TransportError>;

/// The transport: it carries bytes, what they mean is decided in the core.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    body_limit: usize,
}

impl Http {
    /// 30 s for an exchange, 16 MiB for a body, no proxy.
    pub fn new() -> reqwest::Result<Self> {
        let builder = reqwest::Client::builder().timeout(Duration::from_secs(30));
        Self::with(builder.no_proxy(), 16 << 20)
    }

    /// With a timeout, a proxy and certificates of one's own.
    pub fn with(builder: reqwest::ClientBuilder, body_limit: usize) -> reqwest::Result<Self> {
        let client = builder
            // Cookies go nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { client, body_limit })
    }

    /// Sends a request, and waits for the whole answer.
    pub async fn send(&self, mut request: Request<Vec<u8>>) -> Answer {
        if request.method() != Method::GET {
            // reqwest says nothing where it is 0.
            let length = request.body().len().into();
            request.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let request = request.try_into().map_err(explain)?;
        let mut answer = self.client.execute(request).await.map_err(explain)?;
        let mut response = Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        while let Some(chunk) = answer.chunk().await.map_err(explain)? {
            if response.body().len() + chunk.len() > self.body_limit {
                return Err(TransportError::body_too_large(self.body_limit as u64));
            }
            response.body_mut().extend_from_slice(&chunk);
        }
        Ok(response)
    }
}

/// reqwest's words are left out: they hold the address, and its query.
fn explain(error: reqwest::Error) -> TransportError {
    use TransportErrorKind::{Connect, Interrupted, Other, Tls};
    let is_tls = std::iter::successors(error.source(), |cause| within(*cause))
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        // So rustls reports what it refuses.
        .any(|error| error.kind() == io::ErrorKind::InvalidData);
    let (kind, message) = if error.is_timeout() {
        return TransportError::timeout();
    } else if is_tls {
        (Tls, "TLS failed")
    } else if error.is_connect() {
        (Connect, "the host could not be reached")
    } else if error.is_builder() {
        (Other, "reqwest cannot send such a request")
    } else {
        (Interrupted, "no whole answer came")
    };
    TransportError::new(kind, message)
}

/// The cause of an error; an `io::Error` names that of what it wraps, so that is asked for first.
fn within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
