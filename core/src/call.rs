//! One call from beginning to end: keys first where they are needed, and one retry.

use std::fmt;
use std::time::Duration;

use http::{Request, Response};

use crate::auth_state::AuthState;
use crate::endpoint::{Auth, Endpoint};
use crate::endpoints::Nav;
use crate::error::{BuildError, Error, ErrorClass, TransportError, TransportErrorKind};
use crate::identity::{Generation, Refusal};
use crate::logs::Span;
use crate::nav_gate::{NavNumber, NavTicket};
use crate::send::Place;
use crate::time::Now;

/// The next thing to do for a call.
#[expect(
    clippy::exhaustive_enums,
    reason = "whatever drives a call does each of these"
)]
#[must_use]
pub enum Output<T> {
    /// Send this request; its answer goes to [`Call::handle_response`].
    Send(Request<Vec<u8>>),
    /// Nothing is to be done until this monotonic reading, or until another call of the account,
    /// or its poller, has got or failed to get the keys that this call waits for, or has sent what
    /// goes out before it.
    Wait(Duration),
    /// The call is over.
    Done(Result<T, Error>),
}

/// A request without headers, query and body: they hold cookies and tokens.
impl<T: fmt::Debug> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(request) => f
                .debug_tuple("Send")
                .field(request.method())
                .field(&request.uri().path())
                .finish(),
            Self::Wait(until) => f.debug_tuple("Wait").field(until).finish(),
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
        }
    }
}

/// Machine of one call: at most nav, the call, and both once more when the signature was
/// refused; where only the refusal tells that a list is to be signed, one request before.
/// Nothing else is tried again.
///
/// Of the calls that share an [`AuthState`] one asks for keys at a time: the others wait for that
/// answer, and share it, good or bad. A call that is dropped half way lets the next one ask.
///
/// ```
/// use bilibili_session::call::{Call, Output};
/// use bilibili_session::endpoints::FetchSessionMsgs;
/// use bilibili_session::{AuthState, ClientConfig, Credential, Now, Uid, UnixMicros};
/// use std::time::Duration;
///
/// # let nav = br#"{"code":-101,"message":"made up"}"#.to_vec();
/// # let send = |_request: http::Request<Vec<u8>>| Ok(http::Response::new(nav.clone()));
/// # let now = || Now { monotonic: Duration::ZERO, wall: UnixMicros(0) };
/// let mut account = AuthState::new(ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?));
/// let mut call = Call::new(FetchSessionMsgs::new(Uid(20001)));
/// let result = loop {
///     match call.poll_output(&mut account, now()) {
///         Output::Send(request) => {
///             let answer = send(request);
///             call.handle_response(&mut account, now(), answer);
///         }
///         Output::Wait(_) => unreachable!("no other call shares the account"),
///         Output::Done(result) => break result,
///     }
/// };
/// assert_eq!(result.unwrap_err().code(), Some(-101));
/// # Ok::<(), bilibili_session::CredentialError>(())
/// ```
#[derive(Debug)]
pub struct Call<E: Endpoint> {
    endpoint: E,
    stage: Stage<E::Output>,
    signed_again: bool,
    /// Place of a call that sends among the sends of the account.
    place: Option<Place>,
    /// Set once the request of the call itself was handed out, and no nav since.
    was_sent: bool,
    span: Span,
}

#[derive(Debug)]
enum Stage<T> {
    /// The next request is to be sent: nav where keys are missing, else the call itself.
    Ready,
    /// Another nav is in flight.
    Waiting(NavNumber),
    Nav(NavTicket),
    Sent(Option<Generation>),
    /// The call is over; the result is there until it is taken.
    Over(Option<Result<T, Error>>),
}

impl<E: Endpoint> Call<E> {
    /// Creates a call that has sent nothing yet.
    pub const fn new(endpoint: E) -> Self {
        Self {
            endpoint,
            stage: Stage::Ready,
            signed_again: false,
            place: None,
            was_sent: false,
            span: Span::none(),
        }
    }

    /// Creates a call that sends, in this place among the sends of the account.
    pub(crate) const fn with_place(endpoint: E, place: Place) -> Self {
        Self {
            endpoint,
            stage: Stage::Ready,
            signed_again: false,
            place: Some(place),
            was_sent: false,
            span: Span::none(),
        }
    }

    /// Returns the next thing to do. To be called again after each answer, and after a wait.
    pub fn poll_output(&mut self, account: &mut AuthState, now: Now) -> Output<E::Output> {
        match &mut self.stage {
            Stage::Ready => self.send(account, now),
            Stage::Waiting(number) => match account.nav_failure(*number).cloned() {
                Some(error) => self.end(Err(error)),
                None => self.send(account, now),
            },
            // The answer comes when it comes.
            Stage::Nav(_) | Stage::Sent(_) => Output::Wait(Duration::MAX),
            Stage::Over(result) => {
                Output::Done(result.take().unwrap_or_else(|| Err(taken_before())))
            }
        }
    }

    /// Takes the answer to the request that was sent last. An answer that the call does not wait
    /// for is dropped.
    pub fn handle_response(
        &mut self,
        account: &mut AuthState,
        now: Now,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        if let Ok(answer) = &answer {
            account.observe(answer, now);
        }
        self.stage = match std::mem::replace(&mut self.stage, Stage::Ready) {
            Stage::Nav(ticket) => match handle_nav(account, now, answer) {
                Ok(()) => Stage::Ready,
                Err(error) => {
                    account.fail_nav(now.monotonic, &ticket, &error);
                    Stage::Over(Some(Err(error)))
                }
            },
            Stage::Sent(generation) => {
                let result = answer.map_err(Error::from);
                let result = result.and_then(|answer| self.endpoint.parse(&answer));
                if let Some(key) = result.as_ref().ok().and_then(E::sent_key) {
                    account.sends_mut().know(key);
                }
                match self.signs_again(account, now, generation, &result) {
                    true => Stage::Ready,
                    false => Stage::Over(Some(result)),
                }
            }
            other => other,
        };
        if let Stage::Over(Some(result)) = &self.stage {
            self.place = None;
            let span = std::mem::replace(&mut self.span, Span::none());
            span.end(now.monotonic, result.as_ref().err());
        }
    }

    /// Returns whether the call sends something to somebody.
    pub(crate) fn sends(&self) -> bool {
        self.endpoint.receiver().is_some()
    }

    /// Returns whether the request that was handed out last is that of the call itself: nav was
    /// not the one that failed.
    pub(crate) const fn was_sent(&self) -> bool {
        self.was_sent
    }

    /// Returns whether the call waits for an answer.
    pub(crate) const fn is_in_flight(&self) -> bool {
        matches!(self.stage, Stage::Nav(_) | Stage::Sent(_))
    }

    /// Returns whether the call is over; its result may have been taken.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// Returns the result, until it is taken.
    pub(crate) const fn result(&self) -> Option<&Result<E::Output, Error>> {
        match &self.stage {
            Stage::Over(result) => result.as_ref(),
            _ => None,
        }
    }

    /// Ends the call with this result.
    pub(crate) fn end(&mut self, result: Result<E::Output, Error>) -> Output<E::Output> {
        self.stage = Stage::Over(None);
        self.place = None;
        Output::Done(result)
    }

    /// Returns whether an answer asks for another signature, or for one at all.
    fn signs_again(
        &mut self,
        account: &mut AuthState,
        now: Now,
        generation: Option<Generation>,
        result: &Result<E::Output, Error>,
    ) -> bool {
        match (result, generation) {
            (Ok(_), Some(generation)) => account.accept(generation),
            (Err(error), None) if E::Auth::ON_DEMAND => {
                return account.unsigned_list_refused(error.class());
            }
            (Err(error), Some(generation)) if error.class() == ErrorClass::Signature => {
                let refusal = account.refuse(generation, now);
                return refusal == Refusal::SignAgain
                    && !std::mem::replace(&mut self.signed_again, true);
            }
            _ => {}
        }
        false
    }

    /// Sends the next request, unless its keys are on their way to somebody else.
    fn send(&mut self, account: &mut AuthState, now: Now) -> Output<E::Output> {
        let clock = now.monotonic;
        if let Err(error) = self.endpoint.check(account.context()) {
            return self.end(Err(error.into()));
        }
        if let (Some(receiver), None) = (self.endpoint.receiver(), &self.place) {
            self.place = Some(account.sends_mut().queue().enter(receiver));
        }
        let request = match self.sign(account, now) {
            Some((generation, request)) => {
                if let (Some(place), Ok(_)) = (&self.place, &request)
                    && let Err(until) = account.sends_mut().queue().go(place, clock)
                {
                    self.stage = Stage::Ready;
                    return Output::Wait(until);
                }
                self.stage = Stage::Sent(generation);
                self.was_sent = true;
                request
            }
            None => match account.nav_in_flight(clock) {
                Some(nav) => {
                    self.stage = Stage::Waiting(nav.number);
                    return Output::Wait(nav.deadline);
                }
                None => {
                    self.was_sent = false;
                    self.stage = Stage::Nav(account.begin_nav(clock));
                    Nav.request(account.context(), ())
                }
            },
        };
        match request {
            Ok(request) => {
                if self.span.is_none() {
                    self.span = Span::call(clock, std::any::type_name::<E>(), &request);
                }
                Output::Send(request)
            }
            Err(error) => self.end(Err(error.into())),
        }
    }

    /// Builds the request of the call itself, and names the keys that sign it, if any do; `None`
    /// where they are missing.
    fn sign(&self, account: &AuthState, now: Now) -> Option<Signed> {
        let context = account.context();
        let signs = E::Auth::ON_DEMAND && account.signs_lists();
        if let Some(input) = E::Auth::without_identity().filter(|_| !signs) {
            return Some((None, self.endpoint.request(context, input)));
        }
        let (generation, identity) = account.identity()?;
        let input = E::Auth::with_identity(&identity, account.server_now(now));
        Some((Some(generation), self.endpoint.request(context, input)))
    }
}

/// Returns the error of a result that is asked for once more.
pub(crate) fn taken_before() -> Error {
    let reason = "the result of this call was taken before";
    TransportError::new(TransportErrorKind::Other, reason).into()
}

/// A request, and the keys that signed it.
type Signed = (Option<Generation>, Result<Request<Vec<u8>>, BuildError>);

fn handle_nav(
    account: &mut AuthState,
    now: Now,
    answer: Result<Response<Vec<u8>>, TransportError>,
) -> Result<(), Error> {
    let identity = Nav.parse(&answer?)?.into_identity()?;
    account.store(identity, now)
}
