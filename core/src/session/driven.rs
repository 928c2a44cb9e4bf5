//! A session that is driven from outside, in somebody else's time.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use super::{Output, SessionMachine, Update};
use crate::time::Now;

/// Function of a driver that lets time pass until this monotonic reading, and returns the time
/// then.
pub type Sleep = Arc<dyn Fn(Duration) -> Now + Send + Sync>;

/// A session with its handlers, driven from outside: time and requests belong to the driver.
///
/// Tests in virtual time drive a session in this way. The sessions of the runtimes come in this
/// form from `Session::by_hand`; a runtime of your own implements the trait around its
/// [`SessionMachine`] to be tested in the same way. A bare machine is a session without handlers.
pub trait Driven {
    /// Returns the next thing to do at `now`, like [`SessionMachine::poll_output`].
    ///
    /// This method calls the handlers, and calls `handled` first with each update that they are
    /// called for. Calls that the handlers make are made at `now`. [`Output::Handle`] comes only
    /// from a session without handlers: the driver
    /// [delivers the update](SessionMachine::deliver).
    fn poll_output(&mut self, now: Now, handled: &mut dyn FnMut(&Update)) -> Output;

    /// Sets the function by which time passes where a handler waits in the middle: until the next
    /// message may be sent, say. A session without handlers needs none.
    fn set_sleep(&mut self, sleep: Sleep) {
        drop(sleep);
    }

    /// Returns the machine, for reading.
    fn machine(&self) -> impl Deref<Target = SessionMachine>;

    /// Returns the machine, for passing answers in or closing it.
    fn machine_mut(&mut self) -> impl DerefMut<Target = SessionMachine>;
}

impl Driven for SessionMachine {
    fn poll_output(&mut self, now: Now, _: &mut dyn FnMut(&Update)) -> Output {
        Self::poll_output(self, now)
    }

    fn machine(&self) -> impl Deref<Target = SessionMachine> {
        self
    }

    fn machine_mut(&mut self) -> impl DerefMut<Target = SessionMachine> {
        self
    }
}
