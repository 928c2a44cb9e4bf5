//! The runtimes under test, behind one trait.
//!
//! The trait is blocking: on an async runtime each call waits for its future, and a handler is
//! polled more than once. Transports are async, and a blocking runtime waits for each on the thread
//! that sends it.

use std::borrow::Borrow;
use std::convert::identity;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use async_std::task::{block_on, yield_now};
use bilibili_session::endpoints::{GetSessions, SentMsg};
use bilibili_session::pager::Pager;
use bilibili_session::poller::{
    Checkpoint, Journal, JournalEntry, PollerConfig, Status, StatusChange, Warning,
};
use bilibili_session::session::{HandlerResult, IntoHandlerResult, Update};
use bilibili_session::{
    ClientConfig, Error, Event, EventType, Picture, PictureContent, TransportConfig,
    TransportError, Uid,
};
pub(crate) use bilibili_session_async_std::Transport;
use bilibili_session_async_std::{self as on_async_std, SurfTransport};
use bilibili_session_blocking::{self as on_blocking, UreqTransport};
use bilibili_session_tokio::{self as on_tokio, ReqwestTransport};
use futures_util::future::{BoxFuture, lazy};
use futures_util::{FutureExt, StreamExt};
use http::Request;
use tokio::runtime::{Handle, Runtime};
use tokio::task::block_in_place;

/// A session of some runtime: the same names everywhere.
pub(crate) trait Session: Clone + Debug + Send + Sync + 'static {
    type Client: Client;
    /// Retries that the runtime's HTTP client makes by itself, at most, when a connection that was
    /// used before is reset.
    const HIDDEN_RETRIES: usize;

    fn new(
        context: ClientConfig,
        transport: impl Transport + 'static,
        config: PollerConfig,
    ) -> Self;
    fn resume(
        context: ClientConfig,
        transport: impl Transport + 'static,
        config: PollerConfig,
        checkpoint: &Checkpoint,
    ) -> Self;
    /// A session over the runtime's own HTTP.
    fn over_http(
        context: ClientConfig,
        transport: &TransportConfig,
        config: PollerConfig,
        from: Option<&Checkpoint>,
    ) -> Self;
    fn with_push(self, config: &TransportConfig) -> Result<Self, TransportError>;

    fn on_text<R: IntoHandlerResult>(
        &self,
        handler: impl FnMut(&str, &Event, &Self) -> R + Send + 'static,
    ) -> Handler;
    fn on<R: IntoHandlerResult>(
        &self,
        event_type: EventType,
        handler: impl FnMut(&Event, &Self) -> R + Send + 'static,
    ) -> Handler;
    fn on_any<R: IntoHandlerResult>(
        &self,
        handler: impl FnMut(&Event, &Self) -> R + Send + 'static,
    ) -> Handler;
    fn on_warning<R: IntoHandlerResult>(
        &self,
        handler: impl FnMut(&Warning, &Self) -> R + Send + 'static,
    ) -> Handler;
    fn on_status<R: IntoHandlerResult>(
        &self,
        handler: impl FnMut(&StatusChange, &Self) -> R + Send + 'static,
    ) -> Handler;

    fn limits(&self, side_by_side: usize, waiting: usize);
    fn start(&self) -> Result<(), Error>;
    fn run(&self) -> Running;
    fn events(&self) -> impl Iterator<Item = Event> + Send + 'static;
    fn updates(&self) -> impl Iterator<Item = Update> + Send + 'static;
    fn close(&self);
    fn status(&self) -> Status;
    fn result(&self) -> Option<Result<(), Error>>;
    fn checkpoint(&self) -> Option<Checkpoint>;
    fn save(&self, journal: &mut Journal) -> Option<JournalEntry>;
    fn reply(&self, event: &Event, text: &str) -> Result<SentMsg, Error>;
    fn client(&self) -> Self::Client;
}

/// A client of some runtime.
pub(crate) trait Client: Clone + Debug + Send + Sync + 'static {
    fn new(context: ClientConfig, transport: impl Transport + 'static) -> Self;
    fn send_text(&self, to: Uid, text: &str) -> Result<SentMsg, Error>;
    fn get_sessions(&self) -> Result<(), Error>;
    fn items<P: Pager>(&self, pager: P) -> Vec<Result<P::Item, Error>>;
    fn send_picture(&self, to: Uid, picture: Picture) -> Result<SentMsg, Error>;
    fn download_picture(&self, picture: &PictureContent) -> Result<Vec<u8>, Error>;
    fn save_picture(&self, picture: &PictureContent, to: &Path) -> io::Result<()>;
    fn read_picture(from: &Path) -> io::Result<Picture>;
}

/// Handle of a handler.
pub(crate) struct Handler(Box<dyn FnOnce() + Send>);

impl Handler {
    fn new(remove: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(remove))
    }

    pub(crate) fn remove(self) {
        (self.0)();
    }
}

/// Handle of a session that runs beside the test.
pub(crate) struct Running(Box<dyn FnOnce() -> Result<(), Error> + Send>);

impl Running {
    pub(crate) fn join(self) -> Result<(), Error> {
        (self.0)()
    }
}

/// Makes a test of each function for each runtime. Each must come to an end.
macro_rules! on_every_runtime {
    ($($test:ident),* $(,)?) => {
        mod on_blocking {
            $(#[test] fn $test() {
                crate::runtime::ends(super::$test::<bilibili_session_blocking::Session>);
            })*
        }
        mod on_async_std {
            $(#[test] fn $test() {
                crate::runtime::ends(super::$test::<bilibili_session_async_std::Session>);
            })*
        }
        mod on_tokio {
            $(#[test] fn $test() {
                crate::runtime::ends(super::$test::<bilibili_session_tokio::Session>);
            })*
        }
    };
}
pub(crate) use on_every_runtime;

/// Far more than any machine is late.
const SOON: Duration = Duration::from_secs(60);

/// Runs this, which must come to an end.
#[track_caller]
pub(crate) fn ends<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = mpsc::channel::<()>();
    let test = thread::spawn(move || {
        let _done = done;
        test()
    });
    // Nothing is ever sent: the other end is dropped when the test has ended.
    let end = is_done.recv_timeout(SOON);
    assert_eq!(
        end,
        Err(mpsc::RecvTimeoutError::Disconnected),
        "it is stuck"
    );
    test.join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Transport of a blocking runtime.
fn waiting(transport: impl Transport + 'static) -> impl on_blocking::Transport {
    move |request: Request<Vec<u8>>| block_on(transport.send(request))
}

/// Transport of tokio's runtime.
fn carried(transport: impl Transport + 'static) -> impl on_tokio::Transport {
    let transport = Arc::new(transport);
    move |request: Request<Vec<u8>>| {
        let transport = Arc::clone(&transport);
        async move { transport.send(request).await }
    }
}

/// Waits for a future of tokio's runtime, also within a handler.
pub(crate) fn tokio_block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    match Handle::try_current() {
        Ok(within) => block_in_place(|| within.block_on(future)),
        Err(_) => RUNTIME.block_on(future),
    }
}

/// A session of a runtime: `$wait` waits for what the runtime does, `$transport` and `$handler` make the runtime's own
/// transports and handlers of those of the tests.
macro_rules! session_of {
    ($runtime:ident, $http:ident, $retries:literal, $wait:path, $transport:path, $handler:path) => {
        type Client = $runtime::Client;
        const HIDDEN_RETRIES: usize = $retries;

        fn new(
            context: ClientConfig,
            transport: impl Transport + 'static,
            config: PollerConfig,
        ) -> Self {
            Self::new(context, $transport(transport), config).unwrap()
        }

        fn resume(
            context: ClientConfig,
            transport: impl Transport + 'static,
            config: PollerConfig,
            checkpoint: &Checkpoint,
        ) -> Self {
            Self::resume(context, $transport(transport), config, checkpoint).unwrap()
        }

        fn over_http(
            context: ClientConfig,
            transport: &TransportConfig,
            config: PollerConfig,
            from: Option<&Checkpoint>,
        ) -> Self {
            let transport = $http::with_config(transport).unwrap();
            Self::resume(context, transport, config, from).unwrap()
        }

        fn with_push(self, config: &TransportConfig) -> Result<Self, TransportError> {
            self.with_push(config)
        }

        fn on<R: IntoHandlerResult>(
            &self,
            event_type: EventType,
            handler: impl FnMut(&Event, &Self) -> R + Send + 'static,
        ) -> Handler {
            let handle = self.on(event_type, $handler(handler));
            Handler::new(|| handle.remove())
        }

        fn on_any<R: IntoHandlerResult>(
            &self,
            handler: impl FnMut(&Event, &Self) -> R + Send + 'static,
        ) -> Handler {
            let handle = self.on_any($handler(handler));
            Handler::new(|| handle.remove())
        }

        fn on_warning<R: IntoHandlerResult>(
            &self,
            handler: impl FnMut(&Warning, &Self) -> R + Send + 'static,
        ) -> Handler {
            let handle = self.on_warning($handler(handler));
            Handler::new(|| handle.remove())
        }

        fn on_status<R: IntoHandlerResult>(
            &self,
            handler: impl FnMut(&StatusChange, &Self) -> R + Send + 'static,
        ) -> Handler {
            let handle = self.on_status($handler(handler));
            Handler::new(|| handle.remove())
        }

        fn limits(&self, side_by_side: usize, waiting: usize) {
            self.limits(side_by_side, waiting);
        }

        fn start(&self) -> Result<(), Error> {
            $wait(self.start())
        }

        fn close(&self) {
            self.close();
        }

        fn status(&self) -> Status {
            self.status()
        }

        fn result(&self) -> Option<Result<(), Error>> {
            self.result()
        }

        fn checkpoint(&self) -> Option<Checkpoint> {
            self.checkpoint()
        }

        fn save(&self, journal: &mut Journal) -> Option<JournalEntry> {
            self.save(journal)
        }

        fn reply(&self, event: &Event, text: &str) -> Result<SentMsg, Error> {
            $wait(self.reply(event, text))
        }

        fn client(&self) -> Self::Client {
            self.client().clone()
        }
    };
}

/// A client of a runtime; see [`session_of`].
macro_rules! client_of {
    ($runtime:ident, $wait:path, $transport:path) => {
        impl Client for $runtime::Client {
            fn new(context: ClientConfig, transport: impl Transport + 'static) -> Self {
                Self::new(context, $transport(transport))
            }

            fn send_text(&self, to: Uid, text: &str) -> Result<SentMsg, Error> {
                $wait(self.send_text(to, text))
            }

            fn get_sessions(&self) -> Result<(), Error> {
                $wait(self.call(GetSessions::new())).map(drop)
            }

            fn items<P: Pager>(&self, pager: P) -> Vec<Result<P::Item, Error>> {
                $wait(self.items(pager).collect())
            }

            fn send_picture(&self, to: Uid, picture: Picture) -> Result<SentMsg, Error> {
                $wait(self.send_picture(to, picture))
            }

            fn download_picture(&self, picture: &PictureContent) -> Result<Vec<u8>, Error> {
                $wait(self.download_picture(picture))
            }

            fn save_picture(&self, picture: &PictureContent, to: &Path) -> io::Result<()> {
                $wait(self.save_picture(picture, to))
            }

            fn read_picture(from: &Path) -> io::Result<Picture> {
                $wait($runtime::read_picture(from))
            }
        }
    };
}

client_of!(on_blocking, identity, waiting);
client_of!(on_async_std, block_on, identity);
client_of!(on_tokio, tokio_block_on, carried);

impl Session for on_blocking::Session {
    session_of!(on_blocking, UreqTransport, 0, identity, waiting, identity);

    fn on_text<R: IntoHandlerResult>(
        &self,
        handler: impl FnMut(&str, &Event, &Self) -> R + Send + 'static,
    ) -> Handler {
        let handle = self.on_text(handler);
        Handler::new(|| handle.remove())
    }

    fn run(&self) -> Running {
        let running = self.run().unwrap();
        Running(Box::new(|| running.join()))
    }

    fn events(&self) -> impl Iterator<Item = Event> + Send + 'static {
        self.messages()
    }

    fn updates(&self) -> impl Iterator<Item = Update> + Send + 'static {
        self.updates()
    }
}

/// A handler of an async runtime, which is polled before and after the work.
fn polled<I, T: ?Sized, S: Session, R: IntoHandlerResult>(
    handler: impl FnMut(&T, &S) -> R + Send + 'static,
) -> impl FnMut(I, S) -> BoxFuture<'static, HandlerResult> + Send + 'static
where
    I: Borrow<T> + Send + Sync + 'static,
{
    let handler = Arc::new(Mutex::new(handler));
    move |input, session| {
        let handler = Arc::clone(&handler);
        let work = async move {
            yield_now().await;
            let result = {
                let mut handler = handler.lock().unwrap_or_else(PoisonError::into_inner);
                handler(input.borrow(), &session).into_handler_result()
            };
            yield_now().await;
            result
        };
        work.boxed()
    }
}

/// The rest of a session of an async runtime; see [`session_of`].
macro_rules! futures_of {
    ($wait:path) => {
        fn on_text<R: IntoHandlerResult>(
            &self,
            mut handler: impl FnMut(&str, &Event, &Self) -> R + Send + 'static,
        ) -> Handler {
            let mut handler = polled(move |(text, event): &(String, Arc<Event>), session| {
                handler(text, event, session)
            });
            let handle = self.on_text(move |text, event, session| handler((text, event), session));
            Handler::new(|| handle.remove())
        }

        fn run(&self) -> Running {
            let running = $wait(lazy(|_| self.run()));
            Running(Box::new(|| $wait(running)))
        }

        fn events(&self) -> impl Iterator<Item = Event> + Send + 'static {
            let mut events = self.messages();
            std::iter::from_fn(move || $wait(events.next()))
        }

        fn updates(&self) -> impl Iterator<Item = Update> + Send + 'static {
            let mut updates = self.updates();
            std::iter::from_fn(move || $wait(updates.next()))
        }
    };
}

impl Session for on_async_std::Session {
    session_of!(on_async_std, SurfTransport, 1, block_on, identity, polled);
    futures_of!(block_on);
}

impl Session for on_tokio::Session {
    session_of!(
        on_tokio,
        ReqwestTransport,
        0,
        tokio_block_on,
        carried,
        polled
    );
    futures_of!(tokio_block_on);
}
