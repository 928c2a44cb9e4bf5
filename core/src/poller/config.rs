//! The configuration of a poller.

use std::time::Duration;

use super::habits::Habits;
use crate::feeds::FeedKind;

/// Least interval for the service itself: shorter ones have got accounts frozen.
const LEAST_INTERVAL: Duration = Duration::from_secs(3);

/// The established interval.
const INTERVAL: Duration = Duration::from_secs(6);

/// Interval beside a push channel: that of the service's own page.
const PUSH_INTERVAL: Duration = Duration::from_secs(20);

/// Least time between two requests to the service itself.
const SPACING: Duration = Duration::from_millis(300);

/// The configuration of a poller: every bound on memory and pace.
#[derive(Debug, Clone)]
#[must_use]
pub struct PollerConfig {
    pub(super) interval: Duration,
    /// Set if the user chose the interval.
    has_interval: bool,
    /// Longest interval of a quiet account.
    pub(super) quiet_interval: Option<Duration>,
    pub(super) exclude_self: bool,
    pub(super) page_size: u32,
    pub(super) max_parallel: usize,
    pub(super) request_timeout: Duration,
    pub(super) kept_events: usize,
    pub(super) backlog: usize,
    pub(super) max_conversations: usize,
    pub(super) spacing: Option<Duration>,
    pub(super) send_spacing: Option<Duration>,
    pub(super) whole_list_interval: Option<Duration>,
    pub(super) habits: Habits,
    pub(super) feeds: Vec<FeedKind>,
    pub(super) names: bool,
    pub(super) seed: u64,
}

impl Default for PollerConfig {
    fn default() -> Self {
        Self {
            interval: INTERVAL,
            has_interval: false,
            quiet_interval: None,
            exclude_self: true,
            page_size: 200,
            max_parallel: 4,
            request_timeout: Duration::from_secs(30),
            kept_events: 1000,
            backlog: 5000,
            max_conversations: 10_000,
            spacing: None,
            send_spacing: None,
            whole_list_interval: Some(Duration::from_secs(60 * 60)),
            habits: Habits::new(),
            feeds: Vec::new(),
            names: false,
            seed: 0,
        }
    }
}

/// Reason why a poller was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The interval is too short for the service itself.
    #[error(
        "an interval under 3 s has got accounts frozen: the service itself is not asked more often than every 3 s"
    )]
    IntervalTooShort,
    /// A bound leaves no room to work in.
    #[error("{name} must be {rule}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// The rule that the setting breaks.
        rule: &'static str,
    },
    /// The checkpoint belongs to another account than the credential names.
    #[error("the checkpoint is of uid {checkpoint}, the credential of uid {credential}")]
    ForeignCheckpoint {
        /// The account of the checkpoint.
        checkpoint: crate::ids::Uid,
        /// The account of the credential.
        credential: crate::ids::Uid,
    },
}

impl PollerConfig {
    /// Creates the default configuration: a round every 6 s, without own messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time from the beginning of one round to the beginning of the next.
    ///
    /// At least 3 s against the service itself; 6 s, the default, is the established interval. A
    /// round fetches for no longer than this; the rest is left for the next round, the latest
    /// first.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self.has_interval = true;
        self
    }

    /// Sets whether a push channel gives [hints](super::Poller::handle_hint) beside the poller.
    /// The interval is then 20 s, as that of the service's own page, unless
    /// [set](Self::interval).
    pub const fn push(mut self, push: bool) -> Self {
        if !self.has_interval {
            self.interval = match push {
                true => PUSH_INTERVAL,
                false => INTERVAL,
            };
        }
        self
    }

    /// Asks less often while nothing arrives: after ten rounds that brought nothing, the interval
    /// grows by a quarter with each further one, up to `ceiling`.
    ///
    /// A message that arrives, one that this session sends, and a
    /// [hint](super::Poller::handle_hint) bring the [interval](Self::interval) back at once.
    /// Without this, the interval stays as it is.
    pub const fn adaptive(mut self, ceiling: Duration) -> Self {
        self.quiet_interval = Some(ceiling);
        self
    }

    /// Sets whether messages that this account sent, from any device, are left out (the default).
    pub const fn exclude_self(mut self, exclude: bool) -> Self {
        self.exclude_self = exclude;
        self
    }

    /// Sets the number of messages on a page of a conversation, 2 to 2000; 200 by default.
    pub const fn page_size(mut self, size: u32) -> Self {
        self.page_size = size;
        self
    }

    /// Sets the number of conversations that are fetched side by side; 4 by default.
    pub const fn max_parallel(mut self, requests: usize) -> Self {
        self.max_parallel = requests;
        self
    }

    /// Sets the time after which a request is overdue and counts as failed; 30 s by default.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets the number of recent events that are kept, so that a withdrawal can show the message
    /// that it takes back; 1000 by default.
    pub const fn kept_events(mut self, events: usize) -> Self {
        self.kept_events = events;
        self
    }

    /// Sets the number of messages that are held while earlier ones of their conversation are
    /// still missing; 5000 by default.
    ///
    /// Messages that do not fit are dropped and refetched later, so a small backlog loses nothing.
    pub const fn backlog(mut self, messages: usize) -> Self {
        self.backlog = messages;
        self
    }

    /// Sets the number of conversations that are remembered; 10,000 by default.
    ///
    /// When there are more, those that have been quiet the longest are forgotten; their new
    /// messages are then known by their time.
    pub const fn max_conversations(mut self, conversations: usize) -> Self {
        self.max_conversations = conversations;
        self
    }

    /// Sets the least time between two requests of the poller: 300 ms by default against the
    /// service itself, none against another origin.
    ///
    /// A resume after a night asks for hundreds of conversations, which should not be one burst.
    /// Calls beside the poller are not spaced.
    pub const fn spacing(mut self, spacing: Duration) -> Self {
        self.spacing = Some(spacing);
        self
    }

    /// Sets the least time between two messages that the session sends: 1 s by default against the
    /// service itself, none against another origin.
    ///
    /// Sends wait for each other in the order in which they began; those to one conversation also
    /// wait for the outcome of the one before.
    pub const fn send_spacing(mut self, spacing: Duration) -> Self {
        self.send_spacing = Some(spacing);
        self
    }

    /// Sets the time between two readings of the whole list of conversations, besides the
    /// changes; an hour by default, `None` for never.
    ///
    /// Where the first page had no room for all, the first reading is a minute after the start.
    ///
    /// The whole list shows what a list of changes does not: a conversation whose `session_ts`
    /// stood still when a message arrived. It also makes conversations known that were not on the
    /// first page, so that telling new messages from old ones in them does not depend on clocks.
    pub const fn whole_list_interval(mut self, interval: Option<Duration>) -> Self {
        self.whole_list_interval = interval;
        self
    }

    /// Sets habits of the service that are known beforehand, so that the poller need not find
    /// out.
    pub const fn habits(mut self, habits: Habits) -> Self {
        self.habits = habits;
        self
    }

    /// Sets the feeds of notifications that are read beside the messages; none by default.
    ///
    /// Every fifth round the counters of unread notifications are asked for, and a feed when they
    /// or [nothing for five minutes](crate::feeds) give a reason.
    pub fn feeds(mut self, feeds: impl IntoIterator<Item = FeedKind>) -> Self {
        self.feeds = feeds.into_iter().collect();
        self.feeds.sort_unstable();
        self.feeds.dedup();
        self
    }

    /// Sets whether names that lists show are kept for
    /// [`tell_names`](super::Poller::tell_names); they are not by default. No request is made for
    /// them.
    pub const fn names(mut self, names: bool) -> Self {
        self.names = names;
        self
    }

    /// Sets the seed of the jitter of pauses. The same seed, inputs and times give the same
    /// outputs.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the spacing of requests to the service itself or to another origin.
    pub(super) fn spacing_to(&self, official: bool) -> Duration {
        let default = if official { SPACING } else { Duration::ZERO };
        self.spacing.unwrap_or(default)
    }

    pub(super) fn check(&self, official: bool) -> Result<(), ConfigError> {
        let out_of_range = |name, rule| Err(ConfigError::OutOfRange { name, rule });
        if official && self.interval < LEAST_INTERVAL {
            return Err(ConfigError::IntervalTooShort);
        }
        if self.interval.is_zero() {
            return out_of_range("interval", "more than 0");
        }
        if self.quiet_interval.is_some_and(|it| it < self.interval) {
            return out_of_range("adaptive", "at least the interval");
        }
        if !(2..=2000).contains(&self.page_size) {
            return out_of_range("page_size", "2 to 2000");
        }
        if self.max_parallel == 0 {
            return out_of_range("max_parallel", "at least 1");
        }
        if self.request_timeout.is_zero() {
            return out_of_range("request_timeout", "more than 0");
        }
        if self.whole_list_interval.is_some_and(|it| it.is_zero()) {
            return out_of_range("whole_list_interval", "more than 0");
        }
        if self.max_conversations < 100 {
            return out_of_range("max_conversations", "at least 100");
        }
        Ok(())
    }
}
