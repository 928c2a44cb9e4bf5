//! On tokio, whose tasks go from thread to thread.

use bilibili_session_tokio::{Client, Session, Transport, Update};
use futures_util::FutureExt;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::runtime::tokio_block_on as block_on;

#[path = "dropped.rs"]
mod dropped;
#[path = "keys.rs"]
mod keys;
#[path = "sessions.rs"]
mod sessions;
#[path = "streams.rs"]
mod streams;

/// A task, which goes on also when nobody waits for its end.
fn spawn<F>(future: F) -> impl Future<Output = F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future).map(Result::unwrap)
}
