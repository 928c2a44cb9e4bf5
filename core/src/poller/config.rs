//! How a poller behaves.

use std::time::Duration;

use super::habits::Habits;

/// Asking the service itself more often than this has got accounts frozen.
const LEAST_INTERVAL: Duration = Duration::from_secs(3);

/// Distance between two requests to the service itself.
const SPACING: Duration = Duration::from_millis(300);

/// How a poller behaves. Every bound on memory and pace is here.
#[derive(Debug, Clone)]
#[must_use]
pub struct PollerConfig {
    pub(super) interval: Duration,
    pub(super) exclude_self: bool,
    pub(super) page_size: u32,
    pub(super) max_parallel: usize,
    pub(super) request_timeout: Duration,
    pub(super) kept_events: usize,
    pub(super) backlog: usize,
    pub(super) max_conversations: usize,
    pub(super) spacing: Option<Duration>,
    pub(super) whole_list_interval: Option<Duration>,
    pub(super) habits: Habits,
    pub(super) seed: u64,
}

impl Default for PollerConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(6),
            exclude_self: true,
            page_size: 200,
            max_parallel: 4,
            request_timeout: Duration::from_secs(30),
            kept_events: 1000,
            backlog: 5000,
            max_conversations: 10_000,
            spacing: None,
            whole_list_interval: Some(Duration::from_secs(60 * 60)),
            habits: Habits::new(),
            seed: 0,
        }
    }
}

/// Why a poller was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The service itself is not asked that often.
    #[error(
        "an interval under 3 s has got accounts frozen: the service itself is not asked more often than every 3 s"
    )]
    IntervalTooShort,
    /// A bound that leaves no room to work in.
    #[error("{name} must be {rule}")]
    OutOfRange {
        /// Which setting.
        name: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The checkpoint belongs to another account than the credential names.
    #[error("the checkpoint is of uid {checkpoint}, the credential of uid {credential}")]
    ForeignCheckpoint {
        /// Whose checkpoint it is.
        checkpoint: crate::ids::Uid,
        /// Whose credential it is.
        credential: crate::ids::Uid,
    },
}

impl PollerConfig {
    /// Every 6 s, without own messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Time from the beginning of one round to the beginning of the next. At least 3 s
    /// against the service itself; 6 s, the default, is the established interval. A round
    /// fetches for no longer than this; the rest is for the next one, the latest first.
    pub const fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Whether messages that this account sent, from any device, are left out (the default).
    pub const fn exclude_self(mut self, exclude: bool) -> Self {
        self.exclude_self = exclude;
        self
    }

    /// How many messages a page of a conversation has, 2 to 2000; 200 by default.
    pub const fn page_size(mut self, size: u32) -> Self {
        self.page_size = size;
        self
    }

    /// How many conversations are fetched side by side; 4 by default.
    pub const fn max_parallel(mut self, requests: usize) -> Self {
        self.max_parallel = requests;
        self
    }

    /// How long a request may take before it counts as failed; 30 s by default.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How many of the last events are kept, so that a withdrawal can show what it takes
    /// back; 1000 by default.
    pub const fn kept_events(mut self, events: usize) -> Self {
        self.kept_events = events;
        self
    }

    /// How many messages are held that cannot be handed out yet because earlier ones of
    /// their conversation are still missing; 5000 by default. What does not fit is fetched
    /// again later, so nothing is lost by a small one.
    pub const fn backlog(mut self, messages: usize) -> Self {
        self.backlog = messages;
        self
    }

    /// How many conversations are remembered; 10,000 by default. When there are more, the
    /// ones that have been quiet the longest are forgotten and known again by their time.
    pub const fn max_conversations(mut self, conversations: usize) -> Self {
        self.max_conversations = conversations;
        self
    }

    /// Least time between two requests of the poller: 300 ms by default against the service
    /// itself, none against another origin. A resume after a night asks for hundreds of
    /// conversations, which should not be one burst. Calls beside the poller are not spaced.
    pub const fn spacing(mut self, spacing: Duration) -> Self {
        self.spacing = Some(spacing);
        self
    }

    /// Time between two readings of the whole list of conversations, besides what changed; an
    /// hour by default, `None` for never. Where the first page had no room for all, the first
    /// reading is a minute after the start.
    ///
    /// It finds what a list of changes does not show: a conversation whose `session_ts` stood
    /// still when a message arrived. And it makes conversations known that were not on the first
    /// page, so that what is new in them does not depend on clocks.
    pub const fn whole_list_interval(mut self, interval: Option<Duration>) -> Self {
        self.whole_list_interval = interval;
        self
    }

    /// Habits of the service that somebody found out before, so that the poller need not.
    pub const fn habits(mut self, habits: Habits) -> Self {
        self.habits = habits;
        self
    }

    /// What the jitter of pauses is drawn from. The same seed, inputs and times give the
    /// same outputs.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The spacing of requests, by whom they go to.
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
