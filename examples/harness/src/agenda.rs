//! Agenda of a run, in virtual time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Things still to happen, the earliest first; of one moment, in the order of their entry.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    order: BinaryHeap<Reverse<(u64, u64)>>,
    items: BTreeMap<u64, T>,
    next: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            order: BinaryHeap::new(),
            items: BTreeMap::new(),
            next: 0,
        }
    }
}

impl<T> Agenda<T> {
    pub(crate) fn put(&mut self, at_us: u64, item: T) {
        self.order.push(Reverse((at_us, self.next)));
        self.items.insert(self.next, item);
        self.next += 1;
    }

    /// Returns the time of the next thing.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.order.peek().map(|Reverse((at_us, _))| *at_us)
    }

    pub(crate) fn take(&mut self) -> Option<T> {
        let Reverse((_, key)) = self.order.pop()?;
        self.items.remove(&key)
    }
}
