//! Time and timers, by a runtime of any kind.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use bilibili_session::Now;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::Runtime;

/// Clock and timers of a runtime. What runs behind a session holds this in place of the type, so
/// that it is compiled once, for all runtimes.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    now: fn() -> Now,
    sleep: fn(Duration) -> BoxFuture<'static, ()>,
}

impl Clock {
    pub(crate) fn of<R: Runtime>() -> Self {
        Self {
            now: R::now,
            sleep: |span| R::sleep(span).boxed(),
        }
    }

    pub(crate) fn now(self) -> Now {
        (self.now)()
    }

    pub(crate) fn sleep(self, span: Duration) -> BoxFuture<'static, ()> {
        (self.sleep)(span)
    }
}

/// Returns the time of the system's clocks: the monotonic one counts from its first reading in this process.
pub(crate) fn system_time() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Now {
        monotonic: START.elapsed(),
        wall: SystemTime::now().into(),
    }
}
