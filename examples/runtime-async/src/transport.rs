//! Transports: they carry a request to the service and bring the answer back.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bilibili_session::TransportError;
use bilibili_session::session::transport_panicked;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};

/// Result of a request.
pub(crate) type Answer = Result<Response<Vec<u8>>, TransportError>;

/// One function from a request to its answer.
///
/// A transport sends what it is given, byte for byte, once. It follows no redirect,
/// retries nothing, and hands back every whole answer whatever its status: what an
/// answer means is decided in the core. It must come to an end by itself, with
/// [`TransportError::timeout`] when the exchange takes too long. When its future is dropped,
/// nobody wants the answer any more.
///
/// Closures that return a future are transports, so a test needs no server:
///
/// ```
/// use bilibili_session::{ClientConfig, Credential, endpoints::Nav};
/// use bilibili_session_async::{Client, Runtime};
///
/// # #[derive(Debug, Clone)]
/// # struct Smol;
/// # impl Runtime for Smol {
/// #     async fn sleep(span: std::time::Duration) {
/// #         smol::Timer::after(span).await;
/// #     }
/// # }
/// # smol::block_on(async {
/// let transport = |_request: http::Request<Vec<u8>>| async {
///     Ok(http::Response::new(br#"{"code":-101,"message":"made up"}"#.to_vec()))
/// };
/// let context = ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?);
/// let client = Client::<Smol>::new(context, transport);
/// assert_eq!(client.call(Nav).await.unwrap_err().code(), Some(-101));
/// # Ok::<(), bilibili_session::CredentialError>(())
/// # }).unwrap();
/// ```
pub trait Transport: Send + Sync {
    /// Sends the request and waits for the whole answer.
    ///
    /// # Errors
    /// Fails when no whole answer came. The message holds no header and no query.
    fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> impl Future<Output = Result<Response<Vec<u8>>, TransportError>> + Send;
}

impl<F, R> Transport for F
where
    F: Fn(Request<Vec<u8>>) -> R + Send + Sync,
    R: Future<Output = Result<Response<Vec<u8>>, TransportError>> + Send,
{
    fn send(&self, request: Request<Vec<u8>>) -> impl Future<Output = Answer> + Send {
        self(request)
    }
}

impl<T: Transport> Transport for Arc<T> {
    fn send(&self, request: Request<Vec<u8>>) -> impl Future<Output = Answer> + Send {
        T::send(self, request)
    }
}

/// A transport of any kind.
pub(crate) type AnyTransport = Arc<dyn Erased>;

pub(crate) trait Erased: Send + Sync {
    fn send_boxed(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Answer>;
}

impl<T: Transport> Erased for T {
    fn send_boxed(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Answer> {
        self.send(request).boxed()
    }
}

/// Sends, and takes a panic of the transport for a failure of the exchange.
pub(crate) async fn send_caught(transport: AnyTransport, request: Request<Vec<u8>>) -> Answer {
    let exchange = async { transport.send_boxed(request).await };
    let answer = AssertUnwindSafe(exchange).catch_unwind().await;
    answer.unwrap_or_else(|_| Err(transport_panicked()))
}
