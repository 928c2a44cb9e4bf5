//! HTTP/1.1 over a socket, by hand: one request, one answer, one connection.
//!
//! For the service itself TLS is what one would add: a `rustls::StreamOwned` around `Timed`.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bilibili_session::{TransportError, TransportErrorKind};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};

/// More than the head of any answer has, in bytes.
const HEAD_LIMIT: u64 = 64 << 10;

/// Sends a request, and waits for the whole answer.
pub fn exchange(
    request: &Request<Vec<u8>>,
    timeout: Duration,
    body_limit: u64,
) -> Result<Response<Vec<u8>>, TransportError> {
    let answer = || {
        let mut timed = Timed::connect(request, Instant::now() + timeout)?;
        timed.socket.set_write_timeout(Some(timeout))?;
        timed.socket.write_all(&head(request))?;
        timed.socket.write_all(request.body())?;
        let mut reader = BufReader::new(timed);
        loop {
            let response = read_head(&mut reader)?;
            // After a provisional answer another one comes.
            if !response.status().is_informational() {
                let body = read_body(&mut reader, &response, body_limit)?;
                return Ok(response.map(|()| body));
            }
        }
    };
    answer().map_err(|error| explain(&error))
}

/// A socket that nothing is waited for longer than until then.
struct Timed {
    socket: TcpStream,
    end: Instant,
}

impl Timed {
    fn connect(request: &Request<Vec<u8>>, end: Instant) -> io::Result<Self> {
        let uri = request.uri();
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) => {
                let address = (host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80));
                let socket = TcpStream::connect(address);
                let socket = socket.map_err(|_| ErrorKind::ConnectionRefused)?;
                Ok(Self { socket, end })
            }
            _ => Err(io::Error::new(
                ErrorKind::Unsupported,
                "there is no TLS here",
            )),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => {
                self.socket.set_read_timeout(Some(left))?;
                self.socket.read(buffer)
            }
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

fn read_head(reader: &mut impl BufRead) -> io::Result<Response<()>> {
    let mut reader = reader.take(HEAD_LIMIT);
    let status = read_line(&mut reader)?
        .strip_prefix(b"HTTP/1.")
        .and_then(|line| StatusCode::from_bytes(line.get(2..5)?).ok())
        .ok_or(ErrorKind::InvalidData)?;
    let mut response = Response::new(());
    *response.status_mut() = status;
    loop {
        let line = read_line(&mut reader)?;
        if line.is_empty() {
            return Ok(response);
        }
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(halves.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(halves.next().unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
}

fn read_body(
    reader: &mut impl BufRead,
    response: &Response<()>,
    limit: u64,
) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if response.headers().contains_key(TRANSFER_ENCODING) {
        while let length @ 1.. = read_chunk_length(reader)? {
            read_part(reader, length, limit, &mut body)?;
            read_line(reader)?;
        }
    } else if matches!(response.status().as_u16(), 204 | 304) {
        // They have none, whatever their headers say.
    } else if let Some(length) = response.headers().get(CONTENT_LENGTH) {
        let length = length.to_str().ok().and_then(|length| length.parse().ok());
        read_part(
            reader,
            length.ok_or(ErrorKind::InvalidData)?,
            limit,
            &mut body,
        )?;
    } else {
        // It ends with the connection.
        reader.take(limit + 1).read_to_end(&mut body)?;
        if body.len() as u64 > limit {
            return Err(ErrorKind::FileTooLarge.into());
        }
    }
    Ok(body)
}

/// So many bytes more of a body.
fn read_part(
    reader: &mut impl BufRead,
    length: u64,
    limit: u64,
    body: &mut Vec<u8>,
) -> io::Result<()> {
    if length > limit.saturating_sub(body.len() as u64) {
        return Err(ErrorKind::FileTooLarge.into());
    }
    match reader.take(length).read_to_end(body)? as u64 {
        read if read == length => Ok(()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn read_chunk_length(reader: &mut impl BufRead) -> io::Result<u64> {
    let line = read_line(&mut reader.take(HEAD_LIMIT))?;
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = std::str::from_utf8(digits).map_err(|_| ErrorKind::InvalidData)?;
    u64::from_str_radix(digits.trim(), 16).map_err(|_| ErrorKind::InvalidData.into())
}

/// A line without its end.
fn read_line(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => Ok(line.trim_ascii_end().to_vec()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn explain(error: &io::Error) -> TransportError {
    use TransportErrorKind::{BodyTooLarge, Connect, Interrupted, Other};
    let (kind, message) = match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => return TransportError::timeout(),
        ErrorKind::ConnectionRefused => (Connect, "nobody took the connection"),
        ErrorKind::FileTooLarge => (BodyTooLarge, "the body is larger than the limit"),
        ErrorKind::InvalidData => (Interrupted, "what came is not HTTP"),
        ErrorKind::UnexpectedEof => (Interrupted, "the answer ends in its middle"),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => (Interrupted, "it was reset"),
        ErrorKind::Unsupported => (Other, "there is no TLS here"),
        _ => (Other, "the socket failed"),
    };
    TransportError::new(kind, message)
}
