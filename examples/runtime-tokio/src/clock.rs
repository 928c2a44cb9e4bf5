//! The clocks that the core is driven by.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use bilibili_session::Now;

/// Returns the time now: the monotonic clock, which is tokio's, counts from its first reading in this process.
///
/// Where a test has [paused] tokio's clock, the date stands still and moves with it.
///
/// [paused]: https://docs.rs/tokio/latest/tokio/time/fn.pause.html
pub fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // First: no time is before it.
    let start = *START;
    let now = tokio::time::Instant::now().into_std();
    let clock = Instant::now();
    let ahead = now.saturating_duration_since(clock);
    let behind = clock.saturating_duration_since(now);
    Now {
        monotonic: now.saturating_duration_since(start),
        wall: (SystemTime::now() + ahead - behind).into(),
    }
}
