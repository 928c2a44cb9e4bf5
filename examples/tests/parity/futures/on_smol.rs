//! On smol, which no crate of this workspace is for: the embedding's type stands for it.

use std::time::Duration;

use bilibili_session_async::{Runtime, Spawn, Transport, Update};
use futures_util::FutureExt;
use runtime::{Session, Smol};
use smol::future::{or, yield_now};
use smol::{block_on, channel};

#[path = "dropped.rs"]
mod dropped;
#[path = "keys.rs"]
mod keys;
#[path = "sessions.rs"]
mod sessions;
#[path = "streams.rs"]
mod streams;

/// The same file that programs copy.
#[allow(unreachable_pub, reason = "a part of a program")]
#[path = "../../../embeddings/src/bin/smol/runtime.rs"]
mod runtime;

type Client = bilibili_session_async::Client<Smol>;

async fn sleep(span: Duration) {
    Smol::sleep(span).await;
}

async fn timeout<F: Future>(span: Duration, future: F) -> Result<F::Output, ()> {
    or(future.map(Ok), sleep(span).map(Err)).await
}

/// A task, which goes on also when nobody waits for its end.
fn spawn<F>(future: F) -> impl Future<Output = F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (sender, end) = channel::bounded(1);
    Smol::spawn(async move {
        let _ = sender.send(future.await).await;
    });
    async move { end.recv().await.unwrap() }
}
