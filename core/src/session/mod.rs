//! The parts that the sessions of every runtime have in common.
//!
//! Each runtime has a session of its own, which sends, waits and calls handlers. The
//! [`SessionMachine`] in it decides which request to send, until when to wait and for which
//! update to call the handlers.

mod driven;
mod handler_queue;
mod handlers;
mod machine;
mod running_handlers;

pub use driven::{Driven, Sleep};
pub use handlers::{HandlerId, HandlerList, HandlerResult, IntoHandlerResult, handler_failure};
pub use machine::{Dispatch, Output, SessionMachine};

use std::sync::Arc;

use crate::error::{TransportError, TransportErrorKind};
use crate::event::Event;
use crate::feeds::FeedEvent;
use crate::poller::{StatusChange, Warning};

/// One report of a session. Clones share the value inside.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever takes updates takes each of these"
)]
pub enum Update {
    /// A message arrived.
    Event(Arc<Event>),
    /// A notification arrived.
    Feed(Arc<FeedEvent>),
    /// Something went wrong and was dealt with.
    Warning(Arc<Warning>),
    /// The status changed.
    Status(Arc<StatusChange>),
}

impl Update {
    /// Returns the message, if the update is one.
    pub const fn event(&self) -> Option<&Arc<Event>> {
        match self {
            Self::Event(event) => Some(event),
            _ => None,
        }
    }

    /// Returns the notification, if the update is one.
    pub const fn feed_event(&self) -> Option<&Arc<FeedEvent>> {
        match self {
            Self::Feed(event) => Some(event),
            _ => None,
        }
    }

    /// Returns the warning, if the update is one.
    pub const fn warning(&self) -> Option<&Arc<Warning>> {
        match self {
            Self::Warning(warning) => Some(warning),
            _ => None,
        }
    }

    /// Returns the change of the status, if the update is one.
    pub const fn status(&self) -> Option<&Arc<StatusChange>> {
        match self {
            Self::Status(change) => Some(change),
            _ => None,
        }
    }
}

impl From<Arc<Event>> for Update {
    fn from(event: Arc<Event>) -> Self {
        Self::Event(event)
    }
}

impl From<Arc<FeedEvent>> for Update {
    fn from(event: Arc<FeedEvent>) -> Self {
        Self::Feed(event)
    }
}

impl From<Warning> for Update {
    fn from(warning: Warning) -> Self {
        Self::Warning(Arc::new(warning))
    }
}

impl From<StatusChange> for Update {
    fn from(change: StatusChange) -> Self {
        Self::Status(Arc::new(change))
    }
}

/// A message or a notification.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever takes events takes each of these"
)]
#[allow(
    clippy::large_enum_variant,
    reason = "one is taken at a time, and most are messages"
)]
pub enum AnyEvent {
    /// A message arrived.
    Message(Event),
    /// A notification arrived.
    Feed(FeedEvent),
}

impl Update {
    /// Returns the message or the notification, if the update is one.
    pub fn into_any_event(self) -> Option<AnyEvent> {
        match self {
            Self::Event(event) => Some(AnyEvent::Message(Arc::unwrap_or_clone(event))),
            Self::Feed(event) => Some(AnyEvent::Feed(Arc::unwrap_or_clone(event))),
            Self::Warning(_) | Self::Status(_) => None,
        }
    }
}

/// Returns the error of an exchange whose transport panicked. The words of the panic may quote
/// the request, so they are not repeated.
pub fn transport_panicked() -> TransportError {
    TransportError::new(TransportErrorKind::Other, "the transport panicked")
}
