//! Writes the checkpoint on a thread of its own: all that there is, as fast as the disk allows.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use bilibili_session::poller::{Journal, JournalEntry};

use super::checkpoint_file::CheckpointFile;
use super::stop::Stop;
use crate::failure::Failure;
use crate::texts::text;

/// So many lines may have been printed that the checkpoint on disk does not cover: what comes
/// again after a crash is no more than that, however slow the disk is.
const MOST_AHEAD: u64 = 200;

/// Keeps the checkpoint on disk up to date with what it is offered.
pub(super) struct Saver {
    journal: Journal,
    desk: Arc<Desk>,
    thread: JoinHandle<Result<(), Failure>>,
}

#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// All that was not written yet, in one entry.
    offered: Option<JournalEntry>,
    is_writing: bool,
    /// Number of lines up to the entry that was offered last, that was taken last, that is on
    /// disk.
    offered_lines: u64,
    taken_lines: u64,
    written_lines: u64,
    /// Nothing more will be offered.
    is_last: bool,
    /// Nothing is written after a failure.
    has_failed: bool,
}

impl State {
    fn room(&self) -> u64 {
        MOST_AHEAD.saturating_sub(self.offered_lines - self.written_lines)
    }
}

impl Saver {
    /// Ends the watch if the checkpoint cannot be written.
    pub(super) fn start(mut file: CheckpointFile, stop: Stop) -> Result<Self, Failure> {
        let desk = Arc::new(Desk::default());
        let thread = {
            let desk = Arc::clone(&desk);
            thread::Builder::new()
                .name("checkpoint".to_owned())
                .spawn(move || {
                    while let Some(entry) = desk.take() {
                        let written = file.write(entry);
                        desk.put_back(written.is_ok());
                        if written.is_err() {
                            stop.trigger();
                            return written;
                        }
                    }
                    file.finish()
                })
                .map_err(Failure::Output)?
        };
        Ok(Self {
            journal: Journal::new(),
            desk,
            thread,
        })
    }

    /// Takes an entry. Everything that it covers was printed and flushed: so many lines more than
    /// the last one covered. Waits when the disk is too far behind.
    pub(super) fn offer(
        &mut self,
        lines: u64,
        entry: impl FnOnce(&mut Journal) -> Option<JournalEntry>,
    ) {
        let Some(entry) = entry(&mut self.journal) else {
            return;
        };
        let mut state = self.desk.lock();
        state.offered = Some(match state.offered.take() {
            Some(earlier) => both(earlier, entry),
            None => entry,
        });
        state.offered_lines += lines;
        self.desk.changed.notify_all();
        while !state.has_failed && state.room() == 0 {
            state = self.desk.wait(state);
        }
    }

    /// So many lines may be printed before the next entry is offered.
    pub(super) fn room(&self) -> u64 {
        self.desk.lock().room()
    }

    /// Waits until all that was offered is on disk; `false` if it cannot be.
    pub(super) fn is_saved(&self) -> bool {
        let mut state = self.desk.lock();
        while !state.has_failed && (state.is_writing || state.offered.is_some()) {
            state = self.desk.wait(state);
        }
        !state.has_failed
    }

    /// Writes what is left, and the whole as one snapshot.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.desk.lock().is_last = true;
        self.desk.changed.notify_all();
        let panicked = || io::Error::other(text!("checkpoint-panicked"));
        let written = self.thread.join();
        written.unwrap_or_else(|_| Err(Failure::Output(panicked())))
    }
}

impl Desk {
    /// The next to be written; `None` when there will be none.
    fn take(&self) -> Option<JournalEntry> {
        let mut state = self.lock();
        loop {
            if let Some(entry) = state.offered.take() {
                state.is_writing = true;
                state.taken_lines = state.offered_lines;
                return Some(entry);
            }
            if state.is_last {
                return None;
            }
            state = self.wait(state);
        }
    }

    fn put_back(&self, is_written: bool) {
        let mut state = self.lock();
        state.is_writing = false;
        if is_written {
            state.written_lines = state.taken_lines;
        }
        state.has_failed = !is_written;
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

/// The entry that does what these two do, one after the other.
fn both(earlier: JournalEntry, later: JournalEntry) -> JournalEntry {
    match (earlier, later) {
        (_, later @ JournalEntry::Replace(_)) => later,
        (JournalEntry::Replace(text), JournalEntry::Append(more)) => {
            JournalEntry::Replace(text + &more)
        }
        (JournalEntry::Append(text), JournalEntry::Append(more)) => {
            JournalEntry::Append(text + &more)
        }
    }
}
