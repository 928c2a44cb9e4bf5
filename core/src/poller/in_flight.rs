//! The requests in flight.

use std::time::Duration;

use super::output::RequestId;
use super::pauses::{Cause, Refused, Source};
use crate::feeds::{FeedCall, SentAt};
use crate::identity::Generation;
use crate::ids::ConversationId;
use crate::logs::Span;
use crate::nav_gate::NavTicket;

/// A request in flight.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) purpose: Purpose,
    /// The keys that signed the request, if it was signed.
    pub(super) signed_with: Option<Generation>,
    pub(super) deadline: Duration,
    /// The number of pauses before the request was sent.
    pub(super) pauses: u64,
    /// Kept by nav, so that no call of the user asks for the keys as well.
    pub(super) ticket: Option<NavTicket>,
    pub(super) span: Span,
}

impl InFlight {
    pub(super) const fn is_unsigned_list(&self) -> bool {
        self.purpose.is_list() && self.signed_with.is_none()
    }

    /// Returns the request for a pause that the answer makes.
    pub(super) const fn refused(&self, cause: Cause) -> Refused {
        Refused {
            cause,
            source: Source::Poll,
            sent_at: self.pauses,
        }
    }
}

/// The purpose of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The user who is logged in, and the keys.
    Nav,
    /// The list that is the baseline.
    Baseline,
    /// A page of the lists.
    List,
    /// A page of a conversation, and its size.
    Fetch(ConversationId, u32),
    /// Notifications.
    Feed(FeedCall, SentAt),
}

impl Purpose {
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::Baseline | Self::List)
    }

    /// Returns what is asked for in a word, for logs.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Nav => "nav",
            Self::Baseline => "baseline",
            Self::List => "list",
            Self::Fetch(..) => "messages",
            Self::Feed(..) => "feed",
        }
    }

    pub(super) const fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Fetch(id, _) => Some(id),
            _ => None,
        }
    }
}

/// All requests in flight, each with an id that is used once.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// The oldest first; they are few.
    open: Vec<(RequestId, InFlight)>,
    next_id: u64,
}

impl Requests {
    pub(super) fn add(&mut self, request: InFlight) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.open.push((id, request));
        id
    }

    pub(super) fn take(&mut self, id: RequestId) -> Option<InFlight> {
        let place = self.open.iter().position(|(open, _)| *open == id)?;
        Some(self.open.remove(place).1)
    }

    /// Takes out the oldest request that is overdue.
    pub(super) fn take_overdue(&mut self, clock: Duration) -> Option<InFlight> {
        let is_overdue = |(_, request): &(RequestId, InFlight)| request.deadline <= clock;
        let place = self.open.iter().position(is_overdue)?;
        Some(self.open.remove(place).1)
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let deadlines = self.open.iter().map(|(_, request)| request.deadline);
        deadlines.min()
    }

    /// Returns the deadline of nav, if it is in flight.
    pub(super) fn nav_deadline(&self) -> Option<Duration> {
        let mut requests = self.open.iter().map(|(_, request)| request);
        let nav = requests.find(|it| it.purpose == Purpose::Nav);
        nav.map(|request| request.deadline)
    }

    pub(super) fn has_list(&self) -> bool {
        self.purposes().any(Purpose::is_list)
    }

    /// Returns the number of pages of messages in flight.
    pub(super) fn fetches(&self) -> usize {
        let fetches = self.purposes().filter_map(Purpose::conversation);
        fetches.count()
    }

    fn purposes(&self) -> impl Iterator<Item = Purpose> {
        self.open.iter().map(|(_, request)| request.purpose)
    }
}
