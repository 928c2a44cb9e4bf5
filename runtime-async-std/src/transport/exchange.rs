//! One connection, and one exchange over it.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use async_std::io::{Read, Write};
use bilibili_session::{TransportError, TransportErrorKind};
use futures_rustls::rustls::Error as TlsError;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use smol_hyper::rt::FuturesIo;

use crate::connect::Stream;

pub(super) type Body = Full<Bytes>;

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection ended before an answer began.
    Gone(TransportError),
    Other(TransportError),
}

impl Failure {
    pub(super) fn into_error(self) -> TransportError {
        match self {
            Self::Gone(error) | Self::Other(error) => error,
        }
    }
}

/// Reads in a row that did not have to wait, before others have their turn. An answer can go on for ever, and its time is
/// looked at in between only.
const IN_A_ROW: u8 = 32;

/// A stream that lets others have their turn.
struct Yielding {
    stream: Box<dyn Stream>,
    in_a_row: u8,
}

impl Read for Yielding {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.in_a_row == IN_A_ROW {
            self.in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.in_a_row = match read {
            Poll::Ready(_) => self.in_a_row + 1,
            Poll::Pending => 0,
        };
        read
    }
}

impl Write for Yielding {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
}

/// A connection that speaks HTTP/1.1. It moves while an exchange over it is waited for, so it needs no task.
pub(super) struct Connection {
    sender: http1::SendRequest<Body>,
    /// `None` once it is over.
    driver: Driver,
}

impl Connection {
    pub(super) async fn new(stream: Box<dyn Stream>) -> Result<Self, TransportError> {
        let stream = Yielding {
            stream,
            in_a_row: 0,
        };
        let opened = http1::handshake(FuturesIo::new(stream)).await;
        let (sender, driver) = opened.map_err(|error| explain(&error))?;
        Ok(Self {
            sender,
            driver: Some(driver),
        })
    }

    /// Returns whether it takes a request: the server may have closed it meanwhile.
    pub(super) async fn is_ready(&mut self) -> bool {
        let Self { sender, driver } = self;
        drive(driver, sender.ready()).await.is_ok() && driver.is_some()
    }

    /// Sends a request, and reads the whole answer.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Body>,
        body_limit: u64,
    ) -> Result<Response<Vec<u8>>, Failure> {
        let Self { sender, driver } = self;
        let answer = drive(driver, sender.send_request(request)).await;
        let (head, body) = answer.map_err(|error| failed(&error))?.into_parts();
        let body = read(driver, body, body_limit)
            .await
            .map_err(Failure::Other)?;
        Ok(Response::from_parts(head, body))
    }
}

type Driver = Option<http1::Connection<FuturesIo<Yielding>, Body>>;

/// Waits for something that the connection brings about. How the connection ends is told to whoever waits for an answer.
async fn drive<T>(driver: &mut Driver, outcome: impl Future<Output = T>) -> T {
    let mut outcome = pin!(outcome);
    poll_fn(|context| {
        // What it asks for goes out at once, and what comes of that is taken at once.
        if let Poll::Ready(outcome) = outcome.as_mut().poll(context) {
            return Poll::Ready(outcome);
        }
        if let Some(connection) = driver
            && Pin::new(connection).poll(context).is_ready()
        {
            *driver = None;
        }
        outcome.as_mut().poll(context)
    })
    .await
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
        && let Some(frame) = drive(driver, body.frame()).await
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
