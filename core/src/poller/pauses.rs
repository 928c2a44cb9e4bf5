//! Pauses that concern every request of a session, whichever request met the reason.

use std::time::Duration;

use super::PollerConfig;
use super::backoff::{Backoff, Rng};
use crate::error::{ErrorClass, PausedError};

/// Pause of sending after "wait 24 hours" (21046).
const SENDS_FOR_A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Reason of a pause, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// The server or the network failed. Calls of the user are still made.
    Fault,
    /// New keys were refused.
    Signature,
    Throttled,
    RiskControl,
}

/// Reason why nothing is sent for a while, though asking goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendLimit {
    /// 21020: sending too often.
    TooOften,
    /// 21046: not before tomorrow.
    Day,
}

/// Kind of request that met the reason of a pause. Each kind succeeds for itself: lists that are
/// read do not mean that sends are welcome again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Poll,
    Call,
    Send,
}

/// An answer that asks for a pause.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refused {
    pub(super) cause: Cause,
    pub(super) source: Source,
    /// Value of [`count`](Pauses::count) when the request was sent.
    pub(super) sent_at: u64,
}

/// Back-off after throttling and risk control, of one source.
#[derive(Debug)]
struct Graver {
    throttled: Backoff,
    risk_control: Backoff,
}

impl Graver {
    fn new(config: &PollerConfig) -> Self {
        Self {
            throttled: Backoff::throttled(config.interval),
            risk_control: Backoff::risk_control(config.interval),
        }
    }

    const fn reset(&mut self) {
        self.throttled.reset();
        self.risk_control.reset();
    }
}

/// The pauses of a session: their end, their reason, and the length of the next one.
#[derive(Debug)]
pub(super) struct Pauses {
    retry: Backoff,
    signature: Backoff,
    polls: Graver,
    calls: Graver,
    sends: Graver,
    /// Back-off after 21020.
    too_many_sends: Backoff,
    pub(super) rng: Rng,
    until: Duration,
    /// Reason of the last pause.
    cause: Cause,
    /// Calls of the user are refused before: a fault alone is no reason for that.
    calls_until: Duration,
    count: u64,
    /// Value of `count` when the round began.
    count_at_round: u64,
    sends_until: Duration,
}

impl Pauses {
    pub(super) fn new(config: &PollerConfig) -> Self {
        Self {
            retry: Backoff::retry(config.interval),
            signature: Backoff::retry(config.interval),
            polls: Graver::new(config),
            calls: Graver::new(config),
            sends: Graver::new(config),
            too_many_sends: Backoff::throttled(config.interval),
            rng: Rng::new(config.seed),
            until: Duration::ZERO,
            cause: Cause::Fault,
            calls_until: Duration::ZERO,
            count: 0,
            count_at_round: 0,
            sends_until: Duration::ZERO,
        }
    }

    /// Returns the end of the pause: the poller sends no request before.
    pub(super) const fn until(&self) -> Duration {
        self.until
    }

    /// Returns the number of pauses so far.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn round_begins(&mut self) {
        self.count_at_round = self.count;
    }

    /// Notes the end of a round: one in which no answer asked for a pause was a success.
    pub(super) const fn round_ended(&mut self) {
        if self.count == self.count_at_round {
            self.polls.reset();
        }
    }

    /// Notes that the list was read: the service can be reached.
    pub(super) const fn list_read(&mut self) {
        self.retry.reset();
    }

    /// Notes that a signature was accepted.
    pub(super) const fn signature_taken(&mut self) {
        self.signature.reset();
    }

    /// Notes that a call of the user was answered.
    pub(super) const fn answered(&mut self, sends: bool) {
        match sends {
            true => {
                self.too_many_sends.reset();
                self.sends.reset();
            }
            false => self.calls.reset(),
        }
    }

    /// Refuses a call while the session pauses, and a call that sends also while sending is
    /// paused.
    pub(super) fn check(&self, clock: Duration, sends: bool) -> Result<(), PausedError> {
        let class = match self.cause {
            Cause::Fault => None,
            Cause::Signature => Some(ErrorClass::Signature),
            Cause::Throttled => Some(ErrorClass::Throttled),
            Cause::RiskControl => Some(ErrorClass::RiskControl),
        };
        let general = self.calls_until.saturating_sub(clock);
        let of_sends = match sends {
            true => self.sends_until.saturating_sub(clock),
            false => Duration::ZERO,
        };
        match class {
            Some(class) if general > Duration::ZERO && general >= of_sends => {
                Err(PausedError::new(class, general))
            }
            _ if of_sends > Duration::ZERO => {
                Err(PausedError::new(ErrorClass::Throttled, of_sends))
            }
            _ => Ok(()),
        }
    }

    /// Returns the next delay for this cause.
    pub(super) fn next(&mut self, cause: Cause, source: Source) -> Duration {
        let graver = match source {
            Source::Poll => &mut self.polls,
            Source::Call => &mut self.calls,
            Source::Send => &mut self.sends,
        };
        let backoff = match cause {
            Cause::Fault => &mut self.retry,
            Cause::Signature => &mut self.signature,
            Cause::Throttled => &mut graver.throttled,
            Cause::RiskControl => &mut graver.risk_control,
        };
        backoff.next(&mut self.rng)
    }

    /// Begins a pause for this cause, unless one that was begun meanwhile serves for it.
    ///
    /// Requests that were refused side by side ask for one pause, the gravest, not for one each.
    /// A request that is refused after the pause asks for another.
    pub(super) fn begin(&mut self, clock: Duration, refused: Refused) -> Option<Duration> {
        let is_over = self.until <= clock;
        if !is_over && refused.sent_at != self.count && refused.cause <= self.cause {
            return None;
        }
        let delay = self.next(refused.cause, refused.source);
        self.hold(clock, delay, refused.cause);
        Some(delay)
    }

    /// Begins a pause of this length.
    pub(super) fn hold(&mut self, clock: Duration, delay: Duration, cause: Cause) {
        let until = clock.saturating_add(delay);
        // A fault meanwhile does not make a graver pause a lesser one.
        if self.until <= clock || cause >= self.cause {
            self.cause = cause;
        }
        self.until = self.until.max(until);
        if cause != Cause::Fault {
            self.calls_until = self.calls_until.max(until);
        }
        self.count = self.count.wrapping_add(1);
    }

    /// Begins a pause of sending.
    pub(super) fn hold_sends(&mut self, clock: Duration, limit: SendLimit) -> Duration {
        let delay = match limit {
            SendLimit::TooOften => self.too_many_sends.next(&mut self.rng),
            SendLimit::Day => SENDS_FOR_A_DAY,
        };
        self.sends_until = self.sends_until.max(clock.saturating_add(delay));
        delay
    }
}
