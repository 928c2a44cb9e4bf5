//! What the sessions of every runtime have in common.
//!
//! A session is a runtime's own: it sends, waits and calls handlers. What to send, how long
//! to wait and whose handlers are called when is decided by its [`SessionMachine`].

mod handler_queue;
mod machine;

pub use machine::{Dispatch, Output, SessionMachine};

use std::any::Any;
use std::fmt::Display;
use std::sync::Arc;

use crate::error::{TransportError, TransportErrorKind};
use crate::event::Event;
use crate::poller::{Notice, StatusChange};

/// What a session has to tell. Clones share what is in it.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// A message arrived.
    Event(Arc<Event>),
    /// Something went wrong and was dealt with.
    Notice(Arc<Notice>),
    /// The state changed.
    Status(Arc<StatusChange>),
}

impl Update {
    /// The message, if it is one.
    pub const fn event(&self) -> Option<&Arc<Event>> {
        match self {
            Self::Event(event) => Some(event),
            _ => None,
        }
    }

    /// What went wrong, if something did.
    pub const fn notice(&self) -> Option<&Arc<Notice>> {
        match self {
            Self::Notice(notice) => Some(notice),
            _ => None,
        }
    }

    /// The new state, if it is one.
    pub const fn status(&self) -> Option<&Arc<StatusChange>> {
        match self {
            Self::Status(change) => Some(change),
            _ => None,
        }
    }
}

impl From<Event> for Update {
    fn from(event: Event) -> Self {
        Self::Event(Arc::new(event))
    }
}

impl From<Notice> for Update {
    fn from(notice: Notice) -> Self {
        Self::Notice(Arc::new(notice))
    }
}

impl From<StatusChange> for Update {
    fn from(change: StatusChange) -> Self {
        Self::Status(Arc::new(change))
    }
}

/// What a handler may return: nothing, or a `Result` whose error is reported as a notice.
pub trait IntoHandlerResult {
    /// Nothing, or the error in words.
    ///
    /// # Errors
    /// Fails when the handler did.
    fn into_result(self) -> Result<(), String>;
}

impl IntoHandlerResult for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<T, E: Display> IntoHandlerResult for Result<T, E> {
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
