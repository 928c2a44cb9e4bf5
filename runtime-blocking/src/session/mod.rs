//! Messages as they arrive.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use bilibili_session::endpoints::SentMsg;
use bilibili_session::poller::{
    Checkpoint, ConfigError, Notice, Outgoing, Poller, PollerConfig, RequestId, Status,
    StatusChange,
};
use bilibili_session::session::{Machine, Outcome, Task, Turn, Update, handler_panicked};
use bilibili_session::{Context, Error, Event, EventType, TransportError, TransportErrorKind};
use http::Response;

use crate::calls::Client;
use crate::clock::now;
use crate::transport::{Transport, send_caught};

/// One login, and what arrives for it.
///
/// Take the messages in a loop with [`events`](Self::events) or [`updates`](Self::updates),
/// or give handlers to [`on`](Self::on) and let [`start`](Self::start) call them. Either way
/// everything happens on the thread that asks, only the requests are sent from threads of
/// their own: as long as a message is being handled, nothing else is asked for.
///
/// Clones are the same session: keep one to close it from elsewhere.
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
    /// Never locked while anything is waited for or a handler runs.
    machine: Mutex<Machine>,
    handlers: Mutex<Vec<Handler>>,
    /// Locked by the one who drives, as long as there is nothing to hand out.
    inbox: Mutex<Receiver<Input>>,
    outbox: Sender<Input>,
}

/// What ends a wait.
enum Input {
    Answer(RequestId, Result<Response<Vec<u8>>, TransportError>),
    /// It was closed, or a handler has returned.
    Nudge,
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
        let poller = Poller::new(context.clone(), config)?;
        Ok(Self::with(context, Arc::new(transport), poller))
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
        let poller = Poller::resume(context.clone(), config, checkpoint)?;
        Ok(Self::with(context, Arc::new(transport), poller))
    }

    fn with(context: Context, transport: Arc<dyn Transport>, poller: Poller) -> Self {
        let (outbox, inbox) = mpsc::channel();
        Self {
            shared: Arc::new(Shared {
                client: Client::with(context, transport),
                machine: Mutex::new(Machine::new(poller)),
                handlers: Mutex::default(),
                inbox: Mutex::new(inbox),
                outbox,
            }),
        }
    }

    /// Calls this for every message of a kind. All handlers that fit are called, in the
    /// order in which they were given; one that fails or panics is reported to
    /// [`on_notice`](Self::on_notice) and stops nobody. The session comes along: a handler
    /// that keeps a clone of its own keeps the session alive for ever.
    pub fn on<R: Outcome>(
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
    pub fn on_any<R: Outcome>(
        &self,
        mut handler: impl FnMut(&Event, &Session) -> R + Send + 'static,
    ) -> &Self {
        self.add_handler(move |update, session| Some(handler(update.event()?, session)))
    }

    /// Calls this for everything that went wrong and was dealt with.
    pub fn on_notice<R: Outcome>(
        &self,
        mut handler: impl FnMut(&Notice, &Session) -> R + Send + 'static,
    ) -> &Self {
        self.add_handler(move |update, session| Some(handler(update.notice()?, session)))
    }

    /// Calls this for every change of the state.
    pub fn on_status<R: Outcome>(
        &self,
        mut handler: impl FnMut(&StatusChange, &Session) -> R + Send + 'static,
    ) -> &Self {
        self.add_handler(move |update, session| Some(handler(update.status()?, session)))
    }

    fn add_handler<R: Outcome>(
        &self,
        mut handler: impl FnMut(&Update, &Session) -> Option<R> + Send + 'static,
    ) -> &Self {
        let handler = move |update: &Update, session: &Session| {
            handler(update, session).map_or(Ok(()), Outcome::into_result)
        };
        lock(&self.shared.handlers).push(Arc::new(Mutex::new(handler)));
        self
    }

    /// Calls the handlers for what arrives until the session is closed.
    ///
    /// # Errors
    /// Fails when going on makes no sense, above all when the login is dead.
    pub fn start(&self) -> Result<(), Error> {
        while let Some(task) = self.next() {
            let failures = self.call_handlers(task.update());
            self.machine().handle_done(task, failures);
            self.nudge();
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
        Ok(Running { thread })
    }

    /// The messages, one after the other, until the session is closed.
    ///
    /// Each turn of the loop drives the session, so nothing is fetched that nobody takes.
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
            let task = session.next()?;
            Some(session.machine().hand_out(task))
        })
    }

    /// Ends the session: at once, from any thread and any handler, whatever is in flight.
    pub fn close(&self) {
        self.machine().handle_close();
        self.nudge();
    }

    /// How the session stands.
    pub fn status(&self) -> Status {
        self.machine().status()
    }

    /// How the session ended, once it has.
    pub fn result(&self) -> Option<Result<(), Error>> {
        self.machine().result().cloned()
    }

    /// Where the session stands, to [`resume`](Self::resume) from; `None` before it knows.
    ///
    /// It covers every message that [`events`](Self::events) or [`updates`](Self::updates)
    /// returned, so take it after handling one and before asking for the next. With handlers
    /// it covers every message whose handlers have all returned.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.machine().checkpoint()
    }

    /// Sends a text to the conversation that the message came from.
    ///
    /// # Errors
    /// Fails like [`Client::call`].
    pub fn reply(&self, event: &Event, text: &str) -> Result<SentMsg, Error> {
        self.shared.client.send_text(event.conversation, text)
    }

    /// For calls of any kind with the same login.
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    /// Drives the machine until there is something to handle.
    fn next(&self) -> Option<Task> {
        let inbox = lock(&self.shared.inbox);
        loop {
            // What has come in counts before what has run out.
            while let Ok(input) = inbox.try_recv() {
                self.take(input);
            }
            let turn = self.machine().poll(now());
            match turn {
                Turn::Send(outgoing) => self.send(outgoing),
                Turn::Handle(task) => return Some(task),
                Turn::Wait(until) => {
                    match inbox.recv_timeout(until.saturating_sub(now().monotonic)) {
                        Ok(input) => self.take(input),
                        Err(_) => self.machine().handle_timeout(now()),
                    }
                }
                // A handler on another thread; never fails, the session holds the other end.
                Turn::Busy => self.take(inbox.recv().ok()?),
                Turn::Finished(_) => return None,
            }
        }
    }

    fn take(&self, input: Input) {
        if let Input::Answer(id, answer) = input {
            self.machine().handle_response(now(), id, answer);
        }
    }

    /// Wakes whoever waits. Fails only when nobody can.
    fn nudge(&self) {
        let _ = self.shared.outbox.send(Input::Nudge);
    }

    /// Sends on a thread of its own. If it hangs, nobody waits for it: the poller gives
    /// the request up when its time is over, and the thread ends with its transport's timeout.
    fn send(&self, outgoing: Outgoing) {
        let Outgoing { id, request, .. } = outgoing;
        let transport = self.shared.client.transport();
        let outbox = self.shared.outbox.clone();
        let spawned = thread::Builder::new()
            .name(String::from("bilibili-session-http"))
            .spawn(move || {
                let answer = send_caught(&*transport, request);
                // Fails when the session is gone.
                let _ = outbox.send(Input::Answer(id, answer));
            });
        if let Err(error) = spawned {
            let error = TransportError::new(TransportErrorKind::Other, error.to_string());
            self.take(Input::Answer(id, Err(error)));
        }
    }

    /// Calls each, and says how those failed that did.
    fn call_handlers(&self, update: &Update) -> Vec<String> {
        let handlers = lock(&self.shared.handlers).clone();
        let call = |handler: &Handler| {
            catch_unwind(AssertUnwindSafe(|| lock(handler)(update, self)))
                .unwrap_or_else(|payload| Err(handler_panicked(&*payload)))
        };
        handlers
            .iter()
            .filter_map(|handler| call(handler).err())
            .collect()
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        lock(&self.shared.machine)
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
#[derive(Debug)]
pub struct Running {
    thread: JoinHandle<Result<(), Error>>,
}

impl Running {
    /// Waits until the session is closed.
    ///
    /// # Errors
    /// Fails like [`Session::start`].
    pub fn join(self) -> Result<(), Error> {
        self.thread
            .join()
            .unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    }

    /// Whether the session has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

/// What is behind these locks is whole at any time, also after a panic.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
