//! The wait before the next connection.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// A connection of this age was a good one: the waits begin anew after it.
const GOOD: Duration = Duration::from_secs(60);

/// A wait that doubles with every loss.
#[derive(Debug)]
pub(super) struct Retry {
    losses: u32,
}

impl Retry {
    pub(super) const fn new() -> Self {
        Self { losses: 0 }
    }

    /// Returns the wait after a loss; `connected` is the age of the connection, if there was one.
    pub(super) fn next(&mut self, connected: Option<Duration>) -> Duration {
        if connected.is_some_and(|age| age >= GOOD) {
            self.losses = 0;
        }
        let doubled = 1_u32.checked_shl(self.losses).unwrap_or(u32::MAX);
        self.losses = self.losses.saturating_add(1).min(31);
        FIRST.saturating_mul(doubled).min(LONGEST)
    }
}
