//! Which request is sent next, and when.

use std::cmp::Reverse;
use std::time::Duration;

use http::Request;

use super::lists::newest_page;
use super::output::{Outgoing, RequestId};
use super::pauses::{Cause, Refused, Source};
use super::{Phase, Poller};
use crate::endpoint::{Auth, Endpoint, Wbi, WbiOnDemand};
use crate::endpoints::{FetchSessionMsgs, Nav};
use crate::error::BuildError;
use crate::identity::Generation;
use crate::ids::ConversationId;
use crate::list_walk::ListCall;
use crate::time::{Now, UnixMicros};

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

impl InFlight {
    /// Its answer asks for a pause.
    pub(super) const fn refused(&self, cause: Cause) -> Refused {
        Refused {
            cause,
            source: Source::Poll,
            sent_at: self.pauses,
        }
    }
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Who is logged in, and keys.
    Nav,
    /// The list that is the base line.
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

impl Poller {
    /// The next request, if one may be sent now.
    pub(super) fn next_request(&mut self, now: Now) -> Option<Outgoing> {
        if now.monotonic < self.may_send_at() {
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
                self.send_list(now, Purpose::BaseLine, &newest_page())
            }
            // Left when it is known who is logged in.
            Phase::Resume => None,
            Phase::Idle => {
                // A list that was broken off by a pause may still be on its way.
                if now.monotonic < self.round_due || self.is_in_flight(Purpose::is_list) {
                    return None;
                }
                self.begin_round(now);
                let listing = self.lists.changes(now.monotonic);
                let call = listing.walk.call();
                self.phase = Phase::Listing(listing);
                self.send_page(now, &call)
            }
            Phase::Listing(listing) => {
                let call = listing.walk.call();
                if self.is_in_flight(|purpose| purpose == Purpose::List) {
                    return None;
                }
                self.send_page(now, &call)
            }
            Phase::Fetching => {
                if now.monotonic >= self.fetching_until && !self.queue.is_empty() {
                    // What is left is still behind, and is fetched in the next round.
                    self.queue.clear();
                    self.end_round_if_done();
                    return self.next_request(now);
                }
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
                let size = track.page_size(self.config.page_size);
                let mut call = FetchSessionMsgs::new(id)
                    .size(size)
                    .begin_seqno(ask.begin_seqno);
                if let Some(end_seqno) = ask.end_seqno {
                    call = call.end_seqno(end_seqno);
                }
                let proof = Wbi::with_identity(&identity, self.account.server_now(now));
                let request = call.request(self.account.context(), proof);
                self.send(now, Purpose::Fetch(id, size), Some(generation), request)
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
        let may_send_at = self.may_send_at();
        let request = match self.phase {
            _ if self.account.identity().is_none() => may_send_at,
            Phase::Idle => self.round_due.max(may_send_at),
            _ => may_send_at,
        };
        match deadline {
            // Before the pause ends nothing is sent; after it only an answer moves on.
            Some(deadline) if request <= self.clock => deadline,
            Some(deadline) => deadline.min(request),
            None => request,
        }
    }

    /// No request is sent before: a pause, or the least distance to the last one.
    fn may_send_at(&self) -> Duration {
        self.pauses.until().max(self.spaced_at)
    }

    /// The conversations that are behind and may be asked for now.
    pub(super) fn begin_fetching(&mut self) {
        let forgotten_to = self.tracks.forget_quiet(self.lists.settled_to());
        self.lists.forget_to(forgotten_to);
        // Every round may sign again: what was refused before a pause counts no more.
        self.tracks
            .iter_mut()
            .for_each(|track| track.signed_again = false);
        let clock = self.clock;
        let mut behind: Vec<(Reverse<UnixMicros>, ConversationId)> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.is_behind() && track.retry_at <= clock)
            .map(|(id, track)| (Reverse(track.session_ts), id))
            .collect();
        // Where there are too many for a round, the latest come first.
        behind.sort_unstable();
        self.queue = behind.into_iter().map(|(_, id)| id).collect();
        self.fetching_until = clock.saturating_add(self.config.interval);
        self.phase = Phase::Fetching;
        self.end_round_if_done();
    }

    /// Ends the round when nothing of it is left.
    pub(super) fn end_round_if_done(&mut self) {
        let is_done = matches!(self.phase, Phase::Fetching)
            && self.queue.is_empty()
            && !self.is_in_flight(|purpose| matches!(purpose, Purpose::Fetch(..)));
        if is_done {
            let is_paused = self.clock < self.pauses.until();
            // The answer to a list that was broken off is not a page of the next one.
            let may_list = !is_paused && !self.is_in_flight(Purpose::is_list);
            let due = may_list.then(|| self.lists.next_due(self.clock));
            self.phase = due.flatten().map_or(Phase::Idle, Phase::Listing);
            if let Phase::Idle = self.phase {
                self.pauses.round_ended();
            }
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

    fn send_page(&mut self, now: Now, call: &ListCall) -> Option<Outgoing> {
        match call {
            ListCall::Changes(call) => self.send_list(now, Purpose::List, call),
            ListCall::Sessions(call) => self.send_list(now, Purpose::List, call),
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
        self.spaced_at = now.monotonic.saturating_add(self.spacing);
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
