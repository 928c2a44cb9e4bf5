//! What follows from a failure: a pause for all, a pause for one conversation, or the end.

use std::time::Duration;

use super::backoff::{Backoff, Rng};
use super::output::Output;
use super::request::{InFlight, Purpose};
use super::{Notice, Phase, Poller, PollerConfig};
use crate::error::{Error, ErrorClass};
use crate::identity::Generation;
use crate::ids::ConversationId;

/// The pauses that concern every request.
#[derive(Debug)]
pub(super) struct Pauses {
    retry: Backoff,
    throttled: Backoff,
    risk_control: Backoff,
    pub(super) rng: Rng,
    until: Duration,
    /// Who wanted the last one.
    cause: Cause,
    count: u64,
    /// `count` when the round began.
    count_at_round: u64,
}

impl Pauses {
    pub(super) fn new(config: &PollerConfig) -> Self {
        Self {
            retry: Backoff::retry(config.interval),
            throttled: Backoff::throttled(config.interval),
            risk_control: Backoff::risk_control(config.interval),
            rng: Rng::new(config.seed),
            until: Duration::ZERO,
            cause: Cause::Fault,
            count: 0,
            count_at_round: 0,
        }
    }

    /// Nothing is asked before.
    pub(super) const fn until(&self) -> Duration {
        self.until
    }

    /// How many there have been.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn round_begins(&mut self) {
        self.count_at_round = self.count;
    }

    /// A round in which nobody asked for a pause was a success.
    pub(super) const fn round_ended(&mut self) {
        if self.count == self.count_at_round {
            self.throttled.reset();
            self.risk_control.reset();
        }
    }

    /// The list was read: the service can be reached.
    pub(super) const fn list_read(&mut self) {
        self.retry.reset();
    }

    /// The next delay for this cause.
    fn next(&mut self, cause: Cause) -> Duration {
        let backoff = match cause {
            Cause::Fault => &mut self.retry,
            Cause::Throttled => &mut self.throttled,
            Cause::RiskControl => &mut self.risk_control,
        };
        backoff.next(&mut self.rng)
    }

    fn begin(&mut self, clock: Duration, delay: Duration, cause: Cause) {
        self.until = self.until.max(clock.saturating_add(delay));
        self.cause = cause;
        self.count = self.count.wrapping_add(1);
    }
}

/// Why nothing is asked for a while, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Fault,
    Throttled,
    RiskControl,
}

impl Poller {
    /// A request failed.
    pub(super) fn handle_failure(&mut self, in_flight: &InFlight, error: Error) {
        match (error.class(), in_flight.purpose) {
            (ErrorClass::LoginLost, _) => self.fail(error),
            (ErrorClass::RiskControl, _) => self.pause(in_flight, Cause::RiskControl, error),
            (ErrorClass::Throttled, _) => self.pause(in_flight, Cause::Throttled, error),
            // Mistakes before anything is sent do not go away.
            (_, Purpose::Nav) if matches!(error, Error::Build(_)) => self.fail(error),
            (_, Purpose::Nav) => self.pause(in_flight, Cause::Fault, error),
            (_, Purpose::BaseLine | Purpose::List(_)) => self.retry_list(error),
            (class, Purpose::Fetch(id, generation)) => {
                self.handle_failed_fetch(id, generation, class, error);
            }
        }
    }

    /// Stops all asking for a while. What is on its way may still come.
    fn pause(&mut self, in_flight: &InFlight, cause: Cause, error: Error) {
        self.queue.clear();
        if let Phase::Listing(_) = self.phase {
            self.phase = Phase::Fetching;
        }
        // Requests that were refused side by side ask for one pause, not for one each: for
        // the gravest. One that is refused after the pause asks for another.
        let is_over = self.pauses.until() <= self.clock;
        if is_over || in_flight.pauses == self.pauses.count() || cause > self.pauses.cause {
            let delay = self.pauses.next(cause);
            self.pauses.begin(self.clock, delay, cause);
            let conversation = match in_flight.purpose {
                Purpose::Fetch(id, _) => Some(id),
                _ => None,
            };
            self.outbox.push_back(Output::Notice(match cause {
                Cause::Fault => Notice::Retry {
                    delay,
                    conversation,
                    error,
                },
                Cause::Throttled => Notice::Throttled {
                    delay,
                    conversation,
                    error,
                },
                Cause::RiskControl => Notice::RiskControl {
                    delay,
                    conversation,
                    error,
                },
            }));
        }
        self.end_round_if_done();
    }

    /// The list failed. What is known to be behind can be fetched all the same.
    fn retry_list(&mut self, error: Error) {
        let delay = self.pauses.next(Cause::Fault);
        self.outbox.push_back(Output::Notice(Notice::Retry {
            delay,
            conversation: None,
            error,
        }));
        if let Phase::Start = self.phase {
            self.pauses.begin(self.clock, delay, Cause::Fault);
        } else {
            let due = self.clock.saturating_add(delay);
            self.round_due = self.round_due.max(due);
            self.begin_fetching();
        }
    }

    fn handle_failed_fetch(
        &mut self,
        id: ConversationId,
        generation: Generation,
        class: ErrorClass,
        error: Error,
    ) {
        let Some(track) = self.tracks.get_mut(id) else {
            return;
        };
        match class {
            ErrorClass::Signature if !track.signed_again => {
                track.signed_again = true;
                self.account.refuse(generation);
                self.queue.push_front(id);
            }
            ErrorClass::ConversationGone => {
                track.end();
                if !self.ready.contains(&id) {
                    self.ready.push_back(id);
                }
                self.outbox
                    .push_back(Output::Notice(Notice::ConversationFailed {
                        conversation: id,
                        error,
                    }));
            }
            _ => {
                track.signed_again = false;
                let delay = track.backoff.next(&mut self.pauses.rng);
                track.retry_at = self.clock.saturating_add(delay);
                self.outbox.push_back(Output::Notice(Notice::Retry {
                    delay,
                    conversation: Some(id),
                    error,
                }));
            }
        }
        self.end_round_if_done();
    }
}
