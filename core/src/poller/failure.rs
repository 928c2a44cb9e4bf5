//! Consequences of a failure: a pause for all, a pause for one conversation, or the end.

use std::time::Duration;

use super::consequence::{Consequence, consequence};
use super::conversation::{ConversationState, Ended};
use super::in_flight::InFlight;
use super::pauses::{Cause, Refused, Source};
use super::state::State;
use super::{Poller, Warning};
use crate::error::{Error, ErrorClass, TransportErrorKind};
use crate::identity::{Generation, Refusal};
use crate::ids::ConversationId;
use crate::time::Now;

impl Poller {
    /// Acts on the failure of a request.
    pub(super) fn handle_failure(&mut self, now: Now, in_flight: &InFlight, error: Error) {
        let purpose = in_flight.purpose;
        match consequence(error.class(), purpose) {
            Consequence::End => self.fail(error),
            Consequence::Pause(cause) => {
                if cause == Cause::RiskControl && in_flight.is_unsigned_list() {
                    self.account.unsigned_list_refused(ErrorClass::RiskControl);
                }
                self.pause(now, in_flight.refused(cause), purpose.conversation(), error);
            }
            Consequence::SignList => self.handle_refused_list(now, in_flight, error),
            Consequence::RetryList => self.retry_list(now, error),
            Consequence::SignFetch(id) => self.handle_refused_fetch(now, id, in_flight, error),
            Consequence::EndConversation(id) => self.end_conversation(id, error),
            Consequence::RetryFetch(id, size) => self.retry_fetch(id, size, error),
            Consequence::PauseFeeds(call, sent, cause) => {
                self.pause_feeds(call, sent, cause, error)
            }
            Consequence::RetryFeed(call) => self.retry_feed(call, error),
        }
    }

    /// Stops all requests for a while, those of the user's calls as well. Answers to requests
    /// that are in flight may still come.
    pub(super) fn pause(
        &mut self,
        now: Now,
        refused: Refused,
        conversation: Option<ConversationId>,
        error: Error,
    ) {
        self.break_off(now, now.monotonic);
        if let Some(delay) = self.pauses.begin(self.clock, refused) {
            self.counters.pause(delay);
            self.warn(match refused.cause {
                Cause::Fault | Cause::Signature => Warning::Retry {
                    delay,
                    conversation,
                    error,
                },
                Cause::Throttled => Warning::Throttled {
                    delay,
                    conversation,
                    error,
                },
                Cause::RiskControl => Warning::RiskControl {
                    delay,
                    conversation,
                    error,
                },
            });
        }
    }

    /// Handles the refusal of a list, either for want of a signature or with one. Unless there is
    /// a pause, the list is asked for again at once.
    fn handle_refused_list(&mut self, now: Now, in_flight: &InFlight, error: Error) {
        let refusal = match in_flight.signed_with {
            None => {
                self.account.unsigned_list_refused(error.class());
                return;
            }
            Some(generation) => self.account.refuse(generation, now),
        };
        if refusal != Refusal::SignAgain {
            // After the pause the list is tried without a signature first.
            self.account.sign_lists(false);
            self.pause(now, in_flight.refused(Cause::Signature), None, error);
        }
    }

    /// Handles the refusal of a signature. New keys that are refused for two conversations, with
    /// none served between, mean a pause for all; refused for one, they concern that one alone.
    fn handle_refused_fetch(
        &mut self,
        now: Now,
        id: ConversationId,
        in_flight: &InFlight,
        error: Error,
    ) {
        let generation = in_flight.signed_with.unwrap_or_default();
        let refusal = self.account.refuse(generation, now);
        let is_paused = self.pauses.until() > self.clock;
        let mut signs_again = || {
            let sign_again = ConversationState::sign_again;
            self.conversations.update(id, sign_again) == Some(true)
        };
        match refusal {
            // The round is over. In the next one, the keys that come now are no longer fresh.
            Refusal::SignAgain if is_paused => {}
            Refusal::SignAgain if signs_again() => self.fetch_first(id),
            Refusal::Account if self.refused_to.is_some_and(|other| other != id) => {
                self.pause(now, in_flight.refused(Cause::Signature), None, error);
            }
            _ => {
                self.refused_to = Some(id);
                self.retry_conversation(id, error);
            }
        }
    }

    /// Notes that a signature was accepted.
    pub(super) fn accept(&mut self, generation: Option<Generation>) {
        if let Some(generation) = generation {
            self.account.accept(generation);
            self.pauses.signature_taken();
            self.refused_to = None;
        }
    }

    /// Puts the failed list off. Conversations that are known to be behind can still be fetched.
    fn retry_list(&mut self, now: Now, error: Error) {
        let delay = self.pauses.next(Cause::Fault, Source::Poll);
        self.warn(Warning::Retry {
            delay,
            conversation: None,
            error,
        });
        if let State::Starting | State::StartingList(_) = self.state {
            self.pauses.hold(self.clock, delay, Cause::Fault);
        } else {
            let due = self.clock.saturating_add(delay);
            self.schedule.put_off(due);
            self.lists.hold(due);
            self.break_off(now, due);
            self.begin_fetching();
        }
    }

    /// Ends the listing of this round. The rest of the list is owed, and read at `due`.
    fn break_off(&mut self, now: Now, due: Duration) {
        let latest = self.latest_now(now);
        if let State::Fetching(fetching) = &mut self.state {
            fetching.queue.clear();
        }
        if let Some(listing) = self.take_listing() {
            self.lists.interrupt(&listing, due, latest);
        }
    }

    /// Moves a conversation to the front of the round's queue.
    fn fetch_first(&mut self, id: ConversationId) {
        if let State::Fetching(fetching) = &mut self.state {
            fetching.queue.push_front(id);
        }
    }

    fn retry_fetch(&mut self, id: ConversationId, size: u32, error: Error) {
        let is_too_large = matches!(
            &error,
            Error::Transport(failed) if failed.kind == TransportErrorKind::BodyTooLarge
        );
        // A smaller page may do.
        let is_smaller =
            is_too_large && self.conversations.update(id, |it| it.shrink_page(size)) == Some(true);
        match is_smaller {
            true => self.fetch_first(id),
            false => self.retry_conversation(id, error),
        }
    }

    /// Handles the service's statement that a conversation is over.
    fn end_conversation(&mut self, id: ConversationId, error: Error) {
        match self.conversations.update(id, ConversationState::end) {
            None => {}
            Some(Ended::AskAgain { held, is_first }) => {
                if is_first {
                    self.warn(Warning::ConversationFailed {
                        conversation: id,
                        held,
                        error: error.clone(),
                    });
                }
                self.retry_conversation(id, error);
            }
            Some(Ended::Over(lost)) => {
                self.ready.push_back(id);
                self.warn(Warning::ConversationFailed {
                    conversation: id,
                    held: 0,
                    error,
                });
                self.warn_lost(id, lost);
            }
        }
    }

    fn retry_conversation(&mut self, id: ConversationId, error: Error) {
        let (clock, interval, rng) = (self.clock, self.config.interval, &mut self.pauses.rng);
        let failed =
            |state: &mut ConversationState| state.fail(clock, interval, error.class(), rng);
        let Some(delay) = self.conversations.update(id, failed) else {
            return;
        };
        self.warn(Warning::Retry {
            delay,
            conversation: Some(id),
            error,
        });
    }
}
