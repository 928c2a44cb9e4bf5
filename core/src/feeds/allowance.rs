//! The allowance of requests that hints lead to.

use std::time::Duration;

/// Number of requests that may come at the least distance.
const MOST: u32 = 20;

/// Requests that nothing but a hint led to, of all feeds together: a channel that never stops, or
/// that tells of nothing, leads to one request every few seconds.
#[derive(Debug)]
pub(super) struct Allowance {
    /// Distance of requests that go on for long.
    lasting: Duration,
    /// Time at which all that was spent has come back.
    whole_at: Duration,
}

impl Allowance {
    pub(super) const fn new(lasting: Duration) -> Self {
        Self {
            lasting,
            whole_at: Duration::ZERO,
        }
    }

    /// Returns the time from which on a hint may lead to a request.
    pub(super) fn from(&self) -> Duration {
        self.whole_at.saturating_sub(self.lasting * (MOST - 1))
    }

    /// Notes such a request.
    pub(super) fn spend(&mut self, clock: Duration) {
        self.whole_at = self.whole_at.max(clock).saturating_add(self.lasting);
    }
}
