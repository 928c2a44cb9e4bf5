//! A value that several threads change, and wait for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bilibili_session::Now;
use bilibili_session::call::Output;

use crate::engine::lock;

/// A value behind a lock, and the way to wait for a change of it.
#[derive(Default)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
    /// Number of those that wait; it changes under the lock. To wake is a call of the system, also where nobody waits, and
    /// each message is a change.
    waiting: AtomicUsize,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            changed: Condvar::new(),
            waiting: AtomicUsize::new(0),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        lock(&self.value)
    }

    /// Changes the value; those that wait look again.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.lock();
        let result = change(&mut value);
        self.wake(value);
        result
    }

    fn wake(&self, value: MutexGuard<'_, T>) {
        let is_anybody_there = self.waiting.load(Ordering::Relaxed) > 0;
        drop(value);
        if is_anybody_there {
            self.changed.notify_all();
        }
    }

    /// Polls a call until there is something to do for it.
    pub(crate) fn poll<R>(
        &self,
        now: impl Fn() -> Now,
        mut poll: impl FnMut(&mut T, Now) -> Output<R>,
    ) -> Output<R> {
        let mut value = self.lock();
        loop {
            let output = poll(&mut value, now());
            let Output::Wait(until) = output else {
                // One that is over may have been in the way of another.
                self.wake(value);
                return output;
            };
            let wait = until.saturating_sub(now().monotonic);
            self.waiting.fetch_add(1, Ordering::Relaxed);
            let woken = self.changed.wait_timeout(value, wait);
            value = woken.unwrap_or_else(PoisonError::into_inner).0;
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
