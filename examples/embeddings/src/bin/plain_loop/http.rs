//! HTTP/1.1 over a socket, by hand: one request, one answer, one connection.
//!
//! It speaks as much of it as the simulator does. For the service itself, TLS is what one would add (a
//! `rustls::StreamOwned` around the socket), and answers in chunks.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bilibili_session::{TransportError, TransportErrorKind};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};

/// What comes of a request.
pub type Answer = Result<Response<Vec<u8>>, TransportError>;

/// More than the head of any answer has.
const HEAD_LIMIT: usize = 64 << 10;

/// Sends a request, and waits for the whole answer.
pub fn exchange(request: &Request<Vec<u8>>, timeout: Duration, body_limit: usize) -> Answer {
    let end = Instant::now() + timeout;
    let left = || match end.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(TransportError::timeout()),
        left => Ok(Some(left)),
    };
    let uri = request.uri();
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return fail(TransportErrorKind::Other, "there is no TLS here");
    };
    let Ok(mut socket) = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80)))
    else {
        return fail(TransportErrorKind::Connect, "nobody took the connection");
    };
    socket.set_write_timeout(left()?).map_err(explain)?;
    socket.write_all(&head(request)).map_err(explain)?;
    socket.write_all(request.body()).map_err(explain)?;

    let mut bytes = Vec::new();
    let mut chunk = [0; 16 << 10];
    loop {
        socket.set_read_timeout(left()?).map_err(explain)?;
        match socket.read(&mut chunk).map_err(explain)? {
            // The server closes, as it was asked to.
            0 => return read(&bytes, body_limit),
            length => bytes.extend_from_slice(chunk.get(..length).unwrap_or_default()),
        }
        if bytes.len() > body_limit + HEAD_LIMIT {
            return fail(TransportErrorKind::BodyTooLarge, "more than the limit");
        }
    }
}

/// The request line and the headers, as they are sent.
fn head(request: &Request<Vec<u8>>) -> Vec<u8> {
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let length = request.body().len().to_string();
    let mut head = format!("{} {target} HTTP/1.1\r\n", request.method()).into_bytes();
    let mut line = |name: &HeaderName, value: &[u8]| {
        for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    };
    line(&HOST, host.as_bytes());
    line(&CONNECTION, b"close");
    if request.method() != Method::GET {
        line(&CONTENT_LENGTH, length.as_bytes());
    }
    for (name, value) in request.headers() {
        line(name, value.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Reads an answer that has come to its end.
fn read(bytes: &[u8], body_limit: usize) -> Answer {
    use TransportErrorKind::{BodyTooLarge, Interrupted, Other};
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return fail(Interrupted, "the answer ends in its head");
    };
    let (head, body) = bytes.split_at(end);
    let body = body.get(4..).unwrap_or_default();

    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix(b"HTTP/1."))
        .and_then(|line| StatusCode::from_bytes(line.get(2..5)?).ok());
    let Some(status) = status else {
        return fail(Interrupted, "what came is not HTTP");
    };
    let mut response = Response::new(());
    *response.status_mut() = status;
    for line in lines {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(halves.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(halves.next().unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }

    if status.is_informational() || response.headers().contains_key(TRANSFER_ENCODING) {
        return fail(Other, "this is more HTTP than is spoken here");
    }
    let length = match response.headers().get(CONTENT_LENGTH) {
        Some(length) => length.to_str().ok().and_then(|length| length.parse().ok()),
        None => Some(body.len()),
    };
    match length.and_then(|length: usize| body.get(..length)) {
        None => fail(Interrupted, "the answer ends in its body"),
        Some(body) if body.len() > body_limit => fail(BodyTooLarge, "more than the limit"),
        Some(body) => Ok(response.map(|_| body.to_vec())),
    }
}

fn fail(kind: TransportErrorKind, message: &str) -> Answer {
    Err(TransportError::new(kind, message))
}

fn explain(error: Error) -> TransportError {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => TransportError::timeout(),
        _ => TransportError::new(TransportErrorKind::Interrupted, error.to_string()),
    }
}
