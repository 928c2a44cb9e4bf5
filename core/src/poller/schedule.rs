//! The time of the next round, and of the next request.

use std::time::Duration;

use super::PollerConfig;
use super::pace::Pace;
use super::poke::{Look, Poke};
use crate::time::UnixSeconds;

/// Greatest difference between two readings of the server's clock: they are whole seconds, and an
/// answer takes a moment to come.
const CLOCK_ERROR: Duration = Duration::from_secs(3);

/// The pace of rounds and requests.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    poke: Poke,
    /// Least distance between two requests.
    spacing: Duration,
    /// Beginning of the last round.
    began: Duration,
    /// Set from the first round on.
    has_begun: bool,
    first: First,
    /// Set if the present round brought something.
    has_found: bool,
    /// End of the hold after a failed list: no round begins before.
    held_until: Duration,
    /// End of the spacing after the last request: the next one is not sent before.
    spaced_at: Duration,
    /// Time of the last request for the list, by the server's clock.
    polled_at: UnixSeconds,
}

/// Bounds of the first round of a poller that goes on from a former one.
#[derive(Debug, Default)]
struct First {
    /// Time of the round.
    due: Duration,
    /// Earliest time of a round that a hint leads to.
    hinted: Duration,
}

impl Schedule {
    pub(super) fn new(config: &PollerConfig, is_official: bool) -> Self {
        Self {
            pace: Pace::new(config.interval, config.quiet_interval),
            poke: Poke::new(is_official),
            spacing: config.spacing_to(is_official),
            began: Duration::ZERO,
            has_begun: false,
            first: First::default(),
            has_found: false,
            held_until: Duration::ZERO,
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
        let interval = self.pace.interval();
        let after = |distance: Duration| {
            let due = self.polled_at.plus(distance.saturating_add(CLOCK_ERROR));
            let wait = due.0.saturating_sub(server_now.0);
            let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(0));
            clock.saturating_add(wait.min(interval))
        };
        self.first = First {
            due: after(interval),
            hinted: after(self.poke.least()),
        };
    }

    pub(super) fn begin_round(&mut self, clock: Duration, server_now: UnixSeconds) {
        let last = std::mem::replace(&mut self.began, clock);
        let distance = match self.has_begun {
            true => clock.saturating_sub(last),
            // How close it is to that of the former poller, only the clocks know.
            false if clock < self.first.due => self.poke.least(),
            false => Duration::MAX,
        };
        self.has_begun = true;
        self.has_found = false;
        self.poke.round_begins(distance);
        self.polled_at = server_now;
    }

    /// Notes that the round brought something.
    pub(super) const fn found(&mut self) {
        self.has_found = true;
        self.poke.found();
        self.pace.quicken();
    }

    /// Notes activity beside the rounds.
    pub(super) const fn quicken(&mut self) {
        self.pace.quicken();
    }

    pub(super) fn round_ended(&mut self) {
        if !self.has_found {
            self.pace.slacken();
        }
        self.poke.round_ended();
    }

    /// Lets the next round come at once, as far as that may be.
    pub(super) fn poke(&mut self, clock: Duration, look: Look) {
        self.pace.quicken();
        self.poke.hint(clock, self.began, look);
    }

    /// Puts the next round off until then at the earliest.
    pub(super) fn put_off(&mut self, until: Duration) {
        self.held_until = self.held_until.max(until);
    }

    pub(super) fn sent(&mut self, clock: Duration) {
        self.spaced_at = clock.saturating_add(self.spacing);
    }

    /// Returns the beginning of the next round.
    pub(super) fn next_round(&self) -> Duration {
        let poked = self.poke.due(self.began);
        let (regular, poked) = match self.has_begun {
            true => (self.began.saturating_add(self.pace.current()), poked),
            false => (self.first.due, poked.map(|it| it.max(self.first.hinted))),
        };
        poked
            .map_or(regular, |it| it.min(regular))
            .max(self.held_until)
    }

    pub(super) const fn spaced_at(&self) -> Duration {
        self.spaced_at
    }

    pub(super) const fn polled_at(&self) -> UnixSeconds {
        self.polled_at
    }
}
