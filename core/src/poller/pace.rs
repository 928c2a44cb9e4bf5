//! The interval of rounds, which may grow while an account is quiet.

use std::time::Duration;

/// Number of rounds that bring nothing before the interval grows.
const PATIENCE: u32 = 10;

/// The interval of rounds.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    ceiling: Duration,
    current: Duration,
    /// Number of rounds in a row that brought nothing.
    quiet: u32,
}

impl Pace {
    pub(super) fn new(interval: Duration, ceiling: Option<Duration>) -> Self {
        Self {
            interval,
            ceiling: ceiling.unwrap_or(interval),
            current: interval,
            quiet: 0,
        }
    }

    /// Returns the distance from the last round to the next.
    pub(super) const fn current(&self) -> Duration {
        self.current
    }

    /// Returns the interval of an account that is not quiet.
    pub(super) const fn interval(&self) -> Duration {
        self.interval
    }

    /// Notes activity: the interval is the usual one again.
    pub(super) const fn quicken(&mut self) {
        self.quiet = 0;
        self.current = self.interval;
    }

    /// Notes the end of a round that brought nothing.
    pub(super) fn slacken(&mut self) {
        self.quiet = self.quiet.saturating_add(1);
        if self.quiet > PATIENCE {
            let longer = self.current.saturating_add(self.current / 4);
            self.current = longer.min(self.ceiling);
        }
    }
}
