//! Failures of the command: the exit code, the line for people, the line for scripts.

use std::fmt;
use std::io;

use bilibili_session::Error;
use bilibili_session::error::{BuildError, ErrorClass, TransportErrorKind};
use bilibili_session::login::LoginError;
use bilibili_session::poller::ConfigError;
use serde::Serialize;

use crate::texts::{Language, Said, Text, text};

/// Reason why the command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage or configuration; nothing was done.
    Usage(Text),
    /// A call or a watch failed.
    Call(Error),
    /// A message was sent, and the conversation does not show it.
    NotArrived,
    /// A message was sent, and the conversation could not be read back.
    NotVerified,
    /// A login, its renewal or its end failed for another reason than a call's.
    Login(LoginError),
    /// Somebody pressed Ctrl-C before the login was there.
    Interrupted,
    /// A file could not be written, in words.
    File(Text),
    /// The output could not be written.
    Output(io::Error),
    /// The reader of the output is gone, which is no failure.
    ClosedPipe,
}

/// The last line with `--json`.
#[derive(Serialize)]
pub(crate) struct Line {
    event: &'static str,
    kind: &'static str,
    code: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    message: String,
}

impl Failure {
    /// Creates a failure of wrong usage, in the words of what was wrong.
    pub(crate) fn usage(words: impl Said) -> Self {
        Self::Usage(Text::of(&words))
    }

    /// Returns the exit code, 0 to 4.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Usage(_)
            | Self::Call(Error::Build(_))
            | Self::Login(LoginError::Call(Error::Build(_))) => 2,
            Self::Login(LoginError::Call(error)) => Self::code_of(error),
            Self::NotArrived
            | Self::NotVerified
            | Self::Login(_)
            | Self::Interrupted
            | Self::File(_)
            | Self::Output(_) => 1,
            Self::Call(error) => Self::code_of(error),
        }
    }

    fn code_of(error: &Error) -> u8 {
        match error.class() {
            ErrorClass::LoginLost => 3,
            ErrorClass::RiskControl => 4,
            _ => 1,
        }
    }

    /// Returns the call that failed, if it was one.
    const fn call(&self) -> Option<&Error> {
        match self {
            Self::Call(error) | Self::Login(LoginError::Call(error)) => Some(error),
            _ => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Call(Error::UnknownOutcome(_)) => "unknown_outcome",
            Self::Call(error) | Self::Login(LoginError::Call(error)) => error.class().as_str(),
            Self::NotArrived => "not_arrived",
            Self::NotVerified => "not_verified",
            Self::Login(_) => "login",
            Self::Interrupted => "interrupted",
            Self::File(_) => "file",
            Self::Output(_) | Self::ClosedPipe => "output",
        }
    }

    /// Returns the line for scripts; there is none for 0 and 2.
    pub(crate) fn line(&self) -> Option<Line> {
        if !matches!(self.exit_code(), 1 | 3 | 4) {
            return None;
        }
        let error = self.call();
        let code = error.and_then(Error::code);
        let http_status = error.and_then(Error::http_status).map(|it| it.as_u16());
        Some(Line {
            event: "error",
            kind: self.kind(),
            code,
            http_status,
            message: self.message().said(Language::English),
        })
    }

    /// Returns what has failed, without advice.
    pub(crate) fn message(&self) -> Text {
        match self {
            Self::Usage(words) | Self::File(words) => words.clone(),
            Self::Call(error) => Text::of(error),
            Self::Login(error) => Text::of(error),
            Self::NotArrived => text!("not-arrived"),
            Self::NotVerified => text!("not-verified"),
            Self::Interrupted => text!("interrupted"),
            Self::Output(error) => text!("output-unwritable", error = *error),
            Self::ClosedPipe => text!("nobody-reads"),
        }
    }

    /// Returns advice, if there is any.
    fn hint(&self) -> Option<Text> {
        let error = self.call()?;
        // It says itself what to do.
        if let Error::UnknownOutcome(_) = error {
            return None;
        }
        if let Error::Transport(error) = error
            && error.kind == TransportErrorKind::Timeout
        {
            return Some(text!("hint-timeout"));
        }
        if let Error::Paused(_) = error {
            return Some(text!("hint-paused"));
        }
        if let Error::Build(BuildError::MissingBiliJct) = error {
            return Some(text!("hint-no-bili-jct"));
        }
        match error.code() {
            // Its own words say how long.
            Some(21046) => return None,
            Some(21047) => return Some(text!("hint-one-message")),
            _ => {}
        }
        Some(match error.class() {
            ErrorClass::LoginLost => text!("hint-login-lost"),
            ErrorClass::Csrf => text!("hint-csrf"),
            ErrorClass::RiskControl => text!("hint-risk-control"),
            ErrorClass::Throttled => text!("hint-throttled"),
            ErrorClass::Server => text!("hint-server"),
            ErrorClass::Transport => text!("hint-transport"),
            ErrorClass::ConversationGone => text!("hint-conversation-gone"),
            _ => return None,
        })
    }

    /// Returns one line, with advice.
    pub(crate) fn words(&self) -> Text {
        let message = self.message();
        match self.hint() {
            Some(hint) => text!("with-hint", message = message, hint = hint),
            None => message,
        }
    }
}

/// Writes one line, with advice, in the language of the person who reads it.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<LoginError> for Failure {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::IntervalTooShort => {
                Self::Usage(text!("interval-too-short", error = error))
            }
            ConfigError::ForeignCheckpoint { .. } => {
                Self::Usage(text!("foreign-checkpoint", error = error))
            }
            _ => Self::usage(error),
        }
    }
}

/// Wraps failures of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::Output(error),
        }
    }
}
