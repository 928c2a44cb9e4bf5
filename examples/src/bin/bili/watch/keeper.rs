//! Keeps the stored login of a watch good: on a thread of its own, beside the rounds.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bilibili_session::login::{CHECK_INTERVAL, Login, RETRY_INTERVAL};
use bilibili_session::poller::Warning;

use super::stop::Stop;
use crate::failure::Failure;
use crate::logins::{Account, Logins};
use crate::runtime::LoginHandle;
use crate::secrets::Secrets;
use crate::texts::{Language, Said as _};

/// Time between the change to new cookies and the end of the old ones: what was sent with those
/// is answered by then, as a rule.
const CHANGE: Duration = Duration::from_secs(1);
/// Distance of two looks at whether the end has come.
const GLANCE: Duration = Duration::from_millis(50);

/// Renews the login of a watch.
pub(super) struct Keeper {
    /// The session that goes on with a renewed login.
    session: Arc<Mutex<Option<LoginHandle>>>,
    secrets: Secrets,
    /// The login that the session has.
    current: Account,
}

impl Keeper {
    /// Starts: repeats a confirmation that is owed, and asks then and once a day whether the login
    /// is to be renewed. Returns when nothing is owed any more, or the watch is to end.
    pub(super) fn start(
        account: &Account,
        logins: Logins,
        secrets: Secrets,
        language: Language,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let keeper = Self {
            session: Arc::default(),
            secrets: secrets.clone(),
            current: account.clone(),
        };
        let (tell, settled) = mpsc::channel();
        let work = Work {
            account: account.clone(),
            logins,
            secrets,
            session: Arc::clone(&keeper.session),
            language,
        };
        thread::Builder::new()
            .name("login".to_owned())
            .spawn(move || work.run(&tell))
            .map_err(Failure::Output)?;
        if account.entry.login.owes_confirmation() {
            while settled.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
                if stop.is_triggered() {
                    break;
                }
            }
        }
        Ok(keeper)
    }

    /// Tells this session of the login from now on.
    pub(super) fn tell(&self, session: LoginHandle) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// Reads the login again after the service has called it dead; `None` where it is the same:
    /// nobody has renewed it.
    pub(super) fn read_again(&mut self) -> Option<Login> {
        let mut account = self.current.clone();
        // One that is gone or unreadable is as good as dead.
        account.read_again().ok()?;
        let login = account.entry.login.clone();
        if login.has_cookies_of(&self.current.entry.login) {
            return None;
        }
        self.secrets.add(login.secrets());
        self.current = account;
        Some(login)
    }
}

/// Parts that the thread works with.
struct Work {
    account: Account,
    logins: Logins,
    secrets: Secrets,
    session: Arc<Mutex<Option<LoginHandle>>>,
    /// Language of its notices.
    language: Language,
}

impl Work {
    fn run(mut self, settled: &mpsc::Sender<()>) {
        if self.account.entry.login.owes_confirmation() {
            // One that fails stays owed, and is repeated with what follows.
            let confirmed = self.account.confirm(&self.logins);
            // Fails when nobody waits any more.
            let _ = settled.send(());
            if let Err(failure) = confirmed {
                self.report(&failure);
                thread::sleep(RETRY_INTERVAL);
            }
        }
        loop {
            let (secrets, session) = (&self.secrets, &self.session);
            let renewed = |login: &Login| change(session, secrets, login);
            let refreshed = self.account.refresh(&self.logins, false, renewed);
            thread::sleep(match refreshed {
                Ok(_) => CHECK_INTERVAL,
                Err(failure) => {
                    self.report(&failure);
                    RETRY_INTERVAL
                }
            });
        }
    }

    /// Hands out a notice, once there is a session.
    fn report(&self, failure: &Failure) {
        let reason = failure.words().said(self.language);
        loop {
            let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(session) = &*session {
                (session.report)(Warning::Login { reason });
                return;
            }
            drop(session);
            thread::sleep(GLANCE);
        }
    }
}

/// Lets the session go on with new cookies, before the old ones are ended.
fn change(session: &Mutex<Option<LoginHandle>>, secrets: &Secrets, login: &Login) {
    secrets.add(login.secrets());
    let session = session.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(session) = &*session {
        // Refused for another account only, which a renewal does not bring.
        let _ = (session.set_credential)(login.credential().clone());
    }
    drop(session);
    if login.owes_confirmation() {
        thread::sleep(CHANGE);
    }
}
