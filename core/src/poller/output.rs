//! What the driver of a poller is to do.

use std::fmt;
use std::time::Duration;

use http::Request;

use super::status::StatusChange;
use super::warning::Warning;
use crate::error::Error;
use crate::event::Event;

/// What to do next.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a driver does each of these")]
#[must_use]
pub enum Output {
    /// Send this request; its answer goes to `handle_response`.
    Send(Outgoing),
    /// A message arrived. It counts as handed out from now on.
    Event(Event),
    /// Something to know that is no message.
    Warning(Warning),
    /// The state changed.
    Status(StatusChange),
    /// Nothing to do until this monotonic reading, or until an answer comes, or until
    /// somebody wants it to close.
    Wait(Duration),
    /// It is over: as asked (`Ok`), or because going on makes no sense.
    Finished(Result<(), Error>),
}

/// Which request of a poller.
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
    /// To be given back with what comes of it.
    pub id: RequestId,
    /// After this monotonic reading it counts as failed.
    pub deadline: Duration,
    /// The request. Its headers are secret.
    pub request: Request<Vec<u8>>,
}

/// Without headers, query and body: they hold cookies.
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

/// An answer to a request that is not in flight: it came late, twice, or was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not in flight: its answer came late, or twice")]
#[non_exhaustive]
pub struct UnknownRequest(pub RequestId);
