//! What follows from an answer.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::Response;

use super::gap::{Age, Gap};
use super::lists::{LatestNow, Listing, Part, newest_page};
use super::request::{InFlight, Purpose};
use super::status::Trigger;
use super::{Notice, Phase, Poller};
use crate::endpoint::{Endpoint, server_date};
use crate::endpoints::{FetchSessionMsgs, MessagePage, Nav, SessionPage};
use crate::error::{BuildError, DecodeError, Error, TransportError};
use crate::event::Event;
use crate::ids::{ConversationId, Seqno, Uid};
use crate::json::Unreadable;
use crate::list_walk::Progress;
use crate::model::Conversation;
use crate::time::{Now, UnixSeconds};

/// How much older than the base line a message may be that is still taken as new, in a
/// conversation that was not on the first list: rather deliver than lose.
const TOLERANCE: Duration = Duration::from_secs(60);

/// How far two readings of the server's clock may be apart: they are whole seconds, and an
/// answer takes a moment to come.
const CLOCK_ERROR: Duration = Duration::from_secs(3);

impl Poller {
    pub(super) fn handle_answer(
        &mut self,
        now: Now,
        in_flight: InFlight,
        answer: Result<Response<Vec<u8>>, TransportError>,
    ) {
        let handled = match answer {
            Err(error) => Err(error.into()),
            Ok(answer) => self.read_answer(now, &in_flight, &answer),
        };
        match handled {
            Ok(()) => self.accept(in_flight.signed_with),
            Err(error) => self.handle_failure(now, &in_flight, error),
        }
    }

    fn read_answer(
        &mut self,
        now: Now,
        in_flight: &InFlight,
        answer: &Response<Vec<u8>>,
    ) -> Result<(), Error> {
        match in_flight.purpose {
            Purpose::Nav => {
                let identity = Nav.parse(answer)?.into_identity()?;
                let uid = identity.uid;
                self.account.store(identity, now)?;
                self.adopt(now, uid)?;
            }
            // All lists are read the same way.
            Purpose::BaseLine => {
                let page = newest_page().parse(answer)?;
                self.take_base_line(now, &page, server_date(answer));
            }
            Purpose::List => {
                let page = newest_page().parse(answer)?;
                self.handle_list(now, &page)?;
            }
            Purpose::Fetch(id, size) => {
                let page = FetchSessionMsgs::new(id).parse(answer)?;
                self.handle_messages(id, size, page)?;
            }
        }
        Ok(())
    }

    /// Takes over whose login it is, from a nav of its own or of a call beside it.
    pub(super) fn adopt(&mut self, now: Now, actual: Uid) -> Result<(), BuildError> {
        match self.uid {
            Some(checkpoint) if checkpoint != actual => {
                return Err(BuildError::ForeignCheckpoint { checkpoint, actual });
            }
            _ => self.uid = Some(actual),
        }
        if let Phase::Resume = self.phase {
            self.connect_again(now);
        }
        Ok(())
    }

    /// The checkpoint is the base line. The first round keeps its distance to the last one
    /// of the former life, as far as the clocks can tell.
    fn connect_again(&mut self, now: Now) {
        let due = self
            .polled_at
            .plus(self.config.interval.saturating_add(CLOCK_ERROR));
        let wait = due.0.saturating_sub(self.account.server_now(now).0);
        let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(0));
        let wait = wait.min(self.config.interval);
        self.round_due = now.monotonic.saturating_add(wait);
        self.connect(now);
    }

    /// The first list says where every conversation stands.
    fn take_base_line(&mut self, now: Now, page: &SessionPage, date: Option<UnixSeconds>) {
        self.tell_unreadable(None, &page.unreadable);
        let since = self.lists.begin(page, date, self.latest_now(now));
        self.tracks.new_since = since.to_micros().minus(TOLERANCE).to_seconds();
        for conversation in &page.session_list {
            self.tracks.begin(conversation);
        }
        self.connect(now);
        self.pauses.list_read();
        self.pauses.round_ended();
    }

    /// From now on, what arrives comes out.
    fn connect(&mut self, now: Now) {
        let server_now = self.account.server_now(now);
        self.lists.start(now.monotonic, server_now);
        self.phase = Phase::Idle;
        self.move_on(Trigger::BaseLine);
    }

    pub(super) fn latest_now(&self, now: Now) -> LatestNow {
        LatestNow {
            server: self.account.latest_now(now),
            local: now.wall.to_seconds(),
        }
    }

    fn handle_list(&mut self, now: Now, page: &SessionPage) -> Result<(), Error> {
        self.tell_unreadable(None, &page.unreadable);
        let Phase::Listing(listing) = &mut self.phase else {
            return Ok(());
        };
        let progress = listing.walk.handle_page(page);
        let listing = std::mem::replace(&mut self.phase, Phase::Fetching);
        let Phase::Listing(listing) = listing else {
            return Ok(());
        };
        for conversation in &page.session_list {
            self.observe(now, &listing, conversation);
        }
        match progress {
            Progress::More if self.lists.is_endless(&listing) => {
                self.doubt(now, &listing, "it does not end");
            }
            Progress::More if !self.lists.is_enough(&listing) => {
                self.phase = Phase::Listing(listing);
                return Ok(());
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
        Ok(())
    }

    /// A list cannot be proven whole.
    fn doubt(&mut self, now: Now, listing: &Listing, reason: &'static str) {
        let latest = self.latest_now(now);
        let rng = &mut self.pauses.rng;
        let delay = self.lists.doubt(listing, now.monotonic, latest, rng);
        let error = DecodeError::new("data.has_more", &reason).into();
        self.tell(Notice::ListIncomplete { delay, error });
    }

    /// Takes over what a list says of a conversation.
    fn observe(&mut self, now: Now, listing: &Listing, entry: &Conversation) {
        let id = entry.id();
        let proof = self.lists.proof(entry, self.latest_now(now));
        let Some(track) = self.tracks.get_mut(id) else {
            if proof.is_some() || self.lists.may_be_new(listing, entry) {
                self.tracks.discover(entry, proof);
            } else if listing.part == Part::All {
                self.tracks.begin(entry);
            }
            return;
        };
        if let Some(proof) = proof {
            track.prove(entry, proof);
        }
        let lost = track.observe(entry);
        self.tell_lost(id, lost);
        self.hand_out_ready(id);
    }

    fn handle_messages(
        &mut self,
        id: ConversationId,
        size: u32,
        page: MessagePage,
    ) -> Result<(), Error> {
        self.tell_unreadable(Some(id), &page.unreadable);
        let Some(track) = self.tracks.get_mut(id) else {
            return Ok(());
        };
        let mut gap = track.take_gap();
        let age = |event: &Event| track.age(event);
        let age: Option<&dyn Fn(&Event) -> Age> = match track.cursor {
            Some(_) => None,
            None => Some(&age),
        };
        let handled = gap.handle_page(page, size, age, &mut self.empty_says_more);
        let (asks_more, is_ready) = (gap.ask().is_some(), gap.is_ready());
        track.gap = Some(gap);
        handled.map_err(|_| {
            DecodeError::new(
                "data.has_more",
                &"there is said to be more, but no end moved",
            )
        })?;
        track.succeeded();
        self.hand_out_ready(id);
        if asks_more {
            self.keep_to_backlog(id);
            if !self.pauses_now() {
                self.queue.push_back(id);
            }
        } else if !is_ready {
            self.settle(id);
        }
        self.end_round_if_done();
        Ok(())
    }

    /// Has what is here of a conversation handed out, as far as nothing below is missing.
    pub(super) fn hand_out_ready(&mut self, id: ConversationId) {
        let track = self.tracks.get_mut(id);
        let is_ready = track.is_some_and(|track| track.gap.as_ref().is_some_and(Gap::is_ready));
        if is_ready && !self.ready.contains(&id) {
            self.ready.push_back(id);
        }
    }

    /// Tells of stretches that are missing for good.
    pub(super) fn tell_lost(&mut self, id: ConversationId, lost: Vec<RangeInclusive<u64>>) {
        for range in lost {
            self.tell(Notice::Gap {
                conversation: id,
                from_seqno: Seqno(*range.start()),
                to_seqno: Seqno(*range.end()),
            });
        }
    }

    /// Whether a pause holds: then nothing more of this round is asked for.
    fn pauses_now(&self) -> bool {
        self.clock < self.pauses.until()
    }

    /// Gives back what this conversation holds above its front where too much is held.
    fn keep_to_backlog(&mut self, id: ConversationId) {
        while self.tracks.held() > self.config.backlog {
            let gave_back = self
                .tracks
                .get_mut(id)
                .and_then(|track| track.gap.as_mut())
                .is_some_and(super::gap::Gap::give_back);
            if !gave_back {
                return;
            }
        }
    }

    /// Tells of items that cannot be read; those of a list once, though every round shows them.
    fn tell_unreadable(&mut self, conversation: Option<ConversationId>, items: &[Unreadable]) {
        for item in items {
            if conversation.is_none() && !self.told.is_new(&item.raw) {
                continue;
            }
            self.tell(Notice::Undecodable {
                conversation,
                raw: item.raw.clone(),
                reason: item.error.to_string(),
            });
        }
    }
}
