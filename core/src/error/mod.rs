//! Errors, and the remedy for each.
//!
//! Every failure of a call is one [`Error`]; [`Error::class`] sorts it by
//! the remedy: log in again, wait, correct the call, tell the user.

mod answer;
mod class;
mod transport;
mod unsent;

pub use answer::{ApiError, DecodeError, HttpError, PageError};
pub use class::ErrorClass;
pub use transport::{TransportError, TransportErrorKind};
pub use unsent::{BuildError, PausedError};

use http::StatusCode;

use crate::one_line::OneLine;

/// Failure of a call.
///
/// Its `Display`, like that of every error here, is one line, whatever the service said.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request was not built, so nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The exchange brought no whole answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An answer came back that is not the service's envelope, with a status that is not 2xx.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The service refused, with one of its codes.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The service refused a file that was uploaded, with a code of -1 to -7.
    #[error("the service refused the file with code {code}: {}", OneLine(message))]
    PictureRefused {
        /// The service's code.
        code: i64,
        /// The service's message.
        message: String,
    },
    /// A 2xx answer that is not of the documented shape.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A row of pages does not come to its end.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The session pauses, so nothing was sent.
    #[error(transparent)]
    Paused(#[from] PausedError),
    /// Nobody knows whether the message went out: no answer told, and the conversation, which was
    /// [read back](crate::send::ConfirmedSend), does not tell either. Only who looks into the
    /// conversation may send it again.
    #[error(
        "it is not known whether the message went out, look into the conversation before sending it again: {0}"
    )]
    UnknownOutcome(
        /// The failure of the send.
        Box<Error>,
    ),
    /// A handler waited for its own session, which waits for the handler.
    #[error(
        "a handler cannot wait for its own session, which waits for the handler: take from it on a thread or task of its own"
    )]
    WithinHandler,
}

impl Error {
    /// Returns the remedy for this error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Build(_) => ErrorClass::CallerMistake,
            Self::Transport(_) => ErrorClass::Transport,
            Self::Http(error) => error.class(),
            Self::Api(error) => error.class(),
            Self::PictureRefused { .. } | Self::WithinHandler => ErrorClass::CallerMistake,
            Self::Decode(_) | Self::Page(_) => ErrorClass::Server,
            Self::Paused(paused) => paused.class,
            Self::UnknownOutcome(error) => error.class(),
        }
    }

    /// Returns the service's code, where the service answered with one.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Api(error) => Some(error.code),
            Self::PictureRefused { code, .. } => Some(*code),
            Self::UnknownOutcome(error) => error.code(),
            _ => None,
        }
    }

    /// Returns the HTTP status, where the answer has nothing else to go by.
    pub fn http_status(&self) -> Option<StatusCode> {
        match self {
            Self::Http(error) => Some(error.status),
            Self::UnknownOutcome(error) => error.http_status(),
            _ => None,
        }
    }
}
