//! One feed: when to read it, and what of it is to be delivered.

use std::collections::VecDeque;
use std::time::Duration;

use http::Request;

use super::item::Item;
use super::mark::{Mark, SavedMark};
use super::walk::{FeedAnswer, Progress, Walk};
use super::{FeedEvent, FeedKind, Pace, Times};
use crate::client_config::ClientConfig;
use crate::error::BuildError;
use crate::json::Unreadable;
use crate::poller::backoff::{Backoff, Rng};
use crate::poller::poke::AGAIN;
use crate::time::UnixSeconds;

/// Number of rounds after which a feed is read whatever the counters say.
const MOST_ROUNDS: u32 = 50;

/// Time after which a feed is read whatever the counters say.
const MOST_TIME: Duration = Duration::from_secs(5 * 60);

/// Number of further readings for one reason.
const MORE_LOOKS: u8 = 1;

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
    /// Set if something gave a reason to read the feed now.
    has_reason: bool,
    /// Number of further readings for the same reason: a later one finds what the first came too
    /// early for.
    more_looks: u8,
    /// Number of further readings after a hint so far, while they are made.
    hint_looks: Option<usize>,
    /// Time of the next of these.
    again_at: Option<Duration>,
    /// Beginning of the last reading, and the least distance of the next one to it.
    began: Option<Duration>,
    distance: Duration,
    /// Time of the last reading, and the number of rounds since.
    read_at: Option<Duration>,
    rounds: u32,
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
            has_reason: false,
            more_looks: 0,
            hint_looks: None,
            again_at: None,
            began: None,
            distance: pace.distance,
            read_at: None,
            rounds: 0,
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

    /// Returns the time of the next request; `None` while one is in flight.
    pub(super) fn due(&self) -> Option<Duration> {
        if self.is_in_flight {
            return None;
        }
        if self.walk.is_some() {
            return Some(self.not_before);
        }
        let regular = match self.read_at {
            Some(_) if self.has_reason || self.rounds >= MOST_ROUNDS => Duration::ZERO,
            Some(read_at) => read_at.saturating_add(MOST_TIME),
            None => Duration::ZERO,
        };
        let due = self.again_at.map_or(regular, |again| again.min(regular));
        let began = self.began.unwrap_or_default();
        let least = match self.read_at {
            Some(_) => began.saturating_add(self.distance),
            None => Duration::ZERO,
        };
        Some(due.max(least).max(self.not_before))
    }

    /// Notes a reason to read the feed.
    pub(super) const fn note_reason(&mut self) {
        self.has_reason = true;
        self.more_looks = MORE_LOOKS;
    }

    /// Reads the feed once more if its last reading did not find what there was a reason for.
    pub(super) const fn look_again(&mut self) {
        if self.more_looks > 0 && self.walk.is_none() {
            self.has_reason = true;
            self.more_looks -= 1;
        }
    }

    /// Notes a hint of a push channel, which may come before the feed shows the change.
    pub(super) const fn hint(&mut self) {
        self.has_reason = true;
        self.hint_looks = Some(0);
    }

    pub(super) const fn round_begins(&mut self) {
        self.rounds = self.rounds.saturating_add(1);
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
        let owes_below = self.owes_below();
        let walk = match &mut self.walk {
            Some(walk) => walk,
            none => {
                // An entry that is not delivered and handled yet stays above the floor.
                if let Some(mark) = &mut self.mark
                    && self.ready.is_empty()
                    && !self.is_held
                    && !owes_below
                {
                    if let Some(reached) = self.reached.take() {
                        mark.reach(reached);
                    }
                    mark.raise_floor();
                }
                self.has_reason = false;
                self.again_at = None;
                self.began = Some(clock);
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
        self.rounds = 0;
        self.read_at = (!walk.is_cut()).then_some(clock);
        if self.mark.is_none() {
            self.mark = Some(walk.into_mark(present.earliest));
            return;
        }
        self.is_cut = walk.is_cut();
        self.broken_off = match walk.is_broken_off() {
            true => self.broken_off.saturating_add(1),
            false => 0,
        };
        self.reached = walk.reached().filter(|_| !walk.is_cut());
        let found = walk.into_found();
        if found.is_empty() {
            let looks = self.hint_looks.take();
            let again = looks.and_then(|looks| Some((looks, AGAIN.get(looks)?)));
            if let Some((looks, distance)) = again {
                self.hint_looks = Some(looks.saturating_add(1));
                self.again_at = Some(clock.saturating_add(*distance));
            }
        } else {
            self.more_looks = 0;
            // A hint during the reading is most likely about what it found, or is noted again.
            self.hint_looks = None;
        }
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
        if self.owes_below() {
            mark.keep_floor();
        }
        Some(mark.save(self.kind))
    }

    /// Returns whether the last reading left something that lies above the floor.
    fn owes_below(&self) -> bool {
        self.is_cut || (1..=MOST_BROKEN_OFF).contains(&self.broken_off)
    }
}
