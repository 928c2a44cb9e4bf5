//! Pauses of the feeds alone, after throttling and risk control.

use std::time::Duration;

use crate::poller::backoff::{Backoff, Rng};

/// Reason of a pause of the feeds, the graver last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PauseCause {
    Throttled,
    RiskControl,
}

/// The number of pauses before a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentAt(u64);

/// The pause of all feeds, and the length of the next one.
#[derive(Debug)]
pub(super) struct Pause {
    throttled: Backoff,
    risk_control: Backoff,
    until: Duration,
    /// Reason of the last pause.
    cause: PauseCause,
    count: u64,
}

impl Pause {
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            throttled: Backoff::throttled(interval),
            risk_control: Backoff::risk_control(interval),
            until: Duration::ZERO,
            cause: PauseCause::Throttled,
            count: 0,
        }
    }

    /// Returns the end of the pause: no feed is asked for before.
    pub(super) const fn until(&self) -> Duration {
        self.until
    }

    /// Returns the mark of a request that is sent now.
    pub(super) const fn mark(&self) -> SentAt {
        SentAt(self.count)
    }

    /// Notes that a request was answered: the service takes requests again, if it was sent after
    /// the last pause.
    pub(super) fn answered(&mut self, sent: SentAt) {
        if sent == self.mark() {
            self.throttled.reset();
            self.risk_control.reset();
        }
    }

    /// Begins a pause, unless one that was begun since the request was sent serves for it: several
    /// requests that are refused side by side ask for one, the graver. Returns its length.
    pub(super) fn begin(
        &mut self,
        clock: Duration,
        cause: PauseCause,
        sent: SentAt,
        rng: &mut Rng,
    ) -> Option<Duration> {
        if sent != self.mark() && clock < self.until && cause <= self.cause {
            return None;
        }
        let backoff = match cause {
            PauseCause::Throttled => &mut self.throttled,
            PauseCause::RiskControl => &mut self.risk_control,
        };
        let delay = backoff.next(rng);
        self.until = self.until.max(clock.saturating_add(delay));
        self.cause = cause;
        self.count = self.count.wrapping_add(1);
        Some(delay)
    }
}
