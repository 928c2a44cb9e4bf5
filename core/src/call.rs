//! One call from beginning to end: keys first where they are needed, and one retry.

use std::fmt;

use http::{Request, Response};

use crate::client_config::ClientConfig;
use crate::endpoint::{Auth, Endpoint, server_date};
use crate::endpoints::Nav;
use crate::error::{Error, ErrorClass, TransportError};
use crate::identity::{Generation, Identity, IdentityCache, Refusal};
use crate::time::{Now, UnixSeconds};

/// Next step of a call.
#[expect(
    clippy::exhaustive_enums,
    reason = "whatever drives a call does each of these"
)]
#[must_use]
pub enum Step<T> {
    /// Send this request and give the result to [`Call::handle_response`].
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

/// State of an account: the settings of its requests, and its keys.
///
/// Calls share it: one that fetched keys leaves them for the next.
#[derive(Debug, Clone)]
pub struct AuthState {
    context: ClientConfig,
    identity: IdentityCache,
    clock: ServerClock,
    signs_lists: bool,
}

impl AuthState {
    /// Creates an account that has no keys yet.
    pub fn new(context: ClientConfig) -> Self {
        Self {
            context,
            identity: IdentityCache::default(),
            clock: ServerClock::default(),
            signs_lists: false,
        }
    }

    /// Returns the settings that all requests share.
    pub fn context(&self) -> &ClientConfig {
        &self.context
    }

    /// Returns the identity that nav named last, if its keys are still good.
    pub(crate) fn identity(&self) -> Option<(Generation, std::sync::Arc<Identity>)> {
        self.identity.get()
    }

    /// Keeps the identity that nav named at `now`.
    ///
    /// # Errors
    /// Fails when the credential was given for another account than it is a login of.
    pub(crate) fn store(&mut self, identity: Identity, now: Now) -> Result<(), Error> {
        self.context.check_uid(identity.uid)?;
        self.identity.store(identity, now.monotonic);
        Ok(())
    }

    /// Sets the least time between two requests for new keys, where calls come by themselves.
    pub(crate) const fn set_key_pace(&mut self, pace: std::time::Duration) {
        self.identity.set_pace(pace);
    }

    /// Notes that a request signed with keys of this generation was served.
    pub(crate) fn accept(&mut self, generation: Generation) {
        self.identity.accept(generation);
    }

    /// Notes at `now` that a signature was refused, and says what follows.
    pub(crate) fn refuse(&mut self, generation: Generation, now: Now) -> Refusal {
        self.identity.refuse(generation, now.monotonic)
    }

    /// Returns whether lists of conversations are signed: the service refused one that was not.
    pub(crate) const fn signs_lists(&self) -> bool {
        self.signs_lists
    }

    /// Signs lists of conversations from now on, or not.
    pub(crate) const fn sign_lists(&mut self, signs: bool) {
        self.signs_lists = signs;
    }

    /// Draws the conclusion from an answer to a request of the [`OptionalWbiAuth`] kind that was
    /// not signed: one that is refused is signed from then on. Says whether to ask again at
    /// once: a risk control is a pause first.
    ///
    /// [`OptionalWbiAuth`]: crate::OptionalWbiAuth
    pub(crate) fn unsigned_list_refused(&mut self, class: ErrorClass) -> bool {
        let is_refused = matches!(class, ErrorClass::Signature | ErrorClass::RiskControl);
        self.signs_lists |= is_refused;
        class == ErrorClass::Signature
    }

    /// Returns the server's time as far as answers have shown it, else the local time.
    pub(crate) fn server_now(&self, now: Now) -> UnixSeconds {
        self.clock.read(now)
    }

    /// Returns the latest time that the server's clock can show: no answer showed a later one.
    pub(crate) fn latest_now(&self, now: Now) -> Option<UnixSeconds> {
        self.clock.latest(now)
    }

    /// Sets the server's clock by an answer.
    pub(crate) fn observe<B>(&mut self, response: &Response<B>, now: Now) {
        self.clock.observe(server_date(response), now);
    }
}

/// Server's clock, carried on by the monotonic one.
#[derive(Debug, Clone, Copy, Default)]
struct ServerClock {
    seen: Option<Reading>,
    /// The reading that shows the latest time: one that something kept, or that is behind for
    /// another reason, does not count against it.
    latest: Option<Reading>,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    date: UnixSeconds,
    at: std::time::Duration,
}

impl Reading {
    fn carried_to(self, now: Now) -> UnixSeconds {
        self.date.plus(now.monotonic.saturating_sub(self.at))
    }
}

impl ServerClock {
    fn observe(&mut self, date: Option<UnixSeconds>, now: Now) {
        let Some(date) = date else { return };
        let at = now.monotonic;
        let reading = Reading { date, at };
        self.seen = Some(reading);
        if self.latest(now).is_none_or(|latest| latest <= date) {
            self.latest = Some(reading);
        }
    }

    fn read(&self, now: Now) -> UnixSeconds {
        match self.seen {
            Some(reading) => reading.carried_to(now),
            None => now.wall.to_seconds(),
        }
    }

    fn latest(&self, now: Now) -> Option<UnixSeconds> {
        self.latest.map(|reading| reading.carried_to(now))
    }
}

/// Machine of one call: at most nav, the call, and both once more when the signature was
/// refused; where only the refusal tells that a list is to be signed, one request before.
/// Nothing else is tried again.
///
/// ```
/// use bilibili_session::endpoints::FetchSessionMsgs;
/// use bilibili_session::{AuthState, Call, ClientConfig, Credential, Now, Step, Uid, UnixMicros};
/// use std::time::Duration;
///
/// # let nav = br#"{"code":-101,"message":"made up"}"#.to_vec();
/// # let send = |_request: http::Request<Vec<u8>>| Ok(http::Response::new(nav.clone()));
/// # let now = || Now { monotonic: Duration::ZERO, wall: UnixMicros(0) };
/// let mut account = AuthState::new(ClientConfig::new(Credential::parse("SESSDATA=made%2Cup")?));
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
    /// Creates a call that has not begun.
    pub fn new(endpoint: E) -> Self {
        Self {
            endpoint,
            stage: Stage::Over,
            signed_again: false,
        }
    }

    /// Begins the call.
    pub fn start(&mut self, account: &mut AuthState, now: Now) -> Step<E::Output> {
        self.signed_again = false;
        match self.endpoint.check(&account.context) {
            Ok(()) => self.send(account, now),
            Err(error) => self.done(Err(error.into())),
        }
    }

    /// Takes the result of the request that was to be sent last.
    pub fn handle_response(
        &mut self,
        account: &mut AuthState,
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
                    .and_then(|identity| account.store(identity, now));
                match stored {
                    Ok(()) => self.send(account, now),
                    Err(error) => self.done(Err(error)),
                }
            }
            Stage::Sent(generation) => {
                let result = self.endpoint.parse(&answer);
                match self.signs_again(account, now, generation, &result) {
                    true => self.send(account, now),
                    false => self.done(result),
                }
            }
            Stage::Over => self.done(Err(TransportError::new(
                crate::error::TransportErrorKind::Other,
                "an answer came, but the call had sent nothing",
            )
            .into())),
        }
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

    fn send(&mut self, account: &AuthState, now: Now) -> Step<E::Output> {
        let context = &account.context;
        let known = account.identity.get();
        let signs = E::Auth::ON_DEMAND && account.signs_lists;
        let unsigned = E::Auth::without_identity().filter(|_| !signs);
        let request = match (unsigned, &known) {
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
