//! End a login.

use std::time::Duration;

use http::{Request, Response};

use super::steps::{CookieInfo, Exit};
use super::{Login, LoginConfig};
use crate::call::Output;
use crate::client_config::ClientConfig;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorClass, TransportError, TransportErrorKind};

/// Machine of the end of a login. A login that the service says is dead has ended, too.
///
/// A dead login gets a page for people in place of an answer, as other trouble may: then the
/// machine asks whether the login is dead.
#[derive(Debug)]
pub struct Logout {
    context: ClientConfig,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Exit,
    Exiting,
    Check(Error),
    Checking(Error),
    Over(Option<Result<(), Error>>),
}

impl Logout {
    /// Creates the end of a login that has sent nothing yet.
    pub fn new(config: &LoginConfig, login: &Login) -> Self {
        Self {
            context: config.client_config(login),
            stage: Stage::Exit,
        }
    }

    /// Returns the next thing to do. To be called again after each answer.
    pub fn poll_output(&mut self) -> Output<()> {
        let (stage, request) = match std::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::Exit => (Stage::Exiting, Exit.request(&self.context, ())),
            Stage::Check(error) => (
                Stage::Checking(error),
                CookieInfo.request(&self.context, ()),
            ),
            Stage::Over(result) => {
                return Output::Done(result.unwrap_or_else(|| {
                    let reason = "the result was taken before";
                    Err(TransportError::new(TransportErrorKind::Other, reason).into())
                }));
            }
            stage => {
                self.stage = stage;
                return Output::Wait(Duration::MAX);
            }
        };
        match request.map_err(Error::from) {
            Ok(request) => self.sent(stage, request),
            Err(error) => Output::Done(Err(error)),
        }
    }

    fn sent(&mut self, stage: Stage, request: Request<Vec<u8>>) -> Output<()> {
        self.stage = stage;
        Output::Send(request)
    }

    /// Takes the answer to the request that was sent last. An answer that the machine does not
    /// wait for is dropped.
    pub fn handle_response(&mut self, answer: Result<Response<Vec<u8>>, TransportError>) {
        let answer = answer.map_err(Error::from);
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over(None)) {
            Stage::Exiting => match answer.and_then(|answer| Exit.parse(&answer)) {
                Err(error) if is_a_page(&error) => Stage::Check(error),
                result => Stage::Over(Some(or_dead(result))),
            },
            // Alive, or not known: then the page was trouble.
            Stage::Checking(page) => match answer.and_then(|answer| CookieInfo.parse(&answer)) {
                Err(error) if error.class() == ErrorClass::LoginLost => Stage::Over(Some(Ok(()))),
                _ => Stage::Over(Some(Err(page))),
            },
            other => other,
        };
    }
}

fn or_dead(result: Result<(), Error>) -> Result<(), Error> {
    result.or_else(|error| match error.class() {
        ErrorClass::LoginLost => Ok(()),
        _ => Err(error),
    })
}

/// Returns whether the answer is one for people, or leads to one.
fn is_a_page(error: &Error) -> bool {
    match error {
        Error::Decode(_) => true,
        Error::Http(error) => error.status.is_redirection(),
        _ => false,
    }
}
