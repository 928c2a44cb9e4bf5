//! Chance, repeatable from a seed.

/// SplitMix64.
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least `low`, at most `high`.
    pub(super) const fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low + (self.next() >> 1) % if span == 0 { u64::MAX } else { span }
    }

    /// So many times in a thousand.
    pub(super) const fn chance(&mut self, permille: u32) -> bool {
        self.between(0, 999) < permille as u64
    }

    /// One of these; `otherwise` if there is none.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T], otherwise: T) -> T {
        let last = u64::try_from(of.len()).unwrap_or(1).saturating_sub(1);
        let place = usize::try_from(self.between(0, last)).unwrap_or(0);
        of.get(place).copied().unwrap_or(otherwise)
    }
}
