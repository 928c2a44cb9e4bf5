//! The stream of a connection, which is read when that is worth while.
//!
//! hyper reads whenever it is polled: before it writes, after it wrote, and after a whole answer. Mostly there is nothing,
//! and each time the system is asked in vain and the socket is watched once more. So whoever waits for an answer says when
//! to read.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_std::io::{Read, Write};

use crate::connect::Stream;

/// Reads in a row that did not have to wait, before others have their turn. An answer can go on for ever, and its time is
/// looked at in between only.
const IN_A_ROW: u8 = 32;

/// Switch that says whether it is worth while to read a stream; shared with that stream.
#[derive(Debug, Clone)]
pub(super) struct Reading(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There may be something.
    Open,
    /// All that there was has been read. Nobody is woken when more comes.
    Drained,
    /// There was nothing, and the task that asked is woken when something comes.
    Awaited,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State::Drained)))
    }

    /// Lets the stream be read, until there is nothing left.
    pub(super) fn open(&self) {
        self.set(State::Open);
    }

    /// Lets the stream rest: another task than the one that read last would not be woken.
    pub(super) fn rest(&self) {
        self.set(State::Drained);
    }

    /// Returns whether nobody is woken when more comes.
    pub(super) fn is_drained(&self) -> bool {
        self.state() == State::Drained
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// A stream that is read while its reading is open, and lets others have their turn.
pub(super) struct Sparing {
    stream: Box<dyn Stream>,
    reading: Reading,
    in_a_row: u8,
}

impl Sparing {
    pub(super) fn new(stream: Box<dyn Stream>, reading: Reading) -> Self {
        Self {
            stream,
            reading,
            in_a_row: 0,
        }
    }
}

impl Read for Sparing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.reading.state() != State::Open {
            return Poll::Pending;
        }
        if self.in_a_row == IN_A_ROW {
            self.in_a_row = 0;
            self.reading.set(State::Awaited);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &read {
            Poll::Ready(outcome) => {
                self.in_a_row += 1;
                if matches!(outcome, Ok(length) if (1..buffer.len()).contains(length)) {
                    self.reading.set(State::Drained);
                }
            }
            Poll::Pending => {
                self.in_a_row = 0;
                self.reading.set(State::Awaited);
            }
        }
        read
    }
}

impl Write for Sparing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
}
