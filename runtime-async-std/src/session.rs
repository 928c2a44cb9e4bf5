//! Messages as they arrive.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_std::task::{self, JoinHandle};
use bilibili_session::endpoints::SentMsg;
use bilibili_session::poller::{
    Checkpoint, ConfigError, Notice, Output, Poller, PollerConfig, RequestId, Status, StatusChange,
};
use bilibili_session::session::{Outcome, Update};
use bilibili_session::{Context, Error, Event, EventType};
use futures_util::future::{AbortHandle, abortable};
use futures_util::stream::{Stream, StreamExt};
use futures_util::task::AtomicWaker;

use crate::client::Client;
use crate::clock::now;
use crate::dispatch::{Handlers, boxed, dispatch};
use crate::transport::{Answer, AnyTransport, Transport};
use crate::updates::Updates;

/// One login, and what arrives for it.
///
/// Take the messages in a loop with [`events`](Self::events) or [`updates`](Self::updates),
/// or give handlers to [`on`](Self::on) and let [`start`](Self::start) call them. No task is
/// started but by [`run`](Self::run): who drops the future or the stream ends what it does,
/// and a [`checkpoint`](Self::checkpoint) brings again what was not handled.
///
/// Clones are the same session: keep one to close it from elsewhere. Take from one stream
/// at a time.
///
/// ```no_run
/// use bilibili_session::poller::PollerConfig;
/// use bilibili_session::{Context, Credential, EventType};
/// use bilibili_session_async_std::{Session, SurfTransport};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let context = Context::new(Credential::parse("SESSDATA=…; bili_jct=…")?);
/// let session = Session::new(context, SurfTransport::new()?, PollerConfig::new())?;
/// session.on(EventType::Text, |event, session| async move {
///     if event.text() == Some("ping") {
///         session.reply(&event, "pong").await?;
///     }
///     Ok::<_, bilibili_session::Error>(())
/// });
/// session.on_notice(|notice, _| async move { eprintln!("{notice}") });
/// session.start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// No lock is held while anything is waited for or a handler runs.
struct Shared {
    client: Client,
    machine: Mutex<Machine>,
    handlers: Mutex<Handlers>,
}

struct Machine {
    poller: Poller,
    /// Handed out to handlers, which have not all returned; in the order of their arrival.
    unhandled: Vec<Arc<Event>>,
    /// Whom a close wakes.
    streams: Vec<Weak<AtomicWaker>>,
    result: Option<Result<(), Error>>,
}

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

    fn with(context: Context, transport: AnyTransport, poller: Poller) -> Self {
        let machine = Machine {
            poller,
            unhandled: Vec::new(),
            streams: Vec::new(),
            result: None,
        };
        Self {
            shared: Arc::new(Shared {
                client: Client::with(context, transport),
                machine: Mutex::new(machine),
                handlers: Mutex::default(),
            }),
        }
    }

    /// Calls this for every message of a kind. All handlers that fit are called, in the
    /// order in which they were given; one that fails or panics is reported to
    /// [`on_notice`](Self::on_notice) and stops nobody. The session comes along: a handler
    /// that keeps a clone of its own keeps the session alive for ever.
    ///
    /// Messages of one conversation are handled one after the other, those of different
    /// ones side by side.
    pub fn on<F, R>(&self, event_type: EventType, handler: F) -> &Self
    where
        F: FnMut(Arc<Event>, Session) -> R + Send + 'static,
        R: Future<Output: Outcome> + Send + 'static,
    {
        let entry = (Some(event_type), boxed(handler));
        self.handlers().event.push(entry);
        self
    }

    /// Calls this for every message.
    pub fn on_any<F, R>(&self, handler: F) -> &Self
    where
        F: FnMut(Arc<Event>, Session) -> R + Send + 'static,
        R: Future<Output: Outcome> + Send + 'static,
    {
        self.handlers().event.push((None, boxed(handler)));
        self
    }

    /// Calls this for everything that went wrong and was dealt with.
    pub fn on_notice<F, R>(&self, handler: F) -> &Self
    where
        F: FnMut(Arc<Notice>, Session) -> R + Send + 'static,
        R: Future<Output: Outcome> + Send + 'static,
    {
        self.handlers().notice.push(boxed(handler));
        self
    }

    /// Calls this for every change of the state.
    pub fn on_status<F, R>(&self, handler: F) -> &Self
    where
        F: FnMut(Arc<StatusChange>, Session) -> R + Send + 'static,
        R: Future<Output: Outcome> + Send + 'static,
    {
        self.handlers().status.push(boxed(handler));
        self
    }

    /// How many conversations are handled side by side (16 unless set), and how many
    /// messages wait for a handler (256 unless set) before nothing more is fetched.
    pub fn limits(&self, side_by_side: usize, waiting: usize) -> &Self {
        let mut handlers = self.handlers();
        handlers.side_by_side = side_by_side.max(1);
        handlers.waiting = waiting.max(1);
        drop(handlers);
        self
    }

    /// Calls the handlers for what arrives until the session is closed. What they are
    /// about then is finished, what only waits for them is left to a later session.
    ///
    /// # Errors
    /// Fails when going on makes no sense, above all when the login is dead.
    pub async fn start(&self) -> Result<(), Error> {
        dispatch(self).await;
        self.result().unwrap_or(Ok(()))
    }

    /// [`start`](Self::start) as a task of its own, which ends when the handle is dropped.
    pub fn run(&self) -> Running {
        let session = self.clone();
        let (work, abort) = abortable(async move { session.start().await });
        let task = task::spawn(async move { work.await.unwrap_or(Ok(())) });
        Running { task, abort }
    }

    /// The messages, one after the other, until the session is closed.
    ///
    /// Each item that is asked for drives the session, so nothing is fetched that nobody takes.
    pub fn events(&self) -> impl Stream<Item = Event> + Send + Unpin + 'static {
        self.updates().filter_map(|update| {
            std::future::ready(match update {
                Update::Event(event) => Some(event),
                _ => None,
            })
        })
    }

    /// Everything there is to tell, one after the other, until the session is closed.
    pub fn updates(&self) -> Updates {
        Updates::new(self.clone(), false)
    }

    /// Ends the session: at once, from anywhere, whatever is in flight.
    pub fn close(&self) {
        let streams = {
            let mut machine = self.machine();
            machine.poller.handle_close();
            machine.streams.clone()
        };
        for stream in streams.iter().filter_map(Weak::upgrade) {
            stream.wake();
        }
    }

    /// How the session stands.
    pub fn status(&self) -> Status {
        self.machine().poller.status()
    }

    /// How the session ended, once it has.
    pub fn result(&self) -> Option<Result<(), Error>> {
        self.machine().result.clone()
    }

    /// Where the session stands, to [`resume`](Self::resume) from; `None` before it knows.
    ///
    /// It covers every message that [`events`](Self::events) or [`updates`](Self::updates)
    /// returned, so take it after handling one and before asking for the next. With handlers
    /// it covers every message whose handlers have all returned.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        let machine = self.machine();
        let mut checkpoint = machine.poller.checkpoint()?;
        for event in &machine.unhandled {
            checkpoint.rewind(event);
        }
        Some(checkpoint)
    }

    /// Sends a text to the conversation that the message came from.
    ///
    /// # Errors
    /// Fails like [`Client::call`].
    pub async fn reply(&self, event: &Event, text: &str) -> Result<SentMsg, Error> {
        let to = event.conversation;
        self.shared.client.send_text(to, text).await
    }

    /// For calls of any kind with the same login.
    pub fn client(&self) -> &Client {
        &self.shared.client
    }

    pub(crate) fn handlers(&self) -> MutexGuard<'_, Handlers> {
        lock(&self.shared.handlers)
    }

    /// Has this woken by a close, as long as it is there.
    pub(crate) fn watch(&self, stream: &Arc<AtomicWaker>) {
        let mut machine = self.machine();
        machine.streams.retain(|known| known.strong_count() > 0);
        machine.streams.push(Arc::downgrade(stream));
    }

    /// What the poller says is next.
    pub(crate) fn poll_output(&self, for_handlers: bool) -> Output {
        let mut machine = self.machine();
        if let Some(result) = &machine.result {
            return Output::Finished(result.clone());
        }
        let output = machine.poller.poll_output(now());
        match &output {
            Output::Event(event) if for_handlers => {
                machine.unhandled.push(Arc::new(event.clone()));
            }
            Output::Finished(result) => machine.result = Some(result.clone()),
            _ => {}
        }
        output
    }

    /// An answer that the poller no longer waits for came late, and is dropped.
    pub(crate) fn take(&self, id: RequestId, answer: Answer) {
        let _ = self.machine().poller.handle_response(now(), id, answer);
    }

    pub(crate) fn handle_timeout(&self) {
        self.machine().poller.handle_timeout(now());
    }

    /// What was handed to handlers that have not all returned.
    pub(crate) fn unhandled(&self) -> Vec<Arc<Event>> {
        self.machine().unhandled.clone()
    }

    pub(crate) fn handled(&self, event: &Event) {
        let place = |event: &Event| (event.conversation, event.msg_seqno());
        self.machine()
            .unhandled
            .retain(|known| place(known) != place(event));
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

/// A session that runs as a task of its own: a future of how it ends. Dropping it ends the
/// task, in the middle of whatever it is about.
#[must_use = "the task ends when this is dropped"]
#[derive(Debug)]
pub struct Running {
    task: JoinHandle<Result<(), Error>>,
    abort: AbortHandle,
}

impl Future for Running {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// What is behind these locks is whole at any time, also after a panic.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
