//! The push channel of a session: a task that listens.

mod socket;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bilibili_session::poller::Status;
use bilibili_session::push::{Handshake, Loss, Output, PushMachine};
use bilibili_session::{Now, TransportConfig, TransportError};
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use self::socket::{Connector, Socket};
use crate::engine::{Engine, lock};

/// The push channel of a session. It ends with this value.
pub(crate) struct Push {
    /// Its task, once it was spawned.
    listening: JoinSet<()>,
    /// What that task is to do, until then.
    waiting: Option<BoxFuture<'static, ()>>,
}

impl Engine {
    /// Sets up the push channel.
    pub(crate) fn set_push(
        self: &Arc<Self>,
        config: &TransportConfig,
    ) -> Result<(), TransportError> {
        let seed = RandomState::new().hash_one(0);
        let listener = Listener {
            machine: self.machine().push_machine(seed),
            connector: Connector::new(config)?,
            socket: None,
            engine: Arc::downgrade(self),
        };
        *lock(&self.push) = Some(Push {
            listening: JoinSet::new(),
            waiting: Some(Box::pin(listener.run())),
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
                if let Some(listener) = channel.waiting.take() {
                    channel.listening.spawn(listener);
                }
            }
            Status::Closing | Status::Closed | Status::Error => drop(push.take()),
        }
    }
}

/// Drives the machine of the channel.
struct Listener {
    machine: PushMachine,
    connector: Connector,
    socket: Option<Socket>,
    engine: Weak<Engine>,
}

impl Listener {
    async fn run(mut self) {
        // The session may be gone.
        while let Some(now) = self.engine.upgrade().map(|engine| engine.now()) {
            let machine = &mut self.machine;
            if let Some(engine) = self.engine.upgrade() {
                engine.machine().lend_login(machine);
            }
            match machine.poll_output(now) {
                Output::Connect(handshake) => self.connect(now, handshake).await,
                Output::Send(frame) => {
                    let sent = match &mut self.socket {
                        Some(socket) => socket.send(frame).await,
                        None => Ok(()),
                    };
                    if let Err(loss) = sent {
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
                    self.wait(now, until.saturating_sub(now.monotonic)).await;
                }
                Output::Closed => return,
            }
        }
    }

    async fn connect(&mut self, now: Now, handshake: Handshake) {
        let limit = handshake.deadline.saturating_sub(now.monotonic);
        let connected = timeout(limit, self.connector.connect(&handshake)).await;
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
    async fn wait(&mut self, now: Now, span: Duration) {
        let Some(socket) = &mut self.socket else {
            return sleep(span).await;
        };
        let Ok(came) = timeout(span, socket.receive()).await else {
            return;
        };
        let now = self.now(now);
        match came {
            Ok(Message::Binary(frame)) => self.machine.handle_frame(now, &frame),
            Ok(_) => self.machine.handle_alive(now),
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
