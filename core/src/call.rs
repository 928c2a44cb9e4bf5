//! One call from beginning to end: keys first if it needs them, and one retry.

use std::fmt;

use http::{Request, Response};

use crate::context::Context;
use crate::endpoint::{Auth, Endpoint, server_date};
use crate::endpoints::Nav;
use crate::error::{Error, ErrorClass, TransportError};
use crate::identity::{Generation, Identity, IdentityCache};
use crate::time::{Now, UnixSeconds};

/// What to do next for a call.
#[must_use]
pub enum Step<T> {
    /// Send this and give what comes of it to [`Call::handle_response`].
    Send(Request<Vec<u8>>),
    /// The call is over.
    Done(Result<T, Error>),
}

/// A request without headers, query and body: they hold cookies and tokens.
impl<T: fmt::Debug> fmt::Debug for Step<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(request) => f
                .debug_tuple("Send")
                .field(request.method())
                .field(&request.uri().path())
                .finish(),
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
        }
    }
}

/// An account: what its requests have in common, and the keys it has.
///
/// Calls share it: one that fetched keys leaves them for the next.
#[derive(Debug, Clone)]
pub struct Account {
    context: Context,
    identity: IdentityCache,
    clock: ServerClock,
}

impl Account {
    /// An account that has no keys yet.
    pub fn new(context: Context) -> Self {
        Self {
            context,
            identity: IdentityCache::default(),
            clock: ServerClock::default(),
        }
    }

    /// What all requests have in common.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What nav said last, if it was asked and its keys are still good.
    pub fn identity(&self) -> Option<(Generation, std::sync::Arc<Identity>)> {
        self.identity.get()
    }

    /// Keeps what nav said.
    ///
    /// # Errors
    /// Fails when the credential was given for another account than it is a login of.
    pub fn store(&mut self, identity: Identity) -> Result<(), Error> {
        self.context.check_uid(identity.uid)?;
        self.identity.store(identity);
        Ok(())
    }

    /// Forgets keys that the service refused.
    pub fn refuse(&mut self, generation: Generation) {
        self.identity.refuse(generation);
    }

    /// The server's clock as far as its answers have shown it, else the local one.
    pub fn server_now(&self, now: Now) -> UnixSeconds {
        self.clock.read(now)
    }

    /// The server's clock, if one of its answers has shown it.
    pub(crate) fn observed_now(&self, now: Now) -> Option<UnixSeconds> {
        self.clock.seen.map(|_| self.clock.read(now))
    }

    /// Sets the server's clock by an answer.
    pub fn observe<B>(&mut self, response: &Response<B>, now: Now) {
        self.clock.observe(server_date(response), now);
    }
}

/// The server's clock, carried on by the monotonic one.
#[derive(Debug, Clone, Copy, Default)]
struct ServerClock {
    seen: Option<(UnixSeconds, std::time::Duration)>,
}

impl ServerClock {
    fn observe(&mut self, date: Option<UnixSeconds>, now: Now) {
        if let Some(date) = date {
            self.seen = Some((date, now.monotonic));
        }
    }

    fn read(&self, now: Now) -> UnixSeconds {
        match self.seen {
            Some((date, at)) => date.plus(now.monotonic.saturating_sub(at)),
            None => now.wall.to_seconds(),
        }
    }
}

/// One call: at most nav, the call, and both once more when the signature was
/// refused. Nothing else is tried again.
///
/// ```
/// use bilibili_session::endpoints::FetchSessionMsgs;
/// use bilibili_session::{Account, Call, Context, Credential, Now, Step, Uid, UnixMicros};
/// use std::time::Duration;
///
/// # let nav = br#"{"code":-101,"message":"made up"}"#.to_vec();
/// # let send = |_request: http::Request<Vec<u8>>| Ok(http::Response::new(nav.clone()));
/// # let now = || Now { monotonic: Duration::ZERO, wall: UnixMicros(0) };
/// let mut account = Account::new(Context::new(Credential::parse("SESSDATA=made%2Cup")?));
/// let mut call = Call::new(FetchSessionMsgs::new(Uid(20001)));
/// let mut step = call.start(&mut account, now());
/// let result = loop {
///     match step {
///         Step::Send(request) => {
///             let answer = send(request);
///             step = call.handle_response(&mut account, now(), answer);
///         }
///         Step::Done(result) => break result,
///     }
/// };
/// assert_eq!(result.unwrap_err().code(), Some(-101));
/// # Ok::<(), bilibili_session::CredentialError>(())
/// ```
#[derive(Debug)]
pub struct Call<E> {
    endpoint: E,
    stage: Stage,
    signed_again: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nav,
    Sent(Option<Generation>),
    Over,
}

impl<E: Endpoint> Call<E> {
    /// A call that has not begun.
    pub fn new(endpoint: E) -> Self {
        Self {
            endpoint,
            stage: Stage::Over,
            signed_again: false,
        }
    }

    /// Begins the call.
    pub fn start(&mut self, account: &mut Account, now: Now) -> Step<E::Output> {
        self.signed_again = false;
        match self.endpoint.check(&account.context) {
            Ok(()) => self.send(account, now),
            Err(error) => self.done(Err(error.into())),
        }
    }

    /// Takes what came of the request that was to be sent last.
    pub fn handle_response(
        &mut self,
        account: &mut Account,
        now: Now,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) -> Step<E::Output> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.done(Err(error.into())),
        };
        account.observe(&answer, now);
        match self.stage {
            Stage::Nav => {
                let stored = Nav
                    .parse(&answer)
                    .and_then(|nav| nav.into_identity())
                    .and_then(|identity| account.store(identity));
                match stored {
                    Ok(()) => self.send(account, now),
                    Err(error) => self.done(Err(error)),
                }
            }
            Stage::Sent(generation) => match (self.endpoint.parse(&answer), generation) {
                (Err(error), Some(generation))
                    if error.class() == ErrorClass::Signature && !self.signed_again =>
                {
                    self.signed_again = true;
                    account.refuse(generation);
                    self.send(account, now)
                }
                (result, _) => self.done(result),
            },
            Stage::Over => self.done(Err(TransportError::new(
                crate::error::TransportErrorKind::Other,
                "an answer came, but the call had sent nothing",
            )
            .into())),
        }
    }

    fn send(&mut self, account: &Account, now: Now) -> Step<E::Output> {
        let context = &account.context;
        let known = account.identity.get();
        let request = match (E::Auth::without_identity(), &known) {
            (Some(proof), _) => {
                self.stage = Stage::Sent(None);
                self.endpoint.request(context, proof)
            }
            (None, Some((generation, identity))) => {
                self.stage = Stage::Sent(Some(*generation));
                let proof = E::Auth::with_identity(identity, account.server_now(now));
                self.endpoint.request(context, proof)
            }
            (None, None) => {
                self.stage = Stage::Nav;
                Nav.request(context, ())
            }
        };
        match request {
            Ok(request) => Step::Send(request),
            Err(error) => self.done(Err(error.into())),
        }
    }

    fn done(&mut self, result: Result<E::Output, Error>) -> Step<E::Output> {
        self.stage = Stage::Over;
        Step::Done(result)
    }
}
