//! The time of the next round, and of the next request.

use std::time::Duration;

use super::PollerConfig;
use crate::time::UnixSeconds;

/// Greatest difference between two readings of the server's clock: they are whole seconds, and an
/// answer takes a moment to come.
const CLOCK_ERROR: Duration = Duration::from_secs(3);

/// The pace of rounds and requests.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    /// Least distance between two requests.
    spacing: Duration,
    /// Beginning of the next round.
    next_round: Duration,
    /// End of the spacing after the last request: the next one is not sent before.
    spaced_at: Duration,
    /// Time of the last request for the list, by the server's clock.
    polled_at: UnixSeconds,
}

impl Schedule {
    pub(super) fn new(config: &PollerConfig, is_official: bool) -> Self {
        Self {
            interval: config.interval,
            spacing: config.spacing_to(is_official),
            next_round: Duration::ZERO,
            spaced_at: Duration::ZERO,
            polled_at: UnixSeconds::default(),
        }
    }

    /// Takes over the time at which a former poller asked for the list last.
    pub(super) const fn resume(&mut self, polled_at: UnixSeconds) {
        self.polled_at = polled_at;
    }

    /// Sets the first round at its distance from the last one of a former poller, as far as the
    /// clocks can tell.
    pub(super) fn connect_again(&mut self, clock: Duration, server_now: UnixSeconds) {
        let due = self
            .polled_at
            .plus(self.interval.saturating_add(CLOCK_ERROR));
        let wait = due.0.saturating_sub(server_now.0);
        let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(0));
        self.next_round = clock.saturating_add(wait.min(self.interval));
    }

    pub(super) fn begin_round(&mut self, clock: Duration, server_now: UnixSeconds) {
        self.next_round = clock.saturating_add(self.interval);
        self.polled_at = server_now;
    }

    /// Puts the next round off until then at the earliest.
    pub(super) fn put_off(&mut self, until: Duration) {
        self.next_round = self.next_round.max(until);
    }

    pub(super) fn sent(&mut self, clock: Duration) {
        self.spaced_at = clock.saturating_add(self.spacing);
    }

    pub(super) const fn next_round(&self) -> Duration {
        self.next_round
    }

    pub(super) const fn spaced_at(&self) -> Duration {
        self.spaced_at
    }

    pub(super) const fn polled_at(&self) -> UnixSeconds {
        self.polled_at
    }
}
