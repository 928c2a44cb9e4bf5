//! The service, and the time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bilibili_session::{Now, TransportConfig, TransportError, TransportErrorKind, UnixMicros};
use http::{Request, Response};

use crate::{self as simulator, Simulator};

/// End of an exchange, as a transport reports it.
pub(super) type Answer = Result<Response<Vec<u8>>, TransportError>;

/// Wall clock at the start.
const START: UnixMicros = UnixMicros(1_700_000_000_000_000);

/// State that a bot and the transport of its session share.
pub(super) struct Surroundings {
    simulator: Mutex<Simulator>,
    elapsed: Mutex<Duration>,
    latency: Mutex<Duration>,
}

impl Surroundings {
    pub(super) fn new(simulator: Simulator) -> Self {
        Self {
            simulator: Mutex::new(simulator),
            elapsed: Mutex::default(),
            latency: Mutex::default(),
        }
    }

    pub(super) fn simulator(&self) -> MutexGuard<'_, Simulator> {
        lock(&self.simulator)
    }

    pub(super) fn now(&self) -> Now {
        let monotonic = *lock(&self.elapsed);
        Now {
            monotonic,
            wall: START.plus(monotonic),
        }
    }

    /// Lets time pass, and the simulator's script go on.
    pub(super) fn advance_to(&self, until: Duration) {
        {
            let mut elapsed = lock(&self.elapsed);
            *elapsed = until.max(*elapsed);
        }
        self.simulator().advance(self.now().wall.0);
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        *lock(&self.latency) = latency;
    }

    /// Carries a request out; returns the delay of the outcome, and the outcome.
    pub(super) fn exchange(&self, request: &Request<Vec<u8>>) -> (Duration, Answer) {
        let interrupted =
            || TransportError::new(TransportErrorKind::Interrupted, "the connection ended");
        let latency = *lock(&self.latency);
        match self.simulator().handle(self.now().wall.0, request) {
            simulator::Answer::Respond(response) => (latency, Ok(response)),
            simulator::Answer::Delayed(delay, response) => (latency + delay, Ok(response)),
            simulator::Answer::Truncated(_) | simulator::Answer::Reset => {
                (latency, Err(interrupted()))
            }
            simulator::Answer::Hang => {
                let timeout = TransportConfig::default().timeout;
                (timeout, Err(TransportError::timeout()))
            }
        }
    }
}

/// Transport to the simulator, for the calls that handlers make. Clones go to the same simulator.
///
/// An answer comes at once, and so much virtual time has passed as it took: the latency and what the service delayed
/// it by, or the timeout of the transports, 30 s, when there never is one.
#[derive(Clone)]
pub struct VirtualTransport(pub(super) Arc<Surroundings>);

impl VirtualTransport {
    /// Sends a request and returns the answer.
    ///
    /// # Errors
    /// Fails when the simulator hangs, or cuts the connection.
    pub fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, TransportError> {
        let (delay, answer) = self.0.exchange(&request);
        if !delay.is_zero() {
            self.0.advance_to(self.0.now().monotonic + delay);
        }
        answer
    }
}

impl fmt::Debug for VirtualTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualTransport").finish_non_exhaustive()
    }
}

/// Locks state that is whole at any time, also after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
