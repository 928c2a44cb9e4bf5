//! The meaning of a failed send for its message.

use http::StatusCode;

use crate::error::{ApiError, Error, ErrorClass, TransportErrorKind};

/// The service's code for "a service behind me was too slow".
const TOO_SLOW: i64 = -504;

/// State of a message whose sending failed, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The message did not go out.
    NotSent,
    /// The message went out, or it did not: the conversation shows it by now.
    Doubtful,
    /// The message went out, or did not, or still will.
    Late,
}

impl Failure {
    /// Judges the failure of a request that was handed to a transport.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Transport(error) => match error.kind {
                TransportErrorKind::Connect | TransportErrorKind::Tls => Self::NotSent,
                TransportErrorKind::Timeout => Self::Late,
                TransportErrorKind::BodyTooLarge
                | TransportErrorKind::Interrupted
                | TransportErrorKind::Other => Self::Doubtful,
            },
            Error::Http(error) => match error.status {
                StatusCode::GATEWAY_TIMEOUT => Self::Late,
                status if status.is_server_error() => Self::Doubtful,
                _ => Self::NotSent,
            },
            Error::Api(error) => Self::of_code(error),
            // A success that cannot be read: what does not show may still come.
            Error::Decode(_) => Self::Late,
            _ => Self::NotSent,
        }
    }

    /// A refusal is clear; a fault of the service may have come after the message was taken.
    fn of_code(error: &ApiError) -> Self {
        match (error.code, error.class()) {
            (TOO_SLOW, _) => Self::Late,
            (_, ErrorClass::Server) => Self::Doubtful,
            _ => Self::NotSent,
        }
    }
}
