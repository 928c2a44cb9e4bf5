//! Errors of transports: no whole answer came back.

use std::{fmt, io};

use crate::one_line::OneLine;

/// Failure that a transport reports: no whole answer came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {}", OneLine(message))]
#[non_exhaustive]
pub struct TransportError {
    /// Part of the exchange that failed.
    pub kind: TransportErrorKind,
    /// Reason, in the transport's words. Never holds a cookie or another header of the request.
    pub message: String,
}

impl TransportError {
    /// Creates a failure in a transport's own words, which must not hold a header of the request.
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Creates the failure of an exchange that was not over in time.
    pub fn timeout() -> Self {
        Self::new(TransportErrorKind::Timeout, "no whole answer in time")
    }

    /// Creates the failure of a body that has more bytes than the [limit](crate::TransportConfig::body_limit).
    pub fn body_too_large(limit: u64) -> Self {
        let message = format!("more than {limit} bytes");
        Self::new(TransportErrorKind::BodyTooLarge, message)
    }
}

/// Reads the error of a socket, or of TLS on a socket. Its words name no header.
impl From<&io::Error> for TransportError {
    fn from(error: &io::Error) -> Self {
        use io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::TimedOut | Io::WouldBlock => return Self::timeout(),
            Io::ConnectionRefused
            | Io::AddrNotAvailable
            | Io::HostUnreachable
            | Io::NetworkUnreachable
            | Io::NetworkDown => TransportErrorKind::Connect,
            // rustls reports what it refuses as invalid data.
            Io::InvalidData => TransportErrorKind::Tls,
            Io::UnexpectedEof | Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe => {
                TransportErrorKind::Interrupted
            }
            // What looking a name up has no kind for.
            _ if error.to_string().contains("lookup") => TransportErrorKind::Connect,
            _ => TransportErrorKind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

/// Part of an exchange that failed in a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection: name not found, refused, unreachable, a proxy that fails.
    Connect,
    /// The other side could not prove who it is.
    Tls,
    /// The exchange as a whole took too long.
    Timeout,
    /// The body is larger than the limit.
    BodyTooLarge,
    /// The connection ended early, or what came is not HTTP.
    Interrupted,
    /// Another failure.
    Other,
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::Tls => "the server's certificate was not accepted",
            Self::Timeout => "timed out",
            Self::BodyTooLarge => "the answer is too large",
            Self::Interrupted => "the exchange was cut off",
            Self::Other => "the exchange failed",
        })
    }
}
