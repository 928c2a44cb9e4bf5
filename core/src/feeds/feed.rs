//! One feed: when to read it, and what of it is to be delivered.

use std::collections::VecDeque;
use std::time::Duration;

use http::Request;

use super::item::Item;
use super::mark::{Mark, SavedMark};
use super::reasons::Reasons;
use super::walk::{FeedAnswer, Progress, Walk};
use super::{FeedEvent, FeedKind, Pace, Times};
use crate::client_config::ClientConfig;
use crate::error::BuildError;
use crate::json::Unreadable;
use crate::poller::backoff::{Backoff, Rng};
use crate::time::UnixSeconds;

/// Longest time from the first page of one source to that of the other.
const LONGEST_APART: Duration = Duration::from_secs(20);

/// Number of readings in a row that may break off before what they did not reach is given up.
const MOST_BROKEN_OFF: u8 = 3;

/// State of one feed: what is known of it, the reading under way, and what waits for delivery.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) kind: FeedKind,
    /// `None` before the baseline is taken.
    mark: Option<Mark>,
    walk: Option<Walk>,
    /// Entries to deliver, in order.
    ready: VecDeque<Item>,
    is_in_flight: bool,
    backoff: Backoff,
    not_before: Duration,
    pub(super) reasons: Reasons,
    /// Set while a delivered event is not handled yet.
    is_held: bool,
    /// The newest entry of the last reading, once all of it is delivered.
    reached: Option<UnixSeconds>,
    /// Number of readings in a row that ended above the floor: what lies below is still owed.
    broken_off: u8,
    /// Set if the last reading had to drop entries.
    is_cut: bool,
    /// Time of the last page.
    page_at: Duration,
    /// Place of the last request among those of all feeds.
    pub(super) turn: u64,
}

impl Feed {
    pub(super) fn new(kind: FeedKind, pace: Pace, saved: Option<&SavedMark>) -> Self {
        Self {
            kind,
            mark: saved.map(Mark::restore),
            walk: None,
            ready: VecDeque::new(),
            is_in_flight: false,
            backoff: Backoff::retry(pace.interval),
            not_before: Duration::ZERO,
            reasons: Reasons::new(pace),
            is_held: false,
            reached: None,
            broken_off: 0,
            is_cut: false,
            page_at: Duration::ZERO,
            turn: 0,
        }
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.mark.is_some()
    }

    /// Begins the feed at this time if no first reading has succeeded yet.
    pub(super) fn begin_at(&mut self, time: UnixSeconds) {
        if self.mark.is_none() {
            self.mark = Some(Mark::at(time));
            self.walk = None;
        }
    }

    /// Returns the time of the next request; `None` while one is in flight. Hints lead to none
    /// before `hints_from`.
    pub(super) fn due(&self, hints_from: Duration) -> Option<Duration> {
        let due = match &self.walk {
            Some(_) => Duration::ZERO,
            None => self.reasons.due(hints_from),
        };
        (!self.is_in_flight).then(|| due.max(self.not_before))
    }

    /// Returns whether nothing but a hint is a reason for the next request.
    pub(super) fn is_hint_alone(&self, clock: Duration) -> bool {
        self.walk.is_none() && self.reasons.is_hint_alone(clock)
    }

    /// Has the feed read once more if its last reading did not find what moved the counter.
    pub(super) const fn look_again(&mut self) {
        if self.walk.is_none() {
            self.reasons.look_again();
        }
    }

    /// Sets whether a delivered event is not handled yet.
    pub(super) const fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// Returns the next request, which is in flight from now on.
    pub(super) fn send(
        &mut self,
        clock: Duration,
        context: &ClientConfig,
    ) -> Result<Request<Vec<u8>>, BuildError> {
        self.begin_again(clock);
        let owes = self.owes();
        let walk = match &mut self.walk {
            Some(walk) => walk,
            none => {
                if let Some(mark) = &mut self.mark
                    && !owes
                {
                    if let Some(reached) = self.reached.take() {
                        mark.reach(reached);
                    }
                    mark.raise_floor();
                }
                self.reasons.reading_begins(clock);
                none.insert(Walk::new(self.kind))
            }
        };
        let request = walk.request(context);
        self.is_in_flight = request.is_ok();
        request
    }

    /// Takes the page of the request in flight, and returns its unreadable entries.
    pub(super) fn handle_page(
        &mut self,
        answer: FeedAnswer,
        clock: Duration,
        present: Times,
        most: usize,
    ) -> Vec<Unreadable> {
        self.is_in_flight = false;
        self.backoff.reset();
        self.not_before = Duration::ZERO;
        self.page_at = clock;
        // The feed began without this answer, which came too late.
        let Some(mut walk) = self.walk.take() else {
            return Vec::new();
        };
        let (progress, unreadable) =
            walk.handle_page(answer, self.mark.as_ref(), present.latest, most);
        match progress {
            Progress::More => self.walk = Some(walk),
            Progress::Over => self.finish(walk, clock, present),
        }
        unreadable
    }

    fn finish(&mut self, walk: Walk, clock: Duration, present: Times) {
        let is_whole = !walk.is_cut();
        if self.mark.is_none() {
            self.mark = Some(walk.into_mark(present.earliest));
            self.reasons.reading_ended(clock, is_whole, true);
            return;
        }
        self.is_cut = !is_whole;
        self.broken_off = match walk.is_broken_off() {
            true => self.broken_off.saturating_add(1),
            false => 0,
        };
        self.reached = walk.reached().filter(|_| is_whole);
        let found = walk.into_found();
        self.reasons
            .reading_ended(clock, is_whole, !found.is_empty());
        self.ready.extend(found);
    }

    /// Notes that the request in flight failed. The same page is asked for again, after the delay
    /// that this returns.
    pub(super) fn fail(&mut self, clock: Duration, rng: &mut Rng) -> Duration {
        self.is_in_flight = false;
        let delay = self.backoff.next(rng);
        self.not_before = clock.saturating_add(delay);
        delay
    }

    /// Notes that the request in flight was not answered, and is to be sent again.
    pub(super) const fn give_up(&mut self) {
        self.is_in_flight = false;
    }

    /// Gives up the reading of a feed of two sources if the second was not asked for soon after
    /// the first: what the first has shown meanwhile would pass for old beside the second.
    fn begin_again(&mut self, clock: Duration) {
        let is_at_second = self.walk.as_ref().is_some_and(Walk::is_at_second);
        let age = clock.saturating_sub(self.page_at);
        if self.kind == FeedKind::System && is_at_second && age > LONGEST_APART {
            self.walk = None;
        }
    }

    /// Returns the next event to deliver, which counts as delivered from now on.
    pub(super) fn deliver(&mut self) -> Option<FeedEvent> {
        let mark = self.mark.as_mut()?;
        loop {
            let item = self.ready.pop_front()?;
            // The same thing may stand in a feed twice.
            if mark.is_new(&item) {
                return Some(mark.deliver(item));
            }
        }
    }

    pub(super) fn save(&self) -> Option<SavedMark> {
        let mut mark = self.mark.clone()?;
        if self.owes() {
            mark.keep_floor();
        }
        Some(mark.save(self.kind))
    }

    /// Returns whether something above the floor is not delivered and handled yet. It need not be
    /// newer than what was: times may lie ahead.
    fn owes(&self) -> bool {
        !self.ready.is_empty() || self.is_held || self.owes_below()
    }

    /// Returns whether the last reading left something that lies above the floor.
    fn owes_below(&self) -> bool {
        self.is_cut || (1..=MOST_BROKEN_OFF).contains(&self.broken_off)
    }
}
