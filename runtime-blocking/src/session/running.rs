//! A session on a thread of its own.

use std::sync::Weak;
use std::thread::JoinHandle;

use bilibili_session::Error;

use crate::engine::Engine;

/// A session that runs on a thread of its own. Dropping this handle changes nothing: the session
/// runs until it is [closed](crate::Session::close).
#[derive(Debug)]
pub struct Running {
    pub(super) thread: JoinHandle<Result<(), Error>>,
    pub(super) engine: Weak<Engine>,
}

impl Running {
    /// Waits until the session is closed.
    ///
    /// # Errors
    /// Fails like [`start`](crate::Session::start).
    pub fn join(self) -> Result<(), Error> {
        if let Some(engine) = self.engine.upgrade() {
            engine.check_wait()?;
        }
        self.thread
            .join()
            .unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    }
}
