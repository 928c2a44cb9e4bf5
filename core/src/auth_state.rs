//! State of an account that all its calls share.

use std::time::Duration;

use http::Response;

use crate::client_config::ClientConfig;
use crate::credential::Credential;
use crate::endpoint::server_date;
use crate::error::{BuildError, Error, ErrorClass};
use crate::identity::{Generation, Identity, IdentityCache, Refusal};
use crate::ids::Uid;
use crate::nav_gate::{NavGate, NavInFlight, NavNumber, NavTicket};
use crate::send::SendLedger;
use crate::time::{Now, UnixSeconds};

/// Time after which a call waits no longer for the nav of another, unless set otherwise.
const NAV_TIMEOUT: Duration = Duration::from_secs(30);

/// State of an account: the settings of its requests, and its keys.
///
/// Calls share it: one that fetched keys leaves them for the next.
#[derive(Debug, Clone)]
pub struct AuthState {
    context: ClientConfig,
    identity: IdentityCache,
    nav: NavGate,
    nav_timeout: Duration,
    clock: ServerClock,
    signs_lists: bool,
    sends: SendLedger,
}

impl AuthState {
    /// Creates an account that has no keys yet.
    pub fn new(context: ClientConfig) -> Self {
        Self {
            sends: SendLedger::new(context.is_official()),
            context,
            identity: IdentityCache::default(),
            nav: NavGate::default(),
            nav_timeout: NAV_TIMEOUT,
            clock: ServerClock::default(),
            signs_lists: false,
        }
    }

    /// Returns the settings that all requests share.
    pub fn context(&self) -> &ClientConfig {
        &self.context
    }

    /// Replaces the cookies by those of another login of the same account. What was sent goes on
    /// with the old ones.
    ///
    /// # Errors
    /// Fails when the credential names another account than nav did.
    pub(crate) fn set_credential(&mut self, credential: Credential) -> Result<(), BuildError> {
        let known = self.identity.get().map(|(_, identity)| identity.uid);
        match (credential.uid(), known) {
            (Some(given), Some(actual)) if given != actual => {
                Err(BuildError::UidMismatch { given, actual })
            }
            _ => {
                self.context.credential = credential;
                Ok(())
            }
        }
    }

    /// Returns the account, as far as it is known.
    pub(crate) fn uid(&self) -> Option<Uid> {
        let known = self.identity.get().map(|(_, identity)| identity.uid);
        known.or_else(|| self.context.credential.uid())
    }

    /// Returns what the sends of the account share.
    pub(crate) const fn sends(&self) -> &SendLedger {
        &self.sends
    }

    /// Returns what the sends of the account share, for a change.
    pub(crate) const fn sends_mut(&mut self) -> &mut SendLedger {
        &mut self.sends
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
    pub(crate) const fn set_key_pace(&mut self, pace: Duration) {
        self.identity.set_pace(pace);
    }

    /// Sets the time after which nobody waits any longer for a nav in flight.
    pub(crate) const fn set_nav_timeout(&mut self, timeout: Duration) {
        self.nav_timeout = timeout;
    }

    /// Returns the nav that somebody sent already: nobody else is to send one before its outcome.
    pub(crate) fn nav_in_flight(&self, clock: Duration) -> Option<NavInFlight> {
        self.nav.in_flight(clock)
    }

    /// Begins nav; the others wait while the ticket is kept, up to the deadline.
    pub(crate) fn begin_nav(&mut self, clock: Duration) -> NavTicket {
        let deadline = clock.saturating_add(self.nav_timeout);
        self.nav.begin(deadline)
    }

    /// Notes that nav failed: those that wait for it fail as well, unless it is overdue.
    pub(crate) fn fail_nav(&mut self, clock: Duration, ticket: &NavTicket, error: &Error) {
        self.nav.fail(clock, ticket, error);
    }

    /// Returns the failure of this nav, if it failed and no other was begun since.
    pub(crate) fn nav_failure(&self, number: NavNumber) -> Option<&Error> {
        self.nav.failure(number)
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
    at: Duration,
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
