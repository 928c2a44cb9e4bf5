//! tokio as the runtime of a session.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use bilibili_session::Now;
use bilibili_session_async::{Runtime, Spawn};
use tokio::task::coop::poll_proceed;
use tokio::{fs, time};

/// tokio: the runtime that the names of this crate stand for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tokio;

impl Runtime for Tokio {
    fn sleep(span: Duration) -> impl Future<Output = ()> + Send + 'static {
        time::sleep(span)
    }

    fn now() -> Now {
        now()
    }

    /// Polls within tokio's budget: where there is always more, the other tasks of the thread have their turn as well.
    fn poll_turn<T>(
        cx: &mut Context<'_>,
        step: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let turn = ready!(poll_proceed(cx));
        let next = step(cx);
        if next.is_ready() {
            turn.made_progress();
        }
        next
    }

    async fn write_file(path: PathBuf, bytes: Vec<u8>) -> io::Result<()> {
        fs::write(path, bytes).await
    }
}

impl Spawn for Tokio {
    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        drop(tokio::spawn(task));
    }
}

#[cfg(feature = "push")]
impl bilibili_session_async::PushRuntime for Tokio {
    type Connector = crate::push::Connector;
}

/// Returns the time now: the monotonic clock, which is tokio's, counts from its first reading in this process.
///
/// The date stands still where a test has [paused] tokio's clock, and moves with it.
///
/// [paused]: https://docs.rs/tokio/latest/tokio/time/fn.pause.html
pub fn now() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // First: no time is before it.
    let start = *START;
    let now = time::Instant::now().into_std();
    let clock = Instant::now();
    let ahead = now.saturating_duration_since(clock);
    let behind = clock.saturating_duration_since(now);
    Now {
        monotonic: now.saturating_duration_since(start),
        wall: (SystemTime::now() + ahead - behind).into(),
    }
}
