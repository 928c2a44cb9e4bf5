//! One call at a time.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bilibili_session::call::{Call, Output};
use bilibili_session::endpoints::{SendMsg, SentMsg};
use bilibili_session::send::{ConfirmedSend, SendReport};
use bilibili_session::{
    AuthState, CallMachine, ClientConfig, ConversationId, Endpoint, Error, Now,
};
use futures_util::task::AtomicWaker;

use crate::Runtime;
use crate::clock::Clock;
use crate::engine::{Drivers, Engine, Requests, Timer, lock};
use crate::transport::{Answer, AnyTransport, Transport, send_caught};

/// Calls the service. Dropping the future of a call ends the call.
///
/// Clones share the account's keys and the transport; calls of several tasks run side by side.
/// The client [of a session](crate::Session::client) shares that session's keys and pauses as
/// well.
///
/// ```no_run
/// use bilibili_session::{ClientConfig, Credential, endpoints::GetSessions};
/// use bilibili_session_async::{Client, Runtime, Transport};
///
/// # async fn example<R: Runtime>(transport: impl Transport + 'static) -> Result<(), Box<dyn std::error::Error>> {
/// let credential = Credential::parse("SESSDATA=…; bili_jct=…")?;
/// let client = Client::<R>::new(ClientConfig::new(credential), transport);
/// for conversation in client.call(GetSessions::new()).await?.session_list {
///     println!("{conversation:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client<R> {
    login: Login,
    transport: AnyTransport,
    runtime: PhantomData<R>,
}

/// Login of a client, which holds the keys that its calls are signed with.
#[derive(Clone)]
enum Login {
    Own(Arc<Own>),
    OfSession {
        engine: Arc<Engine>,
        /// Gone when the session is.
        requests: Weak<Requests>,
    },
}

/// Login of a client without a session, and the calls that wait.
struct Own {
    account: Mutex<AuthState>,
    drivers: Drivers,
    clock: Clock,
}

impl<R: Runtime> Client<R> {
    /// Creates a client that has sent nothing yet.
    pub fn new(context: ClientConfig, transport: impl Transport + 'static) -> Self {
        Self::over(context, Arc::new(transport))
    }

    pub(crate) fn over(context: ClientConfig, transport: AnyTransport) -> Self {
        Self {
            login: Login::Own(Arc::new(Own {
                account: Mutex::new(AuthState::new(context)),
                drivers: Drivers::default(),
                clock: Clock::of::<R>(),
            })),
            transport,
            runtime: PhantomData,
        }
    }

    pub(crate) fn of_session(
        engine: Arc<Engine>,
        requests: &Arc<Requests>,
        transport: AnyTransport,
    ) -> Self {
        let requests = Arc::downgrade(requests);
        Self {
            login: Login::OfSession { engine, requests },
            transport,
            runtime: PhantomData,
        }
    }

    /// Makes one call: its request, the keys first if they are missing, and one retry
    /// with fresh keys if the signature was refused.
    ///
    /// # Errors
    /// Fails when the request cannot be built, no whole answer came, or the service refused.
    /// Within a session, a risk control or throttling that a call meets is a pause for the whole
    /// session, and what is called meanwhile fails at once with [`Error::Paused`].
    pub async fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error> {
        self.drive(Call::new(endpoint)).await
    }

    /// Sends a message, or makes a reply, whose outcome is known: where no answer tells, the
    /// conversation is read back. See [`send`](bilibili_session::send). Dropping the future leaves
    /// open whether the message goes out.
    ///
    /// # Errors
    /// Fails with [`Error::UnknownOutcome`] where the conversation does not tell either, and like
    /// [`call`](Self::call) where the message was not sent.
    pub async fn send(&self, message: impl Into<ConfirmedSend>) -> Result<SendReport, Error> {
        self.drive(message.into()).await
    }

    /// Sends a text to this user or group.
    ///
    /// # Errors
    /// Fails like [`send`](Self::send).
    pub async fn send_text(
        &self,
        to: impl Into<ConversationId>,
        text: &str,
    ) -> Result<SentMsg, Error> {
        Ok(self.send(SendMsg::text(to, text)).await?.message)
    }

    async fn drive<M: CallMachine>(&self, call: M) -> Result<M::Output, Error> {
        let mut call = PendingCall::new(&self.login, call);
        loop {
            match poll_fn(|cx| call.poll_output(cx)).await {
                Output::Send(request) => {
                    let answer = send_caught(self.transport(), request).await;
                    call.handle_response(answer);
                }
                // The wait is over already.
                Output::Wait(_) => {}
                Output::Done(result) => return result,
            }
        }
    }

    pub(crate) fn transport(&self) -> AnyTransport {
        Arc::clone(&self.transport)
    }
}

impl Login {
    /// Returns all that wait for a change of the login.
    fn drivers(&self) -> &Drivers {
        match self {
            Self::Own(own) => &own.drivers,
            Self::OfSession { engine, .. } => &engine.drivers,
        }
    }

    /// Returns the next thing to do for a call, and the time of that.
    fn poll_output<M: CallMachine>(&self, call: &mut M) -> (Output<M::Output>, Now) {
        match self {
            Self::Own(own) => {
                let now = own.clock.now();
                (call.poll_with(&mut *lock(&own.account), now), now)
            }
            Self::OfSession { engine, .. } => {
                let now = engine.now();
                (engine.machine().poll_call(now, call), now)
            }
        }
    }

    /// Returns the clock and the timers of its runtime.
    fn clock(&self) -> Clock {
        match self {
            Self::Own(own) => own.clock,
            Self::OfSession { engine, .. } => engine.clock,
        }
    }

    fn is_by_hand(&self) -> bool {
        match self {
            Self::Own(_) => false,
            Self::OfSession { engine, .. } => engine.is_by_hand(),
        }
    }

    /// Lets time pass for a session that is told the time; returns whether it did.
    fn sleeps_until(&self, until: Duration) -> bool {
        match self {
            Self::Own(_) => false,
            Self::OfSession { engine, .. } => engine.sleeps_until(until),
        }
    }

    /// Polls the requests of the session, if there is one. Returns whether an answer came.
    fn drive_requests(&self, own: &Arc<AtomicWaker>) -> bool {
        match self {
            Self::Own(_) => false,
            Self::OfSession { engine, requests } => {
                let requests = requests.upgrade();
                requests.is_some_and(|requests| requests.drive(engine, own))
            }
        }
    }
}

/// A call on its way.
struct PendingCall<'a, M> {
    login: &'a Login,
    call: M,
    timer: Timer,
    /// Dropped after the call, for which others may wait.
    waiting: Waiting<'a>,
}

/// One that waits with others for a change of the login, and wakes them at its end.
struct Waiting<'a> {
    drivers: &'a Drivers,
    own: Arc<AtomicWaker>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.drivers.wake_but(Some(&self.own));
    }
}

impl<'a, M: CallMachine> PendingCall<'a, M> {
    fn new(login: &'a Login, call: M) -> Self {
        let drivers = login.drivers();
        Self {
            login,
            call,
            timer: Timer::default(),
            waiting: Waiting {
                drivers,
                own: drivers.watch(),
            },
        }
    }

    /// Returns the next thing to do; waits meanwhile where it is not the call's turn.
    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Output<M::Output>> {
        let own = &self.waiting.own;
        // First: what wakes from now on is noticed.
        own.register(cx.waker());
        loop {
            let (output, now) = self.login.poll_output(&mut self.call);
            let Output::Wait(until) = output else {
                return Poll::Ready(output);
            };
            // Nobody else may drive the request that is waited for.
            if !self.login.sleeps_until(until) && !self.login.drive_requests(own) {
                // Each turn by hand polls this again; and there may be no runtime, which has the timers.
                if self.login.is_by_hand() {
                    return Poll::Pending;
                }
                let wait = until.saturating_sub(now.monotonic);
                let clock = self.login.clock();
                ready!(self.timer.poll(cx, clock, until, wait));
            }
        }
    }

    fn handle_response(&mut self, answer: Answer) {
        let call = &mut self.call;
        match self.login {
            Login::Own(own) => {
                let now = own.clock.now();
                call.handle_with(&mut *lock(&own.account), now, answer);
            }
            Login::OfSession { engine, .. } => {
                let now = engine.now();
                engine.machine().handle_call_response(now, call, answer);
            }
        }
        // It may be the end, a pause, or keys for all.
        self.waiting.drivers.wake_but(Some(&self.waiting.own));
    }
}

impl<R> std::fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
