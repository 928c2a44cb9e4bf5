//! The state of the poller, and every way from one state to another.

use std::collections::VecDeque;
use std::time::Duration;

use super::lists::Listing;
use super::{Output, Poller, Status, StatusChange};
use crate::error::Error;
use crate::ids::ConversationId;

/// The state of the poller. The [`Status`] that users see follows from it.
#[derive(Debug)]
pub(super) enum State {
    /// The first list is to be asked for: it is the baseline.
    Starting,
    /// A checkpoint is the baseline; who is logged in is to be asked.
    Resuming,
    /// Between two rounds.
    Idle,
    /// Reading what changed.
    Listing(Listing),
    /// Fetching what is new in the conversations that changed.
    Fetching(Fetching),
    /// Over; what is here may still be handed out.
    Ended(End),
}

/// The messages of a round.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    /// Conversations that are still to be asked for.
    pub(super) queue: VecDeque<ConversationId>,
    /// From then on the round asks for no more of them: the next one lists what came meanwhile.
    pub(super) until: Duration,
}

/// The end of a poller.
#[derive(Debug)]
pub(super) struct End {
    pub(super) result: Result<(), Error>,
    /// Whether messages that are here already are still handed out.
    pub(super) hand_out: bool,
    /// Whether the reason of an error was told.
    pub(super) told: bool,
    /// Whether it came before the baseline was taken.
    pub(super) before_baseline: bool,
}

impl End {
    /// The last words.
    pub(super) fn next_output(&mut self) -> Output {
        match &self.result {
            Err(error) if !self.told => {
                self.told = true;
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
            Self::Starting | Self::Resuming => Status::Init,
            Self::Idle | Self::Listing(_) | Self::Fetching(_) => Status::Connected,
            Self::Ended(End { result: Ok(()), .. }) => Status::Closed,
            Self::Ended(End { result: Err(_), .. }) => Status::Error,
        }
    }

    /// Whether it stands where the server had not said yet what is old.
    pub(super) const fn is_before_baseline(&self) -> bool {
        match self {
            Self::Starting => true,
            Self::Ended(end) => end.before_baseline,
            _ => false,
        }
    }
}

impl Poller {
    /// Goes to another state, and tells of the status where that changes.
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

    /// Ends it with an error; what is here is still handed out.
    pub(super) fn fail(&mut self, error: Error) {
        self.end(Err(error), true);
    }

    /// Ends it, unless it has ended before.
    pub(super) fn end(&mut self, result: Result<(), Error>, hand_out: bool) {
        if let State::Ended(end) = &mut self.state {
            end.hand_out &= hand_out;
            return;
        }
        self.in_flight.clear();
        let before_baseline = self.state.is_before_baseline();
        self.enter(State::Ended(End {
            result,
            hand_out,
            told: false,
            before_baseline,
        }));
    }

    /// Whether nothing is left to be fetched in this round, and nothing is on its way.
    pub(super) fn is_round_over(&self) -> bool {
        match &self.state {
            State::Fetching(fetching) => fetching.queue.is_empty() && self.in_flight.fetches() == 0,
            _ => false,
        }
    }

    /// Ends the round when nothing of it is left: a part of the lists that is due comes next, or
    /// a rest.
    pub(super) fn advance(&mut self) {
        if let State::Fetching(fetching) = &mut self.state
            && self.clock >= fetching.until
            && !self.in_flight.has_nav()
        {
            // What is left is still behind, and is fetched in the next round.
            fetching.queue.clear();
        }
        if !self.is_round_over() {
            return;
        }
        // The answer to a list that was broken off is not a page of the next one.
        let may_list = self.clock >= self.pauses.until() && !self.in_flight.has_list();
        let due = may_list.then(|| self.lists.next_due(self.clock)).flatten();
        if due.is_none() {
            self.pauses.round_ended();
        }
        self.enter(due.map_or(State::Idle, State::Listing));
    }
}
