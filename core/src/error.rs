//! What can go wrong, and what a caller can do about it.
//!
//! Every failure of a call is one [`Error`]; [`Error::class`] sorts it by
//! what helps: log in again, wait, mend the call, tell the user.

use std::{fmt, io};

use http::StatusCode;

use crate::one_line::OneLine;

/// A call that did not succeed.
///
/// Its `Display`, like that of every error here, is one line, whatever the service said.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request was not built, so nothing was sent.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// No whole answer came back.
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
    /// A handler waited for its own session, which waits for the handler.
    #[error(
        "a handler cannot wait for its own session, which waits for the handler: take from it on a thread or task of its own"
    )]
    WithinHandler,
}

/// What helps against an [`Error`].
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
    /// One lower-case word or two, as used in logs and by `bili --json`.
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

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// What helps against this error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Build(_) => ErrorClass::CallerMistake,
            Self::Transport(_) => ErrorClass::Transport,
            Self::Http(error) => error.class(),
            Self::Api(error) => error.class(),
            Self::PictureRefused { .. } | Self::WithinHandler => ErrorClass::CallerMistake,
            Self::Decode(_) | Self::Page(_) => ErrorClass::Server,
            Self::Paused(paused) => paused.class,
        }
    }

    /// The service's code, where the service answered with one.
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Api(error) => Some(error.code),
            Self::PictureRefused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The HTTP status, where that was all there was to go by.
    pub fn http_status(&self) -> Option<StatusCode> {
        match self {
            Self::Http(error) => Some(error.status),
            _ => None,
        }
    }
}

/// Why a request was not built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A call that writes carries the CSRF token, and the credential has none.
    #[error("this call needs bili_jct: add that cookie to the credential")]
    MissingBiliJct,
    /// The text is empty.
    #[error("an empty text cannot be sent")]
    EmptyText,
    /// The content is longer than the service takes.
    #[error("the content is {length} bytes long, the service takes {limit}")]
    ContentTooLong {
        /// The content's length in bytes, as it would be sent.
        length: usize,
        /// The service's limit in bytes.
        limit: usize,
    },
    /// A message to oneself.
    #[error("a message to oneself cannot be sent")]
    ToOneself,
    /// A withdrawal of a message that is too old.
    #[error("the message is {age_s} s old, it can be withdrawn within {limit_s} s")]
    TooLateToWithdraw {
        /// The message's age in seconds.
        age_s: i64,
        /// The service's limit in seconds.
        limit_s: i64,
    },
    /// A picture that lies on a host of somebody else.
    #[error(
        "pictures are sent from the service's own hosts only, not from {host:?}: upload it first"
    )]
    ForeignPicture {
        /// The host that was given.
        host: String,
    },
    /// A file that is no picture the service takes.
    #[error("not a png, jpeg, gif or webp picture: {reason}")]
    NotAPicture {
        /// What its first bytes say.
        reason: String,
    },
    /// A conversation of an unknown type can be read, not written to.
    #[error("cannot write to a conversation of type {session_type}: only users (1) and groups (2)")]
    UnknownReceiver {
        /// The `session_type` that was given.
        session_type: i64,
    },
    /// A parameter outside of what the service takes.
    #[error("{name} must be {rule}")]
    Parameter {
        /// The parameter's name on the wire.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The credential was given for one account and is a login of another.
    #[error("the credential names uid {given}, but it is a login of uid {actual}")]
    UidMismatch {
        /// `DedeUserID` of the credential.
        given: crate::ids::Uid,
        /// What nav says.
        actual: crate::ids::Uid,
    },
    /// The checkpoint is of another account than the login.
    #[error("the checkpoint is of uid {checkpoint}, but this is a login of uid {actual}")]
    ForeignCheckpoint {
        /// Whose checkpoint it is.
        checkpoint: crate::ids::Uid,
        /// What nav says.
        actual: crate::ids::Uid,
    },
    /// The origin that replaces the service's hosts cannot be used.
    #[error("the origin {origin:?} cannot be used: {reason}")]
    Origin {
        /// As it was given.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Text that cannot stand in a header or a URL.
    #[error("{0} cannot be sent in a request")]
    NotSendable(&'static str),
}

/// No whole answer came back: what a transport reports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {}", OneLine(message))]
#[non_exhaustive]
pub struct TransportError {
    /// What failed.
    pub kind: TransportErrorKind,
    /// In the transport's words. Never holds a cookie or another header of the request.
    pub message: String,
}

impl TransportError {
    /// A failure in a transport's own words, which must not hold a header of the request.
    pub fn new(kind: TransportErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The exchange was not over when its time was.
    pub fn timeout() -> Self {
        Self::new(TransportErrorKind::Timeout, "no whole answer in time")
    }

    /// The body has more bytes than the [limit](crate::TransportConfig::body_limit).
    pub fn body_too_large(limit: u64) -> Self {
        let message = format!("more than {limit} bytes");
        Self::new(TransportErrorKind::BodyTooLarge, message)
    }
}

/// What a socket, or TLS on a socket, says. Its words name no header.
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

/// What failed in a transport.
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
    /// Anything else.
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

/// An answer without the service's envelope and with a status that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP {status}: {}", OneLine(body))]
#[non_exhaustive]
pub struct HttpError {
    /// The status.
    pub status: StatusCode,
    /// How the body begins, on one line.
    pub body: String,
}

impl HttpError {
    /// Keeps the first characters of the body.
    pub(crate) fn new(status: StatusCode, body: &[u8]) -> Self {
        Self {
            status,
            body: excerpt(body),
        }
    }

    fn class(&self) -> ErrorClass {
        match self.status {
            StatusCode::PRECONDITION_FAILED | StatusCode::FORBIDDEN => ErrorClass::RiskControl,
            StatusCode::TOO_MANY_REQUESTS => ErrorClass::Throttled,
            status if status.is_client_error() => ErrorClass::CallerMistake,
            _ => ErrorClass::Server,
        }
    }
}

/// The service refused, with one of its codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
#[non_exhaustive]
pub struct ApiError {
    /// The service's code; 0 only for an answer that is nothing but a `v_voucher`.
    pub code: i64,
    /// The service's message, often Chinese, sometimes only the code again.
    pub message: String,
}

impl ApiError {
    /// A refusal with the service's code and message.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// What helps, by the code.
    pub const fn class(&self) -> ErrorClass {
        match self.code {
            -101 => ErrorClass::LoginLost,
            -111 => ErrorClass::Csrf,
            -403 => ErrorClass::Signature,
            -352 | -412 | 0 => ErrorClass::RiskControl,
            -509 | -799 | 21020 | 21046 => ErrorClass::Throttled,
            -500 | -503 | -3 => ErrorClass::Server,
            -400 | 2 | 21007 | 21026 | 21037 | 21035 | 10005 | 21041 | 21042 => {
                ErrorClass::CallerMistake
            }
            1_000_004 | 700_013 | 700_014 => ErrorClass::ConversationGone,
            21047 | 21015 | 21028 | 25003 | 25005 | 700_009 => ErrorClass::Refused,
            code if code <= -500 && code > -600 => ErrorClass::Server,
            _ => ErrorClass::Refused,
        }
    }

    /// What the code means, in English, where it is known.
    pub const fn meaning(&self) -> Option<&'static str> {
        Some(match self.code {
            0 => "the risk control asks for a verification",
            -101 => "not logged in: the SESSDATA is wrong or has expired",
            -111 => "wrong CSRF token: bili_jct does not belong to this SESSDATA",
            -400 => "bad request",
            -403 => "the signature was refused",
            -352 | -412 => "refused by the risk control: stop asking for some minutes",
            -509 | -799 => "asking too often",
            -500 | -503 | -3 => "a fault of the server",
            2 => "illegal argument",
            10005 => "no message with this key can be withdrawn",
            21007 => "the text is too long",
            21015 => "the account has no phone number bound",
            21020 => "sending too often",
            21026 => "a message to oneself",
            21028 => "sending is closed for this account",
            21035 => "messages of this type are not allowed now",
            21037 => "not a picture of this service",
            21041 => "more than 120 s old: it can no longer be withdrawn",
            21042 => "already withdrawn",
            21046 => "sending too often: wait 24 hours",
            21047 => "only one message until the other side answers or follows",
            25003 => "refused by the other side's privacy setting",
            25005 => "you have blocked this user",
            700_009 => "no permission",
            700_013 => "the group was dissolved",
            700_014 => "no longer a member of the group",
            1_000_004 => "never talked to that conversation",
            _ => return None,
        })
    }

    fn describe(&self) -> String {
        let message = OneLine(&self.message);
        match self.meaning() {
            Some(meaning) if self.message.is_empty() => format!("code {}: {meaning}", self.code),
            Some(meaning) => format!("code {}: {meaning} ({message})", self.code),
            None => format!("code {}: {message}", self.code),
        }
    }
}

/// An answer that is not of the documented shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", self.prefix(), OneLine(message))]
pub struct DecodeError {
    path: String,
    message: String,
}

impl DecodeError {
    pub(crate) fn new(path: &str, message: &dyn fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            message: message.to_string(),
        }
    }

    /// The same error, seen from one level up: `data` + `messages[3]` is `data.messages[3]`.
    pub(crate) fn within(mut self, parent: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => parent.to_owned(),
            path if path.starts_with('[') => format!("{parent}{path}"),
            path => format!("{parent}.{path}"),
        };
        self
    }

    /// Where in the answer, as `data.messages[3].msg_seqno`; empty for the whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was wrong there.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn prefix(&self) -> String {
        if self.path.is_empty() {
            String::from("unreadable answer: ")
        } else {
            format!("unreadable answer at {}: ", OneLine(&self.path))
        }
    }
}

/// A row of pages does not come to its end: see [`Pager`](crate::pager::Pager).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The page says that there is more, and brought nothing to go on from.
    #[error("the server says that there is more, but its page brought nothing new")]
    Stalled,
    /// A page came that was not asked for.
    #[error("a page came, but none was asked for")]
    Unasked,
}

/// A call that was not made: the session keeps a pause that the service asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing was sent: the session pauses for {:.0?} more ({})", remaining, self.reason())]
#[non_exhaustive]
pub struct PausedError {
    /// Class of the refusal that began the pause: [`ErrorClass::RiskControl`],
    /// [`ErrorClass::Throttled`] or [`ErrorClass::Signature`].
    pub class: ErrorClass,
    /// Time from the call to the end of the pause.
    pub remaining: std::time::Duration,
}

impl PausedError {
    pub(crate) const fn new(class: ErrorClass, remaining: std::time::Duration) -> Self {
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

/// The first characters of a body, on one line.
pub(crate) fn excerpt(body: &[u8]) -> String {
    const LENGTH: usize = 200;
    let start = body.get(..LENGTH * 4).unwrap_or(body);
    String::from_utf8_lossy(start)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(LENGTH)
        .collect()
}
