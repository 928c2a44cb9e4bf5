//! Reasons to read a feed, and their times: it was not read for long, its counter moved, or a hint told of it.

use std::time::Duration;

use super::Pace;
use crate::poller::poke::AGAIN;

/// Number of rounds after which a feed is read whatever the counters say.
const MOST_ROUNDS: u32 = 50;

/// Time after which a feed is read whatever the counters say.
const MOST_TIME: Duration = Duration::from_secs(5 * 60);

/// Number of further readings after a counter moved.
const MORE_LOOKS: u8 = 1;

/// Reasons to read one feed, and the times of its last reading.
#[derive(Debug)]
pub(super) struct Reasons {
    /// Least time between the beginnings of two readings.
    distance: Duration,
    /// Beginning of the last reading.
    began: Duration,
    /// End of the last reading, if that was whole, and the number of rounds since.
    read_at: Option<Duration>,
    rounds: u32,
    /// Set if the counter moved since the last reading began.
    has_moved: bool,
    /// Number of further readings after a counter moved: a later one finds what the first came too
    /// early for.
    more_looks: u8,
    /// Time from which on the feed is read because of a hint.
    hinted_for: Option<Duration>,
    /// Number of readings after a hint so far that found nothing, while such readings are made.
    hint_looks: Option<usize>,
}

impl Reasons {
    pub(super) const fn new(pace: Pace) -> Self {
        Self {
            distance: pace.distance,
            began: Duration::ZERO,
            read_at: None,
            rounds: 0,
            has_moved: false,
            more_looks: 0,
            hinted_for: None,
            hint_looks: None,
        }
    }

    /// Returns the time of the next reading; hints lead to none before `hints_from`.
    pub(super) fn due(&self, hints_from: Duration) -> Duration {
        if self.read_at.is_none() {
            return Duration::ZERO;
        }
        let unhinted = self.due_unhinted();
        let hinted = self.hinted_for.map(|at| at.max(hints_from));
        let due = hinted.map_or(unhinted, |at| at.min(unhinted));
        due.max(self.began.saturating_add(self.distance))
    }

    /// Returns whether nothing but a hint is a reason to read the feed now.
    pub(super) fn is_hint_alone(&self, clock: Duration) -> bool {
        self.due_unhinted() > clock
    }

    fn due_unhinted(&self) -> Duration {
        match self.read_at {
            Some(read_at) if !self.has_moved && self.rounds < MOST_ROUNDS => {
                read_at.saturating_add(MOST_TIME)
            }
            _ => Duration::ZERO,
        }
    }

    pub(super) const fn round_begins(&mut self) {
        self.rounds = self.rounds.saturating_add(1);
    }

    /// Notes that the counter of the feed moved.
    pub(super) const fn counter_moved(&mut self) {
        self.has_moved = true;
        self.more_looks = MORE_LOOKS;
    }

    /// Has the feed read once more if its last reading did not find what moved the counter.
    pub(super) const fn look_again(&mut self) {
        if self.more_looks > 0 {
            self.has_moved = true;
            self.more_looks -= 1;
        }
    }

    /// Notes a hint of a push channel, which may come before the feed shows the change.
    pub(super) const fn hint(&mut self) {
        self.hinted_for = Some(Duration::ZERO);
        self.hint_looks = Some(0);
    }

    /// Notes that a reading begins.
    pub(super) const fn reading_begins(&mut self, clock: Duration) {
        self.began = clock;
        self.has_moved = false;
        self.hinted_for = None;
    }

    /// Notes the end of a reading, whether it was whole, and whether it found anything.
    pub(super) fn reading_ended(&mut self, clock: Duration, is_whole: bool, has_found: bool) {
        self.rounds = 0;
        self.read_at = is_whole.then_some(clock);
        let looks = self.hint_looks.take();
        if has_found {
            self.more_looks = 0;
            return;
        }
        if let Some(looks) = looks
            && let Some(distance) = AGAIN.get(looks)
        {
            self.hint_looks = Some(looks.saturating_add(1));
            let again = clock.saturating_add(*distance);
            // A hint that came during the reading is looked for at once.
            self.hinted_for.get_or_insert(again);
        }
    }
}
