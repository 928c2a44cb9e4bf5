//! Waits of a handler for its own session, which are refused.
//!
//! A handler that waits for the next item or the end of its own session waits for itself: both
//! come only after that handler has returned.

use std::thread::ThreadId;

use crate::error::Error;

/// The handlers of one session that run at this moment, each with its thread.
#[derive(Debug, Default)]
pub(super) struct RunningHandlers(Vec<RunningHandler>);

#[derive(Debug)]
struct RunningHandler {
    thread: ThreadId,
    has_waited: bool,
}

impl RunningHandlers {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn begin(&mut self, thread: ThreadId) {
        let has_waited = false;
        self.0.push(RunningHandler { thread, has_waited });
    }

    /// Returns whether the handler on this thread has tried to wait for its session.
    pub(super) fn end(&mut self, thread: ThreadId) -> bool {
        let position = self.0.iter().rposition(|it| it.thread == thread);
        position.is_some_and(|position| self.0.remove(position).has_waited)
    }

    pub(super) fn check_wait(&mut self, thread: ThreadId) -> Result<(), Error> {
        match self.0.iter_mut().rfind(|it| it.thread == thread) {
            Some(running) => {
                running.has_waited = true;
                Err(Error::WithinHandler)
            }
            None => Ok(()),
        }
    }
}
