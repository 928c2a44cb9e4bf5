//! async-std as the runtime of a session.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_std::{fs, task};
use bilibili_session::Now;
use bilibili_session_async::{Runtime, Spawn};

/// async-std: the runtime that the names of this crate stand for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AsyncStd;

impl Runtime for AsyncStd {
    fn sleep(span: Duration) -> impl Future<Output = ()> + Send + 'static {
        task::sleep(span)
    }

    async fn write_file(path: PathBuf, bytes: Vec<u8>) -> io::Result<()> {
        fs::write(path, bytes).await
    }
}

impl Spawn for AsyncStd {
    fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        drop(task::spawn(task));
    }
}

#[cfg(feature = "push")]
impl bilibili_session_async::PushRuntime for AsyncStd {
    type Connector = crate::push::Connector;
}

/// Returns the time now: the monotonic clock counts from its first reading in this process.
pub fn now() -> Now {
    AsyncStd::now()
}
