//! Limits the time of exchanges, with one timer for all of them.
//!
//! A timer of async-std is dear to set: it wakes the thread that waits for sockets, and most exchanges are over long before
//! theirs would run out. So all of a transport share one, which is set when none is, for the end of the exchange that began
//! first.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_std::task;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either, Shared, select};

/// The timer that exchanges have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deadlines(Arc<Mutex<Option<Timer>>>);

/// The time that it ends at, and a wait until then.
type Timer = (Instant, Shared<BoxFuture<'static, ()>>);

impl Deadlines {
    /// Waits for a future for so long; `None` when it was not ready by then.
    pub(crate) async fn limit<T>(
        &self,
        span: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        // Farther away than any clock goes, there is nothing to watch.
        let Some(deadline) = Instant::now().checked_add(span) else {
            return Some(future.await);
        };
        let mut future = pin!(future);
        while let Some(timer) = self.timer_before(deadline) {
            if let Either::Left((output, _)) = select(future.as_mut(), timer).await {
                return Some(output);
            }
        }
        None
    }

    /// Returns a timer that ends at this time at the latest; `None` once it is over.
    fn timer_before(&self, deadline: Instant) -> Option<Shared<BoxFuture<'static, ()>>> {
        let now = Instant::now();
        if now >= deadline {
            return None;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((end, timer)) = &*kept
            && (now..=deadline).contains(end)
        {
            return Some(timer.clone());
        }
        let timer = task::sleep(deadline.duration_since(now)).boxed().shared();
        *kept = Some((deadline, timer.clone()));
        Some(timer)
    }
}
