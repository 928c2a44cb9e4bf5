//! Renew a login, or finish a renewal that was interrupted.

use std::fmt;

use http::{Request, Response};

use super::cookies::check_account;
use super::correspond;
use super::steps::{Confirm, CookieInfo, CookieState, Correspond, Exchange};
use super::{Login, LoginConfig, LoginError};
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorClass, TransportError};
use crate::secret::Secret;

/// The next thing to do for a renewal.
#[expect(clippy::exhaustive_enums, reason = "a driver does each of these")]
#[must_use]
pub enum RefreshOutput {
    /// Send this request; its answer goes to [`Refresh::handle_response`].
    Send(Request<Vec<u8>>),
    /// Store this login in place of the one before, and call [`Refresh::handle_stored`] once it is
    /// where a crash does not reach it. If that fails, drop the machine: nothing is lost yet.
    Store(Box<Login>),
    /// Nothing is to be done until the answer comes, or until the login is stored.
    Wait,
    /// The renewal is over; true if the login is a new one.
    Done(Result<bool, LoginError>),
}

/// A request without headers and query: they hold secrets.
impl fmt::Debug for RefreshOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(request) => f.debug_tuple("Send").field(request.method()).finish(),
            Self::Store(login) => f.debug_tuple("Store").field(login).finish(),
            Self::Wait => f.write_str("Wait"),
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
        }
    }
}

/// Machine of a renewal: a confirmation that is still owed first, then the question whether the
/// login is to be renewed, then new cookies, and at last the end of the old ones.
///
/// Between the last two the new login is [stored](RefreshOutput::Store). A process that is killed
/// at any moment goes on from what it stored last: before that the old login is good, after it the
/// new one, which owes the confirmation until it was answered.
///
/// ```
/// use bilibili_session::Credential;
/// use bilibili_session::login::{Login, LoginConfig, Refresh, RefreshOutput};
///
/// # let send = |_: http::Request<Vec<u8>>| {
/// #     Ok(http::Response::new(br#"{"code":0,"data":{"refresh":false,"timestamp":1}}"#.to_vec()))
/// # };
/// # let store = |_: &Login| Ok::<(), std::io::Error>(());
/// let credential = Credential::parse("SESSDATA=made%2Cup; bili_jct=0011; DedeUserID=10001")?;
/// let login = Login::with_refresh_token(credential, "made up")?;
/// // The seed is drawn anew for each renewal.
/// let mut refresh = Refresh::new(LoginConfig::new(), login, [7; 32]);
/// let is_new = loop {
///     match refresh.poll_output() {
///         RefreshOutput::Send(request) => {
///             let answer = send(request);
///             refresh.handle_response(answer);
///         }
///         RefreshOutput::Store(login) => {
///             store(&login)?;
///             refresh.handle_stored();
///         }
///         RefreshOutput::Wait => unreachable!("each request was answered"),
///         RefreshOutput::Done(result) => break result?,
///     }
/// };
/// assert!(!is_new);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Refresh {
    config: LoginConfig,
    login: Login,
    seed: Option<[u8; 32]>,
    is_forced: bool,
    is_new: bool,
    stage: Stage,
}

/// A request of the renewal.
#[derive(Debug)]
enum Step {
    /// Ends the login before.
    Confirm,
    /// Asks whether this login is good although its confirmation was refused.
    Verify,
    /// Asks whether it is to be renewed.
    Info,
    /// Asks for the second token.
    Correspond { path: String },
    /// Asks for new cookies.
    Exchange { refresh_csrf: Secret },
}

#[derive(Debug)]
enum Stage {
    Next(Step),
    Sent(Step),
    /// The login is to be handed out, to be stored.
    Store,
    Storing,
    Over(Option<Result<bool, LoginError>>),
}

impl Refresh {
    /// Creates a renewal that has sent nothing yet. The seed is random, and of this renewal alone.
    pub const fn new(config: LoginConfig, login: Login, seed: [u8; 32]) -> Self {
        let stage = match login.owes_confirmation() {
            true => Stage::Next(Step::Confirm),
            false => Stage::Next(Step::Info),
        };
        Self {
            config,
            login,
            seed: Some(seed),
            is_forced: false,
            is_new: false,
            stage,
        }
    }

    /// Creates the repetition of a confirmation that is owed, and of nothing else.
    pub const fn confirm_only(config: LoginConfig, login: Login) -> Self {
        let stage = match login.owes_confirmation() {
            true => Stage::Next(Step::Confirm),
            false => Stage::Over(Some(Ok(false))),
        };
        Self {
            config,
            login,
            seed: None,
            is_forced: false,
            is_new: false,
            stage,
        }
    }

    /// Renews the login also where the service does not ask for it.
    #[must_use]
    pub const fn force(mut self, is_forced: bool) -> Self {
        self.is_forced = is_forced;
        self
    }

    /// Returns the next thing to do. To be called again after each thing that was done.
    pub fn poll_output(&mut self) -> RefreshOutput {
        match std::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::Next(step) => match self.request(&step) {
                Ok(request) => {
                    self.stage = Stage::Sent(step);
                    RefreshOutput::Send(request)
                }
                Err(error) => RefreshOutput::Done(Err(error)),
            },
            Stage::Store => {
                self.stage = Stage::Storing;
                RefreshOutput::Store(Box::new(self.login.clone()))
            }
            stage @ (Stage::Sent(_) | Stage::Storing) => {
                self.stage = stage;
                RefreshOutput::Wait
            }
            Stage::Over(result) => RefreshOutput::Done(result.unwrap_or(Err(LoginError::Over))),
        }
    }

    /// Notes that the login of the last [`RefreshOutput::Store`] is stored.
    pub fn handle_stored(&mut self) {
        if !matches!(self.stage, Stage::Storing) {
            return;
        }
        self.stage = if self.login.owes_confirmation() {
            Stage::Next(Step::Confirm)
        } else if self.is_new || self.seed.is_none() {
            Stage::Over(Some(Ok(self.is_new)))
        } else {
            Stage::Next(Step::Info)
        };
    }

    /// Takes the answer to the request that was sent last. An answer that the renewal does not
    /// wait for is dropped.
    pub fn handle_response(&mut self, answer: Result<Response<Vec<u8>>, TransportError>) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::Sent(step) => self
                .answered(step, answer)
                .unwrap_or_else(|error| Stage::Over(Some(Err(error)))),
            other => other,
        };
    }

    fn request(&self, step: &Step) -> Result<Request<Vec<u8>>, LoginError> {
        let context = self.config.client_config(&self.login);
        let request = match step {
            Step::Confirm => Confirm {
                old_refresh_token: self.login.replaces().ok_or(LoginError::Over)?,
            }
            .request(&context, ()),
            Step::Verify | Step::Info => CookieInfo.request(&context, ()),
            Step::Correspond { path } => Correspond { path: path.clone() }.request(&context, ()),
            Step::Exchange { refresh_csrf } => self.exchange(refresh_csrf)?.request(&context, ()),
        };
        Ok(request.map_err(Error::from)?)
    }

    fn exchange<'a>(&'a self, refresh_csrf: &'a Secret) -> Result<Exchange<'a>, LoginError> {
        let refresh_token = self.login.refresh_token();
        Ok(Exchange {
            login: &self.login,
            refresh_csrf,
            refresh_token: refresh_token.ok_or(LoginError::NoRefreshToken)?,
        })
    }

    /// Returns what follows from the answer to a step.
    fn answered(
        &mut self,
        step: Step,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) -> Result<Stage, LoginError> {
        let answer = answer.map_err(Error::from)?;
        match step {
            Step::Confirm => self.confirmed(&answer),
            Step::Verify => {
                CookieInfo.parse(&answer)?;
                Ok(self.settled())
            }
            Step::Info => {
                let state = CookieInfo.parse(&answer)?;
                self.informed(state)
            }
            Step::Correspond { path } => {
                let refresh_csrf = Correspond { path }.parse(&answer)?;
                Ok(Stage::Next(Step::Exchange { refresh_csrf }))
            }
            Step::Exchange { refresh_csrf } => {
                let mut login = self.exchange(&refresh_csrf)?.read(&answer)?;
                check_account(self.login.uid(), login.uid())?;
                login.set_replaces(self.login.refresh_token().cloned());
                self.login = login;
                self.is_new = true;
                Ok(Stage::Store)
            }
        }
    }

    /// Judges the answer to a confirmation. One that is repeated may be refused because it was
    /// carried out before: then the login itself tells whether all is well.
    fn confirmed(&mut self, answer: &Response<Vec<u8>>) -> Result<Stage, LoginError> {
        let old_refresh_token = self.login.replaces().ok_or(LoginError::Over)?;
        match (Confirm { old_refresh_token }).parse(answer) {
            Ok(()) => Ok(self.settled()),
            Err(error) => match error.class() {
                ErrorClass::Transport
                | ErrorClass::Server
                | ErrorClass::Throttled
                | ErrorClass::RiskControl => Err(error.into()),
                _ => Ok(Stage::Next(Step::Verify)),
            },
        }
    }

    /// Owes nothing any more, which is stored too.
    fn settled(&mut self) -> Stage {
        self.login.set_replaces(None);
        Stage::Store
    }

    fn informed(&mut self, state: CookieState) -> Result<Stage, LoginError> {
        if !state.refresh && !self.is_forced {
            return Ok(Stage::Over(Some(Ok(false))));
        }
        if !self.login.can_be_renewed() {
            return Err(LoginError::NoRefreshToken);
        }
        let seed = self.seed.ok_or(LoginError::Over)?;
        let path = correspond::path(state.timestamp, seed)?;
        Ok(Stage::Next(Step::Correspond { path }))
    }
}
