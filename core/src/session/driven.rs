//! A session whose time is in somebody else's hands.

use std::ops::{Deref, DerefMut};

use super::{Machine, Turn, Update};
use crate::time::Now;

/// A session with its handlers, driven from outside: time and requests belong to the driver.
///
/// Tests in virtual time drive a session this way. The sessions of the runtimes come in this
/// form from `Session::by_hand`; a runtime of your own implements the trait around its
/// [`Machine`] to be tested in the same way. A bare machine is a session without handlers.
pub trait Driven {
    /// Returns the next thing to do at `now`, like [`Machine::poll`].
    ///
    /// Handlers are called in here, `handled` first with each update that they are called for.
    /// Calls that they make are made at `now`. [`Turn::Handle`] comes only from a session
    /// without handlers: the driver [hands the update out](Machine::hand_out).
    fn turn(&mut self, now: Now, handled: &mut dyn FnMut(&Update)) -> Turn;

    /// Returns the machine, to read from.
    fn machine(&self) -> impl Deref<Target = Machine>;

    /// Returns the machine, to give answers to or to close.
    fn machine_mut(&mut self) -> impl DerefMut<Target = Machine>;
}

impl Driven for Machine {
    fn turn(&mut self, now: Now, _: &mut dyn FnMut(&Update)) -> Turn {
        self.poll(now)
    }

    fn machine(&self) -> impl Deref<Target = Machine> {
        self
    }

    fn machine_mut(&mut self) -> impl DerefMut<Target = Machine> {
        self
    }
}
