//! What carries surf's requests: curl.
//!
//! surf's own client for curl panics on a response header that is not ASCII and on a status
//! that stands in no registry, so this one stands in its place.

use std::thread;

use bilibili_session::{TransportError, TransportErrorKind};
use isahc::error::ErrorKind;
use isahc::{AsyncBody, HttpClient};
use surf::utils::async_trait;

/// Status and headers of an answer, as they came: surf's own types cannot hold all of them.
pub(crate) struct Head(pub(crate) http::response::Parts);

#[derive(Debug)]
pub(crate) struct Curl(Option<HttpClient>);

impl Curl {
    pub(crate) const fn new(client: HttpClient) -> Self {
        Self(Some(client))
    }
}

/// The last one ends curl's thread and waits for it, and curl waits for a name that is being
/// looked up: nobody who drops a transport shall.
impl Drop for Curl {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            let _ = thread::Builder::new().spawn(move || drop(client));
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
        // An empty body of a POST is a body: its length is sent.
        let body = match method {
            surf::http::Method::Get if bytes.is_empty() => AsyncBody::empty(),
            _ => AsyncBody::from(bytes),
        };
        let built = builder.body(body)?;
        let client = self.0.as_ref().ok_or_else(|| failed("it is gone"))?;
        let answer = client
            .send_async(built)
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

pub(crate) fn failed(message: &str) -> TransportError {
    TransportError::new(TransportErrorKind::Other, message)
}

/// What failed. curl's words name hosts and ports, no path and no header.
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
