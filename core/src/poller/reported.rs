//! Texts that were reported once and show up in every round.

use std::collections::{BTreeSet, VecDeque};

use md5::{Digest, Md5};

/// Number of texts that are remembered.
const MAX: usize = 1000;

/// Texts that were reported, as far as they are remembered.
#[derive(Debug, Default)]
pub(crate) struct Reported {
    known: BTreeSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl Reported {
    /// Remembers a text, and returns whether it is seen for the first time.
    pub(crate) fn is_new(&mut self, text: &str) -> bool {
        let digest: [u8; 16] = Md5::digest(text).into();
        if !self.known.insert(digest) {
            return false;
        }
        self.order.push_back(digest);
        if self.order.len() > MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
