//! Messages as they arrive.

mod by_hand;
mod running;
mod updates;

pub use by_hand::ByHand;
pub use running::Running;
pub use updates::Updates;

use std::fmt;
use std::sync::{Arc, Mutex};

#[cfg(feature = "push")]
use bilibili_session::TransportError;
use bilibili_session::endpoints::{SendMsg, SentMsg};
use bilibili_session::poller::{
    Checkpoint, ConfigError, Counters, Journal, JournalEntry, Poller, PollerConfig, Status, Warning,
};
use bilibili_session::send::ConfirmedSend;
use bilibili_session::session::{AnyEvent, HandlerList, Update};
use bilibili_session::{ClientConfig, Credential, Error, Event, Names, Now};
use futures_util::stream::{Stream, StreamExt};

use crate::calls::Client;
use crate::clock::Clock;
use crate::engine::{Engine, Requests};
use crate::handlers::{HandlerFn, call_handlers};
#[cfg(feature = "push")]
use crate::push::PushRuntime;
use crate::transport::Transport;
use crate::{Runtime, Spawn};

/// One login and the messages that arrive for it.
///
/// Take the messages in a loop with [`events`](Self::events) or [`updates`](Self::updates),
/// or give handlers to [`on_text`](Self::on_text) and let [`start`](Self::start) call them. When
/// that future or the stream is dropped nothing goes on, and another one goes on from there,
/// requests included; a message whose handlers were at work comes again. [`run`](Self::run) alone
/// spawns a task.
///
/// Clones are the same session: keep one to close it from elsewhere. Dropping a clone, or what
/// [`run`](Self::run) and [`on`](Self::on) return, changes nothing; without a handle, a stream, a
/// future or a task of it the session is gone, requests included. Several may take from one
/// session, each with a stream or with handlers: whatever there is goes to one of them, and all
/// of them come to their end when it is closed. The messages of a conversation come out in
/// order; two streams that take them in turn handle them side by side, handlers never do.
///
/// A handler cannot wait for its own session, which would wait for the handler:
/// [`start`](Self::start) and [`Running`] fail there with [`Error::WithinHandler`], and streams
/// end at once, of which a warning tells.
///
/// Each runtime has a name for it: `bilibili_session_tokio::Session` is this with that runtime, see [`Runtime`] for a session
/// on another.
///
/// ```no_run
/// use bilibili_session::poller::PollerConfig;
/// use bilibili_session::{ClientConfig, Credential};
/// use bilibili_session_async::{Runtime, Session, Transport};
///
/// # async fn example<R: Runtime>(transport: impl Transport + 'static) -> Result<(), Box<dyn std::error::Error>> {
/// let context = ClientConfig::new(Credential::parse("SESSDATA=…; bili_jct=…")?);
/// let session = Session::<R>::new(context, transport, PollerConfig::new())?;
/// session.on_text(async |text, event, session| {
///     if text == "ping" {
///         session.reply(&event, "pong").await?;
///     }
///     Ok(())
/// });
/// session.on_warning(async |warning, _| eprintln!("{warning}"));
/// session.start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session<R> {
    pub(crate) shared: Arc<Shared<R>>,
}

/// No lock is held while anything is waited for or a handler runs.
pub(crate) struct Shared<R> {
    client: Client<R>,
    engine: Arc<Engine>,
    requests: Arc<Requests>,
    pub(crate) handlers: Mutex<HandlerList<HandlerFn<R>>>,
}

impl<R: Runtime> Session<R> {
    /// Creates a session that begins now: messages that arrive from the first round on come out.
    ///
    /// # Errors
    /// Fails when the configuration cannot be used.
    pub fn new(
        context: ClientConfig,
        transport: impl Transport + 'static,
        config: PollerConfig,
    ) -> Result<Self, ConfigError> {
        Self::resume(context, transport, config, None::<&Checkpoint>)
    }

    /// Creates a session that goes on from the checkpoint of another one. Where there is none
    /// (`None`), the session begins now, like a [`new`](Self::new) one.
    ///
    /// # Errors
    /// Fails when the configuration cannot be used or the checkpoint is of another account.
    pub fn resume<'a>(
        context: ClientConfig,
        transport: impl Transport + 'static,
        config: PollerConfig,
        checkpoint: impl Into<Option<&'a Checkpoint>>,
    ) -> Result<Self, ConfigError> {
        let poller = Poller::resume(context, config, checkpoint)?;
        let engine = Arc::new(Engine::new(poller, Clock::of::<R>()));
        let requests = Arc::default();
        Ok(Self {
            shared: Arc::new(Shared {
                client: Client::of_session(Arc::clone(&engine), &requests, Arc::new(transport)),
                engine,
                requests,
                handlers: Mutex::default(),
            }),
        })
    }

    /// Sets how many conversations are handled side by side (16 unless set), and how many messages
    /// wait for a handler (256 unless set) before nothing more is fetched.
    pub fn limits(&self, side_by_side: usize, waiting: usize) -> &Self {
        self.engine()
            .change(|machine| machine.set_limits(side_by_side, waiting));
        self
    }

    /// Calls the handlers for what arrives until the session is closed. What they are
    /// about then is finished, what only waits for them is left to a later session.
    ///
    /// # Errors
    /// Fails when going on makes no sense, above all when the login is dead; and within a
    /// handler of this session, which would wait for itself.
    pub async fn start(&self) -> Result<(), Error> {
        self.engine().check_wait()?;
        call_handlers(self).await;
        self.result().unwrap_or(Ok(()))
    }

    /// Returns this session to be driven by hand, in a time that it is told: for tests of a bot
    /// in virtual time, with the `VirtualBot` of `bilibili-session-simulator`.
    ///
    /// Handlers are called as [`start`](Self::start) calls them, and go on in each turn: one that
    /// waits for a timer or a task waits in real time, on tokio within a runtime around the test. The transport carries only the calls that
    /// they make. Nothing else is to drive the session, which has no clock of its own from the
    /// first turn on.
    pub fn by_hand(&self) -> ByHand<R> {
        ByHand::new(self.clone())
    }

    /// Returns messages and notifications in the order of their arrival, until the session is
    /// closed; without [feeds](PollerConfig::feeds) [`messages`](Self::messages) is simpler.
    ///
    /// Each item that is asked for drives the session, so nothing is fetched that nobody takes.
    /// Warnings are passed over: handlers beside this stream may miss one.
    pub fn events(&self) -> impl Stream<Item = AnyEvent> + Send + Unpin + 'static {
        let event = |update: Update| std::future::ready(update.into_any_event());
        self.updates().filter_map(event)
    }

    /// Returns the messages, one after the other, until the session is closed.
    ///
    /// Like [`events`](Self::events); notifications are passed over as well.
    pub fn messages(&self) -> impl Stream<Item = Event> + Send + Unpin + 'static {
        self.updates().filter_map(|update| {
            std::future::ready(match update {
                Update::Event(event) => Some(Arc::unwrap_or_clone(event)),
                _ => None,
            })
        })
    }

    /// Returns messages, warnings and status changes, one after the other, until the session is
    /// closed.
    pub fn updates(&self) -> Updates<R> {
        Updates::new(self.clone())
    }

    /// Ends the session: at once, from anywhere, whatever is in flight.
    pub fn close(&self) {
        self.engine().change(|machine| machine.handle_close());
        #[cfg(feature = "push")]
        self.engine().follow_push();
        self.shared.requests.end();
    }

    /// Replaces the cookies by those of a renewed login of the same account. Requests that were sent go on with the old
    /// ones, so end that login a little later.
    ///
    /// # Errors
    /// Fails when the credential names another account.
    pub fn set_credential(&self, credential: Credential) -> Result<(), Error> {
        let changed = self
            .engine()
            .change(|machine| machine.set_credential(credential));
        Ok(changed?)
    }

    /// Hands out a warning of the program's own, as if the session had met it.
    pub fn report(&self, warning: Warning) {
        self.engine().change(|machine| machine.report(warning));
    }

    /// Tells a cache of names what lists have shown since the last call: the names of groups, and
    /// for whom names may soon be needed. Nothing unless [`PollerConfig::names`] is set.
    pub fn tell_names(&self, now: Now, names: &mut Names) {
        self.engine().machine().tell_names(now, names);
    }

    /// Returns the current status.
    pub fn status(&self) -> Status {
        self.engine().machine().status()
    }

    /// Returns counts of what this session has done so far: for logs and metrics.
    pub fn counters(&self) -> Counters {
        *self.engine().machine().counters()
    }

    /// Returns the result of the session, once it has ended.
    pub fn result(&self) -> Option<Result<(), Error>> {
        self.engine().machine().result().cloned()
    }

    /// Returns a checkpoint to [`resume`](Self::resume) from; `None` before the baseline is taken.
    ///
    /// It covers every message that [`events`](Self::events) or [`updates`](Self::updates)
    /// returned, so take it after handling one and before asking for the next. With handlers
    /// it covers every message whose handlers have all returned.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.engine().machine().checkpoint()
    }

    /// Returns the text that brings a file of checkpoints up to date, which then covers the same
    /// as a [`checkpoint`](Self::checkpoint); `None` before the baseline is taken.
    ///
    /// After each message this costs what changed, not what is known: see [`Journal`].
    pub fn save(&self, journal: &mut Journal) -> Option<JournalEntry> {
        self.engine().machine().save(journal)
    }

    /// Sends a text to the conversation that the message came from, once: a session that was
    /// [resumed](Self::resume) first looks whether it was sent before the process died.
    ///
    /// # Errors
    /// Fails like [`Client::send`], with [`Error::Paused`] while the session pauses.
    pub async fn reply(&self, event: &Event, text: &str) -> Result<SentMsg, Error> {
        let message = SendMsg::text(event.conversation, text);
        let reply = ConfirmedSend::reply(event, message);
        Ok(self.shared.client.send(reply).await?.message)
    }

    /// Returns a client with the same login for calls of any kind: it shares keys and pauses.
    /// It goes on when the session is closed.
    pub fn client(&self) -> &Client<R> {
        &self.shared.client
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.shared.engine
    }
}

impl<R: Spawn> Session<R> {
    /// Spawns [`start`](Self::start) as a task of its own, which runs until the session is closed.
    ///
    /// # Panics
    /// Panics where the runtime spawns no task: on tokio outside of a runtime, on async-std never.
    pub fn run(&self) -> Running {
        Running::spawn(self.clone())
    }
}

#[cfg(feature = "push")]
impl<R: PushRuntime> Session<R> {
    /// Listens to the push channel as well, with these settings of TLS and proxy: what arrives is
    /// asked for at once. See [`PollerConfig::push`](PollerConfig::push) for the interval.
    ///
    /// The channel is connected once the session is, by a task of its own, which ends with the
    /// session, or with the runtime. A channel that is connected or lost is a
    /// [`Warning::Push`]; a lost one is connected again. A session that is driven
    /// [by hand](Self::by_hand) has none.
    ///
    /// At the level TRACE tungstenite, which carries it on tokio and on async-std, logs what it sends,
    /// cookies included: the feature `guard-cookies` of those crates, which is on by default, switches
    /// that level of `log` off.
    ///
    /// # Errors
    /// Fails when the proxy's address or the certificates cannot be used.
    pub fn with_push(self, config: &crate::TransportConfig) -> Result<Self, TransportError> {
        self.shared.engine.set_push::<R>(config)?;
        Ok(self)
    }
}

impl<R: Runtime> fmt::Debug for Session<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
