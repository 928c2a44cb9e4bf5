//! A session as a task of its own.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll, ready};

use bilibili_session::Error;
use futures_util::FutureExt;
use tokio::task::JoinHandle;

use crate::engine::Engine;

/// A session that runs as a task of its own: a future of its result. Dropping this handle changes
/// nothing: the session runs until it is [closed](crate::Session::close), or the runtime is shut
/// down, which counts as asked for.
#[derive(Debug)]
pub struct Running {
    pub(super) task: JoinHandle<Result<(), Error>>,
    pub(super) engine: Weak<Engine>,
}

impl Future for Running {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(engine) = self.engine.upgrade() {
            engine.check_wait()?;
        }
        match ready!(self.task.poll_unpin(cx)) {
            Ok(result) => Poll::Ready(result),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime was shut down: nobody wants it to go on.
                Err(_) => Poll::Ready(Ok(())),
            },
        }
    }
}
