//! Threads that send requests, kept from one request to the next.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use bilibili_session::poller::RequestId;
use http::Request;

use super::{Input, lock};
use crate::transport::{Transport, send_caught};

/// Threads that send one request after the other.
///
/// One is started when all others have something to do, so there are as many as there were
/// requests side by side at the most. They end with this value; one whose request hangs ends
/// after that, and nobody waits for it.
pub(super) struct Workers(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    outbox: Sender<Input>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Threads that have nothing to do.
    idle: usize,
    is_over: bool,
}

type Job = (RequestId, Request<Vec<u8>>, Arc<dyn Transport>);

impl Workers {
    /// Creates workers that put the answers here.
    pub(super) fn new(outbox: Sender<Input>) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            outbox,
        }))
    }

    /// Sends this on a thread that has nothing else to do.
    ///
    /// # Errors
    /// Fails when there is none, and the system starts no more threads.
    pub(super) fn send(&self, job: Job) -> io::Result<()> {
        let mut state = lock(&self.0.state);
        if state.idle <= state.jobs.len() {
            let shared = Arc::clone(&self.0);
            thread::Builder::new()
                .name(String::from("bilibili-session-http"))
                .spawn(move || shared.work())?;
            // Counted before it runs: the next job is not for this thread.
            state.idle += 1;
        }
        state.jobs.push_back(job);
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
            if let Some((id, request, transport)) = state.jobs.pop_front() {
                state.idle -= 1;
                drop(state);
                let answer = send_caught(&*transport, request);
                drop(transport);
                // First: the answer may bring the next job, which needs no other thread.
                lock(&self.state).idle += 1;
                // Fails when the session is gone.
                let _ = self.outbox.send(Input::Answer(id, answer));
                state = lock(&self.state);
            } else {
                let waited = self.changed.wait(state);
                state = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
