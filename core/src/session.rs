//! What the sessions of every runtime have in common.
//!
//! A session is a runtime's own: it drives a [`Poller`](crate::poller::Poller), hands out
//! what comes of it, and calls handlers. The types that it speaks in are the same everywhere.

use std::any::Any;
use std::fmt::Display;

use crate::error::{TransportError, TransportErrorKind};
use crate::event::Event;
use crate::poller::{Notice, StatusChange};

/// What a session has to tell.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum Update {
    /// A message arrived.
    Event(Event),
    /// Something went wrong and was dealt with.
    Notice(Notice),
    /// The state changed.
    Status(StatusChange),
}

/// What a handler may return: nothing, or a `Result` whose error is reported as a notice.
pub trait Outcome {
    /// Nothing, or the error in words.
    ///
    /// # Errors
    /// Fails when the handler did.
    fn into_result(self) -> Result<(), String>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<T, E: Display> Outcome for Result<T, E> {
    fn into_result(self) -> Result<(), String> {
        self.map(drop).map_err(|error| error.to_string())
    }
}

/// How a handler failed that panicked, in the panic's words.
pub fn handler_panicked(payload: &(dyn Any + Send)) -> String {
    let words = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    format!("it panicked: {words}")
}

/// How an exchange failed whose transport panicked. The words of the panic may quote the
/// request, so they are not repeated.
pub fn transport_panicked() -> TransportError {
    TransportError::new(TransportErrorKind::Other, "the transport panicked")
}
