//! The push channel of a session: a thread that listens.

mod socket;

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use bilibili_session::poller::Status;
use bilibili_session::push::{Output, PushMachine};
use bilibili_session::{Now, TransportConfig, TransportError};

use self::socket::{Connector, Socket};
use crate::engine::{Engine, lock};

/// The push channel of a session. It ends with this value; a connection that is being made then
/// ends after that, and nobody waits for it.
pub(crate) struct Push {
    shared: Arc<Shared>,
    /// `None` once the thread was started.
    waiting: Option<Listener>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_over: bool,
    /// The connection, so that a wait for what comes can be ended.
    stream: Option<TcpStream>,
}

impl Engine {
    /// Sets up the push channel.
    pub(crate) fn set_push(
        self: &Arc<Self>,
        config: &TransportConfig,
    ) -> Result<(), TransportError> {
        let seed = RandomState::new().hash_one(0);
        let shared = Arc::<Shared>::default();
        let listener = Listener {
            machine: self.machine().push_machine(seed),
            connector: Connector::new(config)?,
            socket: None,
            engine: Arc::downgrade(self),
            shared: Arc::clone(&shared),
        };
        *lock(&self.push) = Some(Push {
            shared,
            waiting: Some(listener),
        });
        Ok(())
    }

    /// Begins to listen when the session is connected, and ends that with it.
    pub(crate) fn follow_push(&self) {
        let mut push = lock(&self.push);
        let Some(channel) = &mut *push else { return };
        // A statement of its own: the machine is not locked below.
        let status = self.machine().status();
        match status {
            Status::Init => {}
            Status::Connected => {
                if let Some(listener) = channel.waiting.take() {
                    let name = String::from("bilibili-session-push");
                    let started = thread::Builder::new()
                        .name(name)
                        .spawn(move || listener.run());
                    if let Err(error) = started {
                        let reason = Some(error.to_string());
                        self.machine().handle_push(false, reason);
                    }
                }
            }
            Status::Closing | Status::Closed | Status::Error => drop(push.take()),
        }
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.is_over = true;
        if let Some(stream) = state.stream.take() {
            // Fails when it is closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        lock(&self.state).is_over
    }

    /// Makes this the connection that the end ends.
    fn keep(&self, stream: TcpStream) {
        let mut state = lock(&self.state);
        match state.is_over {
            true => drop(stream.shutdown(Shutdown::Both)),
            false => state.stream = Some(stream),
        }
    }

    /// Waits so long, or until the end.
    fn wait(&self, span: Duration) {
        let state = lock(&self.state);
        let waited = self
            .changed
            .wait_timeout_while(state, span, |state| !state.is_over);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Drives the machine of the channel.
struct Listener {
    machine: PushMachine,
    connector: Connector,
    socket: Option<Socket>,
    engine: Weak<Engine>,
    shared: Arc<Shared>,
}

impl Listener {
    fn run(mut self) {
        while !self.shared.is_over() {
            // The session may be gone.
            let Some(now) = self.engine.upgrade().map(|engine| engine.now()) else {
                return;
            };
            let machine = &mut self.machine;
            if let Some(engine) = self.engine.upgrade() {
                engine.machine().lend_login(machine);
            }
            match machine.poll_output(now) {
                Output::Connect(handshake) => {
                    let limit = handshake.deadline.saturating_sub(now.monotonic);
                    let keep = |stream| self.shared.keep(stream);
                    match self.connector.connect(&handshake, limit, keep) {
                        Ok(socket) => {
                            self.socket = Some(socket);
                            self.machine.handle_connected(self.now(now));
                        }
                        Err(loss) => self.machine.handle_lost(self.now(now), loss),
                    }
                }
                Output::Send(frame) => {
                    let sent = self.socket.as_mut().map(|socket| socket.send(frame));
                    if let Some(Err(loss)) = sent {
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
                Output::Wait(until) => self.wait(now, until.saturating_sub(now.monotonic)),
                Output::Closed => return,
            }
        }
    }

    /// Waits until something comes, or so long.
    fn wait(&mut self, now: Now, span: Duration) {
        let Some(socket) = &mut self.socket else {
            return self.shared.wait(span);
        };
        let came = socket.receive(span);
        let now = self.now(now);
        match came {
            Ok(Some(tungstenite::Message::Binary(frame))) => self.machine.handle_frame(now, &frame),
            Ok(Some(_)) => self.machine.handle_alive(now),
            Ok(None) => {}
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
