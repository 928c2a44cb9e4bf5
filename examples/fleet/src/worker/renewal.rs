//! Renewal of a login, beside the rounds of its account.
//!
//! The service gives out a new login first and ends the old one when that is asked for. In between the new one is stored,
//! under the lease of the account: a worker that has lost it stores nothing and so ends nothing. Killed at any moment, it
//! leaves a login that is good; one that owes the end of the old is gone on with by whoever has the lease next.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bilibili_session::login::{
    CHECK_INTERVAL, Login, LoginConfig, LoginError, RETRY_INTERVAL, Refresh, RefreshOutput,
};
use bilibili_session::poller::Warning;
use bilibili_session::{ErrorClass, Hosts};
use bilibili_session_tokio::{Session, Transport as _};
use tokio::time::{Instant, sleep, sleep_until};
use zeroize::Zeroizing;

use super::gate::Gate;
use super::secrets::Secrets;
use super::watch::{is_displeased, slow_all};
use crate::accounts::sealed_as;
use crate::database::Database;
use crate::error::Error;
use crate::vault::Vault;

/// Time between the change to new cookies and the end of the old ones: what was sent with those is answered by then, as a
/// rule.
const CHANGE: Duration = Duration::from_secs(1);
/// Time for which a way out is slowed where the service wants less to do with logins.
const DISPLEASED: Duration = Duration::from_secs(300);
/// Wait before the database is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// Write of the login and of when it is due, if the lease is still this one.
const PUT: &str = "
WITH mine AS (
    SELECT uid FROM bili_fleet.leases
    WHERE uid = $1 AND epoch = $2 AND owner = $3 AND until > clock_timestamp() FOR SHARE)
UPDATE bili_fleet.accounts a
SET login = coalesce($4, a.login), login_due = clock_timestamp() + $5::double precision * interval '1 second'
FROM mine WHERE a.uid = mine.uid";

/// Looks after the login of one account.
pub(super) struct Renewal {
    pub(super) login: Login,
    /// Time until the service is asked.
    pub(super) due_in: Duration,
    pub(super) first_round: Instant,
    pub(super) session: Session,
    pub(super) secrets: Arc<Secrets>,
    pub(super) gate: Gate,
    pub(super) hosts: Hosts,
    pub(super) vault: Arc<Vault>,
    pub(super) database: Database,
    /// Worker that has the lease.
    pub(super) owner: String,
}

/// Reason for which a renewal went no further.
enum Stopped {
    /// The lease is lost: somebody else looks after the login.
    Lost,
    /// It is tried again later.
    Failed(String, Option<ErrorClass>),
}

impl From<LoginError> for Stopped {
    fn from(error: LoginError) -> Self {
        Self::Failed(error.to_string(), error.class())
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error.to_string(), None)
    }
}

impl Renewal {
    /// Looks after the login until it is dropped, which it may be at any moment.
    pub(super) async fn run(mut self) -> Infallible {
        if self.login.owes_confirmation() {
            self.due_in = Duration::ZERO;
        } else if !self.login.can_be_renewed() {
            return pending().await;
        }
        let lease = Arc::clone(&self.gate.lease);
        sleep_until(self.first_round).await;
        loop {
            sleep(self.due_in).await;
            // All that were claimed may be due at once, and were to be again after a day.
            self.gate.way.wait_for_login().await;
            // A login that the service has given out is stored before the account is given back.
            let Some(_in_hand) = lease.begin() else {
                return pending().await;
            };
            self.due_in = match self.renew().await {
                Ok(()) => CHECK_INTERVAL,
                // The watch ends as well.
                Err(Stopped::Lost) => return pending().await,
                Err(Stopped::Failed(why, class)) => {
                    // The session does not tell the class of a warning of ours.
                    if class.is_some_and(is_displeased) {
                        slow_all(&self.gate.way, &self.database, DISPLEASED).await;
                    }
                    let reason = self.secrets.hide(&why);
                    self.session.report(Warning::Login { reason });
                    RETRY_INTERVAL
                }
            };
            if self.put(None).await.is_err() {
                return pending().await;
            }
        }
    }

    /// Ends what is owed, and renews the login if the service wants that.
    async fn renew(&mut self) -> Result<(), Stopped> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| Error::Key("the system gives no randomness"))?;
        let config = LoginConfig::new().hosts(self.hosts.clone());
        let mut refresh = Refresh::new(config, self.login.clone(), *seed);
        loop {
            match refresh.poll_output() {
                RefreshOutput::Send(request) => {
                    refresh.handle_response(self.gate.send(request).await);
                }
                RefreshOutput::Store(login) => {
                    self.take(*login).await?;
                    refresh.handle_stored();
                }
                // Each request is answered before the next question.
                RefreshOutput::Wait => {}
                RefreshOutput::Done(result) => return Ok(result.map(drop)?),
            }
        }
    }

    /// Stores a login, and lets the session go on with it.
    async fn take(&mut self, login: Login) -> Result<(), Stopped> {
        self.secrets.add(&login);
        self.due_in = Duration::ZERO;
        self.put(Some(&login)).await?;
        let is_new = !login.has_cookies_of(&self.login);
        self.login = login;
        if is_new {
            tracing::info!(uid = self.gate.lease.uid, "the login is renewed");
            // Refused for another account only, which a renewal does not bring.
            let _ = self.session.set_credential(self.login.credential().clone());
            sleep(CHANGE).await;
        }
        Ok(())
    }

    /// Writes when the login is due, and the login if it is another one: until it is written, or the lease is lost. Whether
    /// an attempt whose answer is lost was written does not matter: the same again changes nothing.
    async fn put(&self, login: Option<&Login>) -> Result<(), Stopped> {
        let uid = self.gate.lease.uid;
        let seal = |login: &Login| self.vault.seal(&sealed_as(uid), login.to_json().as_bytes());
        let sealed = login.map(seal).transpose()?;
        while self.gate.lease.is_held() {
            match self.try_put(sealed.as_deref()).await {
                Ok(true) => return Ok(()),
                Ok(false) => break,
                Err(error) => tracing::warn!(uid, %error, "the login is not written yet"),
            }
            sleep(AGAIN).await;
        }
        if login.is_some() {
            tracing::warn!(uid, "the lease is lost, the renewed login was not stored");
        }
        Err(Stopped::Lost)
    }

    /// Returns false where the lease is lost.
    async fn try_put(&self, sealed: Option<&[u8]>) -> Result<bool, Error> {
        let lease = &self.gate.lease;
        let client = self.database.client().await?;
        let statement = client.prepare_cached(PUT).await?;
        let due_s = self.due_in.as_secs_f64();
        let written = client
            .execute(
                &statement,
                &[&lease.uid, &lease.epoch, &self.owner, &sealed, &due_s],
            )
            .await?;
        Ok(written > 0)
    }
}
