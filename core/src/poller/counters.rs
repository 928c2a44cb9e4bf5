//! Counts of what a poller has done, for whoever watches over it.

use std::time::Duration;

use crate::error::{Error, ErrorClass};
use crate::time::UnixSeconds;

/// Counts of what a poller and the calls beside it have done since it was created.
///
/// A checkpoint does not keep them: a resumed poller begins at zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Rounds that were begun, the first list included.
    pub rounds: u64,
    /// Requests of the poller, by outcome.
    pub requests: Outcomes,
    /// Calls [beside it](super::Poller::poll_call), by outcome. One that was not made because of a
    /// pause is none.
    pub calls: Outcomes,
    /// Messages that were delivered.
    pub events: u64,
    /// Notifications that were delivered.
    pub notifications: u64,
    /// Warnings of the poller itself: those of handlers and of a push channel are not among them.
    pub warnings: u64,
    /// Pauses for all requests.
    pub pauses: u64,
    /// Length of all these pauses together, as they were announced.
    pub paused: Duration,
    /// Delays of the messages that were delivered.
    pub delays: Delays,
}

/// Numbers of requests or calls, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcomes {
    /// Answered as they should be.
    pub ok: u64,
    /// Refused with a code, for a reason of their own.
    pub refused: u64,
    /// Refused because there were too many.
    pub throttled: u64,
    /// Refused by the risk control.
    pub risk_control: u64,
    /// Answered by a fault of the server, or by what cannot be read.
    pub faults: u64,
    /// Without a whole answer.
    pub unanswered: u64,
}

/// Delays between the time of a message and its delivery, both by the service's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delays {
    /// Numbers of messages, by delay: at most so long as the value of [`BOUNDS`](Self::BOUNDS) at
    /// the same place, and longer than the one before; the last number is of those above all bounds.
    pub counts: [u64; 9],
    /// All delays together. Times of messages are whole seconds.
    pub sum: Duration,
}

impl Outcomes {
    /// Returns the number of all of them.
    pub const fn total(&self) -> u64 {
        self.ok
            .saturating_add(self.refused)
            .saturating_add(self.throttled)
            .saturating_add(self.risk_control)
            .saturating_add(self.faults)
            .saturating_add(self.unanswered)
    }

    pub(super) fn count(&mut self, failure: Option<&Error>) {
        let outcome = match failure.map(Error::class) {
            None => &mut self.ok,
            Some(ErrorClass::Throttled) => &mut self.throttled,
            Some(ErrorClass::RiskControl) => &mut self.risk_control,
            Some(ErrorClass::Server) => &mut self.faults,
            Some(ErrorClass::Transport) => &mut self.unanswered,
            Some(_) => &mut self.refused,
        };
        *outcome = outcome.saturating_add(1);
    }
}

impl Delays {
    /// Upper bounds of the delays that are counted together, in seconds.
    pub const BOUNDS: [u64; 8] = [1, 2, 5, 10, 30, 60, 300, 3600];

    /// Returns the least bound that so large a part of the messages kept, in seconds; `None` without a
    /// message, and where it lies above all bounds. `part` is 0.5 for the median.
    pub fn within(&self, part: f64) -> Option<u64> {
        let total: u64 = self.counts.iter().sum();
        #[expect(clippy::cast_precision_loss, reason = "a share of a count")]
        let enough = |seen: u64| seen as f64 >= part * total as f64;
        let mut seen = 0_u64;
        let mut bounds = Self::BOUNDS.iter().zip(&self.counts);
        let bound = bounds.find(|(_, count)| {
            seen = seen.saturating_add(**count);
            enough(seen)
        });
        bound.filter(|_| total > 0).map(|(bound, _)| *bound)
    }

    fn count(&mut self, delay: Duration) {
        let is_within = |bound: &u64| delay <= Duration::from_secs(*bound);
        let place = Self::BOUNDS.iter().position(is_within);
        if let Some(count) = self.counts.get_mut(place.unwrap_or(Self::BOUNDS.len())) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(delay);
    }
}

impl Counters {
    /// Counts a message that is delivered; `now` is the server's clock.
    pub(super) fn deliver(&mut self, written_at: UnixSeconds, now: UnixSeconds) {
        self.events = self.events.saturating_add(1);
        // Without a time there is no delay to tell.
        if written_at.0 > 0 {
            let delay = now.0.saturating_sub(written_at.0);
            let delay = Duration::from_secs(u64::try_from(delay).unwrap_or(0));
            self.delays.count(delay);
        }
    }

    pub(super) const fn pause(&mut self, delay: Duration) {
        self.pauses = self.pauses.saturating_add(1);
        self.paused = self.paused.saturating_add(delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_counted_by_their_bounds() {
        let mut delays = Delays::default();
        assert_eq!(delays.within(0.5), None);
        for seconds in [0, 1, 2, 4, 5, 11, 4000] {
            delays.count(Duration::from_secs(seconds));
        }
        assert_eq!(delays.counts, [2, 1, 2, 0, 1, 0, 0, 0, 1]);
        assert_eq!(delays.sum, Duration::from_secs(4023));
        assert_eq!(delays.within(0.5), Some(5));
        assert_eq!(delays.within(0.8), Some(30));
        assert_eq!(delays.within(0.99), None);
    }
}
