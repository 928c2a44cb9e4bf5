//! What a seed stands for.

use std::time::Duration;

use bilibili_session::poller::PollerConfig;

use super::rng::Rng;
use super::trouble::{Trouble, Troubles};

/// One run: who writes how much, what goes wrong, and how the poller is configured.
///
/// The same scenario gives the same run, to the last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scenario {
    /// What chance is drawn from.
    pub seed: u64,
    /// What goes wrong.
    pub troubles: Troubles,
    /// How many requests in a thousand meet trouble.
    pub intensity: u32,
    /// How many conversations there are.
    pub conversations: u32,
    /// How many messages an hour arrive, besides bursts.
    pub messages_per_hour: u32,
    /// How long the troubles last. Then it is quiet, and all must come out.
    pub length: Duration,
    /// The poller's configuration.
    pub interval: Duration,
    /// See [`PollerConfig::page_size`].
    pub page_size: u32,
    /// See [`PollerConfig::backlog`].
    pub backlog: usize,
    /// See [`PollerConfig::max_parallel`].
    pub max_parallel: usize,
    /// See [`PollerConfig::max_conversations`].
    pub max_conversations: usize,
    /// See [`PollerConfig::request_timeout`].
    pub request_timeout: Duration,
    /// See [`PollerConfig::exclude_self`].
    pub exclude_self: bool,
    /// In how many of a thousand moments a checkpoint is taken.
    pub checkpoints: u32,
}

impl Scenario {
    /// The scenario of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut troubles = Troubles::NONE;
        // Some runs have few troubles, so that each is also met alone.
        let share = rng.pick(&[60, 200, 400, 700], 400);
        for trouble in Trouble::ALL {
            let share = match trouble {
                Trouble::Flood => share / 6,
                Trouble::NoDate | Trouble::VagueList => share / 3,
                _ => share,
            };
            if rng.chance(share) {
                troubles = troubles.with(*trouble);
            }
        }
        let flood = troubles.has(Trouble::Flood);
        let interval = Duration::from_millis(rng.between(3_000, 20_000));
        // Hours, sometimes a day; in rounds it is a few hundred to a few thousand.
        let rounds = rng.pick(&[60, 150, 300, 300, 600, 1500], 300);
        let day = Duration::from_secs(24 * 60 * 60);
        let length = if rng.chance(10) {
            day
        } else {
            (interval * rounds).min(day)
        };
        let conversations = rng.pick(&[1, 2, 5, 12, 30, 70, 150], 5);
        let messages = rng.between(10, 400);
        Self {
            seed,
            troubles,
            intensity: rng.pick(&[10, 50, 150, 400], 50),
            conversations,
            messages_per_hour: u32::try_from(messages * 3600 / length.as_secs().max(1))
                .unwrap_or(u32::MAX)
                .max(5),
            length,
            interval,
            page_size: if flood {
                rng.pick(&[50, 120, 200], 200)
            } else {
                rng.pick(&[2, 3, 7, 20, 50, 200, 200], 200)
            },
            backlog: if flood {
                rng.pick(&[400, 2000, 5000], 5000)
            } else {
                rng.pick(&[0, 1, 10, 60, 5000], 5000)
            },
            max_parallel: usize::try_from(rng.between(1, 8)).unwrap_or(4),
            max_conversations: rng.pick(&[100, 110, 10_000], 100),
            request_timeout: Duration::from_secs(rng.pick(&[5, 10, 30, 60], 30)),
            exclude_self: rng.chance(600),
            checkpoints: rng.pick(&[5, 50, 500], 50),
        }
    }

    /// Whether this may go wrong.
    pub const fn has(&self, trouble: Trouble) -> bool {
        self.troubles.has(trouble)
    }

    /// How the poller is configured.
    pub fn config(&self) -> PollerConfig {
        PollerConfig::new()
            .interval(self.interval)
            .page_size(self.page_size)
            .backlog(self.backlog)
            .max_parallel(self.max_parallel)
            .max_conversations(self.max_conversations)
            .request_timeout(self.request_timeout)
            .exclude_self(self.exclude_self)
            .seed(self.seed)
    }
}
