//! Threads that send requests, kept from one request to the next.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crate::engine::lock;

/// Threads that do one job after the other.
///
/// One is started when all others have something to do, so there are as many as there were jobs
/// side by side at the most. They end with this value; one that hangs in a job then does that
/// job to its end, and nobody waits for it.
#[derive(Default)]
pub(super) struct Workers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Threads that wait for a job.
    idle: usize,
    is_over: bool,
}

/// Work that does not panic.
type Job = Box<dyn FnOnce() + Send>;

impl Workers {
    /// Does this on a thread that has nothing else to do.
    ///
    /// # Errors
    /// Fails when there is none, and the system starts no more threads.
    pub(super) fn spawn(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = lock(&self.0.state);
        if state.idle <= state.jobs.len() {
            let shared = Arc::clone(&self.0);
            thread::Builder::new()
                .name(String::from("bilibili-session-http"))
                .spawn(move || shared.work())?;
            // Counted before it runs: the next job is not for this thread.
            state.idle += 1;
        }
        state.jobs.push_back(Box::new(job));
        drop(state);
        self.0.changed.notify_one();
        Ok(())
    }

    /// Ends the threads; those that have a job after that one.
    pub(super) fn end(&self) {
        let mut state = lock(&self.0.state);
        state.is_over = true;
        // What they hold is dropped without the lock.
        let _left = std::mem::take(&mut state.jobs);
        drop(state);
        self.0.changed.notify_all();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn work(&self) {
        let mut state = lock(&self.state);
        while !state.is_over {
            if let Some(job) = state.jobs.pop_front() {
                state.idle -= 1;
                drop(state);
                job();
                state = lock(&self.state);
                state.idle += 1;
            } else {
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
