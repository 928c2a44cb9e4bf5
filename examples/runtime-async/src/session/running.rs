//! A session as a task of its own.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::thread;

use bilibili_session::Error;
use futures_channel::oneshot::{self, Receiver};
use futures_util::FutureExt;

use super::Session;
use crate::Spawn;
use crate::engine::Engine;

/// A session that runs as a task of its own: a future of its result. Dropping this handle changes
/// nothing: the session runs until it is [closed](crate::Session::close), or the runtime is shut
/// down, which counts as asked for.
#[derive(Debug)]
pub struct Running {
    end: Receiver<thread::Result<Result<(), Error>>>,
    engine: Weak<Engine>,
}

impl Running {
    pub(super) fn spawn<R: Spawn>(session: Session<R>) -> Self {
        let engine = Arc::downgrade(&session.shared.engine);
        let (sender, end) = oneshot::channel();
        // The session is in it, and gone at its end.
        let run = AssertUnwindSafe(async move { session.start().await }).catch_unwind();
        R::spawn(async move {
            // Fails when nobody waits for it.
            let _ = sender.send(run.await);
        });
        Self { end, engine }
    }
}

impl Future for Running {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(engine) = self.engine.upgrade() {
            engine.check_wait()?;
        }
        match ready!(self.end.poll_unpin(cx)) {
            Ok(Ok(result)) => Poll::Ready(result),
            Ok(Err(panic)) => resume_unwind(panic),
            // The runtime was shut down: nobody wants it to go on.
            Err(_) => Poll::Ready(Ok(())),
        }
    }
}
