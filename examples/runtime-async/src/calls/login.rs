//! Log in by QR code, renew a login, end it.

use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use bilibili_session::Error;
use bilibili_session::call::Output;
use bilibili_session::login::{
    Login, LoginConfig, LoginError, Logout, QrLogin, QrOutput, QrProgress, Refresh, RefreshOutput,
};

use super::client::Client;
use crate::Runtime;
use crate::transport::{AnyTransport, Transport, send_caught};

/// Logs in, renews logins and ends them.
///
/// ```no_run
/// use bilibili_session::login::{LoginConfig, QrProgress};
/// use bilibili_session_async::{LoginClient, Runtime, Transport};
///
/// # fn store(_: &bilibili_session::login::Login) -> std::io::Result<()> { Ok(()) }
/// # async fn example<R: Runtime>(transport: impl Transport + 'static) -> Result<(), Box<dyn std::error::Error>> {
/// let logins = LoginClient::<R>::new(LoginConfig::new(), transport);
/// let login = logins.login_qr(|progress| match progress {
///     QrProgress::Show(code) => println!("scan this: {}", code.url()),
///     QrProgress::Scanned => println!("now confirm it on the phone"),
/// });
/// let login = login.await?;
/// store(&login)?;
/// let client = logins.client(&login);
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LoginClient<R> {
    config: LoginConfig,
    transport: AnyTransport,
    runtime: PhantomData<R>,
}

impl<R: Runtime> LoginClient<R> {
    /// Creates a client that has sent nothing yet.
    pub fn new(config: LoginConfig, transport: impl Transport + 'static) -> Self {
        Self {
            config,
            transport: Arc::new(transport),
            runtime: PhantomData,
        }
    }

    /// Logs in by QR code: waits until one is scanned and confirmed on the phone.
    ///
    /// # Errors
    /// Fails when no code was scanned in time, the service refused, or no answer came.
    pub async fn login_qr(&self, mut show: impl FnMut(QrProgress)) -> Result<Login, LoginError> {
        let mut login = QrLogin::new(self.config.clone());
        loop {
            let time = R::now();
            match login.poll_output(time) {
                QrOutput::Send(request) => {
                    let answer = send_caught(Arc::clone(&self.transport), request).await;
                    login.handle_response(R::now(), answer);
                }
                QrOutput::Show(code) => show(QrProgress::Show(code)),
                QrOutput::Scanned => show(QrProgress::Scanned),
                QrOutput::Wait(until) => {
                    R::sleep(until.saturating_sub(time.monotonic)).await;
                }
                QrOutput::Done(result) => return result.map(|login| *login),
            }
        }
    }

    /// Renews a login if the service wants that, or in any case if `force`; first it repeats a
    /// confirmation that is still owed. Returns whether the login is a new one.
    ///
    /// Each login that comes of it is given to `store`, and only goes on when that is done: keep
    /// it where a crash does not reach it. The seed is random, and of this renewal alone.
    ///
    /// # Errors
    /// Fails when the service refused, no answer came, or the login was not stored. What was
    /// stored last is the login then.
    pub async fn refresh(
        &self,
        login: Login,
        seed: [u8; 32],
        force: bool,
        store: impl FnMut(&Login) -> io::Result<()>,
    ) -> Result<bool, LoginError> {
        let refresh = Refresh::new(self.config.clone(), login, seed);
        self.drive(refresh.force(force), store).await
    }

    /// Repeats the confirmation that a login owes; no request where it owes none.
    ///
    /// # Errors
    /// Fails like [`refresh`](Self::refresh).
    pub async fn confirm(
        &self,
        login: Login,
        store: impl FnMut(&Login) -> io::Result<()>,
    ) -> Result<(), LoginError> {
        let confirm = Refresh::confirm_only(self.config.clone(), login);
        self.drive(confirm, store).await.map(|_| ())
    }

    async fn drive(
        &self,
        mut refresh: Refresh,
        mut store: impl FnMut(&Login) -> io::Result<()>,
    ) -> Result<bool, LoginError> {
        loop {
            match refresh.poll_output() {
                RefreshOutput::Send(request) => {
                    let answer = send_caught(Arc::clone(&self.transport), request).await;
                    refresh.handle_response(answer);
                }
                RefreshOutput::Store(login) => {
                    let stored = store(&login);
                    stored.map_err(|error| LoginError::NotStored(error.to_string()))?;
                    refresh.handle_stored();
                }
                // Each request is answered before the next question.
                RefreshOutput::Wait => {}
                RefreshOutput::Done(result) => return result,
            }
        }
    }

    /// Ends a login at the service. One that is dead has ended.
    ///
    /// # Errors
    /// Fails when the service refused or no answer came: the login may be good still.
    pub async fn logout(&self, login: &Login) -> Result<(), Error> {
        let mut logout = Logout::new(&self.config, login);
        loop {
            match logout.poll_output() {
                Output::Send(request) => {
                    let answer = send_caught(Arc::clone(&self.transport), request).await;
                    logout.handle_response(answer);
                }
                Output::Wait(_) => {}
                Output::Done(result) => return result,
            }
        }
    }

    /// Returns a client for calls with this login.
    pub fn client(&self, login: &Login) -> Client<R> {
        Client::over(
            self.config.client_config(login),
            Arc::clone(&self.transport),
        )
    }
}

impl<R> std::fmt::Debug for LoginClient<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginClient").finish_non_exhaustive()
    }
}
