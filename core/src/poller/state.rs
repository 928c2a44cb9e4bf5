//! The state of the poller, and every way from one state to another.

use std::collections::VecDeque;
use std::time::Duration;

use super::lists::Listing;
use super::{Output, Poller, Status, StatusChange};
use crate::error::Error;
use crate::ids::ConversationId;
use crate::list_walk::ListWalk;
use crate::time::Now;

/// The state of the poller. The [`Status`] that users see follows from it.
#[derive(Debug)]
pub(super) enum State {
    /// The first list is to be asked for: it is the baseline.
    Starting,
    /// The first list goes not far back; the rest of the baseline is being read.
    StartingList(ListWalk),
    /// A checkpoint is the baseline; nav is to be asked who is logged in.
    Resuming,
    /// Messages have their baseline; the feeds are waited for.
    StartingFeeds(StartingFeeds),
    /// The poller waits between two rounds.
    Idle,
    /// The changes are being read.
    Listing(Listing),
    /// The new messages of the conversations that changed are being fetched.
    Fetching(Fetching),
    /// The poller has ended; messages that are held may still be delivered.
    Ended(End),
}

/// The baseline of the feeds.
#[derive(Debug)]
pub(super) struct StartingFeeds {
    /// End of the wait: feeds that have no baseline by then begin at the server's time.
    pub(super) until: Duration,
    /// Set if a checkpoint is the baseline of the messages.
    pub(super) is_resumed: bool,
}

/// The messages of a round.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    /// Conversations that are still to be asked for.
    pub(super) queue: VecDeque<ConversationId>,
    /// End of the fetching of a round: later messages are left to the next round, which lists
    /// them.
    pub(super) until: Duration,
}

/// The end of a poller.
#[derive(Debug)]
pub(super) struct End {
    pub(super) result: Result<(), Error>,
    /// Set while messages that are held already are still delivered.
    pub(super) delivers_held: bool,
    /// Set once the reason of an error was reported.
    pub(super) is_reported: bool,
    /// Set if the poller ended before the baseline was taken.
    pub(super) before_baseline: bool,
}

impl End {
    /// Returns the last outputs: an error as a status, then the result.
    pub(super) fn next_output(&mut self) -> Output {
        match &self.result {
            Err(error) if !self.is_reported => {
                self.is_reported = true;
                Output::Status(StatusChange {
                    status: Status::Error,
                    reason: Some(error.clone()),
                })
            }
            result => Output::Finished(result.clone()),
        }
    }
}

impl State {
    pub(super) const fn status(&self) -> Status {
        match self {
            Self::Starting | Self::StartingList(_) | Self::Resuming | Self::StartingFeeds(_) => {
                Status::Init
            }
            Self::Idle | Self::Listing(_) | Self::Fetching(_) => Status::Connected,
            Self::Ended(End { result: Ok(()), .. }) => Status::Closed,
            Self::Ended(End { result: Err(_), .. }) => Status::Error,
        }
    }

    /// Returns whether the baseline is not taken yet.
    pub(super) const fn is_before_baseline(&self) -> bool {
        match self {
            Self::Starting | Self::StartingList(_) => true,
            Self::StartingFeeds(starting) => !starting.is_resumed,
            Self::Ended(end) => end.before_baseline,
            _ => false,
        }
    }
}

impl Poller {
    /// Goes to another state, and reports the status where that changes.
    pub(super) fn enter(&mut self, state: State) {
        let before = self.state.status();
        self.state = state;
        for status in before.way_to(self.state.status()) {
            self.outbox.push_back(Output::Status(StatusChange {
                status: *status,
                reason: None,
            }));
        }
    }

    /// Ends the reading of a list: messages come next.
    pub(super) fn take_listing(&mut self) -> Option<Listing> {
        let next = State::Fetching(Fetching::default());
        match std::mem::replace(&mut self.state, next) {
            State::Listing(listing) => Some(listing),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Ends the poller with an error; messages that are held are still delivered.
    pub(super) fn fail(&mut self, error: Error) {
        self.end(Err(error), true);
    }

    /// Ends the poller, unless it has ended before.
    pub(super) fn end(&mut self, result: Result<(), Error>, delivers_held: bool) {
        if let State::Ended(end) = &mut self.state {
            end.delivers_held &= delivers_held;
            return;
        }
        self.in_flight.clear();
        let before_baseline = self.state.is_before_baseline();
        self.enter(State::Ended(End {
            result,
            delivers_held,
            is_reported: false,
            before_baseline,
        }));
    }

    /// Returns whether nothing is left to be fetched in this round, and nothing is in flight.
    pub(super) fn is_round_over(&self) -> bool {
        match &self.state {
            State::Fetching(fetching) => fetching.queue.is_empty() && self.in_flight.fetches() == 0,
            _ => false,
        }
    }

    /// Ends the round when nothing of it is left: a part of the lists that is due comes next, or
    /// the wait for the next round.
    pub(super) fn advance(&mut self, now: Now) {
        if let State::StartingFeeds(starting) = &self.state {
            let is_over = self.clock >= starting.until;
            self.begin_feeds(now, is_over);
        }
        if let State::Fetching(fetching) = &mut self.state
            && self.clock >= fetching.until
            && self.account.nav_in_flight(self.clock).is_none()
        {
            // The rest is still behind, and is fetched in the next round; but a refusal of the
            // keys that a conversation waited for would count as the first one there.
            let conversations = &self.conversations;
            let signs_again = |id| conversations.get(id).is_some_and(|it| it.signs_again());
            fetching.queue.retain(|id| signs_again(*id));
        }
        if !self.is_round_over() {
            return;
        }
        // The answer to a list that was broken off is not a page of the next one.
        let may_list = self.clock >= self.pauses.until() && !self.in_flight.has_list();
        let due = may_list.then(|| self.lists.next_due(self.clock)).flatten();
        if due.is_none() {
            self.pauses.round_ended();
            self.schedule.round_ended();
            self.end_round_span(now);
        }
        self.enter(due.map_or(State::Idle, State::Listing));
    }
}
