//! The connection as a machine.

use std::collections::VecDeque;
use std::time::Duration;

use super::frame::{self, Incoming, Request};
use super::handshake::{self, Handshake};
use super::loss::Loss;
use super::retry::Retry;
use crate::client_config::ClientConfig;
use crate::credential::Credential;
use crate::poller::Hint;
use crate::rng::Rng;
use crate::time::Now;

/// Most time that the handshake may take, and then the answer to the login.
const PATIENCE: Duration = Duration::from_secs(15);
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Silence after which a connection counts as lost: three heartbeats without an answer.
const SILENCE: Duration = Duration::from_secs(65);
/// Number of unreadable frames in a row that end a connection.
const MOST_UNREADABLE: u32 = 16;

/// A push channel without its I/O: it connects, listens, and connects again after a loss. See the
/// [module](super).
#[derive(Debug)]
pub struct PushMachine {
    context: ClientConfig,
    rng: Rng,
    /// The latest monotonic reading.
    clock: Duration,
    state: State,
    retry: Retry,
    /// Number of the last frame of this connection.
    sequence: i64,
    /// The last report; `None` before the first.
    reported: Option<bool>,
    outbox: VecDeque<Output>,
}

/// The next thing to do.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a driver does each of these")]
pub enum Output {
    /// Connect; the outcome goes to [`PushMachine::handle_connected`] or
    /// [`PushMachine::handle_lost`].
    Connect(Handshake),
    /// Send this as one binary message.
    Send(Vec<u8>),
    /// Something may have changed: for [`Poller::handle_hint`](crate::poller::Poller::handle_hint).
    Hint(Hint),
    /// The channel is connected: a report, once for each time.
    Connected,
    /// The channel is not connected any more, or cannot be at first: a report, once until it is
    /// connected again.
    Lost(Loss),
    /// Drop the connection, or the attempt.
    Disconnect,
    /// Nothing is to be done until this monotonic reading, or until something comes, or until the
    /// channel is to be closed.
    Wait(Duration),
    /// The channel was closed.
    Closed,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Waiting {
        until: Duration,
    },
    Connecting {
        deadline: Duration,
    },
    /// The login was sent.
    Authenticating {
        deadline: Duration,
    },
    Listening(Listening),
    Closed,
}

#[derive(Debug, Clone, Copy)]
struct Listening {
    since: Duration,
    heard_at: Duration,
    heartbeat_at: Duration,
    /// Number of unreadable frames in a row.
    unreadable: u32,
}

impl PushMachine {
    /// Creates a channel for this login. The seed makes the ids of its connections; the same seed
    /// makes the same ones.
    pub const fn new(context: ClientConfig, seed: u64) -> Self {
        Self {
            context,
            rng: Rng::new(seed),
            clock: Duration::ZERO,
            state: State::Waiting {
                until: Duration::ZERO,
            },
            retry: Retry::new(),
            sequence: 0,
            reported: None,
            outbox: VecDeque::new(),
        }
    }

    /// Returns whether the channel is connected: the server has accepted the login.
    pub const fn is_connected(&self) -> bool {
        matches!(self.state, State::Listening(_))
    }

    /// Advances the time, and returns the next thing to do. To be called again until
    /// [`Output::Wait`] or [`Output::Closed`] comes.
    pub fn poll_output(&mut self, now: Now) -> Output {
        self.at(now);
        if self.outbox.is_empty() {
            self.advance();
        }
        match self.outbox.pop_front() {
            Some(output) => output,
            None => self.wait(),
        }
    }

    /// Notes that the connection of the last [`Output::Connect`] is open.
    pub fn handle_connected(&mut self, now: Now) {
        self.at(now);
        match self.state {
            State::Connecting { .. } => {
                self.state = State::Authenticating {
                    deadline: self.clock.saturating_add(PATIENCE),
                };
                self.sequence = 0;
                let guid = self.guid();
                self.send(Request::Auth { guid: &guid });
            }
            // It came too late.
            State::Waiting { .. } | State::Closed => self.outbox.push_back(Output::Disconnect),
            State::Authenticating { .. } | State::Listening(_) => {}
        }
    }

    /// Takes a binary message that came. Whatever it holds, it does no harm.
    pub fn handle_frame(&mut self, now: Now, bytes: &[u8]) {
        self.at(now);
        let incoming = match (frame::read(bytes), self.state) {
            (Ok(incoming), _) => incoming,
            (Err(_), State::Listening(listening)) => return self.skip(listening),
            (Err(_), _) => return,
        };
        match (incoming, self.state) {
            (Incoming::Refused { code, message }, _) => self.lose(Loss::Refused { code, message }),
            (Incoming::Kicked, _) => self.lose(Loss::Kicked),
            (Incoming::Authenticated, State::Authenticating { .. }) => self.listen(),
            (incoming, State::Listening(listening)) => {
                self.state = State::Listening(Listening {
                    heard_at: self.clock,
                    unreadable: 0,
                    ..listening
                });
                if let Incoming::Hint(hint) = incoming {
                    self.hint(hint);
                }
            }
            _ => {}
        }
    }

    /// Notes that something came that is no binary message, as a ping: the server is there.
    pub fn handle_alive(&mut self, now: Now) {
        self.at(now);
        if let State::Listening(listening) = &mut self.state {
            listening.heard_at = self.clock;
        }
    }

    /// Notes that the connection ended, or that there was none.
    pub fn handle_lost(&mut self, now: Now, loss: Loss) {
        self.at(now);
        // In a wait there is nothing to lose: the loss is known.
        if !matches!(self.state, State::Waiting { .. }) {
            self.lose(loss);
        }
    }

    /// Ends the channel, whatever it is about.
    pub fn handle_close(&mut self) {
        if !matches!(self.state, State::Closed) {
            self.state = State::Closed;
            self.outbox.clear();
            self.outbox.push_back(Output::Disconnect);
        }
    }

    fn at(&mut self, now: Now) {
        self.clock = self.clock.max(now.monotonic);
    }

    /// Does what is due.
    fn advance(&mut self) {
        match self.state {
            State::Waiting { until } if until <= self.clock => self.connect(),
            State::Connecting { deadline } | State::Authenticating { deadline }
                if deadline <= self.clock =>
            {
                self.lose(Loss::NoAnswer);
            }
            State::Listening(listening) if listening.silent_at() <= self.clock => {
                self.lose(Loss::Silent);
            }
            State::Listening(listening) if listening.heartbeat_at <= self.clock => {
                self.state = State::Listening(Listening {
                    heartbeat_at: self.clock.saturating_add(HEARTBEAT),
                    ..listening
                });
                self.send(Request::Heartbeat);
            }
            _ => {}
        }
    }

    const fn wait(&self) -> Output {
        Output::Wait(match self.state {
            State::Waiting { until } => until,
            State::Connecting { deadline } | State::Authenticating { deadline } => deadline,
            State::Listening(listening) => listening.next(),
            State::Closed => return Output::Closed,
        })
    }

    /// Sets the login of later connections.
    pub fn set_credential(&mut self, credential: &Credential) {
        self.context.credential.clone_from(credential);
    }

    fn connect(&mut self) {
        let request = match handshake::request(&self.context) {
            Ok(request) => request,
            Err(error) => return self.lose(error.into()),
        };
        let deadline = self.clock.saturating_add(PATIENCE);
        self.state = State::Connecting { deadline };
        let handshake = Handshake { request, deadline };
        self.outbox.push_back(Output::Connect(handshake));
    }

    fn listen(&mut self) {
        self.send(Request::Subscribe);
        self.state = State::Listening(Listening {
            since: self.clock,
            heard_at: self.clock,
            heartbeat_at: self.clock.saturating_add(HEARTBEAT),
            unreadable: 0,
        });
        self.reported = Some(true);
        self.outbox.push_back(Output::Connected);
        self.hint(Hint::Connected);
    }

    /// Notes a frame that cannot be read.
    fn skip(&mut self, listening: Listening) {
        let unreadable = listening.unreadable.saturating_add(1);
        if unreadable >= MOST_UNREADABLE {
            return self.lose(Loss::Unreadable);
        }
        self.state = State::Listening(Listening {
            unreadable,
            ..listening
        });
    }

    /// Ends the connection, or the attempt; the next one is made after a wait.
    fn lose(&mut self, loss: Loss) {
        let connected = match self.state {
            State::Closed => return,
            State::Listening(listening) => Some(self.clock.saturating_sub(listening.since)),
            _ => None,
        };
        let until = self.clock.saturating_add(self.retry.next(connected));
        self.state = State::Waiting { until };
        let is_about_it = |it: &Output| !matches!(it, Output::Send(_) | Output::Connect(_));
        self.outbox.retain(is_about_it);
        self.outbox.push_back(Output::Disconnect);
        if self.reported != Some(false) {
            self.reported = Some(false);
            self.outbox.push_back(Output::Lost(loss));
        }
    }

    /// Passes a hint on, unless the same one waits already.
    fn hint(&mut self, hint: Hint) {
        let waits = |it: &Output| matches!(it, Output::Hint(known) if *known == hint);
        if !self.outbox.iter().any(waits) {
            self.outbox.push_back(Output::Hint(hint));
        }
    }

    fn send(&mut self, request: Request<'_>) {
        self.sequence = self.sequence.saturating_add(1);
        let frame = request.encode(self.sequence);
        self.outbox.push_back(Output::Send(frame));
    }

    /// Returns the id of the next connection, in the shape of a UUID v4.
    fn guid(&mut self) -> String {
        let (high, low) = (self.rng.next(), self.rng.next());
        let version = (high & !0xf000) | 0x4000;
        let variant = (low & !(0b11 << 62)) | (0b10 << 62);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            version >> 32,
            (version >> 16) & 0xffff,
            version & 0xffff,
            variant >> 48,
            variant & 0xffff_ffff_ffff,
        )
    }
}

impl Listening {
    const fn silent_at(self) -> Duration {
        self.heard_at.saturating_add(SILENCE)
    }

    /// Returns the time at which something is to be done.
    const fn next(self) -> Duration {
        let silent_at = self.silent_at();
        match self.heartbeat_at.as_nanos() < silent_at.as_nanos() {
            true => self.heartbeat_at,
            false => silent_at,
        }
    }
}
