//! Notifications as events: replies, mentions, likes and system notices.
//!
//! A [`Poller`](crate::poller::Poller) that is [told to](crate::poller::PollerConfig::feeds) reads
//! these feeds beside the messages, at its own pace, and returns each new entry once as a
//! [`FeedEvent`]. What stands in a feed at the start is old.
//!
//! # Guarantees
//!
//! Each entry that shows up after the start comes out once, also when many arrive between two
//! readings, when two share a second, or when one shows up late: up to a minute below the newest
//! one. Entries of one reading come in the order of their times. A thing that is liked again
//! comes out again, with the number of likes before and after.
//!
//! Every fifth round the counters of unread notifications are asked for, which give a reason to
//! read a feed. They are late at times, or stand still, so each feed is read at least every
//! fiftieth round or every five minutes whatever they say. A hint of a push channel gives a reason
//! as well, at once; hints that never stop lead to one request every six seconds for all feeds
//! together (every second with another origin than the service itself). A feed that fails holds up no other,
//! and no message. Whether reading a feed marks it as read for the owner is not known.

mod allowance;
mod counters;
mod event;
mod feed;
mod item;
mod kind;
mod mark;
mod pause;
mod reasons;
mod walk;

use std::time::Duration;

use http::Request;

pub use event::{FeedEvent, NewLikes};
pub use kind::{FeedKind, NotAFeed};
pub(crate) use mark::SavedMark;
pub(crate) use pause::{PauseCause, SentAt};
pub(crate) use walk::{FeedAnswer, decode};

use crate::client_config::ClientConfig;
use crate::endpoint::Endpoint;
use crate::endpoints::{GetUnreadMessages, UnreadMessages};
use crate::error::BuildError;
use crate::json::Unreadable;
use crate::poller::backoff::Rng;
use crate::poller::reported::Reported;
use crate::time::UnixSeconds;
use allowance::Allowance;
use counters::Counters;
use feed::Feed;
use pause::Pause;
use reasons::Reasons;

/// Least number of entries of a feed that may be held until they are delivered, however small the
/// backlog: pages are read again for what does not fit.
const LEAST_HELD: usize = 100;

/// A request for notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedCall {
    /// The counters of unread notifications.
    Counters,
    /// A page of a feed.
    Page(FeedKind),
}

impl FeedCall {
    /// Returns the feed that is asked for, if it is one.
    pub(crate) const fn feed(self) -> Option<FeedKind> {
        match self {
            Self::Counters => None,
            Self::Page(kind) => Some(kind),
        }
    }
}

/// A request that is to be sent.
pub(crate) struct NextRequest {
    pub(crate) call: FeedCall,
    pub(crate) sent: SentAt,
    pub(crate) request: Result<Request<Vec<u8>>, BuildError>,
}

/// The present by the clocks of server and host, which may be wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// The earliest that it can be.
    pub(crate) earliest: UnixSeconds,
    /// The latest that it can be.
    pub(crate) latest: UnixSeconds,
}

/// The pace of the feeds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The interval of rounds.
    pub(crate) interval: Duration,
    /// Least distance between two readings of a feed that hints lead to.
    pub(crate) distance: Duration,
    /// The same where hints go on for long.
    pub(crate) lasting: Duration,
}

/// All feeds that are asked for, and their counters.
#[derive(Debug)]
pub(crate) struct Feeds {
    /// In the order of their kinds.
    feeds: Vec<Feed>,
    /// Feeds of a checkpoint that are not asked for now.
    kept: Vec<SavedMark>,
    counters: Counters,
    hints: Allowance,
    pause: Pause,
    /// Unreadable entries that were reported already.
    reported: Reported,
    /// Greatest number of entries of a feed that are held.
    most_held: usize,
    /// Number of requests so far.
    turn: u64,
    /// Set if the state that a checkpoint keeps has changed since it was last taken.
    has_changed: bool,
}

impl Feeds {
    /// Creates the feeds of these kinds; those that a checkpoint has go on from there. Returns
    /// `None` where there is nothing to read and nothing to keep.
    pub(crate) fn new(
        kinds: &[FeedKind],
        pace: Pace,
        most_held: usize,
        saved: &[SavedMark],
    ) -> Option<Box<Self>> {
        if kinds.is_empty() && saved.is_empty() {
            return None;
        }
        let of = |kind| saved.iter().find(|it| it.kind == kind);
        let asked = kinds.iter().map(|kind| Feed::new(*kind, pace, of(*kind)));
        let kept = saved.iter().filter(|it| !kinds.contains(&it.kind));
        Some(Box::new(Self {
            feeds: asked.collect(),
            kept: kept.cloned().collect(),
            counters: Counters::new(pace),
            hints: Allowance::new(pace.lasting),
            pause: Pause::new(pace.interval),
            reported: Reported::default(),
            most_held: most_held.max(LEAST_HELD),
            turn: 0,
            has_changed: true,
        }))
    }

    /// Returns whether every feed has its baseline.
    pub(crate) fn have_begun(&self) -> bool {
        self.feeds.iter().all(Feed::has_begun)
    }

    /// Begins the feeds that have no baseline yet at this time.
    pub(crate) fn begin_at(&mut self, time: UnixSeconds) {
        self.feeds.iter_mut().for_each(|feed| feed.begin_at(time));
        self.has_changed = true;
    }

    pub(crate) fn round_begins(&mut self) {
        if !self.feeds.is_empty() {
            self.counters.round_begins();
            let reasons = self.feeds.iter_mut().map(|feed| &mut feed.reasons);
            reasons.for_each(Reasons::round_begins);
        }
    }

    /// Notes that a push channel told of this feed.
    pub(crate) fn hint(&mut self, kind: FeedKind) {
        if let Some(feed) = self.feed(kind) {
            feed.reasons.hint();
        }
    }

    /// Notes that a push channel told of something, not of what.
    pub(crate) const fn hint_any(&mut self) {
        self.counters.hint();
    }

    /// Sets whether a delivered event of this feed is not handled yet.
    pub(crate) fn hold(&mut self, kind: FeedKind, is_held: bool) {
        if let Some(feed) = self.feed(kind) {
            feed.hold(is_held);
            self.has_changed = true;
        }
    }

    /// Returns the time of the next request; `None` while only an answer moves on.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.calls().map(|(due, _)| due).min()
    }

    /// Returns the next request that is due, which is in flight from now on.
    pub(crate) fn next_request(
        &mut self,
        clock: Duration,
        context: &ClientConfig,
    ) -> Option<NextRequest> {
        let due = self.calls().filter(|(due, _)| *due <= clock);
        // The one whose turn is the longest ago: a long reading holds up no other.
        let (_, call) = due.min_by_key(|(_, call)| self.turn_of(*call))?;
        if self.is_hint_alone(call, clock) {
            self.hints.spend(clock);
        }
        self.turn = self.turn.saturating_add(1);
        let turn = self.turn;
        if let FeedCall::Page(kind) = call
            && let Some(feed) = self.feed(kind)
        {
            feed.turn = turn;
        }
        let request = match call {
            FeedCall::Counters => {
                self.counters.turn = turn;
                self.counters.sent(clock);
                GetUnreadMessages.request(context, ())
            }
            FeedCall::Page(kind) => self.feed(kind)?.send(clock, context),
        };
        Some(NextRequest {
            call,
            sent: self.pause.mark(),
            request,
        })
    }

    /// Returns whether nothing but a hint is a reason for the request.
    fn is_hint_alone(&self, call: FeedCall, clock: Duration) -> bool {
        match call {
            FeedCall::Counters => self.counters.is_hint_alone(),
            FeedCall::Page(kind) => {
                let feed = self.feeds.iter().find(|feed| feed.kind == kind);
                feed.is_some_and(|feed| feed.is_hint_alone(clock))
            }
        }
    }

    fn turn_of(&self, call: FeedCall) -> u64 {
        match call {
            FeedCall::Counters => self.counters.turn,
            FeedCall::Page(kind) => {
                let feed = self.feeds.iter().find(|feed| feed.kind == kind);
                feed.map_or(0, |feed| feed.turn)
            }
        }
    }

    /// Returns the requests that are not in flight, each with its time.
    fn calls(&self) -> impl Iterator<Item = (Duration, FeedCall)> {
        let pause = self.pause.until();
        let hints_from = self.hints.from();
        // Before the last baseline is taken nothing is read twice: the events of that would be old.
        let have_begun = self.have_begun();
        let counters = self.counters.due(hints_from).filter(|_| have_begun);
        let counters = counters.filter(|_| !self.feeds.is_empty());
        let counters = counters.map(|due| (due, FeedCall::Counters));
        let feeds = self.feeds.iter();
        let feeds = feeds.filter(move |feed| have_begun || !feed.has_begun());
        let pages =
            feeds.filter_map(move |feed| Some((feed.due(hints_from)?, FeedCall::Page(feed.kind))));
        let calls = pages.chain(counters);
        calls.map(move |(due, call)| (due.max(pause), call))
    }

    /// Takes the counters: they give a reason to read some feeds.
    pub(crate) fn handle_counters(&mut self, counters: UnreadMessages, sent: SentAt) {
        self.pause.answered(sent);
        self.feeds.iter_mut().for_each(Feed::look_again);
        for kind in self.counters.take(counters) {
            if let Some(feed) = self.feed(kind) {
                feed.reasons.counter_moved();
            }
        }
    }

    /// Takes a page of a feed, and returns the unreadable entries that were not reported yet. What
    /// cannot be read at the baseline is old like the rest.
    pub(crate) fn handle_page(
        &mut self,
        kind: FeedKind,
        answer: FeedAnswer,
        clock: Duration,
        present: Times,
        sent: SentAt,
    ) -> Vec<Unreadable> {
        self.pause.answered(sent);
        let most = self.most_held;
        let Some(feed) = self.feed(kind) else {
            return Vec::new();
        };
        let is_baseline = !feed.has_begun();
        let mut unreadable = feed.handle_page(answer, clock, present, most);
        self.has_changed |= is_baseline;
        unreadable.retain(|item| self.reported.is_new(&item.raw) && !is_baseline);
        unreadable
    }

    /// Notes that a request failed. Returns the delay until it is sent again.
    pub(crate) fn fail(&mut self, call: FeedCall, clock: Duration, rng: &mut Rng) -> Duration {
        match call {
            FeedCall::Counters => self.counters.fail(clock, rng),
            FeedCall::Page(kind) => {
                let feed = self.feed(kind);
                feed.map_or(Duration::ZERO, |feed| feed.fail(clock, rng))
            }
        }
    }

    /// Begins a pause of all feeds, unless one that was begun meanwhile serves for it. Returns its
    /// length.
    pub(crate) fn pause(
        &mut self,
        call: FeedCall,
        cause: PauseCause,
        sent: SentAt,
        clock: Duration,
        rng: &mut Rng,
    ) -> Option<Duration> {
        self.give_up(call);
        self.pause.begin(clock, cause, sent, rng)
    }

    /// Notes that a request was not answered, and is to be sent again.
    pub(crate) fn give_up(&mut self, call: FeedCall) {
        match call {
            FeedCall::Counters => self.counters.give_up(),
            FeedCall::Page(kind) => {
                if let Some(feed) = self.feed(kind) {
                    feed.give_up();
                }
            }
        }
    }

    /// Returns the next event to deliver, which counts as delivered from now on.
    pub(crate) fn deliver(&mut self) -> Option<FeedEvent> {
        let event = self.feeds.iter_mut().find_map(Feed::deliver);
        self.has_changed |= event.is_some();
        event
    }

    /// Returns whether the state that a checkpoint keeps has changed since the last call.
    pub(crate) const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.has_changed, false)
    }

    /// Returns the state that a checkpoint keeps.
    pub(crate) fn save(&self) -> Vec<SavedMark> {
        let mut saved = self.kept.clone();
        saved.extend(self.feeds.iter().filter_map(Feed::save));
        saved.sort_by_key(|it| it.kind);
        saved
    }

    fn feed(&mut self, kind: FeedKind) -> Option<&mut Feed> {
        self.feeds.iter_mut().find(|feed| feed.kind == kind)
    }
}
