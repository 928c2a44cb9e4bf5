//! The baseline of the feeds: what was there is old.

use std::collections::BTreeMap;

use bilibili_session::FeedKind;

use super::ledger::{FeedLedger, Happened, State, seconds};

/// State of the feeds when the poller had begun.
#[derive(Debug, Clone, Default)]
pub(crate) struct FeedBase {
    /// Time at which the poller said that it is connected (µs since the epoch).
    pub(crate) at_us: u64,
    /// Times at which the server made the newest page of each feed that was taken last before
    /// (µs since the epoch).
    pub(crate) read_us: BTreeMap<FeedKind, u64>,
    /// Set if a feed had time to fail: it may have begun at the server's time.
    pub(crate) is_late: bool,
    /// Set if nobody can know what that time is.
    pub(crate) is_clock_wrong: bool,
    /// Seconds that the server's time, as the poller knows it, may be behind.
    pub(crate) behind_s: i64,
    /// Set if more was there than a first reading reaches: what shows up late among that is not
    /// owed.
    pub(crate) is_deep: bool,
}

impl FeedBase {
    /// Returns what was known of a subject at the baseline, if anything can have been.
    pub(super) fn known(
        &self,
        ledger: &FeedLedger,
        kind: FeedKind,
        subject: i64,
    ) -> impl Iterator<Item = State> {
        let states = ledger.states(kind, subject, self.at_us);
        states.map(|(_, state)| state)
    }

    /// Returns whether what shows from the baseline on must come.
    pub(super) fn is_new(&self, happened: &Happened) -> bool {
        let time = happened.state.map_or(happened.time, |state| state.time);
        let is_after = happened.shown_us > self.at_us;
        // What begins at the server's time is new from then on.
        let is_dated = !self.is_late || !self.is_clock_wrong && time > seconds(self.at_us);
        is_after && is_dated && (!self.is_deep || time > seconds(self.at_us))
    }

    /// Returns whether an entry tells of nothing but what was there at the baseline.
    pub(super) fn is_old(
        &self,
        ledger: &FeedLedger,
        kind: FeedKind,
        subject: i64,
        state: State,
    ) -> bool {
        let begin = seconds(self.at_us).saturating_sub(self.behind_s);
        if self.is_late && (self.is_clock_wrong || state.time >= begin) {
            return false;
        }
        // Without a page that was read, what is before the server's time is old.
        let read_us = self.read_us.get(&kind).copied();
        let read_us = match read_us {
            None => self.at_us,
            Some(read_us) => read_us,
        };
        let mut before = ledger.states(kind, subject, read_us);
        before.any(|(_, before)| state.is_within(before))
    }
}
