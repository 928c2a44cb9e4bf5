//! Scenario of a seed.

use std::time::Duration;

use bilibili_session::FeedKind;
use bilibili_session::poller::PollerConfig;
use bilibili_session_simulator::Rng;

use crate::trouble::{Trouble, Troubles};

/// Scenario of a run: users and messages, troubles, and the configuration of the poller.
///
/// The same scenario gives the same run, to the last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scenario {
    /// Seed of all random draws.
    pub seed: u64,
    /// Possible troubles.
    pub troubles: Troubles,
    /// Number of requests in a thousand that meet trouble.
    pub intensity: u32,
    /// Number of conversations.
    pub conversations: u32,
    /// Number of messages an hour, besides bursts.
    pub messages_per_hour: u32,
    /// Length of the troubles. Then it is quiet, and all must be delivered.
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
    /// See [`PollerConfig::spacing`].
    pub spacing: Duration,
    /// See [`PollerConfig::whole_list_interval`]. None where nothing but a whole list could
    /// show what another list ought to have shown.
    pub whole_list_interval: Option<Duration>,
    /// Number of moments in a thousand at which a checkpoint is taken.
    pub checkpoints: u32,
    /// Number of conversations in a thousand that move once more at the end. The others show what
    /// was lost for good.
    pub last_words: u32,
    /// See [`PollerConfig::feeds`]. In half of the runs none.
    pub feeds: Vec<FeedKind>,
    /// Set if a push channel hints at what happens. In half of the runs it does.
    pub hints: bool,
}

/// Draws the feeds, from numbers of their own: the runs without are what they were.
fn draw_feeds(seed: u64) -> Vec<FeedKind> {
    let mut rng = Rng::new(seed ^ 0x00fe_ed51);
    if rng.chance(500) {
        return Vec::new();
    }
    let share = rng.pick(&[300, 1000], 1000);
    let mut kinds = FeedKind::ALL.to_vec();
    kinds.retain(|_| rng.chance(share));
    match kinds.is_empty() {
        true => vec![rng.pick(&FeedKind::ALL, FeedKind::Replies)],
        false => kinds,
    }
}

/// Draws habits: in two runs of five none, else one, alone or beside what else goes
/// wrong, or several.
fn draw_habits(rng: &mut Rng, troubles: Troubles) -> Troubles {
    let one = weighted(rng);
    complete(match rng.between(0, 9) {
        0..=3 => return troubles,
        4 | 5 => Troubles::NONE.with(one),
        6 | 7 => troubles.with(one),
        _ => {
            let share = rng.pick(&[60, 150, 300], 150);
            Trouble::HABITS
                .iter()
                .filter(|it| match it {
                    Trouble::ManyChanged => rng.chance(share / 6),
                    _ => rng.chance(share),
                })
                .fold(troubles.with(one), |set, it| set.with(*it))
        }
    })
}

/// Draws one habit; those that take long to run less often.
fn weighted(rng: &mut Rng) -> Trouble {
    let one = rng.pick(Trouble::HABITS, Trouble::LastingLies);
    if one == Trouble::ManyChanged && rng.chance(600) {
        Trouble::EndIgnored
    } else {
        one
    }
}

/// Adds the troubles that some habits need to show.
fn complete(troubles: Troubles) -> Troubles {
    let troubles = if troubles.has(Trouble::TypeChanges) {
        troubles.with(Trouble::EndIgnored)
    } else {
        troubles
    };
    let troubles = if troubles.has(Trouble::EmptyMore) {
        troubles.with(Trouble::MoreOfAll)
    } else {
        troubles
    };
    if troubles.has(Trouble::ManyChanged) {
        troubles.without(Trouble::Flood)
    } else {
        troubles
    }
}

impl Scenario {
    /// Draws the scenario of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut troubles = Troubles::NONE;
        // Some runs have few troubles, so that each is also met alone.
        let share = rng.pick(&[60, 200, 400, 700], 400);
        for trouble in Trouble::ALL
            .iter()
            .filter(|it| !Trouble::HABITS.contains(it))
        {
            let share = match trouble {
                Trouble::Flood => share / 6,
                Trouble::NoDate | Trouble::VagueList => share / 3,
                _ => share,
            };
            if rng.chance(share) {
                troubles = troubles.with(*trouble);
            }
        }
        let mut habits = Rng::new(seed ^ 0x0dd5_0f11);
        troubles = draw_habits(&mut habits, troubles);
        Self::draw_rest(seed, rng, &mut habits, troubles)
    }

    /// Draws the scenario of a seed with no habit but this one; `alone`: and with no other trouble.
    pub fn with_habit(seed: u64, habit: Trouble, alone: bool) -> Self {
        let drawn = Self::draw(seed);
        let others = if alone {
            Troubles::NONE
        } else {
            drawn.troubles.without_habits()
        };
        let mut rng = Rng::new(seed);
        rng.next_u64();
        Self::draw_rest(
            seed,
            rng,
            &mut Rng::new(seed ^ 0x0dd5_0f12),
            complete(others.with(habit)),
        )
    }

    /// Draws the scenario of a seed with none of [`Trouble::HABITS`].
    pub fn without_habits(seed: u64) -> Self {
        let drawn = Self::draw(seed);
        Self::draw_rest(
            seed,
            Rng::new(seed),
            &mut Rng::new(seed ^ 0x0dd5_0f12),
            drawn.troubles.without_habits(),
        )
    }

    /// Returns those of [`Trouble::HABITS`] that the scenario has.
    pub fn habits(&self) -> Vec<Trouble> {
        let all = self.troubles.iter();
        all.filter(|it| Trouble::HABITS.contains(it)).collect()
    }

    fn draw_rest(seed: u64, mut rng: Rng, habits: &mut Rng, troubles: Troubles) -> Self {
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
        let scenario = Self {
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
            spacing: Duration::from_millis(habits.pick(&[0, 100, 300, 300, 1_000], 300)),
            whole_list_interval: None,
            last_words: habits.pick(&[0, 500, 1000], 1000),
            feeds: draw_feeds(seed),
            // From a number of its own: the runs without are what they were.
            hints: Rng::new(seed ^ 0x0009_0570).chance(500),
        };
        scenario.made_fit(habits)
    }

    /// Adjusts the scenario to what some habits need to show.
    fn made_fit(mut self, rng: &mut Rng) -> Self {
        let troubles = self.troubles;
        let has = |trouble| troubles.has(trouble);
        let (times_off, many) = (has(Trouble::TimesOff), has(Trouble::ManyChanged));
        let over = has(Trouble::Over);
        let (big, ignored) = (has(Trouble::BigPages), has(Trouble::EndIgnored));
        if ignored {
            self.conversations = rng.pick(&[5, 30, 70, 150, 150], 150);
        }
        if many {
            let rounds = u32::try_from(rng.between(40, 100)).unwrap_or(60);
            self.length = self.interval * rounds;
            self.messages_per_hour = 60;
            self.conversations = rng.pick(&[150, 250, 250, 1_150], 250);
            self.max_conversations = rng.pick(&[100, 10_000], 100);
            if self.conversations > 1_000 {
                self.max_conversations = 100;
            }
        }
        if has(Trouble::FutureTs) && rng.chance(500) {
            self.troubles = self.troubles.with(Trouble::NoDate);
        }
        // What a list of changes does not show, or only after an hour.
        let hides = [Trouble::StillTs, Trouble::TypeChanges];
        // Both clocks show what lies ahead of them: a later one lets it pass.
        let clocks = [Trouble::NoDate, Trouble::DateOff, Trouble::WallClock];
        let no_clock = clocks.into_iter().any(|trouble| self.has(trouble));
        let is_hidden = hides.into_iter().any(has) || has(Trouble::FutureTs) && no_clock;
        if is_hidden || rng.chance(150) {
            let minutes = rng.pick(&[10, 30, 60], 60);
            self.whole_list_interval = Some(Duration::from_secs(minutes * 60));
        }
        let is_ahead = has(Trouble::FutureTs) && self.has(Trouble::NoDate);
        if times_off || is_ahead || has(Trouble::StillTs) || has(Trouble::TypeChanges) {
            // Where conversations are forgotten they are known again by their times alone.
            self.max_conversations = 10_000;
        }
        // Long lists in every round are a lot of work.
        let long = [
            Trouble::LastingLies,
            Trouble::EndIgnored,
            Trouble::EmptyMore,
        ];
        if self.conversations > 30 && long.into_iter().any(has) {
            self.length = self.length.min(self.interval * 150);
        }
        if over {
            self.page_size = rng.pick(&[2, 3, 7, 20], 7);
        }
        if big {
            self.page_size = rng.pick(&[50, 200], 200);
        }
        self
    }

    /// Returns whether this trouble is possible.
    pub const fn has(&self, trouble: Trouble) -> bool {
        self.troubles.has(trouble)
    }

    /// Returns whether there are more conversations than are remembered.
    pub(crate) fn forgets(&self) -> bool {
        usize::try_from(self.conversations).unwrap_or(0) + 30 > self.max_conversations
    }

    /// Returns the configuration of the poller.
    pub fn config(&self) -> PollerConfig {
        PollerConfig::new()
            .interval(self.interval)
            .page_size(self.page_size)
            .backlog(self.backlog)
            .max_parallel(self.max_parallel)
            .max_conversations(self.max_conversations)
            .request_timeout(self.request_timeout)
            .exclude_self(self.exclude_self)
            .spacing(self.spacing)
            .whole_list_interval(self.whole_list_interval)
            .feeds(self.feeds.iter().copied())
            .seed(self.seed)
    }
}
