//! The account and the keys that nav names, kept while the keys are good.

use std::sync::Arc;
use std::time::Duration;

use crate::ids::Uid;
use crate::wbi::WbiKeys;

/// Keys that replaced refused ones and served nobody are asked for again after so many times
/// the pace of renewals.
const REFUSED: u32 = 12;

/// Account of a login, and the keys that sign its queries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Number of the account.
    pub uid: Uid,
    /// Name of the account.
    pub name: String,
    /// Keys of the day.
    pub keys: WbiKeys,
}

impl Identity {
    /// Creates the identity of an account, with the keys that nav gave for it.
    pub fn new(uid: Uid, name: impl Into<String>, keys: WbiKeys) -> Self {
        Self {
            uid,
            name: name.into(),
            keys,
        }
    }
}

/// Number of the keys that a request was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Generation(u64);

/// Consequence of a refused signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The keys were old: sign once more, with those that nav gives.
    SignAgain,
    /// The keys are new, and others are served with them: this call alone is refused.
    ThisCall,
    /// The keys are new, and nobody was served with them yet: more keys would not help.
    Account,
}

/// Newest identity, with a generation: when several requests that were signed
/// with the same keys are refused side by side, keys are thrown away only once.
#[derive(Debug, Clone, Default)]
pub(crate) struct IdentityCache {
    current: Option<Arc<Identity>>,
    generation: Generation,
    fetched_at: Duration,
    /// Fetched because others had been refused.
    replaces_refused: bool,
    /// A request that they signed was served.
    proven: bool,
    /// Keys that served a request and are refused were changed meanwhile, unless they are younger
    /// than this: then one call alone is refused, and more keys would not help it.
    pace: Duration,
}

impl IdentityCache {
    /// Returns the identity and its generation, if there is one.
    pub(crate) fn get(&self) -> Option<(Generation, Arc<Identity>)> {
        let identity = self.current.as_ref()?;
        Some((self.generation, Arc::clone(identity)))
    }

    /// Sets the least time between two requests for new keys.
    pub(crate) const fn set_pace(&mut self, pace: Duration) {
        self.pace = pace;
    }

    /// Keeps an identity that nav gave at `now` (monotonic).
    ///
    /// Two that ask for keys side by side get the same ones: those are no new generation.
    pub(crate) fn store(&mut self, identity: Identity, now: Duration) {
        let kept = self.current.as_ref();
        if kept.is_none_or(|kept| kept.keys != identity.keys) {
            self.generation.0 = self.generation.0.saturating_add(1);
            self.proven = false;
        }
        self.current = Some(Arc::new(identity));
        self.fetched_at = now;
    }

    /// Notes that a request signed with keys of this generation was served.
    pub(crate) fn accept(&mut self, generation: Generation) {
        if self.generation == generation {
            self.proven = true;
        }
    }

    /// Notes at `now` (monotonic) that a signature of this generation was refused. Forgets the
    /// keys where new ones may help.
    pub(crate) fn refuse(&mut self, generation: Generation, now: Duration) -> Refusal {
        if self.generation != generation || self.current.is_none() {
            return Refusal::SignAgain;
        }
        let least_age = match self.proven {
            true => self.pace,
            false => self.pace.saturating_mul(REFUSED),
        };
        let age = now.saturating_sub(self.fetched_at);
        if !self.replaces_refused || age >= least_age {
            self.current = None;
            self.replaces_refused = true;
            return Refusal::SignAgain;
        }
        // Unless they serve somebody again, the next refusal is the account's.
        match std::mem::take(&mut self.proven) {
            true => Refusal::ThisCall,
            false => Refusal::Account,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            uid: Uid(10001),
            name: String::new(),
            keys: WbiKeys::new(&"a".repeat(32), &"b".repeat(32)).unwrap(),
        }
    }

    fn paced() -> IdentityCache {
        let mut cache = IdentityCache::default();
        cache.set_pace(Duration::from_secs(5));
        cache
    }

    fn fetched(cache: &mut IdentityCache, at: u64) -> Generation {
        cache.store(identity(), Duration::from_secs(at));
        cache.get().unwrap().0
    }

    #[test]
    fn keys_that_others_used_are_fetched_anew_once() {
        let mut cache = paced();
        let first = fetched(&mut cache, 0);
        cache.accept(first);
        let now = Duration::from_secs(1);
        assert_eq!(cache.refuse(first, now), Refusal::SignAgain);
        assert_eq!(cache.get(), None);
        // Another that was signed with them, beside.
        assert_eq!(cache.refuse(first, now), Refusal::SignAgain);
        let second = fetched(&mut cache, 2);
        assert_eq!(cache.refuse(first, now), Refusal::SignAgain);
        assert!(cache.get().is_some(), "{second:?} are kept");
    }

    #[test]
    fn new_keys_that_are_refused_are_the_accounts_trouble_unless_they_served_somebody() {
        let mut cache = paced();
        let first = fetched(&mut cache, 0);
        cache.refuse(first, Duration::ZERO);
        let second = fetched(&mut cache, 1);
        let now = Duration::from_secs(2);
        assert_eq!(cache.refuse(second, now), Refusal::Account);
        cache.accept(second);
        assert_eq!(cache.refuse(second, now), Refusal::ThisCall);
        assert_eq!(cache.refuse(second, now), Refusal::Account);
        assert!(cache.get().is_some());
        let later = Duration::from_secs(3600);
        assert_eq!(cache.refuse(second, later), Refusal::SignAgain);
    }

    #[test]
    fn keys_that_come_twice_are_no_newer_the_second_time() {
        let mut cache = paced();
        let first = fetched(&mut cache, 0);
        cache.refuse(first, Duration::ZERO);
        let second = fetched(&mut cache, 1);
        assert_eq!(fetched(&mut cache, 2), second);
        assert_eq!(
            cache.refuse(second, Duration::from_secs(3)),
            Refusal::Account
        );
    }

    #[test]
    fn keys_that_change_often_are_followed() {
        let mut cache = paced();
        for turn in 0..5 {
            let keys = fetched(&mut cache, turn * 6);
            cache.accept(keys);
            let now = Duration::from_secs((turn + 1) * 6);
            assert_eq!(cache.refuse(keys, now), Refusal::SignAgain);
        }
    }
}
