//! Notifications in a run: they happen, and come out in time.

use std::time::Duration;

use bilibili_session::FeedEvent;

use super::Run;
use crate::feeds::{self, Crowd, FeedBase, FeedLog};
use crate::happening::Happening;
use crate::life::EPOCH_US;
use crate::trouble::Trouble;
use crate::violation::{Breach, Property};

/// Longest wait for the baseline of the feeds (µs).
const LONGEST_START: u64 = 20_000_000;
/// Once all came: so long until each feed was read again (µs).
const REST: u64 = 7 * 60 * 1_000_000;
/// Time until something that shows up was read (µs).
const READ: u64 = 6 * 60 * 1_000_000;

impl Run<'_> {
    /// Lets something happen that is notified of, unless it is quiet.
    pub(super) fn notify(&mut self) {
        let (now_us, is_quiet) = (EPOCH_US + self.at_us, self.quiet_since.is_some());
        let Some(crowd) = self.crowd.as_mut().filter(|_| !is_quiet) else {
            return;
        };
        crowd.act(&mut self.population.sim, now_us);
        let next = crowd.rng.between(0, 2 * crowd.ways.mean_us);
        self.agenda.put(self.at_us + next, Happening::Notify);
    }

    /// Lets each feed have its last word.
    pub(super) fn last_notifications(&mut self) {
        let now_us = EPOCH_US + self.at_us;
        if let Some(crowd) = &mut self.crowd {
            crowd.last_words(&mut self.population.sim, now_us);
        }
    }

    /// Lets all show that does by now.
    pub(crate) fn show_notifications(&mut self) {
        let now_us = EPOCH_US + self.at_us;
        if let Some(crowd) = &mut self.crowd {
            let due = crowd.ledger.advance(now_us);
            let kinds = &self.scenario.feeds;
            self.feed_log.show(&due, kinds, &crowd.ledger);
        }
    }

    /// Notes that the poller is connected: its baseline is taken.
    pub(crate) fn connects(&mut self) {
        self.show_notifications();
        let (at_us, time) = (self.at_us, self.time());
        let has = |trouble| self.scenario.has(trouble);
        // `Date` is of whole seconds, and of the time when the answer set out.
        let slow = self.scenario.request_timeout.as_secs();
        let behind_s = 2 + if has(Trouble::Delay) { slow } else { 0 };
        let Some(life) = &mut self.life else { return };
        let listed_us = life.base.as_ref().map(|(_, listed_us)| *listed_us);
        if let Some((base, _)) = life.base.take() {
            self.delivery_log = crate::delivery_log::DeliveryLog::begin(base);
        }
        life.politeness.connects(time);
        if self.crowd.is_some() && !self.feed_log.has_base() {
            let no_date = has(Trouble::NoDate) && has(Trouble::WallClock);
            let waited = at_us.saturating_sub(listed_us.unwrap_or(at_us));
            self.feed_log = FeedLog::begin(FeedBase {
                at_us: EPOCH_US + at_us,
                read_us: std::mem::take(&mut life.feeds_read_us),
                is_late: waited >= LONGEST_START,
                is_clock_wrong: no_date || has(Trouble::DateOff),
                behind_s: i64::try_from(behind_s).unwrap_or(i64::MAX),
                is_deep: self.crowd.as_ref().is_some_and(Crowd::is_deep),
            });
        }
    }

    /// Checks and notes a notification.
    pub(crate) fn feed_event(&mut self, event: &FeedEvent) -> Result<(), Breach> {
        self.report.feed_events += 1;
        let now_us = EPOCH_US + self.at_us;
        let (Some(crowd), Some(life)) = (&self.crowd, &mut self.life) else {
            let what = format!("nobody asked for {event}");
            return Err(Breach::new(Property::NothingTwice, what));
        };
        let time = event.time().map_or(0, |time| time.0);
        // What lies ahead moves nothing on.
        let now_s = i64::try_from(now_us / 1_000_000).unwrap_or(i64::MAX);
        let is_past = crowd.ways.ahead == 0 || time < now_s;
        life.politeness.told(event.kind(), is_past.then_some(time));
        let kinds = &self.scenario.feeds;
        self.feed_log.event(event, kinds, &crowd.ledger, now_us)
    }

    /// Checks that all notifications came in time so far.
    pub(crate) fn notified_in_time(&self) -> Result<(), Breach> {
        let (Some(crowd), Some(life)) = (&self.crowd, &self.life) else {
            return Ok(());
        };
        let now_us = EPOCH_US + self.at_us;
        let free_since = life.politeness.feeds_free_since();
        let free_since_us = u64::try_from(free_since.as_micros()).unwrap_or(u64::MAX);
        let free_since_us = EPOCH_US.saturating_add(free_since_us);
        match self.feed_log.has_base() && life.is_connected() {
            true => feeds::in_time(&self.feed_log, crowd, self.scenario, now_us, free_since_us),
            false => Ok(()),
        }
    }

    /// Returns the first of the notifications that are still to come, in words, and when it
    /// showed.
    pub(super) fn notification_missing(&self) -> Option<(String, Option<Duration>)> {
        let crowd = self.crowd.as_ref()?;
        if crowd.ledger.has_upcoming() {
            return Some(("some notifications do not show up yet".to_owned(), None));
        }
        if !self.feed_log.has_base() {
            return None;
        }
        let (count, shown_us, first) = self.feed_log.missing(&crowd.ledger)?;
        let what = format!(
            "{count} notifications never came, the first is {} {}",
            first.kind, first.subject
        );
        let since_us = shown_us.saturating_sub(EPOCH_US + 10_000_000);
        Some((what, Some(Duration::from_micros(since_us))))
    }

    /// Returns whether each feed was read once more since all came.
    pub(super) fn feeds_rested(&mut self) -> bool {
        let since = *self.all_notified.get_or_insert(self.at_us);
        self.crowd.is_none() || self.at_us >= since + REST
    }

    /// Checks that each unreadable entry was named, and that little is remembered.
    pub(super) fn feeds_are_well(&self) -> Result<(), Breach> {
        let (Some(crowd), Some(life)) = (&self.crowd, &self.life) else {
            return Ok(());
        };
        let until_us = EPOCH_US + self.at_us.saturating_sub(READ);
        if let Some(unwarned) = self.feed_log.unwarned(&crowd.ledger, until_us) {
            let what = format!("{unwarned} cannot be read, and no warning names it");
            return Err(Breach::new(Property::OneBadItem, what));
        }
        let is_clock_right =
            !self.scenario.has(Trouble::WallClock) && !self.scenario.has(Trouble::DateOff);
        match life.poller.checkpoint().filter(|_| is_clock_right) {
            Some(checkpoint) => feeds::remembers(&checkpoint, crowd),
            None => Ok(()),
        }
    }
}
