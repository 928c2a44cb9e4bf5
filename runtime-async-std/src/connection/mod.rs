//! One connection that speaks HTTP, and one exchange over it.

mod stream;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bilibili_session::{TransportError, TransportErrorKind};
use futures_rustls::rustls::Error as TlsError;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use smol_hyper::rt::FuturesIo;

use self::stream::{Reading, Sparing};
use crate::connect::Stream;

pub(crate) type Body = Full<Bytes>;

/// Failure of an exchange.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection ended before an answer began.
    Gone(TransportError),
    Other(TransportError),
}

impl Failure {
    pub(crate) fn into_error(self) -> TransportError {
        match self {
            Self::Gone(error) | Self::Other(error) => error,
        }
    }
}

/// Within this time after an answer no server ends a connection because nobody uses it.
const FRESH: Duration = Duration::from_millis(100);

/// A connection that speaks HTTP/1.1. It moves while an exchange over it is waited for, so it needs no task.
pub(crate) struct Connection {
    sender: http1::SendRequest<Body>,
    driver: Driver,
    /// Time at which the last answer had come.
    used: Instant,
}

impl Connection {
    pub(crate) async fn new(stream: Box<dyn Stream>) -> Result<Self, TransportError> {
        let reading = Reading::new();
        let stream = Sparing::new(stream, reading.clone());
        let opened = http1::handshake(FuturesIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| explain(&error))?;
        let connection = Some(connection);
        Ok(Self {
            sender,
            driver: Driver {
                connection,
                reading,
            },
            used: Instant::now(),
        })
    }

    /// Returns the time since its last answer.
    pub(crate) fn idle_time(&self) -> Duration {
        self.used.elapsed()
    }

    /// Returns whether it takes a request: the server may have ended it meanwhile, or have said what nobody asked for.
    pub(crate) async fn is_ready(&mut self) -> bool {
        match self.idle_time() < FRESH {
            true => self.driver.reading.rest(),
            false => self.driver.look().await,
        }
        self.driver.wait(self.sender.ready()).await.is_ok() && self.driver.connection.is_some()
    }

    /// Sends a request, and reads the whole answer.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Body>,
        body_limit: u64,
    ) -> Result<Response<Vec<u8>>, Failure> {
        let Self { sender, driver, .. } = self;
        let answer = driver.wait(sender.send_request(request)).await;
        let (head, body) = answer.map_err(|error| failed(&error))?.into_parts();
        let body = read(driver, body, body_limit)
            .await
            .map_err(Failure::Other)?;
        self.used = Instant::now();
        Ok(Response::from_parts(head, body))
    }
}

/// Driver that moves a connection.
struct Driver {
    /// `None` once it is over.
    connection: Option<http1::Connection<FuturesIo<Sparing>, Body>>,
    reading: Reading,
}

impl Driver {
    /// Takes what has come unasked.
    async fn look(&mut self) {
        self.reading.open();
        poll_fn(|context| {
            self.poll(context);
            Poll::Ready(())
        })
        .await;
    }

    /// Waits for something that the connection brings about. How the connection ends is told to whoever waits for an answer.
    async fn wait<T>(&mut self, outcome: impl Future<Output = T>) -> T {
        let mut outcome = pin!(outcome);
        let mut was_polled = false;
        poll_fn(|context| {
            if let Poll::Ready(outcome) = outcome.as_mut().poll(context) {
                return Poll::Ready(outcome);
            }
            let is_first = !std::mem::replace(&mut was_polled, true);
            if !is_first {
                self.reading.open();
            }
            // What it asks for goes out at once, and what comes of that is taken at once.
            loop {
                self.poll(context);
                if let Poll::Ready(outcome) = outcome.as_mut().poll(context) {
                    return Poll::Ready(outcome);
                }
                if !self.reading.is_drained() {
                    return Poll::Pending;
                }
                // An answer takes its time. Where there is something else to do meanwhile, it is here after that, and nobody
                // has to be woken for it.
                if is_first {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                self.reading.open();
            }
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(context).is_ready()
        {
            self.connection = None;
        }
    }
}

async fn read(
    driver: &mut Driver,
    mut body: Incoming,
    limit: u64,
) -> Result<Vec<u8>, TransportError> {
    let too_large = || TransportError::body_too_large(limit);
    let expected = body.size_hint().lower();
    if expected > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    while !body.is_end_stream()
        && let Some(frame) = driver.wait(body.frame()).await
    {
        let frame = frame.map_err(|error| explain(&error))?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn failed(error: &hyper::Error) -> Failure {
    let by_socket = socket_error(error).map(io::Error::kind);
    let is_gone = error.is_canceled()
        || error.is_closed()
        || error.is_incomplete_message()
        || matches!(
            by_socket,
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
        );
    match is_gone {
        true => Failure::Gone(explain(error)),
        false => Failure::Other(explain(error)),
    }
}

/// Returns the error of a failed exchange. Words of a socket name no address; hyper's own may quote what came.
fn explain(error: &hyper::Error) -> TransportError {
    let by_socket = socket_error(error).map(TransportError::from);
    let interrupted =
        || TransportError::new(TransportErrorKind::Interrupted, "no whole answer came");
    // What is no HTTP is invalid data to hyper, as a certificate is to rustls.
    let is_tls = socket_error(error)
        .and_then(io::Error::get_ref)
        .is_some_and(|error| error.is::<TlsError>());
    by_socket
        .filter(|error| match error.kind {
            TransportErrorKind::Other => false,
            TransportErrorKind::Tls => is_tls,
            _ => true,
        })
        .unwrap_or_else(interrupted)
}

fn socket_error(error: &hyper::Error) -> Option<&io::Error> {
    std::error::Error::source(error)?.downcast_ref()
}
