//! A session on a thread of its own.

use std::fmt;
use std::sync::Weak;
use std::thread::JoinHandle;

use bilibili_session::Error;

use crate::engine::Engine;

/// A session that runs on a thread of its own. Dropping this handle changes nothing: the session
/// runs until it is [closed](crate::Session::close).
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

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}
