//! The counters of unread notifications: a reason to read a feed, never a reason not to.

use std::time::Duration;

use super::{FeedKind, Pace};
use crate::endpoints::UnreadMessages;
use crate::poller::backoff::{Backoff, Rng};

/// Number of rounds from one look at the counters to the next.
const ROUNDS: u32 = 5;

/// State of the counters.
#[derive(Debug)]
pub(super) struct Counters {
    /// The counters at the last look.
    last: UnreadMessages,
    rounds: u32,
    /// Set if a hint is a reason to ask.
    is_hinted: bool,
    is_in_flight: bool,
    backoff: Backoff,
    not_before: Duration,
    /// Least time between two requests that hints lead to.
    distance: Duration,
    /// Place of the last request among those of all feeds.
    pub(super) turn: u64,
}

impl Counters {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            last: UnreadMessages::default(),
            rounds: 0,
            is_hinted: false,
            is_in_flight: false,
            backoff: Backoff::retry(pace.interval),
            not_before: Duration::ZERO,
            distance: pace.distance,
            turn: 0,
        }
    }

    pub(super) const fn round_begins(&mut self) {
        self.rounds = self.rounds.saturating_add(1);
    }

    /// Returns the time of the next request, if there is a reason for one and none is in flight.
    /// Hints lead to none before `hints_from`.
    pub(super) fn due(&self, hints_from: Duration) -> Option<Duration> {
        let from = match self.is_hint_alone() {
            false => Duration::ZERO,
            true => hints_from,
        };
        let has_reason = self.rounds >= ROUNDS || self.is_hinted;
        (has_reason && !self.is_in_flight).then(|| from.max(self.not_before))
    }

    /// Returns whether nothing but a hint can be a reason to ask.
    pub(super) const fn is_hint_alone(&self) -> bool {
        self.rounds < ROUNDS
    }

    /// Notes a hint that did not tell of which feed.
    pub(super) const fn hint(&mut self) {
        self.is_hinted = true;
    }

    /// Notes that the request for the counters is in flight.
    pub(super) fn sent(&mut self, clock: Duration) {
        self.not_before = clock.saturating_add(self.distance);
        self.is_in_flight = true;
        self.is_hinted = false;
        self.rounds = 0;
    }

    /// Takes over the counters, and returns the feeds that they give a reason to read.
    ///
    /// A counter falls when the owner looks at a page in a browser; that it differs from the last
    /// look and is not 0 is a reason.
    pub(super) fn take(
        &mut self,
        counters: UnreadMessages,
    ) -> impl Iterator<Item = FeedKind> + use<> {
        self.is_in_flight = false;
        self.backoff.reset();
        let last = std::mem::replace(&mut self.last, counters);
        FeedKind::ALL.into_iter().filter(move |kind| {
            let (now, before) = (of(*kind, &counters), of(*kind, &last));
            now != before && now != [0; 2]
        })
    }

    /// Notes that the request failed. Returns the delay until the next one at the earliest.
    pub(super) fn fail(&mut self, clock: Duration, rng: &mut Rng) -> Duration {
        self.give_up();
        let delay = self.backoff.next(rng);
        self.not_before = clock.saturating_add(delay);
        delay
    }

    /// Notes that the request was not answered, and is to be sent again.
    pub(super) const fn give_up(&mut self) {
        self.is_in_flight = false;
        self.rounds = ROUNDS;
    }
}

/// Returns the counters of a feed: the older and the newer message page count for themselves.
const fn of(kind: FeedKind, counters: &UnreadMessages) -> [i64; 2] {
    match kind {
        FeedKind::Replies => [counters.reply, counters.recv_reply],
        FeedKind::At => [counters.at, 0],
        FeedKind::Likes => [counters.like, counters.recv_like],
        FeedKind::System => [counters.sys_msg, counters.up],
    }
}
