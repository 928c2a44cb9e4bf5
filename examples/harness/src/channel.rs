//! A push channel with the faults that it has in life.

use bilibili_session::FeedKind;
use bilibili_session::poller::Hint;
use bilibili_session_simulator::Rng;

/// Number of hints of a storm.
const STORM: u64 = 40;
/// Greatest number of hints about what happens at one moment.
const MOST: u64 = 20;

/// A channel whose hints are lost, late, doubled, of the wrong kind, or about nothing.
#[derive(Debug)]
pub(crate) struct Channel {
    rng: Rng,
    /// Number of hints in a thousand that are lost.
    lost: u32,
    /// Number of hints in a thousand that are late.
    late: u32,
    /// Number of hints in a thousand that come twice.
    doubled: u32,
    /// Number of hints in a thousand that do not say of what.
    vague: u32,
    /// Number of hints in a thousand that become a storm.
    storm: u32,
    /// Mean time between two hints about nothing (µs).
    noise_us: u64,
}

/// A hint, and the time until it comes (µs).
pub(crate) type Coming = (u64, Hint);

impl Channel {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x0009_0571);
        Self {
            lost: rng.pick(&[0, 0, 200, 600, 1000], 0),
            late: rng.pick(&[0, 100, 500], 100),
            doubled: rng.pick(&[0, 300, 1000], 300),
            vague: rng.pick(&[0, 100, 1000], 100),
            storm: rng.pick(&[0, 5, 50], 5),
            // Some channels never stop.
            noise_us: rng.pick(
                &[1_000_000, 60_000_000, 900_000_000, 900_000_000],
                900_000_000,
            ),
            rng,
        }
    }

    /// Returns the hints about so many things that happened just now.
    pub(crate) fn tell(&mut self, hint: Hint, count: u64) -> Vec<Coming> {
        (0..count.min(MOST))
            .flat_map(|_| self.hints(hint))
            .collect()
    }

    fn hints(&mut self, hint: Hint) -> Vec<Coming> {
        if self.rng.chance(self.lost) {
            return Vec::new();
        }
        let hint = match self.rng.chance(self.vague) {
            true => Hint::Other,
            false => hint,
        };
        let after_us = match self.rng.chance(self.late) {
            true => self.rng.between(1_000_000, 90_000_000),
            false => self.rng.between(1_000, 900_000),
        };
        let times = match self.rng.chance(self.storm) {
            true => STORM,
            false => 1 + u64::from(self.rng.chance(self.doubled)),
        };
        let apart_us = self.rng.pick(&[0, 1_000, 150_000, 2_500_000], 0);
        (0..times)
            .map(|n| (after_us + n * apart_us, hint))
            .collect()
    }

    /// Returns a hint about nothing, and the time until it comes.
    pub(crate) fn noise(&mut self) -> Coming {
        let hint = self.rng.pick(
            &[
                Hint::Connected,
                Hint::Messages,
                Hint::Other,
                Hint::Replies,
                Hint::At,
                Hint::Likes,
            ],
            Hint::Other,
        );
        (self.rng.between(0, 2 * self.noise_us), hint)
    }

    /// Returns the time until a new process has its connection (µs).
    pub(crate) fn connects(&mut self) -> u64 {
        self.rng
            .pick(&[1_000, 400_000, 7_000_000, 200_000_000], 400_000)
    }
}

/// Returns the hint about an entry of this feed.
pub(crate) const fn hint_of(kind: FeedKind) -> Hint {
    match kind {
        FeedKind::Replies => Hint::Replies,
        FeedKind::At => Hint::At,
        FeedKind::Likes => Hint::Likes,
        // The channel has none of these.
        _ => Hint::Other,
    }
}
