//! Notifications beside the messages: when they are asked for, and what becomes of the answers.

use std::sync::Arc;
use std::time::Duration;

use super::hint::Hint;
use super::in_flight::Purpose;
use super::output::Outgoing;
use super::poke::{lasting_distance, least_distance};
use super::state::{StartingFeeds, State};
use super::{Poller, PollerConfig, Warning};
use crate::endpoints::UnreadMessages;
use crate::error::Error;
use crate::feeds::{
    FeedAnswer, FeedCall, FeedEvent, FeedKind, Feeds, Pace, PauseCause, SavedMark, SentAt, Times,
};
use crate::time::{Now, UnixSeconds};

/// Greatest time that the baseline of the feeds is waited for.
const LONGEST_START: Duration = Duration::from_secs(20);

/// Creates the feeds of a configuration, which go on from those of a checkpoint.
pub(super) fn begin(
    config: &PollerConfig,
    is_official: bool,
    saved: &[SavedMark],
) -> Option<Box<Feeds>> {
    let pace = Pace {
        interval: config.interval,
        distance: least_distance(is_official),
        lasting: lasting_distance(is_official),
    };
    Feeds::new(&config.feeds, pace, config.backlog, saved)
}

impl Poller {
    /// Waits for the baseline of the feeds, if any have none.
    pub(super) fn start_feeds(&mut self, now: Now, is_resumed: bool) {
        let until = now.monotonic.saturating_add(LONGEST_START);
        self.enter(State::StartingFeeds(StartingFeeds { until, is_resumed }));
        self.begin_feeds(now, false);
    }

    /// Begins to deliver once every feed has its baseline. Where the wait `is_over`, those that
    /// have none begin at the server's time.
    pub(super) fn begin_feeds(&mut self, now: Now, is_over: bool) {
        let server_now = self.account.server_now(now);
        if let Some(feeds) = &mut self.feeds {
            if is_over {
                feeds.begin_at(server_now);
            }
            if !feeds.have_begun() {
                return;
            }
        }
        self.connect(now);
    }

    /// Returns the next request for notifications, if one is due. One that is not the `only` thing
    /// to do gives way to messages after each request.
    pub(super) fn next_feed_request(&mut self, now: Now, only: bool) -> Option<Outgoing> {
        if !only && self.was_feed || !self.reads_feeds() {
            return None;
        }
        let feeds = self.feeds.as_mut()?;
        let next = feeds.next_request(now.monotonic, self.account.context())?;
        self.was_feed = true;
        self.send(now, Purpose::Feed(next.call, next.sent), None, next.request)
    }

    /// Returns the time of the next request for notifications, if none is waited for.
    pub(super) fn next_feed_time(&self) -> Option<Duration> {
        let feeds = self.feeds.as_ref().filter(|_| self.reads_feeds())?;
        feeds.due()
    }

    const fn reads_feeds(&self) -> bool {
        match self.state {
            State::Starting | State::StartingList(_) | State::Resuming | State::Ended(_) => false,
            State::StartingFeeds(_) | State::Idle | State::Listing(_) | State::Fetching(_) => true,
        }
    }

    /// Takes over the part of a hint that is about notifications.
    pub(super) fn hint_feeds(&mut self, hint: Hint) {
        let Some(feeds) = &mut self.feeds else {
            return;
        };
        match hint {
            Hint::Messages => {}
            Hint::Replies => feeds.hint(FeedKind::Replies),
            Hint::At => feeds.hint(FeedKind::At),
            Hint::Likes => feeds.hint(FeedKind::Likes),
            // The channel did not tell of what came before, or of what.
            Hint::Connected | Hint::Other => feeds.hint_any(),
        }
    }

    pub(super) fn handle_counters(&mut self, counters: UnreadMessages, sent: SentAt) {
        if let Some(feeds) = &mut self.feeds {
            feeds.handle_counters(counters, sent);
        }
    }

    pub(super) fn handle_feed_page(
        &mut self,
        now: Now,
        feed: FeedKind,
        page: FeedAnswer,
        sent: SentAt,
    ) {
        let times = self.times(now);
        let Some(feeds) = &mut self.feeds else {
            return;
        };
        for item in feeds.handle_page(feed, page, self.clock, times, sent) {
            self.warn(Warning::UndecodableNotification {
                feed,
                raw: item.raw,
                reason: item.error.to_string(),
            });
        }
    }

    /// Stops the requests for notifications for a while.
    pub(super) fn pause_feeds(
        &mut self,
        call: FeedCall,
        sent: SentAt,
        cause: PauseCause,
        error: Error,
    ) {
        let (clock, rng) = (self.clock, &mut self.pauses.rng);
        let feeds = self.feeds.as_mut();
        let delay = feeds.and_then(|feeds| feeds.pause(call, cause, sent, clock, rng));
        if let Some(delay) = delay {
            let feed = call.feed();
            self.warn(Warning::FeedsPaused { delay, feed, error });
        }
    }

    pub(super) fn retry_feed(&mut self, call: FeedCall, error: Error) {
        let (clock, rng) = (self.clock, &mut self.pauses.rng);
        if let Some(feeds) = &mut self.feeds {
            let delay = feeds.fail(call, clock, rng);
            let feed = call.feed();
            self.warn(Warning::FeedRetry { delay, feed, error });
        }
    }

    /// Returns the next notification to deliver, which counts as delivered from now on.
    pub(super) fn next_feed_event(&mut self) -> Option<Arc<FeedEvent>> {
        if let State::StartingFeeds(_) = self.state {
            return None;
        }
        self.feeds.as_mut()?.deliver().map(Arc::new)
    }

    pub(super) fn saved_feeds(&self) -> Vec<SavedMark> {
        self.feeds
            .as_ref()
            .map(|feeds| feeds.save())
            .unwrap_or_default()
    }

    /// Sets whether a delivered notification of this feed is not handled yet.
    pub(crate) fn hold_feed(&mut self, kind: FeedKind, is_held: bool) {
        if let Some(feeds) = &mut self.feeds {
            feeds.hold(kind, is_held);
        }
    }

    /// Returns the present, as far as the clocks agree.
    fn times(&self, now: Now) -> Times {
        let local = now.wall.to_seconds();
        let server = self.account.latest_now(now);
        let earliest = server.map_or(local, |server| server.min(local));
        Times {
            earliest: earliest.max(UnixSeconds(0)),
            latest: server.map_or(local, |server| server.max(local)),
        }
    }
}
