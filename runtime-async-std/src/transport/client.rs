//! Client behind surf: hyper speaks HTTP on async-std's streams.
//!
//! surf's own clients panic on a response header that is not ASCII and on a status that stands in no
//! registry, so this one stands in their place.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bilibili_session::{TransportConfig, TransportError, TransportErrorKind};
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, Uri};
use surf::utils::async_trait;

use crate::connect::Connect;
use crate::connection::{Body, Connection, Failure};

/// Most connections that are kept for the next request.
const KEPT: usize = 8;

/// Request as it was built, or answer as it came. They go through surf beside its own types, which hold ASCII alone and no
/// status of their own.
pub(super) struct Beside<T>(pub(super) T);

/// Sends requests, over connections that are kept. One that is written to in vain may have been closed by the server
/// meanwhile, and nobody knows what became of the request: a GET is asked again, over a new connection; what writes must
/// go out once, so it gets a new one from the beginning.
pub(super) struct Client {
    connect: Connect,
    body_limit: u64,
    idle_timeout: Duration,
    idle: Mutex<Vec<(Place, Connection)>>,
}

/// Target of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    is_secure: bool,
    /// An IPv6 address without brackets.
    host: String,
    port: u16,
}

impl Place {
    fn of(uri: &Uri) -> Result<Self, TransportError> {
        let (is_secure, usual) = match uri.scheme_str() {
            Some("https") => (true, 443),
            Some("http") => (false, 80),
            _ => return Err(failed("the address is neither http nor https")),
        };
        let host = uri
            .host()
            .ok_or_else(|| failed("the address names no host"))?;
        Ok(Self {
            is_secure,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(usual),
        })
    }
}

impl Client {
    pub(super) fn new(config: &TransportConfig) -> Result<Self, TransportError> {
        Ok(Self {
            connect: Connect::new(config)?,
            body_limit: config.body_limit,
            idle_timeout: config.idle_timeout(),
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
        let (host, port) = (&place.host, place.port);
        let stream = self.connect.open(place.is_secure, host, port).await?;
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
        idle.retain(|(_, kept)| kept.idle_time() < self.idle_timeout);
        let at = idle.iter().rposition(|(kept, _)| kept == place)?;
        Some(idle.remove(at).1)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Place, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl surf::HttpClient for Client {
    async fn send(&self, mut request: surf::http::Request) -> surf::Result<surf::http::Response> {
        let built = request.ext_mut().remove::<Beside<Request<Vec<u8>>>>();
        let Beside(built) = built.ok_or_else(|| refuse(failed("surf lost the request")))?;
        let place = Place::of(built.uri()).map_err(refuse)?;
        let (mut head, body) = built.into_parts();
        complete(&mut head, body.len())?;
        let request = Request::from_parts(head, Body::from(body));
        let answer = self.exchange(place, request).await.map_err(refuse)?;
        let mut converted = surf::http::Response::new(surf::StatusCode::Ok);
        converted.ext_mut().insert(Beside(answer));
        Ok(converted)
    }
}

/// Adds what HTTP/1.1 wants besides, and leaves of the address what it wants.
fn complete(head: &mut http::request::Parts, length: usize) -> surf::Result<()> {
    let host = match (head.uri.host().unwrap_or_default(), head.uri.port_u16()) {
        (host, Some(port)) => HeaderValue::try_from(format!("{host}:{port}")),
        (host, None) => HeaderValue::try_from(host),
    };
    head.headers.insert(HOST, host?);
    if head.method != Method::GET {
        // hyper leaves it out where it is 0.
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    let target = head.uri.path_and_query().cloned();
    head.uri = target
        .unwrap_or_else(|| PathAndQuery::from_static("/"))
        .into();
    Ok(())
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
