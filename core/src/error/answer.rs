//! Errors of answers that came: no envelope, a refusal, another shape, a page without end.

use std::fmt;

use http::StatusCode;

use super::ErrorClass;
use crate::one_line::OneLine;

/// Answer without the service's envelope and with a status that is not 2xx.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP {status}: {}", OneLine(body))]
#[non_exhaustive]
pub struct HttpError {
    /// Status of the answer.
    pub status: StatusCode,
    /// Beginning of the body, on one line.
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

    /// Sorts the status by the remedy.
    pub(super) fn class(&self) -> ErrorClass {
        match self.status {
            StatusCode::PRECONDITION_FAILED | StatusCode::FORBIDDEN => ErrorClass::RiskControl,
            StatusCode::TOO_MANY_REQUESTS => ErrorClass::Throttled,
            status if status.is_client_error() => ErrorClass::CallerMistake,
            _ => ErrorClass::Server,
        }
    }
}

/// Refusal by the service, with one of its codes.
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
    /// Creates a refusal with the service's code and message.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Sorts the code by the remedy.
    pub const fn class(&self) -> ErrorClass {
        match self.code {
            -101 => ErrorClass::LoginLost,
            -111 | 2202 => ErrorClass::Csrf,
            -403 => ErrorClass::Signature,
            -352 | -412 | 0 => ErrorClass::RiskControl,
            -509 | -799 | 21020 | 21046 => ErrorClass::Throttled,
            -500 | -503 | -3 => ErrorClass::Server,
            -400 | 2 | 21007 | 21026 | 21037 | 21035 | 10005 | 21041 | 21042 => {
                ErrorClass::CallerMistake
            }
            1_900_004..=1_900_007 => ErrorClass::CallerMistake,
            1_000_004 | 700_013 | 700_014 => ErrorClass::ConversationGone,
            21047 | 21015 | 21028 | 25003 | 25005 | 700_009 => ErrorClass::Refused,
            code if code <= -500 && code > -600 => ErrorClass::Server,
            _ => ErrorClass::Refused,
        }
    }

    /// Returns the meaning of the code in English, where it is known.
    pub const fn meaning(&self) -> Option<&'static str> {
        Some(match self.code {
            0 => "the risk control asks for a verification",
            -101 => "not logged in: the SESSDATA is wrong or has expired",
            -111 => "wrong CSRF token: bili_jct does not belong to this SESSDATA",
            2202 => "wrong CSRF token: bili_jct does not belong to this SESSDATA",
            86095 => "the refresh token does not fit this login: it was renewed elsewhere",
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
            700_009 => "no permission; automatic replies, for one, need 1,000 followers",
            700_013 => "the group was dissolved",
            700_014 => "no longer a member of the group",
            1_000_004 => "never talked to that conversation",
            1_900_004 => "the blocked word is too long: it may have 20 characters",
            1_900_005 => "there are 200 blocked words already: delete one first",
            1_900_006 => "the word is blocked already",
            1_900_007 => "a blocked word may not contain spaces: add each word by itself",
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

/// Answer that is not of the documented shape.
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

    /// Returns the same error, seen from one level up: `data` + `messages[3]` is `data.messages[3]`.
    pub(crate) fn within(mut self, parent: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => parent.to_owned(),
            path if path.starts_with('[') => format!("{parent}{path}"),
            path => format!("{parent}.{path}"),
        };
        self
    }

    /// Returns the place in the answer, as `data.messages[3].msg_seqno`; empty for the whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the reason, in words.
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

/// Row of pages that does not come to its end: see [`Pager`](crate::pager::Pager).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The page says that more follow, and brought nothing to go on from.
    #[error("the server says that there is more, but its page brought nothing new")]
    Stalled,
    /// A page came that was not asked for.
    #[error("a page came, but none was asked for")]
    Unasked,
}

/// Returns the first characters of a body, on one line.
fn excerpt(body: &[u8]) -> String {
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
