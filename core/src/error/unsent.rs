//! Errors of requests that were not sent.

use std::time::Duration;

use super::ErrorClass;
use crate::ids::Uid;

/// Reason for which a request was not built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The call writes and so carries the CSRF token, but the credential has none.
    #[error("this call needs bili_jct: add that cookie to the credential")]
    MissingBiliJct,
    /// The text is empty.
    #[error("an empty text cannot be sent")]
    EmptyText,
    /// The content is longer than the service takes.
    #[error("the content is {length} bytes long, the service takes {limit}")]
    ContentTooLong {
        /// Length of the content in bytes, as sent.
        length: usize,
        /// The service's limit in bytes.
        limit: usize,
    },
    /// The message is to the account itself.
    #[error("a message to oneself cannot be sent")]
    ToOneself,
    /// The message that is to be withdrawn is too old.
    #[error("the message is {age_s} s old, it can be withdrawn within {limit_s} s")]
    TooLateToWithdraw {
        /// The message's age in seconds.
        age_s: i64,
        /// The service's limit in seconds.
        limit_s: i64,
    },
    /// The picture lies on a host of somebody else.
    #[error(
        "pictures are sent from the service's own hosts only, not from {host:?}: upload it first"
    )]
    ForeignPicture {
        /// The host that was given.
        host: String,
    },
    /// The file is no picture that the service takes.
    #[error("not a png, jpeg, gif or webp picture: {reason}")]
    NotAPicture {
        /// Reason, read from the first bytes.
        reason: String,
    },
    /// The conversation is of an unknown type: it can be read, not written to.
    #[error("cannot write to a conversation of type {session_type}: only users (1) and groups (2)")]
    UnknownReceiver {
        /// The `session_type` that was given.
        session_type: i64,
    },
    /// A parameter is outside of the range that the service takes.
    #[error("{name} must be {rule}")]
    Parameter {
        /// The parameter's name on the wire.
        name: &'static str,
        /// Rule for its value.
        rule: &'static str,
    },
    /// The credential was given for one account and is a login of another.
    #[error("the credential names uid {given}, but it is a login of uid {actual}")]
    UidMismatch {
        /// `DedeUserID` of the credential.
        given: Uid,
        /// Account that nav names.
        actual: Uid,
    },
    /// The checkpoint is of another account than the login.
    #[error("the checkpoint is of uid {checkpoint}, but this is a login of uid {actual}")]
    ForeignCheckpoint {
        /// Account of the checkpoint.
        checkpoint: Uid,
        /// Account that nav names.
        actual: Uid,
    },
    /// The origin that replaces the service's hosts cannot be used.
    #[error("the origin {origin:?} cannot be used: {reason}")]
    Origin {
        /// Origin as given.
        origin: String,
        /// Reason, in words.
        reason: &'static str,
    },
    /// A text cannot stand in a header or a URL.
    #[error("{0} cannot be sent in a request")]
    NotSendable(&'static str),
}

/// Call that was not made: the session keeps a pause that the service asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing was sent: the session pauses for {:.0?} more ({})", remaining, self.reason())]
#[non_exhaustive]
pub struct PausedError {
    /// Class of the refusal that began the pause: [`ErrorClass::RiskControl`],
    /// [`ErrorClass::Throttled`] or [`ErrorClass::Signature`].
    pub class: ErrorClass,
    /// Time from the call to the end of the pause.
    pub remaining: Duration,
}

impl PausedError {
    pub(crate) const fn new(class: ErrorClass, remaining: Duration) -> Self {
        Self { class, remaining }
    }

    const fn reason(&self) -> &'static str {
        match self.class {
            ErrorClass::RiskControl => "risk control",
            ErrorClass::Signature => "signatures are refused",
            _ => "asking or sending too often",
        }
    }
}
