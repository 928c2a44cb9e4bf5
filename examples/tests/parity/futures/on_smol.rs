//! On smol, which no crate of this workspace is for: a type stands for it, as the documentation of `Runtime` says.

use std::time::Duration;

use bilibili_session_async::{Runtime, Spawn, Transport, Update};
use futures_util::FutureExt;
use smol::future::{or, yield_now};
use smol::{Timer, block_on, channel};

#[path = "dropped.rs"]
mod dropped;
#[path = "keys.rs"]
mod keys;
#[path = "sessions.rs"]
mod sessions;
#[path = "streams.rs"]
mod streams;

#[derive(Debug, Clone)]
struct Smol;

type Session = bilibili_session_async::Session<Smol>;
type Client = bilibili_session_async::Client<Smol>;

impl Runtime for Smol {
    async fn sleep(span: Duration) {
        Timer::after(span).await;
    }
}

impl Spawn for Smol {
    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        smol::spawn(task).detach();
    }
}

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
