//! The gate of nav: one at a time, whoever asks for the keys.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::error::Error;

/// The nav of an account that is in flight, and the outcome of the last one if it failed.
///
/// Whoever holds the [`NavTicket`] asks, and the others wait. They never wait for ever: a ticket
/// that is dropped, with a call that was given up half way, opens the gate, and so does the
/// deadline.
#[derive(Debug, Default)]
pub(crate) struct NavGate {
    /// The nav that was begun last.
    number: NavNumber,
    /// Gone together with the ticket.
    owner: Weak<()>,
    deadline: Duration,
    failure: Option<Error>,
}

/// A clone knows nothing of a nav that its original waits for.
impl Clone for NavGate {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Number of a nav of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct NavNumber(u64);

/// The right to send nav, to be kept until the outcome is known.
#[derive(Debug)]
pub(crate) struct NavTicket {
    number: NavNumber,
    _owner: Arc<()>,
}

/// A nav that somebody waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NavInFlight {
    pub(crate) number: NavNumber,
    pub(crate) deadline: Duration,
}

impl NavGate {
    /// Takes the gate; a former owner whose nav is overdue loses it.
    pub(crate) fn begin(&mut self, deadline: Duration) -> NavTicket {
        let owner = Arc::new(());
        *self = Self {
            number: NavNumber(self.number.0.wrapping_add(1)),
            owner: Arc::downgrade(&owner),
            deadline,
            failure: None,
        };
        NavTicket {
            number: self.number,
            _owner: owner,
        }
    }

    /// Returns the nav that is to be waited for at this monotonic reading.
    pub(crate) fn in_flight(&self, clock: Duration) -> Option<NavInFlight> {
        let Self {
            number, deadline, ..
        } = *self;
        let is_in_flight = self.owner.strong_count() > 0 && clock < deadline;
        is_in_flight.then_some(NavInFlight { number, deadline })
    }

    /// Opens the gate after a failure at this monotonic reading. Those that wait share it, unless
    /// nav is overdue: then one of them asks.
    pub(crate) fn fail(&mut self, clock: Duration, ticket: &NavTicket, error: &Error) {
        if self.number == ticket.number {
            self.owner = Weak::new();
            self.failure = (clock < self.deadline).then(|| error.clone());
        }
    }

    /// Returns the failure of this nav, if it failed and no other was begun since.
    pub(crate) fn failure(&self, number: NavNumber) -> Option<&Error> {
        let failure = self.failure.as_ref();
        failure.filter(|_| self.number == number)
    }
}
