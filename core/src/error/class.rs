//! The remedy for an error.

use std::fmt;

use serde::{Serialize, Serializer};

/// Remedy for an [`Error`](super::Error).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The login is dead: a new SESSDATA is needed.
    LoginLost,
    /// The CSRF token does not belong to the login: a new `bili_jct` is needed, for writes.
    Csrf,
    /// The signature was refused: fetch new keys and sign again, once.
    Signature,
    /// Asked or sent too often: wait half a minute or more.
    Throttled,
    /// The risk control answered: stop asking for minutes.
    RiskControl,
    /// A fault on the server's side, or an answer that cannot be read: try again later.
    Server,
    /// The network failed or was too slow: try again later.
    Transport,
    /// The call itself is wrong: trying again does not help.
    CallerMistake,
    /// The conversation does not exist (any more), or one is not in it (any more).
    ConversationGone,
    /// Not allowed now, for a reason the user should read.
    Refused,
}

impl ErrorClass {
    /// Returns one lower-case word or two, for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginLost => "login_lost",
            Self::Csrf => "csrf",
            Self::Signature => "signature",
            Self::Throttled => "throttled",
            Self::RiskControl => "risk_control",
            Self::Server => "server",
            Self::Transport => "transport",
            Self::CallerMistake => "caller_mistake",
            Self::ConversationGone => "conversation_gone",
            Self::Refused => "refused",
        }
    }
}

/// Writes the word of `as_str`.
impl Serialize for ErrorClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
