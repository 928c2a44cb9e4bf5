//! The choice of the next request, and the time to send it.

use std::time::Duration;

use http::Request;

use super::Poller;
use super::conversation::ConversationState;
use super::in_flight::{InFlight, Purpose};
use super::lists::{Listing, newest_page};
use super::output::Outgoing;
use super::state::{Fetching, State};
use crate::endpoint::{Auth, Endpoint, OptionalWbiAuth, WbiAuth};
use crate::endpoints::{FetchSessionMsgs, Nav};
use crate::error::BuildError;
use crate::identity::{Generation, Identity};
use crate::ids::ConversationId;
use crate::list_walk::ListCall;
use crate::logs::Span;
use crate::time::Now;

impl Poller {
    /// Returns the next request, if one may be sent now.
    pub(super) fn next_request(&mut self, now: Now) -> Option<Outgoing> {
        if now.monotonic < self.may_send_at() {
            return None;
        }
        let Some((generation, identity)) = self.account.identity() else {
            return self.next_nav(now);
        };
        if let Err(error) = self.adopt(now, identity.uid) {
            self.fail(error.into());
            return None;
        }
        if let Some(outgoing) = self.next_feed_request(now, false) {
            return Some(outgoing);
        }
        let outgoing = self.next_message_request(now, generation, &identity);
        if outgoing.is_some() {
            self.was_feed = false;
            return outgoing;
        }
        self.next_feed_request(now, true)
    }

    /// Returns the next request for a list or for messages.
    fn next_message_request(
        &mut self,
        now: Now,
        generation: Generation,
        identity: &Identity,
    ) -> Option<Outgoing> {
        match &self.state {
            State::Fetching(_) => {
                let id = self.next_conversation()?;
                self.send_fetch(now, id, generation, identity)
            }
            // One list at a time; one that was broken off may still be on its way.
            _ if self.in_flight.has_list() => None,
            State::Starting => {
                self.begin_round(now);
                self.send_list(now, Purpose::Baseline, &newest_page())
            }
            State::StartingList(walk) | State::Listing(Listing { walk, .. }) => {
                let call = walk.call();
                self.send_page(now, &call)
            }
            State::Idle if now.monotonic >= self.schedule.next_round() => {
                self.begin_round(now);
                let listing = self.lists.changes(now.monotonic);
                let call = listing.walk.call();
                self.enter(State::Listing(listing));
                self.send_page(now, &call)
            }
            // The state changes when the answer to nav comes.
            State::Resuming | State::StartingFeeds(_) | State::Idle | State::Ended(_) => None,
        }
    }

    fn next_nav(&mut self, now: Now) -> Option<Outgoing> {
        // The poller's own, or that of a call.
        if self.account.nav_in_flight(now.monotonic).is_some() {
            return None;
        }
        let request = Nav.request(self.account.context(), ());
        self.send(now, Purpose::Nav, None, request)
    }

    /// Returns the time at which something is to be done even if no answer comes.
    pub(super) fn next_wake(&self) -> Duration {
        let nav = self.account.nav_in_flight(self.clock);
        let deadlines = [self.in_flight.next_deadline(), nav.map(|nav| nav.deadline)];
        let deadline = deadlines.into_iter().flatten().min();
        let may_send_at = self.may_send_at();
        let request = match &self.state {
            _ if self.account.identity().is_none() => may_send_at,
            State::Idle => self.schedule.next_round().max(may_send_at),
            State::StartingFeeds(starting) => starting.until,
            _ => may_send_at,
        };
        let request = match self.next_feed_time() {
            // What is due is in flight, or waits for the spacing.
            Some(feed) if request <= self.clock => feed.max(may_send_at),
            Some(feed) => request.min(feed.max(may_send_at)),
            None => request,
        };
        match deadline {
            // Before the pause ends nothing is sent; after it only an answer moves on.
            Some(deadline) if request <= self.clock => deadline,
            Some(deadline) => deadline.min(request),
            None => request,
        }
    }

    /// Returns the earliest time of the next request, after the pause and at least the spacing
    /// from the last one.
    fn may_send_at(&self) -> Duration {
        self.pauses.until().max(self.schedule.spaced_at())
    }

    /// Begins to fetch the conversations that are behind and may be asked for now.
    pub(super) fn begin_fetching(&mut self) {
        let forgotten_to = self.conversations.forget_quiet(self.lists.settled_to());
        self.lists.forget_to(forgotten_to);
        // Where there are too many for a round, the latest come first.
        let queue = self.conversations.begin_round(self.clock);
        let until = self.clock.saturating_add(self.config.interval);
        self.enter(State::Fetching(Fetching { queue, until }));
    }

    fn begin_round(&mut self, now: Now) {
        let server_now = self.account.server_now(now);
        self.schedule.begin_round(now.monotonic, server_now);
        self.pauses.round_begins();
        self.counters.rounds = self.counters.rounds.saturating_add(1);
        self.end_round_span(now);
        self.round = Span::round(now.monotonic, self.counters.rounds);
        if let Some(feeds) = &mut self.feeds {
            feeds.round_begins();
        }
    }

    /// Ends the round in the logs, if one is open there.
    pub(super) fn end_round_span(&mut self, now: Now) {
        std::mem::replace(&mut self.round, Span::none()).end_round(now.monotonic);
    }

    /// Returns the next conversation of the round that asks for something, while there is room
    /// beside those in flight.
    fn next_conversation(&mut self) -> Option<ConversationId> {
        if self.in_flight.fetches() >= self.config.max_parallel {
            return None;
        }
        while let State::Fetching(fetching) = &mut self.state {
            let id = fetching.queue.pop_front()?;
            let ask = self.conversations.update(id, ConversationState::ask);
            if ask.flatten().is_some() {
                return Some(id);
            }
            // A conversation that needs nothing any more is passed over.
            self.settle(id);
        }
        None
    }

    fn send_fetch(
        &mut self,
        now: Now,
        id: ConversationId,
        generation: Generation,
        identity: &Identity,
    ) -> Option<Outgoing> {
        let usual = self.config.page_size;
        let (ask, size) = self
            .conversations
            .update(id, |state| (state.ask(), state.page_size(usual)))?;
        let ask = ask?;
        let mut call = FetchSessionMsgs::new(id)
            .size(size)
            .begin_seqno(ask.begin_seqno);
        if let Some(end_seqno) = ask.end_seqno {
            call = call.end_seqno(end_seqno);
        }
        let signer = WbiAuth::with_identity(identity, self.account.server_now(now));
        let request = call.request(self.account.context(), signer);
        self.send(now, Purpose::Fetch(id, size), Some(generation), request)
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
        E: Endpoint<Auth = OptionalWbiAuth>,
    {
        let identity = self.account.identity();
        let identity = identity.filter(|_| self.account.signs_lists());
        let wts = self.account.server_now(now);
        let signer = identity
            .as_ref()
            .map(|(_, identity)| WbiAuth::with_identity(identity, wts));
        let request = list.request(self.account.context(), signer);
        let signed_with = identity.map(|(generation, _)| generation);
        self.send(now, purpose, signed_with, request)
    }

    pub(super) fn send(
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
        self.schedule.sent(now.monotonic);
        let deadline = now.monotonic.saturating_add(self.config.request_timeout);
        let id = self.in_flight.add(InFlight {
            purpose,
            signed_with,
            deadline,
            pauses: self.pauses.count(),
            ticket: (purpose == Purpose::Nav).then(|| self.account.begin_nav(now.monotonic)),
            span: Span::request(
                &self.round,
                now.monotonic,
                purpose.as_str(),
                purpose.conversation(),
                &request,
            ),
        });
        Some(Outgoing {
            id,
            deadline,
            request,
        })
    }
}
