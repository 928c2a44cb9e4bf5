//! Log in with the phone.

use std::fmt;
use std::time::Duration;

use http::{Request, Response};

use super::steps::{self, QrState};
use super::{Login, LoginConfig, LoginError};
use crate::error::{ErrorClass, TransportError};
use crate::secret::Secret;
use crate::time::Now;

/// Time that a QR code is good for.
const LIFETIME: Duration = Duration::from_secs(180);
/// Time after which a code is taken for expired, although the service does not say so.
const OVERDUE: Duration = Duration::from_secs(200);
/// Time between two questions.
const INTERVAL: Duration = Duration::from_secs(2);
/// Number of codes that are shown, one after the other.
const CODES: u8 = 3;

/// QR code to scan with the phone's app.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QrCode {
    url: String,
    expires_in: Duration,
}

impl QrCode {
    /// Returns the address that the QR code stands for.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the time that the code is good for.
    pub const fn expires_in(&self) -> Duration {
        self.expires_in
    }
}

/// Shows no address: whoever knows that of a code that is scanned gets the login.
impl fmt::Debug for QrCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QrCode")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// Progress of a login by QR code, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever shows a login shows each")]
pub enum QrProgress {
    /// This code is to be scanned, in place of one before.
    Show(QrCode),
    /// The code was scanned. What is left is the confirmation on the phone.
    Scanned,
}

/// The next thing to do for a login by QR code.
#[expect(clippy::exhaustive_enums, reason = "a driver does each of these")]
#[must_use]
pub enum QrOutput {
    /// Send this request; its answer goes to [`QrLogin::handle_response`].
    Send(Request<Vec<u8>>),
    /// Show this code, in place of one before.
    Show(QrCode),
    /// The code was scanned. What is left is the confirmation on the phone.
    Scanned,
    /// Nothing is to be done until this monotonic reading, or until the answer comes.
    Wait(Duration),
    /// The login is there, or there will be none.
    Done(Result<Box<Login>, LoginError>),
}

/// A request without headers and query: they hold secrets.
impl fmt::Debug for QrOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(request) => f.debug_tuple("Send").field(&request.uri().path()).finish(),
            Self::Show(code) => f.debug_tuple("Show").field(code).finish(),
            Self::Scanned => f.write_str("Scanned"),
            Self::Wait(until) => f.debug_tuple("Wait").field(until).finish(),
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
        }
    }
}

/// Machine of a login by QR code: a code, the question every two seconds whether it was scanned
/// and confirmed, and twice a new code where one expires.
///
/// One question that fails is asked again. See the [module](super) for how it is driven.
#[derive(Debug)]
pub struct QrLogin {
    config: LoginConfig,
    stage: Stage,
    codes_left: u8,
    /// The question before failed.
    has_failed: bool,
    /// The phone has scanned the code, and that was said.
    is_scanned: bool,
}

#[derive(Debug)]
enum Stage {
    /// A code is to be asked for.
    New,
    Generating,
    /// A code is to be shown.
    Show(Shown, String),
    /// The next question is due at `at`.
    Pause {
        code: Shown,
        at: Duration,
    },
    Polling(Shown),
    /// That the code was scanned is to be said before what follows.
    Scanned(Box<Stage>),
    Over(Option<Result<Box<Login>, LoginError>>),
}

/// A code that is shown.
#[derive(Debug)]
struct Shown {
    key: Secret,
    since: Duration,
}

impl QrLogin {
    /// Creates a login that has sent nothing yet.
    pub const fn new(config: LoginConfig) -> Self {
        Self {
            config,
            stage: Stage::New,
            codes_left: CODES,
            has_failed: false,
            is_scanned: false,
        }
    }

    /// Returns the next thing to do. To be called again after each thing that was done.
    pub fn poll_output(&mut self, now: Now) -> QrOutput {
        let clock = now.monotonic;
        match std::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::New => self.generate(),
            Stage::Show(code, url) => {
                self.pause(code, clock);
                QrOutput::Show(QrCode {
                    url,
                    expires_in: LIFETIME,
                })
            }
            Stage::Pause { code, at } if clock < at => {
                self.stage = Stage::Pause { code, at };
                QrOutput::Wait(at)
            }
            Stage::Pause { code, .. } if clock.saturating_sub(code.since) > OVERDUE => {
                self.generate()
            }
            Stage::Pause { code, .. } => match steps::poll(&self.config, &code.key) {
                Ok(request) => {
                    self.stage = Stage::Polling(code);
                    QrOutput::Send(request)
                }
                Err(error) => QrOutput::Done(Err(error)),
            },
            Stage::Scanned(next) => {
                self.stage = *next;
                QrOutput::Scanned
            }
            // The answer comes when it comes.
            stage @ (Stage::Generating | Stage::Polling(_)) => {
                self.stage = stage;
                QrOutput::Wait(Duration::MAX)
            }
            Stage::Over(result) => QrOutput::Done(result.unwrap_or(Err(LoginError::Over))),
        }
    }

    /// Takes the answer to the request that was sent last. An answer that the login does not wait
    /// for is dropped.
    pub fn handle_response(&mut self, now: Now, answer: Result<Response<Vec<u8>>, TransportError>) {
        let clock = now.monotonic;
        let answer = answer.map_err(|error| LoginError::Call(error.into()));
        match std::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::Generating => {
                self.stage = match answer.and_then(|answer| steps::generated(&answer)) {
                    Ok((url, key)) => Stage::Show(Shown { key, since: clock }, url),
                    Err(error) => Stage::Over(Some(Err(error))),
                };
            }
            Stage::Polling(code) => {
                let state = answer.and_then(|answer| steps::polled(&answer));
                self.handle_state(code, clock, state);
            }
            other => self.stage = other,
        }
    }

    fn handle_state(&mut self, code: Shown, clock: Duration, state: Result<QrState, LoginError>) {
        let had_failed = std::mem::replace(&mut self.has_failed, state.is_err());
        match state {
            Ok(QrState::NotScanned) => self.pause(code, clock),
            Ok(QrState::Scanned) => {
                self.pause(code, clock);
                self.say_scanned();
            }
            Ok(QrState::Expired) => self.stage = Stage::New,
            Ok(QrState::Confirmed(login)) => {
                self.stage = Stage::Over(Some(Ok(login)));
                self.say_scanned();
            }
            Err(error) if !had_failed && may_pass(&error) => self.pause(code, clock),
            Err(error) => self.stage = Stage::Over(Some(Err(error))),
        }
    }

    fn pause(&mut self, code: Shown, clock: Duration) {
        let at = clock.saturating_add(INTERVAL);
        self.stage = Stage::Pause { code, at };
    }

    /// Says once for each code that it was scanned, also where the phone was so fast that no
    /// question met that state.
    fn say_scanned(&mut self) {
        if !std::mem::replace(&mut self.is_scanned, true) {
            let next = std::mem::replace(&mut self.stage, Stage::Over(None));
            self.stage = Stage::Scanned(Box::new(next));
        }
    }

    /// Asks for a code, if one is left.
    fn generate(&mut self) -> QrOutput {
        let Some(left) = self.codes_left.checked_sub(1) else {
            return QrOutput::Done(Err(LoginError::Expired));
        };
        self.codes_left = left;
        self.has_failed = false;
        self.is_scanned = false;
        match steps::generate(&self.config) {
            Ok(request) => {
                self.stage = Stage::Generating;
                QrOutput::Send(request)
            }
            Err(error) => QrOutput::Done(Err(error)),
        }
    }
}

/// Returns whether the same question may be answered in a moment.
fn may_pass(error: &LoginError) -> bool {
    matches!(
        error.class(),
        Some(ErrorClass::Transport | ErrorClass::Server | ErrorClass::Throttled)
    )
}
