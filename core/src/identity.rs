//! What nav says of the login, kept while it is good.

use std::sync::Arc;

use crate::ids::Uid;
use crate::wbi::WbiKeys;

/// Who is logged in, and the keys that sign this account's queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's number.
    pub uid: Uid,
    /// The account's name.
    pub name: String,
    /// The keys of the day.
    pub keys: WbiKeys,
}

/// Which keys a request was signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(u64);

/// The newest identity, with a generation: when several requests that were signed
/// with the same keys are refused side by side, fresh keys are thrown away only once.
#[derive(Debug, Clone, Default)]
pub struct IdentityCache {
    current: Option<Arc<Identity>>,
    generation: Generation,
}

impl IdentityCache {
    /// What is known, and of which generation it is.
    pub fn get(&self) -> Option<(Generation, Arc<Identity>)> {
        let identity = self.current.as_ref()?;
        Some((self.generation, Arc::clone(identity)))
    }

    /// Keeps a fresh identity.
    pub fn store(&mut self, identity: Identity) {
        self.generation.0 = self.generation.0.saturating_add(1);
        self.current = Some(Arc::new(identity));
    }

    /// The service refused a signature of this generation: forgets the keys,
    /// unless fresher ones are here already.
    pub fn refuse(&mut self, generation: Generation) {
        if self.generation == generation {
            self.current = None;
        }
    }
}
