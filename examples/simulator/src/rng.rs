//! Chance, repeatable from a seed.

/// Generator of random numbers for made-up traffic: the same seed, the same numbers. It is SplitMix64.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Creates a generator.
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// Returns the next number, any of them.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number less than `limit`; 0 if that is 0.
    pub const fn below(&mut self, limit: u64) -> u64 {
        self.between(0, limit.saturating_sub(1))
    }

    /// Returns a number that is at least `low` and at most `high`.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low + (self.next_u64() >> 1) % if span == 0 { u64::MAX } else { span }
    }

    /// Returns true in so many of a thousand cases.
    pub const fn chance(&mut self, permille: u32) -> bool {
        self.between(0, 999) < permille as u64
    }

    /// Returns one of these; `otherwise` if there is none.
    pub fn pick<T: Copy>(&mut self, of: &[T], otherwise: T) -> T {
        self.choose(of).copied().unwrap_or(otherwise)
    }

    /// Returns one of these; `None` if there is none.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(of.len()).unwrap_or(u64::MAX);
        let place = usize::try_from(self.below(count)).unwrap_or(0);
        of.get(place)
    }

    /// Puts these into an order that chance decides.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            let other = self.below(u64::try_from(place).unwrap_or(u64::MAX).saturating_add(1));
            items.swap(place, usize::try_from(other).unwrap_or(place));
        }
    }
}
