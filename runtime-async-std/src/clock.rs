//! The clocks that the core is driven by.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bilibili_session::{Now, UnixMicros};

/// What the clocks show: the monotonic one counts from its first reading in this process.
pub fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => UnixMicros(0).plus(since),
        Err(before) => UnixMicros(0).minus(before.duration()),
    };
    Now {
        monotonic: START.elapsed(),
        wall,
    }
}
