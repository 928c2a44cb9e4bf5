//! The right to poll an account and to write for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
}

impl Lease {
    /// Creates a lease that was asked for at `asked`.
    pub(crate) fn new(uid: i64, epoch: i64, asked: Instant, length: Duration) -> Self {
        let lease = Self {
            uid,
            epoch,
            begun: asked,
            end_ms: AtomicU64::new(0),
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

    pub(crate) fn is_held(&self) -> bool {
        Instant::now() < self.end()
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
}
