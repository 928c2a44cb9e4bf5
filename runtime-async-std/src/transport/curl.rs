//! Client behind surf: curl carries its requests.
//!
//! surf's own client for curl panics on a response header that is not ASCII and on a status
//! that stands in no registry, so this one stands in its place.

use std::thread;

use bilibili_session::{TransportError, TransportErrorKind};
use isahc::error::ErrorKind;
use isahc::{AsyncBody, HttpClient, HttpClientBuilder};
use surf::http::Method;
use surf::utils::async_trait;

/// Status and headers of an answer, as they came: surf's own types cannot hold all of them.
pub(crate) struct Head(pub(crate) http::response::Parts);

/// curl sends a request again when the connection was used before and ends before the answer
/// begins. What that does to a GET is nothing; what writes must go out once, so it gets
/// connections that were never used before.
#[derive(Debug)]
pub(crate) struct Curl(Option<Clients>);

#[derive(Debug)]
struct Clients {
    reading: HttpClient,
    writing: HttpClient,
}

impl Curl {
    pub(crate) fn new(builder: impl Fn() -> HttpClientBuilder) -> Result<Self, isahc::Error> {
        Ok(Self(Some(Clients {
            reading: builder().build()?,
            writing: builder().connection_cache_size(0).build()?,
        })))
    }
}

/// The last one ends curl's threads and waits for them, and curl waits for a name that is
/// being looked up: nobody who drops a transport shall.
impl Drop for Curl {
    fn drop(&mut self) {
        if let Some(clients) = self.0.take() {
            let _ = thread::Builder::new().spawn(move || drop(clients));
        }
    }
}

#[async_trait]
impl surf::HttpClient for Curl {
    async fn send(&self, mut request: surf::http::Request) -> surf::Result<surf::http::Response> {
        let method = request.method();
        let mut builder = isahc::http::Request::builder()
            .method(method.as_ref())
            .uri(request.url().as_str());
        for (name, values) in &request {
            for value in values {
                builder = builder.header(name.as_str(), value.as_str());
            }
        }
        // After the headers: taking the body adds a content type where there is none.
        let bytes = request.take_body().into_bytes().await?;
        let clients = self.0.as_ref().ok_or_else(|| failed("curl is gone"))?;
        let (client, body) = match method {
            Method::Get if bytes.is_empty() => (&clients.reading, AsyncBody::empty()),
            // An empty body of a POST is a body: its length is sent.
            _ => (&clients.writing, AsyncBody::from(bytes)),
        };
        let built = builder.body(body)?;
        let answer = unlogged(|| client.send_async(built))
            .await
            .map_err(|error| surf::Error::new(500, explain(&error)))?;
        let (head, body) = answer.into_parts();

        let mut exact = http::Response::builder().status(head.status.as_u16());
        for (name, value) in &head.headers {
            exact = exact.header(name.as_str(), value.as_bytes());
        }
        let mut answer = surf::http::Response::new(surf::StatusCode::Ok);
        answer
            .ext_mut()
            .insert(Head(exact.body(())?.into_parts().0));
        let reader = async_std::io::BufReader::new(body);
        answer.set_body(surf::Body::from_reader(reader, None));
        Ok(answer)
    }
}

/// Begins a request without a span: isahc's span holds the whole address, at the level DEBUG, and
/// an address may hold a token.
#[cfg(feature = "guard-cookies")]
fn unlogged<T>(begin: impl FnOnce() -> T) -> T {
    tracing::dispatcher::with_default(&tracing::Dispatch::none(), begin)
}

#[cfg(not(feature = "guard-cookies"))]
fn unlogged<T>(begin: impl FnOnce() -> T) -> T {
    begin()
}

pub(crate) fn failed(message: &str) -> TransportError {
    TransportError::new(TransportErrorKind::Other, message)
}

/// Returns the error of a failed exchange. curl's words name hosts and ports, no path and no
/// header.
pub(crate) fn explain(error: &isahc::Error) -> TransportError {
    let words = error.to_string();
    let kind = match error.kind() {
        ErrorKind::Timeout => return TransportError::timeout(),
        // An answer to CONNECT that is no success counts as one that could not be read.
        _ if words.contains("CONNECT tunnel failed") => TransportErrorKind::Connect,
        ErrorKind::ConnectionFailed | ErrorKind::NameResolution => TransportErrorKind::Connect,
        ErrorKind::BadServerCertificate
        | ErrorKind::InvalidTlsConfiguration
        | ErrorKind::TlsEngine => TransportErrorKind::Tls,
        ErrorKind::Io | ErrorKind::ProtocolViolation => TransportErrorKind::Interrupted,
        _ => return failed("curl could not send the request"),
    };
    TransportError::new(kind, words)
}
