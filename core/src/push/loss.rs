//! Reasons for which there is no connection.

use http::StatusCode;

use crate::error::{BuildError, TransportError};
use crate::one_line::OneLine;

/// Reason for which a connection ended, or was not made. It is made again in any case.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Loss {
    /// There was no connection, or it broke.
    #[error("{0}")]
    Transport(#[from] TransportError),
    /// The handshake was answered with another status than 101.
    #[error("the server answers the handshake with HTTP {0}")]
    Http(StatusCode),
    /// The server refused the login or the subscription.
    #[error("the server refuses: code {code}: {}", OneLine(message))]
    Refused {
        /// The code of the answer.
        code: i64,
        /// The server's words.
        message: String,
    },
    /// The server ended the connection.
    #[error("the server ended the connection")]
    Ended,
    /// The server sent this connection away, mostly for another one of the same login.
    #[error("the server sent this connection away")]
    Kicked,
    /// The server did not answer in time.
    #[error("the server does not answer")]
    NoAnswer,
    /// The server said nothing for a long time, and answered no heartbeat.
    #[error("the server has fallen silent")]
    Silent,
    /// Frames could not be read, too many in a row.
    #[error("what the server sends cannot be read")]
    Unreadable,
    /// The handshake cannot be sent.
    #[error("{0}")]
    Build(#[from] BuildError),
}
