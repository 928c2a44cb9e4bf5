//! Transports: they carry a request to the service and bring the answer back.

mod names;
mod ureq;

pub use ureq::UreqTransport;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bilibili_session::TransportError;
use bilibili_session::session::transport_panicked;
use http::{Request, Response};

/// One function from a request to its answer.
///
/// A transport sends what it is given, byte for byte, once. It follows no redirect,
/// retries nothing, and hands back every whole answer whatever its status: what an
/// answer means is decided in the core. It must come to an end by itself, with
/// [`TransportError::timeout`] when the exchange takes too long.
///
/// Closures of this shape are transports, so a test needs no server:
///
/// ```
/// use bilibili_session::{ClientConfig, Credential, endpoints::Nav};
/// use bilibili_session_blocking::Client;
///
/// let transport = |_request: http::Request<Vec<u8>>| {
///     Ok(http::Response::new(br#"{"code":-101,"message":"made up"}"#.to_vec()))
/// };
/// let client = Client::new(ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?), transport);
/// assert_eq!(client.call(Nav).unwrap_err().code(), Some(-101));
/// # Ok::<(), bilibili_session::CredentialError>(())
/// ```
pub trait Transport: Send + Sync {
    /// Sends the request and waits for the whole answer.
    ///
    /// # Errors
    /// Fails when no whole answer came. The message holds no header and no query.
    fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError>;
}

impl<F> Transport for F
where
    F: Fn(Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> + Send + Sync,
{
    fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        self(request)
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        T::send(self, request)
    }
}

// Not for every Box<T> and &T: those of a closure are closures already.
impl Transport for Box<dyn Transport> {
    fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        (**self).send(request)
    }
}

impl Transport for &dyn Transport {
    fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        (**self).send(request)
    }
}

/// Sends, and takes a panic of the transport for a failure of the exchange.
pub(crate) fn send_caught(
    transport: &dyn Transport,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, TransportError> {
    catch_unwind(AssertUnwindSafe(|| transport.send(request)))
        .unwrap_or_else(|_| Err(transport_panicked()))
}
