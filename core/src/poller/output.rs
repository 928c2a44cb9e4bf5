//! The things that the driver of a poller is to do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Request;

use super::status::StatusChange;
use super::warning::Warning;
use crate::error::Error;
use crate::event::Event;
use crate::feeds::FeedEvent;

/// The next thing to do.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver does each of these")]
#[must_use]
pub enum Output {
    /// Send this request; its answer goes to `handle_response`.
    Send(Outgoing),
    /// A message arrived. The event counts as delivered from now on.
    Event(Arc<Event>),
    /// A notification arrived. The event counts as delivered from now on.
    Feed(Arc<FeedEvent>),
    /// Something went wrong and was dealt with.
    Warning(Warning),
    /// The status changed.
    Status(StatusChange),
    /// Nothing is to be done until this monotonic reading, or until an answer comes, or until the
    /// poller is to be closed.
    Wait(Duration),
    /// The poller has ended: as asked (`Ok`), or because going on makes no sense.
    Finished(Result<(), Error>),
}

/// Identity of a request of a poller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {}", self.0)
    }
}

/// A request to be sent.
#[non_exhaustive]
pub struct Outgoing {
    /// The identity to pass to `handle_response` together with the answer.
    pub id: RequestId,
    /// The monotonic reading after which the request is overdue and counts as failed.
    pub deadline: Duration,
    /// The request. Its headers are secret.
    pub request: Request<Vec<u8>>,
}

/// Formats the request without headers, query and body: they hold cookies.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("id", &self.id)
            .field("deadline", &self.deadline)
            .field("method", self.request.method())
            .field("path", &self.request.uri().path())
            .finish_non_exhaustive()
    }
}

/// An answer to a request that is not in flight: the answer came late or twice, or the request
/// was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not in flight: its answer came late, or twice")]
#[non_exhaustive]
pub struct UnknownRequest(pub RequestId);
