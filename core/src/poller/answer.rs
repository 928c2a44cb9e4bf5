//! What follows from an answer.

use std::time::Duration;

use http::Response;

use super::gap::Age;
use super::listing::Progress;
use super::output::Output;
use super::request::{InFlight, Purpose};
use super::status::Trigger;
use super::track;
use super::{Notice, Phase, Poller};
use crate::endpoint::{Endpoint, server_date};
use crate::endpoints::{FetchSessionMsgs, MessagePage, Nav, SessionPage};
use crate::error::{BuildError, DecodeError, Error, TransportError};
use crate::event::Event;
use crate::ids::{ConversationId, Uid};
use crate::json::Unreadable;
use crate::time::{Now, UnixMicros, UnixSeconds};

/// How much older than the base line a message may be that is still taken as new, in a
/// conversation that was not on the first list: rather deliver than lose.
const TOLERANCE: Duration = Duration::from_secs(60);

/// How far two readings of the server's clock may be apart: they are whole seconds, and an
/// answer takes a moment to come.
const CLOCK_ERROR: Duration = Duration::from_secs(3);

/// A list of so many times more conversations than are remembered is taken to have no end.
const ENDLESS: usize = 10;

/// Where the first list is empty, the base line is the server's clock less this.
const BEFORE_NOW: Duration = Duration::from_secs(5);

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
        let date = server_date(answer);
        match in_flight.purpose {
            Purpose::Nav => {
                let identity = Nav.parse(answer)?.into_identity()?;
                let uid = identity.uid;
                self.account.store(identity, now)?;
                self.adopt(now, uid)?;
            }
            // Both lists are read the same way.
            Purpose::BaseLine => {
                let page = super::listing::newest_page().parse(answer)?;
                // Where this answer has no date, an earlier one may have had one.
                let date = date.or_else(|| self.account.observed_now(now));
                self.take_base_line(&page, date);
            }
            Purpose::List(_) => {
                let page = super::listing::newest_page().parse(answer)?;
                self.handle_list(&page, date)?;
            }
            Purpose::Fetch(id) => {
                let page = FetchSessionMsgs::new(id).parse(answer)?;
                self.handle_messages(id, page)?;
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
        self.phase = Phase::Idle;
        self.move_on(Trigger::BaseLine);
    }

    /// The first list says where every conversation stands.
    fn take_base_line(&mut self, page: &SessionPage, date: Option<UnixSeconds>) {
        self.tell_unreadable(None, &page.unreadable);
        let newest = page
            .session_list
            .iter()
            .map(|conversation| conversation.session_ts)
            .max()
            .filter(|ts| ts.0 > 0);
        self.base_ts = match (newest, date) {
            (Some(newest), _) => at_most_now(newest, date),
            (None, Some(date)) => date.to_micros().minus(BEFORE_NOW),
            // No conversation and no clock: all that comes is new.
            (None, None) => UnixMicros(0),
        };
        let start = self.base_ts.to_seconds().max(date.unwrap_or_default());
        self.tracks.new_since = start.to_micros().minus(TOLERANCE).to_seconds();
        for conversation in &page.session_list {
            let newest = track::newest(conversation);
            // Where the list does not say how far it goes, the time of a message decides.
            if newest.0 > 0 {
                self.tracks.insert(
                    conversation.id(),
                    Some(newest),
                    newest,
                    conversation.session_ts,
                );
            }
        }
        self.pauses.list_read();
        self.pauses.round_ended();
        self.phase = Phase::Idle;
        self.move_on(Trigger::BaseLine);
    }

    fn handle_list(&mut self, page: &SessionPage, date: Option<UnixSeconds>) -> Result<(), Error> {
        self.tell_unreadable(None, &page.unreadable);
        let Phase::Listing(listing) = &mut self.phase else {
            return Ok(());
        };
        for conversation in &page.session_list {
            self.tracks.observe(conversation, listing.floor);
        }
        match listing.handle_page(page) {
            Progress::More if listing.len() / ENDLESS > self.config.max_conversations => {
                return Err(DecodeError::new("data.has_more", &"the list does not end").into());
            }
            Progress::More => {}
            Progress::Done => {
                self.base_ts = self.base_ts.max(at_most_now(listing.newest, date));
                self.listed_from = listing.floor;
                self.pauses.list_read();
                self.begin_fetching();
            }
        }
        Ok(())
    }

    fn handle_messages(&mut self, id: ConversationId, page: MessagePage) -> Result<(), Error> {
        self.tell_unreadable(Some(id), &page.unreadable);
        let size = self.config.page_size;
        let Some(track) = self.tracks.get_mut(id) else {
            return Ok(());
        };
        let new_since = track.new_since;
        let age = |event: &Event| match event.timestamp() {
            UnixSeconds(0) => Age::Undated,
            timestamp if timestamp >= new_since => Age::New,
            _ => Age::History,
        };
        let is_new: Option<&dyn Fn(&Event) -> Age> = match track.cursor {
            Some(_) => None,
            None => Some(&age),
        };
        track.gap().handle_page(page, size, is_new).map_err(|_| {
            DecodeError::new(
                "data.has_more",
                &"there is said to be more, but no end moved",
            )
        })?;
        track.succeeded();
        let gap = track.gap();
        let asks_more = gap.ask().is_some();
        let is_ready = gap.is_ready();
        if is_ready && !self.ready.contains(&id) {
            self.ready.push_back(id);
        }
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
            if conversation.is_none() && self.unreadable.contains(&item.raw) {
                continue;
            }
            self.outbox.push_back(Output::Notice(Notice::Undecodable {
                conversation,
                raw: item.raw.clone(),
                reason: item.error.to_string(),
            }));
        }
        if conversation.is_none() && !items.is_empty() {
            self.unreadable = items.iter().map(|item| item.raw.clone()).collect();
        }
    }
}

/// A time of a conversation, as far as the server's own clock bears it out: one that lies
/// in the future would hide what arrives until then.
fn at_most_now(ts: UnixMicros, date: Option<UnixSeconds>) -> UnixMicros {
    match date {
        Some(date) => ts.min(date.to_micros()),
        None => ts,
    }
}
