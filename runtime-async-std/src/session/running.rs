//! A session as a task of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll};

use async_std::task::JoinHandle;
use bilibili_session::Error;
use futures_util::FutureExt;

use crate::engine::Engine;

/// A session that runs as a task of its own: a future of its result. Dropping this handle changes
/// nothing: the session runs until it is [closed](crate::Session::close).
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
        self.task.poll_unpin(cx)
    }
}
