//! When the next round begins, and when the next request may be sent.

use std::time::Duration;

use super::PollerConfig;
use crate::time::UnixSeconds;

/// How far two readings of the server's clock may be apart: they are whole seconds, and an
/// answer takes a moment to come.
const CLOCK_ERROR: Duration = Duration::from_secs(3);

/// The pace of rounds and requests.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    /// Least distance between two requests.
    spacing: Duration,
    /// The next round begins then.
    next_round: Duration,
    /// No request is sent before: it would be too close to the last one.
    spaced_at: Duration,
    /// When the list was last asked for, by the server's clock.
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

    /// Takes over when a former life asked for the list last.
    pub(super) const fn resume(&mut self, polled_at: UnixSeconds) {
        self.polled_at = polled_at;
    }

    /// The first round keeps its distance to the last one of the former life, as far as the
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

    /// The next round does not begin before.
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
