//! Which request is sent next, and when.

use std::collections::VecDeque;
use std::time::Duration;

use http::Request;

use super::listing::{self, Listing, Page};
use super::output::{Outgoing, RequestId};
use super::{Phase, Poller};
use crate::endpoint::{Auth, Endpoint, Wbi, WbiOnDemand};
use crate::endpoints::{FetchSessionMsgs, Nav};
use crate::error::BuildError;
use crate::identity::Generation;
use crate::ids::ConversationId;
use crate::time::Now;

/// The list is asked for this much before the base line: a conversation may be committed
/// a moment late with an earlier time.
const OVERLAP: Duration = Duration::from_secs(5);

/// A request that is on its way.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    pub(super) purpose: Purpose,
    /// Keys that it was signed with, if it was.
    pub(super) signed_with: Option<Generation>,
    pub(super) deadline: Duration,
    /// How many pauses there had been when it was sent.
    pub(super) pauses: u64,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Who is logged in, and keys.
    Nav,
    /// The list that is the base line.
    BaseLine,
    /// A page of what changed.
    List(Page),
    /// A page of a conversation.
    Fetch(ConversationId),
}

impl Purpose {
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::BaseLine | Self::List(_))
    }

    pub(super) const fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Fetch(id) => Some(id),
            _ => None,
        }
    }
}

impl Poller {
    /// The next request, if one may be sent now.
    pub(super) fn next_request(&mut self, now: Now) -> Option<Outgoing> {
        if now.monotonic < self.pauses.until() {
            return None;
        }
        let Some((generation, identity)) = self.account.identity() else {
            return (!self.is_in_flight(|purpose| purpose == Purpose::Nav))
                .then(|| Nav.request(self.account.context(), ()))
                .and_then(|request| self.send(now, Purpose::Nav, None, request));
        };
        if let Err(error) = self.adopt(now, identity.uid) {
            self.fail(error.into());
            return None;
        }
        match &self.phase {
            Phase::Start => {
                if self.is_in_flight(|purpose| purpose == Purpose::BaseLine) {
                    return None;
                }
                self.begin_round(now);
                self.send_list(now, Purpose::BaseLine, &listing::newest_page())
            }
            // Left when it is known who is logged in.
            Phase::Resume => None,
            Phase::Idle => {
                if now.monotonic < self.round_due {
                    return None;
                }
                self.begin_round(now);
                let listing = Listing::new(self.base_ts.minus(OVERLAP));
                let page = listing.page;
                self.phase = Phase::Listing(listing);
                self.send_page(now, page)
            }
            Phase::Listing(listing) => {
                let page = listing.page;
                if self.is_in_flight(|purpose| matches!(purpose, Purpose::List(_))) {
                    return None;
                }
                self.send_page(now, page)
            }
            Phase::Fetching => {
                let busy = self
                    .in_flight
                    .values()
                    .filter(|in_flight| matches!(in_flight.purpose, Purpose::Fetch(..)))
                    .count();
                if busy >= self.config.max_parallel {
                    return None;
                }
                let id = self.next_in_queue()?;
                let track = self.tracks.get_mut(id)?;
                let ask = track.gap().ask()?;
                let mut call = FetchSessionMsgs::new(id)
                    .size(self.config.page_size)
                    .begin_seqno(ask.begin_seqno);
                if let Some(end_seqno) = ask.end_seqno {
                    call = call.end_seqno(end_seqno);
                }
                let proof = Wbi::with_identity(&identity, self.account.server_now(now));
                let request = call.request(self.account.context(), proof);
                self.send(now, Purpose::Fetch(id), Some(generation), request)
            }
        }
    }

    /// The time at which something is to be done even if no answer comes.
    pub(super) fn next_wake(&self) -> Duration {
        let deadline = self
            .in_flight
            .values()
            .map(|in_flight| in_flight.deadline)
            .min();
        let request = match self.phase {
            _ if self.account.identity().is_none() => self.pauses.until(),
            Phase::Idle => self.round_due.max(self.pauses.until()),
            _ => self.pauses.until(),
        };
        match deadline {
            // Before the pause ends nothing is sent; after it only an answer moves on.
            Some(deadline) if request <= self.clock => deadline,
            Some(deadline) => deadline.min(request),
            None => request,
        }
    }

    /// The conversations that are behind and may be asked for now.
    pub(super) fn begin_fetching(&mut self) {
        self.tracks.forget_quiet(self.listed_from);
        let clock = self.clock;
        self.queue = self
            .tracks
            .iter()
            .filter(|(_, track)| track.is_behind() && track.retry_at <= clock)
            .map(|(id, _)| id)
            .collect::<VecDeque<_>>();
        self.phase = Phase::Fetching;
        self.end_round_if_done();
    }

    /// Ends the round when nothing of it is left.
    pub(super) fn end_round_if_done(&mut self) {
        let is_done = matches!(self.phase, Phase::Fetching)
            && self.queue.is_empty()
            && !self.is_in_flight(|purpose| matches!(purpose, Purpose::Fetch(..)));
        if is_done {
            self.phase = Phase::Idle;
            self.pauses.round_ended();
        }
    }

    fn begin_round(&mut self, now: Now) {
        self.round_due = now.monotonic.saturating_add(self.config.interval);
        self.polled_at = self.account.server_now(now);
        self.pauses.round_begins();
    }

    fn next_in_queue(&mut self) -> Option<ConversationId> {
        // One that needs nothing any more is passed over.
        while let Some(id) = self.queue.pop_front() {
            let asks = self
                .tracks
                .get_mut(id)
                .is_some_and(|track| track.gap().ask().is_some());
            if asks {
                return Some(id);
            }
            self.settle(id);
        }
        self.end_round_if_done();
        None
    }

    fn send_page(&mut self, now: Now, page: Page) -> Option<Outgoing> {
        let purpose = Purpose::List(page);
        match page {
            Page::After(ts) => self.send_list(now, purpose, &listing::page_after(ts)),
            Page::Before(ts) => self.send_list(now, purpose, &listing::page_before(ts)),
        }
    }

    /// Sends a list, signed if the service wants that.
    fn send_list<E>(&mut self, now: Now, purpose: Purpose, list: &E) -> Option<Outgoing>
    where
        E: Endpoint<Auth = WbiOnDemand>,
    {
        let identity = self.account.identity();
        let identity = identity.filter(|_| self.account.signs_lists());
        let wts = self.account.server_now(now);
        let signer = identity
            .as_ref()
            .map(|(_, identity)| Wbi::with_identity(identity, wts));
        let request = list.request(self.account.context(), signer);
        let signed_with = identity.map(|(generation, _)| generation);
        self.send(now, purpose, signed_with, request)
    }

    fn send(
        &mut self,
        now: Now,
        purpose: Purpose,
        signed_with: Option<Generation>,
        request: Result<Request<Vec<u8>>, BuildError>,
    ) -> Option<Outgoing> {
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                self.fail(error.into());
                return None;
            }
        };
        let id = RequestId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let deadline = now.monotonic.saturating_add(self.config.request_timeout);
        self.in_flight.insert(
            id,
            InFlight {
                purpose,
                signed_with,
                deadline,
                pauses: self.pauses.count(),
            },
        );
        Some(Outgoing {
            id,
            deadline,
            request,
        })
    }

    fn is_in_flight(&self, which: impl Fn(Purpose) -> bool) -> bool {
        self.in_flight
            .values()
            .any(|in_flight| which(in_flight.purpose))
    }
}
