//! Requests that are on their way.

use std::collections::BTreeMap;
use std::time::Duration;

use super::output::RequestId;
use super::pauses::{Cause, Refused, Source};
use crate::identity::Generation;
use crate::ids::ConversationId;

/// A request that is on its way.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    pub(super) purpose: Purpose,
    /// Keys that it was signed with, if it was.
    pub(super) signed_with: Option<Generation>,
    pub(super) deadline: Duration,
    /// Number of pauses that there had been when it was sent.
    pub(super) pauses: u64,
}

impl InFlight {
    pub(super) const fn is_unsigned_list(&self) -> bool {
        self.purpose.is_list() && self.signed_with.is_none()
    }

    /// Its answer asks for a pause.
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
    /// Who is logged in, and keys.
    Nav,
    /// The list that is the baseline.
    BaseLine,
    /// A page of the lists.
    List,
    /// A page of a conversation, and its size.
    Fetch(ConversationId, u32),
}

impl Purpose {
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::BaseLine | Self::List)
    }

    pub(super) const fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Fetch(id, _) => Some(id),
            _ => None,
        }
    }
}

/// All requests that are on their way, each known by an id that is used once.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: BTreeMap<RequestId, InFlight>,
    next_id: u64,
}

impl Requests {
    pub(super) fn add(&mut self, request: InFlight) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.open.insert(id, request);
        id
    }

    pub(super) fn take(&mut self, id: RequestId) -> Option<InFlight> {
        self.open.remove(&id)
    }

    /// Takes one whose deadline is over, the oldest first.
    pub(super) fn take_overdue(&mut self, clock: Duration) -> Option<InFlight> {
        let overdue = |(_, request): &(&RequestId, &InFlight)| request.deadline <= clock;
        let id = *self.open.iter().find(overdue)?.0;
        self.open.remove(&id)
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.open.values().map(|request| request.deadline).min()
    }

    pub(super) fn has_nav(&self) -> bool {
        self.purposes().any(|purpose| purpose == Purpose::Nav)
    }

    pub(super) fn has_list(&self) -> bool {
        self.purposes().any(Purpose::is_list)
    }

    /// Number of pages of messages that are asked for.
    pub(super) fn fetches(&self) -> usize {
        let fetches = self.purposes().filter_map(Purpose::conversation);
        fetches.count()
    }

    fn purposes(&self) -> impl Iterator<Item = Purpose> {
        self.open.values().map(|request| request.purpose)
    }
}
