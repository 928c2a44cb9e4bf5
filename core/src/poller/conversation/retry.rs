//! The time at which a failed conversation is refetched.

use std::time::Duration;

use super::attempt::STRIKES;
use crate::ids::Seqno;
use crate::poller::backoff::{Backoff, Rng};

/// The time at which a failed conversation is refetched, if it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::poller) struct Retry {
    /// Number of failures in a row, for the back-off.
    failures: u32,
    not_before: Duration,
    /// Set if the last request was signed with fresh keys after a refusal.
    signed_again: bool,
    /// The newest message at the time when the service said that the conversation is over.
    over_at: Option<Seqno>,
    /// Number of times in a row that the service said so while messages are held above missing
    /// ones.
    refusals: u8,
}

impl Retry {
    /// Notes that a page came: the conversation works.
    pub(super) fn succeed(&mut self) {
        *self = Self::default();
    }

    /// Notes a failure. Returns the delay until the conversation is asked for again; the delay
    /// grows longer where trying again hardly helps.
    pub(super) fn fail(
        &mut self,
        clock: Duration,
        interval: Duration,
        is_refused: bool,
        rng: &mut Rng,
    ) -> Duration {
        self.signed_again = false;
        let mut backoff = Backoff::retry(interval).after(self.failures);
        let delay = match is_refused {
            true => backoff.next_after_refusal(rng),
            false => backoff.next(rng),
        };
        self.failures = backoff.failures();
        self.not_before = clock.saturating_add(delay);
        delay
    }

    /// Returns whether a refused signature may be answered with fresh keys: once.
    pub(super) const fn sign_again(&mut self) -> bool {
        !std::mem::replace(&mut self.signed_again, true)
    }

    /// Returns whether the next request is to be signed with fresh keys, after a refusal.
    pub(super) const fn signs_again(&self) -> bool {
        self.signed_again
    }

    /// Begins a round, in which fresh keys may be used again.
    pub(super) const fn begin_round(&mut self) {
        self.signed_again = false;
    }

    pub(super) fn is_due(&self, clock: Duration) -> bool {
        self.not_before <= clock
    }

    /// Notes that the conversation is said to be over while messages are held above missing ones.
    /// Returns the number of times in a row, while that is not to be believed yet.
    pub(super) fn doubt_end(&mut self) -> Option<u8> {
        self.refusals = self.refusals.saturating_add(1);
        Some(self.refusals).filter(|refusals| *refusals < STRIKES)
    }

    pub(super) const fn end(&mut self, target: Seqno) {
        self.refusals = 0;
        self.over_at = Some(target);
    }

    /// Notes that the conversation changed, so it may go on.
    pub(super) const fn go_on(&mut self) {
        self.over_at = None;
    }

    pub(super) const fn is_over(&self) -> bool {
        self.over_at.is_some()
    }

    /// Returns whether the conversation is over, and has not changed since.
    pub(super) fn is_over_at(&self, target: Seqno) -> bool {
        self.over_at.is_some_and(|over_at| target <= over_at)
    }
}
