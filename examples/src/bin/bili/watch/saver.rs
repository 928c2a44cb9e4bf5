//! Writes checkpoints on a thread of its own: always the newest, as fast as the disk allows.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use bilibili_session::poller::Checkpoint;

use super::checkpoint_file::CheckpointFile;
use super::stop::Stop;
use crate::failure::Failure;

/// So many lines may have been printed that no checkpoint on disk covers: what comes again
/// after a crash is no more than that, however slow the disk is.
const MOST_AHEAD: u64 = 200;

/// Writes the newest checkpoint that it was offered.
pub(super) struct Saver {
    desk: Arc<Desk>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// A newer one takes the place of one that was not written yet.
    offered: Option<Checkpoint>,
    is_writing: bool,
    /// How many lines the one covers that was offered last, that was taken last, that is on disk.
    offered_lines: u64,
    taken_lines: u64,
    written_lines: u64,
    /// Nothing more will be offered.
    is_last: bool,
    /// In words; nothing is written after a failure.
    failed: Option<String>,
}

impl State {
    fn room(&self) -> u64 {
        MOST_AHEAD.saturating_sub(self.offered_lines - self.written_lines)
    }
}

impl Saver {
    /// Ends the watch if a checkpoint cannot be written.
    pub(super) fn start(file: CheckpointFile, stop: Stop) -> Result<Self, Failure> {
        let desk = Arc::new(Desk::default());
        let thread = {
            let desk = Arc::clone(&desk);
            thread::Builder::new()
                .name("checkpoint".to_owned())
                .spawn(move || {
                    while let Some(checkpoint) = desk.take() {
                        let written = file.replace(&checkpoint);
                        if written.is_err() {
                            stop.trigger();
                        }
                        desk.put_back(written);
                    }
                })
                .map_err(Failure::Output)?
        };
        Ok(Self { desk, thread })
    }

    /// Everything that it covers was printed and flushed: so many lines more than the last one
    /// covered. Waits when the disk is too far behind.
    pub(super) fn offer(&self, checkpoint: Checkpoint, lines: u64) {
        let mut state = self.desk.lock();
        state.offered = Some(checkpoint);
        state.offered_lines += lines;
        self.desk.changed.notify_all();
        while state.failed.is_none() && state.room() == 0 {
            state = self.desk.wait(state);
        }
    }

    /// So many lines may be printed before the next checkpoint is offered.
    pub(super) fn room(&self) -> u64 {
        self.desk.lock().room()
    }

    /// Waits until the last one that was offered is on disk.
    pub(super) fn wait(&self) -> Result<(), Failure> {
        let mut state = self.desk.lock();
        while state.failed.is_none() && (state.is_writing || state.offered.is_some()) {
            state = self.desk.wait(state);
        }
        match &state.failed {
            None => Ok(()),
            Some(words) => Err(Failure::File(words.clone())),
        }
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let saved = self.wait();
        self.desk.lock().is_last = true;
        self.desk.changed.notify_all();
        // It does not panic, and if it did, what it had to do is done.
        let _ = self.thread.join();
        saved
    }
}

impl Desk {
    /// The next to be written; `None` when there will be none.
    fn take(&self) -> Option<Checkpoint> {
        let mut state = self.lock();
        loop {
            if state.failed.is_some() {
                return None;
            }
            if let Some(checkpoint) = state.offered.take() {
                state.is_writing = true;
                state.taken_lines = state.offered_lines;
                return Some(checkpoint);
            }
            if state.is_last {
                return None;
            }
            state = self.wait(state);
        }
    }

    fn put_back(&self, written: Result<(), Failure>) {
        let mut state = self.lock();
        state.is_writing = false;
        if written.is_ok() {
            state.written_lines = state.taken_lines;
        }
        state.failed = written.err().map(|failure| failure.to_string());
        drop(state);
        self.changed.notify_all();
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
