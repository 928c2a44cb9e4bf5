//! The ways of the feeds that stay the same for a run.

use bilibili_session::FeedKind;
use bilibili_session_simulator::{Counters, FeedQuirks, Rng};

use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// Number of happenings in a run, besides bursts.
const MOST: u64 = 250;

/// The ways of the feeds, and how often what happens there.
#[derive(Debug, Clone)]
pub(crate) struct Ways {
    /// Mean distance of two happenings (µs).
    pub(crate) mean_us: u64,
    /// Shares in a thousand.
    pub(crate) late: u32,
    pub(crate) ahead: u32,
    pub(crate) unreadable: u32,
    pub(crate) vanish: u32,
    pub(crate) burst: u32,
    pub(crate) look: u32,
    /// Share of answers that something happens just before, or just after.
    pub(crate) race: u32,
    /// A feed whose pages fail up to then (µs of the run).
    pub(crate) fails_first: Option<(FeedKind, u64)>,
    /// Number of entries that each feed has at the start.
    pub(crate) history: u64,
    pub(crate) page_size: Option<usize>,
    quirks: FeedQuirks,
}

impl Ways {
    pub(crate) fn draw(rng: &mut Rng, scenario: &Scenario) -> Self {
        let has = |trouble| scenario.has(trouble);
        // Where neither clock is right, nobody sees that a time lies ahead, nor since when a feed
        // that was empty is read.
        let length_us = u64::try_from(scenario.length.as_micros()).unwrap_or(u64::MAX);
        let no_date = has(Trouble::NoDate) || has(Trouble::DateOff);
        let is_clock_right = !has(Trouble::WallClock) && !has(Trouble::DateOff);
        let are_both_wrong = has(Trouble::WallClock) && no_date;
        let mut share = |chance, of| if rng.chance(chance) { of } else { 0 };
        let (late, unreadable) = (share(500, 250), share(350, 80));
        let ahead = share(250, 150);
        let (vanish, burst) = (share(400, 120), share(400, 60));
        let (look, race) = (share(600, 80), share(350, 150));
        let small = [None, None, Some(2), Some(3), Some(7)];
        let page_size = rng.pick(&small, None);
        let late_s = signed(rng.between(20, 400));
        let counters = [
            Counters::Truthful,
            Counters::Truthful,
            Counters::Late(late_s),
            Counters::Stuck,
        ];
        let histories = [0, 1, 5, 25, 60];
        let history = rng.pick(&histories, 5);
        let fails = rng.chance(150);
        let kind = rng.pick(&scenario.feeds, FeedKind::Replies);
        let until_us = rng.between(10_000_000, 300_000_000);
        Self {
            mean_us: (rng.pick(&[8, 30, 60, 200], 60) * 1_000_000).max(length_us / MOST),
            late,
            ahead: if is_clock_right { ahead } else { 0 },
            unreadable,
            vanish,
            burst,
            look,
            race,
            fails_first: fails.then_some((kind, until_us)),
            history: if are_both_wrong { 25 } else { history },
            page_size,
            quirks: FeedQuirks {
                page_size,
                seconds_in_any_order: rng.chance(300),
                by_id: rng.chance(250),
                likes_get_new_ids: rng.chance(500),
                latest_alone: rng.chance(300),
                cursor_is_place: rng.chance(300) && page_size.is_none_or(|size| size > 3),
                empty_cursor_null: rng.chance(500),
                ends_on_empty_page: rng.chance(300),
                counters: rng.pick(&counters, Counters::Truthful),
                reading_is_looking: rng.chance(400),
                ..FeedQuirks::default()
            },
        }
    }

    /// Returns whether times alone do not show how far down new entries stand.
    pub(crate) const fn reads_deep(&self) -> bool {
        self.ahead > 0 || self.quirks.cursor_is_place
    }

    /// Returns whether a cursor is a place, which moves when something comes.
    pub(crate) const fn has_places(&self) -> bool {
        self.quirks.cursor_is_place
    }

    pub(crate) fn quirks(&self) -> FeedQuirks {
        self.quirks.clone()
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
