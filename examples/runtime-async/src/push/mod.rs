//! The push channel of a session: a task that listens.

mod socket;

pub use socket::{Connector, PushRuntime, Socket};

use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bilibili_session::poller::Status;
use bilibili_session::push::{Handshake, Loss, Output, PushMachine};
use bilibili_session::{Now, TransportConfig, TransportError};
use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, Either, select};

use crate::Runtime;
use crate::engine::{Engine, lock};

/// Most time that a frame may take to be sent: they are small.
const SENDING: Duration = Duration::from_secs(10);

/// The push channel of a session. It ends with this value.
pub(crate) struct Push {
    end: AbortHandle,
    /// `None` once the task was spawned.
    waiting: Option<Listening>,
    spawn: fn(Listening),
}

type Listening = Abortable<BoxFuture<'static, ()>>;

impl Engine {
    /// Sets up the push channel.
    pub(crate) fn set_push<R: PushRuntime>(
        self: &Arc<Self>,
        config: &TransportConfig,
    ) -> Result<(), TransportError> {
        let seed = RandomState::new().hash_one(0);
        let listener = Listener::<R::Connector> {
            machine: self.machine().push_machine(seed),
            connector: Connector::new(config)?,
            socket: None,
            engine: Arc::downgrade(self),
        };
        let (end, registration) = AbortHandle::new_pair();
        let listening = Abortable::new(listener.run::<R>().boxed(), registration);
        *lock(&self.push) = Some(Push {
            end,
            waiting: Some(listening),
            spawn: |listening| {
                R::spawn(async {
                    // An error says that it was ended.
                    let _ = listening.await;
                });
            },
        });
        Ok(())
    }

    /// Begins to listen when the session is connected, and ends that with it.
    pub(crate) fn follow_push(&self) {
        let status = self.machine().status();
        let mut push = lock(&self.push);
        let Some(channel) = &mut *push else { return };
        match status {
            Status::Init => {}
            Status::Connected => {
                if let Some(listening) = channel.waiting.take() {
                    (channel.spawn)(listening);
                }
            }
            Status::Closing | Status::Closed | Status::Error => drop(push.take()),
        }
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.end.abort();
    }
}

/// Drives the machine of the channel.
struct Listener<C: Connector> {
    machine: PushMachine,
    connector: C,
    socket: Option<C::Socket>,
    engine: Weak<Engine>,
}

impl<C: Connector> Listener<C> {
    async fn run<R: Runtime>(mut self) {
        // The session may be gone.
        while let Some(now) = self.engine.upgrade().map(|engine| engine.now()) {
            let machine = &mut self.machine;
            if let Some(engine) = self.engine.upgrade() {
                engine.machine().lend_login(machine);
            }
            match machine.poll_output(now) {
                Output::Connect(handshake) => self.connect::<R>(now, handshake).await,
                Output::Send(frame) => {
                    let sent = match &mut self.socket {
                        Some(socket) => within::<R, _>(SENDING, socket.send(frame)).await,
                        None => Some(Ok(())),
                    };
                    if let Err(loss) = sent.unwrap_or(Err(Loss::NoAnswer)) {
                        self.machine.handle_lost(self.now(now), loss);
                    }
                }
                Output::Hint(hint) => {
                    self.tell(|engine| engine.change(|machine| machine.handle_hint(now, hint)));
                }
                Output::Connected => {
                    self.tell(|engine| engine.change(|machine| machine.handle_push(true, None)));
                }
                Output::Lost(loss) => {
                    let reason = Some(loss.to_string());
                    self.tell(|engine| engine.change(|machine| machine.handle_push(false, reason)));
                }
                Output::Disconnect => self.socket = None,
                Output::Wait(until) => {
                    let span = until.saturating_sub(now.monotonic);
                    self.wait::<R>(now, span).await;
                }
                Output::Closed => return,
            }
        }
    }

    async fn connect<R: Runtime>(&mut self, now: Now, handshake: Handshake) {
        let limit = handshake.deadline.saturating_sub(now.monotonic);
        let connected = within::<R, _>(limit, self.connector.connect(&handshake)).await;
        let now = self.now(now);
        match connected.unwrap_or(Err(Loss::NoAnswer)) {
            Ok(socket) => {
                self.socket = Some(socket);
                self.machine.handle_connected(now);
            }
            Err(loss) => self.machine.handle_lost(now, loss),
        }
    }

    /// Waits until something comes, or so long.
    async fn wait<R: Runtime>(&mut self, now: Now, span: Duration) {
        let Some(socket) = &mut self.socket else {
            return R::sleep(span).await;
        };
        let Some(came) = within::<R, _>(span, socket.receive()).await else {
            return;
        };
        let now = self.now(now);
        match came {
            Ok(Some(frame)) => self.machine.handle_frame(now, &frame),
            Ok(None) => self.machine.handle_alive(now),
            Err(loss) => self.machine.handle_lost(now, loss),
        }
    }

    /// Returns the time; that of before if the session is gone.
    fn now(&self, before: Now) -> Now {
        let engine = self.engine.upgrade();
        engine.map_or(before, |engine| engine.now())
    }

    fn tell(&self, tell: impl FnOnce(&Engine)) {
        if let Some(engine) = self.engine.upgrade() {
            tell(&engine);
        }
    }
}

/// Waits for this, but no longer than so long.
async fn within<R: Runtime, T>(span: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(R::sleep(span))).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
