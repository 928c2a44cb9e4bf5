//! The clocks that the core is driven by.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use bilibili_session::Now;

/// Returns the time now: the monotonic clock counts from its first reading in this process.
pub fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Now {
        monotonic: START.elapsed(),
        wall: SystemTime::now().into(),
    }
}
