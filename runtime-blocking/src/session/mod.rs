//! Messages as they arrive.

use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use bilibili_session::endpoints::SentMsg;
use bilibili_session::poller::{
    Checkpoint, ConfigError, Notice, Poller, PollerConfig, Status, StatusChange,
};
use bilibili_session::session::{Dispatch, IntoHandlerResult, Update, handler_panicked};
use bilibili_session::{Context, Error, Event, EventType};

use crate::calls::Client;
use crate::engine::{Engine, Inbox, lock, refuses, within};
use crate::transport::Transport;

/// One login, and what arrives for it.
///
/// Take the messages in a loop with [`events`](Self::events) or [`updates`](Self::updates),
/// or give handlers to [`on`](Self::on) and let [`start`](Self::start) call them. Either way
/// everything happens on the thread that asks, only the requests are sent from threads of
/// their own: as long as a message is being handled, and no other thread takes, nothing else is
/// asked for.
///
/// Clones are the same session: keep one to close it from elsewhere. Several threads may take
/// from one session, each in a loop or with handlers: whatever there is goes to one of them, what
/// follows a message that one of them has in hand waits for it, up to 256 messages, and all of
/// them come to their end when it is closed. The messages of a conversation come out in
/// order; two loops that take them in turn handle them side by side, handlers never do.
///
/// A handler cannot wait for its own session, which would wait for the handler:
/// [`start`](Self::start) and [`Running::join`] fail there with [`Error::WithinHandler`], and
/// [`events`](Self::events) and [`updates`](Self::updates) end at once, of which a notice tells.
///
/// ```no_run
/// use bilibili_session::poller::PollerConfig;
/// use bilibili_session::{Context, Credential, EventType};
/// use bilibili_session_blocking::{Session, UreqTransport};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let context = Context::new(Credential::parse("SESSDATA=…; bili_jct=…")?);
/// let session = Session::new(context, UreqTransport::new(), PollerConfig::new())?;
/// session.on(EventType::Text, |event, session| {
///     if event.text() == Some("ping") {
///         session.reply(event, "pong")?;
///     }
///     Ok::<_, bilibili_session::Error>(())
/// });
/// session.on_notice(|notice, _| eprintln!("{notice}"));
/// session.start()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    engine: Arc<Engine>,
    inbox: Inbox,
    handlers: Mutex<Vec<Handler>>,
}

/// Looks whether an update concerns it, and handles it if so.
type Handler = Arc<Mutex<dyn FnMut(&Update, &Session) -> Result<(), String> + Send>>;

impl Session {
    /// A session that begins now: what arrives from the first round on comes out.
    ///
    /// # Errors
    /// Fails when the configuration cannot be used.
    pub fn new(
        context: Context,
        transport: impl Transport + 'static,
        config: PollerConfig,
    ) -> Result<Self, ConfigError> {
        let poller = Poller::new(context, config)?;
        Ok(Self::with(Arc::new(transport), poller))
    }

    /// A session that goes on where another one stood.
    ///
    /// # Errors
    /// Fails when the configuration cannot be used or the checkpoint is of another account.
    pub fn resume(
        context: Context,
        transport: impl Transport + 'static,
        config: PollerConfig,
        checkpoint: &Checkpoint,
    ) -> Result<Self, ConfigError> {
        let poller = Poller::resume(context, config, checkpoint)?;
        Ok(Self::with(Arc::new(transport), poller))
    }

    fn with(transport: Arc<dyn Transport>, poller: Poller) -> Self {
        let (engine, inbox) = Engine::new(poller);
        let engine = Arc::new(engine);
        Self {
            shared: Arc::new(Shared {
                client: Client::of_session(Arc::clone(&engine), transport),
                engine,
                inbox,
                handlers: Mutex::default(),
            }),
        }
    }

    /// Calls this for every message of a kind. All handlers that fit are called, in the
    /// order in which they were given; one that fails or panics is reported to
    /// [`on_notice`](Self::on_notice) and stops nobody. The session comes along: a handler
    /// that keeps a clone of its own keeps the session alive for ever.
    pub fn on<R: IntoHandlerResult>(
        &self,
        event_type: EventType,
        mut handler: impl FnMut(&Event, &Session) -> R + Send + 'static,
    ) -> &Self {
        self.add_handler(move |update, session| {
            let event = update.event()?;
            (event.event_type() == event_type).then(|| handler(event, session))
        })
    }

    /// Calls this for every message.
    pub fn on_any<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&Event, &Session) -> R + Send + 'static,
    ) -> &Self {
        self.add_handler(move |update, session| Some(handler(update.event()?, session)))
    }

    /// Calls this for everything that went wrong and was dealt with.
    pub fn on_notice<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&Notice, &Session) -> R + Send + 'static,
    ) -> &Self {
        self.add_handler(move |update, session| Some(handler(update.notice()?, session)))
    }

    /// Calls this for every change of the state.
    pub fn on_status<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&StatusChange, &Session) -> R + Send + 'static,
    ) -> &Self {
        self.add_handler(move |update, session| Some(handler(update.status()?, session)))
    }

    fn add_handler<R: IntoHandlerResult>(
        &self,
        mut handler: impl FnMut(&Update, &Session) -> Option<R> + Send + 'static,
    ) -> &Self {
        let handler = move |update: &Update, session: &Session| {
            handler(update, session).map_or(Ok(()), IntoHandlerResult::into_result)
        };
        lock(&self.shared.handlers).push(Arc::new(Mutex::new(handler)));
        self
    }

    /// Calls the handlers for what arrives until the session is closed.
    ///
    /// # Errors
    /// Fails when going on makes no sense, above all when the login is dead; and within a
    /// handler of this session, which would wait for itself.
    pub fn start(&self) -> Result<(), Error> {
        if refuses(self.key()) {
            return Err(Error::WithinHandler);
        }
        while let Some(dispatch) = self.next() {
            let failures = self.call_handlers(dispatch.update());
            self.engine()
                .change(|machine| machine.handle_done(dispatch, failures));
        }
        self.result().unwrap_or(Ok(()))
    }

    /// [`start`](Self::start) on a thread of its own.
    ///
    /// # Errors
    /// Fails when the system starts no more threads.
    pub fn run(&self) -> io::Result<Running> {
        let session = self.clone();
        let thread = thread::Builder::new()
            .name(String::from("bilibili-session"))
            .spawn(move || session.start())?;
        let engine = Arc::downgrade(&self.shared.engine);
        Ok(Running { thread, engine })
    }

    /// The messages, one after the other, until the session is closed.
    ///
    /// Each turn of the loop drives the session, so nothing is fetched that nobody takes. What
    /// is no message is passed over: with handlers beside this loop they may miss a notice.
    pub fn events(&self) -> impl Iterator<Item = Event> + Send + 'static {
        self.updates().filter_map(|update| match update {
            Update::Event(event) => Some(Arc::unwrap_or_clone(event)),
            _ => None,
        })
    }

    /// Everything there is to tell, one after the other, until the session is closed.
    pub fn updates(&self) -> impl Iterator<Item = Update> + Send + 'static {
        let session = self.clone();
        std::iter::from_fn(move || {
            let dispatch = session.next()?;
            Some(session.engine().hand_out(dispatch))
        })
    }

    /// Ends the session: at once, from any thread and any handler, whatever is in flight.
    pub fn close(&self) {
        self.engine().change(|machine| machine.handle_close());
    }

    /// How the session stands.
    pub fn status(&self) -> Status {
        self.engine().machine().status()
    }

    /// How the session ended, once it has.
    pub fn result(&self) -> Option<Result<(), Error>> {
        self.engine().machine().result().cloned()
    }

    /// Where the session stands, to [`resume`](Self::resume) from; `None` before it knows.
    ///
    /// It covers every message that [`events`](Self::events) or [`updates`](Self::updates)
    /// returned, so take it after handling one and before asking for the next. With handlers
    /// it covers every message whose handlers have all returned.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.engine().machine().checkpoint()
    }

    /// Sends a text to the conversation that the message came from.
    ///
    /// # Errors
    /// Fails like [`Client::call`], with [`Error::Paused`] while the session pauses.
    pub fn reply(&self, event: &Event, text: &str) -> Result<SentMsg, Error> {
        self.shared.client.send_text(event.conversation, text)
    }

    /// For calls of any kind with the same login: keys and pauses are those of the session.
    /// It goes on when the session is closed.
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Waits for the next to handle; `None` when it is over.
    fn next(&self) -> Option<Dispatch> {
        if refuses(self.key()) {
            return None;
        }
        let shared = &*self.shared;
        shared
            .engine
            .next(&shared.inbox, &shared.client.transport())
    }

    /// Calls each, and says how those failed that did.
    fn call_handlers(&self, update: &Update) -> Vec<String> {
        let handlers = lock(&self.shared.handlers).clone();
        let mut failures = Vec::new();
        for handler in &handlers {
            let (result, was_refused) = within(self.key(), || lock(handler)(update, self));
            let result = result.unwrap_or_else(|payload| Err(handler_panicked(&*payload)));
            match result {
                Err(failure) => failures.push(failure),
                Ok(()) if was_refused => failures.push(Error::WithinHandler.to_string()),
                Ok(()) => {}
            }
        }
        failures
    }

    fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// Tells sessions apart.
    fn key(&self) -> usize {
        Arc::as_ptr(&self.shared.engine).addr()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// A session that runs on a thread of its own. It runs on when this is dropped.
pub struct Running {
    thread: JoinHandle<Result<(), Error>>,
    engine: Weak<Engine>,
}

impl Running {
    /// Waits until the session is closed.
    ///
    /// # Errors
    /// Fails like [`Session::start`].
    pub fn join(self) -> Result<(), Error> {
        if refuses(self.engine.as_ptr().addr()) {
            return Err(Error::WithinHandler);
        }
        self.thread
            .join()
            .unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    }

    /// Whether the session has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
