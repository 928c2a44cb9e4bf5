//! On tokio, with all tasks on the thread of the test.

use bilibili_session_tokio::{Client, Session, Transport, Update};
use futures_util::FutureExt;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

#[path = "dropped.rs"]
mod dropped;
#[path = "keys.rs"]
mod keys;
#[path = "sessions.rs"]
mod sessions;
#[path = "streams.rs"]
mod streams;

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

/// A task, which goes on also when nobody waits for its end.
fn spawn<F>(future: F) -> impl Future<Output = F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future).map(Result::unwrap)
}
