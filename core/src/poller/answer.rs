//! Consequences of an answer that can be read.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::Response;

use super::conversation::ConversationState;
use super::decode::{Reply, decode};
use super::in_flight::{InFlight, Purpose};
use super::latest_now::LatestNow;
use super::listed::Listed;
use super::lists::{Listing, Part};
use super::state::State;
use super::{Poller, Warning};
use crate::endpoints::{MessagePage, SessionPage};
use crate::error::{BuildError, DecodeError, Error, TransportError};
use crate::identity::Identity;
use crate::ids::{ConversationId, Seqno, Uid};
use crate::json::Unreadable;
use crate::list_walk::{ListWalk, Progress};
use crate::logs::Span;
use crate::model::Conversation;
use crate::time::{Now, UnixSeconds};

/// Greatest age, before the baseline, of a message that still counts as new in a conversation
/// that was not on the first list: better delivered than lost.
const TOLERANCE: Duration = Duration::from_secs(60);

impl Poller {
    pub(super) fn handle_answer(
        &mut self,
        now: Now,
        mut in_flight: InFlight,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        let reply = match answer {
            Err(error) => Err(error.into()),
            Ok(answer) => decode(in_flight.purpose, &answer),
        };
        let handled = reply.and_then(|reply| self.handle_reply(now, reply));
        let failure = handled.as_ref().err();
        self.counters.requests.count(failure);
        std::mem::replace(&mut in_flight.span, Span::none()).end(now.monotonic, failure);
        if in_flight.purpose == Purpose::Baseline {
            self.end_round_span(now);
        }
        match handled {
            Ok(()) => self.accept(in_flight.signed_with),
            Err(error) => {
                if let Some(ticket) = &in_flight.ticket {
                    self.account.fail_nav(now.monotonic, ticket, &error);
                }
                self.handle_failure(now, &in_flight, error);
            }
        }
    }

    fn handle_reply(&mut self, now: Now, reply: Reply) -> Result<(), Error> {
        match reply {
            Reply::Identity(identity) => self.handle_identity(now, identity),
            Reply::Baseline(page, date) => {
                self.note_names(|listed| listed.put_list(&page));
                self.take_baseline(now, &page, date);
            }
            Reply::List(page) => {
                self.note_names(|listed| listed.put_list(&page));
                self.handle_list(now, &page);
            }
            Reply::Messages(id, size, page) => {
                self.note_names(|listed| listed.put_senders(id, &page));
                self.handle_messages(id, size, page)?;
            }
            Reply::Counters(counters, sent) => self.handle_counters(counters, sent),
            Reply::Feed(kind, page, sent) => self.handle_feed_page(now, kind, page, sent),
        }
        Ok(())
    }

    fn note_names(&mut self, note: impl FnOnce(&mut Listed)) {
        if let Some(listed) = &mut self.listed {
            note(listed);
        }
    }

    fn handle_identity(&mut self, now: Now, identity: Identity) {
        let uid = identity.uid;
        let stored = self.account.store(identity, now);
        // Asking again does not turn the login of somebody else into one's own.
        let adopted = stored.and_then(|()| Ok(self.adopt(now, uid)?));
        if let Err(error) = adopted {
            self.fail(error);
        }
    }

    /// Takes over the owner of the login, from the poller's own nav or from that of a call.
    pub(super) fn adopt(&mut self, now: Now, actual: Uid) -> Result<(), BuildError> {
        match self.uid {
            Some(checkpoint) if checkpoint != actual => {
                return Err(BuildError::ForeignCheckpoint { checkpoint, actual });
            }
            _ => self.uid = Some(actual),
        }
        if let State::Resuming = self.state {
            // The checkpoint is the baseline.
            let server_now = self.account.server_now(now);
            self.schedule.connect_again(now.monotonic, server_now);
            self.start_feeds(now, true);
        }
        Ok(())
    }

    /// Takes the baseline from the first list, which shows how far every conversation goes. In one that is not known,
    /// messages of the last minute count as new: so where the list does not go that far back, the rest is read as well.
    fn take_baseline(&mut self, now: Now, page: &SessionPage, date: Option<UnixSeconds>) {
        self.warn_unreadable(None, &page.unreadable);
        let since = self.lists.begin(page, date, self.latest_now(now));
        let new_since = since.to_micros().minus(TOLERANCE).to_seconds();
        self.conversations.begin_at(new_since);
        for conversation in &page.session_list {
            self.conversations.begin(conversation);
        }
        match self.lists.rest_of_first(self.conversations.known_from()) {
            Some(walk) => self.enter(State::StartingList(walk)),
            None => self.end_baseline(now),
        }
    }

    /// Takes what the first list had no room for. A conversation that changed since is above it, and is found by the lists
    /// to come.
    fn take_rest_of_baseline(&mut self, now: Now, page: &SessionPage, mut walk: ListWalk) {
        let progress = walk.handle_page(page);
        for conversation in &page.session_list {
            if self.lists.is_below_first(conversation)
                && self.conversations.get(conversation.id()).is_none()
            {
                self.conversations.begin(conversation);
            }
        }
        match progress {
            Progress::More if self.conversations.len() < self.config.max_conversations => {
                self.enter(State::StartingList(walk));
            }
            // One that is not read is found later, and may bring messages of the last minute then.
            _ => self.end_baseline(now),
        }
    }

    fn end_baseline(&mut self, now: Now) {
        self.start_feeds(now, false);
        self.pauses.list_read();
        self.pauses.round_ended();
    }

    /// Begins to deliver: everything that arrives from now on is an event.
    pub(super) fn connect(&mut self, now: Now) {
        let server_now = self.account.server_now(now);
        self.lists.start(now.monotonic, server_now);
        // Of all that will be known most are now.
        self.conversations.pack();
        self.enter(State::Idle);
    }

    pub(super) fn latest_now(&self, now: Now) -> LatestNow {
        LatestNow {
            server: self.account.latest_now(now),
            local: now.wall.to_seconds(),
        }
    }

    fn handle_list(&mut self, now: Now, page: &SessionPage) {
        self.warn_unreadable(None, &page.unreadable);
        if let State::StartingList(walk) = &self.state {
            let walk = walk.clone();
            self.take_rest_of_baseline(now, page, walk);
            return;
        }
        // A list that was broken off meanwhile is owed already.
        let Some(mut listing) = self.take_listing() else {
            return;
        };
        let progress = listing.walk.handle_page(page);
        for conversation in &page.session_list {
            self.observe(now, &listing, conversation);
        }
        match progress {
            Progress::More if self.lists.is_endless(&listing) => {
                self.doubt(now, &listing, "it does not end");
            }
            Progress::More if !self.lists.is_enough(&listing) => {
                self.state = State::Listing(listing);
                return;
            }
            Progress::More | Progress::Whole => {
                let latest = self.latest_now(now);
                self.lists.finish(&listing, now.monotonic, latest);
            }
            Progress::Unproven => self.doubt(
                now,
                &listing,
                "no page leads to its end: what it says of more leads to nothing new",
            ),
        }
        if listing.part == Part::Changes {
            self.pauses.list_read();
        }
        self.begin_fetching();
    }

    /// Notes that a list cannot be proven whole, and warns of that.
    fn doubt(&mut self, now: Now, listing: &Listing, reason: &'static str) {
        let latest = self.latest_now(now);
        let rng = &mut self.pauses.rng;
        let delay = self.lists.doubt(listing, now.monotonic, latest, rng);
        let error = DecodeError::new("data.has_more", &reason).into();
        self.warn(Warning::ListIncomplete { delay, error });
    }

    /// Takes over the entry of a list for one conversation.
    fn observe(&mut self, now: Now, listing: &Listing, entry: &Conversation) {
        let id = entry.id();
        let proof = self.lists.proof(entry, self.latest_now(now));
        let observed = self.conversations.update(id, |state| {
            if let Some(proof) = proof {
                state.prove(entry, proof);
            }
            state.observe(entry)
        });
        match observed {
            Some(lost) => {
                self.warn_lost(id, lost);
                self.queue_if_ready(id);
            }
            None if proof.is_some() || self.lists.may_be_new(listing, entry) => {
                self.conversations.discover(entry, proof);
            }
            None if listing.part == Part::All => self.conversations.begin(entry),
            None => {}
        }
    }

    fn handle_messages(
        &mut self,
        id: ConversationId,
        size: u32,
        page: MessagePage,
    ) -> Result<(), Error> {
        self.warn_unreadable(Some(id), &page.unreadable);
        let empty_says_more = &mut self.empty_says_more;
        let handled = self
            .conversations
            .update(id, |state| state.handle_page(page, size, empty_says_more));
        let Some(handled) = handled else {
            return Ok(());
        };
        let is_more_missing = handled.map_err(|_| {
            DecodeError::new(
                "data.has_more",
                &"there is said to be more, but no end moved",
            )
        })?;
        self.queue_if_ready(id);
        if !is_more_missing {
            self.settle(id);
            return Ok(());
        }
        self.keep_to_backlog(id);
        if let State::Fetching(fetching) = &mut self.state
            && self.clock >= self.pauses.until()
        {
            fetching.queue.push_back(id);
        }
        Ok(())
    }

    /// Queues a conversation for delivery if its lowest held message has none missing below.
    pub(super) fn queue_if_ready(&mut self, id: ConversationId) {
        let is_ready = self.conversations.get(id).is_some_and(|it| it.is_ready());
        if is_ready && !self.ready.contains(&id) {
            self.ready.push_back(id);
        }
    }

    /// Warns of stretches that are missing for good.
    pub(super) fn warn_lost(&mut self, id: ConversationId, lost: Vec<RangeInclusive<u64>>) {
        for range in lost {
            self.warn(Warning::Gap {
                conversation: id,
                from_seqno: Seqno(*range.start()),
                to_seqno: Seqno(*range.end()),
            });
        }
    }

    /// Drops messages that this conversation holds above a missing one while too many are held.
    fn keep_to_backlog(&mut self, id: ConversationId) {
        while self.conversations.held() > self.config.backlog {
            let gave_back = self
                .conversations
                .update(id, ConversationState::give_back)
                .unwrap_or(false);
            if !gave_back {
                return;
            }
        }
    }

    /// Warns of items that cannot be read; of those of a list once, though every round shows them.
    fn warn_unreadable(&mut self, conversation: Option<ConversationId>, items: &[Unreadable]) {
        for item in items {
            if conversation.is_none() && !self.reported.is_new(&item.raw) {
                continue;
            }
            self.warn(Warning::Undecodable {
                conversation,
                raw: item.raw.clone(),
                reason: item.error.to_string(),
            });
        }
    }
}
