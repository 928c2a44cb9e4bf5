//! Client behind surf: hyper speaks HTTP on async-std's streams.
//!
//! surf's own clients panic on a response header that is not ASCII and on a status that stands in no
//! registry, so this one stands in their place.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bilibili_session::{TransportConfig, TransportError, TransportErrorKind};
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request, Response};
use surf::utils::async_trait;

use super::exchange::{Body, Connection, Failure};
use crate::connect::Connect;

/// Most connections that are kept for the next request.
const KEPT: usize = 8;

/// Status and headers of an answer, as they came: surf's own types cannot hold all of them.
pub(super) struct Head(pub(super) http::response::Parts);

/// Sends requests, over connections that are kept. One that is written to in vain may have been closed by the server
/// meanwhile, and nobody knows what became of the request: a GET is asked again, over a new connection; what writes must
/// go out once, so it gets a new one from the beginning.
pub(super) struct Client {
    connect: Connect,
    body_limit: u64,
    idle: Mutex<Vec<(Place, Connection)>>,
}

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    is_secure: bool,
    host: String,
    port: u16,
}

impl Place {
    fn of(url: &surf::Url) -> Result<Self, TransportError> {
        let refused = || failed("the address names no host");
        let is_secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(failed("the address is neither http nor https")),
        };
        Ok(Self {
            is_secure,
            host: url.host_str().ok_or_else(refused)?.to_owned(),
            port: url.port_or_known_default().ok_or_else(refused)?,
        })
    }
}

impl Client {
    pub(super) fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        Ok(Self {
            connect: Connect::new(config)?,
            body_limit: config.body_limit,
            idle: Mutex::default(),
        })
    }

    async fn exchange(
        &self,
        place: Place,
        request: Request<Body>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        if request.method() == Method::GET {
            while let Some(mut kept) = self.take(&place) {
                if !kept.is_ready().await {
                    continue;
                }
                match kept.exchange(request.clone(), self.body_limit).await {
                    Err(Failure::Gone(_)) => break,
                    outcome => return self.end(place, kept, outcome),
                }
            }
        }
        let host = place.host.trim_matches(['[', ']']);
        let stream = self.connect.open(place.is_secure, host, place.port).await?;
        let mut connection = Connection::new(stream).await?;
        let outcome = connection.exchange(request, self.body_limit).await;
        self.end(place, connection, outcome)
    }

    /// Keeps a connection whose answer was read to its end.
    fn end(
        &self,
        place: Place,
        connection: Connection,
        outcome: Result<Response<Vec<u8>>, Failure>,
    ) -> Result<Response<Vec<u8>>, TransportError> {
        let answer = outcome.map_err(Failure::into_error)?;
        let mut idle = self.idle();
        if idle.len() == KEPT {
            idle.remove(0);
        }
        idle.push((place, connection));
        Ok(answer)
    }

    /// Takes the connection to this place that was used last.
    fn take(&self, place: &Place) -> Option<Connection> {
        let mut idle = self.idle();
        let at = idle.iter().rposition(|(kept, _)| kept == place)?;
        Some(idle.remove(at).1)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Place, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl surf::HttpClient for Client {
    async fn send(&self, request: surf::http::Request) -> surf::Result<surf::http::Response> {
        let place = Place::of(request.url()).map_err(refuse)?;
        let request = from_surf(request).await?;
        let answer = self.exchange(place, request).await.map_err(refuse)?;
        let (head, body) = answer.into_parts();
        let mut answer = surf::http::Response::new(surf::StatusCode::Ok);
        answer.ext_mut().insert(Head(head));
        answer.set_body(body);
        Ok(answer)
    }
}

/// Converts a request from surf's types, with what HTTP/1.1 wants besides.
async fn from_surf(mut request: surf::http::Request) -> surf::Result<Request<Body>> {
    let url = request.url();
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let host = match (url.host_str().unwrap_or_default(), url.port()) {
        (host, Some(port)) => HeaderValue::try_from(format!("{host}:{port}")),
        (host, None) => HeaderValue::try_from(host),
    };
    let method = Method::try_from(request.method().as_ref())?;
    let mut builder = Request::builder()
        .method(&method)
        .uri(target)
        .header(HOST, host?);
    for (name, values) in &request {
        for value in values {
            builder = builder.header(name.as_str(), value.as_str());
        }
    }
    // After the headers: taking the body adds a content type where there is none.
    let bytes = request.take_body().into_bytes().await?;
    if method != Method::GET {
        // hyper leaves it out where it is 0.
        builder = builder.header(CONTENT_LENGTH, bytes.len());
    }
    Ok(builder.body(Body::from(bytes))?)
}

fn refuse(error: TransportError) -> surf::Error {
    surf::Error::new(surf::StatusCode::InternalServerError, error)
}

pub(super) fn failed(message: &str) -> TransportError {
    TransportError::new(TransportErrorKind::Other, message)
}

/// Shows neither hosts nor settings.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
