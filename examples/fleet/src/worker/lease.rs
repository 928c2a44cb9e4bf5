//! The right to poll an account and to write for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::Instant;

/// Lease of an account, as this worker knows it.
///
/// The database knows until when it lasts by its own clock. Here it counts from the moment before that was asked for, by a
/// clock that goes on while the process is stopped, and ends a margin earlier: who holds it here holds it there.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) uid: i64,
    pub(crate) epoch: i64,
    begun: Instant,
    /// End of the lease, in milliseconds since `begun`.
    end_ms: AtomicU64,
    /// Read by what is to come to its end under this lease: a reply, a renewal. Written by who gives the lease back.
    in_hand: RwLock<()>,
    /// Set before it is given back: nothing goes out from then on.
    is_closed: AtomicBool,
}

impl Lease {
    /// Creates a lease that was asked for at `asked`.
    pub(crate) fn new(uid: i64, epoch: i64, asked: Instant, length: Duration) -> Self {
        let lease = Self {
            uid,
            epoch,
            begun: asked,
            end_ms: AtomicU64::new(0),
            in_hand: RwLock::new(()),
            is_closed: AtomicBool::new(false),
        };
        lease.renew(asked, length);
        lease
    }

    /// Makes it last from `asked`.
    pub(crate) fn renew(&self, asked: Instant, length: Duration) {
        let end = asked.duration_since(self.begun) + held(length);
        let end_ms = u64::try_from(end.as_millis()).unwrap_or(u64::MAX);
        self.end_ms.fetch_max(end_ms, Ordering::AcqRel);
    }

    /// Returns its end.
    pub(crate) fn end(&self) -> Instant {
        self.begun + Duration::from_millis(self.end_ms.load(Ordering::Acquire))
    }

    /// Returns whether this may still be written for. Whether requests may go out [is another question](Self::is_open).
    pub(crate) fn is_held(&self) -> bool {
        Instant::now() < self.end()
    }

    /// Returns whether requests may go out: it is held, and not about to be given back.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_closed.load(Ordering::Acquire) && self.is_held()
    }

    /// Begins something that is not to be cut off: the lease is given back after it has ended. None if that is under way.
    pub(crate) fn begin(&self) -> Option<RwLockReadGuard<'_, ()>> {
        let in_hand = self.in_hand.try_read().ok()?;
        self.is_open().then_some(in_hand)
    }

    /// Waits until what was begun has ended, and lets nothing out from then on.
    pub(crate) async fn close(&self) {
        let _nothing_in_hand = self.in_hand.write().await;
        self.is_closed.store(true, Ordering::Release);
    }
}

/// Returns how long a lease of this length is made use of.
fn held(length: Duration) -> Duration {
    length * 4 / 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_before_the_database_says_so() {
        let length = Duration::from_secs(10);
        let asked = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let lease = Lease::new(1, 1, asked, length);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(lease.is_held());
        tokio::time::advance(Duration::from_millis(1001)).await;
        assert!(!lease.is_held());
        lease.renew(Instant::now(), length);
        assert!(lease.is_held());
        // An answer that comes late makes it no shorter.
        lease.renew(asked, length);
        assert!(lease.is_held());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_closed_after_what_was_begun_and_begins_nothing_more() {
        let lease = Lease::new(1, 1, Instant::now(), Duration::from_secs(10));
        let reply = lease.begin();
        assert!(reply.is_some());
        let mut close = std::pin::pin!(lease.close());
        tokio::select! {
            biased;
            () = &mut close => panic!("a reply is under way"),
            () = tokio::task::yield_now() => {}
        }
        assert!(lease.is_open(), "the reply may go on");
        assert!(lease.begin().is_none(), "or it would never be given back");
        drop(reply);
        close.await;
        assert!(!lease.is_open() && lease.begin().is_none());
        assert!(lease.is_held(), "what was taken may still be written");
    }
}
